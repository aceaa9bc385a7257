"""What training rows say of dissimilarity: spread, mean distance, distance over the folds, and the threshold."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import xarray as xr
from scipy.spatial import cKDTree
from scipy.spatial.distance import cdist

from bayesgeo._arrays import BUDGET
from bayesgeo._check import invalid, shown

MOST = 20_000  # points whose pairs are all measured
TIE = 1e-12  # distances that differ by less, relatively, are equal: rounding decides nothing
Fold = tuple[np.ndarray, np.ndarray]


def spread(values: np.ndarray, weight: np.ndarray, names: Any = None) -> np.ndarray:
    """Return the standard deviation ``(feature,)`` of training features, one where the weight is zero.

    Raises
    ------
    InvalidInput
        If a feature with a weight has none.

    Examples
    --------
    >>> spread(np.array([[1.0, 5.0], [3.0, 5.0]]), np.array([1.0, 0.0])) ** 2
    array([2., 1.])
    """
    with np.errstate(over="ignore", invalid="ignore"):
        found = values.std(axis=0, ddof=1)
        # Rounding gives the same number, repeated, a small standard deviation; its range is exactly zero.
        usable = np.isfinite(found) & (found > 0) & (np.ptp(values, axis=0) > 0)
    if not usable[weight > 0].all():
        which = np.array(names or range(len(weight)), object)[(weight > 0) & ~usable]
        problem = "A feature with one value, or with values beyond 1e150, has no standard deviation."
        raise invalid("features", shown(which), problem, "Leave it out, or give it weight 0.")
    return np.where(weight > 0, found, 1.0)


def mean_distance(points: np.ndarray) -> float:
    """Return the mean Euclidean distance of all pairs of points ``(obs, feature)``.

    Of more than :data:`MOST` points, that many are drawn, the same every time. Nothing holds all pairs at once.

    Examples
    --------
    >>> mean_distance(np.array([[0.0], [1.0], [3.0]]))
    2.0
    """
    if len(points) > MOST:
        points = points[np.random.default_rng(0).choice(len(points), MOST, replace=False)]
    n, step = len(points), max(1, BUDGET // len(points))
    blocks = [(points[start : start + step], points[start + step :]) for start in range(0, n, step)]
    total = sum(cdist(block, block).sum() / 2 + cdist(block, after).sum() for block, after in blocks)
    return float(total / (n * (n - 1) / 2))


def held_out_distance(points: np.ndarray, folds: Any) -> np.ndarray:
    """Return the distance of each point to the nearest one that it was tested without; NaN where it never was.

    Parameters
    ----------
    points : numpy.ndarray
        ``(obs, feature)``.
    folds : optional
        ``(obs,)`` labels, or pairs of the positions of training and test rows; None leaves out one point at a time.

    Raises
    ------
    InvalidInput
        If there is one label only, a fold has no training rows, a position is out of range, or a row is tested twice or
        trains and tests at once.

    Examples
    --------
    >>> held_out_distance(np.array([[0.0], [1.0], [3.0]]), ["a", "a", "b"])
    array([3., 2., 2.])
    """
    if folds is None:
        return cKDTree(points).query(points, k=2)[0][:, 1]
    found = np.full(len(points), np.nan)
    for train, test in pairs(folds, len(points)):
        found[test] = cKDTree(points[train]).query(points[test])[0]
    return found


def threshold(training_dissimilarity: Any, rule: str = "whisker") -> float:
    """Return the largest dissimilarity inside the area, from that of the training rows, NaN left out.

    Examples
    --------
    >>> threshold([1.0, 2.0, 3.0, 4.0, 9.0])
    4.0
    >>> threshold([1.0, 2.0, 3.0, 4.0, 9.0], rule="fence")
    7.0
    """
    known = np.asarray(training_dissimilarity, float)
    known = known[~np.isnan(known)]
    low, high = np.quantile(known, [0.25, 0.75])
    fence = high + 1.5 * (high - low)
    # A value at the fence is no outlier, whatever rounding made of it.
    return float(known[known <= fence * (1 + TIE)].max() if rule == "whisker" else min(fence, known.max()))


def pairs(folds: Any, n: int) -> Iterator[Fold]:
    """Yield the positions of the training and the test rows of each fold of ``n`` rows.

    Examples
    --------
    >>> [(train.tolist(), test.tolist()) for train, test in pairs([0, 1, 0], 3)]
    [([1], [0, 2]), ([0, 2], [1])]
    """
    if not hasattr(folds, "__array__") and hasattr(folds, "__iter__"):
        folds = list(folds)
        if folds and all(isinstance(fold, tuple | list) and len(fold) == 2 for fold in folds):
            return _from_positions(folds, n)
    return _from_labels(np.asarray(folds), n)


def _from_labels(labels: np.ndarray, n: int) -> Iterator[Fold]:
    if labels.shape != (n,):
        raise invalid("folds", f"of shape {labels.shape}", f"There are {n} rows.", "Give one label for each, or pairs.")
    if xr.DataArray(labels).isnull().any():
        raise invalid("folds", "", "A label is missing.", "Give each row a fold.")
    kinds, codes = np.unique(labels.astype(str) if labels.dtype == object else labels, return_inverse=True)
    if len(kinds) == 1:
        raise invalid("folds", kinds.tolist(), "All rows are in one fold.", "Give at least two folds.")
    return ((np.flatnonzero(codes != code), np.flatnonzero(codes == code)) for code in range(len(kinds)))


def _from_positions(folds: list[Any], n: int) -> Iterator[Fold]:
    found = [(_positions(train, n), _positions(test, n)) for train, test in folds]
    times = np.bincount(np.concatenate([test for _, test in found]), minlength=n)
    if times.max() > 1:
        raise invalid("folds", "", f"Rows {shown(np.flatnonzero(times > 1))} are tested more than once.")
    for number, (train, test) in enumerate(found):
        if not train.size or not test.size:
            raise invalid("fold", number, "It has no training rows or no test rows.", "Leave it out.")
        if np.intersect1d(train, test).size:
            raise invalid("fold", number, "Rows are in training and in test.", "Keep them apart.")
    return iter(found)


def _positions(rows: Any, n: int) -> np.ndarray:
    rows = np.asarray(rows)
    if rows.size and (rows.ndim != 1 or rows.dtype.kind not in "iu" or rows.min() < 0 or rows.max() >= n):
        raise invalid("folds", "", f"Rows must be positions from 0 to {n - 1}.", "Give pairs of (training, test) rows.")
    return rows.astype(int)
