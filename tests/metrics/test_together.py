"""Outcomes of one block that go together: their correlation is found, and bands and p-values allow for it."""

import numpy as np
import pytest
import xarray as xr
from scipy import special, stats

from bayesgeo.metrics import together, transforms
from bayesgeo.metrics.base import block_weights
from bayesgeo.metrics.calibration import class_calibration
from bayesgeo.metrics.together import events_together, expected_squares, has_blocks, scores_together
from bayesgeo.metrics.transforms import value_calibration


def normals(rng: np.random.Generator, codes: np.ndarray, rho: float) -> np.ndarray:
    """Draw normal scores whose correlation within blocks is ``rho``."""
    shared = rng.normal(size=codes.max() + 1)[codes]
    return np.sqrt(rho) * shared + np.sqrt(1 - rho) * rng.normal(size=len(codes))


@pytest.mark.parametrize("rho", [0.0, 0.2, 0.6])
def test_the_correlation_of_events_and_of_scores_is_found(rho: float) -> None:
    rng, codes = np.random.default_rng(0), np.repeat(np.arange(400), np.tile([5, 15], 200))
    z, p = normals(rng, codes, rho), rng.beta(2, 2, len(codes))
    for found in (events_together(p, z < special.ndtri(p), codes, 400, rng), scores_together(z, codes, 400, rng)):
        # Squares of 400 blocks err by sqrt(2 / 400) = .07 of the variance of their sums, of which rows are a share.
        assert found.typical == pytest.approx(rho, abs=4 * 0.07 * (rho + 0.2))
        assert found.correlation.std() == pytest.approx(0.07 * (rho + 0.1), abs=0.03)


def test_the_series_of_two_events_is_their_bivariate_normal_probability() -> None:
    # Two blocks of one pair each: half of the variances of both sums is left, the variance of one.
    found = expected_squares(np.array([0.3, 0.8, 0.3, 0.8]), np.array([0, 0, 1, 1]))
    z = stats.norm.ppf([0.3, 0.8])
    for rho in (0.0, 0.3, 0.5, 0.7):
        both = stats.multivariate_normal([0, 0], [[1, rho], [rho, 1]]).cdf(z)
        variance = 0.3 * 0.7 + 0.8 * 0.2 + 2 * (both - 0.3 * 0.8)
        # What is cut off begins with rho^31.
        assert found[round(100 * rho)] == pytest.approx(variance, abs=2e-5)


@pytest.mark.parametrize("rho", [0.0, 0.5])
def test_drawn_scores_are_standard_normal_and_alike_within_blocks_alone(rho: float) -> None:
    codes = np.repeat(np.arange(5000), 2)
    z = together.Together(codes, np.array([rho])).normals(0, np.random.default_rng(1))
    assert z.mean() == pytest.approx(0, abs=4 * np.sqrt((1 + rho) / 10_000))
    assert z.std() == pytest.approx(1, abs=0.04)
    assert np.corrcoef(z[::2], z[1::2])[0, 1] == pytest.approx(rho, abs=4 / np.sqrt(5000))
    assert np.corrcoef(z[2::2], z[1:-1:2])[0, 1] == pytest.approx(0, abs=4 / np.sqrt(5000))


def test_rows_without_blocks_count_as_independent() -> None:
    p = np.random.default_rng(2).random(60)
    y = (np.random.default_rng(3).random(60) < p).astype(int)
    summary = xr.Dataset({"probability": (("obs", "label"), np.c_[1 - p, p])})
    bare = class_calibration(summary, y, ("no", "yes"), prob=0.95, seed=0)
    for codes in (np.arange(60), np.zeros(60, dtype=int)):
        assert not has_blocks(codes)
        assert class_calibration(summary, y, ("no", "yes"), prob=0.95, seed=0, codes=codes).identical(bare)
    assert np.isnan(bare.attrs["correlation"])


@pytest.mark.slow
@pytest.mark.parametrize("blocks", [6, 30])
def test_calibrated_events_of_few_blocks_are_rejected_as_rarely_as_stated(blocks: int, monkeypatch) -> None:
    monkeypatch.setattr(together, "MOST", 200)
    repeats, rejected, bare, inside = 100, 0, 0, []
    for seed in range(repeats):
        rng = np.random.default_rng([seed, blocks])
        codes = np.repeat(np.arange(blocks), 1 + rng.poisson(19, blocks))
        p = special.ndtr(0.8 * rng.normal(size=len(codes)) - 0.3)
        y = (normals(rng, codes, 0.33) < special.ndtri(p)).astype(int)
        summary = xr.Dataset({"probability": (("obs", "label"), np.c_[1 - p, p])})
        found = class_calibration(summary, y, ("no", "yes"), prob=0.95, seed=seed, codes=codes)
        of_rows = class_calibration(summary, y, ("no", "yes"), prob=0.95, seed=seed)
        rejected += int(found["p_calibrated"][0] <= 0.05)
        bare += int(of_rows["p_calibrated"][0] <= 0.05)
        held = (found["band_low"] <= found["observed"]) & (found["observed"] <= found["band_high"])
        inside.append(float(held.mean()))
    assert rejected <= stats.binom.ppf(0.999, repeats, 0.05) < bare
    assert np.mean(inside) >= 0.95 - 4 * np.std(inside) / np.sqrt(repeats)


@pytest.mark.slow
def test_the_band_of_transforms_holds_counts_of_blocks_that_go_together() -> None:
    inside = []
    for seed in range(40):
        rng, codes = np.random.default_rng(seed), np.repeat(np.arange(12), 25)
        pit = xr.Dataset({"pit": ("obs", special.ndtr(normals(rng, codes, 0.4)))})
        drawn = block_weights(codes, resamples=20, seed=seed)
        shares = []
        for given in (codes, None):
            found = value_calibration(pit, np.zeros(300), drawn, prob=0.95, seed=seed, codes=given)
            held = (found["pit_low"] <= found["pit_count"]) & (found["pit_count"] <= found["pit_high"])
            shares.append(float(held.mean()))
        inside.append(shares)
    with_blocks, without = np.mean(inside, axis=0)
    assert with_blocks >= 0.95 - 4 * np.std(inside, axis=0)[0] / np.sqrt(40)
    assert without < 0.93
    assert found.sizes["bin"] == transforms.PIT_BINS
