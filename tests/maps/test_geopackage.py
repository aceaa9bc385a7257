"""Rasters, points and polygons of a GeoPackage are read where they are, or refused."""

import sqlite3
import struct
from contextlib import closing

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bayesgeo._check import InvalidInput
from bayesgeo.maps import read_grid
from bayesgeo.maps.geopackage import POINT, POLYGON, shapes_of
from bayesgeo.maps.polygon import read_polygon, refuse_elsewhere

SQUARE = np.array([[7.0, 46.0], [8.0, 46.0], [8.0, 47.0], [7.0, 47.0], [7.0, 46.0]])
HOLE = SQUARE * [0.2, 0.2] + [6.0, 37.2]
SYSTEMS = {4326: ("WGS 84", 'GEOGCS["WGS 84"]'), 32632: ("UTM 32N", 'PROJCS["UTM"]'), 0: ("none", "undefined")}
DEGREES, PLANE = ("longitude", "latitude"), ("easting", "northing")


def wkb(kind, content, order="<", dimensions=0):
    return struct.pack(f"{order}BI", order == "<", kind + 1000 * dimensions) + content


def polygon(*rings, order="<", dimensions=0):
    extra = (0, 1, 1, 2)[dimensions]
    parts = [struct.pack(f"{order}I", len(rings))]
    for ring in rings:
        corners = np.c_[ring, np.full((len(ring), extra), 9.0)]
        parts += [struct.pack(f"{order}I", len(ring)), corners.astype(f"{order}f8").tobytes()]
    return wkb(3, b"".join(parts), order, dimensions)


def multi(*parts):
    return wkb(6, struct.pack("<I", len(parts)) + b"".join(parts))


def point(x, y):
    return wkb(1, struct.pack("<dd", x, y))


def geometry(body, srs=4326, envelope=0):
    size = (0, 32, 48, 48, 64)[envelope]
    return b"GP" + bytes([0, 1 | envelope << 1]) + struct.pack("<i", srs) + bytes(size) + body


def moved(east, north=0.0):
    return SQUARE + np.array([east, north])


def geopackage(path, rows, srs=4326, layer="area", columns=()):
    """Write a layer of geometries and numbers."""
    with closing(sqlite3.connect(path)) as file, file:
        file.execute(
            "CREATE TABLE IF NOT EXISTS gpkg_spatial_ref_sys (srs_id INTEGER PRIMARY KEY, srs_name, definition)"
        )
        file.execute("CREATE TABLE IF NOT EXISTS gpkg_geometry_columns (table_name, column_name, srs_id)")
        file.execute("CREATE TABLE IF NOT EXISTS gpkg_contents (table_name, data_type)")
        file.execute("INSERT OR IGNORE INTO gpkg_spatial_ref_sys VALUES (?, ?, ?)", (srs, *SYSTEMS[srs]))
        file.execute("INSERT INTO gpkg_geometry_columns VALUES (?, 'geom', ?)", (layer, srs))
        own, quoted = "".join(f', "{name}"' for name in columns), layer.replace('"', '""')
        file.execute(f'CREATE TABLE "{quoted}" (fid INTEGER PRIMARY KEY, geom BLOB{own})')
        for body, *values in rows:
            marks = ", ?" * (len(values) + 1)
            file.execute(f'INSERT INTO "{quoted}" VALUES (NULL{marks})', (geometry(body, srs), *values))
    return path


@given(st.sampled_from("<>"), st.integers(0, 3), st.integers(0, 4))
def test_a_polygon_is_read_in_any_order_of_bytes_with_any_dimensions(order, dimensions, envelope):
    found = shapes_of(geometry(polygon(SQUARE, HOLE, order=order, dimensions=dimensions), envelope=envelope))
    assert [kind for kind, _ in found] == [POLYGON, POLYGON]
    np.testing.assert_array_equal(found[0][1], SQUARE)
    np.testing.assert_array_equal(found[1][1], HOLE)


def test_points_and_collections_are_read():
    assert shapes_of(geometry(point(7.0, 46.0)))[0][0] == POINT
    found = shapes_of(geometry(multi(polygon(SQUARE), polygon(HOLE))))
    np.testing.assert_array_equal(found[1][1], HOLE)


@given(st.data())
def test_a_broken_geometry_is_an_error_and_never_a_shape(data):
    whole = geometry(multi(polygon(SQUARE, HOLE), polygon(SQUARE)))
    cut = whole[: data.draw(st.integers(0, len(whole) - 1))]
    with pytest.raises((ValueError, KeyError, struct.error)):
        shapes_of(cut)


def test_rings_of_all_rows_of_a_layer_are_one_area(tmp_path):
    path = geopackage(tmp_path / "a.gpkg", [(multi(polygon(SQUARE, HOLE)),), (polygon(SQUARE + 2),)])
    rings = read_polygon(path, DEGREES)
    assert [len(ring) for ring in rings] == [5, 5, 5]
    np.testing.assert_array_equal(rings[2], SQUARE + 2)


@pytest.mark.parametrize(("srs", "wanted", "own"), [(4326, PLANE, "longitude"), (32632, DEGREES, "easting")])
def test_a_polygon_in_the_other_kind_of_coordinates_is_refused(tmp_path, srs, wanted, own):
    path = geopackage(tmp_path / "a.gpkg", [(polygon(SQUARE),)], srs)
    with pytest.raises(InvalidInput, match=f"has {own} and .*Project it"):
        read_polygon(path, wanted)


def test_a_polygon_beside_all_rows_is_refused_and_one_a_circle_away_is_not():
    places = moved(-127.0)
    refuse_elsewhere([moved(233.0)], places, degrees=True, source="a")
    for ring in (SQUARE, moved(-127.0, 3.0), SQUARE * 1e5):
        with pytest.raises(InvalidInput, match=r"It is at .* all training rows at -120 to -119, 46 to 47"):
            refuse_elsewhere([ring], places, degrees=True, source="a")


def test_what_has_no_one_layer_of_polygons_is_refused(tmp_path):
    path = geopackage(tmp_path / "a.gpkg", [(point(7.0, 46.0),)])
    with pytest.raises(InvalidInput, match="Layers of polygons: none"):
        read_polygon(path)
    geopackage(path, [(polygon(SQUARE),)], layer="b")
    geopackage(path, [(polygon(SQUARE),)], layer='c"; DROP')
    with pytest.raises(InvalidInput, match='Layers of polygons: b, c"; DROP'):
        read_polygon(path)
    (tmp_path / "text.gpkg").write_text("no database")
    with pytest.raises(InvalidInput, match="cannot be read as a GeoPackage"):
        read_polygon(tmp_path / "text.gpkg")
    with pytest.raises(InvalidInput, match="There is no such file"):
        read_polygon(tmp_path / "none.gpkg")


def test_points_on_a_lattice_are_cells(tmp_path):
    rows = [(point(7.0, 46.0), 1.0), (point(8.0, 46.0), 2.0), (point(7.0, 47.0), 3.0)]
    grid = read_grid(geopackage(tmp_path / "a.gpkg", rows, columns=["slope"]))
    assert (grid.axes.places, grid.names) == (DEGREES, ["slope"])
    np.testing.assert_array_equal(grid.data["slope"], [[1.0, 2.0], [3.0, np.nan]])


def test_lines_are_refused(tmp_path):
    path = geopackage(tmp_path / "a.gpkg", [(wkb(2, struct.pack("<I", 0)),)])
    with pytest.raises(InvalidInput, match="shapes of kind 2; points and polygons are read"):
        read_grid(path)


@pytest.mark.filterwarnings("ignore:Use `@` matmul:PendingDeprecationWarning")
def test_raster_tables_are_variables_of_one_grid(tmp_path):
    rasterio, _ = pytest.importorskip("rasterio"), pytest.importorskip("rioxarray")
    path, values = tmp_path / "a.gpkg", np.arange(12, dtype="f4").reshape(3, 4)
    made = {"driver": "GPKG", "height": 3, "width": 4, "count": 1, "dtype": "float32"}
    place = rasterio.transform.from_origin(4e5, 5e6, 100.0, 100.0)
    for table in ("elev", "slope"):
        options = {"RASTER_TABLE": table, "APPEND_SUBDATASET": "YES" if path.exists() else "NO"}
        with rasterio.open(path, "w", crs="EPSG:32632", transform=place, **made, **options) as file:
            file.write(values, 1)
    grid = read_grid(path)
    assert sorted(grid.names) == ["elev", "slope"]
    assert grid.x.tolist() == [400050.0, 400150.0, 400250.0, 400350.0]
    assert grid.y.tolist() == [4999950.0, 4999850.0, 4999750.0]
    np.testing.assert_array_equal(grid.data["slope"].values, values)
    assert grid.axes.crs["grid_mapping_name"] == "transverse_mercator"
