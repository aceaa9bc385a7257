"""Gaussian processes at places: covariances, orders and neighbours, against brute force."""

import numpy as np
import pytest
from scipy import linalg
from sklearn.gaussian_process.kernels import Matern

from bayesgeo.models.rows import Rows
from bayesgeo.models.spatial.kernels import correlations, kriged, whitened
from bayesgeo.models.spatial.neighbours import NearAndFar, coarse_to_fine, nearest_before
from bayesgeo.models.spatial.places import EARTH_KM, Places
from bayesgeo.models.spatial.processes import AllPlaces, Covariance, NearestPlaces

ONE = Covariance(np.array([2.0]), np.array([0.8]), np.array([3]))
TWO = Covariance(np.array([1.0, 4.0]), np.array([0.5, 0.4]), np.array([5, 1]))


def places(n, seed=0):
    return np.random.default_rng(seed).uniform(0, 10, (n, 2))


@pytest.mark.parametrize("nu", [0.5, 1.5, 2.5])
def test_correlations_are_those_of_scikit_learn(nu):
    points, length = places(30), 3.0
    found = correlations(points, points, (np.array([length]), np.ones(1), np.array([int(2 * nu)])))
    np.testing.assert_allclose(found, Matern(length, nu=nu)(points), rtol=1e-12)


@pytest.mark.parametrize("covariance", [ONE, TWO], ids=["one field", "two fields"])
def test_whitening_with_all_neighbours_is_the_inverse_of_the_cholesky_factor(covariance):
    points, values = places(60), np.random.default_rng(1).normal(size=(60, 3))
    among = correlations(points, points, covariance.arrays)
    np.fill_diagonal(among, 1.0)
    factor = linalg.cholesky(among, lower=True)
    white, variance = whitened(points, nearest_before(points, 59), values, covariance.arrays)
    np.testing.assert_allclose(white, linalg.solve_triangular(factor, values, lower=True), atol=1e-10)
    np.testing.assert_allclose(variance, np.diag(factor) ** 2, rtol=1e-10)


def test_kriging_from_all_places_is_the_conditional_mean_and_variance():
    points, new, values = places(40), places(7, seed=2), np.random.default_rng(1).normal(size=(40, 2))
    process = AllPlaces(points)
    among, across = correlations(points, points, TWO.arrays), correlations(points, new, TWO.arrays)
    np.fill_diagonal(among, 1.0)
    mean, explained = process.kriged(new, process.near(new), values, TWO)
    np.testing.assert_allclose(mean, across.T @ linalg.solve(among, values), atol=1e-10)
    np.testing.assert_allclose(explained, np.diag(across.T @ linalg.solve(among, across)), atol=1e-10)
    every = np.tile(np.arange(40, dtype=np.int32), (7, 1))
    of_neighbours = kriged((new, points, every), values, TWO.arrays)
    np.testing.assert_allclose(of_neighbours[0], mean, atol=1e-10)
    np.testing.assert_allclose(of_neighbours[1], explained, atol=1e-10)


def test_the_order_has_each_row_once_and_every_prefix_spans_the_map():
    points = places(2000)
    order = coarse_to_fine(points, np.random.default_rng(0))
    assert sorted(order) == list(range(2000))
    first = points[order[:64]]
    # 64 random points of a square of side 10 leave a hole of radius 2 almost surely; 64 spread ones never.
    hole = np.linalg.norm(places(4000, seed=3)[:, None] - first[None], axis=2).min(axis=1).max()
    assert hole < 2.5
    same = np.repeat(places(3), 5, axis=0)
    assert sorted(coarse_to_fine(same, np.random.default_rng(0))) == list(range(15))


def test_neighbours_are_the_nearest_before_each():
    points = places(500)
    found = nearest_before(points, 6)
    for i in (0, 1, 3, 7, 100, 499):
        distance = np.linalg.norm(points[:i] - points[i], axis=1)
        assert found[i][found[i] >= 0].tolist() == np.argsort(distance)[:6].tolist()


def test_near_and_far_neighbours_are_distinct_and_hold_the_nearest():
    points = places(3000)
    points = points[coarse_to_fine(points, np.random.default_rng(0))]
    new = places(50, seed=4)
    found = NearAndFar(points, 30).of(new)
    assert found.shape == (50, 30)
    for row, place in zip(found, new, strict=True):
        kept = row[row >= 0]
        assert len(set(kept)) == len(kept)
        nearest = np.argsort(np.linalg.norm(points - place, axis=1))[:15]
        assert set(nearest) <= set(kept)
        assert np.linalg.norm(points[kept] - place, axis=1).max() > 1.0


def test_distances_on_the_globe_are_chords():
    degrees = {"longitude": np.array([0.0, 90.0, 180.0, 17.0]), "latitude": np.array([0.0, 0.0, 0.0, 90.0])}
    points = Places(("longitude", "latitude")).points(Rows(np.zeros((4, 0)), np.arange(4), coordinates=degrees))
    np.testing.assert_allclose(np.linalg.norm(points[0] - points[1]), np.sqrt(2) * EARTH_KM)
    np.testing.assert_allclose(np.linalg.norm(points[0] - points[2]), 2 * EARTH_KM)
    np.testing.assert_allclose(np.linalg.norm(points[1] - points[3]), np.sqrt(2) * EARTH_KM)


def test_neighbours_of_left_out_rows_are_elsewhere():
    points = np.r_[places(20), places(20)[:3]]
    found = NearestPlaces(points, 5).others(points[:3])
    for row, place in zip(found, points[:3], strict=True):
        assert (np.linalg.norm(points[row[row >= 0]] - place, axis=1) > 0).all()
        assert (row >= 0).sum() >= 19
