"""Every model of the catalog is a scikit-learn estimator, and its predictions are draws."""

import numpy as np
import pytest
from sklearn.utils.estimator_checks import check_estimator

from bayesgeo import NUTS, Collapsed, SpatialRegression, catalog
from bayesgeo.models import baselines
from bayesgeo.models.base import Classifier
from bayesgeo.models.bayesian import Bayesian
from bayesgeo.models.networks.bayesian_mlp import BayesianMLP
from tests.models.small import small

KINDS = {f"{task}-{name}": kind for task in ("classification", "regression")
         for name, kind in catalog.models(task).items()}  # fmt: skip
# scikit-learn skips it unless SciPy was imported with its experimental array interface switched on.
SKIPPED = {"check_array_api_input"}


@pytest.fixture(autouse=True)
def few_trees(monkeypatch):
    monkeypatch.setattr(baselines, "TREES", 20)


def rows(kind, n=40, n_labels=3):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, 3))
    signal = X @ [1.0, -2.0, 0.0] + 0.3 * rng.normal(size=n)
    if not issubclass(kind, Classifier):
        return X, 50.0 + 7.0 * signal
    return X, np.digitize(signal, np.quantile(signal, np.arange(1, n_labels) / n_labels))


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_no_setting_is_named_like_a_method_that_not_all_models_have(kind):
    # Evaluation, maps and predictions look for these by name, and would find the setting instead.
    sought = {"functions", "predict_sd", "sd_parts", "group_status"}
    assert not sought & set(kind._get_param_names())


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_passes_every_check_of_scikit_learn(kind):
    checks = check_estimator(small(kind), on_skip=None, on_fail=None)
    failed = [f"{check['check_name']}: {check['exception']!r}" for check in checks if check["status"] == "failed"]
    assert not failed
    assert {check["check_name"] for check in checks if check["status"] == "skipped"} <= SKIPPED
    assert len(checks) > 50


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_prediction_is_the_mean_of_named_draws(kind):
    X, y = rows(kind)
    model = small(kind, random_state=0).fit(X, y)
    draws = model.predict_draws(X)
    classifier = issubclass(kind, Classifier)
    assert draws.dims == ("chain", "draw", "obs", "label")[: 4 if classifier else 3]
    mean = draws.mean(("chain", "draw")).values
    # Averaging does not depend on how the rows were cut into chunks beyond rounding.
    np.testing.assert_allclose(model.predict_proba(X) if classifier else model.predict(X), mean, rtol=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_response_draws_scatter_around_the_expected_outcome(kind):
    X, y = rows(kind)
    model = small(kind, random_state=0).fit(X, y)
    expected, response = (model.predict_draws(X, kind=name) for name in ("expected", "response"))
    n_draws = response.sizes["chain"] * response.sizes["draw"]
    if issubclass(kind, Classifier):
        expected, response = expected.sel(label=1), response == 1
        if n_draws == 1:  # one draw each: judge all rows together
            expected, response, n_draws = expected.mean("obs"), response.mean("obs"), expected.sizes["obs"]
        spread = np.sqrt(0.25 / n_draws)
    else:
        spread = response.std(("chain", "draw")) / np.sqrt(n_draws)
    # 40 rows at 5 standard errors: exceeded by chance once in 40,000 runs; the seed is fixed.
    gap = response.mean(("chain", "draw")) - expected.mean(("chain", "draw"))
    assert (np.abs(gap) <= 5 * spread).all()


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_same_seed_gives_the_same_draws_and_another_state_is_not_touched(kind):
    X, y = rows(kind)
    before = [part.tolist() if isinstance(part, np.ndarray) else part for part in np.random.get_state()]  # noqa: NPY002
    first, second = (small(kind, random_state=3).fit(X, y).predict_draws(X) for _ in range(2))
    assert np.array_equal(first, second)
    after = [part.tolist() if isinstance(part, np.ndarray) else part for part in np.random.get_state()]  # noqa: NPY002
    assert after == before


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_rows_predicted_in_small_chunks_are_the_same_rows(kind, monkeypatch):
    X, y = rows(kind)
    model = small(kind, random_state=0).fit(X, y)
    whole = {name: model.predict_draws(X, kind=name) for name in ("expected", "response")}
    monkeypatch.setattr("bayesgeo._arrays.BUDGET", 7 * model._numbers_per_row())
    assert len(list(model.stream(X))) == 6
    # Matrix products of other shapes may round otherwise.
    np.testing.assert_allclose(model.predict_draws(X), whole["expected"], rtol=1e-12, atol=1e-15)
    # Each row has its own noise: codes of classes change only if a probability rounds otherwise, which none here does.
    np.testing.assert_allclose(model.predict_draws(X, kind="response"), whole["response"], rtol=1e-12, atol=1e-12)


def test_labelled_rows_keep_their_names_and_units():
    import xarray as xr

    X, y = rows(catalog.models("regression")["bayesian_linear"], n=6)
    coords = {"obs": [f"e{i}" for i in range(6)], "feature": ["a", "b", "c"], "unit": ("feature", ["m", "s", ""])}
    X = xr.DataArray(X, coords, ("obs", "feature"))
    model = catalog.model("bayesian_linear", "regression", random_state=0).fit(X, y)
    assert model.predict_draws(X)["obs"].values.tolist() == coords["obs"]
    assert model.posterior_["posterior"]["coefficient"]["unit"].values.tolist() == ["m", "s", ""]
    with pytest.raises(ValueError, match="feature names should match"):
        model.predict(X.assign_coords(feature=["a", "b", "d"]))


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_an_unknown_kind_of_draws_is_refused(kind):
    X, y = rows(kind)
    with pytest.raises(ValueError, match=r"Invalid kind 'mean'\. It is not known"):
        small(kind).fit(X, y).predict_draws(X, kind="mean")


def test_a_classifier_of_one_class_is_refused_by_name():
    with pytest.raises(ValueError, match=r"Invalid y '7'\. It has only one class"):
        catalog.model("majority", "classification").fit(np.zeros((4, 1)), [7, 7, 7, 7])


def test_an_inference_that_cannot_run_is_refused():
    with pytest.raises(ValueError, match=r"Invalid inference 'nuts'\. It has no run"):
        catalog.model("bayesian_linear", "regression", inference="nuts").fit(np.zeros((4, 1)), np.arange(4.0))


# Networks are left out: their samplers compile anew for each shape of data, and these checks try some forty.
SAMPLED = [kind for kind in KINDS.values() if issubclass(kind, Bayesian) and not issubclass(kind, BayesianMLP)]


@pytest.mark.long
@pytest.mark.parametrize("kind", SAMPLED, ids=lambda k: k.name)
def test_passes_every_check_of_scikit_learn_with_the_real_sampler(kind):
    # Small, because each shape of data is compiled anew; fewer draws would leave the accuracy checks to chance.
    sampler = Collapsed(draws=50, chains=2) if kind is SpatialRegression else NUTS(draws=50, tune=100, chains=2)
    model = kind(inference=sampler)
    checks = check_estimator(model, on_skip=None, on_fail=None)
    failed = [f"{check['check_name']}: {check['exception']!r}" for check in checks if check["status"] == "failed"]
    assert not failed


def test_rows_are_predicted_on_one_thread_and_threads_are_left_as_they_were(monkeypatch):
    from threadpoolctl import threadpool_info, threadpool_limits

    def of_blas():
        return {library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"}

    kind, seen = catalog.models("regression")["ridge"], []
    model, expected = kind().fit(*rows(kind)), kind._expected
    monkeypatch.setattr(kind, "_expected", lambda self, X: seen.append(of_blas()) or expected(self, X))
    with threadpool_limits(2, "blas"):
        model.predict_draws(rows(kind)[0])
        assert of_blas() == {2}
    assert seen == [{1}]
