"""Linear and logistic regression: units, rotations, priors and messages, with draws from the closed form or a fake."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import linalg, special, stats

from bayesgeo import BayesianLinearRegression, BayesianLogisticRegression
from bayesgeo.models.rows import TrainingRows
from tests.fake import FakePosterior
from tests.problems import problem_of

FACTORS = st.lists(st.sampled_from([1e-3, 0.5, 1.0, 4.0, 1e4]), min_size=3, max_size=3)


def linear_rows(n=30, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 3)) * [1.0, 10.0, 0.1] + [5.0, -3.0, 0.0]
    return X, X @ [2.0, 0.3, -4.0] + rng.normal(size=n)


def rows_of(X, y):
    return TrainingRows(X, np.arange(len(X)), y=y)


def draws_of(model, name):
    return model.posterior_["posterior"][name].values


@pytest.mark.slow
@given(factors=FACTORS, target=st.sampled_from([1e-3, 1.0, 1e3]), shift=st.sampled_from([-100.0, 0.0, 7.0]))
@settings(deadline=None, max_examples=20)
@pytest.mark.parametrize("prior", ["normal", "flat"])
def test_another_unit_rescales_each_coefficient_and_leaves_predictions_alone(prior, factors, target, shift):
    X, y = linear_rows()
    factors = np.array(factors)
    before, after = (
        BayesianLinearRegression(prior, random_state=0).fit(rows, values)
        for rows, values in ((X, y), (X * factors + shift * factors, y * target))
    )
    # A shift of 1,000 spreads costs 3 of 16 digits, eigenvectors of close eigenvalues a few more.
    mean = draws_of(before, "coefficient").mean((0, 1)) * target / factors
    np.testing.assert_allclose(draws_of(after, "coefficient").mean((0, 1)), mean, rtol=1e-9)
    np.testing.assert_allclose(after.predict(X * factors + shift * factors), before.predict(X) * target, rtol=1e-9)


@pytest.mark.parametrize("prior", ["normal", "flat"])
@pytest.mark.parametrize("n_labels", [2, 3])
def test_coefficients_of_the_table_give_the_same_log_odds(prior, n_labels):
    X, y = linear_rows(60)
    y = np.digitize(y, np.quantile(y, np.arange(1, n_labels) / n_labels))
    model = BayesianLogisticRegression(prior, inference=FakePosterior(), random_state=0).fit(X, y)
    coefficient, constant = draws_of(model, "coefficient"), draws_of(model, "constant")
    # Log odds of up to 100 add rounding errors of 1e-14 each.
    p = np.log(model.predict_draws(X).transpose("chain", "draw", "obs", "label").values)
    if n_labels == 2:
        odds = np.einsum("cdf,of->cdo", coefficient, X) + constant[..., None]
        np.testing.assert_allclose(p[..., 1] - p[..., 0], odds, rtol=1e-9, atol=1e-9)
    else:
        odds = np.einsum("cdfl,of->cdol", coefficient, X) + constant[..., None, :]
        assert np.abs(coefficient.sum(-1)).max() < 1e-10
        np.testing.assert_allclose(p - p.mean(-1, keepdims=True), odds, rtol=1e-9, atol=1e-9)


def test_coefficients_of_the_table_predict_as_the_standardised_ones_do():
    X, y = linear_rows()
    model = BayesianLinearRegression(random_state=0).fit(X, y)
    straight = np.einsum("cdf,of->cdo", draws_of(model, "coefficient"), X) + draws_of(model, "constant")[..., None]
    np.testing.assert_allclose(model.predict_draws(X), straight, rtol=1e-10)


@pytest.mark.slow
def test_noise_is_in_the_unit_of_the_target():
    X, y = linear_rows(400)
    metres, millimetres = (BayesianLinearRegression(random_state=0).fit(X, y * unit) for unit in (1.0, 1000.0))
    np.testing.assert_allclose(millimetres.noise_["sigma"], 1000 * metres.noise_["sigma"], rtol=1e-9)
    # The simulated noise is 1; its posterior sd is near 1 / sqrt(2 n) = 0.035.
    assert abs(float(metres.noise_["sigma"].mean()) - 1.0) < 4 * 0.036


@pytest.mark.slow
@pytest.mark.parametrize("n_labels", [2, pytest.param(3, marks=pytest.mark.long)])
@pytest.mark.parametrize("prior", ["normal", "flat"])
def test_whitened_coordinates_change_the_posterior_by_a_constant_only(prior, n_labels):
    import pymc as pm

    X, y = linear_rows(40)
    y = np.digitize(y, np.quantile(y, np.arange(1, n_labels) / n_labels))
    model = BayesianLogisticRegression(prior, inference=FakePosterior(draws=4), random_state=0).fit(X, y)
    scaled = (X - model.center_) / model.scale_
    problem = model._problem(rows_of(X, y))
    graph = problem.build()
    with graph:
        pm.set_data(dict(problem.data))
    log_density = graph.compile_logp()
    rng = np.random.default_rng(0)
    z = rng.normal(size=(5, len(problem.data["center"])))
    theirs = np.array([float(log_density({"z": point})) for point in z])
    free = (problem.data["center"] + z @ problem.data["factor"].T).reshape(5, 4, n_labels - 1)
    ours = np.array([plain_log_density(theta, scaled, y, prior) for theta in free])
    # Sums of 40 terms of order one in another order.
    np.testing.assert_allclose(np.diff(theirs), np.diff(ours), rtol=1e-8, atol=1e-8)


def plain_log_density(theta, X, y, prior):
    """Return log likelihood and log prior of intercepts (first row) and weights along orthonormal contrasts."""
    n_free = theta.shape[1]
    directions = np.array([[0.0], [1.0]]) if n_free == 1 else linalg.helmert(n_free + 1).T
    odds = np.c_[np.ones(len(X)), X] @ theta @ directions.T
    likelihood = (odds[np.arange(len(y)), y] - special.logsumexp(odds, axis=1)).sum()
    if prior == "flat":
        return likelihood
    return likelihood + stats.norm.logpdf(theta[0], 0, 10).sum() + stats.norm.logpdf(theta[1:], 0, 2.5).sum()


def test_folds_of_nearly_equal_size_share_one_graph():
    rng = np.random.default_rng(0)
    keys = set()
    for n in (100, 101, 104):
        X = rng.normal(size=(n, 2))
        model = BayesianLinearRegression("horseshoe", inference=FakePosterior(draws=4))
        keys.add(problem_of(model, X, X[:, 0]).key)
    assert len(keys) == 1


@pytest.mark.parametrize(("n", "repeated"), [(2, False), (3, False), (4, False), (30, True)])
def test_a_flat_prior_that_leaves_a_coefficient_free_is_refused(n, repeated):
    X, y = linear_rows(n)
    X[:, 2] = X[:, 1] if repeated else X[:, 2]
    with pytest.raises(ValueError, match=rf"Invalid prior 'flat'\. {n} rows do not determine 4 coefficients"):
        BayesianLinearRegression("flat").fit(X, y)
    with pytest.raises(ValueError, match=r"Invalid prior 'flat'\. .* Use prior=\"normal\", or fewer features"):
        BayesianLogisticRegression("flat", inference=FakePosterior()).fit(X[[0, 1, 1, 0]], [0, 1, 1, 0])


@pytest.mark.parametrize(
    ("settings_", "message"),
    [
        ({"prior": "lapalce"}, r"Invalid prior 'lapalce'\. It is not known\. Did you mean 'laplace'"),
        ({"noise": "student"}, r"Invalid noise 'student'\. It is not known\. Did you mean 'student-t'"),
        ({"prior_scale": 0}, r"Invalid prior_scale 0\. It must be a finite number above zero"),
        ({"prior_scale": np.nan}, r"Invalid prior_scale nan\. It must be a finite number above zero"),
    ],
)
def test_a_setting_that_cannot_be_used_is_refused_in_fit_not_before(settings_, message):
    model = BayesianLinearRegression(**settings_)
    with pytest.raises(ValueError, match=message):
        model.fit(*linear_rows())
