"""Classes over places: the exact posterior of few rows, simulated truth, and what is told of places far away."""

from dataclasses import dataclass

import numpy as np
import pytest
import xarray as xr
from scipy import special, stats
from sklearn.gaussian_process.kernels import Matern
from sklearn.metrics import log_loss

from bayesgeo import NUTS, BayesianLogisticRegression, SpatialClassifier, diagnose
from bayesgeo.inference.base import label_posterior
from bayesgeo.maps import predict_grid
from bayesgeo.models import load_model, save_model
from bayesgeo.models.spatial.basis import spectral_density
from tests.fake import FakePosterior

LENGTH = 2.0  # of simulated fields, on a map ten wide
SAMPLER = NUTS(draws=300, tune=300, chains=4)


def east_north(places):
    return {"easting": places[:, 0], "northing": places[:, 1]}


def drawn(n, seed=0, sd=2.0, length=LENGTH, labels=2):
    """Draw places, a feature without effect, probabilities of classes by a Matérn field, and the classes."""
    rng = np.random.default_rng(seed)
    places = rng.uniform(0, 10, (n, 2))
    factor = np.linalg.cholesky(Matern(length, nu=1.5)(places) + 1e-9 * np.eye(n))
    fields = sd * factor @ rng.normal(size=(n, labels))
    if labels == 2:
        fields[:, 0] = 0
    p = special.softmax(fields, axis=1)
    y = (rng.random((n, 1)) > p.cumsum(axis=1)[:, :-1]).sum(axis=1)
    return places, rng.normal(size=(n, 1)), p, y


@dataclass(frozen=True)
class Given:
    """An inference that ignores the rows: the prior of a field whose scales are known, and no fixed part."""

    length: float
    draws: int = 2000

    def run(self, problem, seed):
        rng, size = np.random.default_rng(seed), (2, self.draws)
        length = self.length / float(problem.data["unit_length"])
        dimension = 2
        amplitude = np.sqrt(spectral_density(problem.data["frequency"], length, 1.5, dimension))
        found = {
            name: np.zeros((*size, *(len(problem.coords[d]) for d in dims))) for name, dims in problem.dims.items()
        }
        found |= {"field_sd": np.ones(size), "length_scale": np.full(size, self.length)}
        found["field_weight"] = amplitude * rng.normal(size=(*size, len(amplitude)))
        tree = xr.DataTree.from_dict({"posterior": label_posterior(found, problem)})
        tree.attrs = {"inference": "Given", "kind": "exact", "title": "given", "seed": seed, "interrupted": 0}
        tree.attrs |= {"compile_seconds": 0.0, "sampling_seconds": 0.0}
        return tree


@pytest.fixture(scope="module")
def of_prior():
    """A model of a field of standard deviation 1 of which no row tells anything."""
    places, x, _, y = drawn(60)
    return SpatialClassifier(basis_functions=400, inference=Given(1.5), random_state=0).fit(
        x, y, coordinates=east_north(places)
    )


def log_odds(model, places):
    p = model.predict_draws(np.zeros((len(places), 1)), coordinates=east_north(np.asarray(places))).isel(label=1)
    return special.logit(p.values.reshape(-1, len(places)))


def test_before_rows_are_seen_the_field_is_as_uncertain_everywhere(of_prior):
    # Inside, at a corner, between the rectangle of the rows and the box, beyond it, and so far that it is elsewhere.
    places = [[5.0, 5.0], [0.1, 0.1], [12.0, 5.0], [14.9, 14.9], [-5.2, 3.0], [40.0, 5.0], [1e7, 1e7]]
    variance = log_odds(of_prior, places).var(axis=0)
    # 4 Monte Carlo errors of a variance, and the share that the basis loses.
    np.testing.assert_allclose(variance, 1.0, atol=4 * np.sqrt(2 / 4000) + 0.05)


def test_beyond_the_box_cells_near_each_other_are_alike_and_others_not(of_prior):
    values = log_odds(of_prior, [[50.0, 50.0], [51.0, 50.0], [70.0, 50.0]])
    found = np.corrcoef(values.T)
    assert found[0, 1] == pytest.approx(Matern(1.5, nu=1.5)([[0.0]], [[1.0]]).item(), abs=0.08)
    assert abs(found[0, 2]) < 0.08


def test_the_field_of_the_rows_fades_over_without_a_step(of_prior):
    north = np.linspace(9.5, 16.0, 400)
    values = log_odds(of_prior, np.c_[np.full(400, 5.0), north])
    step = np.abs(np.diff(values, axis=1)).max(axis=1)
    # Neighbouring cells are a hundredth of a length scale apart: a field moves there by some hundredths.
    assert np.quantile(step, 0.99) < 0.3


def test_rows_far_away_do_not_change_those_nearby_nor_depend_on_the_chunk(of_prior, monkeypatch):
    places = np.array([[5.0, 5.0], [30.0, 30.0], [12.0, 1.0]])
    together = log_odds(of_prior, places)
    monkeypatch.setattr("bayesgeo._arrays.BUDGET", of_prior._numbers_per_row())
    np.testing.assert_allclose(log_odds(of_prior, places), together, rtol=1e-9, atol=1e-9)


FAKE = FakePosterior(draws=5)


def fitted(X, y, coordinates=None, **settings):
    return SpatialClassifier(inference=FAKE, random_state=0, **settings).fit(X, y, coordinates=coordinates)


def test_what_cannot_be_learned_from_is_refused_before_anything_is_computed():
    X, y, at = np.zeros((6, 1)), np.array([0, 1, 0, 1, 0, 1]), np.arange(6.0)
    with pytest.raises(ValueError, match="A spatial model needs the place of each row"):
        fitted(X, y, {"depth": at})
    with pytest.raises(ValueError, match=r"n_samples=6\) are at fewer than three places"):
        fitted(X, y, {"easting": np.zeros(6), "northing": np.zeros(6)})
    with pytest.raises(ValueError, match="Row 2 has no finite northing"):
        fitted(X, y, {"easting": at, "northing": [0.0, 1.0, np.nan, 3.0, 4.0, 5.0]})
    with pytest.raises(ValueError, match="It has only one class"):
        fitted(X, np.zeros(6), {"easting": at, "northing": at})
    with pytest.raises(ValueError, match="Fit each region by itself, or give easting and northing"):
        fitted(X, y, {"longitude": 30 * at, "latitude": at})
    with pytest.raises(ValueError, match=r"Row 5 has latitude 95, beyond 90 degrees\. Swap"):
        fitted(X, y, {"longitude": at, "latitude": 19 * at})
    for name, value in {"smoothness": 1.0, "basis_functions": 0, "prior_scale": -1.0, "field_scale": np.nan}.items():
        with pytest.raises(ValueError, match=f"Invalid {name} "):
            fitted(X, y, {"easting": at, "northing": at**2}, **{name: value})
    model = fitted(X, y, {"easting": at, "northing": at**2})
    with pytest.raises(ValueError, match="the rows have no easting"):
        model.predict(X)


def test_the_layout_follows_the_places():
    places, x, _, y = drawn(120)
    plane = fitted(x, y, east_north(places))
    assert plane.n_functions_ == 200
    assert plane.posterior_["posterior"].sizes["function"] == 200
    degrees = fitted(x, y, {"longitude": 20 + places[:, 0] / 10, "latitude": 60 + places[:, 1] / 10})
    # A degree of latitude is 111.2 km, and the longest side.
    assert degrees.unit_length_ == pytest.approx(np.ptp(places[:, 1]) / 20 * 111.19, rel=0.01)
    assert degrees.specification().units == {"length_scale": "km", "practical_range": "km"}
    assert fitted(np.c_[x, places], y).half_widths_.shape == (3,)
    assert fitted(np.c_[x, places, places**2], y).half_widths_.shape == (2,)
    assert fitted(x, y).n_functions_ == 100
    line = fitted(x, y, {"easting": places[:, 0], "northing": np.zeros(120)})
    assert line.half_widths_.tolist() == [1.0, 0.0]


def test_the_statement_tells_the_shortest_range_and_where_the_prior_lies():
    places, x, _, y = drawn(120)
    model = fitted(x, y, east_north(places))
    shape, scale = model.length_prior_
    assert stats.invgamma.cdf(model.shortest_range_ / 2.739, shape, scale=scale) == pytest.approx(0.01, rel=1e-3)
    stated = {prior.parameter: prior for prior in model.specification().priors}
    assert f"ranges from {model.shortest_range_:.3g}" in stated["r"].why
    assert model.specification().prior_kind == "default"
    assert SpatialClassifier(field_scale=1.0).specification().prior_kind == "informed"


@pytest.mark.parametrize("labels", [2, 3])
def test_a_saved_model_predicts_bit_for_bit_near_and_far(labels, tmp_path):
    places, x, _, y = drawn(80, labels=labels)
    at = {"longitude": 20 + places[:, 0], "latitude": 60 + places[:, 1]}
    model = SpatialClassifier(random_state=0, inference=NUTS()).set_params(inference=FAKE).fit(x, y, coordinates=at)
    model.set_params(inference=None)
    loaded = load_model(save_model(model, tmp_path / "model"))
    there = {"longitude": [25.0, 31.0, -100.0], "latitude": [65.0, 71.0, 0.0]}
    expected = model.predict_draws(np.zeros((3, 1)), coordinates=there)
    assert np.array_equal(loaded.predict_draws(np.zeros((3, 1)), coordinates=there), expected)
    assert expected.sizes["label"] == labels


def test_a_map_is_drawn_over_a_grid_that_reaches_beyond_the_rows():
    places, _, _, y = drawn(80)
    model = fitted(places, y, east_north(places))
    axis = np.linspace(-20.0, 30.0, 6)
    mapped = predict_grid(
        model, xr.Dataset(coords={"northing": axis, "easting": axis}), features=["easting", "northing"]
    )
    assert mapped["probability"].shape == (2, 6, 6)
    assert np.isfinite(mapped["probability"]).all()


@pytest.fixture(scope="module")
def learned():
    """A model of 200 rows outside a block, and all of the truth with the rows of the block."""
    places, x, p, y = drawn(300, sd=2.5, length=3.0, seed=5)
    block = (np.abs(places - [5.0, 5.0]) < 1.5).all(axis=1)
    train = np.flatnonzero(~block)[:200]
    model = SpatialClassifier(basis_functions=100, inference=SAMPLER, random_state=0)
    return model.fit(x[train], y[train], coordinates=east_north(places[train])), (places, x, p, y), train, block


@pytest.mark.slow
def test_the_posterior_is_sound_and_holds_the_truth(learned):
    model, *_ = learned
    diagnosis = diagnose(model.posterior_)
    failed = {check.code for check in diagnosis.checks if check.status == "failed"}
    assert not failed
    posterior = model.posterior_["posterior"].to_dataset()
    np.testing.assert_allclose(posterior["practical_range"], 2.739 * posterior["length_scale"], rtol=1e-3)
    for name, truth in {"field_sd": 2.5, "length_scale": 3.0, "coefficient": 0.0}.items():
        low, high = posterior[name].quantile([0.005, 0.995]).values
        assert low < truth < high, name


@pytest.mark.slow
def test_in_a_block_left_out_places_tell_more_than_features_alone(learned):
    model, (places, x, p, y), train, block = learned
    found = model.predict_proba(x[block], coordinates=east_north(places[block]))
    plain = BayesianLogisticRegression(inference=SAMPLER, random_state=0).fit(x[train], y[train])
    # Against the true probabilities: drawn classes of a few dozen rows would be mostly chance. Of six seeds five gain.
    # How often intervals hold the truth takes many fields: benchmarks/spatial_models.py classes.
    gain = np.sum(p[block] * (np.log(found) - np.log(plain.predict_proba(x[block]))), axis=1)
    assert gain.mean() > 0
    assert np.corrcoef(found[:, 1], p[block, 1])[0, 1] > 0


@pytest.mark.slow
def test_far_away_the_model_returns_to_the_population(learned):
    model, *_ = learned
    values = log_odds(model, [[500.0, -500.0], [5.0, 5.0]])
    posterior = model.posterior_["posterior"].to_dataset()
    center = posterior["constant"].values.ravel()
    population = np.sqrt(np.mean(posterior["field_sd"].values ** 2) + center.var())
    # 1,200 draws, of which some hundred are independent.
    assert values[:, 0].std() == pytest.approx(population, rel=0.15)
    assert values[:, 0].mean() == pytest.approx(center.mean(), abs=5 * population / np.sqrt(300))


@pytest.mark.long
def test_without_features_a_boundary_that_winds_is_found_in_a_block_left_out():
    rng = np.random.default_rng(3)
    places = rng.uniform(0, 10, (400, 2))
    truth = places[:, 1] > 5 + 2 * np.sin(places[:, 0] / 1.6)
    inside = (np.abs(places - [5.0, 5.0]) < 1.2).all(axis=1)
    train = np.flatnonzero(~inside)[:200]
    model = SpatialClassifier(basis_functions=100, inference=SAMPLER, random_state=0)
    model.fit(np.empty((200, 0)), truth[train], coordinates=east_north(places[train]))
    right = model.predict(np.empty((inside.sum(), 0)), coordinates=east_north(places[inside])) == truth[inside]
    assert right.mean() > 0.8


def importance(model, x, y, places, new):
    """Return the probability of class 1 at new places under the exact process, by importance sampling.

    Of each pair of scales drawn from the prior, the log odds of the rows are drawn from the Gaussian at their mode.
    """
    rng, n = np.random.default_rng(0), len(y)
    everywhere, shape = np.r_[places, new], model.length_prior_
    X = (np.r_[x, np.zeros((len(new), 1))] - model.center_) / model.scale_
    total, weights = [], []
    for _ in range(400):
        sd, length = 2 * abs(rng.standard_normal()), shape[1] / rng.gamma(shape[0])
        among = 100 + 2.5**2 * X @ X.T + sd**2 * Matern(length, nu=1.5)(everywhere)
        own = among[:n, :n] + 1e-8 * np.eye(n)
        mode = np.zeros(n)
        for _ in range(50):  # Newton's steps (Rasmussen & Williams 2006, algorithm 3.1)
            q = special.expit(mode)
            w = q * (1 - q)
            inner = own @ np.linalg.inv(np.eye(n) + w[:, None] * own)
            mode = inner @ (w * mode + y - q)
        spread = 1.1 * np.linalg.cholesky((inner + inner.T) / 2 + 1e-9 * np.eye(n))
        z = rng.normal(size=(30, n))
        eta = mode + z @ spread.T
        log_w = stats.multivariate_normal(np.zeros(n), own).logpdf(eta)
        log_w += np.sum(y * eta - np.logaddexp(0, eta), axis=1)
        log_w += np.sum(z**2, axis=1) / 2 + np.log(np.diag(spread)).sum() + n / 2 * np.log(2 * np.pi)
        gain = np.linalg.solve(own, among[:n, n:])
        rest = np.sqrt(np.diag(among[n:, n:] - among[n:, :n] @ gain).clip(min=0))
        total.append(special.expit(eta @ gain + rest * rng.normal(size=(30, len(new)))))
        weights.append(log_w)
    w = np.exp(np.concatenate(weights) - np.max(weights))
    return w @ np.concatenate(total) / w.sum(), w.sum() ** 2 / np.sum(w**2)


@pytest.mark.slow
def test_probabilities_of_few_rows_are_those_of_the_exact_process():
    places, x, _, y = drawn(25, sd=2.5, length=3.0, seed=11)
    new = np.array([[2.0, 2.0], [5.0, 5.0], [8.0, 3.0], [3.0, 8.0], [9.0, 9.0]])
    model = SpatialClassifier(basis_functions=100, inference=NUTS(draws=1000, tune=500), random_state=0)
    model.fit(x, y, coordinates=east_north(places))
    exact, effective = importance(model, x, y, places, new)
    assert effective > 500
    found = model.predict_draws(np.zeros((5, 1)), coordinates=east_north(new)).isel(label=1)
    error = found.values.std() * np.sqrt(1 / effective + 1 / 1000)
    # What the basis lacks comes to a hundredth.
    np.testing.assert_allclose(found.mean(("chain", "draw")), exact, atol=4 * error + 0.01)


@pytest.mark.long
def test_three_classes_have_fields_that_add_up_to_none():
    places, x, p, y = drawn(300, labels=3, sd=2.5, length=3.0, seed=2)
    model = SpatialClassifier(basis_functions=100, inference=SAMPLER, random_state=0)
    model.fit(x[:200], y[:200], coordinates=east_north(places[:200]))
    weight = model.posterior_["posterior"]["field_weight"]
    assert weight.dims == ("chain", "draw", "function", "label")
    np.testing.assert_allclose(weight.sum("label"), 0, atol=1e-9)
    found = model.predict_proba(x[200:], coordinates=east_north(places[200:]))
    base = np.bincount(y[:200]) / 200
    assert log_loss(y[200:], found) < log_loss(y[200:], np.tile(base, (100, 1))) - 0.1
    for k in range(3):
        assert np.corrcoef(found[:, k], p[200:, k])[0, 1] > 0.6
    failed = {check.code for check in diagnose(model.posterior_).checks if check.status == "failed"}
    assert not failed
