"""Checks of identifiable parameters: that chains move, agree, and give enough draws."""

from collections.abc import Callable, Iterable
from typing import Any

import arviz_stats as az
import numpy as np
import xarray as xr
from arviz_stats.base import array_stats
from scipy import stats

from bayesgeo.diagnostics import agreement, copies, draws, movement
from bayesgeo.diagnostics.base import Check, graded

RHAT_GOOD, RHAT_BAD = 1.01, 1.05
RARE = 0.01  # probability that the largest R-hat of a healthy posterior lies beyond its limit
ESS_GOOD, ESS_BAD = 100, 50  # per chain
DRAWS_GOOD, DRAWS_BAD = 250, 100  # per chain
# Monte Carlo error in standard deviations of the posterior: what 100 and 25 independent draws leave of a mean, and 80
# and 20 of the ends of a 95 % interval of a normal posterior.
MEAN_GOOD, MEAN_BAD = 0.1, 0.2
QUANTILE_GOOD, QUANTILE_BAD = 0.3, 0.6
TAILS = (0.025, 0.975)
# The worst of 240 healthy chains of 100 effective draws lies at 1.08 to 1.12, of 1,000 at 1.01; a trend over two
# deviations along a chain gives 1.2, over three 1.33, over four 1.6.
DRIFT_GOOD, DRIFT_BAD = 1.2, 1.5
# Vehtari et al. (2024, JMLR 25:72): beyond, no number of draws makes a mean stable. Student's t with three degrees of
# freedom has 1/3, Cauchy's distribution 1.
MOMENTS_GOOD = 0.7
# A tail is fitted if its farthest draw lies beyond so many times its 5 % quantile, both from the median: normal draws
# reach 2, exponential ones 3, those with k above 0.7 ten and more.
FAR = 4.0
MORE = "Draw more, or rescale the model, or use a stronger prior."
SAMPLED, DIGITS = 50, 6  # of every so many draws, to so many decimals, quantities are compared first


def checks(posterior: xr.Dataset) -> Iterable[Check]:
    """Yield the checks of Vehtari et al. (2021, Bayesian Analysis 16:2) and of broken chains, worst first."""
    names, values = _sampled(posterior)
    if not names:
        return
    by_chain = draws.rhat_within(values)
    own = copies.continuous(values)
    yield movement.constant(names, values)
    yield movement.stuck(values)
    yield _of_the_continuous(movement.frozen, names, values, own)
    yield copies.distinct(values, own)
    yield copies.resampled(names, values, own)
    yield agreement.modes(names, values, by_chain)
    yield agreement.swapped(names, values)
    sizes = {kind: _by_quantity(az.ess, values, method=kind) for kind in ("bulk", "tail")}
    parts = values, draws.folded(values)
    effective = np.min([draws.effective_within(part) for part in parts], axis=0)
    yield agreement.dependence(names, values, np.minimum.reduce([*sizes.values(), effective]))
    yield _drift(names, by_chain)
    yield _agreement(names, values, effective)
    yield from _sizes(names, sizes, len(values))
    yield from _precision(names, values)
    yield _moments(names, values, sizes["tail"])


def _sampled(posterior: xr.Dataset) -> tuple[list[str], np.ndarray]:
    """Return the quantities that are not constant by definition, and are no linear functions of another one."""
    names, values = draws.quantities(posterior)
    own = np.flatnonzero(~draws.given(posterior))
    return _apart([names[k] for k in own], values[..., own])


def _of_the_continuous(
    check: Callable[[list[str], np.ndarray], Check], names: list[str], values: np.ndarray, own: np.ndarray
) -> Check:
    """Ask of the continuous quantities, if there are any: counts and classes may stay where they are for long."""
    kept = np.flatnonzero(own) if own.any() else np.arange(len(names))
    return check([names[k] for k in kept], values[..., kept])


def _apart(names: list[str], values: np.ndarray) -> tuple[list[str], np.ndarray]:
    """Leave out quantities that are linear functions of another one: their checks would agree."""
    spread = values.std(axis=(0, 1))
    z = (values - values.mean(axis=(0, 1))) / np.where(spread > 0, spread, 1.0)
    last: dict[bytes, int] = {}
    for k in range(len(names) - 1, -1, -1):
        key = (z[:, ::SAMPLED, k].round(DIGITS) + 0.0).tobytes() if spread[k] else names[k].encode()
        twin = last.setdefault(key, k)
        if np.abs(z[..., k] - z[..., twin]).max() > 10.0**-DIGITS:
            last[names[k].encode()] = k
    kept = sorted(last.values())
    return [names[k] for k in kept], values[..., kept]


def _by_quantity(statistic: Callable[..., Any], values: np.ndarray, **settings: Any) -> np.ndarray:
    """Return a statistic ``(quantity,)``; NaN where it cannot be computed."""
    draws = xr.DataArray(values, dims=("chain", "draw", "quantity"))
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(statistic(draws, **settings))


def _worst(
    code: str, names: list[str], found: np.ndarray, *, good: float, bad: float, advice: str, threshold: str
) -> Check:
    """Grade the worst of all quantities and name it; NaN, which sorts last, is the worst of all."""
    order = np.argsort(-found if good > bad else found)
    worst = int(order[-1])
    return graded(code, float(found[worst]), good, bad, f"Worst: {names[worst]}. {advice}", threshold=threshold)


def _drift(names: list[str], by_chain: np.ndarray) -> Check:
    known = np.isfinite(by_chain)
    if not known.any():
        return graded("drift", np.nan, DRIFT_GOOD, DRIFT_BAD, "", threshold=f"<= {DRIFT_GOOD}")
    chain, k = (int(j) for j in np.unravel_index(int(np.where(known, by_chain, 0.0).argmax()), by_chain.shape))
    advice = f"The parts of chain {chain} disagree about {names[k]}: it had not converged. Warm up longer."
    return graded("drift", float(by_chain[chain, k]), DRIFT_GOOD, DRIFT_BAD, advice, threshold=f"<= {DRIFT_GOOD}")


def _agreement(names: list[str], values: np.ndarray, effective: np.ndarray) -> Check:
    r"""Grade R-hat against what the largest of many healthy ones reaches by chance.

    With :math:`m` half chains of :math:`e` effective draws in all, :math:`1 + (\hat R^2 - 1) e / m` of a healthy
    quantity is a mean of squares, :math:`\chi^2_{m-1} / (m - 1)`. Of :math:`q` quantities, each measured by ranks and
    by distances from the median, the largest of :math:`2q` counts; ``effective`` is that of the slower of the two, as
    antithetic draws alternate and their distances do not. With 1,000 effective draws of four chains, four quantities
    stay below 1.01, a thousand below 1.017.
    """
    found = draws.rhat(values)
    halves = 2 * len(values)
    largest = stats.chi2.isf(RARE / (2 * len(names)), halves - 1) / (halves - 1)
    limit = np.clip(np.sqrt(1 + (largest - 1) * halves / effective), RHAT_GOOD, RHAT_BAD)
    worst = int(np.argmax(np.where(np.isfinite(found), (found - 1) / (limit - 1), np.inf)))
    good = float(limit[worst])
    advice = f"Worst: {names[worst]}. The chains disagree. {MORE}"
    return graded("rhat", float(found[worst]), good, RHAT_BAD, advice, threshold=f"<= {good:.3g}")


def _sizes(names: list[str], sizes: dict[str, np.ndarray], n_chains: int) -> Iterable[Check]:
    """Yield the effective sample sizes."""
    good, bad = ESS_GOOD * n_chains, ESS_BAD * n_chains
    advice = f"The draws are strongly autocorrelated. {MORE}"
    for kind, size in sizes.items():
        yield _worst(f"ess_{kind}", names, size, good=good, bad=bad, advice=advice, threshold=f">= {good}")


def _precision(names: list[str], values: np.ndarray) -> Iterable[Check]:
    """Yield the Monte Carlo errors of means and interval ends, in standard deviations of the posterior."""
    with np.errstate(invalid="ignore", divide="ignore"):
        sd = values.std(axis=(0, 1))
        mean = _by_quantity(az.mcse, values, method="mean") / sd
        ends = np.max([_by_quantity(az.mcse, values, method="quantile", prob=prob) / sd for prob in TAILS], axis=0)
    advice = "The Monte Carlo error affects the first digit. Draw more."
    wanted = f"<= {MEAN_GOOD} sd"
    yield _worst("mcse_mean", names, mean, good=MEAN_GOOD, bad=MEAN_BAD, advice=advice, threshold=wanted)
    wanted = f"<= {QUANTILE_GOOD} sd"
    yield _worst("mcse_quantile", names, ends, good=QUANTILE_GOOD, bad=QUANTILE_BAD, advice=advice, threshold=wanted)


def _moments(names: list[str], values: np.ndarray, size: np.ndarray) -> Check:
    """Grade the Pareto shape of the heavier tail of each quantity; those whose tails are light need no fit."""
    low, center, high = np.quantile(values, [0.05, 0.5, 0.95], axis=(0, 1))
    reach = [np.abs(end - center) for end in (low, high, values.min(axis=(0, 1)), values.max(axis=(0, 1)))]
    heavy = np.flatnonzero((reach[2] > FAR * reach[0]) | (reach[3] > FAR * reach[1]))
    share = np.clip(size / values[..., 0].size, 0.01, 1.0)
    shape = np.full(len(names), -np.inf)
    shape[heavy] = [_shape(values[..., k], float(share[k])) for k in heavy]
    k = int(shape.argmax())
    advice = f"Worst: {names[k]}. Its mean and deviation do not exist, or no number of draws settles them. Report "
    advice += "medians and intervals, or use a prior with lighter tails."
    found = max(float(shape[k]), 0.0)
    return graded("moments", found, MOMENTS_GOOD, np.inf, advice, threshold=f"Pareto k <= {MOMENTS_GOOD}")


def _shape(values: np.ndarray, share: float) -> float:
    """Return the Pareto shape of the heavier tail; minus infinity where most of a tail is one value."""
    found = float(array_stats.pareto_khat(values, r_eff=share if np.isfinite(share) else 1.0))
    return found if np.isfinite(found) else -np.inf
