"""Where does the soil hold more than 0.8 mg/kg of cadmium? A map of the Swiss Jura, and where it does not know.

Run: python workflows/07_cadmium_map.py [OUT]

The samples (Goovaerts 1997) come as a file of R, so no loader fetches them: BAYESGEO_DATA names a folder with
jura/jura_prediction.csv, jura_validation.csv and jura_grid.csv, as R's gstat has them.
"""

import os
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import xarray as xr

import bayesgeo as bg
from bayesgeo.maps import area_of_applicability, predict_grid

OUT = Path(sys.argv[1] if len(sys.argv) > 1 else "runs/cadmium")
DATA = Path(os.environ.get("BAYESGEO_DATA", ".")) / "jura"
LIMIT = 0.8  # mg/kg, of the Swiss ordinance for healthy soils
PLACE = ["easting", "northing"]


def samples(name: str) -> pd.DataFrame:
    return pd.read_csv(DATA / f"jura_{name}.csv").rename(columns={"Xloc": "easting", "Yloc": "northing"})


def draw(found: xr.Dataset, at: pd.DataFrame) -> None:
    figure, axes = plt.subplots(1, 2, figsize=(11, 5.2), sharex=True, sharey=True, layout="constrained")
    shown = {"exceedance": ("P(Cd > 0.8 mg/kg)", "cividis"), "sd": ("standard deviation (mg/kg)", "magma")}
    for panel, (name, (title, colours)) in zip(axes, shown.items(), strict=True):
        drawn = panel.pcolormesh(found["easting"], found["northing"], found[name], cmap=colours, rasterized=True)
        figure.colorbar(drawn, label=title, shrink=0.8)
        panel.plot(at["easting"], at["northing"], "o", ms=2.5, mfc="w", mec="k", mew=0.4)
        panel.set(xlabel="easting (km)", aspect="equal")
    axes[0].set_ylabel("northing (km)")
    figure.savefig(OUT / "cadmium.png", dpi=130)


def main() -> None:
    OUT.mkdir(parents=True, exist_ok=True)
    train, test = samples("prediction"), samples("validation")

    # 1. Cadmium from nickel, zinc and place, at the 100 sites that were set aside by those who took the samples.
    metals = bg.SpatialRegression(transformation="log", random_state=0)
    metals.fit(np.log(train[["Ni", "Zn"]]), train["Cd"], coordinates=train[PLACE])
    predictive = metals.predictive(np.log(test[["Ni", "Zn"]]), coordinates=test[PLACE])
    drawn = metals.respond(predictive, np.random.default_rng(0))
    low, median, high = drawn.quantile([0.05, 0.5, 0.95], ("chain", "draw")).values
    held = np.mean((low <= test["Cd"]) & (test["Cd"] <= high))
    print(f"MAE {np.abs(median - test['Cd']).mean():.3f} mg/kg (published .395); 90 % intervals hold {held:.2f}")
    above = (drawn > LIMIT).mean(("chain", "draw")).values
    print(f"Above {LIMIT} mg/kg: {above.sum():.1f} sites expected, {(test['Cd'] > LIMIT).sum()} found")

    # 2. The map knows places alone, and asks all samples.
    every = pd.concat([train, test])
    model = bg.SpatialRegression(transformation="log", random_state=0)
    model.fit(every[PLACE], every["Cd"], coordinates=every[PLACE])
    print(f"The posterior: {bg.diagnose(model.posterior_).verdict}")
    print(
        model.posterior_["posterior"].to_dataset()["practical_range"].quantile([0.05, 0.5, 0.95]).values.round(2), "km"
    )
    nodes = samples("grid").set_index(["northing", "easting"]).index.to_frame()
    grid = nodes.assign(mapped=1.0)["mapped"].to_xarray().to_dataset()
    found = predict_grid(model, grid, features=PLACE, threshold=LIMIT).where(grid["mapped"] == 1)

    # 3. How many nodes resemble the samples: each left out in turn, as the map asks about places between them.
    inside = area_of_applicability(every[PLACE]).inside(nodes[PLACE].to_numpy())
    print(f"{int(inside.sum()):,} of {len(nodes):,} nodes are inside the area of applicability")
    draw(found, every)


if __name__ == "__main__":
    main()
