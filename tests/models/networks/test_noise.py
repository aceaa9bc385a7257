"""Networks for values learn the noise that made their rows, and never claim less than the values can show."""

import numpy as np
import pytest
import torch
from scipy import stats

from bayesgeo.models.networks import noise as noises
from bayesgeo.models.networks.ensemble import DeepEnsembleRegressor
from bayesgeo.models.networks.mlp import MLPRegressor
from bayesgeo.models.preparation import resolution
from bayesgeo.models.storage import load_model, save_model
from tests.models.small import ensemble, perceptron

QUICK = {"hidden": (8,), "max_epochs": 30, "random_state": 0}
EACH = pytest.mark.parametrize("noise", noises.NOISES)


def fan(n=3000, seed=0):
    """Return rows whose noise widens along the feature, and the noise."""
    rng = np.random.default_rng(seed)
    X = rng.uniform(-1, 1, size=(n, 1))
    sd = 2.0 * np.exp(X[:, 0])
    return X, 50.0 + 20.0 * np.sin(3 * X[:, 0]) + sd * rng.normal(size=n), sd


def tails(n=3000, seed=0, nu=3.0):
    """Return rows with Student-t noise of scale 2."""
    rng = np.random.default_rng(seed)
    X = rng.uniform(-1, 1, size=(n, 1))
    return X, 50.0 + 20.0 * np.sin(3 * X[:, 0]) + 2.0 * rng.standard_t(nu, size=n)


@pytest.fixture(scope="module")
def widening():
    X, y, _ = fan()
    return {
        noise: ensemble(DeepEnsembleRegressor, members=4, hidden=(16,), noise=noise, random_state=0).fit(X, y)
        for noise in ("heteroscedastic", "constant")
    }


@pytest.mark.slow
def test_noise_that_differs_by_row_is_recovered(widening):
    X, _, sd = fan(seed=1)
    found = widening["heteroscedastic"].predictive(X)["sigma"]
    assert found.dims == ("chain", "draw", "obs")
    ratio = found.mean(("chain", "draw")).values / sd
    # About 90 rows to each parameter of the trend and the noise: a standard deviation is known to 1 / sqrt(180).
    assert np.sqrt(np.mean(np.log(ratio) ** 2)) < 3 / np.sqrt(180)


@pytest.mark.slow
def test_learning_the_noise_costs_nothing_of_the_mean_and_gains_what_theory_says(widening):
    X, y, sd = fan(seed=1)
    error = {noise: np.sqrt(np.mean((model.predict(X) - y) ** 2)) for noise, model in widening.items()}
    assert error["heteroscedastic"] < 1.01 * error["constant"]
    score = {noise: float(model.log_density(model.predictive(X), y).mean()) for noise, model in widening.items()}
    # Of Gaussian noise known by row instead of on average.
    gain = 0.5 * np.log(np.mean(sd**2)) - np.mean(np.log(sd))
    assert score["heteroscedastic"] - score["constant"] == pytest.approx(gain, abs=0.04)


@pytest.mark.parametrize("noise", ["heteroscedastic", "student-t"])
def test_noise_is_learned_from_where_squared_error_ends(noise):
    X, y, _ = fan(1000)
    settings = {"hidden": (16,), "random_state": 0}
    warm = perceptron(MLPRegressor, noise="constant", **settings).fit(X, y)
    model = perceptron(MLPRegressor, noise=noise, **settings | {"max_epochs": 100}).fit(X, y)
    aside = model.holdout_rows_
    reached = -float(warm.log_density(warm.predictive(X[aside]), y[aside]).mean()) - np.log(y.std())
    # An epoch is 20 short steps; a prediction that knows nothing costs a nat more.
    assert float(model.curve_["validation"][0]) == pytest.approx(reached, abs=0.15)
    assert float(model.curve_["constant"]) > reached + 1.0


@pytest.mark.slow
@pytest.mark.parametrize("nu", [3.0, 8.0])
def test_heavy_tails_are_recovered(nu):
    X, y = tails(nu=nu)
    model = perceptron(MLPRegressor, hidden=(16,), noise="student-t", random_state=0).fit(X, y)
    predictive = model.predictive(X)
    assert predictive["sigma"].dims == predictive["nu"].dims == ("chain", "draw")
    # The information of 3,000 rows on log nu and log scale, its inverse, and four standard errors.
    error = 4 * standard_errors(nu, 3000)
    assert abs(np.log(predictive["nu"].item() / nu)) < error[0]
    assert abs(np.log(predictive["sigma"].item() / 2.0)) < error[1]


def standard_errors(nu, n):
    """Return the standard errors of log nu and log scale by maximum likelihood: scores at many quantiles."""
    z = stats.t.ppf((np.arange(20_000) + 0.5) / 20_000, nu)
    step = 1e-4

    def density(log_nu, log_scale):
        return stats.t.logpdf(z, np.exp(log_nu), scale=np.exp(log_scale))

    at = np.log(nu)
    scores = [(density(at + step, 0) - density(at - step, 0)), (density(at, step) - density(at, -step))]
    information = np.cov(np.array(scores) / (2 * step)) * n
    return np.sqrt(np.diag(np.linalg.inv(information)))


@pytest.mark.slow
def test_far_rows_move_a_mean_with_heavy_tails_less():
    X, y = tails(600, nu=1.2)
    truth = 50.0 + 20.0 * np.sin(3 * X[:, 0])
    errors = [
        np.abs(perceptron(MLPRegressor, (16,), noise=noise, random_state=0).fit(X, y).predict(X) - truth).mean()
        for noise in ("student-t", "constant")
    ]
    assert errors[0] < 0.7 * errors[1]


@EACH
def test_the_noise_has_the_dimensions_of_its_kind(noise):
    X, y, _ = fan(200)
    model = perceptron(MLPRegressor, noise=noise, dropout=0.1, draws=5, **QUICK).fit(X, y)
    predictive = model.predictive(X)
    by_row = noise == "heteroscedastic"
    assert predictive["sigma"].dims == (("chain", "draw", "obs") if by_row else ("chain", "draw"))
    assert ("nu" in predictive) == (noise == "student-t")
    assert predictive.sizes["draw"] == 5
    if by_row:
        with pytest.raises(AttributeError, match="no noise that is the same for every row"):
            _ = model.noise_
    else:
        assert model.noise_.sizes == {"chain": 1, "draw": 5}


@EACH
def test_every_noise_is_saved_bit_for_bit(noise, tmp_path):
    X, y, _ = fan(200)
    model = perceptron(MLPRegressor, noise=noise, **QUICK).fit(X, y)
    again = load_model(save_model(model, tmp_path / "model"))
    assert again.predictive(X).identical(model.predictive(X))
    assert again.specification() == model.specification()
    assert noises.LIKELIHOOD[noise] in model.specification().likelihood


@EACH
@pytest.mark.parametrize("begun", noises.NOISES)
def test_a_start_of_any_noise_goes_on_from_its_own_function(noise, begun):
    X, y, _ = fan(200)
    start = perceptron(MLPRegressor, noise=begun, **QUICK).fit(X, y)
    # Steps too short to move anything: what is left is the start.
    still = QUICK | {"learning_rate": 1e-12, "weight_decay": 0.0}
    model = perceptron(MLPRegressor, noise=noise, start=start, **still).fit(2 * X, y)
    found, wanted = model.predictive(X), start.predictive(X)
    np.testing.assert_allclose(found["expected"], wanted["expected"], rtol=1e-5)
    if noise == begun != "constant":
        np.testing.assert_allclose(found["sigma"], wanted["sigma"], rtol=1e-5)
    if noise == begun == "student-t":
        np.testing.assert_allclose(found["nu"], wanted["nu"], rtol=1e-5)


@EACH
@pytest.mark.slow
def test_a_sparse_network_of_any_noise_has_that_share_of_zeros(noise):
    X, y, _ = fan(200)
    model = perceptron(MLPRegressor, noise=noise, sparsity=0.5, **QUICK).fit(X, y)
    weights = np.concatenate([values.ravel() for name, values in model.weights_.items() if name.startswith("weight")])
    assert (weights == 0).sum() == round(0.5 * weights.size)


@EACH
def test_noise_is_never_narrower_than_what_the_values_can_show(noise):
    rng = np.random.default_rng(0)
    X = rng.uniform(0, 4, size=(300, 1)).round()
    # Known exactly, but told in steps of five: what is left is the error of rounding.
    y = 5 * X[:, 0]
    for factor in (1.0, 1000.0):
        model = perceptron(MLPRegressor, (8,), noise=noise, max_epochs=60, random_state=0).fit(X, factor * y)
        assert (model.predictive(X)["sigma"] >= 5 * factor / np.sqrt(12) * (1 - 1e-9)).all()
    fine = perceptron(MLPRegressor, noise=noise, **QUICK).fit(X, y + 1e-3 * rng.normal(size=300))
    assert fine.noise_floor_ == noises.LEAST_SD


@pytest.mark.parametrize("step", [0.01, 0.25, 3.0, 0.3048])
@pytest.mark.parametrize("shift", [0.0, 1e4])
def test_the_step_of_rounded_values_is_found(step, shift):
    y = np.random.default_rng(0).normal(scale=20 * step, size=300)
    rounded = shift + step * (y / step).round()
    assert resolution(rounded) == pytest.approx(step, rel=1e-6)
    if shift == 0:  # else single precision has not the digits
        assert resolution(rounded.astype(np.float32).astype(float)) == pytest.approx(step, rel=1e-5)
    # A few values of another origin, such as means, hide no rounding; without rounding there is no step.
    assert resolution(np.r_[rounded, y[:5]]) == pytest.approx(step, rel=1e-6)
    assert resolution(shift + y) == 0.0


def test_a_step_that_no_two_neighbours_are_apart_is_found():
    assert resolution(np.repeat([0.0, 2.0, 5.0], 10)) == 1.0


RAIN = np.r_[np.zeros(50), np.random.default_rng(0).random(50)]


@pytest.mark.parametrize("values", [np.zeros(30), np.arange(5.0), RAIN, np.r_[RAIN, RAIN[-3:]]])
def test_values_without_a_step_have_none(values):
    assert resolution(values) == 0.0


def test_the_losses_are_those_of_the_distributions():
    rng = np.random.default_rng(0)
    outputs = rng.normal(size=(2, 7, 2))
    y = rng.normal(size=(2, 7))
    part = {"y": torch.as_tensor(y)}
    sd = np.log1p(np.exp(outputs[..., 1])) + 0.1
    found = noises.gaussian_loss(0.1)(torch.as_tensor(outputs), part)
    np.testing.assert_allclose(found, -stats.norm.logpdf(y, outputs[..., 0], sd), rtol=1e-12)
    constants = rng.normal(size=(2, 1, 2)) - [0.0, 2.0]
    heavy = np.concatenate([outputs[..., :1], np.broadcast_to(constants, (2, 7, 2))], axis=2)
    nu = 2 + 98 / (1 + np.exp(-constants[..., 1]))
    scale = np.log1p(np.exp(constants[..., 0])) + 0.1
    found = noises.student_t_loss(0.1)(torch.as_tensor(heavy), part)
    np.testing.assert_allclose(found, -stats.t.logpdf(y, nu, outputs[..., 0], scale), rtol=1e-10)
