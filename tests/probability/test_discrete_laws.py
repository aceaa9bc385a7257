"""Laws that every joint probability table obeys, over random tables with empty cells."""

import os
from functools import reduce

import numpy as np
import pytest
import xarray as xr
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.special import xlogy

from bayesgeo.probability import (
    Discrete,
    Experiment,
    bayes,
    entropy,
    independence_test,
    kullback_leibler,
    mutual_information,
    where,
)

LAW = settings.get_profile(os.environ.get("BAYESGEO_LAWS", "laws"))
ROUNDING = 1e-10


@st.composite
def counts(draw, names="abc"):
    shape = tuple(draw(st.integers(1, 3)) + (name == "a") for name in names)
    values = draw(hnp.arrays(float, shape, elements=st.integers(0, 9).map(float)))
    assume(values.sum() > 0)
    return xr.DataArray(values, {name: np.arange(n) * 1.5 - 1 for name, n in zip(names, shape, strict=True)})


tables = counts().map(Discrete.from_counts)


def f(v):
    return v["a"] ** 2 - 3 * v["b"] * v["c"]


def possible(joint, name):
    alone = joint.marginal(name).table
    return [float(value) for value in alone[name].values[alone.values > 0]]


def agree(x, y):
    x, y = xr.broadcast(x, y)
    np.testing.assert_allclose(x.values, y.values, rtol=0, atol=ROUNDING)


@LAW
@given(tables)
def test_marginalising_in_two_steps_equals_marginalising_at_once(joint):
    agree(joint.marginal("a", "b").marginal("a").table, joint.marginal("a").table)
    agree(joint.marginal("a", "c").marginal("a").table, joint.marginal("a").table)


@LAW
@given(tables)
def test_marginals_and_conditionals_sum_to_one(joint):
    b = possible(joint, "b")[0]
    for part in (joint.marginal("a"), joint.marginal("b", "c"), joint.condition(b=b)):
        assert float(part.table.sum()) == pytest.approx(1, abs=ROUNDING)
    assert float(joint.given("b").sum(["a", "c"]).sel(b=b)) == pytest.approx(1, abs=ROUNDING)


@pytest.mark.slow
@LAW
@given(tables)
def test_chain_rule_rebuilds_the_joint_from_either_side(joint):
    for name in ("a", "b"):
        agree(joint.marginal(name).extend(joint.given(name).fillna(0.0)).table, joint.table)


@pytest.mark.slow
@LAW
@given(tables)
def test_bayes_from_the_other_conditional_equals_conditioning(joint):
    pair = joint.marginal("a", "b")
    likelihood = pair.given("a").fillna(0.0)
    for b in possible(joint, "b"):
        agree(bayes(pair.marginal("a"), likelihood, b=b).table, pair.condition(b=b).table)


@LAW
@given(tables)
def test_bayes_from_a_likelihood_equals_bayes_from_a_conditional_table(joint):
    pair = joint.marginal("a", "b")
    likelihood, b = pair.given("a").fillna(0.0), possible(joint, "b")[-1]
    column = likelihood.sel(b=b, drop=True)
    agree(bayes(pair.marginal("a"), column).table, bayes(pair.marginal("a"), likelihood, b=b).table)


@pytest.mark.slow
@LAW
@given(tables)
def test_conditioning_in_two_steps_equals_conditioning_at_once(joint):
    for b in possible(joint, "b"):
        for c in possible(joint.condition(b=b), "c"):
            agree(joint.condition(b=b).condition(c=c).table, joint.condition(b=b, c=c).table)


@LAW
@given(tables)
def test_conditioning_commutes_with_marginalising(joint):
    for b in possible(joint, "b"):
        agree(joint.condition(b=b).marginal("a").table, joint.marginal("a", "b").condition(b=b).table)


@LAW
@given(tables)
def test_conditioning_on_an_event_is_the_ratio_of_probabilities(joint):
    some = possible(joint, "b")
    held, within = where(a=slice(0, None)), where(b=some[:2])
    expected = joint.probability(held & within) / joint.probability(within)
    assert joint.condition(b=some[:2]).probability(held) == pytest.approx(expected, abs=ROUNDING)


@LAW
@given(tables)
def test_expectation_is_linear(joint):
    both = joint.expectation(lambda v: 2 * f(v) - 5 * v["c"])
    assert both == pytest.approx(2 * joint.expectation(f) - 5 * joint.expectation("c"), abs=1e-9)


@pytest.mark.slow
@LAW
@given(tables)
def test_variance_is_the_mean_square_less_the_squared_mean(joint):
    expected = joint.expectation(lambda v: f(v) ** 2) - joint.expectation(f) ** 2
    assert joint.variance(f) == pytest.approx(expected, abs=1e-9)
    assert joint.standard_deviation(f) ** 2 == pytest.approx(expected, abs=1e-9)


@pytest.mark.slow
@LAW
@given(tables)
def test_variance_of_a_sum_adds_twice_the_covariance(joint):
    total = joint.variance(lambda v: v["a"] + f(v))
    expected = joint.variance("a") + joint.variance(f) + 2 * joint.covariance("a", f)
    assert total == pytest.approx(expected, abs=1e-9)


@pytest.mark.slow
@LAW
@given(tables)
def test_expectation_is_the_mean_of_conditional_expectations(joint):
    assert joint.total_expectation(f, "b") == pytest.approx(joint.expectation(f), abs=ROUNDING)
    inner = sum(
        joint.marginal("b").probability({"b": b}) * joint.condition(b=b).expectation("a") for b in possible(joint, "b")
    )
    assert inner == pytest.approx(joint.expectation("a"), abs=ROUNDING)


@pytest.mark.slow
@LAW
@given(tables)
def test_variance_is_that_within_plus_that_between(joint):
    split = joint.total_variance(f, "b", "c")
    assert split.total == pytest.approx(joint.variance(f), abs=1e-9)
    by_hand = sum(
        joint.marginal("b").probability({"b": b}) * joint.condition(b=b).variance("a") for b in possible(joint, "b")
    )
    assert joint.total_variance("a", "b").within == pytest.approx(by_hand, abs=ROUNDING)


@pytest.mark.slow
@LAW
@given(tables)
def test_probability_of_a_union_adds_what_is_not_shared(joint):
    one, other = where(a=slice(0, None)), where(b=slice(None, 0))
    union = joint.probability(one) + joint.probability(other) - joint.probability(one & other)
    assert joint.probability(one | other) == pytest.approx(union, abs=ROUNDING)


@LAW
@given(tables, st.integers(0, 3))
def test_adjacent_intervals_share_their_common_end(joint, position):
    a = joint.outcomes("a").values
    end = float(a[min(position, len(a) - 1)])
    parts = (joint.probability({"a": part}) for part in (slice(None, end), slice(end, None)))
    assert sum(parts) == pytest.approx(1 + joint.probability({"a": end}), abs=ROUNDING)


@LAW
@given(tables)
def test_an_event_and_its_complement_share_one(joint):
    event = where(a=slice(-1, 0.5), c=[-1.0, 2.0])
    assert joint.probability(event) + joint.probability(~event) == pytest.approx(1, abs=ROUNDING)


@pytest.mark.slow
@LAW
@given(tables)
def test_probability_is_the_total_over_what_it_is_conditioned_on(joint):
    event = where(a=slice(None, 0))
    total = sum(joint.probability({"c": c}) * joint.condition(c=c).probability(event) for c in possible(joint, "c"))
    assert joint.probability(event) == pytest.approx(total, abs=ROUNDING)


@LAW
@given(tables)
def test_mutual_information_is_symmetric_and_the_divergence_from_independence(joint):
    pair = joint.marginal("a", "b")
    apart = Discrete(pair.marginal("a").table * pair.marginal("b").table)
    information = mutual_information(joint, "a", "b")
    assert information == pytest.approx(mutual_information(joint, "b", "a"), abs=ROUNDING)
    assert information == pytest.approx(kullback_leibler(pair, apart), abs=ROUNDING)


@LAW
@given(tables)
def test_entropy_is_that_of_one_variable_plus_the_others_given_it(joint):
    conditional = joint.given("a").fillna(0.0)
    mean = float((-xlogy(conditional, conditional) * joint.marginal("a").table).sum())
    assert entropy(joint) == pytest.approx(entropy(joint, "a") + mean, abs=ROUNDING)


@LAW
@given(tables)
def test_divergence_is_positive_and_zero_from_itself(p):
    q = Discrete(p.table.copy(data=p.table.values[::-1, ::-1]))
    assert kullback_leibler(p, q) >= -ROUNDING
    assert kullback_leibler(p, p) == pytest.approx(0, abs=ROUNDING)


@pytest.mark.slow
@LAW
@given(tables)
def test_variables_of_a_common_cause_are_independent_given_it(joint):
    cause = joint.marginal("c")
    a_given_c, b_given_c = (joint.marginal(name, "c").given("c").fillna(0.0) for name in "ab")
    fork = cause.extend(a_given_c).extend(b_given_c)
    assert mutual_information(fork, "a", "b", given=("c",)) == pytest.approx(0, abs=1e-9)
    agree(fork.marginal("a", "c").table, joint.marginal("a", "c").table)


@LAW
@given(counts())
def test_g_statistic_is_twice_the_count_times_the_mutual_information(table):
    assume((table.sum("c").sum("a") > 0).sum() > 1)
    assume((table.sum("c").sum("b") > 0).sum() > 1)
    joint = Discrete.from_counts(table)
    expected = 2 * float(table.sum()) * mutual_information(joint, "a", "b")
    assert independence_test(table, "a", "b").statistic == pytest.approx(expected, abs=1e-8)


@pytest.mark.slow
@LAW
@given(tables, st.lists(st.floats(0.1, 5), min_size=2, max_size=2))
def test_updating_twice_equals_updating_by_the_product(joint, powers):
    first, second = (lambda v, k=k: np.exp(-k * v["a"] + v["c"]) for k in powers)
    agree(
        joint.update(first).update(second).table,
        joint.update(lambda v: first(v) * second(v)).table,
    )


@LAW
@given(st.lists(st.tuples(st.integers(0, 2), st.sampled_from("xyz")), min_size=1, max_size=30))
def test_counting_outcomes_equals_counting_rows(pairs):
    rows = {"n": [n for n, _ in pairs], "kind": [kind for _, kind in pairs]}
    experiment, joint = Experiment(rows), Discrete.from_rows(rows)
    agree(joint.table, experiment.table(n="n", kind="kind"))
    event = where(n=[1, 2]) & ~where(kind="x")
    assert experiment.probability(event) == pytest.approx(joint.probability(event), abs=ROUNDING)


@LAW
@given(st.lists(st.integers(1, 4), min_size=1, max_size=3))
def test_a_product_space_holds_every_combination_once(sizes):
    factors = {f"die{i}": range(size) for i, size in enumerate(sizes)}
    table = Experiment.product(**factors).table(**{name: name for name in factors})
    assert table.size == reduce(lambda a, b: a * b, sizes)
    assert np.ptp(table.values) == 0


@LAW
@given(tables, st.integers(0, 2**31))
def test_draws_fall_only_where_there_is_probability(joint, seed):
    draws = joint.sample(200, seed=seed)
    cells = joint.table.sel({name: draws[name] for name in joint.names})
    assert (cells > 0).all()
    assert draws.identical(joint.sample(200, seed=seed))
