"""Eigenvalues and singular values of labelled matrices."""

from dataclasses import dataclass

import numpy as np
import xarray as xr
from xarray_einstats import linalg

from bayesgeo._check import invalid
from bayesgeo.linalg.base import matrix

SYMMETRY = 1e-10


@dataclass(frozen=True, eq=False)
class Eigen:
    """Hold eigenvalues, largest first, and unit eigenvectors: A u = λ u.

    Parameters
    ----------
    values : xarray.DataArray
        ``(component,)``.
    vectors : xarray.DataArray
        ``(row, component)``, the row dimension that of the matrix; of each vector the entry of largest
        size is positive.

    Examples
    --------
    >>> eigen(xr.DataArray([[5.0, 0.0], [0.0, 2.0]], dims=["variable", "other"])).vectors.dims
    ('variable', 'component')
    """

    values: xr.DataArray
    vectors: xr.DataArray


@dataclass(frozen=True, eq=False)
class SVD:
    """Hold A = U Σ Vᵀ with singular values largest first.

    Parameters
    ----------
    left : xarray.DataArray
        ``(row, component)``, orthonormal columns.
    values : xarray.DataArray
        ``(component,)``, not negative.
    right : xarray.DataArray
        ``(component, column)``, orthonormal rows; of each the entry of largest size is positive.

    Examples
    --------
    >>> found = svd(xr.DataArray([[5.0, 0.0], [0.0, 2.0]], dims=["row", "column"]))
    >>> found.left.dims, found.right.dims
    (('row', 'component'), ('component', 'column'))
    """

    left: xr.DataArray
    values: xr.DataArray
    right: xr.DataArray

    def truncate(self, k: int) -> xr.DataArray:
        """Return the nearest matrix of rank k in least squares (Eckart and Young 1936).

        Examples
        --------
        >>> A = xr.DataArray([[3.0, 0.0], [0.0, 1.0]], dims=["row", "column"])
        >>> svd(A).truncate(1).values.round(12) + 0.0
        array([[3., 0.],
               [0., 0.]])
        """
        if not 1 <= k <= self.values.size:
            raise invalid("k", k, f"It must be from 1 to {self.values.size}, the number of components.")
        first = {"component": slice(k)}
        return xr.dot(self.left.isel(first) * self.values.isel(first), self.right.isel(first), dim="component")


def eigen(A: xr.DataArray) -> Eigen:
    """Return the eigen-decomposition of a symmetric matrix, such as a covariance.

    Raises
    ------
    InvalidInput
        If the matrix is not square or not symmetric within 1e-10 of its largest entry.

    Examples
    --------
    >>> found = eigen(xr.DataArray([[2.0, 1.0], [1.0, 2.0]], dims=["variable", "other"]))
    >>> found.values.values.round(12)
    array([3., 1.])
    """
    dims = matrix("matrix", A, square=True)
    gap = float(np.abs(A.values - A.values.T).max())
    if gap > SYMMETRY * np.abs(A.values).max():
        raise invalid("matrix", gap, "It is not symmetric: entries differ by this.", "Use svd.")
    values, vectors = np.linalg.eigh(A.values)
    vectors = vectors * _sign(vectors, axis=0)
    coords = {dims[0]: A[dims[0]].values} if dims[0] in A.coords else {}
    return Eigen(
        xr.DataArray(values[::-1], dims="component"),
        xr.DataArray(vectors[:, ::-1], dims=(dims[0], "component"), coords=coords),
    )


def svd(A: xr.DataArray) -> SVD:
    """Return the singular value decomposition of any matrix, by xarray-einstats.

    Examples
    --------
    >>> svd(xr.DataArray([[0.0, 2.0], [1.0, 0.0]], dims=["row", "column"])).values.values
    array([2., 1.])
    """
    rows, columns = matrix("matrix", A)
    left, values, right = linalg.svd(A, dims=(rows, columns), full_matrices=False)
    left, values, right = left.values, values.values, right.values
    sign = _sign(right, axis=1)
    coords = {dim: A[dim].values for dim in (rows, columns) if dim in A.coords}
    return SVD(
        xr.DataArray(left * sign.T, dims=(rows, "component"), coords=_only(coords, rows)),
        xr.DataArray(values, dims="component"),
        xr.DataArray(right * sign, dims=("component", columns), coords=_only(coords, columns)),
    )


def _sign(vectors: np.ndarray, *, axis: int) -> np.ndarray:
    largest = np.take_along_axis(vectors, np.abs(vectors).argmax(axis=axis, keepdims=True), axis=axis)
    return np.where(largest < 0, -1.0, 1.0)


def _only(coords: dict[str, np.ndarray], dim: str) -> dict[str, np.ndarray]:
    return {dim: coords[dim]} if dim in coords else {}
