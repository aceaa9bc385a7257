"""Rank, inverses and the normal equation, with and without a penalty."""

from functools import partial
from typing import Any

import numpy as np
import xarray as xr
from xarray_einstats import linalg

from bayesgeo._check import invalid
from bayesgeo.linalg.base import labels, matrix, same_labels, vector


def rank(A: xr.DataArray, *, tolerance: float | None = None) -> int:
    """Return the number of singular values above a tolerance.

    Parameters
    ----------
    A : xarray.DataArray
        A matrix.
    tolerance : float, optional
        In the unit of A; numpy's default, largest singular value × max(shape) × machine epsilon.

    Examples
    --------
    >>> rank(xr.DataArray([[1.0, 2.0], [2.0, 4.0]], dims=["obs", "feature"]))
    1
    """
    if tolerance is not None and not tolerance >= 0:
        raise invalid("tolerance", tolerance, "It must not be negative.")
    return int(linalg.matrix_rank(A, dims=matrix("matrix", A), tol=tolerance))


def inverse(A: xr.DataArray) -> xr.DataArray:
    """Return A⁻¹ of a square matrix of full rank, its dimensions swapped.

    Raises
    ------
    InvalidInput
        If the matrix is not square, or singular to working precision.

    Examples
    --------
    >>> A = xr.DataArray([[2.0, 0.0], [0.0, 4.0]], {"row": ["a", "b"], "column": ["c", "d"]})
    >>> inverse(A).sel(column="d", row="b").item()
    0.25
    """
    dims = matrix("matrix", A, square=True)
    if (found := rank(A)) < A.shape[0]:
        raise invalid("matrix", f"of rank {found}", f"It is singular: full rank is {A.shape[0]}.", "Use pseudoinverse.")
    return _swapped(A, np.linalg.inv(A.values), dims)


def pseudoinverse(A: xr.DataArray, *, tolerance: float | None = None) -> xr.DataArray:
    """Return the Moore-Penrose inverse A⁺, its dimensions swapped.

    Parameters
    ----------
    A : xarray.DataArray
        A matrix of any shape and rank.
    tolerance : float, optional
        Singular values below this share of the largest are zero; numpy's default.

    Examples
    --------
    >>> A = xr.DataArray([[1.0, 1.0]], {"obs": [0], "feature": ["gr", "phi"]})
    >>> pseudoinverse(A).values.round(12)
    array([[0.5],
           [0.5]])
    """
    dims = matrix("matrix", A)
    default = max(A.shape) * np.finfo(float).eps
    return _swapped(A, np.linalg.pinv(A.values, rtol=default if tolerance is None else tolerance), dims)


def _swapped(A: xr.DataArray, values: np.ndarray, dims: tuple[str, str]) -> xr.DataArray:
    coords = {dim: A[dim].values for dim in dims if dim in A.coords}
    return xr.DataArray(values, dims=dims[::-1], coords=coords)


def normal_equation(X: xr.DataArray, y: xr.DataArray) -> xr.DataArray:
    """Return θ that solves XᵀX θ = Xᵀy, of minimum norm where there are several: θ = X⁺ y.

    Solved by numpy.linalg.lstsq, without forming XᵀX, whose condition number is that of X squared. No
    intercept is added.

    Parameters
    ----------
    X : xarray.DataArray
        ``(obs, feature)``.
    y : xarray.DataArray
        ``(obs,)``.

    Examples
    --------
    >>> X = xr.DataArray([[1.0, 0.0], [1.0, 1.0], [1.0, 2.0]], dims=["obs", "feature"],
    ...                  coords={"feature": ["one", "depth"]})
    >>> normal_equation(X, xr.DataArray([1.0, 3.0, 5.0], dims="obs")).values.round(10)
    array([1., 2.])
    """
    dim = _rows_agree(X, y)
    theta = np.linalg.lstsq(X.values, y.values, rcond=None)[0]
    return xr.DataArray(theta, dims=dim, coords={dim: X[dim].values}, name="coefficient")


def _rows_agree(X: xr.DataArray, y: xr.DataArray) -> str:
    rows, columns = matrix("X", X)
    vector("y", y)
    same_labels("y", y, X, dim=rows)
    return columns


def ridge_path(X: xr.DataArray, y: xr.DataArray, *, penalties: Any) -> xr.DataArray:
    """Return θ that minimises ‖y − Xθ‖² + α ‖θ‖², for each penalty α.

    scikit-learn's ridge_regression solves it. No intercept is added: centre X and y first.

    Parameters
    ----------
    X, y : xarray.DataArray
        ``(obs, feature)`` and ``(obs,)``.
    penalties : sequence of float
        α, not negative.

    Examples
    --------
    >>> X = xr.DataArray([[1.0], [1.0]], dims=["obs", "feature"], coords={"feature": ["gr"]})
    >>> ridge_path(X, xr.DataArray([1.0, 3.0], dims="obs"), penalties=[0.0, 2.0]).values.round(10)
    array([[2.],
           [1.]])
    """
    from sklearn import linear_model

    dim, penalties = _rows_agree(X, y), _checked_penalties(penalties)
    solve = partial(linear_model.ridge_regression, X.values, y.values, solver="svd")
    return _path(np.array([solve(alpha=alpha) for alpha in penalties]), penalties, X, dim)


def lasso_path(X: xr.DataArray, y: xr.DataArray, *, penalties: Any) -> xr.DataArray:
    """Return θ that minimises ‖y − Xθ‖² / (2 n) + α Σ|θ|, for each penalty α.

    scikit-learn's lasso_path, by coordinate descent to a duality gap of 1e-10 ‖y‖² / n. No intercept is
    added: centre X and y first.

    Parameters
    ----------
    X, y : xarray.DataArray
        ``(obs, feature)`` and ``(obs,)``.
    penalties : sequence of float
        α, above zero.

    Examples
    --------
    >>> X = xr.DataArray([[2.0], [2.0]], dims=["obs", "feature"], coords={"feature": ["gr"]})
    >>> lasso_path(X, xr.DataArray([2.0, 2.0], dims="obs"), penalties=[1.0, 4.0]).values.round(10)
    array([[0.75],
           [0.  ]])
    """
    from sklearn import linear_model

    dim, penalties = _rows_agree(X, y), _checked_penalties(penalties)
    if (penalties == 0).any():
        raise invalid("penalties", 0.0, "Coordinate descent needs penalties above zero.", "Use normal_equation.")
    order = np.argsort(-penalties)
    solve = partial(linear_model.lasso_path, tol=1e-10, max_iter=100_000)
    found = solve(X.values, y.values, alphas=penalties[order])[1].T
    return _path(found[np.argsort(order)], penalties, X, dim)


def _checked_penalties(penalties: Any) -> np.ndarray:
    penalties = np.atleast_1d(np.asarray(penalties, dtype=float))
    if not penalties.size or not np.isfinite(penalties).all() or (penalties < 0).any():
        raise invalid("penalties", penalties.tolist(), "They must be finite and not negative.")
    return penalties


def _path(theta: np.ndarray, penalties: np.ndarray, X: xr.DataArray, dim: str) -> xr.DataArray:
    coords = {"penalty": penalties, dim: labels(X, dim)}
    return xr.DataArray(theta, coords, ("penalty", dim), name="coefficient")
