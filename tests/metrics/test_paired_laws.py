"""Tests of means over blocks: exact references, laws, and levels at few blocks."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from bayesgeo.metrics.base import BLOCKS, block_codes
from bayesgeo.metrics.paired import fewest_blocks, mean_interval, outer_effect_p, sign_flip_p


@given(seed=st.integers(0, 10_000), n=st.integers(2, 12), size=st.integers(1, 6), prob=st.sampled_from([0.8, 0.95]))
@settings(deadline=None, max_examples=50)
def test_blocks_of_equal_size_get_the_interval_of_student_over_their_means(seed, n, size, prob):
    rows = np.random.default_rng(seed).normal(size=n * size)
    expected = stats.ttest_1samp(rows.reshape(n, size).mean(axis=1), 0.0).confidence_interval(prob)
    np.testing.assert_allclose(mean_interval(rows, np.repeat(np.arange(n), size), prob=prob), expected, rtol=1e-9)


def test_degrees_of_freedom_are_those_of_bell_and_mccaffrey():
    """They match the moments of the variance, a quadratic form of independent rows of equal variance."""
    sizes = np.array([1, 3, 9, 2, 5])
    codes = np.repeat(np.arange(5), sizes)
    total, share = sizes.sum(), sizes / sizes.sum()
    sums = (codes == np.arange(5)[:, None]).astype(float)
    off = sums @ (np.eye(total) - 1 / total) / np.sqrt(1 - share)[:, None]
    spectrum = off @ off.T
    freedom = np.trace(spectrum) ** 2 / np.trace(spectrum @ spectrum)
    rows = np.random.default_rng(0).normal(size=total)
    low, high = mean_interval(rows, codes, prob=0.9)
    error = np.sqrt(((off @ rows) ** 2).sum()) / total
    assert (high - low) / 2 == pytest.approx(stats.t.ppf(0.95, freedom) * error, rel=1e-10)


@pytest.mark.parametrize("n", [2, 5, 8])
def test_the_sign_flip_test_counts_every_assignment_of_signs(n):
    rows = np.random.default_rng(n).normal(0.5, 1.0, size=n)
    means = [np.dot(signs, rows) for signs in product([1, -1], repeat=n)]
    expected = np.mean(np.abs(means) >= abs(rows.sum()) - 1e-12)
    assert sign_flip_p(rows, np.arange(n)) == expected
    assert expected >= 2.0 ** (1 - n)


def test_random_signs_agree_with_all_of_them():
    rows = np.random.default_rng(5).normal(0.4, 1.0, size=13)
    every = np.array(list(product([1, -1], repeat=13))) @ rows
    exact = np.mean(np.abs(every) >= abs(rows.sum()) - 1e-12)
    # Four standard errors of 1,999 draws.
    assert sign_flip_p(rows, np.arange(13)) == pytest.approx(exact, abs=4 * np.sqrt(exact / 1999))


@given(seed=st.integers(0, 10_000), scale=st.floats(1e-6, 1e6))
@settings(deadline=None, max_examples=30)
def test_signs_and_units_do_not_matter(seed, scale):
    rng = np.random.default_rng(seed)
    rows, codes = rng.normal(size=30), rng.integers(7, size=30)
    codes = block_codes(codes)
    assert sign_flip_p(-rows, codes) == sign_flip_p(rows, codes) == sign_flip_p(rows * scale, codes)


def test_the_fewest_blocks_are_those_at_which_the_test_can_reach_its_level():
    for prob in (0.9, 0.95, 0.99):
        n = fewest_blocks(prob)
        assert sign_flip_p(np.ones(n), np.arange(n)) <= 1 - prob
        assert sign_flip_p(np.ones(n - 1), np.arange(n - 1)) > 1 - prob


@pytest.mark.parametrize("n_blocks", [2, 3, 5, 8, 20])
@pytest.mark.parametrize("unequal", [False, True])
def test_the_interval_excludes_a_true_mean_no_more_often_than_stated(n_blocks, unequal):
    # 1,000 sets at 5 %: at most 73 misses but once in 1,000 times.
    rng, missed = np.random.default_rng(n_blocks), 0
    for _ in range(1000):
        sizes = rng.integers(1, 20, n_blocks) if unequal else np.full(n_blocks, 6)
        codes = np.repeat(np.arange(n_blocks), sizes)
        low, high = mean_interval(rng.normal(size=len(codes)), codes, prob=0.95)
        missed += not low <= 0 <= high
    assert missed <= 73


def test_one_block_has_no_interval_and_many_blocks_are_joined():
    assert np.isnan(mean_interval(np.ones(3), np.zeros(3, dtype=int), prob=0.9)).all()
    assert block_codes(np.array(["b", "a", "b"])).tolist() == [1, 0, 1]
    codes = block_codes(np.arange(5 * BLOCKS))
    assert codes.max() < BLOCKS
    assert np.array_equal(codes, block_codes(np.arange(5 * BLOCKS)))


def test_outer_blocks_are_compared_as_in_the_analysis_of_variance():
    rng = np.random.default_rng(0)
    rows, codes = rng.normal(size=60), np.repeat(np.arange(12), 5)
    outer, means = codes // 4, rows.reshape(12, 5).mean(axis=1)
    expected = stats.f_oneway(*means.reshape(3, 4)).pvalue
    assert outer_effect_p(rows, codes, outer) == pytest.approx(expected, rel=1e-9)
    assert np.isnan(outer_effect_p(rows, codes, np.arange(60) % 2))  # blocks cross
    assert np.isnan(outer_effect_p(rows, codes, codes))  # one block each
    assert np.isnan(outer_effect_p(rows, codes, np.zeros(60)))
