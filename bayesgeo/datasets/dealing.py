"""Folds from a number for each row: that of the fold which tests it."""

import numpy as np

from bayesgeo._check import invalid

ALWAYS_TRAINS = -1


def by_number(numbers: np.ndarray) -> tuple[tuple[np.ndarray, np.ndarray], ...]:
    """Return the positions of training and test rows of each fold, in the order of the numbers.

    Parameters
    ----------
    numbers : numpy.ndarray
        ``(obs,)`` number of the fold that tests the row; -1 where none does.

    Examples
    --------
    >>> [(train.tolist(), test.tolist()) for train, test in by_number(np.array([2, 1, 2, -1]))]
    [([0, 2, 3], [1]), ([1, 3], [0, 2])]
    """
    kept = np.unique(numbers[numbers != ALWAYS_TRAINS])
    return tuple((np.flatnonzero(numbers != fold), np.flatnonzero(numbers == fold)) for fold in kept)


def dealt_within(codes: np.ndarray, folds: int, seed: int) -> np.ndarray:
    """Deal the rows of each group over folds at random, as evenly as can be.

    Parameters
    ----------
    codes : numpy.ndarray
        ``(obs,)`` the group of each row, from 0.
    folds : int
        How many, at least two.
    seed : int
        Same seed, same folds.

    Returns
    -------
    numpy.ndarray
        ``(obs,)`` fold of each row; -1 where the row is the only one of its group. No fold tests all rows of a
        group.

    Raises
    ------
    InvalidInput
        If no group has two rows, or all such groups together have fewer rows than there are folds.

    Examples
    --------
    >>> dealt_within(np.array([0, 0, 0, 0, 1, 1, 2]), folds=2, seed=0).tolist()
    [1, 0, 1, 0, 0, 1, -1]
    """
    shared = np.bincount(codes)[codes] > 1
    if not shared.any():
        remedy = "Split by group, or give a group column that rows share."
        raise invalid("split", "within-group", "No group has two rows.", remedy)
    if shared.sum() < folds:
        problem = f"Groups of two rows or more have {shared.sum()} rows in all."
        raise invalid("folds", folds, problem, "Give fewer folds.")
    rng = np.random.default_rng(seed)
    # Groups in a random order, rows of a group in a random order one after the other: neighbours differ in their fold.
    order = np.lexsort((rng.random(codes.size), rng.permutation(codes.max() + 1)[codes], ~shared))
    numbers = np.full(codes.size, ALWAYS_TRAINS)
    numbers[order[: shared.sum()]] = rng.permutation(folds)[np.arange(shared.sum()) % folds]
    return numbers


__all__ = ["by_number", "dealt_within"]
