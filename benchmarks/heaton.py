"""Temperatures of a satellite under clouds: the comparison of Heaton et al. (2019), by spatial regression.

    python benchmarks/heaton.py OUT.csv              predict the 42,740 hidden places from all 105,569 pixels
    python benchmarks/heaton.py --holes ud,lr        instead, score pixels under the mirrored clouds

The model has its defaults: a linear trend of longitude and latitude, two Matérn fields and a nugget, nearest-neighbour
likelihood, and the posterior of the scales. OUT.csv has ``longitude, latitude, mean, sd, low, high`` (95 %). With
--holes the clouds are mirrored, up to down or left to right: pixels under the mirrored clouds are held out, holes of
the same sizes. Published on the hidden places (RMSE, CRPS, coverage): SPDE 1.53, .83, .97; conjugate NNGP 1.64, .85,
.95. Needs ``heaton_temperature`` in the folder that BAYESGEO_DATA names.
"""

import argparse
import os
import resource
import time
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

import bayesgeo as bg

DATA = Path(os.environ.get("BAYESGEO_DATA", ".")) / "heaton_temperature"
PLACE = ["longitude", "latitude"]
LEVEL = 0.95


def predict(train: pd.DataFrame, places: pd.DataFrame) -> pd.DataFrame:
    """Fit the training pixels; return mean, sd and interval at the places."""
    model = bg.SpatialRegression(random_state=0)
    begun = time.perf_counter()
    model.fit(train[PLACE], train["temperature"], coordinates=train[PLACE])
    print(f"fit {time.perf_counter() - begun:.0f} s", flush=True)
    posterior = model.posterior_["posterior"].to_dataset()
    shown = posterior[["field_sd", "practical_range", "noise_sd"]]
    print(shown.mean(("chain", "draw")).to_dataframe().round(3).to_string())
    parts = []
    for part in model.stream_predictive(places[PLACE], coordinates=places[PLACE]):
        expected, variance = part["expected"], part["sigma"] ** 2
        draws = ("chain", "draw")
        parts.append(np.stack([expected.mean(draws), np.sqrt(variance.mean(draws) + expected.var(draws))], axis=1))
    mean, sd = np.concatenate(parts).T
    # The scales of so many pixels are known so well that the mixture over their draws is normal.
    half = stats.norm.ppf((1 + LEVEL) / 2) * sd
    print(f"with predictions {time.perf_counter() - begun:.0f} s", flush=True)
    return places[PLACE].assign(mean=mean, sd=sd, low=mean - half, high=mean + half)


def score(found: pd.DataFrame, y: np.ndarray) -> str:
    """Return RMSE, MAE, CRPS (of a normal distribution; Gneiting & Raftery 2007) and coverage."""
    error, sd = y - found["mean"].to_numpy(), found["sd"].to_numpy()
    z = error / sd
    crps = sd * (z * (2 * stats.norm.cdf(z) - 1) + 2 * stats.norm.pdf(z) - 1 / np.sqrt(np.pi))
    inside = (found["low"] <= y) & (y <= found["high"])
    return (
        f"RMSE {np.sqrt(np.mean(error**2)):.3f}, MAE {np.abs(error).mean():.3f}, CRPS {crps.mean():.3f}, "
        f"coverage of {LEVEL:.0%} intervals {inside.mean():.3f}"
    )


def under_mirrored_clouds(train: pd.DataFrame, hidden: pd.DataFrame, how: str) -> np.ndarray:
    """Return which pixels lie under the clouds mirrored up to down (``ud``) or left to right (``lr``)."""
    everything = pd.concat([train[PLACE], hidden[PLACE]]).round(6)
    codes = [np.unique(everything[name], return_inverse=True)[1] for name in PLACE]
    cloudy = np.zeros([code.max() + 1 for code in codes], dtype=bool)
    n = len(train)
    cloudy[codes[0][n:], codes[1][n:]] = True
    mirrored = cloudy[:, ::-1] if how == "ud" else cloudy[::-1]
    return mirrored[codes[0][:n], codes[1][:n]]


def main() -> None:
    """Predict the hidden places, or score mirrored holes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", nargs="?", type=Path)
    parser.add_argument("--holes", default="")
    options = parser.parse_args()
    train, hidden = (pd.read_csv(DATA / f"{name}.csv.gz") for name in ("train", "test_locations"))
    for how in filter(None, options.holes.split(",")):
        held = under_mirrored_clouds(train, hidden, how)
        print(f"holes {how}: {held.sum():,} of {len(train):,} pixels held out")
        print(score(predict(train[~held], train[held]), train["temperature"].to_numpy()[held]))
    if options.out:
        predict(train, hidden).to_csv(options.out, index=False)
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.2f} GiB")


if __name__ == "__main__":
    main()
