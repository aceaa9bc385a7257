"""Closed forms of the mixture over draws agree with its definition and with simulation."""

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from bayesgeo.maps.mixture import Mixture, mixture_of, summarise_cells
from bayesgeo.models.transformation import Log


def mixture(seed, student, draws=40, cells=6):
    rng = np.random.default_rng(seed)
    nu = rng.uniform(2.5, 30, (draws, 1)) if student else None
    return Mixture(rng.normal(size=(draws, cells)) * rng.uniform(0, 5), rng.uniform(0.05, 3, (draws, 1)), nu)


def predictive(draws=(2, 300), cells=3, nu=None, seed=0):
    rng = np.random.default_rng(seed)
    expected = xr.DataArray(rng.normal(1.0, 0.7, (*draws, cells)), dims=("chain", "draw", "obs"))
    found = xr.Dataset({"expected": expected, "sigma": (("chain", "draw"), rng.uniform(0.5, 1.5, draws))})
    return found if nu is None else found.assign(nu=(("chain", "draw"), np.full(draws, nu)))


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**32 - 1), st.booleans(), st.floats(1e-4, 1 - 1e-4))
def test_the_distribution_function_at_a_quantile_is_its_probability(seed, student, p):
    found = mixture(seed, student)
    t = found.quantile(p)
    # The last step was shorter than 1e-4 of the least scale, and Newton's error is of its square: at most 1e-6.
    reach = 1e-6 * found.sigma.min()
    assert (found.below(t - reach) <= p).all()
    assert (p <= found.below(t + reach)).all()


def test_the_mixture_of_a_transformed_response_is_in_its_unit():
    found = predictive()
    latent = mixture_of(found)
    log = found.rename(expected="location").assign(scale=found["sigma"], expected=np.exp(found["expected"]))
    of_logs = mixture_of(log.assign_attrs(transformation=Log()))
    np.testing.assert_allclose(of_logs.quantile(0.9), np.exp(latent.quantile(0.9)))
    np.testing.assert_allclose(of_logs.above(3.0), latent.above(np.log(3.0)))
    assert of_logs.above(-1.0).tolist() == [1.0] * 3
    assert of_logs.below(0.0).tolist() == [0.0] * 3


@given(st.integers(0, 2**32 - 1), st.booleans(), st.floats(-5, 5))
def test_above_and_below_share_one(seed, student, t):
    found = mixture(seed, student)
    np.testing.assert_allclose(found.above(t) + found.below(t), 1.0, rtol=1e-12)


@pytest.mark.parametrize("nu", [None, 4.0])
def test_the_density_is_the_slope_of_the_distribution_function(nu):
    found, t, h = mixture_of(predictive(nu=nu)), 0.3, 1e-4
    slope = (found.below(t + h) - found.below(t - h)) / (2 * h)
    np.testing.assert_allclose(found.density(t), slope, rtol=1e-6)  # the error of the difference is of h²


def test_one_draw_has_the_quantiles_of_its_own_distribution():
    one = Mixture(np.array([[2.0]]), np.array([[3.0]]), np.array([[5.0]]))
    np.testing.assert_allclose(one.quantile(0.9), stats.t.ppf(0.9, 5, 2, 3), rtol=1e-12)


def test_a_row_has_the_same_quantile_whatever_rows_are_beside_it():
    found = mixture(3, student=False, cells=40)
    found = Mixture(found.expected * np.geomspace(0.01, 10, 40), found.sigma)
    alone = [Mixture(found.expected[:, k : k + 1], found.sigma).quantile(0.999).item() for k in range(40)]
    # Rounding in sums of the distribution function, over its small slope at 0.999.
    np.testing.assert_allclose(found.quantile(0.999), alone, rtol=1e-12)


def test_two_far_components_have_their_median_between_them_and_outer_quantiles_in_them():
    two = Mixture(np.array([[-50.0], [50.0]]), np.ones((2, 1)))
    # P(y <= -50 + z) = Φ(z) / 2, to the last digit, because the other component is 100 deviations away.
    np.testing.assert_allclose(two.quantile(0.05), -50 + stats.norm.ppf(0.1), rtol=1e-9)
    assert abs(two.below(two.quantile(0.5)).item() - 0.5) < 1e-9


@pytest.mark.parametrize("nu", [None, 6.0])
def test_moments_and_exceedance_are_those_of_simulated_responses(nu):
    given = predictive(nu=nu)
    cells, rng, n = summarise_cells(given, threshold=2.0), np.random.default_rng(5), 400
    unit = rng.standard_normal((n, 2, 300)) if nu is None else rng.standard_t(nu, (n, 2, 300))
    y = given["expected"].values[None] + (given["sigma"].values * unit)[..., None]
    y = y.reshape(-1, 3)
    share = (y > 2.0).mean(axis=0)
    error = np.sqrt(share * (1 - share) / n / 600)
    # One noise for all cells and independent draws: four standard errors.
    np.testing.assert_array_less(np.abs(cells["exceedance"] - share), 4 * error)
    np.testing.assert_allclose(cells["sd"], y.std(axis=0), rtol=4 * (1.0 if nu is None else 3.0) / np.sqrt(2 * n * 600))
    inside = ((cells["low"] <= y) & (y <= cells["high"])).mean(axis=0)
    np.testing.assert_array_less(np.abs(inside - 0.9), 4 * np.sqrt(0.09 / n / 600))


def test_the_variance_is_that_of_the_expected_value_and_that_of_the_noise():
    given = predictive()
    cells = summarise_cells(given)
    np.testing.assert_allclose(cells["sd"] ** 2, cells["sd_epistemic"] ** 2 + cells["sd_aleatoric"] ** 2, rtol=1e-12)
    np.testing.assert_allclose(cells["sd_epistemic"], given["expected"].std(("chain", "draw")), rtol=1e-12)


def test_small_probabilities_keep_their_digits():
    one = Mixture(np.zeros((1, 1)), np.ones((1, 1)))
    np.testing.assert_allclose(one.above(30.0), stats.norm.sf(30.0), rtol=1e-10)
