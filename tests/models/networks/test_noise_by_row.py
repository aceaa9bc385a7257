"""A regressor whose noise differs by row meets the contract of those whose noise does not."""

from typing import ClassVar

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy import stats
from sklearn.linear_model import LinearRegression

from bayesgeo import catalog, evaluate
from bayesgeo.datasets.assembly import assemble
from bayesgeo.datasets.columns import Column
from bayesgeo.datasets.split import Split
from bayesgeo.models.base import Regressor
from tests.fake import FakePosterior

SAMPLE = ("chain", "draw")


class Fan(Regressor):
    """A straight line whose noise widens along the first feature; its draws have a given uncertainty."""

    name = "fan"
    kind = "deterministic"
    seen: ClassVar = []  # rows of each forward pass

    def __init__(self, shape=(2, 150), spread=0.2, nu=None, random_state=None):
        self.shape = shape
        self.spread = spread
        self.nu = nu
        self.random_state = random_state

    def _learn(self, rows):
        rng = np.random.default_rng(self.seed_)
        self.line_ = LinearRegression().fit(rows.X, rows.y)
        self.shift_ = self.spread * rng.normal(size=self.shape)
        self.width_ = rng.uniform(0.8, 1.2, self.shape)

    def _predictive(self, rows):
        self.seen.append(len(rows))
        arrays = {
            "expected": self.line_.predict(rows.X) + self.shift_[..., None],
            "sigma": self.width_[..., None] * np.exp(0.5 * rows.X[:, 0]),
        }
        return arrays if self.nu is None else arrays | {"nu": np.full(self.shape, self.nu)}


def table(n, seed=0):
    """Return rows whose noise is that of the model at width one."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 3))
    return X, X @ [1.0, -2.0, 0.0] + np.exp(0.5 * X[:, 0]) * rng.normal(size=n)


def fan(**parameters):
    return Fan(**{"random_state": 0} | parameters).fit(*table(400, seed=1))


def test_what_is_predicted_names_its_draws_and_rows():
    model, (X, _) = fan(), table(5)
    predictive = model.predictive(X)
    assert predictive["expected"].dims == predictive["sigma"].dims == (*SAMPLE, "obs")
    assert dict(predictive.sizes) == {"chain": 2, "draw": 150, "obs": 5}
    assert predictive["expected"].equals(model.predict_draws(X))
    np.testing.assert_allclose(model.predict(X), predictive["expected"].mean(SAMPLE), rtol=1e-12)


def test_noise_that_is_the_same_for_every_row_stays_without_rows():
    X, y = table(40)
    model = catalog.model("bayesian_linear", "regression", noise="student-t", inference=FakePosterior()).fit(X, y)
    predictive = model.predictive(X)
    assert predictive["sigma"].dims == predictive["nu"].dims == SAMPLE
    np.testing.assert_array_equal(predictive["sigma"], model.noise_["sigma"])
    np.testing.assert_array_equal(predictive["nu"], model.noise_["nu"])


def test_a_model_whose_noise_differs_by_row_has_no_noise_of_its_own():
    with pytest.raises(AttributeError, match=r"Fan has no noise that is the same for every row: see predictive"):
        fan().noise_  # noqa: B018
    assert not hasattr(fan(), "noise_")


@pytest.mark.parametrize("nu", [None, 4.0])
def test_log_density_is_that_of_scipy_row_by_row(nu):
    model, (X, y) = fan(nu=nu), table(30)
    predictive = model.predictive(X)
    ours = model.log_density(predictive, y)
    assert ours.dims == (*SAMPLE, "obs")
    family = stats.norm if nu is None else stats.t(nu)
    for row in range(30):
        expected, sigma = (predictive[name].values[..., row] for name in ("expected", "sigma"))
        exact = family.logpdf((y[row] - expected) / sigma) - np.log(sigma)
        np.testing.assert_allclose(ours.values[..., row], exact, rtol=1e-12)


@pytest.mark.parametrize("shape", [(1, 1), (1, 8), (2, 150), (4, 1000)], ids=str)
@pytest.mark.parametrize("nu", [None, 12.0])
def test_response_scatters_by_row_as_the_noise_of_that_row(shape, nu):
    model, (X, _) = fan(shape=shape, nu=nu, spread=0.0), table(40)
    response = model.predict_draws(X, kind="response")
    n_draws = response.sizes["chain"] * response.sizes["draw"]
    stretch = 1.0 if nu is None else nu / (nu - 2)
    exact = np.sqrt(stretch * (model.predictive(X)["sigma"] ** 2).mean(SAMPLE))
    # Gaussian or t_12 noise of widths 0.8 to 1.2 has a kurtosis of at most 4.4: the relative error of its deviation is
    # at most sqrt(3.4 / 4 n). 40 rows in 8 cases at 4 standard errors: by chance once in 50 runs; the seed is fixed.
    np.testing.assert_allclose(response.std(SAMPLE), exact, rtol=4 * np.sqrt(3.4 / 4 / n_draws))


REPEATED = {(1, 1): 1000, (1, 8): 1000, (8, 1): 1000, (2, 100): 1000, (1, 249): 1245, (1, 250): 250, (2, 600): 1200}


@pytest.mark.parametrize(("shape", "drawn"), REPEATED.items(), ids=str)
def test_few_draws_are_repeated_and_many_are_not(shape, drawn):
    response = fan(shape=shape).predict_draws(table(3)[0], kind="response")
    assert response.sizes["chain"] == shape[0]
    assert response.sizes["chain"] * response.sizes["draw"] == drawn
    assert np.array_equal(response["draw"], np.arange(drawn // shape[0]))


@pytest.mark.parametrize("shape", [(1, 8), (2, 150)], ids=str)
@pytest.mark.parametrize("nu", [None, 4.0])
def test_rows_in_small_chunks_get_the_same_noise(shape, nu, monkeypatch):
    model, (X, _) = fan(shape=shape, nu=nu), table(40)
    whole = (model.predict_draws(X), model.predict_draws(X, kind="response"), model.predictive(X))
    monkeypatch.setattr("bayesgeo._arrays.BUDGET", 8 * model._numbers_per_row())
    assert len(list(model.stream(X, "response"))) == 5
    assert len(list(model.stream_predictive(X))) == 20
    parts = (model.predict_draws(X), model.predict_draws(X, kind="response"), model.predictive(X))
    for one, other in zip(whole, parts, strict=True):
        # The noise is the same bit for bit; matrix products of other shapes may round otherwise.
        xr.testing.assert_allclose(one, other, rtol=1e-12)


def widening(n):
    """Return a data set of rows whose noise differs."""
    X, y = table(n, seed=2)
    columns = [Column(name, "") for name in "abc"]
    return assemble("widening", pd.DataFrame(X, columns=list("abc")), columns=columns, target=pd.Series(y, name="y"))


@pytest.mark.slow
def test_held_out_rows_fall_into_their_intervals_where_noise_is_narrow_and_where_it_is_wide():
    data = widening(4000)
    halves = Split("holdout", ((np.arange(2000), np.arange(2000, 4000)),), None, "The last half is held out.")
    Fan.seen.clear()
    tree = evaluate(Fan(shape=(1, 8), spread=0.0), data, halves)
    assert sum(Fan.seen) == 2000  # each row once
    rows = tree["predictions"].to_dataset()
    y, first = tree["observed_data"]["y"], data.X[2000:, 0].values
    np.testing.assert_allclose(np.log(rows["aleatoric"]).diff("obs"), np.diff(first), rtol=1e-9, atol=1e-12)
    inside = ((rows["low"] <= y) & (y <= rows["high"])).values
    for half in (first < 0, first >= 0):
        # Four binomial standard errors; eight widths of 0.8 to 1.2 move the probability by 0.02.
        assert inside[half].mean() == pytest.approx(0.9, abs=4 * np.sqrt(0.09 / half.sum()) + 0.02)
