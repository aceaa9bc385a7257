"""Laws of densities on grids whose nodes are not equally spaced, and of draws."""

import os

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from bayesgeo.probability import (
    Density,
    Discrete,
    Draws,
    bayes,
    change_of_prior,
    entropy,
    entropy_split,
    kullback_leibler,
    mutual_information,
    variance_split,
    where,
)

LAW = settings.get_profile(os.environ.get("BAYESGEO_LAWS", "laws"))
ROUNDING = 1e-10


@st.composite
def densities(draw, names="xy"):
    coords = {
        name: np.cumsum(draw(hnp.arrays(float, draw(st.integers(3, 6)), elements=st.floats(0.1, 2)))) for name in names
    }
    shape = tuple(len(nodes) for nodes in coords.values())
    values = draw(hnp.arrays(float, shape, elements=st.floats(0.05, 4)))
    return Density.from_values(xr.DataArray(values, coords))


@st.composite
def weighted_draws(draw):
    shape = (2, draw(st.integers(5, 20)))
    values = hnp.arrays(float, shape, elements=st.floats(-5, 5))
    kinds = draw(hnp.arrays(int, shape, elements=st.integers(0, 2)))
    variables = {
        "x": (("chain", "draw"), draw(values)),
        "y": (("chain", "draw"), draw(values)),
        "kind": (("chain", "draw"), kinds),
    }
    weights = xr.DataArray(draw(hnp.arrays(float, shape, elements=st.floats(0.1, 3))), dims=("chain", "draw"))
    return xr.Dataset(variables), weights


def agree(x, y):
    np.testing.assert_allclose(x.values, y.transpose(*x.dims).values, rtol=1e-10, atol=ROUNDING)


@pytest.mark.slow
@LAW
@given(densities("xyz"))
def test_integrating_in_two_steps_equals_integrating_at_once(joint):
    agree(joint.marginal("x", "z").marginal("x").density, joint.marginal("x").density)


@pytest.mark.slow
@LAW
@given(densities())
def test_densities_integrate_to_one_by_xarrays_own_rule(joint):
    y = joint.outcomes("y")
    for part in (joint.marginal("x"), joint.condition(y=float(y.mean()))):
        assert float(part.density.integrate("x")) == pytest.approx(1, abs=ROUNDING)


@LAW
@given(densities())
def test_chain_rule_rebuilds_the_density(joint):
    agree(joint.marginal("x").extend(joint.given("x")).density, joint.density)


@pytest.mark.slow
@LAW
@given(densities(), st.floats(0, 1))
def test_bayes_on_a_grid_equals_conditioning_the_joint(joint, share):
    y = joint.outcomes("y").values
    at = float(y[0] + share * (y[-1] - y[0]))
    nearest = float(y[np.abs(y - at).argmin()])
    agree(bayes(joint.marginal("x"), joint.given("x"), y=nearest).density, joint.condition(y=nearest).density)


@LAW
@given(densities(), st.integers(0, 5), st.floats(0, 1))
def test_conditioning_a_density_takes_its_column_and_interpolates_between(joint, position, share):
    y = joint.outcomes("y").values
    at = min(position, len(y) - 2)
    below, above = (joint.density.isel(y=i, drop=True) for i in (at, at + 1))
    column = (1 - share) * below + share * above
    cut = joint.condition(y=float(y[at] + share * (y[at + 1] - y[at])))
    agree(cut.density, column / column.integrate("x"))


@pytest.mark.slow
@LAW
@given(densities(), st.floats(0.05, 0.95))
def test_two_adjacent_intervals_share_one(joint, share):
    x = joint.outcomes("x").values
    middle = float(x[0] + share * (x[-1] - x[0]))
    below, above = (joint.probability({"x": part}) for part in (slice(None, middle), slice(middle, None)))
    assert below + above == pytest.approx(1, abs=ROUNDING)
    node = float(x[1])
    exact = joint.marginal("x").density.sel(x=slice(None, node)).integrate("x")
    assert joint.probability({"x": slice(None, node)}) == pytest.approx(float(exact), abs=ROUNDING)


@pytest.mark.slow
@LAW
@given(densities(), st.floats(0.1, 0.4), st.floats(0.6, 0.9))
def test_conditioning_on_an_interval_is_the_ratio_of_probabilities(joint, low, high):
    x, y = joint.outcomes("x").values, joint.outcomes("y").values
    span = slice(*(float(x[0] + share * (x[-1] - x[0])) for share in (low, high)))
    half = slice(None, float(y.mean()))
    ratio = joint.probability({"x": span, "y": half}) / joint.probability({"x": span})
    assert joint.condition(x=span).probability({"y": half}) == pytest.approx(ratio, abs=ROUNDING)


@pytest.mark.slow
@LAW
@given(densities())
def test_gridded_expectation_and_variance_obey_their_laws(joint):
    def f(v):
        return v["x"] ** 2 - v["y"]

    assert joint.total_expectation(f, "y") == pytest.approx(joint.expectation(f), abs=1e-9)
    assert joint.total_variance(f, "y").total == pytest.approx(joint.variance(f), abs=1e-9)
    mean_square = joint.expectation(lambda v: f(v) ** 2)
    assert joint.variance(f) == pytest.approx(mean_square - joint.expectation(f) ** 2, abs=1e-8)


@pytest.mark.slow
@LAW
@given(densities(), st.floats(-1, 1), st.floats(-1, 1))
def test_updating_a_density_twice_equals_updating_by_the_product(joint, p, q):
    once = joint.update(lambda v: np.exp(p * v["x"]) * np.exp(q * v["y"]))
    agree(joint.update(lambda v: np.exp(p * v["x"])).update(lambda v: np.exp(q * v["y"])).density, once.density)


@pytest.mark.slow
@LAW
@given(densities())
def test_gridded_information_is_the_divergence_from_independence(joint):
    apart = Density.from_values(joint.marginal("x").density * joint.marginal("y").density)
    information = entropy(joint, "x") + entropy(joint, "y") - entropy(joint)
    assert kullback_leibler(joint, apart) == pytest.approx(information, abs=1e-9)
    assert mutual_information(joint, "x", "y") == pytest.approx(information, abs=1e-9)


@pytest.mark.slow
@LAW
@given(st.floats(0.5, 2), st.integers(60, 150))
def test_quadrature_error_bounds_the_error_of_smooth_moments(scale, half):
    nodes = scale * np.linspace(0, 6, 2 * half + 1) ** 2
    decay = Density.from_log_density(lambda v: -v["t"] / scale, t=nodes)
    for power, exact in ((1, scale), (2, 2 * scale**2), (3, 6 * scale**3)):
        error = decay.quadrature_error(lambda v, k=power: v["t"] ** k)
        assert abs(decay.expectation(lambda v, k=power: v["t"] ** k) - exact) <= error
        assert error < 0.05 * exact


@LAW
@given(densities("x"), st.integers(0, 2**31))
def test_gridded_draws_follow_the_interpolant(joint, seed):
    draws = joint.sample(4000, seed=seed)
    x = joint.outcomes("x").values
    for node in x[1:-1]:
        p = joint.probability({"x": slice(None, float(node))})
        share = float((draws["x"] <= node).mean())
        assert abs(share - p) < 5 * np.sqrt(p * (1 - p) / 4000) + 1e-9


@LAW
@given(weighted_draws())
def test_conditioning_draws_is_the_ratio_of_probabilities(sample):
    draws = Draws(*sample)
    within, event = where(x=slice(-2, 2)), where(y=slice(0, None))
    if draws.probability(within) == 0:
        return
    ratio = draws.probability(event & within) / draws.probability(within)
    assert draws.condition(x=slice(-2, 2)).probability(event) == pytest.approx(ratio, abs=ROUNDING)


@pytest.mark.slow
@LAW
@given(weighted_draws())
def test_draws_obey_total_expectation_and_variance(sample):
    draws = Draws(*sample)
    assert draws.total_expectation("x", "kind") == pytest.approx(draws.expectation("x"), abs=1e-9)
    split = draws.total_variance("x", "kind")
    assert split.total == pytest.approx(draws.variance("x"), abs=1e-9)
    expected = np.cov(sample[0]["x"].values.ravel(), aweights=sample[1].values.ravel(), ddof=0)
    assert draws.variance("x") == pytest.approx(float(expected), abs=1e-9)


@pytest.mark.slow
@LAW
@given(weighted_draws(), st.floats(-1, 1))
def test_updating_draws_multiplies_their_weights(sample, rate):
    values, weights = sample
    posterior = Draws(values, weights).update(lambda v: np.exp(rate * v["x"]))
    weights = weights * np.exp(rate * values["x"])
    expected = float((weights * values["y"]).sum() / weights.sum())
    assert posterior.expectation("y") == pytest.approx(expected, abs=1e-9)


@st.composite
def class_draws(draw):
    raw = draw(hnp.arrays(float, (2, 4, 3, 3), elements=st.floats(0.01, 1)))
    return xr.DataArray(raw / raw.sum(-1, keepdims=True), dims=("chain", "draw", "obs", "label"))


@pytest.mark.slow
@LAW
@given(class_draws())
def test_epistemic_entropy_is_the_information_of_the_draw_about_the_label(p):
    split = entropy_split(p)
    for obs in range(3):
        joint = p.isel(obs=obs).stack(theta=("chain", "draw")).reset_index("theta", drop=True) / 8
        table = Discrete(joint.assign_coords(theta=range(8), label=range(3)))
        expected = mutual_information(table, "theta", "label")
        assert float(split["epistemic"][obs]) == pytest.approx(expected, abs=ROUNDING)
        assert float(split["total"][obs]) == pytest.approx(entropy(table, "label"), abs=ROUNDING)


@LAW
@given(hnp.arrays(float, (2, 5), elements=st.floats(-3, 3)), hnp.arrays(float, (2, 5), elements=st.floats(0, 2)))
def test_variance_split_is_the_variance_of_the_mixture(mean, sd):
    dims = ("chain", "draw")
    split = variance_split(xr.DataArray(mean, dims=dims), xr.DataArray(sd, dims=dims))
    second_moment = np.mean(mean**2 + sd**2)
    assert float(split["total"]) == pytest.approx(second_moment - mean.mean() ** 2, abs=1e-9)


@pytest.mark.slow
@LAW
@given(class_draws(), hnp.arrays(float, (2, 3), elements=st.floats(0.05, 1)))
def test_changing_the_prior_and_back_changes_nothing(p, raw):
    one, other = (xr.DataArray(row / row.sum(), dims="label") for row in raw)
    moved = change_of_prior(p, trained=one, known=other)
    agree(change_of_prior(moved, trained=other, known=one), p)
    assert float(abs(moved.sum("label") - 1).max()) < ROUNDING


@pytest.mark.slow
@LAW
@given(class_draws(), hnp.arrays(float, (2, 3), elements=st.floats(0.05, 1)))
def test_changing_the_prior_equals_bayes_with_the_new_one(p, raw):
    one, other = raw / raw.sum(axis=1, keepdims=True)
    labels = {"label": ["a", "b", "c"]}
    row = p.isel(chain=0, draw=0, obs=0).assign_coords(labels)
    trained, known = xr.DataArray(one, labels), xr.DataArray(other, labels)
    expected = bayes(Discrete(known), row / trained).table
    agree(change_of_prior(row, trained=trained, known=known), expected)
