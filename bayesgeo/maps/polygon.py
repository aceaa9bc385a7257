"""Polygons: read from GeoJSON or a GeoPackage, or drawn around places; and which cells of a grid lie inside."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bayesgeo._check import InvalidInput, invalid
from bayesgeo._files.reading import parsed, read_bytes
from bayesgeo.maps.axes import DEGREES
from bayesgeo.maps.geopackage import POLYGON, only, read_layers

Rings = Sequence[np.ndarray]
GEOJSON = "Give a GeoJSON or GeoPackage file with a Polygon or MultiPolygon, in the coordinates of the training rows."


def hull_of(places: np.ndarray) -> list[np.ndarray]:
    """Return the convex hull of places ``(obs, 2)`` as one ring ``(corner, 2)``.

    Raises
    ------
    InvalidInput
        If fewer than three of them are apart, or all lie on a line.

    Examples
    --------
    >>> len(hull_of(np.array([[0.0, 0.0], [2.0, 0.0], [0.0, 2.0], [0.5, 0.5]]))[0])
    3
    """
    from scipy.spatial import ConvexHull, QhullError

    try:
        return [places[ConvexHull(places).vertices]]
    except (QhullError, ValueError) as error:
        problem = "There is no area among them: they are fewer than three, or lie on a line."
        raise invalid("places", f"{len(places)} training rows", problem, "Give --polygon.") from error


def read_polygon(path: str | Path, places: tuple[str, str] | None = None) -> list[np.ndarray]:
    """Read the rings ``(corner, 2)`` of all polygons of a GeoJSON file (RFC 7946) or GeoPackage, holes among them.

    Parameters
    ----------
    path : path
        ``.gpkg``, with one layer of polygons; any other is read as GeoJSON.
    places : tuple of str, optional
        What the coordinates should be, ``("longitude", "latitude")`` or ``("easting", "northing")``; a GeoPackage,
        which states its reference system, is refused where it has the others.

    Raises
    ------
    InvalidInput
        If the file is not there, is neither, has no polygon, or is in another kind of coordinates.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "area.geojson"
    ...     _ = path.write_text('{"type": "Polygon", "coordinates": [[[0, 0], [2, 0], [0, 2], [0, 0]]]}')
    ...     read_polygon(path)[0].tolist()
    [[0.0, 0.0], [2.0, 0.0], [0.0, 2.0], [0.0, 0.0]]
    """
    try:
        rings = _of_geopackage(Path(path), places) if Path(path).suffix.lower() == ".gpkg" else _of_geojson(path)
    except InvalidInput:
        raise
    except (ValueError, TypeError, KeyError, AttributeError, IndexError) as error:
        raise invalid("polygon", str(path), f"It cannot be read: {error}.", GEOJSON) from error
    if not rings or not all(len(ring) > 2 and ring.shape[1] == 2 and np.isfinite(ring).all() for ring in rings):
        raise invalid("polygon", str(path), "It has no polygon of at least three corners.", GEOJSON)
    return rings


def refuse_elsewhere(rings: Rings, places: np.ndarray, *, degrees: bool, source: str) -> None:
    """Refuse polygons beside all places ``(obs, 2)``: they are in another reference system, or another unit.

    Examples
    --------
    >>> swiss = np.array([[7.1, 46.2], [7.9, 46.8], [7.5, 46.4]])
    >>> refuse_elsewhere([swiss * 1e5], swiss, degrees=True, source="area.geojson")
    Traceback (most recent call last):
    ...
    bayesgeo._check.InvalidInput: Invalid polygon 'area.geojson'. It is at 710000 to 790000, 4.62e+06 to 4.68e+06, ...
    """
    corners = np.concatenate(list(rings))
    theirs, own = ((points.min(axis=0), points.max(axis=0)) for points in (corners, places))
    around = np.array([360.0 * np.round((own[0] - theirs[0])[0] / 360.0) if degrees else 0.0, 0.0])
    if (theirs[0] + around > own[1]).any() or (theirs[1] + around < own[0]).any():
        problem = f"It is at {_extent(*theirs)}, all training rows at {_extent(*own)}."
        remedy = "Project it to the reference system of the rows, in their unit."
        raise invalid("polygon", source, problem, remedy)


def _extent(low: np.ndarray, high: np.ndarray) -> str:
    return f"{low[0]:g} to {high[0]:g}, {low[1]:g} to {high[1]:g}"


def inside(rings: Rings, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Tell which nodes ``(y, x)`` lie inside: where a ray to the west crosses the rings an odd number of times.

    Parameters
    ----------
    rings : sequence of numpy.ndarray
        ``(corner, 2)`` each; a ring inside another is a hole.
    x, y : numpy.ndarray
        Coordinates of the nodes, ``(x,)`` and ``(y,)``.

    Examples
    --------
    >>> square = np.array([[0.0, 0.0], [2.0, 0.0], [2.0, 2.0], [0.0, 2.0]])
    >>> inside([square], np.array([-1.0, 1.0, 3.0]), np.array([1.0])).tolist()
    [[False, True, False]]
    """
    a = np.concatenate(list(rings))
    b = np.concatenate([np.roll(ring, -1, axis=0) for ring in rings])
    found = np.empty((len(y), len(x)), bool)
    for row, at in enumerate(y):
        cut = (a[:, 1] > at) != (b[:, 1] > at)
        share = (at - a[cut, 1]) / (b[cut, 1] - a[cut, 1])
        crossings = np.sort(a[cut, 0] + share * (b[cut, 0] - a[cut, 0]))
        found[row] = np.searchsorted(crossings, x) % 2 == 1
    return found


def _of_geojson(path: str | Path) -> list[np.ndarray]:
    return [np.array(ring, dtype=float)[:, :2] for ring in _rings(parsed(read_bytes(path, "polygon")))]


def _of_geopackage(path: Path, places: tuple[str, str] | None) -> list[np.ndarray]:
    layer = only(read_layers(path, "polygon"), POLYGON, path, "polygon")
    if places and layer.geographic != (places == DEGREES):
        own = "longitude and latitude" if layer.geographic else "easting and northing"
        problem = f"Its reference system, {layer.reference}, has {own}; the training rows have {' and '.join(places)}."
        raise invalid("polygon", str(path), problem, "Project it to the reference system of the rows.")
    return layer.parts(POLYGON)


def _rings(found: Any) -> Iterator[Any]:
    """Yield the rings of a GeoJSON object."""
    kind = found["type"]
    if kind == "Polygon":
        yield from found["coordinates"]
    elif kind == "MultiPolygon":
        for polygon in found["coordinates"]:
            yield from polygon
    elif kind == "Feature":
        yield from _rings(found["geometry"])
    elif kind in ("FeatureCollection", "GeometryCollection"):
        for part in found["features" if kind == "FeatureCollection" else "geometries"]:
            yield from _rings(part)
