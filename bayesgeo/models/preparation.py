"""Prepare training rows: standardise features, hold rows out."""

from typing import Any

import numpy as np
from sklearn.model_selection import (
    GroupKFold,
    GroupShuffleSplit,
    KFold,
    ShuffleSplit,
    StratifiedKFold,
    StratifiedShuffleSplit,
)

COMMON = 0.95  # share of the rows that must lie on a grid
MOST_PARTS = 10  # of the smallest difference of values that are tried as a step
OFF_GRID = 1e-3  # of a step: single precision moves values so far, and ten random ones hardly ever come so near


def standardisation(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and scale along rows: the standard deviation, or 1 for a constant column.

    A column of two values is scaled by their difference: a rare category would else get a prior as wide as its
    indicator is narrow (Gelman et al. 2008, The Annals of Applied Statistics 2:4).

    Examples
    --------
    >>> center, scale = standardisation(np.array([[1.0, 5.0, 0.0], [2.0, 5.0, 0.0], [3.0, 5.0, 3.0]]))
    >>> center.tolist(), scale.round(3).tolist()
    ([2.0, 5.0, 1.0], [0.816, 1.0, 3.0])
    """
    center, deviation = values.mean(axis=0), values.std(axis=0)
    low, high = values.min(axis=0), values.max(axis=0)
    scale = np.where(((values == low) | (values == high)).all(axis=0), high - low, deviation)
    # Rounding leaves a constant of 1e6 with a deviation of 1e-10.
    varies = deviation > 1e-12 * np.abs(center)
    return center, np.where(varies, scale, 1.0)


def resolution(y: np.ndarray) -> float:
    """Return the step to which values were rounded, or 0 where no coarse grid holds them.

    It is the largest step of a grid that holds 95 % of the rows, so that a few means of repeated measurements hide no
    rounding: the smallest difference of values that repeat (of all, where none do), or a whole part of it, to a tenth.

    Parameters
    ----------
    y : numpy.ndarray
        ``(obs,)`` values; of fewer than ten no step can be told.

    Examples
    --------
    >>> y = np.random.default_rng(0).normal(size=200)
    >>> resolution(y), round(resolution(y.round(1)), 6), resolution(np.append(np.repeat([3.0, 5.0, 8.0], 20), 6.28))
    (0.0, 0.1, 1.0)
    """
    values, counts = np.unique(y, return_counts=True)
    if len(y) < 10 or len(values) < 2:
        return 0.0
    known = values[counts > 1] if (counts > 1).sum() > 1 else values
    span, gap = known[-1] - known[0], np.diff(known).min()
    for part in range(1, MOST_PARTS + 1):
        # From the whole span: over many steps the rounding of one difference adds up.
        step = span / (span * part / gap).round()
        steps = (y - known[0]) / step
        if np.mean(np.abs(steps - steps.round()) < OFF_GRID) >= COMMON:
            return float(step)
    return 0.0


def held_out_folds(
    y: np.ndarray, groups: Any, n_folds: int, seed: int, *, stratify: bool
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Split the rows into folds, each held out once: whole groups where there are enough, else at random.

    Returns
    -------
    list of pairs of numpy.ndarray
        Training rows and held-out rows; empty where there are fewer than two rows a fold.

    Examples
    --------
    >>> folds = held_out_folds(np.zeros(12), ["a", "b", "c"] * 4, 3, 0, stratify=False)
    >>> sorted(held.tolist() for _, held in folds)
    [[0, 3, 6, 9], [1, 4, 7, 10], [2, 5, 8, 11]]
    """
    if len(y) < 2 * n_folds:
        return []
    settings = {"shuffle": True, "random_state": seed}
    if groups is not None and len(np.unique(groups)) >= n_folds:
        return list(GroupKFold(n_folds, **settings).split(y, groups=groups))
    even = stratify and np.unique(y, return_counts=True)[1].min() >= n_folds
    return list((StratifiedKFold if even else KFold)(n_folds, **settings).split(y, y))


def validation_rows(y: np.ndarray, groups: Any, seed: int, *, stratify: bool, part: float = 0.15) -> np.ndarray:
    """Choose the validation rows of early stopping: whole groups where there are groups, else at random.

    Of fewer than ten rows all are validation rows.

    Examples
    --------
    >>> validation_rows(np.zeros(12), ["a"] * 6 + ["b"] * 6, 0, stratify=False).size
    6
    """
    everything = np.zeros(len(y))
    if len(y) < 10:
        return np.arange(len(y))
    if groups is not None and len(np.unique(groups)) > 1:
        folds = GroupShuffleSplit(1, test_size=part, random_state=seed)
        return next(folds.split(everything, groups=groups))[1]
    _, counts = np.unique(y, return_counts=True) if stratify else (None, np.zeros(1))
    possible = stratify and counts.min() > 1 and len(counts) <= int(part * len(y))
    folds = (StratifiedShuffleSplit if possible else ShuffleSplit)(1, test_size=part, random_state=seed)
    return next(folds.split(everything, y))[1]
