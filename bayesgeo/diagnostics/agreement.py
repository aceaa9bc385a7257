"""Checks that chains agree about places, names and dependence, beyond R-hat."""

import numpy as np
from scipy import stats
from scipy.optimize import linear_sum_assignment

from bayesgeo._arrays import spaced
from bayesgeo.diagnostics.base import Check, counted, graded
from bayesgeo.diagnostics.draws import folded, ranks

APART_GOOD, APART_BAD = 0.5, 1.0  # deviation of the chains' means, in standard deviations within a chain
SETTLED = 1.2  # R-hat within a chain; see the check drift
# In standard errors of Fisher's z. The largest of 3,000 differences of independent draws is 3.0 to 3.6, of six logistic
# regressions by NUTS 1.5 to 3.7; a narrow ridge whose chains were mixed by parameter at 81. Those below a fifth do not
# matter.
DEPENDENCE_GOOD, DEPENDENCE_BAD, DEPENDENCE_LEAST = 6.0, 10.0, 0.2
RARE = 1e-3  # probability that the largest difference of a healthy posterior of many quantities lies beyond its limit
PAIRED = 1000  # quantities of which all pairs are compared
MOST = 0.9999  # correlation


def modes(names: list[str], values: np.ndarray, by_chain: np.ndarray) -> Check:
    """Check how far apart the chains are, and report whether each is stationary."""
    means, within = values.mean(axis=1), values.std(axis=1).mean(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        apart = np.where(np.ptp(means, axis=0) > 0, means.std(axis=0) / within, 0.0)
    k = int(np.argmax(np.where(np.isfinite(apart), apart, 0.0)))
    settled = np.nanmax(by_chain[:, k], initial=1.0) <= SETTLED
    where = ", ".join(f"{mean:.3g}" for mean in means[:, k])
    why = "each is stationary: the posterior has several modes" if settled else "not all of them are stationary"
    advice = (
        f"Means of {names[k]} by chain: {where}; {why}. Reparametrise the model to leave one mode, or warm up longer."
    )
    return graded("modes", float(apart[k]), APART_GOOD, APART_BAD, advice, threshold=f"<= {APART_GOOD} sd apart")


def swapped(names: list[str], values: np.ndarray) -> Check:
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


def dependence(names: list[str], values: np.ndarray, size: np.ndarray) -> Check:
    r"""Compare the rank correlations of all pairs of quantities between chains, in standard errors of Fisher's z.

    Correlated are the quantities themselves and their distances from the median, which see what bends. The variance of
    z of ranks is :math:`(1 + \rho^2 / 2) / (n - 3)` (Bonett & Wright 2000, Psychometrika 65:23) with the effective
    number of draws of the quantity of the pair that has fewer.
    """
    varying = np.flatnonzero((np.ptp(values, axis=1) > 0).all(axis=0) & np.isfinite(size))
    picked = varying[spaced(len(varying), PAIRED)]
    if len(picked) < 2 or len(values) < 2:
        threshold = f"<= {DEPENDENCE_GOOD:g} standard errors"
        return Check("dependence", "passed", 0.0, threshold, "There is no pair to compare.")
    good = max(DEPENDENCE_GOOD, float(stats.norm.isf(RARE / (4 * len(picked) ** 2 * len(values)))))
    largest, chain, pair = _most_different(values[..., picked], size[picked])
    a, b = (names[picked[k % len(picked)]] for k in pair)
    advice = "Two quantities depend on each other differently in one chain than in the rest: chains were mixed. "
    advice = f"{f'Chain {chain}, {a} and {b}. ' if largest else ''}{advice}Fit again."
    bad = max(DEPENDENCE_BAD, good)
    return graded("dependence", largest, good, bad, advice, threshold=f"<= {good:.3g} standard errors")


def _most_different(values: np.ndarray, size: np.ndarray) -> tuple[float, int, tuple[int, int]]:
    """Return the largest difference of a pair in one chain from the others, the chain, and the pair."""
    n_chains, n = values.shape[:2]
    z = np.stack([_dependences(chain) for chain in np.concatenate([values, folded(values)], axis=2)])
    effective = np.tile(np.clip(size / n_chains, 4.0, n), 2)
    fewer = np.maximum(np.minimum.outer(effective, effective) - 3, 1.0).astype(np.float32)
    total, worst = z.sum(axis=0), (0.0, 0, (0, 1))
    for chain in range(n_chains):
        others = (total - z[chain]) / (n_chains - 1)
        difference = np.abs(z[chain] - others)
        error = np.sqrt((1 + np.tanh(others) ** 2 / 2) * (1 + 1 / (n_chains - 1)) / fewer)
        found = np.where(difference > DEPENDENCE_LEAST, difference / error, 0.0)
        a, b = np.unravel_index(int(found.argmax()), found.shape)
        worst = max(worst, (float(found[a, b]), chain, (int(a), int(b))))
    return worst


def _dependences(chain: np.ndarray) -> np.ndarray:
    """Return Fisher's z of the rank correlations of one chain ``(draw, quantity)``, zero of each with itself.

    The second half of the quantities are distances of the first.
    """
    ordered = ranks(np.ascontiguousarray(chain.T))
    ordered = (ordered - ordered.mean(axis=1, keepdims=True)).astype(np.float32)
    norm = np.sqrt((ordered**2).sum(axis=1, keepdims=True))
    ordered /= np.where(norm > 0, norm, 1.0)
    z = np.arctanh(np.clip(ordered @ ordered.T, -MOST, MOST))
    k, half = np.arange(len(z)), len(z) // 2
    z[k, k] = z[k, k - half] = 0.0
    return z
