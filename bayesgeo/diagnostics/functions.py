"""Checks of a network's draws by the functions that they define.

Weights are not identifiable, and chains in different modes disagree without being wrong. Asked is therefore what a
longer run would change: whether each chain moves and predicts rows as well as the others, how well all together know
the predictive mean, and what more chains or draws would add to the score.

``benchmarks/verdict_study.py`` pairs 115 fits of 31 cases with runs of four times their steps. The verdict on a fit
of at least three blocks of warm-up is doubtful, by the functions of 100 unseen rows, in 27 of 30 whose longer run
scores new rows better by more than .005 nats, in all 18 whose predictive means move by more than .3 of their
posterior deviation, and in 9 of 53 where neither is so (4 of the 44 that score the same within .005, three of them
cut off in the first 2,000 steps). Limits were set on 20 of the cases; on the 11 others the counts are 11 of 12, 7 of
7, 1 of 18 and 0 of 14. By the rows held out while chains warm up, which sampling then uses, 20 of 30, 15 of 18, 12 of
53 and 6 of 44: judge on new rows. The rule before, with R-hat of single chains up to 1.3, called 20 of the 53
doubtful, and 28 of the 30.

Areas under the curve of a better score, on unseen rows: .84 for growth with chains, .79 for the error of the mean,
.72 for the growth of the warm-up, .72 for the R-hat of single chains (.62 on held-out rows), .65 for that of the log
posterior, .64 for growth with draws. The three missed gain .007 to .014 nats; on the rows held out, one that gains
.20 is missed too.
"""

from collections.abc import Iterable
from itertools import combinations

import arviz_stats as az
import numpy as np
import xarray as xr

from bayesgeo._arrays import log_mean_exp, spaced
from bayesgeo.diagnostics.base import Check, Status, graded, not_applicable
from bayesgeo.diagnostics.basics import finite
from bayesgeo.inference.base import INDEPENDENT
from bayesgeo.inference.mclmc import dead_chains

# Draws of each chain: functions mix faster than single weights.
DRAWS_GOOD, DRAWS_BAD = 50, 20
ERROR_GOOD = 0.2  # of the posterior deviation: as well as 25 independent draws know the mean
POINTWISE = 0.9  # quantile over points: one noisy point does not decide, a tenth of them does
QUANTITIES = 50  # function values whose agreement is measured: more of them repeat each other
# Of a chain's deviation to that over points: float32 rounding is 1e-7, a posterior from 1e6 rows about 1e-3.
FROZEN = 1e-5
LOST = 1.0  # nats a row below the median chain
DRAWS_GROWTH = 0.05  # nats a row between half of the draws and all of them
# Nats a row between half of the chains and all of them. The loss from finitely many falls as one over their number, so
# that this growth is also what is left to gain.
CHAINS_GROWTH = 0.005
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
        yield not_applicable("function_error", "Draws of an approximation are independent.")
    else:
        yield _error(_free(functions["expected"].values.astype(float)), _origins(tree))
    yield _agreement(_spaced(values))
    log_density = functions["log_density"].values.astype(float)
    yield _scores(log_mean_exp(log_density, 1))
    yield from _growth(log_density)


def _values(functions: xr.Dataset) -> np.ndarray:
    """Return all function values ``(chain, draw, quantity)``."""
    expected, log_density = (functions[name].values.astype(float) for name in ("expected", "log_density"))
    return np.concatenate([_free(expected), log_density], axis=2)


def _free(expected: np.ndarray) -> np.ndarray:
    """Return the expectations ``(chain, draw, quantity)``; the probability of the last class follows from others."""
    return expected[..., :-1].reshape(*expected.shape[:2], -1) if expected.ndim > len(DIMS) else expected


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


def _origins(tree: xr.DataTree) -> np.ndarray:
    """Return the chain that each descends from, where some were copied after the warm-up."""
    statistics = tree["sample_stats"].to_dataset() if "sample_stats" in tree.children else xr.Dataset()
    return statistics["origin"].values if "origin" in statistics else np.arange(tree["posterior"].sizes["chain"])


def _error(expected: np.ndarray, origin: np.ndarray) -> Check:
    r"""Check the Monte Carlo error of the posterior means of the function, over their deviation.

    Of chains whose means at point :math:`x` scatter by :math:`s_b(x)`, where all draws scatter by :math:`s(x)`:
    :math:`\sqrt{\sum_k w_k^2} \sum_x s_b(x) / \sum_x s(x)`, with a share :math:`w_k = 1 / C` of each of :math:`C`
    chains. Copies of one chain count as one, with the share of all of them. A chain that mixes well and one that stays
    in its mode count alike: the error is that of the answer of all chains together.
    """
    of, counts = np.unique(origin, return_inverse=True, return_counts=True)[1:]
    means = np.stack([expected[of == k].mean(axis=(0, 1)) for k in range(len(counts))])
    between = means.std(axis=0, ddof=1) if len(means) > 1 else np.full(expected.shape[2:], np.nan)
    known = np.sqrt(np.sum((counts / counts.sum()) ** 2))
    deviation = expected.std(axis=(0, 1)).sum()
    error = float(known * between.sum() / deviation) if deviation > 0 else np.nan
    advice = "Another run would predict other means. Use twice the chains, or raise max_steps."
    wanted = f"<= {ERROR_GOOD} of the posterior deviation"
    return graded("function_error", error, ERROR_GOOD, np.inf, advice, threshold=wanted)


def _agreement(values: np.ndarray) -> Check:
    with np.errstate(invalid="ignore", divide="ignore"):
        rhat = az.rhat(xr.DataArray(values, dims=("chain", "draw", "quantity")), method="rank").values
    reason = "Chains may be in different modes of a network, and then disagree legitimately."
    varying = rhat[~np.isnan(rhat)]
    value = float(np.quantile(varying, POINTWISE)) if varying.size else np.nan
    return not_applicable("chains_agree", reason, value=value)


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
    advice = "Chains predict better together than alone; more would still. Raise max_steps, or use twice the chains."
    threshold = f"<= {CHAINS_GROWTH} nats a row"
    yield graded("score_growth_chains", chains, CHAINS_GROWTH, np.inf, advice, threshold=threshold)


def _score(log_density: np.ndarray) -> float:
    return float(log_mean_exp(log_density, (0, 1)).mean())
