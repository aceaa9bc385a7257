"""Distances between places, and the points of a map of their area."""

import numpy as np
import pytest
from scipy.spatial import ConvexHull
from scipy.spatial.distance import cdist

from bayesgeo.metrics.distances import map_over, to_nearest
from bayesgeo.metrics.spatial import EARTH


def test_distances_on_a_plane_are_the_smallest_of_all() -> None:
    rng = np.random.default_rng(0)
    one, other = rng.uniform(0, 9, (40, 2)), rng.uniform(0, 9, (30, 2))
    found = to_nearest({"x": one[:, 0], "y": one[:, 1]}, {"x": other[:, 0], "y": other[:, 1]})
    np.testing.assert_allclose(found, cdist(one, other).min(axis=1), rtol=1e-12)
    among = cdist(one, one) + np.diag(np.full(40, np.inf))
    own = {"x": one[:, 0], "y": one[:, 1]}
    np.testing.assert_allclose(to_nearest(own, own, others=True), among.min(axis=1), rtol=1e-12)


def test_distances_on_the_globe_go_the_short_way_over_the_date_line_and_the_pole() -> None:
    asked = {"longitude": np.array([179.5, 0.0]), "latitude": np.array([0.0, 89.0])}
    among = {"longitude": np.array([-179.5, 180.0]), "latitude": np.array([0.0, 89.0])}
    np.testing.assert_allclose(to_nearest(asked, among), np.radians([1.0, 2.0]) * EARTH, rtol=1e-9)


def test_unknown_places_have_no_distance_and_are_near_to_nothing() -> None:
    places = {"x": np.array([0.0, np.nan, 5.0]), "y": np.zeros(3)}
    np.testing.assert_array_equal(to_nearest(places, places, others=True), [5.0, np.nan, 5.0])
    alone = {"x": np.array([1.0]), "y": np.array([1.0])}
    assert np.isnan(to_nearest(alone, alone, others=True)).all()
    assert to_nearest(alone, alone).tolist() == [0.0]


@pytest.mark.parametrize("names", [("easting", "northing"), ("longitude", "latitude")])
def test_a_map_has_about_as_many_points_as_asked_all_inside_the_hull(names: tuple[str, str]) -> None:
    places = np.random.default_rng(1).uniform([170, 50], [190, 60], (50, 2))
    wrapped = (
        np.where(places[:, 0] > 180, places[:, 0] - 360, places[:, 0]) if names[0] == "longitude" else places[:, 0]
    )
    found = map_over({names[0]: wrapped, names[1]: places[:, 1]}, 1000)
    x, y = found[names[0]] % 360, found[names[1]]
    assert len(x) == pytest.approx(1000, rel=0.05)
    edges = ConvexHull(places).equations
    assert (np.c_[x, y] @ edges[:, :2].T + edges[:, 2] <= 1e-9).all()


def test_places_on_a_line_have_no_map() -> None:
    for n in (1, 2, 30):
        found = map_over({"easting": np.arange(float(n)), "northing": 2 * np.arange(float(n))})
        assert len(found["easting"]) == 0
