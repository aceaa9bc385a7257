"""Checks of a network's draws by the functions that they define.

Weights are not identifiable, and chains in different modes disagree without being wrong. The checks are therefore of
each chain: that its halves agree, that it moves, and that it predicts rows as well as the other chains.

Margins measured by ``benchmarks/verdict_rule.py`` and an earlier version of it, on held-out and on unseen rows:
in 20 healthy runs the R-hat of functions lies at 1.03 to 1.16 (accepted up to 1.3; 1.28 in a network of three times 16
units cut off before it had settled), their effective sample size above 390 (100), movement above 0.08 (1e-5; a frozen
chain 0), growth with draws below 0.005 nats (0.05) and with chains below 0.003 (0.1), and a chain falls at most 0.04
nats below the median one (0.1, and four standard errors; a lost chain 1e9 and more).
"""

from collections.abc import Iterable
from itertools import combinations

import arviz_stats as az
import numpy as np
import xarray as xr

from bayesgeo._arrays import log_mean_exp, spaced
from bayesgeo.diagnostics.base import Check, Status, graded, not_applicable
from bayesgeo.diagnostics.basics import finite
from bayesgeo.diagnostics.draws import rhat_within
from bayesgeo.inference.base import INDEPENDENT
from bayesgeo.inference.mclmc import dead_chains

# Draws of each chain: a split R-hat of four parts needs some in each; functions mix faster than single weights.
DRAWS_GOOD, DRAWS_BAD = 50, 20
RHAT_GOOD, RHAT_BAD = 1.3, 1.8  # of the halves of one chain
# Of all chains together: the posterior mean of a function is known to a tenth, or a fifth, of its deviation.
ESS_GOOD, ESS_BAD = 100, 25
POINTWISE = 0.9  # quantile over points: one noisy point does not decide, a tenth of them does
QUANTITIES = 50  # function values whose mixing is measured: more of them repeat each other
# Of a chain's deviation to that over points: float32 rounding is 1e-7, a posterior from 1e6 rows about 1e-3.
FROZEN = 1e-5
LOST = 1.0  # nats a row below the median chain
DRAWS_GROWTH = 0.05  # nats a row between half of the draws and all of them
CHAINS_GROWTH = 0.1  # nats a row between half of the chains and all of them
DIMS = ("chain", "draw", "point")
STACKING_STEPS = 500


def shape(tree: xr.DataTree) -> Iterable[Check]:
    """Check that the functions belong to the posterior's draws, and are finite."""
    functions, sizes = tree["functions"].to_dataset(), tree["posterior"].sizes
    named = {"expected", "log_density"} <= set(functions.data_vars)
    fits = (
        named
        and all(set(DIMS) <= set(functions[name].dims) for name in ("expected", "log_density"))
        and all(functions.sizes[dim] == sizes[dim] for dim in ("chain", "draw"))
        and functions.sizes["point"] > 0
    )
    if not fits:
        found = {str(name): dict(values.sizes) for name, values in functions.data_vars.items()}
        text = f"They are {found}, the draws {sizes['chain']} chains of {sizes['draw']}."
        yield Check("functions", "issue", np.nan, "expected and log_density of every draw", text)
        return
    broken = finite(functions)
    yield Check("functions", broken.status, broken.value, "all finite", broken.advice)


def checks(tree: xr.DataTree) -> Iterable[Check]:
    """Yield the checks of functions that :func:`shape` has passed."""
    functions = tree["functions"].to_dataset().transpose(*DIMS, ...)
    values = _values(functions)
    yield _moving(functions["expected"].values)
    yield _distinct(values)
    if tree.attrs.get("kind") in INDEPENDENT:
        for code in ("function_rhat", "function_ess"):
            yield not_applicable(code, "Draws of an approximation are independent.")
    else:
        yield from _mixing(_spaced(values))
    yield _agreement(_spaced(values))
    log_density = functions["log_density"].values.astype(float)
    yield _scores(log_mean_exp(log_density, 1))
    yield from _growth(log_density)


def _values(functions: xr.Dataset) -> np.ndarray:
    """Return all function values ``(chain, draw, quantity)``."""
    expected, log_density = (functions[name].values.astype(float) for name in ("expected", "log_density"))
    # The probability of the last class follows from the others.
    by_label = expected[..., :-1].reshape(*expected.shape[:2], -1) if expected.ndim > len(DIMS) else expected
    return np.concatenate([by_label, log_density], axis=2)


def _spaced(values: np.ndarray) -> np.ndarray:
    """Select a few evenly spaced quantities among those that vary; a constant probability has no mixing."""
    varying = np.flatnonzero((np.ptp(values, axis=1) > 0).any(axis=0))
    picked = spaced(len(varying), QUANTITIES)
    return values[..., varying[picked]]


def _moving(expected: np.ndarray) -> Check:
    """Check the largest movement of each chain at any point, relative to the variation of the function over points."""
    moved = expected.std(axis=1).reshape(len(expected), -1).max(axis=1)
    spread = expected.mean(axis=(0, 1)).std(axis=0).max()
    slowest = float((moved / (spread + moved)).min()) if spread + moved.max() > 0 else 0.0
    advice = "A chain does not move: its draws are one network. Fit again with another seed, or warm up longer."
    return Check("moving", "passed" if slowest > FROZEN else "issue", slowest, f"> {FROZEN}", advice)


def _distinct(values: np.ndarray) -> Check:
    """Count pairs of equal chains."""
    same = sum(np.array_equal(values[a], values[b]) for a, b in combinations(range(len(values)), 2))
    advice = "Chains are equal draw by draw, so they count as one. Fit again with another seed."
    return graded("distinct", same, 0.0, 0.0, advice, threshold="0 pairs of equal chains")


def _mixing(values: np.ndarray) -> Iterable[Check]:
    by_chain = rhat_within(values)
    worst = np.max([_quantile(chain) for chain in by_chain])
    more = "Raise max_steps, or make the network smaller."
    advice = f"The halves of a chain disagree about the function. {more}"
    yield graded("function_rhat", worst, RHAT_GOOD, RHAT_BAD, advice, threshold=f"<= {RHAT_GOOD}")
    sizes = np.where(np.isfinite(by_chain), _effective(values), 0.0).sum(axis=0)
    advice = f"The draws of each chain are strongly autocorrelated. {more}"
    ess = float(np.median(sizes)) if sizes.size else np.nan
    yield graded("function_ess", ess, ESS_GOOD, ESS_BAD, advice, threshold=f">= {ESS_GOOD} in all")


def _quantile(rhat: np.ndarray) -> float:
    """Return a high quantile over quantities that vary in a chain; NaN if none does."""
    varying = rhat[~np.isnan(rhat)]
    return float(np.quantile(varying, POINTWISE)) if varying.size else np.nan


def _effective(values: np.ndarray) -> np.ndarray:
    """Return the effective sample size of each chain alone, ``(chain, quantity)``."""
    alone = xr.DataArray(values[:, None], dims=("of", "chain", "draw", "quantity"))
    return np.asarray(az.ess(alone, method="bulk"))


def _agreement(values: np.ndarray) -> Check:
    with np.errstate(invalid="ignore", divide="ignore"):
        rhat = az.rhat(xr.DataArray(values, dims=("chain", "draw", "quantity")), method="rank").values
    reason = "Chains may be in different modes of a network, and then disagree legitimately."
    return not_applicable("chains_agree", reason, value=_quantile(rhat))


def _scores(scores: np.ndarray) -> Check:
    """Check how far the log score of the worst chain is below that of the median chain; ``(chain, point)``."""
    by_chain = ", ".join(f"{score:.3g}" for score in scores.mean(axis=1))
    weights = ", ".join(f"{weight:.2f}" for weight in stacking_weights(scores))
    advice = f"Log score of each chain: {by_chain}; stacking weights: {weights}. A chain far below has not converged."
    median = np.median(scores, axis=0)
    shortfall = (median - scores).mean(axis=1)
    dead = dead_chains(scores)
    status: Status = "issue" if (shortfall[dead] > LOST).any() else "tip" if dead.any() else "passed"
    return Check("chain_scores", status, float(shortfall.max()), "no chain far below the median chain", advice)


def stacking_weights(scores: np.ndarray) -> np.ndarray:
    r"""Return the stacking weights of the chains.

    They maximise :math:`\sum_i \log \sum_k w_k p_k(y_i)` (Yao et al. 2018, Bayesian Analysis 13:3) by expectation
    maximisation, which is stable for log densities of any size; ArviZ exponentiates them directly, and a diverged
    chain underflows.

    Parameters
    ----------
    scores : numpy.ndarray
        ``(chain, point)`` log density.

    Examples
    --------
    >>> stacking_weights(np.array([[0.0, 0.0, -3.0], [-3.0, -3.0, 0.0], [-1e5, -1e5, -1e5]])).round(2).tolist()
    [0.68, 0.32, 0.0]
    """
    density = np.exp(scores - scores.max(axis=0))
    weights = np.full(len(scores), 1 / len(scores))
    for _ in range(STACKING_STEPS):
        weights = weights * (density / (weights @ density)).mean(axis=1)
    return weights


def _growth(log_density: np.ndarray) -> Iterable[Check]:
    """Check whether more draws, or more chains, would still improve the score."""
    n_chains, n_draws = log_density.shape[:2]
    score = _score(log_density)
    draws = score - _score(log_density[:, : n_draws // 2])
    advice = "The later draws score better than the earlier ones: the chains had not converged. Raise max_steps."
    threshold = f"<= {DRAWS_GROWTH} nats a row"
    yield graded("score_growth_draws", draws, DRAWS_GROWTH, np.inf, advice, threshold=threshold)
    halves = log_density[: n_chains // 2], log_density[n_chains // 2 :]
    chains = score - np.mean([_score(half) for half in halves])
    advice = "Each chain improves the score, and more would improve it further. Use twice the chains."
    threshold = f"<= {CHAINS_GROWTH} nats a row"
    yield graded("score_growth_chains", chains, CHAINS_GROWTH, np.inf, advice, threshold=threshold)


def _score(log_density: np.ndarray) -> float:
    return float(log_mean_exp(log_density, (0, 1)).mean())
