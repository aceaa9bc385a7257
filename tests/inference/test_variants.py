"""Which variants of a posterior the held-out rows keep, and how chains are dealt over them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bayesgeo.inference.base import Variant
from bayesgeo.inference.variants import CLEAR, LEAST_CHAINS, assigned, heirs, survivors

POWERS = [Variant(power=power) for power in (1.0, 0.3, 0.1)]
ROWS = 400


@given(st.integers(1, 6), st.integers(1, 30))
def test_every_variant_that_gets_chains_gets_enough_and_about_as_many_as_the_others(variants, chains):
    numbers = assigned([Variant()] * variants, chains)
    counts = np.bincount(numbers)
    assert len(numbers) == chains
    assert np.ptp(counts) <= 1
    assert len(counts) <= variants
    # The posterior itself comes first: few chains are all its own.
    assert len(counts) == 1 or counts.min() >= LEAST_CHAINS
    # As many variants as there are chains for.
    assert len(counts) == variants or chains < LEAST_CHAINS * (len(counts) + 1)


def scores(losses, errors, chains=2):
    """Return scores ``(chain, row)`` of variants that lose so much on average, with that standard error, to the first.

    The chains of a variant score alike.
    """
    rng = np.random.default_rng(0)
    base = rng.normal(size=ROWS)
    noise = rng.normal(size=(len(losses), ROWS))
    noise = (noise - noise.mean(axis=1, keepdims=True)) / noise.std(axis=1, keepdims=True)
    loss = np.array(losses)[:, None] + np.array(errors)[:, None] * np.sqrt(ROWS) * noise
    return np.repeat(base - loss, chains, axis=0), np.repeat(np.arange(len(losses)), chains)


def kept(losses, errors, variants, dead=()):
    by_chain, variant = scores(losses, errors)
    return survivors(by_chain, variant, np.isin(np.arange(len(variant)), dead), variants).tolist()


@pytest.mark.parametrize(
    ("losses", "wanted"),
    [
        ([0.0, 0.0, 0.0], [0]),
        # Worse, but not clearly: the larger power stays.
        ([(CLEAR - 0.1) * 0.01, 0.0, 0.5], [0]),
        ([(CLEAR + 0.1) * 0.01, 0.0, 0.5], [1]),
        ([0.5, (CLEAR - 0.1) * 0.01, 0.0], [1]),
        ([0.5, 0.5, 0.0], [2]),
        ([0.0, 0.5, 0.5], [0]),
    ],
)
def test_the_largest_power_that_is_not_clearly_worse_is_kept(losses, wanted):
    # The errors are those of the difference to the best variant, which has none here.
    errors = [0.0 if loss == min(losses) else 0.01 for loss in losses]
    assert kept(losses, errors, POWERS) == wanted


def test_variants_of_one_power_that_are_not_clearly_worse_are_kept_together():
    variants = [Variant(), Variant(("a",)), Variant(power=0.3), Variant(("a",), 0.3)]
    assert kept([0.0, 0.005, 0.0, 0.0], [0.0, 0.01, 0.0, 0.0], variants) == [0, 1]
    assert kept([0.025, 0.0, 0.0, 0.0], [0.01, 0.0, 0.0, 0.0], variants) == [1]
    assert kept([0.5, 0.5, 0.0, 0.5], [0.01, 0.01, 0.0, 0.01], variants) == [2]


def test_a_variant_whose_chains_are_all_dead_is_dead():
    assert kept([0.0, 0.1, 0.2], [0.0, 0.0, 0.0], POWERS, dead=[0, 1]) == [1]
    # One live chain speaks for its variant.
    assert kept([0.0, 0.1, 0.2], [0.0, 0.0, 0.0], POWERS, dead=[0]) == [0]


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_score_that_is_not_finite_never_helps_a_variant(value):
    by_chain, variant = scores([0.0, 0.1], [0.0, 0.0])
    by_chain[:2, : ROWS // 4] = value
    assert survivors(by_chain, variant, np.zeros(4, dtype=bool), POWERS).tolist() == [1]


@given(st.permutations(range(3)), st.lists(st.floats(0, 0.1), min_size=3, max_size=3))
def test_the_order_of_the_variants_does_not_matter(order, losses):
    by_chain, variant = scores(losses, [0.01] * 3)
    living = np.zeros(6, dtype=bool)
    first = survivors(by_chain, variant, living, POWERS)
    renumbered = survivors(by_chain, np.argsort(order)[variant], living, [POWERS[k] for k in order])
    assert sorted(np.array(order)[renumbered]) == first.tolist()


FREE, HELD, WEAK = Variant(), Variant(("a",)), Variant(power=0.3)


def followed(variant, dead, kept, variants):
    dead = np.isin(np.arange(len(variant)), dead)
    origin, after = heirs(np.array(variant), dead, np.array(kept), variants, 0)
    return origin.tolist(), after.tolist()


def test_chains_that_are_set_free_or_weighed_otherwise_go_on_from_where_they_are():
    assert followed([0, 1, 2, 0, 1, 2], [], [0], [FREE, HELD, WEAK]) == ([0, 1, 2, 3, 4, 5], [0] * 6)


def test_chains_that_would_have_to_go_back_follow_the_others_in_turn():
    origin, after = followed([0, 1, 0, 1, 0, 1], [], [1], [FREE, HELD])
    assert after == [1] * 6
    assert [origin[k] for k in (1, 3, 5)] == [1, 3, 5]
    assert sorted(origin[k] for k in (0, 2, 4)) == [1, 3, 5]


def test_a_dead_chain_follows_a_live_one_even_of_its_own_variant():
    origin, after = followed([0, 0, 1, 1], [0, 3], [0, 1], [FREE, WEAK])
    assert origin[1:3] == [1, 2]
    assert {origin[0], origin[3]} == {1, 2}
    assert [after[k] for k in (0, 3)] == [after[origin[0]], after[origin[3]]]


def test_where_all_variants_are_kept_nobody_moves():
    assert followed([0, 1, 0, 1], [], [0, 1], [FREE, HELD]) == ([0, 1, 2, 3], [0, 1, 0, 1])
