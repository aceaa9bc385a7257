"""Selective prediction: the whole is the whole, a good ranking pays, ties do not depend on their order."""

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from bayesgeo.metrics.base import block_weights
from bayesgeo.metrics.selective import aurc, risk_at, risk_coverage, selective_scores

SEEDS = st.integers(0, 2**32 - 1)
quick = settings(deadline=None, max_examples=40)


def rows(seed, n=60, levels=10):
    rng = np.random.default_rng(seed)
    return rng.random(n), rng.integers(levels, size=n) / levels


def classes(seed, n=80, n_labels=3):
    rng = np.random.default_rng(seed)
    p = rng.dirichlet(np.ones(n_labels), size=n)
    summary = {"probability": (("obs", "label"), p)}
    summary |= {name: ("obs", rng.random(n)) for name in ("aleatoric", "epistemic")}
    return xr.Dataset(summary), rng.integers(n_labels, size=n)


def by_row(n, seed=0):
    return block_weights(np.arange(n), resamples=400, seed=seed)


@given(seed=SEEDS)
@quick
def test_risk_of_all_rows_is_the_mean_loss(seed):
    loss, uncertainty = rows(seed)
    coverage, risk = risk_coverage(loss, uncertainty)
    assert coverage[-1] == 1.0
    assert risk[-1] == pytest.approx(loss.mean(), abs=1e-12)


@given(seed=SEEDS)
@quick
def test_each_threshold_keeps_the_rows_up_to_it(seed):
    loss, uncertainty = rows(seed)
    coverage, risk = risk_coverage(loss, uncertainty)
    for k, threshold in enumerate(np.unique(uncertainty)):
        kept = uncertainty <= threshold
        assert coverage[k] == pytest.approx(kept.mean(), abs=1e-12)
        assert risk[k] == pytest.approx(loss[kept].mean(), abs=1e-12)


@given(seed=SEEDS)
@quick
def test_the_order_of_rows_does_not_matter(seed):
    loss, uncertainty = rows(seed)
    order = np.random.default_rng(seed).permutation(len(loss))
    again = risk_coverage(loss[order], uncertainty[order])
    np.testing.assert_allclose(again, risk_coverage(loss, uncertainty), atol=1e-12)


@given(seed=SEEDS)
@quick
def test_no_ranking_beats_that_by_the_loss_and_none_is_worse_than_its_opposite(seed):
    loss, uncertainty = rows(seed, levels=10**6)
    best, worst = aurc(*risk_coverage(loss, loss)), aurc(*risk_coverage(loss, -loss))
    assert best - 1e-12 <= aurc(*risk_coverage(loss, uncertainty)) <= worst + 1e-12


def test_a_ranking_that_knows_nothing_has_the_risk_of_all_rows():
    loss, _ = rows(0)
    assert aurc(*risk_coverage(loss, np.zeros(60))) == pytest.approx(loss.mean(), abs=1e-12)


def test_risk_at_a_coverage_is_that_of_the_most_certain_rows():
    loss, uncertainty = rows(0, n=100, levels=10**6)
    kept = np.argsort(uncertainty)[:80]
    assert risk_at(*risk_coverage(loss, uncertainty), 0.8) == pytest.approx(loss[kept].mean(), abs=1e-12)


def test_the_group_of_classes_ranks_by_three_uncertainties():
    summary, y = classes(0)
    found = selective_scores(summary, y, by_row(len(y)), prob=0.95)
    error = (summary["probability"].values.argmax(axis=1) != y).astype(float)
    assert float(found["risk_of_all"]) == pytest.approx(error.mean(), abs=1e-12)
    np.testing.assert_allclose(found["risk"].sel(coverage=1.0), error.mean(), atol=1e-12)
    doubt = 1 - summary["probability"].values.max(axis=1)
    own = aurc(*risk_coverage(error, doubt))
    assert float(found["aurc"].sel(ranking="confidence")) == pytest.approx(own, abs=1e-12)
    for name in ("aurc", "risk_at_80"):
        assert (found[f"{name}_low"] <= found[name]).all()
        assert (found[name] <= found[f"{name}_high"]).all()


def test_values_are_ranked_by_the_width_of_their_interval_even_if_a_variance_is_infinite():
    rng = np.random.default_rng(0)
    width, y = rng.gamma(2.0, size=200), np.zeros(200)
    mean = width * rng.normal(size=200)
    infinite = np.full(200, np.inf)
    columns = {"mean": mean, "low": mean - width, "high": mean + width, "epistemic": width, "aleatoric": infinite}
    summary = xr.Dataset({name: ("obs", column) for name, column in columns.items()})
    found = selective_scores(summary, y, by_row(200), prob=0.95)
    assert (found["aurc"] < found["risk_of_all"]).all()
    assert (found["risk_at_80_high"] < found["risk_of_all"]).all()
    assert (found["aurc"] >= found["aurc_best"]).all()
