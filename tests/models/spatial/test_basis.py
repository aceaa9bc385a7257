"""Basis functions against the covariances they stand for; random waves; the plane of degrees."""

import numpy as np
import pytest
from scipy import stats
from sklearn.gaussian_process.kernels import Matern

from bayesgeo._check import InvalidInput
from bayesgeo.models.spatial.basis import BUFFER, LONGEST, LOST, SHORTER, basis_of, random_waves, spectral_density
from bayesgeo.models.spatial.places import EARTH_KM, local_plane, middle_of

SMOOTHNESS = (0.5, 1.5, 2.5)


def covariance(basis, points, length, smoothness):
    values = basis.values(points)
    return values * spectral_density(basis.frequency, length, smoothness, points.shape[1]) @ values.T


@pytest.mark.parametrize("smoothness", SMOOTHNESS)
@pytest.mark.parametrize(("sides", "functions"), [((1.0,), 100), ((1.0, 1.0), 400), ((1.0, 0.2), 400)])
def test_covariances_are_those_of_the_process_but_for_what_is_stated(sides, functions, smoothness):
    points = np.random.default_rng(0).uniform(-1, 1, (200, len(sides))) * sides
    basis = basis_of(np.array(sides), functions)
    for length in np.geomspace(basis.shortest(smoothness), 0.7, 4):
        error = np.abs(covariance(basis, points, length, smoothness) - Matern(length, nu=smoothness)(points))
        mirror = Matern(1.0, nu=smoothness)(np.zeros((1, 1)), np.array([[2 * BUFFER / length]])).item()
        # Short waves, and mirror images behind each side.
        assert error.max() < LOST + 2 * len(sides) * mirror + 0.01
        # Most pairs are neither close nor at a side; of a narrow strip all places are near two.
        assert np.median(error) < (0.07 if sides[-1] < 1 else 0.02)


@pytest.mark.parametrize("smoothness", SMOOTHNESS)
@pytest.mark.parametrize("d", [1, 2])
def test_at_the_shortest_length_scale_a_tenth_of_the_variance_is_lost(smoothness, d):
    basis = basis_of(np.ones(d), 400)
    length = basis.shortest(smoothness)
    inside = np.random.default_rng(1).uniform(-0.5, 0.5, (200, d))
    mirror = 2 * d * Matern(1.0, nu=smoothness)(np.zeros((1, 1)), np.array([[3 / length]])).item()
    held = np.diag(covariance(basis, inside, length, smoothness)).mean()
    assert held == pytest.approx(1 - LOST, abs=0.01 + mirror)


def test_functions_are_orthonormal_and_vanish_on_the_box_and_beyond():
    basis = basis_of(np.array([1.0]), 20)
    fine = np.linspace(-basis.box[0], basis.box[0], 20_001)[:, None]
    values = basis.values(fine)
    step = fine[1, 0] - fine[0, 0]
    np.testing.assert_allclose(values.T @ values * step, np.eye(20), atol=1e-10)
    assert np.abs(basis.values(np.array([[-9.0], [basis.box[0]], [9.0]]))).max() < 1e-12


@pytest.mark.parametrize("sides", [(1.0,), (1.0, 1.0), (1.0, 0.0), (0.3, 1.0, 0.5)])
def test_no_function_left_out_is_of_lower_frequency_than_one_taken(sides):
    basis, larger = basis_of(np.array(sides), 90), basis_of(np.array(sides), 180)
    assert len(np.unique(basis.orders, axis=0)) == 90
    assert (np.diff(basis.frequency) > -1e-9).all()
    np.testing.assert_allclose(basis.frequency, larger.frequency[:90])


@pytest.mark.parametrize("functions", [50, 100, 400])
def test_little_of_the_prior_is_below_what_the_basis_resolves(functions):
    basis = basis_of(np.array([1.0, 0.7]), functions)
    shape, scale = basis.length_prior(1.5)
    prior = stats.invgamma(shape, scale=scale)
    assert prior.cdf(basis.shortest(1.5)) == pytest.approx(SHORTER, rel=1e-6)
    assert prior.sf(max(LONGEST, 3 * basis.shortest(1.5))) == pytest.approx(0.05, rel=1e-6)


@pytest.mark.parametrize("smoothness", SMOOTHNESS)
def test_waves_have_the_covariance_of_the_process(smoothness):
    points = np.array([[0.0, 0.0], [0.3, 0.0], [0.0, 1.0], [40.0, 40.0]])
    waves = random_waves(points, np.full(20_000, 0.8), smoothness, fields=2, seed=3)
    found = np.einsum("nif,njf->ijf", waves, waves) / len(waves)
    exact = Matern(0.8, nu=smoothness)(points)
    # Products of sums of few waves vary a little more than those of normal values: 1.5 each.
    np.testing.assert_allclose(found, np.stack([exact, exact], axis=2), atol=4 * 1.5 / np.sqrt(20_000))
    assert abs(np.corrcoef(waves[:, 0, 0], waves[:, 0, 1])[0, 1]) < 4 / np.sqrt(20_000)
    assert stats.kstest(waves[:, 3, 0], "norm").pvalue > 1e-4


def globe(longitude, latitude):
    longitude, latitude = np.radians(longitude), np.radians(latitude)
    along = np.cos(latitude)
    return EARTH_KM * np.stack([along * np.cos(longitude), along * np.sin(longitude), np.sin(latitude)], axis=1)


@pytest.mark.parametrize(("longitude", "latitude"), [(10.0, 45.0), (180.0, -17.0), (30.0, 89.0)])
def test_distances_on_the_plane_are_those_along_the_ground(longitude, latitude):
    rng = np.random.default_rng(0)
    points = globe(longitude + rng.uniform(-4, 4, 50), np.clip(latitude + rng.uniform(-4, 4, 50), -90, 90))
    flat = local_plane(points, middle_of(points))
    apart = np.linalg.norm(flat[:, None] - flat, axis=2)
    ground = EARTH_KM * np.arccos(np.clip(points @ points.T / EARTH_KM**2, -1, 1))
    pairs = ground > 1
    np.testing.assert_allclose(apart[pairs], ground[pairs], rtol=0.003)


def test_east_is_first_north_second_and_distances_from_the_middle_are_right_far_away():
    middle = globe(np.array([20.0]), np.array([0.0]))[0] / EARTH_KM
    flat = local_plane(globe(np.array([40.0, 20.0]), np.array([0.0, 20.0])), middle)
    np.testing.assert_allclose(flat, EARTH_KM * np.radians([[20.0, 0.0], [0.0, 20.0]]), atol=1e-6)


def test_places_over_a_continent_are_refused():
    with pytest.raises(InvalidInput, match=r"reach 3,336 km .* beyond 2,500 no plane map is right\. Fit each region"):
        middle_of(globe(np.array([-30.0, 30.0]), np.array([0.0, 0.0])))
    with pytest.raises(InvalidInput, match="Fit each region by itself"):
        middle_of(globe(np.array([0.0, 180.0]), np.array([0.0, 0.0])))
