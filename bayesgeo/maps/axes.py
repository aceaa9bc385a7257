"""The two axes of a grid: which they are, in which unit, and in which reference system."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import xarray as xr

from bayesgeo._check import invalid, shown
from bayesgeo.datasets.tables.coordinates import PLACES

DEGREES, PLANE = ("longitude", "latitude"), ("easting", "northing")
ROTATED = ("grid longitude", "grid latitude")  # of a rotated pole, as of regional climate models
STANDARD = {
    "longitude": "longitude",
    "latitude": "latitude",
    "projection_x_coordinate": "easting",
    "projection_y_coordinate": "northing",
    "grid_longitude": "grid longitude",
    "grid_latitude": "grid latitude",
}
METRE = ("metre", "meter", "metres", "meters")
COMPASS = {"degrees_east": "longitude", "degrees_north": "latitude"}
BY_NAME = {name: place for place, names in PLACES.items() for name in names} | {"x": "easting", "y": "northing"}
LIMITS = {"longitude": (-180.0, 360.0), "latitude": (-90.0, 90.0)}
# What "longitude and latitude" mean where a grid does not say more.
WGS84: Mapping[str, Any] = {
    "grid_mapping_name": "latitude_longitude",
    "longitude_of_prime_meridian": 0.0,
    "semi_major_axis": 6378137.0,
    "inverse_flattening": 298.257223563,
}


@dataclass(frozen=True)
class Axes:
    """Names, places and units of the axes of a grid.

    Parameters
    ----------
    x, y : str
        Names of the dimensions.
    places : tuple of str
        What they are: ``("longitude", "latitude")``, ``("easting", "northing")`` or those of a rotated pole.
    units : tuple of str
        Their units; empty where unknown.
    crs : mapping
        Attributes of the grid mapping, as CF has them; empty where the grid states none.

    Examples
    --------
    >>> Axes("lon", "lat", DEGREES, ("degrees_east", "degrees_north")).geographic
    True
    """

    x: str
    y: str
    places: tuple[str, str]
    units: tuple[str, str] = ("", "")
    crs: Mapping[str, Any] = field(default_factory=dict)

    @property
    def geographic(self) -> bool:
        """Whether the axes are longitude and latitude."""
        return self.places == DEGREES


def axes_of(data: xr.Dataset, coordinates: tuple[str, str] | None = None) -> Axes:
    """Find the axes of a grid by the attributes of its coordinates, or by their names.

    Parameters
    ----------
    data : xarray.Dataset
        The grid.
    coordinates : tuple of str, optional
        Names of the dimensions from west to east and from south to north, where they are not told by
        ``standard_name``, by ``units``, or by a name such as ``lon``, ``latitude``, ``x`` or ``northing``.

    Raises
    ------
    InvalidInput
        If they are not found, are not along one dimension each, do not rise or fall throughout, or are impossible.

    Examples
    --------
    >>> axes_of(xr.Dataset(coords={"lat": [46.0, 47.0], "lon": [7.0, 8.0]}))
    Axes(x='lon', y='lat', places=('longitude', 'latitude'), units=('', ''), crs={...})
    """
    mapping = _grid_mapping(data)
    x, y = coordinates or _found(data, mapping)
    for name in (x, y):
        if name not in data.dims or name not in data.coords:
            problem = f"It has no coordinate along a dimension of its own called {name!r}."
            raise invalid("grid", shown(map(str, data.coords)), problem, "Name its two coordinates.")
    told = {place_by(name, data[name].attrs, mapping) for name in (x, y)}
    places = next((pair for pair in (DEGREES, ROTATED) if {*pair} == told), PLANE)
    for name, place in zip((x, y), places, strict=True):
        _refuse_crooked(name, data[name].values, place)
    units = tuple(_unit(str(data[name].attrs.get("units", ""))) for name in (x, y))
    crs = mapping or (WGS84 if places == DEGREES else {})
    return Axes(x, y, places, (units[0], units[1]), dict(crs))


def turned(longitude: np.ndarray, centre: float) -> np.ndarray:
    """Return longitudes counted in the circle around a centre, those already in it exactly as they were.

    Examples
    --------
    >>> turned(np.array([10.0, 200.0, 180.0]), 0.0).tolist()
    [10.0, -160.0, 180.0]
    """
    return longitude + 360.0 * np.round((centre - longitude) / 360.0)


def _grid_mapping(data: xr.Dataset) -> dict[str, Any]:
    """Return the attributes of the variable that states the reference system; empty where none does."""
    named = [data[name].encoding.get("grid_mapping", data[name].attrs.get("grid_mapping")) for name in data.data_vars]
    named += [name for name in data.variables if "grid_mapping_name" in data[name].attrs]
    for name in named:
        if name in data.variables:
            return {key: value for key, value in data[name].attrs.items() if key != "GeoTransform"}
    return {}


def _found(data: xr.Dataset, mapping: Mapping[str, Any]) -> tuple[str, str]:
    told = {name: place_by(name, data[name].attrs, mapping) for name in data.dims if name in data.coords}
    along: dict[Hashable, str] = {name: place for name, place in told.items() if place}
    for wanted in (DEGREES, PLANE, ROTATED):
        pair = [[str(name) for name, place in along.items() if place == one] for one in wanted]
        if all(len(names) == 1 for names in pair):
            return pair[0][0], pair[1][0]
    problem = f"No two of its dimensions {shown(map(str, data.dims), most=10)} are longitude and latitude or x and y."
    remedy = "Name them so, or give each coordinate its standard_name; curved grids must be resampled first."
    raise invalid("grid", shown(map(str, data.coords), most=10), problem, remedy)


def _unit(text: str) -> str:
    return "m" if text.lower() in METRE else text


def place_by(name: Hashable, attrs: Mapping[str, Any], mapping: Mapping[str, Any]) -> str:
    """Return which coordinate a name and attributes tell; empty where they tell none.

    Examples
    --------
    >>> place_by("c", {"units": "degrees_east"}, {}), place_by("Northing", {}, {}), place_by("time", {}, {})
    ('longitude', 'northing', '')
    """
    stated = STANDARD.get(str(attrs.get("standard_name", ""))) or COMPASS.get(str(attrs.get("units", "")))
    by_name = BY_NAME.get(str(name).lower(), "")
    if not stated and mapping.get("grid_mapping_name") == "latitude_longitude" and by_name in PLANE:
        return DEGREES[PLANE.index(by_name)]
    return stated or by_name


def _refuse_crooked(name: str, values: np.ndarray, place: str) -> None:
    if values.ndim != 1 or values.dtype.kind not in "iuf" or not np.isfinite(values).all() or not len(values):
        raise invalid("coordinate", name, "It must be finite numbers along one dimension.", "Correct the grid.")
    steps = np.diff(values)
    if not ((steps > 0).all() or (steps < 0).all()):
        raise invalid("coordinate", name, "It neither rises nor falls from end to end.", "Sort the grid along it.")
    low, high = LIMITS.get(place, (-np.inf, np.inf))
    wrong = values[(values < low) | (values > high)]
    if len(wrong):
        problem = f"{wrong[0]:g} is outside {low:g} to {high:g} degrees."
        raise invalid("coordinate", name, problem, "Correct it; metres go to easting and northing.")
