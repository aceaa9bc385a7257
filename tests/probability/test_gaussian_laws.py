"""Laws of joint Gaussians, over random regular and singular covariances."""

import os

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from bayesgeo.probability import (
    Density,
    Gaussian,
    LinearGaussian,
    bayes,
    entropy,
    kullback_leibler,
    mutual_information,
)

LAW = settings.get_profile(os.environ.get("BAYESGEO_LAWS", "laws"))
ROUNDING = 1e-10
UNITS = st.floats(-2, 2).map(lambda x: round(x, 3))


@st.composite
def gaussians(draw, names="abc"):
    n = len(names)
    root = draw(hnp.arrays(float, (n, n), elements=UNITS))
    mean = draw(hnp.arrays(float, n, elements=UNITS))
    # The diagonal bounds the condition number by about 1 + |root|², so rounding stays below 1e-10.
    return Gaussian(dict(zip(names, mean, strict=True)), root @ root.T + 0.25 * np.eye(n))


def agree(x, y, tolerance=ROUNDING):
    assert x.names == y.names
    np.testing.assert_allclose(x.mean, y.mean, rtol=0, atol=tolerance)
    np.testing.assert_allclose(x.cov, y.cov, rtol=0, atol=tolerance)


@pytest.mark.slow
@LAW
@given(gaussians(), UNITS)
def test_conditioning_a_gaussian_commutes_with_marginalising(joint, c):
    agree(joint.condition(c=c).marginal("a"), joint.marginal("a", "c").condition(c=c))


@pytest.mark.slow
@LAW
@given(gaussians(), UNITS, UNITS)
def test_conditioning_a_gaussian_in_two_steps_equals_at_once(joint, b, c):
    agree(joint.condition(b=b).condition(c=c), joint.condition(b=b, c=c))


@pytest.mark.slow
@LAW
@given(gaussians(), UNITS)
def test_conditional_precision_is_the_block_of_the_joint_precision(joint, c):
    precision = np.linalg.inv(joint.cov.values)
    conditional = joint.condition(c=c)
    np.testing.assert_allclose(np.linalg.inv(conditional.cov.values), precision[:2, :2], atol=1e-8)
    pull = np.linalg.solve(precision[:2, :2], precision[:2, 2]) * (c - float(joint.mean[2]))
    np.testing.assert_allclose(conditional.mean, joint.mean[:2] - pull, atol=1e-9)


@pytest.mark.slow
@LAW
@given(gaussians("ab"), UNITS, UNITS)
def test_gaussian_chain_rule_multiplies_the_densities(joint, a, b):
    at = {"a": xr.DataArray(a), "b": xr.DataArray(b)}
    chained = joint.condition(b=b).log_density(at) + joint.marginal("b").log_density(at)
    assert float(joint.log_density(at)) == pytest.approx(float(chained), abs=1e-8)


@pytest.mark.slow
@LAW
@given(gaussians("ab"), UNITS, UNITS, st.floats(0.1, 2))
def test_gaussian_bayes_adds_precisions(prior, weight, y, noise):
    likelihood = LinearGaussian({"y": {"a": weight, "b": 1.0}}, noise={"y": noise}, offset={"y": 0.5})
    row = np.array([weight, 1.0])
    precision = np.linalg.inv(prior.cov.values) + np.outer(row, row) / noise
    shift = np.linalg.solve(prior.cov.values, prior.mean.values) + row * (y - 0.5) / noise
    posterior = bayes(prior, likelihood, y=y)
    np.testing.assert_allclose(posterior.cov, np.linalg.inv(precision), atol=1e-9)
    np.testing.assert_allclose(posterior.mean, np.linalg.solve(precision, shift), atol=1e-9)
    agree(prior.extend(likelihood).marginal("a", "b"), prior)


@pytest.mark.slow
@LAW
@given(gaussians("ab"), gaussians("ab"))
def test_gaussian_update_is_the_precision_weighted_mean(prior, likelihood):
    weights = [np.linalg.inv(joint.cov.values) for joint in (prior, likelihood)]
    means = [joint.mean.values for joint in (prior, likelihood)]
    expected = np.linalg.solve(sum(weights), sum(w @ m for w, m in zip(weights, means, strict=True)))
    posterior = bayes(prior, likelihood)
    np.testing.assert_allclose(posterior.mean, expected, atol=1e-8)
    np.testing.assert_allclose(posterior.cov, np.linalg.inv(sum(weights)), atol=1e-9)


@pytest.mark.slow
@LAW
@given(gaussians())
def test_gaussian_variance_splits_into_within_and_between(joint):
    split = joint.total_variance("a", "b")
    between = joint.covariance("a", "b") ** 2 / joint.variance("b")
    assert split.between == pytest.approx(between, abs=ROUNDING)
    assert split.total == pytest.approx(joint.variance("a"), abs=ROUNDING)
    assert joint.total_expectation("a", "b", "c") == pytest.approx(joint.expectation("a"), abs=ROUNDING)


@pytest.mark.slow
@LAW
@given(gaussians(), UNITS, UNITS)
def test_a_singular_gaussian_knows_what_it_is_the_sum_of(joint, a, b):
    with_total = joint.extend(LinearGaussian({"total": {"a": 1.0, "b": 1.0}}))
    known = with_total.condition(a=a, total=a + b)
    assert known.expectation("b") == pytest.approx(b, abs=1e-7)
    assert known.variance("b") == pytest.approx(0, abs=1e-7)
    agree(with_total.condition(a=a, b=b, total=a + b), joint.condition(a=a, b=b), tolerance=1e-7)


@LAW
@given(gaussians(), UNITS, UNITS)
def test_weighted_sums_have_the_moments_of_their_terms(joint, x, y):
    total = joint.linear(total={"a": x, "c": y})
    assert total.expectation("total") == pytest.approx(
        x * joint.expectation("a") + y * joint.expectation("c"), abs=ROUNDING
    )
    expected = x**2 * joint.variance("a") + y**2 * joint.variance("c") + 2 * x * y * joint.covariance("a", "c")
    assert total.variance("total") == pytest.approx(expected, abs=ROUNDING)


@pytest.mark.slow
@LAW
@given(gaussians())
def test_quadrature_of_a_quadratic_equals_the_covariance(joint):
    a, c = joint.expectation("a"), joint.expectation("c")
    moment = joint.expectation(lambda v: (v["a"] - a) * (v["c"] - c))
    assert moment == pytest.approx(joint.covariance("a", "c"), abs=1e-9)
    product = joint.covariance("a", lambda v: v["c"] * 2)
    assert product == pytest.approx(2 * joint.covariance("a", "c"), abs=1e-9)


@pytest.mark.slow
@LAW
@given(gaussians())
def test_gaussian_information_has_its_closed_form(joint):
    correlation = joint.covariance("a", "b") / np.sqrt(joint.variance("a") * joint.variance("b"))
    expected = -0.5 * np.log1p(-(correlation**2))
    assert mutual_information(joint, "a", "b") == pytest.approx(expected, abs=1e-9)
    pair = joint.marginal("a", "b")
    apart = Gaussian({"a": pair.expectation("a"), "b": pair.expectation("b")}, np.diag(np.diag(pair.cov)))
    assert kullback_leibler(pair, apart) == pytest.approx(expected, abs=1e-9)
    assert entropy(joint, "a") + entropy(joint, "b") - entropy(pair) == pytest.approx(expected, abs=1e-9)


@LAW
@given(gaussians("a"), UNITS, st.floats(0, 3))
def test_interval_probabilities_add_up(joint, low, width):
    parts = [slice(None, low), slice(low, low + width), slice(low + width, None)]
    assert sum(joint.probability({"a": part}) for part in parts) == pytest.approx(1, abs=ROUNDING)


@settings(LAW, max_examples=5)
@given(st.floats(-0.8, 0.8), st.floats(-1.5, 1.5))
def test_conditioning_a_gaussian_is_the_limit_of_conditioning_a_grid(correlation, b):
    joint = Gaussian({"a": 0.5, "b": -0.5}, [[1.0, correlation], [correlation, 1.0]])
    nodes = np.linspace(-9, 9, 181)
    grid = Density.from_log_density(joint.log_density, a=nodes, b=nodes)
    exact, near = joint.condition(b=b), grid.condition(b=b)
    # Between nodes h apart linear interpolation is off by h²/8 max|p''| of the density, a share of
    # about h²/8 (1 + z²)/s⁴ with z the distance from the mean in standard deviations s.
    z2 = (b + 0.5) ** 2
    share = 0.1**2 / 8 * (1 + z2) / (1 - correlation**2) ** 2 * 8
    assert near.expectation("a") == pytest.approx(exact.expectation("a"), abs=share)
    assert near.variance("a") == pytest.approx(exact.variance("a"), abs=share)


@LAW
@given(gaussians(), st.integers(0, 2**31))
def test_gaussian_draws_have_its_moments(joint, seed):
    draws = joint.sample(4000, seed=seed)
    for name in "abc":
        error = np.sqrt(joint.variance(name) / 4000)
        assert abs(float(draws[name].mean()) - joint.expectation(name)) < 5 * error
        assert float(draws[name].var()) == pytest.approx(joint.variance(name), rel=5 * np.sqrt(2 / 4000))
