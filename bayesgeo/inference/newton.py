"""The maximum of a function of a few values, and its curvature there, by Newton steps on finite differences."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

STEP = 3e-3  # of the differences: for values whose scale is about one
LONGEST = 2.0  # step of each value
FLAT = 1e-4  # least curvature that a step is divided by
MOST_STEPS, MOST_HALVINGS = 100, 30
Function = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True, eq=False)
class Peak:
    """A maximum.

    Parameters
    ----------
    at : numpy.ndarray
        ``(d,)`` where.
    value : float
        The function there.
    curvature : numpy.ndarray
        ``(d, d)`` negative second derivatives.
    """

    at: np.ndarray
    value: float
    curvature: np.ndarray


def maximise(function: Function, start: np.ndarray, *, tolerance: float = 1e-5, within: Function | None = None) -> Peak:
    """Climb from ``start (d,)`` to a maximum of a smooth function of points ``(n, d)``.

    Parameters
    ----------
    function : callable
        Maps points ``(n, d)`` to values ``(n,)``; NaN where there is none.
    start : numpy.ndarray
        ``(d,)``; the function must have a value there.
    tolerance : float
        The climb ends when a step promises to gain less.
    within : callable, optional
        Maps a point ``(d,)`` to where the climb goes instead: into the range of what is allowed.

    Examples
    --------
    >>> peak = maximise(lambda points: -np.sum((points - [1.0, 2.0]) ** 2, axis=1), np.zeros(2))
    >>> peak.at.round(6).tolist(), np.diag(peak.curvature).round(3).tolist()
    ([1.0, 2.0], [2.0, 2.0])
    """
    at = np.asarray(start, dtype=float)
    for _ in range(MOST_STEPS):
        value, slope, curvature = _differences(function, at)
        values, vectors = np.linalg.eigh(curvature)
        step = vectors @ ((vectors.T @ slope) / np.maximum(np.abs(values), FLAT))
        step *= min(1.0, LONGEST / max(float(np.abs(step).max()), 1e-300))
        if within is not None:
            step = within(at + step) - at
        if slope @ step < tolerance:
            # So near that the step leads to the maximum up to far less.
            return Peak(at + step, value, curvature)
        length = _length(function, at, step, value)
        if not length:
            break
        at = at + length * step
    return Peak(at, value, curvature)


def _differences(function: Function, at: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
    """Return value, first derivatives and negative second derivatives at a point."""
    d = len(at)
    i, j = np.triu_indices(d, 1)
    unit = np.eye(d)
    found = function(at + STEP * np.concatenate([np.zeros((1, d)), unit, -unit, unit[i] + unit[j]]))
    value, ahead, behind, both = np.split(found, np.cumsum([1, d, d]))
    curvature = np.diag(2 * value - ahead - behind)
    curvature[i, j] = curvature[j, i] = ahead[i] + ahead[j] - both - value
    return float(value[0]), (ahead - behind) / (2 * STEP), curvature / STEP**2


def _length(function: Function, at: np.ndarray, step: np.ndarray, value: float) -> float:
    """Return the share of a step that climbs; zero if none does."""
    share = 1.0
    for _ in range(MOST_HALVINGS):
        if function((at + share * step)[None])[0] > value:
            return share
        share /= 2
    return 0.0
