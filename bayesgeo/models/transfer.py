"""Rows to ask a teacher about: inside the data's support, and a little beyond it."""

import numpy as np
from sklearn.neighbors import NearestNeighbors

from bayesgeo.models.preparation import standardisation

NEIGHBOURS = 5
JITTER = 0.1  # of the distance to a neighbour
BEYOND = 0.3  # part of the rows that leave the support
REACH = 3.0  # standard deviations that such a row is moved by, at most
LATTICE = 20_000  # rows among which neighbours are sought: more hardly bring them nearer, only cost more


def transfer_rows(X: np.ndarray, n: int, rng: np.random.Generator) -> np.ndarray:
    r"""Draw rows like those of ``X (obs, feature)``, ``(n, feature)``, in the same units.

    Most lie between a row and one of its near neighbours (Chawla et al. 2002, Journal of Artificial Intelligence
    Research 16), moved by a part of the distance between them. The rest are rows moved by up to three standard
    deviations of every column, by another amount each: asked only where it was taught, a teacher would not show
    where it begins to be unsure. Columns of whole numbers or of two values keep the value of a row.

    Examples
    --------
    >>> X = np.c_[np.arange(6.0) / 7, [0, 1, 0, 1, 0, 1]]
    >>> rows = transfer_rows(X, 100, np.random.default_rng(0))
    >>> rows.shape, sorted(set(rows[:, 1].tolist()))
    ((100, 2), [0.0, 1.0])
    """
    if n == 0 or len(X) < 2:
        return X[:0]
    center, scale = standardisation(X)
    lattice = X[rng.permutation(len(X))[:LATTICE]]
    parents = rng.integers(len(lattice), size=n)
    scaled = (lattice - center) / scale
    moved = _beside(scaled, parents, rng)
    beyond = rng.random(n) < BEYOND
    moved[beyond] = _apart(scaled[parents[beyond]], rng)
    return np.where(indivisible(X), lattice[parents], center + scale * moved)


def indivisible(X: np.ndarray) -> np.ndarray:
    """Tell which columns of ``X (obs, feature)`` have no values in between: whole numbers, or two values.

    Examples
    --------
    >>> indivisible(np.array([[1.0, 0.2, 0.5], [2.0, 0.7, 0.3], [4.0, 0.2, 0.1]])).tolist()
    [True, True, False]
    """
    low, high = X.min(axis=0), X.max(axis=0)
    two = ((low == X) | (high == X)).all(axis=0)
    return two | (np.round(X) == X).all(axis=0)


def _beside(lattice: np.ndarray, parents: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Interpolate between each parent and one of its neighbours, and jitter."""
    n, features = len(parents), lattice.shape[1]
    neighbours = min(NEIGHBOURS, len(lattice) - 1)
    near = NearestNeighbors(n_neighbors=neighbours).fit(lattice).kneighbors(return_distance=False)
    start, end = lattice[parents], lattice[near[parents, rng.integers(neighbours, size=n)]]
    distance = np.linalg.norm(end - start, axis=1, keepdims=True)
    jitter = JITTER * distance / np.sqrt(features) * rng.normal(size=start.shape)
    return start + rng.random((n, 1)) * (end - start) + jitter


def _apart(rows: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Move each row by another amount."""
    return rows + REACH * rng.random((len(rows), 1)) * rng.normal(size=rows.shape)
