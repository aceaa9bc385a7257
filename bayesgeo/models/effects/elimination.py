"""What is left of one effect when its groups are eliminated from the equations of a mixed model, one by one."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy import sparse

from bayesgeo._check import invalid
from bayesgeo.models.effects.levels import Members

MOST_PAIRS, MOST_DENSE = 20_000_000, 50_000_000  # numbers kept


class Pairs:
    """What elimination subtracts from the products: linear in the weights of the groups."""

    def __init__(self, operator: Any, place: np.ndarray, dense: np.ndarray | None, width: int):
        self.operator, self.place, self.dense, self.width = operator, place, dense, width

    @classmethod
    def of(cls, cross: Any, width: int, widths: Sequence[int]) -> "Pairs":
        """Prepare for the products ``cross (level and term, m)`` of the eliminated effect with what remains.

        Parameters
        ----------
        cross : scipy.sparse.csr_array
            The products.
        width : int
            Number of terms of the eliminated effect.
        widths : sequence of int
            Those of the others.

        Raises
        ------
        InvalidInput
            If neither the pairs of what remains that share a group nor the products fit into memory.
        """
        levels, m = cross.shape[0] // width, cross.shape[1]
        entries = cross.tocoo()
        level, term = np.divmod(entries.row, width)
        known, at = np.unique(level.astype(np.int64) * m + entries.col, return_inverse=True)
        values = np.zeros((width, len(known)))
        values[term, at] = entries.data
        of_level = np.bincount(known // m, minlength=levels)
        if np.sum(of_level.astype(float) ** 2) * width**2 <= MOST_PAIRS:
            lower = all(other == 1 for other in widths)
            operator = _operator(known, values, of_level, m, lower=lower)
            used = np.flatnonzero(np.diff(operator.indptr))
            return cls(operator[used], used, None, width)
        if float(levels) * width * m > MOST_DENSE:
            text = "Too many groups of several keys share rows."
            raise invalid("effects", f"{levels} x {m} values", text, "Drop a key, or join its rare groups.")
        return cls(None, np.empty(0, dtype=int), cross.toarray().reshape(levels, width, m), width)

    def subtract(self, matrix: np.ndarray, weights: np.ndarray) -> None:
        """Subtract from ``matrix (n, m, m)``, in place, for weights ``(n, level, term, term)``."""
        if self.dense is not None:
            for k in range(len(matrix)):
                weighted = weights[k] @ self.dense
                matrix[k] -= self.dense.reshape(-1, matrix.shape[1]).T @ weighted.reshape(-1, matrix.shape[1])
            return
        i, j = np.tril_indices(self.width)
        flat = weights[:, :, i, j].reshape(len(matrix), -1).T
        matrix.reshape(len(matrix), -1)[:, self.place] -= (self.operator @ np.ascontiguousarray(flat)).T


def _operator(known: np.ndarray, values: np.ndarray, of_level: np.ndarray, m: int, *, lower: bool) -> Any:
    """Return the sparse map from weights ``(level and pair of terms)`` to entries of the products."""
    width = len(values)
    pairs = [(a, b) for a in range(width) for b in range(a + 1)]
    starts = np.r_[0, np.cumsum(of_level)[:-1]]
    rows, columns, data = [], [], []
    for count in np.unique(of_level[of_level > 0]):
        levels = np.flatnonzero(of_level == count)
        index = starts[levels][:, None] + np.arange(count)
        i, j = np.tril_indices(count) if lower else (x.ravel() for x in np.indices((count, count)))
        column = known[index] % m
        entry = column[:, i].astype(np.int64) * m + column[:, j]
        for place, (a, b) in enumerate(pairs):
            one, other = values[a][index], values[b][index]
            product = one[:, i] * other[:, j] + (0.0 if a == b else other[:, i] * one[:, j])
            rows.append(entry.ravel())
            columns.append(np.repeat(levels * len(pairs) + place, len(i)))
            data.append(product.ravel())
    shape = (m * m, len(of_level) * len(pairs))
    return sparse.csr_array((np.concatenate(data), (np.concatenate(rows), np.concatenate(columns))), shape=shape)


def indicators(group: Members, size: int) -> Any:
    """Return the design ``(obs, level and term)`` of an effect."""
    n, width = group.z.shape
    columns = (group.codes[:, None] * width + np.arange(width)).ravel()
    return sparse.csr_array((group.z.ravel(), columns, np.arange(0, n * width + 1, width)), shape=(n, size * width))


def own_products(group: Members, size: int) -> np.ndarray:
    """Return the products ``(level, term, term)`` of the rows of each group."""
    width = group.z.shape[1]
    found = np.empty((size, width, width))
    for a in range(width):
        for b in range(width):
            found[:, a, b] = np.bincount(group.codes, group.z[:, a] * group.z[:, b], minlength=size)
    return found


def inner_root(factor: np.ndarray, own: np.ndarray) -> np.ndarray:
    """Return the Cholesky factors ``(n, level, term, term)`` of :math:`T^T E_g^T E_g T + I`."""
    if factor.shape[1] == 1:
        return np.sqrt(factor[:, None] ** 2 * own + 1.0)
    inner = factor.swapaxes(1, 2)[:, None] @ own @ factor[:, None] + np.eye(factor.shape[1])
    return np.linalg.cholesky(inner)


def weights_of(factor: np.ndarray, own: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the weights :math:`W_g` ``(n, level, term, term)`` and the log determinants ``(n,)``."""
    root = inner_root(factor, own)
    logs = 2 * np.log(np.diagonal(root, axis1=2, axis2=3)).sum(axis=(1, 2))
    if factor.shape[1] == 1:
        return factor[:, None] ** 2 / root**2, logs
    half = np.linalg.solve(root, np.broadcast_to(factor.swapaxes(1, 2)[:, None], root.shape))
    return half.swapaxes(2, 3) @ half, logs
