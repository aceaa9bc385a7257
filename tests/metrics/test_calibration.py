"""Calibration: parts add up, what is calibrated passes, what is not is found."""

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from bayesgeo.metrics import classification
from bayesgeo.metrics.base import block_weights
from bayesgeo.metrics.calibration import class_calibration, decompose
from bayesgeo.metrics.transforms import value_calibration

SEEDS = st.integers(0, 2**32 - 1)
quick = settings(deadline=None, max_examples=40)


def forecasts(seed, n=80, decimals=2):
    rng = np.random.default_rng(seed)
    said = rng.beta(0.5, 0.5, n).round(decimals)
    return said, rng.random(n) < rng.random()


def of(p, y, seed=0):
    summary = xr.Dataset({"probability": (("obs", "label"), p)})
    return class_calibration(summary, y, tuple("abcdef"[: p.shape[1]]), prob=0.95, seed=seed)


def binary(said, happened, seed=0):
    return of(np.c_[1 - said, said], np.asarray(happened, dtype=int), seed)


@given(seed=SEEDS, score=st.sampled_from(["brier_score", "log_loss"]))
@quick
def test_parts_add_up_to_the_score_and_none_is_negative(seed, score):
    said, happened = forecasts(seed)
    parts = decompose(said, happened, score=score)
    summary = xr.Dataset({"probability": (("obs", "label"), np.c_[1 - said, said])})
    own = getattr(classification, score)(summary, happened.astype(int))
    assert parts.score == pytest.approx(own, abs=1e-10)
    assert parts.miscalibration - parts.discrimination + parts.uncertainty == pytest.approx(own, abs=1e-10)
    assert min(parts.miscalibration, parts.discrimination, parts.uncertainty) >= -1e-12


@pytest.mark.slow
@given(seed=SEEDS, n_labels=st.integers(2, 5))
@quick
def test_parts_of_the_classes_add_up_to_the_brier_score(seed, n_labels):
    rng = np.random.default_rng(seed)
    p, y = rng.dirichlet(np.ones(n_labels), size=40), rng.integers(n_labels, size=40)
    parts = of(p, y).sum("label")
    total = parts["label_miscalibration"] - parts["label_discrimination"] + parts["label_uncertainty"]
    brier = classification.brier_score(xr.Dataset({"probability": (("obs", "label"), p)}), y)
    assert float(total) == pytest.approx(brier, abs=1e-10)


@pytest.mark.slow
@given(seed=SEEDS)
@quick
def test_what_is_recalibrated_has_no_miscalibration_left(seed):
    said, happened = forecasts(seed)
    found = binary(said, happened)
    fit = np.interp(said, found["predicted"], found["observed"])
    again = decompose(fit, happened)
    before = decompose(said, happened)
    assert again.miscalibration == pytest.approx(0.0, abs=1e-12)
    assert again.discrimination == pytest.approx(before.discrimination, abs=1e-12)


@given(seed=SEEDS)
@quick
def test_any_rising_map_of_the_forecast_keeps_its_discrimination(seed):
    said, happened = forecasts(seed)
    assert decompose(said**2, happened).discrimination == pytest.approx(
        decompose(said, happened).discrimination, abs=1e-12
    )


def test_a_constant_forecast_does_not_discriminate():
    parts = decompose(np.full(100, 0.3), np.arange(100) < 40)
    assert parts.discrimination == pytest.approx(0.0, abs=1e-15)
    assert parts.miscalibration == pytest.approx(0.01, abs=1e-12)
    assert parts.uncertainty == pytest.approx(0.24, abs=1e-12)


@pytest.mark.slow
def test_a_calibrated_forecast_is_not_rejected_more_often_than_chance():
    # p values of 200 calibrated forecasts: as many below .05 as a binomial(200, .05) allows but once in 1,000 times.
    rng, low = np.random.default_rng(0), 0
    for seed in range(200):
        said = rng.beta(1, 1, 60).round(1)
        found = binary(said, rng.random(60) < said, seed)
        low += float(found["p_calibrated"].sel(score="brier_score")) <= 0.05
    assert low <= 21


@pytest.mark.slow
def test_miscalibration_of_a_calibrated_forecast_shrinks_with_the_rows():
    rng = np.random.default_rng(0)
    found = []
    for n in (100, 1000, 10_000):
        said = rng.random(n)
        result = binary(said, rng.random(n) < said).sel(score="brier_score")
        assert result["miscalibration"] <= 1.5 * result["miscalibration_by_chance"]
        found.append(float(result["miscalibration_by_chance"]))
    assert found[0] > 3 * found[1] > 9 * found[2]


def test_an_overconfident_forecast_is_found_out_and_its_curve_leaves_the_band():
    rng = np.random.default_rng(0)
    true = rng.random(2000)
    said = np.clip(0.5 + 2.0 * (true - 0.5), 0.01, 0.99)
    found = binary(said, rng.random(2000) < true)
    assert (found["miscalibration"] > found["miscalibration_by_chance"]).all()
    assert (found["p_calibrated"] < 0.01).all()
    outside = (found["observed"] < found["band_low"]) | (found["observed"] > found["band_high"])
    assert outside.mean() > 0.5


@pytest.mark.slow
def test_the_curve_of_a_calibrated_forecast_stays_in_its_pointwise_band():
    rng, shares = np.random.default_rng(0), []
    for seed in range(40):
        said = rng.random(300)
        found = binary(said, rng.random(300) < said, seed)
        inside = (found["band_low"] <= found["observed"]) & (found["observed"] <= found["band_high"])
        shares.append(float(inside.mean()))
    # Points of one curve go together: by the spread over 40 curves, four standard errors of their mean.
    assert np.mean(shares) == pytest.approx(0.95, abs=4 * np.std(shares) / np.sqrt(40))


@pytest.mark.slow
@given(seed=SEEDS)
@quick
def test_the_curve_rises_within_bounds_and_counts_every_row(seed):
    said, happened = forecasts(seed, n=300, decimals=4)
    found = binary(said, happened)
    assert (np.diff(found["predicted"]) > 0).all()
    assert (np.diff(found["observed"]) >= 0).all()
    assert (found["band_low"] <= found["band_high"]).all()
    assert int(found["rows"].sum()) == 300
    assert found.sizes["point"] <= 100


def test_the_same_seed_gives_the_same_band():
    said, happened = forecasts(0)
    assert binary(said, happened).identical(binary(said, happened))


def test_the_event_of_several_labels_is_that_the_most_probable_one_is_right():
    rng = np.random.default_rng(0)
    p, y = rng.dirichlet(np.ones(3), size=200), rng.integers(3, size=200)
    hit = decompose(p.max(axis=1), p.argmax(axis=1) == y)
    found = of(p, y)
    assert found.attrs["event"] == "the most probable class is right"
    assert float(found["miscalibration"].sel(score="brier_score")) == pytest.approx(hit.miscalibration, abs=1e-15)


@pytest.mark.parametrize("said", [[1.2], [-0.1], [np.nan]])
def test_what_is_no_probability_is_refused(said):
    with pytest.raises(ValueError, match=r"Invalid probabilities .* They must lie between 0 and 1"):
        decompose(np.array(said), np.array([True]))


def test_a_score_that_is_not_known_is_refused():
    with pytest.raises(ValueError, match=r"Invalid score 'brier'\. It is not known\. Did you mean 'brier_score'"):
        decompose(np.array([0.5]), np.array([True]), score="brier")


def test_no_rows_are_refused():
    with pytest.raises(ValueError, match=r"Invalid probabilities .* Give one of each for each row"):
        decompose(np.array([]), np.array([]))


def values(pit):
    predictions = xr.Dataset({"pit": ("obs", pit)})
    blocks = block_weights(np.arange(len(pit)), resamples=500, seed=0)
    return value_calibration(predictions, np.zeros(len(pit)), blocks, prob=0.95)


def test_coverage_at_each_level_is_the_share_of_central_transforms():
    pit = np.random.default_rng(0).random(500)
    found = values(pit)
    by_hand = [np.mean((pit >= (1 - p) / 2) & (pit <= (1 + p) / 2)) for p in found["level"].values]
    np.testing.assert_allclose(found["coverage"], by_hand, atol=1e-10)
    assert (found["low"] <= found["coverage"]).all()
    assert (found["coverage"] <= found["high"]).all()
    assert int(found["pit_count"].sum()) == 500
    assert float(found["pit_deviation"]) == pytest.approx(stats.kstest(pit, "uniform").statistic, abs=1e-12)


def test_uniform_transforms_stay_in_the_band_and_u_shaped_ones_do_not():
    rng = np.random.default_rng(0)
    right, narrow = values(rng.random(2000)), values(rng.beta(0.5, 0.5, 2000))
    inside = (right["pit_low"] <= right["pit_count"]) & (right["pit_count"] <= right["pit_high"])
    # 20 bins at 95 %: more than 4 outside happens less than once in 300 times.
    assert inside.sum() >= 16
    assert narrow["pit_count"][0] > narrow["pit_high"][0]
    assert (narrow["coverage"] < narrow["level"])[5:15].all()


def test_certain_transforms_of_zero_and_one_are_counted():
    assert values(np.array([0.0, 1.0]))["pit_count"].values[[0, -1]].tolist() == [1, 1]
