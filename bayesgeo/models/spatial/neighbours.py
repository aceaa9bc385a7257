"""Which places each place is conditioned on: an order from coarse to fine, and the nearest before each."""

import numpy as np
from scipy.spatial import cKDTree

GROWTH = 1.5  # of the part of the order that one tree holds
COARSER = 8  # points for one of the next coarser level, among which a place to predict looks too


def coarse_to_fine(points: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    r"""Order points so that each prefix is spread out, ``(n,)`` positions.

    A grid is halved again and again; in each cell without an ordered point the first of a random order is next. That
    is near the order in which each point is farthest from those before, the best one for nearest-neighbour
    approximations (Guinness 2018, Technometrics 60:415), in :math:`n \log n` operations.

    Examples
    --------
    >>> line = np.arange(8.0)[:, None] * [1.0, 0.0]
    >>> sorted(coarse_to_fine(line, np.random.default_rng(0)).tolist())
    [0, 1, 2, 3, 4, 5, 6, 7]
    """
    left = rng.permutation(len(points))
    low = points.min(axis=0)
    side = max(float(np.ptp(points, axis=0).max()), 1e-300)
    unit = (points - low) / side
    found: list[np.ndarray] = []
    for level in range(1, 60):
        if not left.size:
            break
        cells = np.floor(unit * 2.0**level).astype(np.int64)
        taken = np.concatenate([*found, left])
        _, first = np.unique(cells[taken], axis=0, return_index=True)
        done = len(taken) - len(left)
        fresh = np.sort(first[first >= done]) - done
        # Points at one place never part: they come last, in their random order.
        found.append(left[fresh])
        left = np.delete(left, fresh)
        if len(np.unique(unit[left], axis=0)) <= 1 and level > 30:
            break
    return np.concatenate([*found, left]).astype(np.int64)


def nearest_before(points: np.ndarray, m: int) -> np.ndarray:
    """Return for each of ordered points the positions of the ``m`` nearest before it, ``(n, m)``, -1 where fewer.

    Examples
    --------
    >>> nearest_before(np.array([[0.0], [10.0], [1.0], [9.0]]), 2).tolist()
    [[-1, -1], [0, -1], [0, 1], [1, 2]]
    """
    n = len(points)
    found = np.full((n, m), -1, dtype=np.int32)
    start = 1
    while start < n:
        stop = min(n, max(start + 1, int(start * GROWTH)))
        tree = cKDTree(points[:stop])
        rows = np.arange(start, stop)
        wanted = min(2 * m + 2, stop)
        while rows.size:
            near = tree.query(points[rows], k=np.arange(1, wanted + 1))[1]
            before = near < rows[:, None]
            enough = (before.sum(axis=1) >= np.minimum(m, rows)) | (wanted == stop)
            _keep_first(found, rows[enough], near[enough], before[enough])
            rows, wanted = rows[~enough], min(2 * wanted, stop)
        start = stop
    return found


def _keep_first(found: np.ndarray, rows: np.ndarray, near: np.ndarray, kept: np.ndarray) -> None:
    """Write the first ``m`` kept ones of each row, nearest first."""
    m = found.shape[1]
    place = np.cumsum(kept, axis=1) - 1
    row, column = np.nonzero(kept & (place < m))
    found[rows[row], place[row, column]] = near[row, column]


class NearAndFar:
    """Find for a place half of its neighbours among all ordered points, and the rest among ever coarser parts.

    The nearest alone all lie on one side of a gap; those of coarser levels surround it.
    """

    def __init__(self, points: np.ndarray, m: int):
        self.trees, self.shares = [], []
        size, left = len(points), min(m, len(points))
        while left > 0:
            coarsest = size // COARSER < 2 * left
            share = min(left if coarsest else -(-left // 2), size)
            self.trees.append(cKDTree(points[:size]))
            self.shares.append(share)
            left, size = (0, size) if coarsest else (left - share, size // COARSER)

    def of(self, places: np.ndarray) -> np.ndarray:
        """Return positions ``(row, m)`` in the order, -1 for one that a finer level has found already."""
        parts = [
            tree.query(places, k=np.arange(1, share + 1))[1]
            for tree, share in zip(self.trees, self.shares, strict=True)
        ]
        found = np.concatenate(parts, axis=1).astype(np.int32)
        for k in range(self.shares[0], found.shape[1]):
            found[(found[:, :k] == found[:, k : k + 1]).any(axis=1), k] = -1
        return found
