"""What a model says of its own rows: groups against exact references, and checks that find the model at fault."""

import json

import arviz_stats as az
import numpy as np
import pytest
import xarray as xr
from scipy import stats

from bayesgeo import BayesianLinearRegression, BayesianLogisticRegression, Exact, diagnose
from bayesgeo._check import InvalidInput
from bayesgeo.diagnostics import loo, model_evidence
from bayesgeo.diagnostics.base import OF_MODELS
from bayesgeo.models.criticism import ROWS, training_data_sha256
from bayesgeo.models.regression.priors import ClassPrior, RegressionPrior
from bayesgeo.models.rows import TrainingRows
from bayesgeo.models.storage import load_model, save_model
from tests.fake import FakePosterior

CODES = (
    "loo_pareto_k",
    "loo_pit",
    "posterior_predictive",
    "prior_predictive",
    "prior_width",
    "prior_sensitivity",
    "prior_dominated",
)


def rows(n=100, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 3)) * [1.0, 20.0, 0.1] + [5.0, 0.0, 1.0]
    return X, 50.0 + 2.0 * X[:, 0] - 0.1 * X[:, 1] + rng.normal(size=n)


def classes(n=300, n_labels=2, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 3))
    signal = X[:, 0] - X[:, 1] + rng.logistic(size=n)
    return X, np.array(["a", "b", "c"])[np.digitize(signal, np.quantile(signal, np.arange(1, n_labels) / n_labels))]


def linear(X, y, prior="normal", **settings):
    return BayesianLinearRegression(prior, random_state=0, **settings).fit(X, y)


def logistic(X, y, prior="normal", groups=None, **settings):
    model = BayesianLogisticRegression(prior, inference=FakePosterior(), random_state=0, **settings)
    return model.fit(X, y, groups=groups)


def check(tree, code):
    (found,) = [found for found in diagnose(tree).checks if found.code == code]
    return found


def by_code(tree):
    return {found.code: found.status for found in diagnose(tree).checks if found.code in CODES}


def test_the_log_likelihood_is_the_density_that_the_model_predicts():
    X, y = rows()
    model = linear(X, y)
    group = model.posterior_["log_likelihood"].to_dataset()
    expected = model.log_density(model.predictive(X), y).sel(draw=group["draw"])
    # Kept in single precision.
    np.testing.assert_allclose(group["outcome"], expected, rtol=1e-6)


def test_the_log_likelihood_of_heavy_noise_is_that_of_student():
    X, y = rows(40)
    model = linear(X, y, noise="student-t", inference=FakePosterior())
    group = model.posterior_["log_likelihood"].to_dataset()
    expected = model.log_density(model.predictive(X), y).sel(draw=group["draw"])
    np.testing.assert_allclose(group["outcome"], expected, rtol=1e-6)
    predictive = model.predictive(X)
    z = (y - predictive["expected"].values) / predictive["sigma"].values[..., None]
    cdf = stats.t.cdf(z, predictive["nu"].values[..., None])
    np.testing.assert_allclose(model.posterior_["cdf"]["outcome"], cdf, atol=1e-6)


@pytest.mark.parametrize("n_labels", [2, 3])
def test_the_log_likelihood_of_classes_is_the_log_of_what_was_predicted(n_labels):
    X, y = classes(60, n_labels)
    model = logistic(X, y)
    draws = model.predict_draws(X).sel(label=xr.DataArray(y, dims="obs"))
    np.testing.assert_allclose(
        model.posterior_["log_likelihood"]["outcome"], np.log(draws).transpose("chain", "draw", "obs"), atol=1e-6
    )


def exact_leave_one_out(X, y):
    """Refit without each row, and return the log density and distribution function of its Student-t prediction."""
    model = BayesianLinearRegression(inference=Exact(draws=1))
    model.fit(X, y)
    problem = model._problem(TrainingRows(X, np.arange(len(X)), y=y))
    A, target = np.c_[np.ones(len(X)), problem.data["X"]], problem.data["y"]
    density, transform = [], []
    for i in range(len(y)):
        rest = np.arange(len(y)) != i
        posterior = problem.conjugate.update(problem.data["X"][rest], target[rest])
        spread = 1 + A[i] @ np.linalg.solve(posterior.precision, A[i])
        family = stats.t(
            2 * posterior.shape, A[i] @ posterior.location, np.sqrt(posterior.rate / posterior.shape * spread)
        )
        density.append(family.logpdf(target[i]) - np.log(model.target_scale_))
        transform.append(family.cdf(target[i]))
    return np.array(density), np.array(transform)


def test_leave_one_out_is_what_refitting_without_each_row_gives():
    X, y = rows(60)
    model = linear(X, y)
    density, transform = exact_leave_one_out(X, y)
    found = loo(model.posterior_)
    # 4,000 independent draws; weights whose k is below 0.5 lose little of them.
    assert (found.pareto_k < 0.5).all()
    np.testing.assert_allclose(found.elpd_by_row, density, atol=0.05)
    assert found.elpd == pytest.approx(density.sum(), abs=0.1)
    assert found.se == pytest.approx(np.sqrt(60) * density.std(), rel=0.05)
    np.testing.assert_allclose(model_evidence(model.posterior_)["loo_pit"]["transform"], transform, atol=0.02)


@pytest.mark.slow
def test_the_effective_number_of_parameters_is_what_the_data_determine():
    X, y = rows(2000)
    # Three coefficients, a constant and the noise; its standard error is about sqrt(2 / n) of it.
    assert loo(linear(X, y).posterior_).p_loo == pytest.approx(5.0, rel=0.15)


def test_models_are_ranked_by_leave_one_out():
    X, y = rows(200)
    with_all, without = linear(X, y), linear(X[:, 1:], y)
    table = az.compare({"all": loo(with_all.posterior_).result, "fewer": loo(without.posterior_).result})
    assert list(table.index) == ["all", "fewer"]


def test_rows_go_by_their_labels_and_the_most_influential_are_named():
    X, y = rows()
    y[17] += 1000.0
    frame = xr.DataArray(
        X, dims=("obs", "feature"), coords={"obs": [f"event-{k}" for k in range(100)], "feature": list("abc")}
    )
    found = check(linear(frame, y).posterior_, "loo_pareto_k")
    assert found.status == "tip"
    assert found.value == 1
    assert "with k: event-17" in found.advice


def test_labels_can_be_given_and_must_fit():
    tree = linear(*rows(40)).posterior_
    assert loo(tree, labels=range(100, 140)).pareto_k["obs"].values[0] == 100
    with pytest.raises(InvalidInput, match=r"Invalid labels 3\. There are 40 rows\."):
        loo(tree, labels=[1, 2, 3])


def test_without_a_log_likelihood_there_is_no_leave_one_out():
    with pytest.raises(InvalidInput, match="It has no group log_likelihood"):
        loo(xr.DataTree())


@pytest.mark.slow
def test_of_many_rows_some_are_kept_and_their_number_is_told():
    X, y = rows(3 * ROWS)
    tree = linear(X, y).posterior_
    group = tree["log_likelihood"]
    assert dict(group.sizes) == {"chain": 4, "draw": 125, "obs": ROWS}
    assert {name: group.attrs[name] for name in ("rows", "draws")} == {"rows": 3 * ROWS, "draws": 4000}
    assert sum(node.nbytes for name, node in tree.children.items() if name != "posterior") < 12e6
    found = loo(tree)
    everything = stats.norm.logpdf(y, float(tree["posterior"]["constant"].mean()) + X @ coefficient(tree), 1.0)
    assert found.elpd == pytest.approx(everything.sum(), rel=0.02)
    assert (found.rows, found.of) == (ROWS, 3 * ROWS)


def coefficient(tree):
    return tree["posterior"]["coefficient"].mean(("chain", "draw")).values


@pytest.mark.parametrize("prior", ["normal", "laplace"])
def test_a_well_specified_model_is_sound_in_every_respect(prior):
    settings = {} if prior == "normal" else {"inference": FakePosterior()}
    assert set(by_code(linear(*rows(), prior, **settings).posterior_).values()) == {"passed"}


def test_what_a_flat_prior_cannot_be_asked_does_not_apply():
    found = by_code(linear(*rows(), "flat").posterior_)
    asked = {code for code, status in found.items() if status == "passed"}
    assert asked == {"loo_pareto_k", "loo_pit", "posterior_predictive"}
    assert set(found.values()) == {"passed", "not applicable"}


def test_a_horseshoe_is_not_asked_about_scales_that_it_does_not_keep():
    found = by_code(linear(*rows(), "horseshoe", inference=FakePosterior()).posterior_)
    assert found["prior_sensitivity"] == found["prior_dominated"] == "not applicable"
    assert found["prior_predictive"] == "passed"


@pytest.mark.slow
@pytest.mark.parametrize(
    "group", ["log_likelihood", "cdf", "log_prior", "prior", "posterior_predictive", "prior_predictive"]
)
def test_a_declared_group_that_is_missing_fails(group):
    tree = linear(*rows()).posterior_
    del tree[group]
    assert check(tree, "groups").status == "issue"
    assert "issue" in by_code(tree).values()


@pytest.mark.slow
@pytest.mark.parametrize("listed", ["log_likelihood cdf", '{"cdf": 1}', "[1]"])
def test_a_list_of_groups_that_cannot_be_read_fails(listed):
    tree = linear(*rows()).posterior_
    assert set(json.loads(tree.attrs["criticism_groups"])) <= set(tree.children)
    tree.attrs["criticism_groups"] = listed
    assert check(tree, "groups").status == "issue"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("large", "small"), [("log_likelihood", "loo"), ("cdf", "loo_pit"), ("log_prior", "sensitivity")]
)
def test_a_table_stands_in_for_the_large_group_it_came_from(large, small):
    def of_the_model():
        return [check for check in diagnose(tree).checks if check.code in OF_MODELS]

    tree = linear(*rows()).posterior_
    before = of_the_model()
    for name, table in model_evidence(tree).items():
        tree[name] = xr.DataTree(table)
    for name in ("log_likelihood", "cdf", "log_prior"):
        del tree[name]
    assert of_the_model() == before
    del tree[small]
    assert check(tree, "groups").advice.startswith(f"Found: {large}.")


@pytest.mark.slow
def test_heavy_tails_are_noticed_by_normal_noise():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(500, 2))
    y = X[:, 0] + rng.standard_t(1.5, size=500)
    found = by_code(linear(X, y).posterior_)
    assert found["loo_pit"] == found["posterior_predictive"] == "tip"


@pytest.mark.slow
def test_skewed_noise_is_noticed():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(500, 2))
    found = by_code(linear(X, X[:, 0] + rng.exponential(size=500)).posterior_)
    assert found["loo_pit"] == "tip"


@pytest.mark.slow
def test_groups_that_differ_more_than_the_model_knows_are_noticed():
    rng = np.random.default_rng(0)
    X, groups = rng.normal(size=(600, 2)), np.repeat(np.arange(20), 30)
    y = (X[:, 0] + 2.0 * rng.normal(size=20)[groups] + rng.logistic(size=600) > 0).astype(int)
    found = check(logistic(X, y, groups=groups).posterior_, "posterior_predictive")
    assert found.status == "tip"
    assert "between groups" in found.advice
    alike = (X[:, 0] + rng.logistic(size=600) > 0).astype(int)
    assert check(logistic(X, alike, groups=groups).posterior_, "posterior_predictive").status == "passed"


@pytest.mark.slow
def test_classes_that_do_not_follow_the_line_are_noticed_without_groups():
    rng = np.random.default_rng(0)
    X = np.abs(rng.normal(size=(2000, 1)))
    p = np.where(X[:, 0] < 1.0, 0.05, 0.5 + 0.4 * np.sin(6 * X[:, 0]))
    model = logistic(X, (rng.random(2000) < p).astype(int))
    assert "by probability of" in check(model.posterior_, "posterior_predictive").advice
    table = model.posterior_["posterior_predictive"].to_dataset()
    # A logistic fit leaves the shares alone, whatever else it misses.
    assert (np.abs(table["observed"] - table["median"])[:2] < table["margin"][:2]).all()


def test_a_prior_far_too_wide_is_told():
    found = check(linear(*rows(), prior_scale=1e4).posterior_, "prior_width")
    assert (found.status, found.value > 1000) == ("tip", True)


def test_a_prior_that_never_reaches_the_data_is_told():
    tree = linear(*rows()).posterior_
    tree["prior_predictive"]["below"].values[:] = [0.5, 1.0, 0.5, 0.5]
    found = check(tree, "prior_predictive")
    assert (found.status, "Worst: sd" in found.advice) == ("tip", True)
    # Priors that reach farther are the business of another check.
    tree["prior_predictive"]["below"].values[:] = [0.5, 0.0, 1.0, 0.0]
    assert check(tree, "prior_predictive").status == "passed"


def test_a_strong_prior_against_the_data_is_told():
    X, y = rows()
    found = check(linear(X, y, prior_scale=0.05).posterior_, "prior_sensitivity")
    assert found.status == "tip"
    assert check(linear(X, y).posterior_, "prior_sensitivity").status == "passed"


def test_sensitivity_is_how_far_another_scale_of_the_prior_moves_the_posterior():
    X, y = rows()
    table = model_evidence(linear(X, y, prior_scale=0.3).posterior_)["sensitivity"]
    tight, wide = (linear(X, y, prior_scale=0.3 * factor).posterior_["posterior"] for factor in (0.8, 1.25))
    moved = [
        float(np.abs(tight[name][..., k].mean() - wide[name][..., k].mean()) / wide[name][..., k].std())
        for name, k in (("coefficient", 0), ("coefficient", 2))
    ]
    found = [float(table["prior"].sel(variable=f"coefficient[x{k}]")) for k in (0, 2)]
    # The coefficient that a scale moves much is the one that a power moves much.
    assert moved[0] > 5 * moved[1]
    assert found[0] > 2 * found[1]


@pytest.mark.parametrize(("slope", "status"), [(0.3, "passed"), (0.9, "passed"), (1.2, "tip")])
def test_a_result_that_a_doubled_prior_moves_by_its_own_deviation_is_told(slope, status):
    # A log prior of this slope in a standard normal quantity: its square moves the mean by as much.
    draws = np.random.default_rng(0).normal(size=(4, 4000))
    dims = ("chain", "draw")
    tree = xr.DataTree.from_dict(
        {
            "posterior": xr.Dataset({"b": (dims, draws)}),
            "log_prior": xr.Dataset({"prior": (dims, slope * draws)}),
        }
    )
    tree.attrs = {"kind": "exact", "interrupted": 0}
    found = check(tree, "prior_sensitivity")
    assert found.value == pytest.approx(0.14 * slope, rel=0.1)
    assert found.status == status


def test_data_that_say_nothing_leave_the_prior():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(12, 3))
    model = linear(X, X[:, 0] + rng.normal(size=12), prior_scale=0.01)
    found = check(model.posterior_, "prior_dominated")
    assert found.status == "tip"
    assert "weight" in found.advice


@pytest.mark.parametrize("prior", ["normal", "laplace"])
def test_draws_of_the_prior_of_values_have_its_moments(prior):
    posterior = RegressionPrior(prior, 3.0, 2, True)
    drawn = posterior.sample((1, 200_000), np.random.default_rng(0))
    unit = drawn["weight"] / drawn["sigma"][..., None]
    variance = 9.0 * (2.0 if prior == "laplace" else 1.0)
    # Four standard errors of a variance: kurtosis 3 or 6, 400,000 values.
    assert unit.var() == pytest.approx(variance, rel=4 * np.sqrt((5 if prior == "laplace" else 2) / 400_000))
    assert (drawn["intercept"] / drawn["sigma"]).std() == pytest.approx(10.0, rel=0.01)
    assert stats.kstest(drawn["sigma"][0, :5000] ** 2, stats.invgamma(0.5, scale=0.05).cdf).pvalue > 1e-3
    assert stats.kstest(drawn["nu"][0, :5000], stats.gamma(2, scale=10).cdf).pvalue > 1e-3


@pytest.mark.parametrize("prior", ["normal", "laplace"])
def test_a_power_of_the_prior_is_that_of_the_coefficients_given_the_noise(prior):
    posterior, rng = RegressionPrior(prior, 3.0, 2, False), np.random.default_rng(0)
    p, q = (
        {"weight": rng.normal(size=(1, 5, 2)), "intercept": rng.normal(size=(1, 5)), "sigma": np.full((1, 5), 2.0)}
        for _ in range(2)
    )
    family = {"normal": stats.norm, "laplace": stats.laplace}[prior]

    def plain(p):
        return family.logpdf(p["weight"], 0, 6.0).sum(-1) + stats.norm.logpdf(p["intercept"], 0, 20.0)

    np.testing.assert_allclose(posterior.log_density(p) - posterior.log_density(q), plain(p) - plain(q), rtol=1e-10)
    # Of the noise alone, the density of the logarithm of its variance.
    zero = {"weight": np.zeros((1, 2, 2)), "intercept": np.zeros((1, 2)), "sigma": np.array([[0.5, 2.0]])}
    log_density = stats.invgamma.logpdf(zero["sigma"] ** 2, 0.5, scale=0.05) + 2 * np.log(zero["sigma"])
    np.testing.assert_allclose(np.diff(posterior.log_density(zero)), np.diff(log_density), rtol=1e-10)


@pytest.mark.parametrize("n_labels", [2, 3])
def test_draws_of_the_prior_of_classes_are_deviations_from_their_mean(n_labels):
    drawn = ClassPrior("normal", 2.5, 2, n_labels).sample((1, 50_000), np.random.default_rng(0))
    if n_labels == 2:
        assert drawn["weight"].std() == pytest.approx(2.5, rel=0.02)
    else:
        assert np.abs(drawn["weight"].sum(-1)).max() < 1e-12
        assert drawn["weight"].std() == pytest.approx(2.5 * np.sqrt(2 / 3), rel=0.02)


def test_a_fit_records_of_what_data_it_is_whatever_holds_them():
    X, y = classes(60)
    tree = logistic(X, y).posterior_
    assert diagnose(tree, data_sha256=training_data_sha256(X.tolist(), list(y))).verdict == "sound"
    other = np.where(np.arange(60) == 7, "a" if y[7] == "b" else "b", y)
    assert diagnose(tree, data_sha256=training_data_sha256(X, other)).verdict == "failed"


def test_the_same_seed_leaves_the_same_groups():
    X, y = classes(60, 3)
    first, again = (logistic(X, y).posterior_ for _ in range(2))
    xr.testing.assert_identical(first, again)


def test_labels_of_rows_may_repeat():
    X, y = rows(40)
    plain = model_evidence(linear(X, y).posterior_)
    labelled = xr.DataArray(
        X, dims=("obs", "feature"), coords={"obs": [f"day {k // 8}" for k in range(40)], "feature": list("abc")}
    )
    named = model_evidence(linear(labelled, y).posterior_)
    np.testing.assert_array_equal(named["loo_pit"]["transform"], plain["loo_pit"]["transform"])
    assert named["loo"]["obs"].values[39] == "day 4"


@pytest.mark.slow
def test_a_saved_model_is_judged_as_before(tmp_path):
    model = logistic(*classes(60, 3))
    save_model(model, tmp_path / "model")
    assert diagnose(load_model(tmp_path / "model").posterior_) == diagnose(model.posterior_)


@pytest.mark.parametrize("draws", [1, 5, 24])
def test_of_few_draws_there_is_no_leave_one_out(draws):
    tree = linear(*rows(40), inference=Exact(draws=draws)).posterior_
    assert set(model_evidence(tree)) == {"posterior_predictive", "prior_predictive"}
    assert diagnose(tree).verdict == "failed"
    with pytest.raises(InvalidInput, match="fewer than 100 draws"):
        loo(tree)


def test_a_broken_draw_does_not_break_the_fit_and_is_found():
    class Broken(FakePosterior):
        def run(self, problem, seed):
            tree = super().run(problem, seed)
            tree["posterior"]["weight"].values[0, 0] = np.nan
            return tree

    X, y = rows(40)
    model = BayesianLinearRegression(inference=Broken(), random_state=0).fit(X, y)
    assert diagnose(model.posterior_).verdict == "failed"
    tables = model_evidence(model.posterior_)
    assert np.isnan(tables["loo"].attrs["elpd"])
    assert np.isnan(tables["sensitivity"]["prior"]).all()
