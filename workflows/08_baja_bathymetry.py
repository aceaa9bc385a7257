"""The sea floor off Baja California: how deep, and how well it is known between the tracks of ships.

Run: python workflows/08_baja_bathymetry.py [OUT] [EVERY]

One sounding in EVERY (16) is used, some 5,200 of 82,970: along a track that is one in 22 km, and takes minutes instead
of half an hour. benchmarks/baja.py has all soundings, all blocks, and splines beside the model.
"""

import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import verde as vd
import xarray as xr

import bayesgeo as bg
from bayesgeo.datasets.base import Dataset
from bayesgeo.maps import predict_grid

OUT = Path(sys.argv[1] if len(sys.argv) > 1 else "runs/baja")
EVERY = int(sys.argv[2]) if len(sys.argv) > 2 else 16
CELL = 1 / 12  # degrees
FAR = 0.35  # degrees: what is farther than that from all soundings is mostly land, and not drawn


def fitted(data: Dataset) -> bg.SpatialRegression:
    return bg.SpatialRegression(random_state=0).fit(data.X, data.y, coordinates=data.place_values())


def draw(grid: xr.Dataset, at: dict[str, np.ndarray]) -> None:
    figure, axes = plt.subplots(1, 2, figsize=(12.5, 6.6), sharex=True, sharey=True, layout="constrained")
    west, north = grid["longitude"] - 360, grid["latitude"]
    of_depth = axes[0].pcolormesh(west, north, -grid["mean"], cmap="YlGnBu", vmin=0, vmax=5000, rasterized=True)
    figure.colorbar(of_depth, label="depth of the sea, mean (m)", shrink=0.75, extend="max")
    of_sd = axes[1].pcolormesh(west, north, grid["sd"], cmap="magma", vmin=100, vmax=500, rasterized=True)
    figure.colorbar(of_sd, label="standard deviation of a sounding (m)", shrink=0.75, extend="both")
    for panel in axes:
        panel.set(xlabel="longitude (degrees east)", aspect=1 / np.cos(np.radians(25)), facecolor="0.85")
    lines = axes[0].contour(west, north, -grid["mean"], [200, 1000, 2000, 3000, 4000], colors="k", linewidths=0.5)
    axes[0].clabel(lines, fontsize=7)
    to = {"arrowstyle": "->", "color": "w"}
    axes[0].annotate("one track disagrees with all", (-113.7, 24.3), (-114.7, 21.2), color="w", arrowprops=to)
    axes[1].plot(at["longitude"] - 360, at["latitude"], ".", ms=0.8, color="w", alpha=0.4)
    axes[0].set_ylabel("latitude (degrees north)")
    figure.savefig(OUT / "baja.png", dpi=140)


def main() -> None:
    OUT.mkdir(parents=True, exist_ok=True)
    data = bg.load("baja_bathymetry").rows(slice(None, None, EVERY))

    # 1. A fifth of the blocks is held out: what is far from every track that the model knows.
    by = bg.split(data, "spatial")
    train, test = by.folds[0]
    held, model = data.rows(test), fitted(data.rows(train))
    found = model.predictive(held.X, coordinates=held.place_values())
    error = held.y - found["expected"].mean(("chain", "draw"))
    sd = np.sqrt((found["sigma"] ** 2).mean(("chain", "draw")) + found["expected"].var(("chain", "draw")))
    inside = pd.Series((abs(error) < 1.645 * sd).values)
    print(by.sentence, "One of the folds is held out here.")
    print(f"RMSE {np.sqrt(np.mean(error**2)):.0f} m, half of the errors below {np.median(abs(error)):.0f} m")
    worst = np.sort(inside.groupby(by.blocks[test]).mean())[:3].round(2)
    print(f"90 % intervals hold {inside.mean():.3f} of {len(test):,} soundings; in the worst blocks {worst}")

    # 2. The map is made of all that are used.
    model = fitted(data)
    found = bg.diagnose(model.posterior_)
    print(f"The posterior: {found.verdict}", *(check.code for check in found.checks if check.status == "issue"))
    axes = {"latitude": np.arange(20, 30.01, CELL), "longitude": np.arange(245, 255.01, CELL)}
    grid = predict_grid(model, xr.Dataset(coords=axes), features=[])
    at = data.place_values()
    near = vd.distance_mask((at["longitude"], at["latitude"]), FAR, coordinates=np.meshgrid(*reversed(axes.values())))
    draw(grid.where(xr.DataArray(near, dims=tuple(axes))), at)


if __name__ == "__main__":
    main()
