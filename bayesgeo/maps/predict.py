"""Predict the cells of a grid, strip by strip."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from sklearn.utils.validation import check_is_fitted

from bayesgeo._check import invalid
from bayesgeo.datasets.columns import Column
from bayesgeo.maps.cells import Cells, Reader, cells_of
from bayesgeo.maps.grid import Grid, as_grid
from bayesgeo.maps.layers import Layer, class_layers, frame_of, value_layers, variable
from bayesgeo.maps.mixture import summarise_cells
from bayesgeo.maps.parts import HasParts, part_layers, split_sd
from bayesgeo.metrics.classification import summarise_classes
from bayesgeo.models.base import Classifier, Estimator, Regressor

Values = dict[str, np.ndarray]


@dataclass(frozen=True, eq=False)
class Mapper:
    """How a map is made: what is read from a strip of cells, and what is said of each cell.

    Parameters
    ----------
    read : callable
        From the table of a strip and which of its cells count to :class:`bayesgeo.maps.cells.Cells`.
    needed : sequence of str
        Names of the variables and coordinates that ``read`` looks at.
    layers : sequence of Layer
        The variables of the map.
    describe : callable
        From cells to the values of each layer, along the last axis.
    """

    read: Reader
    needed: Sequence[str]
    layers: Sequence[Layer]
    describe: Callable[[Cells], Values]

    def strips(self, grid: Grid) -> Iterator[tuple[slice, Values]]:
        """Yield rows of cells and the values ``([label, ]y, x)`` of each layer; NaN where a cell is empty.

        Strips are the same whatever the chunks of the grid are, and so are the numbers.
        """
        for rows in grid.strips():
            counted = grid.counted(rows)
            cells = self.read(grid.frame(rows, self.needed), counted)
            found = self.describe(cells) if len(cells.at) else {}
            shape = (rows.stop - rows.start, grid.shape[1])
            yield rows, {layer.name: self._spread(layer, found, cells.at, shape) for layer in self.layers}

    def _spread(self, layer: Layer, found: Values, at: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
        full = np.full((self.labels if layer.labelled else 1, shape[0] * shape[1]), np.nan)
        if found:
            full[:, at] = found[layer.name]
        return full.reshape(-1, *shape) if layer.labelled else full.reshape(shape)

    @property
    def labels(self) -> int:
        """Number of classes; zero for values."""
        return max((len(layer.words) for layer in self.layers if layer.name == "predicted"), default=0)


def predict_grid(
    estimator: Any,
    grid: xr.Dataset,
    *,
    features: Sequence[str] | Sequence[Column],
    coordinates: tuple[str, str] | None = None,
    threshold: float | None = None,
    probability: float = 0.9,
) -> xr.Dataset:
    """Predict every cell of a grid with a fitted model, with uncertainty.

    The grid is read and predicted strip by strip, also where its values are still in a file or in dask chunks, and
    its chunks change no number. The model gets the places of the cells as ``coordinates``. Groups are taken as unknown:
    a model with effects of groups predicts for any group of the population, the same one in all cells.

    Parameters
    ----------
    estimator : Classifier or Regressor
        Fitted model of bayesgeo.
    grid : xarray.Dataset
        Variables along two axes, longitude and latitude or easting and northing. A variable along one of them, or of
        one value, counts for all cells. Codes with ``flag_values`` and ``flag_meanings`` are those words.
    features : sequence of str or Column
        The features of the model in its order: names of variables or of axes, or columns with levels and fills.
    coordinates : tuple of str, optional
        Names of the two dimensions, from west to east and from south to north; by default found by their attributes
        and names.
    threshold : float, optional
        For values: also map the probability that the response is above it.
    probability : float
        Of the interval from ``low`` to ``high``.

    Returns
    -------
    xarray.Dataset
        For values ``mean``, ``sd`` of the response, its parts ``sd_epistemic`` and ``sd_aleatoric``, ``low``, ``high``
        and ``exceedance``, ``(y, x)`` each; of a model with ``predict_sd`` the parts are its own: ``sd_aleatoric`` is
        the noise within, and ``sd_field``, or ``sd_<key>`` of effects of groups, lies between the two. For classes
        ``probability (label, y, x)``, ``predicted`` (codes), ``aleatoric`` and ``epistemic`` in nats. NaN where a cell
        lacks a feature. Attributes follow the CF conventions.

    Raises
    ------
    InvalidInput
        If the model is none of bayesgeo, the grid lacks a feature or an axis, or a threshold is given for classes.

    Examples
    --------
    >>> from bayesgeo.models import RidgeRegressor
    >>> model = RidgeRegressor().fit(pd.DataFrame({"slope": [0.0, 1.0, 2.0, 3.0]}), [1.0, 3.1, 4.9, 7.0])
    >>> hills = xr.Dataset({"slope": (("y", "x"), [[0.0, np.nan], [2.0, 3.0]])}, {"y": [0.0, 1.0], "x": [0.0, 1.0]})
    >>> predict_grid(model, hills, features=["slope"], threshold=4.0)["mean"].round(0).values
    array([[ 1., nan],
           [ 5.,  7.]])
    """
    refuse_model(estimator)
    refuse_options(estimator, threshold, probability)
    columns = [feature if isinstance(feature, Column) else Column(feature) for feature in features]
    needed = [column.name for column in columns]
    laid = as_grid(grid, coordinates=coordinates)
    laid.refuse_missing(needed)
    names = [name for column in columns for name in column.features]
    read = partial(_read, columns=columns, features=names, places=laid.axes.places)
    labels = [str(label) for label in getattr(estimator, "classes_", [])]
    layers = layers_of(estimator, labels, "response", threshold=threshold, probability=probability)
    describe = describer(estimator, threshold=threshold, probability=probability)
    mapper = Mapper(read, [*needed, *laid.axes.places], layers, describe)
    return _assembled(mapper, laid, frame_of(laid, labels, model=estimator.name))


def describer(
    estimator: Estimator, *, threshold: float | None, probability: float
) -> Callable[[Cells], dict[str, np.ndarray]]:
    """Return the function that predicts cells: values with their spread and interval, or classes with theirs."""
    if isinstance(estimator, Classifier):
        return partial(_classes, estimator)
    assert isinstance(estimator, Regressor)
    return partial(_values, estimator, threshold=threshold, probability=probability)


def layers_of(
    estimator: Estimator,
    labels: Sequence[str],
    of: str,
    *,
    unit: str = "",
    threshold: float | None,
    probability: float,
) -> list[Layer]:
    """Return the variables that a model's map has."""
    if isinstance(estimator, Classifier):
        return class_layers(of, labels)
    layers = value_layers(of, unit, probability=probability, threshold=threshold)
    if not isinstance(estimator, HasParts):
        return layers
    own = {"sd_aleatoric": Layer("sd_aleatoric", f"standard deviation of {of} from noise: no sample reduces it", unit)}
    layers = [own.get(layer.name, layer) for layer in layers]
    return [*layers[:4], *part_layers(estimator.sd_parts, of, unit), *layers[4:]]


def refuse_model(estimator: Any) -> None:
    """Refuse what is no fitted model of bayesgeo."""
    if not isinstance(estimator, Classifier | Regressor):
        remedy = "Wrap it: bayesgeo.SklearnRegressor(estimator), or SklearnClassifier."
        raise invalid("estimator", type(estimator).__name__, "It is no model of bayesgeo.", remedy)
    check_is_fitted(estimator)


def refuse_options(estimator: Estimator, threshold: float | None, probability: float) -> None:
    """Refuse a threshold for classes, and a probability that is none."""
    if threshold is not None and isinstance(estimator, Classifier):
        problem = f"{estimator.name} predicts classes, which are not above or below anything."
        raise invalid("threshold", threshold, problem, "Leave it out: the map has the probability of each class.")
    if threshold is not None and not np.isfinite(threshold):
        raise invalid("threshold", threshold, "It must be a finite number.", "Give it in the unit of the response.")
    if not 0 < probability < 1:
        raise invalid("probability", probability, "It must be in (0, 1).", "Give 0.9.")


def _read(
    frame: pd.DataFrame,
    counted: np.ndarray,
    *,
    columns: Sequence[Column],
    features: Sequence[str],
    places: Sequence[str],
) -> Cells:
    cells = cells_of(frame, columns, features, counted)
    return Cells(cells.X, cells.at, {}, {place: frame[place].to_numpy()[cells.at] for place in places})


def _values(estimator: Regressor, cells: Cells, *, threshold: float | None, probability: float) -> Values:
    X = _as_learned(estimator, cells.X)
    parts = [
        summarise_cells(predictive, threshold=threshold, probability=probability)
        for predictive in estimator.stream_predictive(X, **cells.labels)
    ]
    found = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    return found | (split_sd(estimator, found, X, cells.labels) if isinstance(estimator, HasParts) else {})


def _classes(estimator: Classifier, cells: Cells) -> Values:
    drawn = estimator.stream(_as_learned(estimator, cells.X), **cells.labels)
    parts = [summarise_classes(draws) for draws in drawn]
    found = {str(name): np.concatenate([part[name].values.T for part in parts], axis=-1) for name in parts[0].data_vars}
    return found | {"predicted": found["probability"].argmax(axis=0).astype(float)}


def _as_learned(estimator: Estimator, X: xr.DataArray) -> Any:
    """Return features with names where the model learned names, else without."""
    return X if hasattr(estimator, "feature_names_in_") else X.values


def _assembled(mapper: Mapper, grid: Grid, frame: xr.Dataset) -> xr.Dataset:
    whole: Mapping[str, np.ndarray] = {
        layer.name: np.empty((*([mapper.labels] if layer.labelled else []), *grid.shape)) for layer in mapper.layers
    }
    for rows, values in mapper.strips(grid):
        for name, array in whole.items():
            array[..., rows, :] = values[name]
    return frame.assign({layer.name: variable(layer, grid.axes, whole[layer.name]) for layer in mapper.layers})


__all__ = ["predict_grid"]
