"""Polygons and points of a GeoPackage (OGC 12-128r19), read with the standard library alone."""

import sqlite3
import struct
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bayesgeo._check import invalid, shown

POINT, POLYGON, COLLECTIONS = 1, 3, (4, 6, 7)  # codes of well-known binary; 4, 6 and 7 hold other shapes
ENVELOPES: Mapping[int, int] = {0: 0, 1: 32, 2: 48, 3: 48, 4: 64}  # bytes by the three bits of the flags
GEOGRAPHIC = ("GEOGCS", "GEOGCRS", "GEODCRS", "GEODETICCRS", "GEOGRAPHICCRS")
UNSTATED: Mapping[int, bool] = {-1: False, 0: True}  # srs_id of an undefined system, and whether it is in degrees
DEEPEST = 8  # collections in collections


@dataclass(frozen=True, eq=False)
class VectorLayer:
    """One layer of shapes.

    Parameters
    ----------
    name : str
        Its table.
    shapes : sequence of (int, numpy.ndarray)
        For each row the rings of its polygons and its points, ``(corner, 2)``, with the code of their kind.
    attributes : pandas.DataFrame
        A row for each shape.
    geographic : bool
        Whether its reference system has degrees.
    reference : str
        Name of the system.
    wkt : str
        The system as well-known text; empty where it is not defined.
    """

    name: str
    shapes: Sequence[Sequence[tuple[int, np.ndarray]]]
    attributes: pd.DataFrame
    geographic: bool
    reference: str
    wkt: str

    def parts(self, kind: int) -> list[np.ndarray]:
        """Return all points, or all rings, of all rows."""
        return [part for shape in self.shapes for one, part in shape if one == kind]


def read_layers(path: Path, name: str) -> list[VectorLayer]:
    """Read the layers of shapes of a GeoPackage.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    name : str
        What it is, for messages.

    Raises
    ------
    InvalidInput
        If it is not there, is no GeoPackage, or a shape is broken.
    """
    if not path.is_file():
        raise invalid(name, str(path), "There is no such file.", "Give the path of a file.")
    try:
        with closing(_connected(path)) as file:
            query = "SELECT table_name, column_name, g.srs_id, s.srs_name, s.definition FROM gpkg_geometry_columns g"
            found = file.execute(f"{query} JOIN gpkg_spatial_ref_sys s ON s.srs_id = g.srs_id").fetchall()
            return [_layer(file, row) for row in found]
    except (sqlite3.Error, struct.error, ValueError, TypeError, KeyError) as error:
        raise invalid(name, str(path), f"It cannot be read as a GeoPackage: {error}.") from error


def raster_tables(path: Path) -> list[str]:
    """Return the tables of a GeoPackage that hold rasters; empty where it holds none, or is none."""
    try:
        with closing(_connected(path)) as file:
            kinds = "('tiles', '2d-gridded-coverage')"
            found = file.execute(f"SELECT table_name FROM gpkg_contents WHERE data_type IN {kinds}").fetchall()
    except sqlite3.Error:
        return []
    return [str(name) for (name,) in found]


def shapes_of(blob: bytes) -> list[tuple[int, np.ndarray]]:
    """Return the rings and points of a geometry as a GeoPackage keeps it.

    Raises
    ------
    ValueError, KeyError, struct.error
        If it is no such geometry, or holds other shapes than points, polygons and their collections.

    Examples
    --------
    >>> header, point = b"GP" + bytes([0, 1]) + struct.pack("<i", 4326), struct.pack("<BIdd", 1, 1, 7.0, 46.0)
    >>> shapes_of(header + point)
    [(1, array([[ 7., 46.]]))]
    """
    if blob[:2] != b"GP" or len(blob) < 8:
        raise ValueError("a geometry does not begin with GP")
    flags = blob[3]
    if flags & 0b10000:  # an empty geometry
        return []
    return list(_Binary(blob, 8 + ENVELOPES[flags >> 1 & 0b111]).shapes())


def only(layers: Sequence[VectorLayer], kind: int, path: Path, name: str) -> VectorLayer:
    """Return the one layer that has shapes of a kind.

    Raises
    ------
    InvalidInput
        If there is none, or more than one.
    """
    found, what = [layer for layer in layers if layer.parts(kind)], {POINT: "points", POLYGON: "polygons"}[kind]
    if len(found) != 1:
        problem = f"Layers of {what}: {shown(layer.name for layer in found) or 'none'}."
        raise invalid(name, str(path), problem, "Give a GeoPackage with one such layer.")
    return found[0]


def table_of_points(layer: VectorLayer) -> pd.DataFrame:
    """Return the points of a layer as a table with coordinates, a row for each.

    Raises
    ------
    InvalidInput
        If a row has no point, or several.
    """
    for row, shape in enumerate(layer.shapes):
        if [kind for kind, _ in shape] != [POINT]:
            raise invalid("grid", layer.name, f"Row {row} of the layer is not one point.", "Leave it out.")
    points = np.concatenate(layer.parts(POINT))
    names = ("longitude", "latitude") if layer.geographic else ("easting", "northing")
    places = {name: points[:, k] for k, name in enumerate(names)}
    return layer.attributes.assign(**places)


class _Binary:
    """Reads well-known binary (ISO 13249-3) from a place in it."""

    def __init__(self, data: bytes, at: int):
        self.data, self.at, self.order = data, at, "<"

    def shapes(self, depth: int = 0) -> Iterator[tuple[int, np.ndarray]]:
        """Yield what the geometry at the place holds, and move behind it."""
        self.order = "<" if self.data[self.at : self.at + 1] == b"\x01" else ">"
        self.at += 1
        code = self._number()
        kind, width = code % 1000, (2, 3, 3, 4)[code // 1000 % 4]
        if code >= 4000 or depth > DEEPEST or kind not in (POINT, POLYGON, *COLLECTIONS):
            raise ValueError(f"it holds shapes of kind {code}; points and polygons are read")
        if kind == POINT:
            yield kind, self._corners(1, width)
        elif kind == POLYGON:
            for _ in range(self._number()):
                yield kind, self._corners(self._number(), width)
        else:
            for _ in range(self._number()):
                yield from self.shapes(depth + 1)

    def _number(self) -> int:
        (found,) = struct.unpack_from(f"{self.order}I", self.data, self.at)
        self.at += 4
        return int(found)

    def _corners(self, count: int, width: int) -> np.ndarray:
        found = np.frombuffer(self.data, f"{self.order}f8", count * width, self.at).reshape(count, width)
        self.at += found.nbytes
        return found[:, :2].astype(float)


def _connected(path: Path) -> sqlite3.Connection:
    file = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
    file.execute("PRAGMA trusted_schema=OFF")
    return file


def _layer(file: sqlite3.Connection, stated: Sequence[Any]) -> VectorLayer:
    table, column, srs, name, definition = stated
    rows = file.execute(f"SELECT * FROM {_quoted(table)}")
    frame = pd.DataFrame(rows.fetchall(), columns=[name for name, *_ in rows.description])
    shapes = [shapes_of(blob) if blob else [] for blob in frame[column]]
    wkt = str(definition or "").strip()
    geographic = UNSTATED.get(srs, wkt.upper().startswith(GEOGRAPHIC))
    keys = {row[1] for row in file.execute(f"PRAGMA table_info({_quoted(table)})") if row[5]}
    attributes = frame.drop(columns=[column, *keys])
    return VectorLayer(table, shapes, attributes, geographic, str(name), "" if srs in UNSTATED else wkt)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
