"""Cells of a grid in other coordinates have a longitude and a latitude, if anything tells them."""

import numpy as np
import pytest
import xarray as xr

from bayesgeo.maps.axes import DEGREES
from bayesgeo.maps.grid import as_grid
from bayesgeo.maps.locating import beside, on_axes, with_degrees

pyproj = pytest.importorskip("pyproj")

ROTATED = {"grid_mapping_name": "rotated_latitude_longitude", "grid_north_pole_latitude": 39.25}
ROTATED |= {"grid_north_pole_longitude": -162.0}


def utm():
    return xr.Dataset({"utm": ((), 0, pyproj.CRS("EPSG:32632").to_cf())}, {"y": [5e6, 5.1e6], "x": [4e5, 5e5, 6e5]})


def rotated():
    places = {"rlat": [-5.0, 0.0], "rlon": [-10.0, 0.0, 10.0]}
    grid = xr.Dataset({"pole": ((), 0, ROTATED)}, places)
    for name, standard in (("rlat", "grid_latitude"), ("rlon", "grid_longitude")):
        grid[name].attrs |= {"standard_name": standard, "units": "degrees"}
    return grid


def test_the_central_meridian_of_a_projection_is_where_it_is():
    found = with_degrees(as_grid(utm())).frame(slice(0, 2), DEGREES)
    np.testing.assert_allclose(found["longitude"].values.reshape(2, 3)[:, 1], 9.0, atol=1e-9)
    west, middle, east = found["longitude"].values[:3]
    assert middle - west == pytest.approx(east - middle)
    assert (np.diff(found["latitude"].values.reshape(2, 3), axis=0) > 0.89).all()  # 100 km are 0.9 degrees


def test_a_rotated_pole_is_undone():
    grid = with_degrees(as_grid(rotated()))
    found = grid.frame(slice(0, 2), DEGREES)
    # The origin of this rotated system, of European climate models, is at 18 E, 50.75 N.
    np.testing.assert_allclose(found.iloc[4], [18.0, 50.75], atol=1e-6)
    assert grid.axes.places == ("grid longitude", "grid latitude")


def test_parts_of_a_grid_have_the_places_of_the_whole():
    grid = with_degrees(as_grid(utm()))
    whole = grid.frame(slice(0, 2), DEGREES).values.reshape(2, 3, 2)
    part = grid.frame(slice(1, 2), DEGREES, slice(None, None, 2))
    np.testing.assert_array_equal(part.values, whole[1, ::2])


def test_places_go_to_the_axes_and_back():
    grid = with_degrees(as_grid(utm()))
    found = grid.frame(slice(0, 2), [*DEGREES, "x", "y"])
    back = on_axes(grid, {place: found[place].to_numpy() for place in DEGREES})
    np.testing.assert_allclose(back["easting"], found["x"], atol=1e-3)
    np.testing.assert_allclose(back["northing"], found["y"], atol=1e-3)


def test_what_the_file_states_goes_before_what_is_computed():
    lon, lat = np.arange(6.0).reshape(2, 3), np.full((2, 3), 46.0)
    grid = with_degrees(as_grid(utm().assign_coords(lon=(("y", "x"), lon), lat=(("y", "x"), lat))))
    np.testing.assert_array_equal(grid.frame(slice(0, 2), ["longitude"])["longitude"], lon.ravel())


def test_without_a_reference_system_nothing_is_made_up():
    grid = with_degrees(as_grid(utm().drop_vars("utm")))
    assert not grid.has("longitude")
    assert "longitude" not in grid.frame(slice(0, 1), ["longitude"])


def test_a_grid_a_circle_away_is_not_beside():
    grid = as_grid(xr.Dataset(coords={"lat": [46.0, 47.0], "lon": [240.0, 241.0]}))
    places = {"longitude": np.array([-119.5, np.nan]), "latitude": np.array([46.5, np.nan])}
    assert beside(grid, places) == ""
    assert "at longitude 240 to 241" in beside(grid, places | {"longitude": np.array([7.0, 8.0])})
