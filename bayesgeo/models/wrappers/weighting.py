"""Which rows set aside count for a new one: all, those nearest to it, or each group as one."""

from collections.abc import Mapping

import numpy as np
from scipy.spatial import KDTree

from bayesgeo._arrays import BUDGET
from bayesgeo._check import invalid
from bayesgeo.metrics.spatial import points
from bayesgeo.models.rows import Rows

WEIGHTINGS = ("none", "distance", "group")
MAPS = (("longitude", "latitude"), ("easting", "northing"), ("x", "y"))


def group_weights(rows: Rows) -> np.ndarray:
    """Return weights ``(obs,)`` that add up to one in each group of the first key.

    Raises
    ------
    InvalidInput
        If the rows have no groups.

    Examples
    --------
    >>> group_weights(Rows(np.zeros((3, 1)), np.arange(3), {"well": np.array(["a", "a", "b"])})).tolist()
    [0.5, 0.5, 1.0]
    """
    if rows.group is None:
        raise invalid("weighting", "group", "The rows have no groups.", "Give groups to fit, or weighting='none'.")
    codes = np.unique(rows.group.astype(str), return_inverse=True)[1]
    return 1.0 / np.bincount(codes)[codes]


def on_map(coordinates: Mapping[str, np.ndarray]) -> np.ndarray:
    """Return points ``(obs, dimension)`` of the coordinates of rows.

    Raises
    ------
    InvalidInput
        If they have no places on a map, or one is unknown.

    Examples
    --------
    >>> on_map({"easting": np.array([1.0]), "northing": np.array([2.0]), "depth": np.array([3.0])}).tolist()
    [[1.0, 2.0]]
    """
    pair = next((names for names in MAPS if set(names) <= set(coordinates)), None)
    if pair is None:
        remedy = "Give coordinates with longitude and latitude, or easting and northing, or weighting='none'."
        raise invalid("weighting", "distance", "The rows have no places on a map.", remedy)
    found = points({name: coordinates[name] for name in pair})
    lost = int((~np.isfinite(found).all(axis=1)).sum())
    if lost:
        raise invalid("coordinates", pair, f"{lost} rows have none.", "Fill them, or leave those rows out.")
    return found


def weighted_limits(scores: np.ndarray, weights: np.ndarray, coverage: float) -> np.ndarray:
    r"""Return the weighted quantile ``(...)`` of scores, a new row counting with weight one and an infinite score.

    The smallest :math:`s` with :math:`\sum_i w_i 1[s_i \le s] \ge c (1 + \sum_i w_i)`, infinite where there is none
    (Tibshirani et al. 2019, NeurIPS 32). Of equal weights it is the :math:`\lceil (n + 1) c \rceil`-th of n scores.

    Parameters
    ----------
    scores : numpy.ndarray
        ``(..., row)``, ascending along the last axis.
    weights : numpy.ndarray
        ``(row,)``.
    coverage : float
        :math:`c`.

    Examples
    --------
    >>> float(weighted_limits(np.array([1.0, 2.0, 3.0]), np.ones(3), 0.5))
    2.0
    >>> float(weighted_limits(np.array([1.0, 2.0, 3.0]), np.array([4.0, 1.0, 1.0]), 0.5))
    1.0
    """
    # Sums may round to a little below what is wanted.
    reached, wanted = np.cumsum(weights), coverage * (1 + np.sum(weights)) * (1 - 1e-12)
    at = int((reached < wanted).sum())
    return scores[..., at] if at < len(weights) else np.full(scores.shape[:-1], np.inf)


def limits_by_distance(
    scores: np.ndarray, places: np.ndarray, asked: np.ndarray, *, neighbours: int, coverage: float
) -> np.ndarray:
    """Return the limit ``(obs,)`` at each place from the scores of the nearest rows alone.

    Parameters
    ----------
    scores, places : numpy.ndarray
        ``(row,)`` and ``(row, dimension)`` of rows set aside.
    asked : numpy.ndarray
        ``(obs, dimension)``.
    neighbours : int
        How many of the nearest rows count; all where there are fewer.
    coverage : float
        As for :func:`weighted_limits`.

    Examples
    --------
    >>> places = np.array([[0.0], [1.0], [9.0]])
    >>> options = {"neighbours": 1, "coverage": 0.5}
    >>> limits_by_distance(np.array([5.0, 6.0, 7.0]), places, np.array([[8.0], [-1.0]]), **options).tolist()
    [7.0, 5.0]
    """
    tree, counted = KDTree(places), min(neighbours, len(scores))
    step = max(BUDGET // counted, 1)
    found = [np.empty(0)]
    for start in range(0, len(asked), step):
        near = tree.query(asked[start : start + step], np.arange(1, counted + 1))[1]
        found.append(weighted_limits(np.sort(scores[near], axis=1), np.ones(counted), coverage))
    return np.concatenate(found)
