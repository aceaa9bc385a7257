"""Draw rows for a teacher to predict: inside the data's support, and beyond it."""

import numpy as np

from bayesgeo.models.preparation import standardisation

NEAR, FAR = 0.03, 3.0  # standard deviations that a row is moved by


def transfer_rows(X: np.ndarray, n: int, rng: np.random.Generator) -> np.ndarray:
    r"""Draw rows like those of ``X (obs, feature)``, ``(n, feature)``, in the same units.

    Each is a row of ``X`` moved in every column by a normal number times :math:`r` standard deviations, with
    :math:`\log r` uniform between those of 0.03 and 3: on its training rows alone, a teacher would not show where it
    becomes uncertain. Columns of whole numbers stay whole and within their range, those of two values as they are.

    Examples
    --------
    >>> X = np.c_[np.arange(6.0) / 7, [0, 1, 0, 1, 0, 1]]
    >>> rows = transfer_rows(X, 100, np.random.default_rng(0))
    >>> rows.shape, sorted(set(rows[:, 1].tolist()))
    ((100, 2), [0.0, 1.0])
    """
    _, scale = standardisation(X)
    rows = X[rng.integers(len(X), size=n)]
    reach = NEAR * (FAR / NEAR) ** rng.random((n, 1))
    moved = rows + reach * scale * rng.normal(size=rows.shape)
    low, high = X.min(axis=0), X.max(axis=0)
    moved = np.where(_whole(X), np.clip(np.round(moved), low, high), moved)
    return np.where(_of_two_values(X), rows, moved)


def _of_two_values(X: np.ndarray) -> np.ndarray:
    return ((X.min(axis=0) == X) | (X.max(axis=0) == X)).all(axis=0)


def _whole(X: np.ndarray) -> np.ndarray:
    return (np.round(X) == X).all(axis=0)
