"""Training rows and rows to predict, with groups, coordinates and weights."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
import pandas as pd
import xarray as xr

from bayesgeo._check import invalid

Labels = Mapping[str, np.ndarray]


@dataclass(frozen=True, eq=False)
class Rows:
    """Rows to predict.

    Parameters
    ----------
    X : numpy.ndarray
        ``(obs, feature)``.
    names : numpy.ndarray
        ``(obs,)`` labels of the rows.
    groups : mapping of str to numpy.ndarray
        Labels ``(obs,)`` by key: event, station, well. Empty where there are none.
    coordinates : mapping of str to numpy.ndarray
        Numbers ``(obs,)`` by name: longitude, latitude, easting, northing, depth.

    Examples
    --------
    >>> len(Rows(np.zeros((3, 2)), np.arange(3)))
    3
    """

    X: np.ndarray
    names: np.ndarray
    groups: Labels = field(default_factory=dict)
    coordinates: Labels = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.X)

    @property
    def group(self) -> np.ndarray | None:
        """Labels of the first key, whose groups stay together when rows are set aside; None without groups."""
        return next(iter(self.groups.values()), None)

    def part(self, index: Any) -> "Rows":
        """Return some of the rows, without their target.

        Examples
        --------
        >>> rows = Rows(np.eye(3), np.arange(3), {"well": np.array(["A", "A", "B"])})
        >>> rows.part([0, 2]).groups["well"].tolist()
        ['A', 'B']
        """
        return Rows(self.X[index], self.names[index], _picked(self.groups, index), _picked(self.coordinates, index))


@dataclass(frozen=True, eq=False)
class TrainingRows(Rows):
    """Training rows.

    Parameters
    ----------
    X, names, groups, coordinates
        As of :class:`Rows`.
    y : numpy.ndarray
        ``(obs,)`` values, or codes of classes: positions in ``classes_``.
    weights : numpy.ndarray, optional
        ``(obs,)`` weight of each row; None weighs all alike.

    Examples
    --------
    >>> TrainingRows(np.zeros((2, 1)), np.arange(2), {"well": np.array(["A", "B"])}, y=np.zeros(2)).group.tolist()
    ['A', 'B']
    """

    y: np.ndarray = field(default_factory=lambda: np.empty(0))
    weights: np.ndarray | None = None

    def part(self, index: Any) -> Self:
        """Return some of the rows, with their targets and weights.

        Examples
        --------
        >>> TrainingRows(np.eye(3), np.arange(3), y=np.array([5.0, 6.0, 7.0])).part(slice(2)).y.tolist()
        [5.0, 6.0]
        """
        rows, weights = super().part(index), self.weights
        kept = None if weights is None else weights[index]
        return type(self)(rows.X, rows.names, rows.groups, rows.coordinates, self.y[index], kept)


def _picked(values: Labels, index: Any) -> dict[str, np.ndarray]:
    return {name: labels[index] for name, labels in values.items()}


def labels_by_key(values: Any, n: int, *, what: str = "groups", default: str = "group") -> dict[str, np.ndarray]:
    """Return labels ``(obs,)`` by key, from any container.

    Parameters
    ----------
    values : None, array-like, mapping, DataFrame or xarray.Dataset
        One array is one key, named by its ``name`` or ``default``; a mapping or table has a key for each column.
    n : int
        Number of rows.
    what, default : str
        What the values are, for messages, and the name of a key without one.

    Raises
    ------
    InvalidInput
        If a key has another number of labels.

    Examples
    --------
    >>> labels_by_key(["A", "B"], 2)
    {'group': array(['A', 'B'], dtype='<U1')}
    >>> list(labels_by_key(pd.DataFrame({"event": [1, 1], "station": ["a", "b"]}), 2))
    ['event', 'station']
    """
    if values is None:
        return {}
    if isinstance(values, xr.Dataset):
        values = {name: array.values for name, array in values.data_vars.items()}
    if not isinstance(values, Mapping | pd.DataFrame):
        values = {getattr(values, "name", None) or default: values}
    found = {str(key): np.asarray(labels) for key, labels in values.items()}
    for key, labels in found.items():
        if labels.shape != (n,):
            raise invalid(what, key, f"It has shape {labels.shape} for {n} rows.", "Give one label for each row.")
    return found


def framed(X: Any) -> Any:
    """Return a labelled array as a DataFrame, whose names scikit-learn reads; anything else unchanged.

    A table without features becomes an array, of which scikit-learn asks no type of column.

    Examples
    --------
    >>> framed(pd.DataFrame(index=range(3))).shape
    (3, 0)
    """
    if isinstance(X, xr.DataArray | pd.DataFrame) and X.ndim == 2 and not X.shape[1]:
        return np.empty(X.shape)
    if not isinstance(X, xr.DataArray):
        return X
    return pd.DataFrame(X.values, columns=[str(name) for name in X["feature"].values])


def row_names(X: Any) -> np.ndarray:
    """Return the labels of rows, or their positions where they have none."""
    if isinstance(X, xr.DataArray) and "obs" in X.coords:
        return X["obs"].values
    if isinstance(X, pd.DataFrame):
        return X.index.to_numpy()
    return np.arange(len(X)) if hasattr(X, "__len__") else np.arange(np.asarray(X).shape[0])
