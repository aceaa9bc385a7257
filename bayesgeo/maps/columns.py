"""Columns of features by name, from arrays, tables and grids."""

from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
import xarray as xr

from bayesgeo._check import did_you_mean, invalid, shown

Names = tuple[Hashable, ...]


def columns(X: Any, names: Names | None = None, *, count: int | None = None, rows: str = "row") -> list[xr.DataArray]:
    """Return one array for each feature, in the order of ``names``.

    Parameters
    ----------
    X : xarray.Dataset, xarray.DataArray, table or array-like
        A data set whose variables are features; an array with a dimension ``feature``; a table with named columns; or
        ``(row, feature)``.
    names : tuple, optional
        Features wanted. What carries names is matched by name, and may hold more; the rest is matched by position.
    count : int, optional
        Number of features wanted, where they are matched by position.
    rows : str
        Dimension of the rows of what has no named dimensions.

    Raises
    ------
    InvalidInput
        If a name is missing or there twice, the number of features is not ``count``, or a feature is no number.

    Examples
    --------
    >>> X = xr.Dataset({"slope": ("x", [1.0, 2.0]), "depth": ("x", [3.0, 4.0])})
    >>> [column.values.tolist() for column in columns(X, ("depth", "slope"))]
    [[3.0, 4.0], [1.0, 2.0]]
    """
    own, parts = names_of(X), _parts(X, rows)
    if own is not None and names is not None:
        parts = [parts[own.index(_known(name, own))] for name in names]
    elif count is not None and len(parts) != count:
        raise invalid(
            "X", f"with {len(parts)} features", f"{count} are known from training.", "Give the same features."
        )
    for position, part in enumerate(parts):
        if part.dtype.kind not in "biuf":
            name = names[position] if names else own[position] if own else position
            raise invalid("feature", name, "It does not hold numbers.", "Encode it as numbers.")
    return parts


def names_of(X: Any) -> Names | None:
    """Return the names of the features, None where there are only positions.

    Raises
    ------
    InvalidInput
        If a name is there twice.

    Examples
    --------
    >>> names_of(xr.Dataset({"slope": ("x", [1.0])}))
    ('slope',)
    >>> names_of(np.zeros((2, 3))) is None
    True
    """
    if isinstance(X, xr.Dataset):
        return tuple(X.data_vars)
    if isinstance(X, xr.DataArray):
        names = X["feature"].values.tolist() if "feature" in X.coords else None
    else:
        names = getattr(X, "columns", None)
    if names is None:
        return None
    twice = sorted({str(name) for name in names if list(names).count(name) > 1})
    if twice:
        raise invalid("features", shown(twice), "More than one column has this name.", "Rename them.")
    return tuple(names)


def _known(name: Hashable, own: Names) -> Hashable:
    if name not in own:
        raise invalid("X", "", f"The feature {name!r} is missing.", did_you_mean(str(name), map(str, own)))
    return name


def _parts(X: Any, rows: str) -> list[xr.DataArray]:
    if isinstance(X, xr.Dataset):
        return list(X.data_vars.values())
    if isinstance(X, xr.DataArray):
        return _along_feature(X)
    if hasattr(X, "columns"):
        return [xr.DataArray(np.asarray(X[name]), dims=rows) for name in X.columns]
    array = np.asarray(X)
    if array.ndim != 2:
        raise invalid("X", f"of shape {array.shape}", "It must be two-dimensional: (row, feature).")
    return [xr.DataArray(column, dims=rows) for column in array.T]


def _along_feature(X: xr.DataArray) -> list[xr.DataArray]:
    if "feature" not in X.dims:
        raise invalid(
            "X", f"of dimensions {X.dims}", "It has no dimension 'feature'.", "Rename the one of the features."
        )
    return [X.isel(feature=position, drop=True) for position in range(X.sizes["feature"])]


def matched_weights(weights: Any, names: Names | None, count: int) -> np.ndarray:
    """Return the weight ``(feature,)`` of each feature: one without ``weights``, by name where both have names.

    Negative ones count as zero, as the importance of a feature that only misleads does.

    Raises
    ------
    InvalidInput
        If their number is wrong, a name is missing, one is not finite, or none is above zero.

    Examples
    --------
    >>> matched_weights({"slope": 2.0, "depth": -1.0}, ("depth", "slope"), 2)
    array([0., 2.])
    """
    if isinstance(weights, xr.DataArray) and "feature" in weights.coords:
        weights = weights.to_series()
    values = np.ones(count) if weights is None else np.asarray(_ordered(weights, names), float)
    if values.shape != (count,):
        raise invalid("weights", f"of shape {values.shape}", f"There are {count} features.", "Give one for each.")
    if not np.isfinite(values).all():
        raise invalid("weights", values.tolist(), "They must be finite.")
    if not (values > 0).any():
        raise invalid("weights", values.tolist(), "None is above zero.", "Give at least one feature a positive weight.")
    return np.maximum(values, 0)


def _ordered(weights: Any, names: Names | None) -> Sequence[Any]:
    if not hasattr(weights, "keys"):
        return weights
    known = tuple(weights.keys())
    for name in names or ():
        if name not in known:
            raise invalid("weights", "", f"The feature {name!r} has none.", did_you_mean(str(name), map(str, known)))
    return [weights[name] for name in names or known]


def table(parts: Sequence[xr.DataArray]) -> np.ndarray:
    """Return training features as ``(obs, feature)``.

    Raises
    ------
    InvalidInput
        If there is no feature, the rows of features differ, there is one row, or a value is missing or infinite.

    Examples
    --------
    >>> table([xr.DataArray([1, 2], dims="obs"), xr.DataArray([3, 4], dims="obs")])
    array([[1., 3.],
           [2., 4.]])
    """
    if not parts:
        raise invalid("X", "", "It has no features.")
    if any(part.ndim != 1 or part.sizes != parts[0].sizes for part in parts):
        raise invalid("X", "", "Each feature must have one value for each training row.", "Give (obs, feature).")
    values = np.stack([part.values for part in parts], axis=1).astype(float)
    if len(values) < 2:
        raise invalid("X", f"with {len(values)} rows", "Two training rows are the least.")
    broken = np.flatnonzero(~np.isfinite(values).all(axis=1))
    if broken.size:
        raise invalid("X", "", f"Rows {shown(broken)} are missing or infinite.", "Leave them out, as the model does.")
    return values
