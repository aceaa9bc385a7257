"""Make a grid of cells of one size, inside a polygon or the convex hull of places."""

from collections.abc import Mapping

import numpy as np
import xarray as xr

from bayesgeo._check import invalid, positive
from bayesgeo.maps.axes import DEGREES, PLANE
from bayesgeo.maps.grid import MOST, Grid, as_grid
from bayesgeo.maps.polygon import Rings, hull_of, inside

UNITS = {DEGREES: ("degrees_east", "degrees_north"), PLANE: ("", "")}


def make_grid(
    places: Mapping[str, np.ndarray],
    resolution: float,
    *,
    polygon: Rings | None = None,
    units: tuple[str, str] | None = None,
) -> Grid:
    """Make a grid without variables, whose cells are those with their centre inside a polygon.

    Parameters
    ----------
    places : mapping of str to numpy.ndarray
        ``(obs,)`` ``longitude`` and ``latitude``, or ``easting`` and ``northing``; NaN where unknown.
    resolution : float
        Side of a cell, in the unit of the places. Centres are multiples of it.
    polygon : sequence of numpy.ndarray, optional
        Rings ``(corner, 2)``; by default the convex hull of the places.
    units : tuple of str, optional
        Units of easting and northing.

    Returns
    -------
    Grid
        With a mask of the cells inside.

    Raises
    ------
    InvalidInput
        If the resolution is not above zero or makes no cell or too many, or the places make no area.

    Examples
    --------
    >>> corners = {"easting": np.array([0.0, 10.0, 0.0, 10.0]), "northing": np.array([0.0, 0.0, 6.0, 6.0])}
    >>> grid = make_grid(corners, 2.0, units=("m", "m"))
    >>> grid.shape, int(grid.mask.sum())
    ((4, 6), 15)
    """
    positive("resolution", resolution)
    axes = next(axes for axes in (DEGREES, PLANE) if {*axes} <= {*places})
    rings = polygon if polygon is not None else hull_of(_known(places, axes))
    corners = np.concatenate(list(rings))
    spans = [(corners[:, k].min(), corners[:, k].max()) for k in (0, 1)]
    cells = np.prod([(high - low) / resolution + 1 for low, high in spans])
    if cells > MOST:
        problem = f"It would make {cells:,.0f} cells; {MOST:,} at most are supported."
        raise invalid("resolution", resolution, problem, "Give a larger one.")
    x, y = (_centres(low, high, resolution) for low, high in spans)
    mask = inside(rings, x, y)
    if not mask.any():
        problem = f"No cell has its centre inside the area of {spans[0][0]:g} to {spans[0][1]:g}, "
        problem += f"{spans[1][0]:g} to {spans[1][1]:g}."
        raise invalid("resolution", resolution, problem, "Give a smaller one, in the unit of the coordinates.")
    stated = zip(axes[::-1], (y, x), (units or UNITS[axes])[::-1], strict=True)
    made = as_grid(xr.Dataset(coords={name: (name, values, {"units": unit}) for name, values, unit in stated}))
    return Grid(made.data, made.axes, mask)


def _known(places: Mapping[str, np.ndarray], axes: tuple[str, str]) -> np.ndarray:
    points = np.column_stack([np.asarray(places[name], float) for name in axes])
    if axes == DEGREES:
        points[:, 0] = unwrapped(points[:, 0])
    return np.unique(points[np.isfinite(points).all(axis=1)], axis=0)


def unwrapped(longitude: np.ndarray) -> np.ndarray:
    """Count degrees on over the date line where that keeps places together.

    Examples
    --------
    >>> unwrapped(np.array([179.0, -179.0])).tolist()
    [179.0, 181.0]
    """
    eastward = np.where(longitude < 0, longitude + 360, longitude)
    nearer = np.nanmax(eastward) - np.nanmin(eastward) < np.nanmax(longitude) - np.nanmin(longitude)
    return eastward if nearer else longitude


def _centres(low: float, high: float, step: float) -> np.ndarray:
    first, last = np.ceil(low / step - 1e-9), np.floor(high / step + 1e-9)
    # A product, not a sum of steps, so that two grids of one resolution have the same centres.
    return np.arange(first, last + 1) * step


__all__ = ["make_grid"]
