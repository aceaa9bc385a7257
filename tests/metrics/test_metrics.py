"""Scores against scikit-learn, scores and closed forms; laws of their bootstrap."""

import numpy as np
import pytest
import sklearn.metrics as skl
import xarray as xr
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.special import entr

from bayesgeo import catalog
from bayesgeo.metrics import base, classification, regression
from bayesgeo.metrics.base import block_weights, bootstrap, bootstrap_ranked, interval, resample
from bayesgeo.metrics.classification import confusion_counts, summarise_classes
from bayesgeo.metrics.regression import noise_variance, summarise_values

SEEDS = st.integers(0, 2**32 - 1)
CLASSES = catalog.metrics("classification")
quick = settings(deadline=None, max_examples=40)


def predictions(seed, n_labels, n=40, draws=(2, 5)):
    rng = np.random.default_rng(seed)
    p = rng.dirichlet(np.full(n_labels, 0.7), size=(*draws, n))
    y = rng.integers(n_labels, size=n)
    return xr.DataArray(p, dims=("chain", "draw", "obs", "label")), y


@pytest.mark.slow
@given(seed=SEEDS, n_labels=st.integers(2, 5))
@quick
def test_scores_of_probabilities_agree_with_scikit_learn(seed, n_labels):
    draws, y = predictions(seed, n_labels)
    summary, labels = summarise_classes(draws), list(range(n_labels))
    p = summary["probability"].values
    ours = {name: CLASSES[name](summary, y) for name in ("log_loss", "log_score", "brier_score")}
    log_loss = skl.log_loss(y, p, labels=labels)
    assert ours["log_loss"] == pytest.approx(log_loss, abs=1e-10)
    assert ours["log_score"] == pytest.approx(-log_loss, abs=1e-10)
    truth, said = (y, p[:, 1]) if n_labels == 2 else (y, p)
    brier = skl.brier_score_loss(truth, said, labels=labels)
    assert ours["brier_score"] == pytest.approx(brier, abs=1e-10)


@given(seed=SEEDS, n_labels=st.integers(2, 5), n=st.integers(1, 60))
@quick
def test_scores_of_labels_agree_with_scikit_learn(seed, n_labels, n):
    draws, y = predictions(seed, n_labels, n)
    summary = summarise_classes(draws)
    best = summary["probability"].values.argmax(axis=1)
    average = {"average": "binary" if n_labels == 2 else "macro", "zero_division": 0}
    assert CLASSES["accuracy"](summary, y) == pytest.approx(skl.accuracy_score(y, best), abs=1e-10)
    for name in ("precision", "recall", "f1"):
        theirs = getattr(skl, f"{name}_score")(y, best, **average)
        assert CLASSES[name](summary, y) == pytest.approx(theirs, abs=1e-10)


@given(seed=SEEDS, n_labels=st.integers(2, 4))
@quick
def test_confusion_counts_each_draw_as_scikit_learn_does(seed, n_labels):
    draws, y = predictions(seed, n_labels)
    codes = draws.argmax("label")
    ours = confusion_counts(codes, y, n_labels)
    flat = codes.values.reshape(10, -1)
    for k, said in enumerate(flat):
        assert np.array_equal(ours[k], skl.confusion_matrix(y, said, labels=list(range(n_labels))))


def test_a_class_ruled_out_that_happens_costs_what_scikit_learn_charges():
    summary = xr.Dataset({"probability": (("obs", "label"), [[1.0, 0.0], [0.5, 0.5]])})
    ours = classification.log_loss(summary, [1, 1])
    theirs = skl.log_loss([1, 1], [[1.0, 0.0], [0.5, 0.5]], labels=[0, 1])
    assert np.isfinite(ours)
    assert ours == pytest.approx(theirs, abs=1e-10)


@given(seed=SEEDS)
@quick
def test_calibration_error_is_the_gap_in_each_bin_weighted_by_its_rows(seed):
    draws, y = predictions(seed, 3)
    summary = summarise_classes(draws)
    p = summary["probability"].values
    confidence, hit, gap = p.max(axis=1), p.argmax(axis=1) == y, 0.0
    for k in range(10):
        inside = (confidence >= k / 10) & ((confidence < (k + 1) / 10) | (k == 9))
        gap += abs((confidence - hit)[inside].sum()) / len(y)
    assert CLASSES["calibration_error"](summary, y) == pytest.approx(gap, abs=1e-10)


@given(seed=SEEDS, n_labels=st.integers(2, 5))
@quick
def test_aleatoric_and_epistemic_entropy_add_up_and_are_not_negative(seed, n_labels):
    draws, _ = predictions(seed, n_labels)
    summary = summarise_classes(draws)
    total = entr(summary["probability"].values).sum(axis=1)
    np.testing.assert_allclose(summary["aleatoric"] + summary["epistemic"], total, rtol=1e-12)
    assert (summary[["aleatoric", "epistemic"]].to_array() >= 0).all()
    assert (total <= np.log(n_labels) + 1e-12).all()


@given(seed=SEEDS, n_labels=st.integers(2, 5))
@quick
def test_one_draw_knows_of_no_epistemic_uncertainty(seed, n_labels):
    draws, _ = predictions(seed, n_labels, draws=(1, 1))
    np.testing.assert_allclose(summarise_classes(draws)["epistemic"], 0.0, atol=1e-14)


def test_draws_that_are_certain_and_disagree_are_all_epistemic():
    p = xr.DataArray([[[[1.0, 0.0]], [[0.0, 1.0]]]], dims=("chain", "draw", "obs", "label"))
    summary = summarise_classes(p)
    assert summary["aleatoric"].item() == 0.0
    assert summary["epistemic"].item() == pytest.approx(np.log(2), abs=1e-15)


SAMPLE = ("chain", "draw")


def certain(response):
    """Return a predictive distribution without noise."""
    return xr.Dataset({"expected": response, "sigma": 0.0})


def values(seed, n_draws=4000, n=30, epistemic=0.5, noise=1.0):
    """Draw a posterior whose predictive distribution is N(center, epistemic^2 + noise^2)."""
    rng = np.random.default_rng(seed)
    center = rng.normal(size=n)
    y = center + rng.normal(size=n)
    dims = ("chain", "draw", "obs")
    expected = xr.DataArray(center + epistemic * rng.normal(size=(4, n_draws // 4, n)), dims=dims)
    response = expected + noise * rng.normal(size=expected.shape)
    log_density = expected.copy(data=stats.norm.logpdf(y, expected, noise))
    predictive = xr.Dataset({"expected": expected, "sigma": (SAMPLE, np.full((4, n_draws // 4), noise))})
    return summarise_values(predictive, response, log_density, y), center, y


def gaussian_crps(y, mean, sd):
    z = (y - mean) / sd
    return sd * (z * (2 * stats.norm.cdf(z) - 1) + 2 * stats.norm.pdf(z) - 1 / np.sqrt(np.pi))


@pytest.mark.parametrize("seed", range(3))
def test_crps_of_gaussian_draws_is_the_closed_form(seed):
    summary, center, y = values(seed)
    sd = np.hypot(0.5, 1.0)
    # A mean over 4000 draws of at most |x - y|, whose deviation is at most sd; 5 standard errors for 90 rows.
    np.testing.assert_allclose(summary["crps"], gaussian_crps(y, center, sd), atol=5 * sd / np.sqrt(4000))
    exact = gaussian_crps(y, center, sd).mean()
    assert regression.crps(summary, y) == pytest.approx(exact, abs=5 * sd / np.sqrt(4000 * len(y)))


def test_crps_of_an_ensemble_is_its_error_less_half_its_spread():
    rng = np.random.default_rng(0)
    ensemble, y = rng.normal(size=(2, 40, 6)), rng.normal(size=6)
    draws = xr.DataArray(ensemble, dims=("chain", "draw", "obs"))
    x = ensemble.reshape(80, 6)
    # Gneiting and Raftery (2007), equation 21: E|X - y| - E|X - X'| / 2.
    exact = np.abs(x - y).mean(axis=0) - np.abs(x[:, None] - x[None]).mean(axis=(0, 1)) / 2
    np.testing.assert_allclose(summarise_values(certain(draws), draws, draws, y)["crps"], exact, rtol=1e-10)


def test_crps_of_one_certain_value_is_the_absolute_error():
    still = xr.DataArray(np.full((1, 50, 2), 3.0), dims=("chain", "draw", "obs"))
    summary = summarise_values(certain(still), still, still, np.array([5.0, 2.0]))
    np.testing.assert_allclose(summary["crps"], [2.0, 1.0])


@pytest.mark.parametrize("seed", range(3))
def test_regression_scores_match_their_closed_forms(seed):
    summary, center, y = values(seed)
    assert regression.rmse(summary, y) == pytest.approx(
        skl.root_mean_squared_error(y, summary["mean"].values), abs=1e-10
    )
    # The mixture over draws is N(center, 1.25); 4000 draws give its log density to about 1 %, 5 times that.
    np.testing.assert_allclose(summary["log_density"], stats.norm.logpdf(y, center, np.hypot(0.5, 1)), atol=0.12)
    # Sample variances of 4000 draws have a relative error of sqrt(2 / 4000) = 2 %; 5 of them.
    np.testing.assert_allclose(summary["epistemic"], 0.25, rtol=0.11)
    np.testing.assert_allclose(summary["aleatoric"], 1.0, rtol=1e-12)


def uncertain(seed, dims, nu=None, n=20, shape=(4, 5000)):
    """Draw what is expected and a noise over some dimensions, and an outcome from each draw."""
    rng = np.random.default_rng(seed)
    expected = xr.DataArray(rng.gamma(2.0, size=n) * rng.normal(size=(*shape, n)), dims=(*SAMPLE, "obs"))
    sigma = xr.DataArray(rng.gamma(9.0, 0.1, [expected.sizes[name] for name in dims]), dims=dims)
    predictive = xr.Dataset({"expected": expected, "sigma": sigma})
    if nu is None:
        return predictive, expected + sigma * expected.copy(data=rng.normal(size=expected.shape))
    predictive["nu"] = (SAMPLE, rng.uniform(nu, 2 * nu, shape))
    unit = rng.standard_t(predictive["nu"].values[..., None], expected.shape)
    return predictive, expected + sigma * expected.copy(data=unit)


@pytest.mark.slow
@pytest.mark.parametrize("nu", [None, 12.0], ids=["normal", "student-t"])
@pytest.mark.parametrize("dims", [(), ("obs",), SAMPLE, (*SAMPLE, "obs")], ids=str)
def test_aleatoric_and_epistemic_variance_add_up_to_that_of_the_outcome(dims, nu):
    predictive, response = uncertain(0, dims, nu)
    summary = summarise_values(predictive, response, response, np.zeros(20))
    assert summary["aleatoric"].dims == summary["epistemic"].dims == ("obs",)
    total = response.var(SAMPLE)
    error = np.sqrt((((response - response.mean(SAMPLE)) ** 2).var(SAMPLE)) / 20_000)
    # 20 rows in 8 cases at 4 standard errors of a variance: exceeded by chance once in 100 runs; the seed is fixed.
    assert (np.abs(summary["aleatoric"] + summary["epistemic"] - total) <= 4 * error).all()


@given(seed=SEEDS, nu=st.floats(2.1, 50.0))
@quick
def test_noise_variance_is_that_of_scipy(seed, nu):
    predictive, _ = uncertain(seed, SAMPLE, nu, n=1, shape=(2, 3))
    exact = stats.t.var(predictive["nu"], scale=predictive["sigma"])
    np.testing.assert_allclose(noise_variance(predictive), exact, rtol=1e-12)


def test_noise_of_which_one_draw_has_no_finite_variance_has_none():
    predictive, response = uncertain(0, SAMPLE, 3.0, shape=(1, 50))
    predictive["nu"][0, 7] = 2.0
    summary = summarise_values(predictive, response, response, np.zeros(20))
    assert np.isposinf(summary["aleatoric"]).all()
    assert np.isfinite(summary["epistemic"]).all()


@pytest.mark.slow
def test_coverage_counts_the_rows_inside_the_interval():
    summary, _, _ = values(seed=0, n=4000, n_draws=400)
    y = np.random.default_rng(0).normal(size=4000)
    inside = [low <= value <= high for low, high, value in zip(summary["low"], summary["high"], y, strict=True)]
    assert regression.coverage_90(summary, y) == pytest.approx(np.mean(inside), abs=1e-10)


@pytest.mark.slow
@pytest.mark.parametrize("prob", regression.PROBS)
def test_coverage_of_the_right_distribution_is_its_probability(prob):
    rng = np.random.default_rng(0)
    center = rng.normal(size=2000)
    y = center + rng.normal(size=2000)
    response = xr.DataArray(center + rng.normal(size=(1, 1000, 2000)), dims=("chain", "draw", "obs"))
    summary = summarise_values(certain(response), response, response, y)
    # Binomial standard error of 2000 rows, and that of two quantiles of 1000 draws of each row. Four of both.
    error = np.sqrt(prob * (1 - prob) / 2000) + np.sqrt((1 - prob) / 1000 / 2000)
    coverage = getattr(regression, f"coverage_{100 * prob:.0f}")
    assert coverage(summary, y) == pytest.approx(prob, abs=4 * error)
    # The transforms of the right distribution are uniform; Kolmogorov's statistic of 2000, passed by 999 in 1,000.
    assert stats.kstest(summary["pit"], "uniform").statistic < 1.95 / np.sqrt(2000)


def test_neither_more_nor_less_coverage_than_meant_is_better():
    assert regression.coverage_90.goodness(0.9) > regression.coverage_90.goodness(0.95)
    assert regression.coverage_90.goodness(0.9) > regression.coverage_90.goodness(0.85)
    assert classification.accuracy.goodness(0.9) > classification.accuracy.goodness(0.8)
    assert regression.rmse.goodness(1.0) > regression.rmse.goodness(2.0)


@pytest.mark.slow
def test_the_right_distribution_has_the_best_interval_score_and_crps():
    right, wide, narrow = (values(0, n=4000, n_draws=400, noise=noise)[::2] for noise in (np.sqrt(0.75), 2.0, 0.2))
    for metric in (regression.crps, regression.interval_score_50, regression.interval_score_95):
        own, *others = (metric(*case) for case in (right, wide, narrow))
        assert own < min(others)


@given(seed=st.integers(0, 1000), n_blocks=st.integers(1, 30), per_block=st.integers(1, 4))
@quick
def test_bootstrap_weights_of_whole_groups_sum_to_their_number(seed, n_blocks, per_block):
    groups = np.repeat([f"g{k}" for k in range(n_blocks)], per_block)
    codes, weights = block_weights(groups, resamples=20, seed=seed)
    assert (weights.sum(axis=1) == n_blocks).all()
    assert len(np.unique(codes)) == n_blocks
    assert all(len(set(codes[groups == name])) == 1 for name in groups)


@given(seed=st.integers(0, 1000))
@quick
def test_bootstrap_mean_is_the_mean_of_the_rows_drawn(seed):
    rng = np.random.default_rng(seed)
    groups, rows = rng.integers(4, size=25), rng.normal(size=(25, 2))
    assume(len(np.unique(groups)) == 4)
    codes, weights = block_weights(groups, resamples=8, seed=seed)
    drawn = [np.repeat(np.arange(25), weight[codes]) for weight in weights]
    np.testing.assert_allclose(bootstrap(rows, codes, weights), [rows[i].mean(axis=0) for i in drawn], rtol=1e-10)


def test_bootstrap_standard_error_is_that_of_the_mean():
    rows = np.random.default_rng(0).normal(size=500)
    codes, weights = block_weights(np.arange(500), resamples=4000, seed=0)
    spread = bootstrap(rows, codes, weights).std()
    # A spread of 4000 resamples has a relative error of 1 / sqrt(8000) = 1.1 %; four of them.
    assert spread == pytest.approx(rows.std() / np.sqrt(500), rel=0.045)


def test_more_rows_than_blocks_are_pooled_and_keep_the_standard_error():
    rows = np.random.default_rng(0).normal(size=20_000)
    codes, weights = block_weights(np.arange(20_000), resamples=2000, seed=0)
    assert weights.shape == (2000, 2000)
    # Resamples: 1.6 %; spread of 2000 random pools: another 1.6 %. Four of both.
    assert bootstrap(rows, codes, weights).std() == pytest.approx(rows.std() / np.sqrt(20_000), rel=0.09)


@given(n_blocks=st.integers(2, 500), prob=st.sampled_from([0.5, 0.89, 0.95]))
@quick
def test_the_expanded_interval_is_wider_than_the_plain_percentiles(n_blocks, prob):
    samples = np.random.default_rng(n_blocks).normal(size=2000)
    low, high = interval(samples, n_blocks, prob=prob)
    plain = np.quantile(samples, [(1 - prob) / 2, (1 + prob) / 2])
    assert low < plain[0] < plain[1] < high


def test_with_many_blocks_it_is_the_plain_percentile_interval():
    samples = np.random.default_rng(0).normal(size=2000)
    np.testing.assert_allclose(interval(samples, 10**7, prob=0.9), np.quantile(samples, [0.05, 0.95]), atol=1e-6)


@pytest.mark.parametrize("n_blocks", [2, 3, 5, 7])
def test_few_blocks_get_the_interval_of_student_and_hold_the_mean_as_often_as_stated(n_blocks):
    # 300 sets at 95 %: at most 28 misses but once in 1,000 times. Percentiles miss 150 of 300 with two blocks.
    rng, missed = np.random.default_rng(n_blocks), 0
    for _ in range(300):
        rows = np.repeat(rng.normal(size=n_blocks), 4)
        samples = bootstrap(rows, *block_weights(np.arange(4 * n_blocks) // 4, resamples=400, seed=0))
        low, high = interval(samples, n_blocks, prob=0.95)
        missed += not low <= 0 <= high
    assert missed <= 28
    assert interval(samples, n_blocks, prob=0.95, bounds=(-0.01, 0.02)) == (-0.01, 0.02)


def test_one_block_gives_no_interval():
    assert np.isnan(interval(np.zeros(100), 1, prob=0.95)).all()


@given(seed=SEEDS)
@quick
def test_the_bootstrap_of_no_difference_is_exactly_zero(seed):
    codes, weights = block_weights(np.arange(30), resamples=50, seed=seed)
    assert not bootstrap(np.zeros(30), codes, weights).any()


def scored(task, seed=0):
    if task == "regression":
        summary, _, y = values(seed, n_draws=400)
        return summary, y
    draws, y = predictions(seed, 2 if task == "two classes" else 4)
    return summarise_classes(draws), y


TASKS = {"two classes": "classification", "four classes": "classification", "regression": "regression"}
METRICS = [(task, name) for task, kind in TASKS.items() for name in catalog.metrics(kind)]


@pytest.mark.parametrize(("task", "name"), METRICS)
def test_a_bootstrap_that_takes_each_row_once_gives_the_score(task, name):
    summary, y = scored(task)
    metric = catalog.metrics(TASKS[task])[name]
    once = metric.resampled(summary, y, (np.arange(len(y)), np.ones((3, len(y)), dtype=int)))
    np.testing.assert_allclose(once, np.full(3, metric(summary, y)), rtol=1e-12)


@pytest.mark.parametrize(("task", "name"), METRICS)
def test_a_bootstrap_sample_scores_the_rows_that_it_draws(task, name):
    summary, y = scored(task)
    metric, groups = catalog.metrics(TASKS[task])[name], np.arange(len(y)) % 7
    codes, weights = block_weights(groups, resamples=5, seed=1)
    found = metric.resampled(summary, y, (codes, weights))
    for weight, score in zip(weights, found, strict=True):
        drawn = np.repeat(np.arange(len(y)), weight[codes])
        assert metric(summary.isel(obs=drawn), y[drawn]) == pytest.approx(score, abs=1e-10)


@pytest.mark.parametrize("groups", [7, 60])
def test_few_blocks_are_summed_in_another_way_and_give_the_same(groups, monkeypatch):
    rng = np.random.default_rng(0)
    values, loss = rng.random(300).round(2), rng.random(300)
    blocks = block_weights(rng.integers(groups, size=300), resamples=50, seed=0)
    found = []
    for few in (0, 100):
        monkeypatch.setattr(base, "FEW_BLOCKS", few)
        found.append([bootstrap_ranked(values, part, classification.roc_auc_of, blocks) for part in (loss > 0.7, loss)])
    np.testing.assert_allclose(found[0], found[1], rtol=1e-12)


def test_metrics_scored_together_are_those_scored_alone():
    summary, y = scored("four classes")
    metrics, blocks = catalog.metrics("classification"), block_weights(np.arange(len(y)), resamples=20, seed=0)
    together = resample(metrics.values(), summary, y, blocks)
    assert set(together) == set(metrics)
    for name, metric in metrics.items():
        np.testing.assert_array_equal(together[name], metric.resampled(summary, y, blocks))


@given(seed=SEEDS)
@quick
def test_the_order_of_rows_changes_no_score_of_ranks(seed):
    draws, y = predictions(seed, 3)
    summary, order = summarise_classes(draws.round(1) / draws.round(1).sum("label")), np.argsort(y, kind="stable")
    for metric in (classification.roc_auc, classification.average_precision):
        assert metric(summary.isel(obs=order), y[order]) == pytest.approx(metric(summary, y), abs=1e-12)


def test_the_interval_of_a_score_that_chance_raises_is_drawn_below_it():
    # Calibrated forecasts of 200 rows: the true calibration error is 0.
    rng, held, plain = np.random.default_rng(0), 0, 0
    for seed in range(60):
        p = rng.random(200)
        y = (rng.random(200) < p).astype(int)
        summary = xr.Dataset({"probability": (("obs", "label"), np.c_[1 - p, p])})
        blocks = block_weights(np.arange(200), resamples=300, seed=seed)
        metric = classification.calibration_error
        held += metric.interval(summary, y, blocks, prob=0.95)[0] <= 0.01
        plain += interval(metric.resampled(summary, y, blocks), 200, prob=0.95)[0] <= 0.01
    assert plain == 0
    # Of 60 at 90 %, below 45 once in 2,000 times.
    assert held >= 45


def test_ranks_without_an_event_have_no_score():
    summary, _ = scored("two classes")
    assert np.isnan(classification.roc_auc(summary, np.zeros(40, dtype=int)))
    assert np.isnan(classification.average_precision(summary, np.zeros(40, dtype=int)))


def test_a_class_that_never_happens_is_left_out_of_the_mean_over_classes():
    p = np.array([[0.7, 0.2, 0.1], [0.2, 0.7, 0.1], [0.6, 0.3, 0.1], [0.3, 0.6, 0.1]])
    summary = xr.Dataset({"probability": (("obs", "label"), p)})
    assert classification.roc_auc(summary, [0, 1, 0, 1]) == 1.0


@pytest.mark.slow
def test_many_rows_get_fewer_bootstrap_samples_of_ranks():
    rng = np.random.default_rng(0)
    p, y = rng.random(30_000), rng.random(30_000) < 0.5
    blocks = block_weights(np.arange(30_000) % 50, resamples=2000, seed=0)
    assert len(bootstrap_ranked(p, y, classification.roc_auc_of, blocks)) == 1000


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_every_score_lies_within_its_bounds(task):
    if task == "classification":
        draws, y = predictions(0, 3)
        summary = summarise_classes(draws)
    else:
        summary, _, y = values(0, n_draws=400)
    for metric in catalog.metrics(task).values():
        assert metric.bounds[0] <= metric(summary, y) <= metric.bounds[1]
