"""Lengths, dot products and similarities of labelled arrays."""

from numbers import Number
from typing import Literal

import numpy as np
import xarray as xr
from xarray_einstats import linalg

from bayesgeo._check import invalid
from bayesgeo.linalg.base import same_labels

Order = Number | Literal["fro", "nuc"] | None


def norm(array: xr.DataArray, *dims: str, order: Order = None) -> xr.DataArray:
    """Return the norm along one dimension (a vector) or two (a matrix).

    Parameters
    ----------
    array : xarray.DataArray
        Finite numbers.
    *dims : str
        One or two dimensions; all when absent.
    order : {1, 2, inf, -inf, "fro", "nuc"} or number, optional
        As numpy.linalg.norm. 1 is Σ|x|, which lasso penalises, 2 is √Σx², which ridge does; of a matrix,
        2 is the largest singular value. Absent, the root of the sum of squares.

    Examples
    --------
    >>> v = xr.DataArray([3.0, -4.0], {"feature": ["gr", "phi"]})
    >>> float(norm(v)), float(norm(v, order=1)), float(norm(v, order=np.inf))
    (5.0, 7.0, 4.0)
    """
    dims = dims or tuple(str(dim) for dim in array.dims)
    if len(dims) not in (1, 2) or not set(dims) <= set(array.dims):
        raise invalid("dimensions", dims, "A norm takes one or two.", f"Give some of {list(array.dims)}.")
    if not np.isfinite(array).all():
        raise invalid("array", float("nan"), "A value is missing or infinite.")
    return linalg.norm(array, dims=dims[0] if len(dims) == 1 else list(dims), ord=order)


def dot(a: xr.DataArray, b: xr.DataArray, *, dim: str) -> xr.DataArray:
    """Return Σ a b along a dimension whose labels agree.

    Examples
    --------
    >>> a = xr.DataArray([1.0, 2.0], {"feature": ["gr", "phi"]})
    >>> float(dot(a, a, dim="feature"))
    5.0
    """
    same_labels("b", b, a, dim=dim)
    return xr.dot(a, b, dim=dim)


def cosine_similarity(a: xr.DataArray, b: xr.DataArray, *, dim: str) -> xr.DataArray:
    """Return a·b / (‖a‖ ‖b‖), from −1 (opposite) to 1 (the same direction).

    Examples
    --------
    >>> a = xr.DataArray([1.0, 0.0], {"feature": ["gr", "phi"]})
    >>> b = xr.DataArray([1.0, 1.0], {"feature": ["gr", "phi"]})
    >>> round(float(cosine_similarity(a, b, dim="feature")), 6)
    0.707107
    """
    lengths = norm(a, dim) * norm(b, dim)
    if (lengths == 0).any():
        raise invalid("vector", 0.0, "A vector of length zero has no direction.")
    return dot(a, b, dim=dim) / lengths
