"""Cells of one size fill a hull or a polygon, and nothing else."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bayesgeo._check import InvalidInput
from bayesgeo.maps.axes import turned
from bayesgeo.maps.making import make_grid
from bayesgeo.maps.polygon import inside, read_polygon

SQUARE = [[0, 0], [4, 0], [4, 4], [0, 4], [0, 0]]
HOLE = [[1, 1], [3, 1], [3, 3], [1, 3], [1, 1]]


def places(n=30, seed=0):
    rng = np.random.default_rng(seed)
    return {"easting": rng.uniform(0, 100, n), "northing": rng.uniform(0, 60, n)}


def geojson(path, content):
    path.write_text(json.dumps(content))
    return path


@settings(deadline=None, max_examples=12)
@given(st.integers(0, 1000))
def test_a_cell_is_in_the_hull_where_it_is_a_mean_of_places(seed):
    from scipy.spatial import Delaunay

    found = places(12, seed)
    grid = make_grid(found, 7.0)
    x, y = np.meshgrid(grid.x, grid.y)
    triangles = Delaunay(np.column_stack([found["easting"], found["northing"]]))
    expected = triangles.find_simplex(np.column_stack([x.ravel(), y.ravel()])) >= 0
    assert (grid.mask.ravel() == expected).all()


def test_as_many_cells_as_the_area_has_room_for():
    ring = np.array([[0.0, 0.0], [10.0, 0.0], [0.0, 6.0]])
    grid = make_grid(places(), 0.1, polygon=[ring])
    # The cells on the boundary are uncertain: the perimeter over the side.
    assert abs(grid.mask.sum() * 0.01 - 30.0) < 0.1 * (10 + 6 + np.hypot(10, 6))


def test_centres_are_multiples_of_the_resolution():
    grid = make_grid(places(), 2.5)
    np.testing.assert_allclose(grid.x % 2.5, 0.0, atol=1e-12)


def test_a_ring_in_a_ring_is_a_hole(tmp_path):
    rings = read_polygon(geojson(tmp_path / "a.geojson", {"type": "Polygon", "coordinates": [SQUARE, HOLE]}))
    assert inside(rings, np.array([0.5, 2.0, 3.5, 5.0]), np.array([2.0])).tolist() == [[True, False, True, False]]


@pytest.mark.parametrize(
    "wrap",
    [
        lambda polygon: {"type": "Feature", "geometry": polygon, "properties": {}},
        lambda polygon: {"type": "FeatureCollection", "features": [{"type": "Feature", "geometry": polygon}]},
        lambda polygon: {"type": "GeometryCollection", "geometries": [polygon]},
        lambda polygon: {"type": "MultiPolygon", "coordinates": [polygon["coordinates"]]},
    ],
)
def test_a_polygon_is_found_in_whatever_holds_it(tmp_path, wrap):
    content = wrap({"type": "Polygon", "coordinates": [SQUARE, HOLE]})
    assert [len(ring) for ring in read_polygon(geojson(tmp_path / "a.geojson", content))] == [5, 5]


@pytest.mark.parametrize(
    "content", [{"type": "Point", "coordinates": [0, 0]}, {"type": "Polygon", "coordinates": [[[0], [1]]]}, {}]
)
def test_what_is_no_polygon_is_refused(tmp_path, content):
    with pytest.raises(InvalidInput, match="Give a GeoJSON or GeoPackage file with a Polygon"):
        read_polygon(geojson(tmp_path / "a.geojson", content))


def test_places_on_both_sides_of_the_date_line_have_a_small_hull():
    grid = make_grid({"longitude": np.array([179.0, -179.0, 180.0]), "latitude": np.array([0.0, 0.0, 2.0])}, 0.5)
    assert (grid.x.min(), grid.x.max()) == (179.0, 181.0)


def test_places_on_a_line_have_no_hull():
    line = {"easting": np.arange(5.0), "northing": np.arange(5.0)}
    with pytest.raises(InvalidInput, match="lie on a line"):
        make_grid(line, 1.0)


@pytest.mark.parametrize(
    ("resolution", "problem"),
    [(0.0, "above zero"), (1e-6, "cells; 1,000,000,000 at most"), (1e4, "No cell has its centre inside")],
)
def test_a_resolution_that_makes_no_map_is_refused(resolution, problem):
    with pytest.raises(InvalidInput, match=problem):
        make_grid({"easting": np.array([1.0, 99.0, 50.0]), "northing": np.array([1.0, 2.0, 60.0])}, resolution)


@given(st.floats(-180, 360), st.sampled_from([0.0, 180.0]))
def test_a_turned_longitude_is_the_same_place_within_half_a_circle(longitude, centre):
    found = turned(np.array([longitude]), centre)[0]
    assert abs(found - centre) <= 180.0 + 1e-9
    assert (found - longitude) % 360.0 == pytest.approx(0.0, abs=1e-9) or (found - longitude) % 360 > 360 - 1e-9
