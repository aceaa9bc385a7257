"""A satellite's map of temperature with clouds in it: the gaps filled, and how surely.

Run: python workflows/09_surface_temperature.py [OUT] [STEP]

The pixels (Heaton et al. 2019, doi:10.1007/s13253-018-00348-w) come as a file of R, so no loader fetches them:
BAYESGEO_DATA names a folder with heaton_temperature/train.csv.gz and test_locations.csv.gz. Every second pixel either
way is used (STEP 2), a quarter of them; all (1) take about five minutes. What was under the clouds is not known here:
benchmarks/heaton.py scores holes of the same shapes.
"""

import os
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import xarray as xr

import bayesgeo as bg

OUT = Path(sys.argv[1] if len(sys.argv) > 1 else "runs/temperature")
STEP = int(sys.argv[2]) if len(sys.argv) > 2 else 2
DATA = Path(os.environ.get("BAYESGEO_DATA", ".")) / "heaton_temperature"
PLACE = ["longitude", "latitude"]


def pixels() -> pd.DataFrame:
    table = pd.concat([pd.read_csv(DATA / f"{name}.csv.gz") for name in ("train", "test_locations")])
    number = table[PLACE].round(6).apply(lambda values: pd.factorize(values, sort=True)[0])
    return table[(number % STEP == 0).all(axis=1)].round(dict.fromkeys(PLACE, 6)).reset_index(drop=True)


def filled(model: bg.SpatialRegression, gaps: pd.DataFrame) -> pd.DataFrame:
    parts = []
    for part in model.stream_predictive(gaps[PLACE], coordinates=gaps[PLACE]):
        variance = (part["sigma"] ** 2).mean(("chain", "draw")) + part["expected"].var(("chain", "draw"))
        parts.append({"mean": part["expected"].mean(("chain", "draw")).values, "sd": np.sqrt(variance).values})
    return gaps[PLACE].assign(**{name: np.concatenate([part[name] for part in parts]) for name in ("mean", "sd")})


def draw(image: xr.Dataset) -> None:
    figure, axes = plt.subplots(1, 3, figsize=(15, 4.6), sharex=True, sharey=True, layout="constrained")
    low, high = image["temperature"].quantile([0.005, 0.995]).values
    warm = {"cmap": "inferno", "vmin": low, "vmax": high}
    looks = {"temperature": warm, "mean": warm, "sd": {"cmap": "viridis", "vmin": 0.5}}
    titles = ("as measured, clouds grey", "gaps filled with the mean", "gaps: standard deviation")
    for panel, (name, look), title in zip(axes, looks.items(), titles, strict=True):
        drawn = panel.pcolormesh(image["longitude"], image["latitude"], image[name], rasterized=True, **look)
        panel.set(title=title, xlabel="longitude (°)", aspect=1 / np.cos(np.radians(35.7)))
        panel.set_facecolor("w" if name == "sd" else "0.7")
        if name != "temperature":
            figure.colorbar(
                drawn, ax=panel, label="land surface temperature (°C)" if name == "mean" else "°C", shrink=0.8
            )
    axes[0].set_ylabel("latitude (°)")
    figure.savefig(OUT / "temperature.png", dpi=140)


def main() -> None:
    OUT.mkdir(parents=True, exist_ok=True)
    table = pixels()
    known, gaps = table.dropna(), table[table["temperature"].isna()]
    print(f"{len(known):,} pixels measured, {len(gaps):,} under clouds")
    # A plane of longitude and latitude, and two fields: one smooth and short, one rough and long.
    model = bg.SpatialRegression(random_state=0).fit(known[PLACE], known["temperature"], coordinates=known[PLACE])
    posterior = model.posterior_["posterior"].to_dataset()
    print(posterior[["field_sd", "practical_range"]].mean(("chain", "draw")).to_dataframe().round(2).to_string())
    found = filled(model, gaps)
    print(
        f"Standard deviation in the gaps: {found['sd'].quantile([0.1, 0.5, 0.9]).round(2).tolist()} °C (10, 50, 90 %)"
    )
    whole = pd.concat([known.assign(mean=known["temperature"]), found])
    draw(whole.set_index(["latitude", "longitude"]).to_xarray())


if __name__ == "__main__":
    main()
