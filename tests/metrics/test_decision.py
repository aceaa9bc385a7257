"""Decisions: knowledge is worth one, the frequency nothing, and the cheapest action is the cheapest."""

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from bayesgeo.metrics.base import block_weights
from bayesgeo.metrics.decision import RATIOS, best_action, decision_cost, economic_value, expense_rows, value_of

SEEDS = st.integers(0, 2**32 - 1)
quick = settings(deadline=None, max_examples=40)


def value(said, happened):
    return value_of(expense_rows(said, happened, RATIOS).mean(axis=0), RATIOS)


@given(seed=SEEDS)
@quick
def test_perfect_knowledge_is_worth_one_and_the_frequency_nothing(seed):
    happened = np.random.default_rng(seed).random(50) < 0.3
    happened[:2] = True, False
    np.testing.assert_allclose(value(happened.astype(float), happened), 1.0, atol=1e-12)
    np.testing.assert_allclose(value(np.full(50, happened.mean()), happened), 0.0, atol=1e-10)


@given(seed=SEEDS)
@quick
def test_no_forecast_is_worth_more_than_perfect_knowledge(seed):
    rng = np.random.default_rng(seed)
    happened = np.r_[True, False, rng.random(40) < 0.5]
    assert (value(rng.random(42), happened) <= 1 + 1e-12).all()


def test_an_event_that_never_happens_has_no_value():
    assert np.isnan(value(np.full(10, 0.5), np.zeros(10, dtype=bool))).all()


@given(seed=SEEDS)
@quick
def test_the_best_action_is_the_cheapest_to_expect(seed):
    rng = np.random.default_rng(seed)
    p, cost = rng.dirichlet(np.ones(3), size=20), rng.normal(size=(3, 4))
    chosen = best_action(p, cost)
    expected = [[sum(p[i, k] * cost[k, a] for k in range(3)) for a in range(4)] for i in range(20)]
    assert np.array_equal(chosen, np.argmin(expected, axis=1))
    y = rng.integers(3, size=20)
    assert np.array_equal(decision_cost(p, y, cost), [cost[k, a] for k, a in zip(y, chosen, strict=True)])


def test_true_probabilities_cost_no_more_than_others_on_average():
    rng = np.random.default_rng(0)
    p, cost = rng.dirichlet(np.ones(3), size=20_000), rng.random((3, 4))
    y = (rng.random((20_000, 1)) > p.cumsum(axis=1)).sum(axis=1)
    for other in (np.full_like(p, 1 / 3), p**3 / (p**3).sum(axis=1, keepdims=True), p[:, ::-1]):
        gain = decision_cost(other, y, cost) - decision_cost(p, y, cost)
        # Standard error of a mean of 20,000; three of them below zero happen by chance once in 700 times.
        assert gain.mean() > -3 * gain.std() / np.sqrt(20_000)


def test_a_matrix_of_costs_and_a_cost_loss_ratio_are_one_thing():
    rng = np.random.default_rng(0)
    said, happened, ratio = rng.random(200), rng.random(200) < 0.4, np.array([0.3])
    cost = np.array([[0.0, 0.3], [1.0, 0.3]])
    rows = expense_rows(said, happened, ratio)[:, 0]
    np.testing.assert_allclose(decision_cost(np.c_[1 - said, said], happened.astype(int), cost), rows, atol=1e-15)


def test_the_group_holds_each_event_with_its_interval():
    rng = np.random.default_rng(0)
    p, y = rng.dirichlet(np.ones(3), size=90), rng.integers(3, size=90)
    summary = xr.Dataset({"probability": (("obs", "label"), p)})
    found = economic_value(summary, y, ("a", "b", "c"), block_weights(np.arange(90), resamples=300, seed=0), prob=0.95)
    assert found["value"].dims == ("event", "ratio")
    np.testing.assert_allclose(found["value"].sel(event="b"), value(p[:, 1], y == 1), atol=1e-12)
    assert ((found["low"] <= found["value"]) & (found["value"] <= found["high"])).all()


@pytest.mark.parametrize(
    ("cost", "problem"), [(np.ones((2, 2)), "There are 3 labels"), (np.full((3, 2), np.inf), "A cost must be finite")]
)
def test_costs_that_do_not_fit_are_refused(cost, problem):
    with pytest.raises(ValueError, match=rf"Invalid cost .* {problem}"):
        best_action(np.full((1, 3), 1 / 3), cost)
