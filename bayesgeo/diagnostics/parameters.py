"""Checks of identifiable parameters: that chains move, agree, and give enough draws."""

from collections.abc import Callable, Iterable
from itertools import combinations
from typing import Any

import arviz_stats as az
import numpy as np
import xarray as xr
from scipy import stats
from scipy.optimize import linear_sum_assignment

from bayesgeo._arrays import spaced
from bayesgeo.diagnostics.base import Check, counted, graded, quantities, rhat_within

RHAT_GOOD, RHAT_BAD = 1.01, 1.05
ESS_GOOD, ESS_BAD = 100, 50  # per chain
DRAWS_GOOD, DRAWS_BAD = 250, 100  # per chain
# Monte Carlo error in standard deviations of the posterior: what 100 and 25 independent draws leave of a mean, and 80
# and 20 of the ends of a 95 % interval of a normal posterior.
MEAN_GOOD, MEAN_BAD = 0.1, 0.2
QUANTILE_GOOD, QUANTILE_BAD = 0.3, 0.6
TAILS = (0.025, 0.975)
STUCK = 1e-3  # of the median chain's standard deviation
APART_GOOD, APART_BAD = 0.5, 1.0  # deviation of the chains' means, in standard deviations within a chain
# The worst of 240 healthy chains of 100 effective draws lies at 1.08 to 1.12, of 1,000 at 1.01; a trend over two
# deviations along a chain gives 1.2, over three 1.33, over four 1.6.
DRIFT_GOOD, DRIFT_BAD = 1.2, 1.5
# In standard errors of Fisher's z. The largest of 3,000 differences of independent draws is 3.0 to 3.6, of six logistic
# regressions by NUTS 1.5 to 3.7; a narrow ridge whose chains were mixed by parameter at 81. Those below a fifth do not
# matter.
DEPENDENCE_GOOD, DEPENDENCE_BAD, DEPENDENCE_LEAST = 6.0, 10.0, 0.2
PAIRED = 40  # quantities whose dependence is compared
COPIED = 0.01  # share of draws that two chains have in common
SAMPLED, DIGITS = 50, 6  # of every so many draws, to so many decimals, quantities are compared first


def checks(posterior: xr.Dataset) -> Iterable[Check]:
    """Yield the checks of Vehtari et al. (2021, Bayesian Analysis 16:2) and of broken chains, worst first."""
    names, values = _apart(*quantities(posterior))
    by_chain = rhat_within(values)
    yield _constant(names, values)
    yield _stuck(values)
    yield _distinct(values)
    yield _modes(names, values, by_chain)
    yield _swapped(names, values)
    sizes = {kind: _by_quantity(az.ess, values, method=kind) for kind in ("bulk", "tail")}
    yield _dependence(names, values, np.minimum(*sizes.values()))
    yield _drift(names, by_chain)
    more = "Draw more, or rescale the model, or use a stronger prior."
    advice = f"The chains disagree. {more}"
    rhat = _by_quantity(az.rhat, values, method="rank")
    yield _worst("rhat", names, rhat, good=RHAT_GOOD, bad=RHAT_BAD, advice=advice, threshold=f"<= {RHAT_GOOD}")
    n_chains = len(values)
    for kind, size in sizes.items():
        good = ESS_GOOD * n_chains
        advice = f"The draws are strongly autocorrelated. {more}"
        bad = ESS_BAD * n_chains
        yield _worst(f"ess_{kind}", names, size, good=good, bad=bad, advice=advice, threshold=f">= {good}")
    yield from _precision(names, values)


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


def _constant(names: list[str], values: np.ndarray) -> Check:
    constant = np.ptp(values, axis=(0, 1)) == 0
    advice = "A quantity that never varies was not sampled. Fit again, or leave it out of the posterior."
    found = [name for name, never in zip(names, constant, strict=True) if never]
    return counted("constant", found, "constant quantities", advice)


def _stuck(values: np.ndarray) -> Check:
    spread = values.std(axis=1)
    typical = np.median(spread, axis=0)
    stuck = ((spread < STUCK * typical) | ((spread == 0) & (typical == 0) & (values.std(axis=(0, 1)) > 0))).any(axis=1)
    advice = "A chain hardly moves while the others do. Fit again with another seed; raise target_accept."
    return counted("stuck", [f"chain {k}" for k in np.flatnonzero(stuck)], "chains that stand still", advice)


def _distinct(values: np.ndarray) -> Check:
    """Count pairs of chains that share draws, in any order; independent continuous draws never do."""
    varying = values[..., np.ptp(values, axis=(0, 1)) > 0]
    rows = [{draw.tobytes() for draw in chain} for chain in np.ascontiguousarray(varying)] if varying.size else []
    copied = [
        f"chains {a} and {b}"
        for a, b in combinations(range(len(rows)), 2)
        if len(rows[a] & rows[b]) > COPIED * min(len(rows[a]), len(rows[b]))
    ]
    advice = "Chains are equal draw by draw, so they count as one. Fit again with another seed."
    return counted("distinct", copied, "pairs of equal chains", advice)


def _modes(names: list[str], values: np.ndarray, by_chain: np.ndarray) -> Check:
    """Check how far apart the chains are, and report whether each is stationary."""
    means, within = values.mean(axis=1), values.std(axis=1).mean(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        apart = np.where(np.ptp(means, axis=0) > 0, means.std(axis=0) / within, 0.0)
    k = int(np.argmax(np.where(np.isfinite(apart), apart, 0.0)))
    settled = np.nanmax(by_chain[:, k], initial=1.0) <= DRIFT_GOOD
    where = ", ".join(f"{mean:.3g}" for mean in means[:, k])
    why = "each is stationary: the posterior has several modes" if settled else "not all of them are stationary"
    advice = (
        f"Means of {names[k]} by chain: {where}; {why}. Reparametrise the model to leave one mode, or warm up longer."
    )
    return graded("modes", float(apart[k]), APART_GOOD, APART_BAD, advice, threshold=f"<= {APART_GOOD} sd apart")


def _swapped(names: list[str], values: np.ndarray) -> Check:
    """Find chains that agree with the others once two or more of their quantities exchange names."""
    means, scale = values.mean(axis=1), np.median(values.std(axis=1), axis=0)
    found = []
    for k, mean in enumerate(means):
        others = np.median(np.delete(means, k, axis=0), axis=0)
        with np.errstate(invalid="ignore", divide="ignore"):
            away = np.flatnonzero(np.abs(mean - others) > APART_BAD * scale)
        if len(away) < 2:
            continue
        distance = np.abs(mean[away, None] - others[away]) / np.maximum(scale[away], np.finfo(float).tiny)
        rows, taken = linear_sum_assignment(np.minimum(distance, 1e6))
        if (distance[rows, taken] < APART_BAD).all() and (rows != taken).all():
            found.append(f"chain {k} ({', '.join(names[j] for j in away[:4])})")
    advice = "Quantities exchange their names between chains. Order them, or give them different priors."
    return counted("swapped", found, "chains with exchanged names", advice)


def _dependence(names: list[str], values: np.ndarray, size: np.ndarray) -> Check:
    """Compare the rank correlations of pairs of quantities between chains, in standard errors of Fisher's z."""
    varying = np.flatnonzero((np.ptp(values, axis=1) > 0).all(axis=0) & np.isfinite(size))
    picked = varying[spaced(len(varying), PAIRED)]
    advice = "Two quantities are correlated differently in one chain than in the rest: chains were mixed. Fit again."
    threshold = f"<= {DEPENDENCE_GOOD:g} standard errors"
    if len(picked) < 2 or len(values) < 2:
        return Check("dependence", "passed", 0.0, threshold, "There is no pair to compare.")
    ranks = stats.rankdata(values[..., picked].reshape(-1, len(picked)), axis=0).reshape(*values.shape[:2], -1)
    z = np.arctanh(np.clip([np.corrcoef(chain, rowvar=False) for chain in ranks], -0.9999, 0.9999))
    effective = np.clip(size[picked].min() / len(values), 4.0, values.shape[1])
    others = (z.sum(axis=0) - z) / (len(z) - 1)
    difference = np.abs(z - others)
    error = np.sqrt((1 + 1 / (len(z) - 1)) / max(effective - 3, 1.0))
    found = np.where(difference > DEPENDENCE_LEAST, difference / error, 0.0)
    chain, a, b = np.unravel_index(int(found.argmax()), found.shape)
    if found.max() > 0:
        advice = f"Chain {chain}, {names[picked[a]]} and {names[picked[b]]}. {advice}"
    return graded("dependence", float(found.max()), DEPENDENCE_GOOD, DEPENDENCE_BAD, advice, threshold=threshold)


def _drift(names: list[str], by_chain: np.ndarray) -> Check:
    known = np.isfinite(by_chain)
    if not known.any():
        return graded("drift", np.nan, DRIFT_GOOD, DRIFT_BAD, "", threshold=f"<= {DRIFT_GOOD}")
    chain, k = (int(j) for j in np.unravel_index(int(np.where(known, by_chain, 0.0).argmax()), by_chain.shape))
    advice = f"The parts of chain {chain} disagree about {names[k]}: it had not converged. Warm up longer."
    return graded("drift", float(by_chain[chain, k]), DRIFT_GOOD, DRIFT_BAD, advice, threshold=f"<= {DRIFT_GOOD}")


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
