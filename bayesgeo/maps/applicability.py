"""Where a model may be applied: dissimilarity to its training rows, the area of applicability, local point density."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any

import numpy as np
import xarray as xr
from scipy.spatial import cKDTree

from bayesgeo._arrays import BUDGET
from bayesgeo._check import invalid, one_of
from bayesgeo.maps.columns import Names, columns, matched_weights, names_of, table
from bayesgeo.maps.training import TIE, held_out_distance, mean_distance, spread, threshold

RULES = ("whisker", "fence")


@dataclass(frozen=True, eq=False)
class AreaOfApplicability:
    """Hold what tells rows that resemble the training rows from others; :func:`area_of_applicability` makes it.

    Rows are given as ``(row, feature)``, a table, an array with a dimension ``feature``, or an
    :class:`xarray.Dataset` whose variables are the features: a grid, in memory or chunked by dask, which is then
    computed chunk by chunk, with the same bits for any chunks. Features are matched by name where both sides have
    names. A row that misses a feature has dissimilarity NaN, is not inside, and has density 0; one with an infinite
    feature is an error, when it is computed.

    Attributes
    ----------
    names : tuple or None
        Features, where training had names.
    centre, scale : numpy.ndarray
        ``(feature,)`` training mean, and weight over training standard deviation.
    points : numpy.ndarray
        ``(obs, feature)`` training features, centred and scaled.
    mean_distance : float
        Mean distance of all pairs of training points.
    training_dissimilarity : xarray.DataArray
        ``(obs,)`` distance of each training row to the nearest one outside its fold, over ``mean_distance``; NaN for a
        row that no fold tests.
    threshold : float
        Largest dissimilarity inside.

    Examples
    --------
    >>> area = area_of_applicability([[0.0], [1.0], [2.0], [4.0]])
    >>> area.inside([[2.5], [9.0], [np.nan]]).values
    array([ True, False, False])
    """

    names: Names | None
    centre: np.ndarray = field(repr=False)
    scale: np.ndarray = field(repr=False)
    points: np.ndarray = field(repr=False)
    mean_distance: float
    training_dissimilarity: xr.DataArray = field(repr=False)
    threshold: float

    @cached_property
    def _tree(self) -> cKDTree:
        return cKDTree(self.points)

    def dissimilarity(self, X: Any) -> xr.DataArray:
        r"""Return the dissimilarity index ``(row,)``: :math:`\min_i d(x, x_i) / \bar d`, 0 at a training row.

        Examples
        --------
        >>> area_of_applicability([[0.0], [1.0], [3.0]]).dissimilarity([[1.0], [5.0]]).values
        array([0., 1.])
        """
        found = self._measured(X, _nearest, np.float64) / self.mean_distance
        return _named(found, "dissimilarity", "dissimilarity index")

    def inside(self, X: Any) -> xr.DataArray:
        """Return whether each row ``(row,)`` is inside: its dissimilarity is at most the threshold.

        Examples
        --------
        >>> area_of_applicability([[0.0], [1.0], [3.0]]).inside([[4.0], [5.5]]).values
        array([ True, False])
        """
        return self._inside(self.dissimilarity(X))

    def local_point_density(self, X: Any) -> xr.DataArray:
        """Return the number ``(row,)`` of training rows nearer than the threshold.

        Nearer, not as near: as in R's CAST, ``<`` counts here where ``<=`` does for :meth:`inside`, so that a row
        exactly at the threshold is inside with density 0.

        Examples
        --------
        >>> area_of_applicability([[0.0], [1.0], [3.0]]).local_point_density([[0.5], [5.5]]).values
        array([2, 0])
        """
        radius = self.threshold * self.mean_distance * (1 - TIE)
        return _named(self._measured(X, partial(_near, radius=radius), np.int64), "local_point_density")

    def summary(self, X: Any) -> xr.Dataset:
        """Return ``dissimilarity``, ``inside`` and ``local_point_density`` of each row; lazy where ``X`` is.

        Examples
        --------
        >>> area = area_of_applicability([[0.0], [1.0], [3.0]])
        >>> grid = xr.Dataset({"depth": (("y", "x"), [[0.5, 5.5]])})
        >>> area.summary(grid).sizes == {"y": 1, "x": 2}
        True
        """
        found = self.dissimilarity(X)
        attrs = {"threshold": self.threshold, "mean_distance": self.mean_distance}
        parts = {"inside": self._inside(found), "local_point_density": self.local_point_density(X)}
        return xr.Dataset({"dissimilarity": found} | parts, attrs=attrs)

    def _inside(self, dissimilarity: xr.DataArray) -> xr.DataArray:
        return _named(dissimilarity <= self.threshold * (1 + TIE), "inside", "inside the area of applicability")

    def _measured(self, X: Any, measure: Callable[..., np.ndarray], kind: Any) -> xr.DataArray:
        parts: Any = columns(X, self.names, count=len(self.centre))
        if any(part.chunks for part in parts):
            parts = xr.unify_chunks(*(part.chunk() for part in parts))
        by_rows = partial(_by_rows, area=(self.centre, self.scale, self._tree), measure=measure, kind=kind)
        return xr.apply_ufunc(by_rows, *parts, dask="parallelized", output_dtypes=[kind])


def area_of_applicability(
    X: Any, *, folds: Any = None, weights: Any = None, rule: str = "whisker"
) -> AreaOfApplicability:
    r"""Learn where a model that was trained on ``X`` may be applied (Meyer and Pebesma 2021, MEE 12:1620).

    Each feature is centred, divided by its standard deviation (``ddof=1``) and multiplied by its weight; :math:`d` is
    the Euclidean distance of such points, :math:`\bar d` its mean over all pairs of training rows, and the
    dissimilarity index of a row is :math:`\min_i d(x, x_i) / \bar d`. That of a training row looks only at rows outside
    its fold: it is as unlike the rest as the rows were on which the model was tested. The largest that is no outlier is
    the threshold: beyond it, errors measured on these folds say nothing. Local point density is that of Schumacher et
    al. (2025, Geosci. Model Dev. 18:10185).

    Parameters
    ----------
    X : array-like, table or DataArray
        ``(obs, feature)`` training features, as the model had them: at least two rows, finite. A feature with only one
        value has no standard deviation, and is an error unless its weight is 0.
    folds : optional
        The folds on which the model was tested: ``(obs,)`` labels, or pairs of the positions of training and test rows,
        as :attr:`bayesgeo.datasets.Split.folds` and scikit-learn have them. By default one row is left out at a time,
        so that of rows measured twice each finds its double, at distance 0.
    weights : array-like, mapping or Series, optional
        ``(feature,)`` importance of each feature in the model, by name where it has names; negative ones count as 0.
    rule : {"whisker", "fence"}
        ``"whisker"``: the threshold is the largest training dissimilarity that is at most the fence :math:`Q_{75} + 1.5
        (Q_{75} - Q_{25})`, quantiles interpolated, as the paper says. ``"fence"``: it is the fence itself, or the
        largest if that is less, as R's CAST has computed it from version 0.7.1; never smaller.

    Returns
    -------
    AreaOfApplicability

    Raises
    ------
    InvalidInput
        If a feature, the folds, the weights or the rule cannot be used.

    Notes
    -----
    The mean over pairs is exact up to 20,000 rows. Of more, 20,000 are drawn, the same every time.

    Examples
    --------
    >>> area = area_of_applicability([[0.0], [1.0], [10.0], [12.0]], folds=["a", "a", "b", "b"])
    >>> area.training_dissimilarity.values.round(2)
    array([1.33, 1.2 , 1.2 , 1.47])
    """
    one_of("rule", rule, RULES)
    names, parts = names_of(X), columns(X, rows="obs")
    values = table(parts)
    weight = matched_weights(weights, names, len(parts))
    scale = weight / spread(values, weight, names)
    centre = values.mean(axis=0)
    points = (values - centre) * scale
    distance = mean_distance(points)
    training = held_out_distance(points, folds) / distance
    limit = threshold(training, rule)
    return AreaOfApplicability(names, centre, scale, points, distance, xr.DataArray(training, dims="obs"), limit)


def _nearest(points: np.ndarray, tree: cKDTree) -> np.ndarray:
    return tree.query(points)[0]


def _near(points: np.ndarray, tree: cKDTree, radius: float) -> Any:
    return tree.query_ball_point(points, radius, return_length=True) if radius > 0 else 0


def _by_rows(*parts: np.ndarray, area: tuple[Any, ...], measure: Callable[..., np.ndarray], kind: Any) -> np.ndarray:
    """Measure each complete row on its own, some rows at a time."""
    centre, scale, tree = area
    parts = np.broadcast_arrays(*parts)
    flat = [part.reshape(-1) for part in parts]
    found = np.full(flat[0].size, np.nan if kind is np.float64 else 0, kind)
    step = max(1, BUDGET // (4 * len(flat)))
    for start in range(0, len(found), step):
        rows = np.stack([part[start : start + step] for part in flat], axis=1).astype(np.float64)
        if np.isinf(rows).any():
            raise invalid("X", "", "A feature is infinite.", "Replace it, or mark it as missing by NaN.")
        known = ~np.isnan(rows).any(axis=1)
        found[start : start + step][known] = measure((rows[known] - centre) * scale, tree)
    return found.reshape(parts[0].shape)


def _named(values: xr.DataArray, name: str, title: str = "") -> xr.DataArray:
    values.attrs = {"long_name": title or name.replace("_", " ")}
    return values.rename(name)


__all__ = ["AreaOfApplicability", "area_of_applicability"]
