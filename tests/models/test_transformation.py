"""Transformations of a target: increasing, invertible, and predictions that are densities in the target's unit."""

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, stats

from bayesgeo import SpatialRegression
from bayesgeo.maps import predict_grid
from bayesgeo.models.storage import load_model, save_model
from bayesgeo.models.transformation import KNOTS, Log, NormalScores, in_units, transformation_of
from bayesgeo.models.wrappers.calibrated import CalibratedRegressor


def skewed(n=400, seed=0):
    return np.exp(np.random.default_rng(seed).normal(1.0, 0.8, n))


@given(st.integers(0, 2**32 - 1), st.integers(17, 200))
def test_scores_increase_and_come_back(seed, n):
    y = np.random.default_rng(seed).standard_t(2, n)
    scores = NormalScores.of(y)
    t = np.sort(np.r_[y, np.linspace(y.min() - np.ptp(y), y.max() + np.ptp(y), 101)])
    z = scores.forward(t)
    assert (np.diff(z)[np.diff(t) > 0] >= 0).all()
    np.testing.assert_allclose(scores.inverse(z), t, rtol=0, atol=1e-7 * np.ptp(t))


def test_scores_of_the_training_rows_are_normal_and_their_knots_few():
    y = skewed(4_000)
    scores = NormalScores.of(y)
    assert len(scores.y) == KNOTS
    assert stats.kstest(scores.forward(y), "norm").statistic < 0.02


def test_scores_are_smooth_and_their_slope_is_the_derivative():
    scores = NormalScores.of(skewed())
    t = np.linspace(0.05, 30, 400_001)
    slope = np.gradient(scores.forward(t), t)
    np.testing.assert_allclose(np.exp(scores.log_slope(t))[1:-1], slope[1:-1], rtol=2e-3)


def test_values_that_many_rows_share_get_one_knot():
    y = np.r_[np.full(100, 0.1), skewed(100)]
    scores = NormalScores.of(y)
    assert (np.diff(scores.y) > 0).all()
    assert (np.diff(scores.z) > 0).all()


@pytest.mark.parametrize("transformation", [Log(), NormalScores.of(skewed())], ids=["log", "scores"])
def test_moments_are_those_of_the_transformed_normal(transformation):
    location, scale = np.array([-0.5, 0.3, 1.0]), np.array([0.1, 0.5, 0.9])
    mean, sd = transformation.moments(location, scale)
    drawn = transformation.inverse(location + scale * np.random.default_rng(0).normal(size=(400_000, 3)))
    error = drawn.std(axis=0) / np.sqrt(len(drawn))
    # Beside chance, the quadrature of a function whose third derivative jumps at the knots.
    np.testing.assert_allclose(mean, drawn.mean(axis=0), rtol=2e-3, atol=4 * error.max())
    np.testing.assert_allclose(sd, drawn.std(axis=0), rtol=0.02)


@pytest.mark.parametrize(
    ("name", "y", "message"),
    [
        ("log", [1.0, 2.0, -3.0], "Row 2 is -3, and only values above zero have a logarithm"),
        ("log", [0.0, 2.0], "Row 0 is 0"),
        ("normal scores", [1.0] * 30 + [2.0] * 30, "too few different values"),
        ("root", [1.0, 2.0], "None, 'log' or 'normal scores'"),
    ],
)
def test_a_target_without_the_transformation_is_refused(name, y, message):
    with pytest.raises(ValueError, match=message):
        transformation_of(name, np.array(y))


def test_without_a_transformation_nothing_changes():
    found = {"expected": np.zeros((1, 1, 2))}
    assert transformation_of(None, np.array([-1.0])) is None
    assert in_units(found, None) is found


@pytest.fixture(scope="module", params=["log", "normal scores"])
def fitted(request):
    rng = np.random.default_rng(3)
    at = {"easting": rng.uniform(0, 6, 120), "northing": rng.uniform(0, 6, 120)}
    x = rng.normal(size=(120, 1))
    y = 5 * np.exp(np.sin(at["easting"]) + np.cos(at["northing"]) + 0.5 * x[:, 0] + 0.2 * rng.normal(size=120))
    model = SpatialRegression(transformation=request.param, random_state=0)
    return model.fit(x[:90], y[:90], coordinates={k: v[:90] for k, v in at.items()}), x, y, at


def held_out(fitted):
    model, x, y, at = fitted
    predictive = model.predictive(x[90:], coordinates={k: v[90:] for k, v in at.items()})
    return model, y[90:], predictive


@pytest.mark.slow
def test_predictions_are_densities_in_the_unit_of_the_target(fitted):
    model, _, predictive = held_out(fitted)
    one = predictive.isel(chain=[0], draw=[0], obs=[0])
    # A logarithmic grid from the lowest to far above; below, the density of normal scores goes on.
    t = np.sign(g := np.linspace(-3, 9, 40_001)) * np.expm1(np.abs(g))
    density = np.exp(np.array([model.log_density(one, np.array([v])).item() for v in t[::40]]))
    assert integrate.trapezoid(density, t[::40]) == pytest.approx(1.0, abs=0.01)
    assert integrate.trapezoid(density * t[::40], t[::40]) == pytest.approx(one["expected"].item(), rel=0.03)


@pytest.mark.slow
def test_draws_agree_with_mean_and_deviation_and_hold_the_rows(fitted):
    model, y, predictive = held_out(fitted)
    drawn = model.respond(predictive, np.random.default_rng(0))
    mean = predictive["expected"].mean(("chain", "draw")).values
    np.testing.assert_allclose(drawn.mean(("chain", "draw")), mean, rtol=0.15)
    low, high = drawn.quantile([0.05, 0.95], ("chain", "draw")).values
    assert 22 <= np.sum((low <= y) & (y <= high)) <= 30  # of 30, of probability 0.9: the 99.5 % band
    # The truth is log-normal: without its transformation the same model is worse in the same unit.
    plain = SpatialRegression(random_state=0)
    _, x, every, at = fitted
    plain.fit(x[:90], every[:90], coordinates={k: v[:90] for k, v in at.items()})
    rest = plain.predictive(x[90:], coordinates={k: v[90:] for k, v in at.items()})
    assert score(model, predictive, y) > score(plain, rest, y)


def score(model, predictive, y):
    return np.log(np.exp(model.log_density(predictive, y)).mean(("chain", "draw"))).values.mean()


@pytest.mark.slow
def test_leave_one_out_densities_are_in_the_unit_of_the_target(fitted):
    model, _, y, _ = fitted
    density = model.posterior_["log_likelihood"]["outcome"].astype(float)
    cdf = model.posterior_["cdf"]["outcome"].mean(("chain", "draw"))
    assert stats.kstest(cdf.values, "uniform").pvalue > 1e-3
    # On the transformed scale they would be more than a nat away.
    mean = np.log(np.exp(density).mean(("chain", "draw"))).mean().item()
    _, rest, predictive = held_out(fitted)
    assert mean == pytest.approx(score(model, predictive, rest), abs=0.4)
    assert abs(model._transformation.log_slope(y[:90]).mean()) > 1.0


@pytest.mark.slow
def test_parts_of_the_deviation_add_up_and_maps_have_them(fitted):
    model, x, _, at = fitted
    near = {k: v[90:] for k, v in at.items()}
    parts = model.predict_sd(x[90:], coordinates=near)
    squares = parts**2
    np.testing.assert_allclose(squares[["within", "field", "epistemic"]].sum(axis=1), squares["total"])
    grid = xr.Dataset({"x": (("northing", "easting"), [[0.0, 1.0]])}, {"northing": [2.0], "easting": [1.0, 9.0]})
    cells = predict_grid(model, grid.rename(x="x0"), features=["x0"], threshold=1.0)
    assert (cells["low"] < cells["mean"]).all()
    assert (cells["mean"] < cells["high"]).all()
    total = cells["sd_aleatoric"] ** 2 + cells["sd_field"] ** 2 + cells["sd_epistemic"] ** 2
    np.testing.assert_allclose(total, cells["sd"] ** 2)


@pytest.mark.slow
def test_a_saved_model_predicts_the_same(fitted, tmp_path):
    model, y, predictive = held_out(fitted)
    again = load_model(save_model(model, tmp_path / "model"))
    _, x, _, at = fitted
    found = again.predictive(x[90:], coordinates={k: v[90:] for k, v in at.items()})
    xr.testing.assert_identical(found.drop_attrs(), predictive.drop_attrs())
    xr.testing.assert_identical(again.log_density(found, y), model.log_density(predictive, y))


@pytest.mark.slow
def test_a_calibrated_model_keeps_the_transformation(fitted):
    model, x, _, at = fitted
    calibrated = CalibratedRegressor(model)
    calibrated.estimator_, calibrated.factor_ = model, 2.0
    rows = model._rows(x, coordinates=at)
    inner, wider = model._predictive(rows), calibrated._predictive(rows)
    np.testing.assert_allclose(wider["scale"], 2 * inner["scale"])
    np.testing.assert_allclose(wider["location"].mean(axis=(0, 1)), inner["location"].mean(axis=(0, 1)))
    # The share of the noise in the variance stays.
    np.testing.assert_allclose(wider["within"] / wider["sigma"], inner["within"] / inner["sigma"])
    low = calibrated.respond(calibrated._label_predictive(wider, rows), np.random.default_rng(0)).min()
    assert low > 0 or model.transformation == "normal scores"
