"""What a map holds: its variables, their attributes by the CF conventions, and its empty frame."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import xarray as xr

from bayesgeo import __version__
from bayesgeo.maps.axes import Axes
from bayesgeo.maps.grid import Grid

CONVENTIONS = "CF-1.11"
CRS = "crs"
EMPTY = -1  # of a code; a number is NaN where a cell is empty
BARE = {"_FillValue": None}
NATS = "1"  # nats have no dimension
COMPASS: Mapping[str, Mapping[str, str]] = {
    "longitude": {"standard_name": "longitude", "units": "degrees_east", "axis": "X"},
    "latitude": {"standard_name": "latitude", "units": "degrees_north", "axis": "Y"},
    "easting": {"standard_name": "projection_x_coordinate", "axis": "X"},
    "northing": {"standard_name": "projection_y_coordinate", "axis": "Y"},
    "grid longitude": {"standard_name": "grid_longitude", "units": "degrees", "axis": "X"},
    "grid latitude": {"standard_name": "grid_latitude", "units": "degrees", "axis": "Y"},
}


@dataclass(frozen=True)
class Layer:
    """One variable of a map.

    Parameters
    ----------
    name, title : str
        Its name and ``long_name``.
    unit : str
        Its unit; empty where unknown.
    words : tuple of str
        What its codes 0, 1, ... mean; empty for a number.
    labelled : bool
        Whether it has a value for each class.
    attrs : mapping
        More attributes.

    Examples
    --------
    >>> Layer("mean", "expected value", "m").attributes
    {'long_name': 'expected value', 'units': 'm'}
    """

    name: str
    title: str
    unit: str = ""
    words: tuple[str, ...] = ()
    labelled: bool = False
    attrs: Mapping[str, Any] = field(default_factory=dict)

    @property
    def attributes(self) -> dict[str, Any]:
        """The attributes of the variable."""
        found: dict[str, Any] = {"long_name": self.title} | ({"units": self.unit} if self.unit else {})
        if self.words:
            found |= {"flag_values": np.arange(len(self.words), dtype=np.int16)}
            found |= {"flag_meanings": " ".join(_word(word) for word in self.words)}
        return found | dict(self.attrs)

    @property
    def encoding(self) -> dict[str, Any]:
        """How a file keeps the variable: codes as whole numbers, others in single precision."""
        if self.words:
            return {"dtype": np.dtype("int16"), "_FillValue": np.int16(EMPTY)}
        return {"dtype": np.dtype("float32"), "_FillValue": np.float32(np.nan)}

    def stored(self, values: np.ndarray) -> np.ndarray:
        """Return values, NaN where empty, as a file keeps them.

        Examples
        --------
        >>> Layer("far", "far", words=("near", "far")).stored(np.array([1.0, np.nan])).tolist()
        [1, -1]
        """
        filled = np.where(np.isnan(values), EMPTY, values) if self.words else values
        return filled.astype(self.encoding["dtype"])

    def dims(self, axes: Axes) -> tuple[str, ...]:
        """Return the dimensions of the variable."""
        return (*(("label",) if self.labelled else ()), axes.y, axes.x)


def value_layers(of: str, unit: str, *, probability: float, threshold: float | None) -> list[Layer]:
    """Return the variables of a map of values.

    Examples
    --------
    >>> [layer.name for layer in value_layers("pga", "g", probability=0.9, threshold=None)]
    ['mean', 'sd', 'sd_epistemic', 'sd_aleatoric', 'low', 'high']
    """
    ends = {"probability": probability}
    found = [
        Layer("mean", f"expected {of}", unit),
        Layer("sd", f"standard deviation of {of}", unit),
        Layer("sd_epistemic", f"standard deviation of the expected {of} over the posterior", unit),
        Layer("sd_aleatoric", f"standard deviation of {of} around its expected value", unit),
        Layer("low", f"lower end of the {probability:.4g} interval of {of}", unit, attrs=ends),
        Layer("high", f"upper end of the {probability:.4g} interval of {of}", unit, attrs=ends),
    ]
    if threshold is None:
        return found
    title = f"probability that {of} is above {threshold:g}{f' {unit}' if unit else ''}"
    return [*found, Layer("exceedance", title, "1", attrs={"threshold": threshold})]


def class_layers(of: str, labels: Sequence[str]) -> list[Layer]:
    """Return the variables of a map of classes.

    Examples
    --------
    >>> [layer.name for layer in class_layers("rock", ["sand", "shale"])]
    ['probability', 'predicted', 'aleatoric', 'epistemic']
    """
    return [
        Layer("probability", f"probability of each {of}", "1", labelled=True),
        Layer("predicted", f"most probable {of}", words=tuple(labels)),
        Layer("aleatoric", f"expected entropy of {of}, in nats", NATS),
        Layer("epistemic", f"mutual information of {of} and the parameters, in nats", NATS),
    ]


def frame_of(grid: Grid, labels: Sequence[str] = (), *, model: str = "") -> xr.Dataset:
    """Return a map without variables: its coordinates, its reference system and its attributes.

    Examples
    --------
    >>> from bayesgeo.maps.grid import as_grid
    >>> frame = frame_of(as_grid(xr.Dataset(coords={"lat": [46.0, 47.0], "lon": [7.0, 8.0]})), model="ridge")
    >>> frame["lat"].attrs["units"], frame["crs"].attrs["grid_mapping_name"], frame.attrs["Conventions"]
    ('degrees_north', 'latitude_longitude', 'CF-1.11')
    """
    axes = grid.axes
    made = zip((axes.x, axes.y), axes.places, axes.units, (grid.x, grid.y), strict=True)
    # CF wants no fill value for a coordinate, which xarray would add.
    coords: dict[str, Any] = {
        name: (name, values, {"long_name": place} | ({"units": unit} if unit else {}) | dict(COMPASS[place]), BARE)
        for name, place, unit, values in made
    }
    if labels:
        coords["label"] = ("label", np.array(labels, dtype=object), {"long_name": "class"})
    crs = {CRS: ((), np.int32(0), dict(axes.crs), BARE)} if axes.crs else {}
    attrs = {
        "Conventions": CONVENTIONS,
        "title": f"Predictions of {model} on a grid",
        "source": f"model {model} of bayesgeo {__version__}",
        "history": f"bayesgeo {__version__}: predicted by {model} for each cell of a grid",
    }
    return xr.Dataset(crs, {name: coords[name] for name in (axes.y, axes.x, *(["label"] if labels else []))}, attrs)


def variable(layer: Layer, axes: Axes, values: Any) -> xr.Variable:
    """Return a layer as a variable of a dataset."""
    mapping = {"grid_mapping": CRS} if axes.crs else {}
    return xr.Variable(layer.dims(axes), values, layer.attributes | mapping, encoding=layer.encoding)


def _word(text: str) -> str:
    """Return a text as CF has the meaning of a flag: without spaces."""
    return "".join(c if c.isalnum() or c in "_-.+@" else "_" for c in text)
