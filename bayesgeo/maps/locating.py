"""Longitudes and latitudes of the cells of a grid whose axes are other coordinates, and back."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import xarray as xr

from bayesgeo.maps.axes import COMPASS, DEGREES, STANDARD
from bayesgeo.maps.grid import Grid

WGS84 = "EPSG:4326"


def with_degrees(grid: Grid) -> Grid:
    """Return a grid that also tells the longitude and latitude of its cells.

    They are variables of the file along both axes, with the ``standard_name`` or the unit of longitude and latitude, as
    CF has them for other projections; else they are computed from the reference system that the grid states, as WGS 84.
    A grid that has neither, and one whose axes they are, comes back as it was.

    Examples
    --------
    >>> from bayesgeo.maps.grid import as_grid
    >>> place = {"x": [4e5, 5e5], "y": [5e6]}
    >>> both = {"lon": (("y", "x"), [[7.7, 9.0]]), "lat": (("y", "x"), [[45.1, 45.2]])}
    >>> with_degrees(as_grid(xr.Dataset(coords=place | both))).frame(slice(0, 1), ["longitude"]).values.ravel().tolist()
    [7.7, 9.0]
    """
    if grid.axes.geographic:
        return grid
    stated = {place: name for name in grid.names if (place := _place(grid.data[name]))}
    if {*DEGREES} <= {*stated}:
        return replace(grid, degrees=lambda part: {place: part[stated[place]] for place in DEGREES})
    turn = _transformer(grid.axes.crs)
    if turn is None:
        return grid
    x, y = grid.axes.x, grid.axes.y

    def degrees(part: xr.Dataset) -> dict[str, xr.DataArray]:
        shape = (part.sizes[y], part.sizes[x])
        east, north = (np.broadcast_to(values, shape) for values in (part[x].values, part[y].values[:, None]))
        found = turn.transform(east, north)
        return {place: xr.DataArray(values, dims=(y, x)) for place, values in zip(DEGREES, found, strict=True)}

    return replace(grid, degrees=degrees)


def on_axes(grid: Grid, places: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return places ``(obs,)`` by name, in the coordinates of a grid too where they can be computed from degrees."""
    if {*grid.axes.places} <= {*places} or not {*DEGREES} <= {*places}:
        return dict(places)
    turn = _transformer(grid.axes.crs)
    if turn is None:
        return dict(places)
    found = turn.transform(*(places[name] for name in DEGREES), direction="INVERSE")
    return {**places, **dict(zip(grid.axes.places, found, strict=True))}


def beside(grid: Grid, places: Mapping[str, np.ndarray]) -> str:
    """Say that no cell is where training rows are; empty where some may be, or that is not known.

    Examples
    --------
    >>> from bayesgeo.maps.grid import as_grid
    >>> grid = as_grid(xr.Dataset(coords={"x": [4e5, 5e5], "y": [5e6, 6e6]}))
    >>> beside(grid, {"easting": np.array([400.0, 500.0]), "northing": np.array([5000.0, 6000.0])})
    'The grid is at easting 400000 to 500000, all training rows at 400 to 500: ...'
    """
    for place, axis in zip(grid.axes.places, (grid.x, grid.y), strict=True):
        own = places.get(place, np.array([np.nan]))
        if not np.isfinite(own).any():
            continue
        around = 360.0 * np.round((np.nanmean(own) - axis.mean()) / 360.0) if place == "longitude" else 0.0
        low, high = axis.min() + around, axis.max() + around
        if low > np.nanmax(own) or high < np.nanmin(own):
            text = f"The grid is at {place} {axis.min():g} to {axis.max():g}, all training rows at "
            return f"{text}{np.nanmin(own):g} to {np.nanmax(own):g}: check its reference system and its unit."
    return ""


def crs_of(stated: Mapping[str, Any]) -> Any:
    """Return a reference system from the attributes of a grid mapping; None where it is none, or without pyproj."""
    try:
        from pyproj import CRS
        from pyproj.exceptions import CRSError
    except ImportError:
        return None
    try:
        return CRS.from_cf(dict(stated)) if stated else None
    except (CRSError, KeyError, ValueError, TypeError):
        return None


def _transformer(stated: Mapping[str, Any]) -> Any:
    crs = crs_of(stated)
    if crs is None:
        return None
    from pyproj import Transformer

    return Transformer.from_crs(crs, WGS84, always_xy=True)


def _place(array: xr.DataArray) -> str:
    attrs = array.attrs
    place = STANDARD.get(str(attrs.get("standard_name", ""))) or COMPASS.get(str(attrs.get("units", ""))) or ""
    return place or next((place for place in DEGREES if str(array.name).lower() in (place, place[:3])), "")
