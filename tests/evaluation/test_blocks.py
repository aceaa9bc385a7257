"""Intervals of a split by place resample its blocks: wider than over rows where errors follow a field, and true."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from bayesgeo import catalog, compare, evaluate, split
from bayesgeo.datasets.assembly import assemble
from bayesgeo.datasets.base import Column, Dataset
from bayesgeo.metrics import likeness

SIDE, RANGE, WAVES = 100.0, 4.0, 200


def field(rng: np.random.Generator, places: np.ndarray) -> np.ndarray:
    """Draw a Gaussian field of unit variance, by random waves of a squared exponential covariance."""
    waves, phase = rng.normal(0, 1 / RANGE, (2, WAVES)), rng.uniform(0, 2 * np.pi, WAVES)
    return np.sqrt(2 / WAVES) * np.cos(places @ waves + phase).sum(axis=1)


def surveyed(seed: int, rows: int = 400) -> Dataset:
    """Return values that follow a field around zero, and a feature of which they know nothing."""
    rng = np.random.default_rng(seed)
    places = rng.uniform(0, SIDE, (rows, 2))
    y = 10.0 + field(rng, places) + 0.3 * rng.normal(size=rows)
    frame = pd.DataFrame({"a": rng.normal(size=rows)})
    coordinates = pd.DataFrame({"easting": places[:, 0], "northing": places[:, 1]})
    return assemble("survey", frame, columns=[Column("a", "")], target=pd.Series(y, name="z"), coordinates=coordinates)


@pytest.mark.slow
def test_intervals_over_blocks_are_wider_than_over_rows_and_hold_the_truth(monkeypatch) -> None:
    monkeypatch.setattr(likeness, "FLIPS", 111)
    # The mean of the values predicts N(10, 1.09): its mean absolute error in the long run is sqrt(2 x 1.09 / pi).
    truth, held, wider, repeats = np.sqrt(2 * 1.09 / np.pi), 0, [], 25
    for seed in range(repeats):
        data = surveyed(seed)
        ends = {}
        for kind in ("spatial", "random")[: 2 if seed < 8 else 1]:
            scores = evaluate(catalog.model("mean", "regression"), data, split(data, kind))["metrics"].to_dataset()
            ends[kind] = [float(scores[end].sel(metric="mae")) for end in ("low", "high")]
        held += ends["spatial"][0] <= truth <= ends["spatial"][1]
        if "random" in ends:
            assert scores.attrs["resampled"] == "row"
            wider.append(np.diff(ends["spatial"]).item() / np.diff(ends["random"]).item())
    assert min(wider) > 1.0
    assert np.median(wider) > 1.2
    assert held >= stats.binom.ppf(0.005, repeats, 0.95)


@pytest.mark.slow
def test_every_interval_of_a_split_by_place_counts_its_blocks() -> None:
    data = surveyed(0)
    by = split(data, "spatial")
    trees = {name: evaluate(catalog.model(name, "regression"), data, by) for name in ("mean", "ridge")}
    tree, blocks = trees["mean"], len(np.unique(by.blocks))
    assert tree["metrics"].attrs["resampled"] == "block of the map"
    assert tree["metrics"].attrs["blocks"] == blocks < data.n_rows
    assert compare(trees)["blocks"].tolist() == [blocks]
    assert tree["calibration"].attrs["correlation"] > 0.1
    band = tree["calibration"].to_dataset()
    independent = stats.binom.ppf([0.025, 0.975], data.n_rows, 1 / band.sizes["bin"])
    assert (band["pit_high"] - band["pit_low"]).mean() > np.diff(independent)[0] + 1
