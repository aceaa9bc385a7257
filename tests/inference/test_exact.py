"""The closed-form posterior against the textbook, written again with plain inverses."""

import arviz_stats as az
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from bayesgeo import BayesianLinearRegression, Exact
from bayesgeo.inference.base import Problem
from bayesgeo.models.regression.conjugate import NormalInverseGamma
from bayesgeo.models.regression.graph import INTERCEPT_SCALE, NOISE_RATE, NOISE_SHAPE
from bayesgeo.models.regression.linear import conjugate_prior
from bayesgeo.models.rows import TrainingRows


def designs(seed, n, p):
    """Draw standardised, mildly correlated rows: their normal equations have a condition number near 10."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p)) @ (np.eye(p) + 0.3 * rng.normal(size=(p, p)) / np.sqrt(p))
    return X, X @ rng.normal(size=p) + rng.normal(size=n)


def textbook(A, y, *, m, L, a, b):
    """Murphy (2012), equations 7.69 to 7.73, as they stand on the page."""
    V = np.linalg.inv(L + A.T @ A)
    mean = V @ (L @ m + A.T @ y)
    rate = b + 0.5 * (m @ L @ m + y @ y - mean @ np.linalg.inv(V) @ mean)
    return mean, V, a + len(y) / 2, rate


@given(seed=st.integers(0, 2**32 - 1), n=st.integers(5, 60), p=st.integers(1, 4), a=st.floats(0.5, 5))
@settings(deadline=None, max_examples=60)
def test_update_equals_the_textbook_for_any_prior(seed, n, p, a):
    X, y = designs(seed, n, p)
    rng = np.random.default_rng(seed + 1)
    root = rng.normal(size=(p, p))
    prior = {"m": rng.normal(size=p), "L": root @ root.T + 0.1 * np.eye(p), "a": a, "b": 0.7}
    posterior = NormalInverseGamma(prior["m"], prior["L"], shape=a, rate=0.7).update(X, y)
    mean, V, shape, rate = textbook(X, y, **prior)
    np.testing.assert_allclose(posterior.location, mean, rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(np.linalg.inv(posterior.precision), V, rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose([posterior.shape, posterior.rate], [shape, rate], rtol=1e-10)


@given(seed=st.integers(0, 2**32 - 1), n=st.integers(10, 60), p=st.integers(1, 4), scale=st.floats(0.1, 20))
@settings(deadline=None, max_examples=60)
def test_the_model_hands_over_the_prior_that_it_documents(seed, n, p, scale):
    X, y = designs(seed, n, p)
    model = BayesianLinearRegression(prior_scale=scale)
    standard = (X - X.mean(axis=0)) / X.std(axis=0)
    model.n_features_in_ = p
    model.center_, model.scale_ = X.mean(axis=0), X.std(axis=0)
    problem = model._problem(TrainingRows(X, np.arange(n), y=y))
    posterior = problem.conjugate.update(problem.data["X"], problem.data["y"])
    L = np.diag([INTERCEPT_SCALE**-2, *([scale**-2] * p)])
    A, z = np.c_[np.ones(n), standard], (y - y.mean()) / y.std()
    mean, _, shape, rate = textbook(A, z, m=np.zeros(p + 1), L=L, a=NOISE_SHAPE, b=NOISE_RATE)
    np.testing.assert_allclose(posterior.location, mean, rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose([posterior.shape, posterior.rate], [shape, rate], rtol=1e-10)


@given(seed=st.integers(0, 2**32 - 1), n=st.integers(8, 60), p=st.integers(1, 4))
@settings(deadline=None, max_examples=60)
def test_a_flat_prior_gives_ordinary_least_squares_and_a_scaled_inverse_chi_square(seed, n, p):
    X, y = designs(seed, n, p)
    posterior = conjugate_prior("flat", 1.0, p).update(X, y)
    A = np.c_[np.ones(n), X]
    theta, residual = np.linalg.lstsq(A, y)[:2]
    degrees = n - p - 1
    np.testing.assert_allclose(posterior.location, theta, rtol=1e-10, atol=1e-10)
    # Scaled inverse chi-square (nu, s^2) is the inverse gamma (nu / 2, nu s^2 / 2), and nu s^2 is the residual sum.
    np.testing.assert_allclose([posterior.shape, posterior.rate], [degrees / 2, residual[0] / 2], rtol=1e-10)


@pytest.mark.parametrize("prior", ["normal", "flat"])
def test_draws_have_the_moments_of_the_closed_form(prior):
    X, y = designs(seed=3, n=30, p=3)
    model = BayesianLinearRegression(prior, inference=Exact(draws=5000), random_state=1).fit(X, y)
    A, z = np.c_[np.ones(30), (X - X.mean(axis=0)) / X.std(axis=0)], (y - y.mean()) / y.std()
    flat = prior == "flat"
    L = np.zeros((4, 4)) if flat else np.diag([0.01] * 4)
    a, b = (-2.0, 0.0) if flat else (0.5, 0.05)
    mean, V, a, b = textbook(A, z, m=np.zeros(4), L=L, a=a, b=b)
    draws = model.posterior_["posterior"].to_dataset()
    # Marginally a Student-t with 2a degrees of freedom; sigma^2 is an inverse gamma.
    sd = np.sqrt(np.diag(V) * b / a * stats.t(2 * a).var())
    assert_within_4_mcse(draws["intercept"], mean[0], sd[0])
    for j in range(3):
        assert_within_4_mcse(draws["weight"][..., j], mean[j + 1], sd[j + 1])
    variance = stats.invgamma(a, scale=b)
    assert_within_4_mcse(draws["sigma"] ** 2, variance.mean(), variance.std())


def assert_within_4_mcse(draws, mean, sd):
    error = {method: float(az.mcse(draws, method=method)) for method in ("mean", "sd")}
    assert abs(float(draws.mean()) - mean) <= 4 * error["mean"]
    assert abs(float(draws.std()) - sd) <= 4 * error["sd"]


def test_coefficients_and_noise_are_jointly_drawn():
    # theta given sigma is N(m, sigma^2 V): the standardised coefficient must be standard normal at every sigma.
    posterior = NormalInverseGamma(np.array([2.0]), np.array([[4.0]]), shape=1.5, rate=1.0)
    draws = posterior.sample((4, 5000), np.random.default_rng(0))
    z = (draws["coefficient"][..., 0] - 2.0) / draws["sigma"] * 2.0
    # One in a million by chance; independent noise would give a Student-t and p < 1e-100.
    assert stats.kstest(z.ravel(), "norm").pvalue > 1e-6
    assert stats.kstest(draws["sigma"].ravel() ** 2, stats.invgamma(1.5).cdf).pvalue > 1e-6


def test_a_problem_without_a_closed_form_is_refused():
    problem = Problem(build=None, data={}, dims={})
    with pytest.raises(ValueError, match=r"Invalid inference 'Exact'\. .* no closed form\. Use inference=NUTS"):
        Exact().run(problem, 0)


@pytest.mark.parametrize(("setting", "value"), [("draws", 0), ("chains", 1.5)])
def test_a_size_that_cannot_be_drawn_is_refused(setting, value):
    model = BayesianLinearRegression(inference=Exact(**{setting: value}))
    with pytest.raises(ValueError, match=f"Invalid {setting} {value}. It must be a whole number above zero"):
        model.fit(np.arange(4.0)[:, None], np.arange(4.0))
