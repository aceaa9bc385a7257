"""Linear independence of features: rank, condition number, collinear columns."""

from dataclasses import dataclass

import numpy as np
import xarray as xr
from scipy.sparse import csgraph

from bayesgeo._check import invalid
from bayesgeo.linalg.base import labels, matrix, unit_columns

INTERCEPT = "intercept"


@dataclass(frozen=True)
class Independence:
    """Hold the rank, condition number and collinear groups of a table's columns.

    Parameters
    ----------
    rank : int
        Number of independent columns, each divided by its length first.
    columns : int
        Number of columns, the intercept counted if it was added.
    condition_number : float
        Largest over smallest singular value of those columns; infinite where the rank is not full.
    collinear : tuple of tuple of str
        Groups of columns that determine each other exactly; a column of zeros is a group of its own.

    Examples
    --------
    >>> Independence(rank=2, columns=3, condition_number=np.inf, collinear=(("a", "b"),)).independent
    False
    """

    rank: int
    columns: int
    condition_number: float
    collinear: tuple[tuple[str, ...], ...]

    @property
    def independent(self) -> bool:
        """Whether no column is a linear combination of the others."""
        return self.rank == self.columns


def independence(X: xr.DataArray, *, intercept: bool = False, tolerance: float | None = None) -> Independence:
    """Check that the columns of a table are linearly independent.

    Columns are divided by their lengths, so that units do not matter.

    Parameters
    ----------
    X : xarray.DataArray
        ``(obs, feature)``, finite.
    intercept : bool
        Add a column of ones named ``intercept``: a constant column, or indicators that sum to one,
        then count as dependent.
    tolerance : float, optional
        Share of the largest singular value below which one is zero; absent, max(shape) × machine
        epsilon.

    Examples
    --------
    >>> X = xr.DataArray([[1.0, 2.0, 5.0], [2.0, 4.0, 1.0], [3.0, 6.0, 0.0]], dims=["obs", "feature"],
    ...                  coords={"feature": ["depth_m", "depth_2m", "gr"]})
    >>> independence(X).collinear
    (('depth_m', 'depth_2m'),)
    """
    _, dim = matrix("X", X)
    names = [str(name) for name in labels(X, dim)]
    if tolerance is not None and not 0 <= tolerance < 1:
        raise invalid("tolerance", tolerance, "It must be a share of the largest singular value, below one.")
    columns, _ = unit_columns(X)
    if intercept:
        columns = np.column_stack([np.full(len(columns), len(columns) ** -0.5), columns])
        names = [INTERCEPT, *names]
    share = max(columns.shape) * np.finfo(float).eps if tolerance is None else tolerance
    values, null = _null_space(columns, share)
    full = not null.size and values[-1] > 0
    condition = float(values[0] / values[-1]) if full else np.inf
    return Independence(len(names) - len(null), len(names), condition, _groups(null, names, share))


def collinear_columns(
    X: xr.DataArray, *, intercept: bool = False, tolerance: float | None = None
) -> tuple[tuple[str, ...], ...]:
    """Return the groups of columns that determine each other; see :func:`independence`.

    Examples
    --------
    >>> X = xr.DataArray([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]], dims=["obs", "feature"],
    ...                  coords={"feature": ["sand", "shale"]})
    >>> collinear_columns(X), collinear_columns(X, intercept=True)
    ((), (('intercept', 'sand', 'shale'),))
    """
    return independence(X, intercept=intercept, tolerance=tolerance).collinear


def _null_space(columns: np.ndarray, share: float) -> tuple[np.ndarray, np.ndarray]:
    triangle = np.linalg.qr(columns, mode="r")
    _, values, right = np.linalg.svd(triangle, full_matrices=True)
    values = np.pad(values, (0, columns.shape[1] - len(values)))
    return values, right[values <= share * values[0]]


def _groups(null: np.ndarray, names: list[str], share: float) -> tuple[tuple[str, ...], ...]:
    """Group columns whose rows of the null space are not orthogonal, for any basis of it."""
    size = np.linalg.norm(null, axis=0)
    # Null vectors are known to about machine epsilon: entries below its root count as zero, and so do those
    # below the tolerance, under which singular values count as zero.
    involved = np.flatnonzero(size > max(np.finfo(float).eps ** 0.5, share))
    rows = null[:, involved] / size[involved]
    linked = np.abs(rows.T @ rows) > np.finfo(float).eps ** 0.5
    _, group = csgraph.connected_components(linked, directed=False)
    return tuple(tuple(names[i] for i in involved[group == g]) for g in range(group.max(initial=-1) + 1))
