"""Checks of labelled vectors and matrices."""

from typing import Any

import numpy as np
import xarray as xr

from bayesgeo._check import invalid


def matrix(name: str, array: Any, *, square: bool = False) -> tuple[str, str]:
    """Return the dimensions of a finite labelled matrix, rows first.

    Examples
    --------
    >>> matrix("X", xr.DataArray([[1.0, 2.0]], dims=["obs", "feature"]))
    ('obs', 'feature')
    """
    dims = _finite(name, array, 2)
    if square and array.shape[0] != array.shape[1]:
        raise invalid(name, dict(array.sizes), "It is not square.")
    return dims[0], dims[1]


def vector(name: str, array: Any) -> str:
    """Return the dimension of a finite labelled vector.

    Examples
    --------
    >>> vector("y", xr.DataArray([1.0, 2.0], dims="obs"))
    'obs'
    """
    return _finite(name, array, 1)[0]


def _finite(name: str, array: Any, ndim: int) -> tuple[str, ...]:
    kind = {1: "vector", 2: "matrix"}[ndim]
    if not isinstance(array, xr.DataArray):
        raise invalid(name, type(array).__name__, "It has no labels.", "Give an xarray.DataArray.")
    if array.ndim != ndim or not array.size:
        raise invalid(name, dict(array.sizes), f"It is not a {kind}.", f"Give {ndim} dimensions, none empty.")
    bad = ~np.isfinite(array.values.astype(float))
    if bad.any():
        at = np.argwhere(bad)[0]
        where = {str(d): labels(array, d)[i] for d, i in zip(array.dims, at, strict=True)}
        raise invalid(
            name,
            float(array.values[tuple(at)]),
            f"{int(bad.sum())} values are missing or infinite, the first at {where}.",
            "Drop the rows or the column.",
        )
    return tuple(str(dim) for dim in array.dims)


def labels(array: xr.DataArray, dim: Any) -> list[Any]:
    """Return the labels along a dimension, positions where it has none.

    Examples
    --------
    >>> labels(xr.DataArray([1.0, 2.0], {"feature": ["gr", "phi"]}), "feature")
    ['gr', 'phi']
    """
    return array[dim].values.tolist()


def same_labels(name: str, array: xr.DataArray, other: xr.DataArray, *, dim: str) -> None:
    """Raise if two arrays differ in the labels of a dimension.

    Examples
    --------
    >>> a = xr.DataArray([1.0], {"feature": ["gr"]})
    >>> same_labels("b", a, a, dim="feature")
    """
    if dim not in array.dims or labels(array, dim) != labels(other, dim):
        raise invalid(
            name,
            dict(array.sizes),
            f"Its labels along {dim!r} differ from those of the other array.",
            "Align them first.",
        )


def unit_columns(X: xr.DataArray) -> tuple[np.ndarray, np.ndarray]:
    """Return the columns divided by their lengths, and the lengths; a zero column stays zero.

    Examples
    --------
    >>> unit_columns(xr.DataArray([[3.0, 0.0], [4.0, 0.0]], dims=["obs", "feature"]))[1]
    array([5., 0.])
    """
    values = X.values.astype(float)
    # Scaled by the largest entry first, so that squares neither overflow nor underflow.
    largest = np.abs(values).max(axis=0)
    scaled = values / np.where(largest > 0, largest, 1.0)
    length = np.linalg.norm(scaled, axis=0)
    return scaled / np.where(length > 0, length, 1.0), largest * length
