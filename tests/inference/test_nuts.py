"""The sampler against the closed form, and against simulated truth; every model is compiled once."""

import os
import subprocess
import sys

import arviz_stats as az
import numpy as np
import pytest
from scipy import stats

from bayesgeo import NUTS, BayesianLinearRegression, BayesianLogisticRegression, diagnose, evaluate, split
from bayesgeo.inference import nuts
from bayesgeo.models.regression.linear import conjugate_prior
from tests.evaluation.test_evidence import same_numbers
from tests.tables import shaking

SEEDS = range(5)
TRUTH = np.array([1.5, -1.0, 0.0])


def linear_rows(n=60):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, 3)) @ [[1.0, 0.6, 0.0], [0.0, 0.8, 0.0], [0.0, 0.0, 1.0]]
    return X, 4.0 + X @ TRUTH + 0.7 * rng.normal(size=n)


def class_rows(n=600, n_labels=2):
    rng = np.random.default_rng(1)
    X = rng.normal(size=(n, 2))
    weight = np.array([[0.0, 1.2, -0.8], [0.0, -0.7, 0.9]])[:, :n_labels]
    odds = X @ weight + rng.gumbel(size=(n, n_labels))
    return X, odds.argmax(axis=1), weight


def fit(kind, X, y, seed, **settings):
    # One core: how chains are scheduled is not what is tested, and other tests may run beside.
    return kind(inference=NUTS(cores=1), random_state=seed, **settings).fit(X, y)


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("prior", ["normal", "flat"])
def test_nuts_agrees_with_the_closed_form(prior, seed):
    # 2 priors x 5 seeds x 5 parameters x 2 moments are 100 comparisons at 4 MCSE, which chance alone exceeds once in
    # 160 runs of all of them; the seeds are fixed.
    X, y = linear_rows()
    draws = fit(BayesianLinearRegression, X, y, seed, prior=prior).posterior_["posterior"].to_dataset()
    z, A = (y - y.mean()) / y.std(), (X - X.mean(axis=0)) / X.std(axis=0)
    belief = conjugate_prior(prior, 10.0, 3).update(A, z)
    covariance = np.linalg.inv(belief.precision) * belief.rate / belief.shape
    sd = np.sqrt(np.diag(covariance) * stats.t(2 * belief.shape).var())
    sigma = inverse_gamma_root(belief.shape, belief.rate)
    assert_agrees(draws["intercept"], belief.location[0], sd[0])
    for j in range(3):
        assert_agrees(draws["weight"][..., j], belief.location[j + 1], sd[j + 1])
    assert_agrees(draws["sigma"], *sigma)


def inverse_gamma_root(a, b):
    """Return mean and standard deviation of the root of an inverse gamma variable, by quadrature."""
    variable = stats.invgamma(a, scale=b)
    mean = variable.expect(np.sqrt)
    return mean, np.sqrt(variable.mean() - mean**2)


def assert_agrees(draws, mean, sd):
    assert abs(float(draws.mean()) - mean) <= 4 * float(az.mcse(draws, method="mean"))
    assert abs(float(draws.std(ddof=1)) - sd) <= 4 * float(az.mcse(draws, method="sd"))


@pytest.mark.slow
@pytest.mark.parametrize("noise", ["normal", "student-t"])
@pytest.mark.parametrize("prior", ["laplace", "horseshoe", "flat"])
def test_linear_models_recover_the_simulated_coefficients(prior, noise):
    X, y = linear_rows(200)
    model = fit(BayesianLinearRegression, X, y, 0, prior=prior, noise=noise)
    draws = model.posterior_["posterior"].to_dataset()
    # The funnel of the horseshoe makes a trajectory diverge, or takes all its steps, now and then, and the verdict
    # owns up to it.
    noticed = {check.code for check in diagnose(model.posterior_).checks if check.status == "tip"}
    assert noticed <= ({"divergences", "tree_depth"} if prior == "horseshoe" else set())
    assert diagnose(model.posterior_).verdict != "failed"
    assert_recovered(draws["coefficient"], TRUTH)
    assert_recovered(draws["constant"], 4.0)
    if noise == "normal":
        assert_recovered(draws["noise_sd"], 0.7)


def assert_recovered(draws, truth):
    """Within four posterior standard deviations, which are well below the size of the truth."""
    mean, sd = draws.mean(("chain", "draw")), draws.std(("chain", "draw"))
    assert (np.abs(mean - truth) <= 4 * sd).all()
    assert (sd < 0.15).all()


@pytest.mark.slow
def test_student_t_noise_forgives_outliers_that_pull_gaussian_noise_away():
    X, y = linear_rows(200)
    y[X[:, 0].argsort()[-8:]] -= 40.0
    robust = fit(BayesianLinearRegression, X, y, 0, prior="laplace", noise="student-t")
    pulled = fit(BayesianLinearRegression, X, y, 0, prior="laplace")
    error = [np.abs(model.coef_ - TRUTH).max() for model in (robust, pulled)]
    assert error[0] < 0.3 < error[1]
    # Eight of 200 rows far out ask for heavy tails.
    assert float(robust.posterior_["posterior"]["nu"].mean()) < 4


@pytest.mark.slow
def test_the_horseshoe_shrinks_noise_and_spares_signal():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 10))
    y = 2.0 * X[:, 0] + rng.normal(size=60)
    horseshoe = fit(BayesianLinearRegression, X, y, 0, prior="horseshoe")
    flat = BayesianLinearRegression("flat", random_state=0).fit(X, y)
    spread = [model.posterior_["posterior"]["coefficient"].std(("chain", "draw")).values for model in (horseshoe, flat)]
    assert spread[0][1:].mean() < 0.8 * spread[1][1:].mean()
    assert np.abs(horseshoe.coef_[1:]).mean() < 0.6 * np.abs(flat.coef_[1:]).mean()
    assert horseshoe.coef_[0] == pytest.approx(flat.coef_[0], abs=spread[1][0])


@pytest.mark.slow
@pytest.mark.parametrize("n_labels", [2, pytest.param(3, marks=pytest.mark.long)])
@pytest.mark.parametrize("prior", ["normal", "laplace", "flat"])
def test_logistic_models_recover_the_simulated_log_odds(prior, n_labels):
    X, y, weight = class_rows(n_labels=n_labels)
    model = fit(BayesianLogisticRegression, X, y, 0, prior=prior)
    draws = model.posterior_["posterior"]["coefficient"]
    truth = weight[:, 1] if n_labels == 2 else weight - weight.mean(axis=1, keepdims=True)
    mean, sd = draws.mean(("chain", "draw")).values, draws.std(("chain", "draw")).values
    assert diagnose(model.posterior_).verdict == "sound"
    assert (np.abs(mean - truth) <= 4 * sd).all()
    assert (sd < 0.2).all()


@pytest.mark.slow
def test_the_same_seed_gives_the_same_draws_whatever_the_cores():
    X, y = linear_rows()
    first, second = (
        BayesianLinearRegression("laplace", inference=NUTS(draws=100, tune=100, cores=cores), random_state=2).fit(X, y)
        for cores in (1, 2)
    )
    assert first.posterior_["posterior"].to_dataset().identical(second.posterior_["posterior"].to_dataset())


@pytest.mark.slow
def test_one_compilation_serves_every_fold():
    before = set(nuts._compiled)
    X, y = linear_rows()
    for rows in (slice(0, 40), slice(20, 60), slice(None)):
        fit(BayesianLinearRegression, X[rows], y[rows], 0, prior="laplace")
    assert len(set(nuts._compiled) - before) <= 1


@pytest.mark.slow
@pytest.mark.long
def test_draws_are_the_same_whether_the_graph_is_compiled_or_read_from_the_cache(tmp_path, repository):
    script = (
        "import hashlib; from bayesgeo import NUTS, BayesianLinearRegression; from tests.tables import shaking;"
        "data, short = shaking(), NUTS(draws=50, tune=100);"
        "model = BayesianLinearRegression('laplace', inference=short, random_state=0);"
        "weight = model.fit(data.X, data.y.values).posterior_['posterior']['weight'];"
        "print(hashlib.sha256(weight.values.tobytes()).hexdigest())"
    )
    flags = {"PYTENSOR_FLAGS": f"base_compiledir={tmp_path}", "NUMBA_CACHE_DIR": str(tmp_path / "numba")}
    command = [sys.executable, "-c", script]
    first, second = (
        subprocess.run(
            command, cwd=repository, env=os.environ | flags, capture_output=True, text=True, check=True
        ).stdout
        for _ in range(2)
    )
    assert first == second


@pytest.mark.slow
def test_evidence_by_nuts_is_the_same_for_one_job_and_two():
    data = shaking()
    by = split(data, folds=2)
    model = BayesianLinearRegression("laplace", inference=NUTS(draws=300, tune=200, cores=1))
    first, second = (evaluate(model, data, by, jobs=jobs) for jobs in (1, 2))
    assert same_numbers(first, second)
    assert first.attrs["compile_seconds"] >= 0


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"draws": 0}, "Invalid draws 0. It must be a whole number above zero"),
        ({"tune": -1}, "Invalid tune -1. It must be a whole number above zero"),
        ({"chains": True}, "Invalid chains True. It must be a whole number above zero"),
        ({"target_accept": 1.0}, "Invalid target_accept 1.0. It must lie between 0 and 1. Try 0.9"),
    ],
)
def test_a_setting_that_cannot_be_used_is_refused_before_compiling(settings, message):
    with pytest.raises(ValueError, match=message):
        BayesianLinearRegression(inference=NUTS(**settings)).fit(*linear_rows())
