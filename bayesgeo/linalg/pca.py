"""Principal components of labelled columns, by scikit-learn."""

from dataclasses import dataclass

import numpy as np
import xarray as xr

from bayesgeo._check import invalid
from bayesgeo.linalg.base import labels, matrix, same_labels


@dataclass(frozen=True, eq=False, repr=False)
class PCA:
    """Hold the directions of largest variance of a table's columns.

    Parameters
    ----------
    components : xarray.DataArray
        ``(component, feature)`` orthonormal loadings; of each the entry of largest size is positive.
    mean, scale : xarray.DataArray
        ``(feature,)`` value subtracted from each column, and its divisor.
    explained_variance : xarray.DataArray
        ``(component,)`` variance along each, divisor n − 1.
    explained_variance_ratio : xarray.DataArray
        ``(component,)`` its share of the variance of all columns.

    Examples
    --------
    >>> X = xr.DataArray([[0.0, 1.0], [4.0, 2.0], [2.0, 3.0]], dims=["obs", "feature"])
    >>> pca(X).explained_variance.values.round(4)
    array([4.3028, 0.6972])
    """

    components: xr.DataArray
    mean: xr.DataArray
    scale: xr.DataArray
    explained_variance: xr.DataArray
    explained_variance_ratio: xr.DataArray

    def __repr__(self) -> str:
        share = float(self.explained_variance_ratio.sum())
        n, features = self.components.shape
        return f"PCA({n} components of {features} columns, {share:.1%} of their variance)"

    def transform(self, X: xr.DataArray) -> xr.DataArray:
        """Return the scores ``(obs, component)`` of rows.

        Examples
        --------
        >>> X = xr.DataArray([[0.0, 0.0], [1.0, 1.0], [2.0, 2.0]], dims=["obs", "feature"])
        >>> pca(X, 1).transform(X).values.ravel().round(4)
        array([-1.4142,  0.    ,  1.4142])
        """
        matrix("X", X)
        feature = str(self.mean.dims[0])
        same_labels("X", X, self.mean, dim=feature)
        return xr.dot((X - self.mean) / self.scale, self.components, dim=feature)

    def inverse(self, scores: xr.DataArray) -> xr.DataArray:
        """Return the rows ``(obs, feature)`` reconstructed from scores.

        Examples
        --------
        >>> X = xr.DataArray([[0.0, 1.0], [4.0, 2.0], [2.0, 3.0]], dims=["obs", "feature"])
        >>> found = pca(X)
        >>> bool(abs(found.inverse(found.transform(X)) - X).max() < 1e-12)
        True
        """
        same_labels("scores", scores, self.components, dim="component")
        return xr.dot(scores, self.components, dim="component") * self.scale + self.mean


def pca(X: xr.DataArray, n_components: int | None = None, *, standardise: bool = False) -> PCA:
    """Compute the principal components of the columns of a matrix, such as an image.

    Parameters
    ----------
    X : xarray.DataArray
        ``(obs, feature)``, or an image ``(row, column)``; finite.
    n_components : int, optional
        Number of components to keep; min(rows, columns) when absent.
    standardise : bool
        Divide each column by its standard deviation first, for columns of different units.

    Raises
    ------
    InvalidInput
        If a value is missing, or a column to be standardised is constant.

    Examples
    --------
    >>> X = xr.DataArray([[0.0, 0.0], [1.0, 1.0], [2.0, 2.0]], dims=["obs", "feature"])
    >>> pca(X, 1)
    PCA(1 components of 2 columns, 100.0% of their variance)
    """
    from sklearn import decomposition

    rows, columns = matrix("X", X)
    most = min(X.shape)
    n_components = most if n_components is None else n_components
    if not 1 <= n_components <= most or X.sizes[rows] < 2:
        raise invalid("n_components", n_components, f"It must be from 1 to {most} for {dict(X.sizes)}.")
    mean = X.mean(rows).reset_coords(drop=True)
    scale = X.std(rows, ddof=1).reset_coords(drop=True) if standardise else xr.ones_like(mean)
    if float(abs(X - mean).max()) == 0:
        raise invalid("X", dict(X.sizes), "No column varies.", "Give rows that differ.")
    if (scale == 0).any():
        constant = labels(X, columns)[int((scale.values == 0).argmax())]
        raise invalid("column", constant, "It is constant and cannot be standardised.", "Leave it out.")
    found = decomposition.PCA(n_components, svd_solver="full").fit(((X - mean) / scale).values)
    coords = {columns: mean[columns].values, "component": np.arange(1, n_components + 1)}
    number = {"component": coords["component"]}
    return PCA(
        components=xr.DataArray(found.components_, coords, ("component", columns)),
        mean=mean,
        scale=scale,
        explained_variance=xr.DataArray(found.explained_variance_, number),
        explained_variance_ratio=xr.DataArray(found.explained_variance_ratio_, number),
    )
