"""Checks that chains are their own, and that draws are more than a few values shown again and again."""

from collections.abc import Iterable
from itertools import combinations

import numpy as np
from scipy import stats

from bayesgeo._arrays import spaced
from bayesgeo.diagnostics.base import Check, counted, graded

SHARED = 0.01  # share of draws that two chains have in common
COMPARED = 500  # quantities whose chains are compared at every lag
# A chain that was copied with noise as large as its own spread, or half of it without, is correlated by .5 or more.
RESEMBLING = 0.3
RARE = 1e-4  # probability that the largest correlation of a healthy posterior lies beyond its limit
REPEATED_GOOD = 0.05  # share of draws equal to an earlier one of the chain; chance gives none
ATOMS = 5  # values that a continuous quantity may take again and again, such as a bound


def continuous(values: np.ndarray) -> np.ndarray:
    """Return which quantities do not lie on a regular grid, as counts, classes and rounded numbers do.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> draws = np.stack([rng.normal(size=(2, 300)), rng.poisson(3.0, (2, 300)), rng.normal(size=(2, 300)).round(2)])
    >>> continuous(np.moveaxis(draws, 0, 2)).tolist()
    [True, False, False]
    """
    flat = np.sort(values.reshape(-1, values.shape[2]), axis=0)
    repeats = (np.diff(flat, axis=0) == 0).any(axis=0)
    return np.array([not (again and _on_grid(column)) for again, column in zip(repeats, flat.T, strict=True)])


def _on_grid(ordered: np.ndarray) -> bool:
    """Return whether all gaps are whole multiples of the smallest one, up to rounding."""
    gaps = np.diff(np.unique(ordered))
    if len(gaps) < 2:
        return True
    steps = gaps / gaps.min()
    single = np.array_equal(ordered, ordered.astype(np.float32))
    rounding = 2 * np.finfo(np.float32 if single else float).eps * np.abs(ordered).max() / gaps.min() * steps
    # How far a gap is from a whole number of steps cannot be told where rounding is of their size.
    return bool((np.abs(steps - np.rint(steps)) <= 0.02 + rounding)[rounding < 0.2].all())


def distinct(values: np.ndarray, own: np.ndarray) -> Check:
    """Find pairs of chains that share draws in any order, or follow each other, mirrored, shifted or reversed.

    Independent draws of the continuous quantities ``own`` are never equal; the correlations of independent chains at
    all lags scatter about zero.
    """
    shared = _sharing(values[..., own])
    alike = [pair for pair in _resembling(values) if pair not in shared]
    found = [f"chains {a} and {b}" for a, b in (*shared, *alike)]
    advice = "Chains are equal draw by draw, or one follows the other, so they count as one. Fit again, another seed."
    return counted("distinct", found, "pairs of equal chains", advice)


def _sharing(values: np.ndarray) -> list[tuple[int, int]]:
    varying = values[..., np.ptp(values, axis=(0, 1)) > 0]
    rows = [{draw.tobytes() for draw in chain} for chain in np.ascontiguousarray(varying)] if varying.size else []
    pairs = combinations(range(len(rows)), 2)
    return [(a, b) for a, b in pairs if len(rows[a] & rows[b]) > SHARED * min(len(rows[a]), len(rows[b]))]


def _resembling(values: np.ndarray) -> Iterable[tuple[int, int]]:
    """Yield pairs of chains one of whose quantities is correlated with itself at some lag, far beyond all others."""
    n_chains, n = values.shape[:2]
    picked = values[..., spaced(values.shape[2], COMPARED)]
    low, center, high = np.quantile(picked, [0.25, 0.5, 0.75], axis=(0, 1))
    # Bounded, so that two far draws that meet at one lag do not decide.
    z = np.arctan((picked - center) / np.where(high > low, high - low, 1.0))
    z -= z.mean(axis=1, keepdims=True)
    norm = np.sqrt((z**2).sum(axis=1, keepdims=True))
    spectra = np.fft.rfft(z / np.where(norm > 0, norm, 1.0), 2 * n, axis=1)
    pairs = list(combinations(range(n_chains), 2))
    beyond = stats.norm.isf(RARE / (8 * n * picked.shape[2] * max(len(pairs), 1)))
    for a, b in pairs:
        for other in (spectra[b].conj(), spectra[b]):  # forward, and reversed in time
            correlation = np.abs(np.fft.irfft(spectra[a] * other, axis=0))
            # Half of all lags' mean square, as fewer draws meet at a longer lag.
            noise = np.sqrt(2 * (correlation**2).mean(axis=0))
            if (correlation.max(axis=0) > np.maximum(beyond * noise, RESEMBLING)).any():
                yield a, b
                break


def resampled(names: list[str], values: np.ndarray, own: np.ndarray) -> Check:
    """Find the largest share of draws of a chain that equal an earlier draw, the one just before left aside.

    A chain that rejects a proposal stays where it is, but never comes back to the very value of a continuous quantity.
    """
    share = np.zeros(values.shape[2])
    again = (np.diff(np.sort(values, axis=1), axis=1) == 0).any(axis=(0, 1))
    for k in np.flatnonzero(own & again).tolist():
        share[k] = max(_share_again(chain) for chain in values[..., k])
    most = int(share.argmax())
    advice = (
        f"Most: {names[most]}. The draws are few values shown again, as resampling does: far fewer than they seem. "
    )
    advice += "Draw anew."
    return graded(
        "resampled", float(share[most]), REPEATED_GOOD, 0.5, advice, threshold=f"<= {REPEATED_GOOD:g} of the draws"
    )


def _share_again(chain: np.ndarray) -> float:
    visits = chain[np.append(True, chain[1:] != chain[:-1])]
    _, count = np.unique(visits, return_counts=True)
    again = np.sort(count - 1)
    atoms = ATOMS if len(count) > 2 * ATOMS else 0
    return float(again[: len(again) - atoms].sum() / len(visits))
