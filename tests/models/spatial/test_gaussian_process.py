"""The Gaussian process of scikit-learn over places: kriging by hand, other units, a bound on rows."""

import numpy as np
import pytest
from scipy import linalg
from scipy.spatial.distance import cdist
from sklearn.gaussian_process.kernels import Matern

from bayesgeo import catalog
from bayesgeo.models import GaussianProcess, load_model, save_model
from bayesgeo.runs.study import study
from tests.tables import shaking


def drawn(n, seed=0):
    """Return a feature of slope 3, places, and values: a field of sd 2 and length scale 2, and noise of .5."""
    rng = np.random.default_rng(seed)
    points, x = rng.uniform(0, 10, (n, 2)), rng.normal(size=(n, 1))
    factor = linalg.cholesky(Matern(2.0, nu=1.5)(points) + 1e-10 * np.eye(n), lower=True)
    y = 10 + 3 * x[:, 0] + 2 * factor @ rng.normal(size=n) + 0.5 * rng.normal(size=n)
    return x, y, points


def named(points):
    return {"easting": points[:, 0], "northing": points[:, 1]}


@pytest.fixture(scope="module")
def fitted():
    x, y, points = drawn(200)
    train, new = slice(None, 120), slice(120, None)
    model = GaussianProcess(random_state=0).fit(x[train], y[train], coordinates=named(points[train]))
    return model, (x[train], y[train], points[train]), (x[new], y[new], points[new])


def matern(distance, length):
    scaled = np.sqrt(3) * distance / length
    return (1 + scaled) * np.exp(-scaled)


def test_it_predicts_as_kriging_by_hand_with_its_scales(fitted):
    model, (x, y, points), (new_x, _, new) = fitted
    field, noise = model.field_sd_**2, model.noise_sd_**2
    among = field * matern(cdist(points, points), model.length_scale_) + noise * np.eye(120)
    across = field * matern(cdist(new, points), model.length_scale_)
    trend = np.c_[np.ones(120), x]
    coefficients = linalg.solve(trend.T @ linalg.solve(among, trend), trend.T @ linalg.solve(among, y))
    mean = np.c_[np.ones(80), new_x] @ coefficients + across @ linalg.solve(among, y - trend @ coefficients)
    variance = field + noise - np.einsum("ij,ji->i", across, linalg.solve(among, across.T))
    found = model.predictive(new_x, coordinates=named(new))
    assert [model.intercept_, *model.coef_] == pytest.approx(coefficients, rel=1e-6)
    np.testing.assert_allclose(found["expected"][0, 0], mean, rtol=1e-6)
    np.testing.assert_allclose(found["sigma"][0, 0], np.sqrt(variance), rtol=1e-6)


def test_no_other_scales_near_its_own_are_likelier(fitted):
    model, (x, y, points), _ = fitted
    trend = np.c_[np.ones(120), x]
    residual = y - trend @ linalg.lstsq(trend, y)[0]

    def log_likelihood(field, length, noise):
        among = field**2 * matern(cdist(points, points), length) + noise**2 * np.eye(120)
        return -np.linalg.slogdet(among)[1] / 2 - residual @ linalg.solve(among, residual) / 2

    scales = np.array([model.field_sd_, model.length_scale_, model.noise_sd_])
    best = log_likelihood(*scales)
    for k in range(3):
        for factor in (0.95, 1.05):
            assert log_likelihood(*np.where(np.arange(3) == k, factor, 1.0) * scales) < best


def test_truth_is_near_and_intervals_hold_new_rows(fitted):
    model, _, (x, y, points) = fitted
    # The slope is known to 0.09; the sd of a field of 5 x 5 ranges to a third.
    assert model.coef_ == pytest.approx([3.0], abs=0.3)
    assert 1.0 < model.field_sd_ < 4.0
    assert 0.25 < model.noise_sd_ < 1.0
    found = model.predictive(x, coordinates=named(points))
    z = np.abs(y - found["expected"][0, 0]) / found["sigma"][0, 0]
    # Of 80 rows, 3 standard errors of a share of .9.
    assert 0.8 <= np.mean(z < 1.645) <= 1.0
    assert np.sqrt(np.mean((y - found["expected"].values.ravel()) ** 2)) < 0.5 * np.std(y)


def test_units_of_places_features_and_values_do_not_matter(fitted):
    model, (x, y, points), (new_x, _, new) = fitted
    other = GaussianProcess(random_state=0).fit(5 + 2 * x, 100 * y - 7, coordinates=named(1000 * points + 3e5))
    there = named(1000 * new + 3e5)
    one, same = model.predictive(new_x, coordinates=named(new)), other.predictive(5 + 2 * new_x, coordinates=there)
    np.testing.assert_allclose(same["expected"], 100 * one["expected"] - 7, rtol=1e-4)
    np.testing.assert_allclose(same["sigma"], 100 * one["sigma"], rtol=1e-4)
    assert other.length_scale_ == pytest.approx(1000 * model.length_scale_, rel=1e-3)


def test_places_over_the_date_line_are_neighbours():
    rng = np.random.default_rng(0)
    around, latitude = rng.uniform(-5, 5, 60), rng.uniform(-5, 5, 60)
    y, nothing = np.sin(around) + latitude / 5, np.empty((60, 0))
    over = {"longitude": (360 + 180 + around) % 360, "latitude": latitude}
    west = {"longitude": (around + 360) % 360 - 180, "latitude": latitude}
    first, second = (GaussianProcess(random_state=0).fit(nothing, y, coordinates=at) for at in (over, west))
    np.testing.assert_allclose(
        first.predict(nothing, coordinates=over), second.predict(nothing, coordinates=west), atol=1e-6
    )
    assert np.corrcoef(first.predict(nothing, coordinates=over), y)[0, 1] > 0.9


def test_a_saved_one_predicts_bit_for_bit_as_before(fitted, tmp_path):
    model, _, (x, _, points) = fitted
    loaded = load_model(save_model(model, tmp_path / "model"))
    for name, values in model.predictive(x, coordinates=named(points)).items():
        np.testing.assert_array_equal(loaded.predictive(x, coordinates=named(points))[name], values)


def test_fitted_again_it_forgets_the_rows_before():
    x, y, points = drawn(60)
    model = GaussianProcess(random_state=0).fit(x, y, coordinates=named(points))
    before = model.predict(x, coordinates=named(points))
    again = model.fit(x, -y, coordinates=named(points)).predict(x, coordinates=named(points))
    np.testing.assert_allclose(again, -before, rtol=1e-4)


def test_more_than_2000_rows_are_refused_and_spatial_is_named(monkeypatch):
    monkeypatch.setattr(GaussianProcess, "_learn", lambda *_: pytest.fail("It began."))
    refused = r"Invalid number of rows 2001\. The model gaussian_process takes 2,000 at most.*Use the model spatial"
    with pytest.raises(ValueError, match=refused):
        GaussianProcess().fit(np.zeros((2001, 1)), np.arange(2001.0))


def test_a_run_of_more_than_2000_rows_is_refused_before_any_model_is_fitted(tmp_path):
    with pytest.raises(ValueError, match=r"number of rows 2001.*Use the model spatial"):
        study(shaking(2001), ["mean", "gaussian_process"], out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_without_places_it_is_refused_as_spatial_regression_is():
    X, y = np.zeros((5, 1)), np.arange(5.0)
    with pytest.raises(ValueError, match="A spatial model needs the place of each row"):
        GaussianProcess().fit(X, y, coordinates={"depth": y})
    with pytest.raises(ValueError, match=r"n_samples=5\) are at fewer than three places"):
        GaussianProcess().fit(X, y, coordinates={"easting": np.zeros(5), "northing": np.zeros(5)})


def test_it_is_offered_by_name_and_no_default():
    assert catalog.models("regression")["gaussian_process"] is GaussianProcess
    assert "gaussian_process" not in catalog.models("classification")
    assert not any("gaussian_process" in names for names in catalog.DEFAULT_MODELS.values())
