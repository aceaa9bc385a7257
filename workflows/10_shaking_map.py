"""How hard would central Italy shake? A scenario from stations and events whose effects are fields over the map.

Run: python workflows/10_shaking_map.py [OUT] [EVERY]

Level and spreading of an event vary with its place, the level of a site with its own (Kuehn 2021): what an unknown site
adds is kriged from the stations around it. The fit takes some minutes.
"""

import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import xarray as xr

import bayesgeo as bg
from bayesgeo.datasets.library.italy_ground_motion import prepare

OUT = Path(sys.argv[1] if len(sys.argv) > 1 else "runs/shaking")
EVERY = int(sys.argv[2]) if len(sys.argv) > 2 else 1  # take every n-th record, for a quick look
QUAKE = {"longitude": 13.38, "latitude": 42.34, "magnitude": 6.1}  # of the size and place of L'Aquila, 2009
FIXED = "log_pga ~ m1 + m2 + log_r + m_log_r + r + log_vs30"
VARYING = "exponential(1 + log_r | event) + exponential(1 | station)"
KM = 111.2  # a degree of latitude
EAST, NORTH = np.arange(11.8, 15.0, 0.05), np.arange(41.0, 43.8, 0.04)


def scenario() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return features and places of a site at each cell; the distance is that of the epicentre."""
    north, east = (one.ravel() for one in np.meshgrid(NORTH, EAST, indexing="ij"))
    along = (east - QUAKE["longitude"]) * np.cos(np.radians(QUAKE["latitude"]))
    distance = KM * np.hypot(along, north - QUAKE["latitude"])
    sites = prepare(pd.DataFrame({"mag": QUAKE["magnitude"], "JB_complete": distance, "vs30": 800.0}))
    at = pd.DataFrame({"station_longitude": east, "station_latitude": north})
    return sites, at.assign(event_longitude=QUAKE["longitude"], event_latitude=QUAKE["latitude"])


def draw(found: xr.Dataset, stations: pd.DataFrame) -> None:
    figure, axes = plt.subplots(1, 3, figsize=(15, 5.4), sharex=True, sharey=True, layout="constrained")
    top = float(abs(found["site"]).max())
    shown = {"median": ("median peak acceleration on rock (cm/s²)", {"cmap": "viridis", "norm": "log"})}
    shown["site"] = "effect of the site's place (log10)", {"cmap": "PuOr_r", "vmin": -top, "vmax": top}
    shown["sd"] = "its standard deviation (log10)", {"cmap": "magma"}
    for panel, (name, (title, colours)) in zip(axes, shown.items(), strict=True):
        drawn = panel.pcolormesh(found["longitude"], found["latitude"], found[name], **colours)
        figure.colorbar(drawn, label=title, orientation="horizontal", shrink=0.9)
        panel.plot(stations["station_longitude"], stations["station_latitude"], "^", ms=4, mfc="w", mec="k", mew=0.5)
        panel.plot(QUAKE["longitude"], QUAKE["latitude"], "*", ms=14, mfc="r", mec="w")
        panel.set(xlabel="longitude (°E)", aspect=1 / np.cos(np.radians(QUAKE["latitude"])))
        panel.set(xlim=(EAST[0], EAST[-1]), ylim=(NORTH[0], NORTH[-1]))
    axes[0].set_ylabel("latitude (°N)")
    figure.savefig(OUT / "shaking.png", dpi=130)


def main() -> None:
    OUT.mkdir(parents=True, exist_ok=True)
    rows = bg.load("italy_ground_motion").rows(slice(None, None, EVERY))
    places = rows.coordinates.to_dataframe()
    model = bg.HierarchicalRegression(formula=f"{FIXED} + {VARYING}", random_state=0)
    model.fit(rows.X, rows.y.values, groups=rows.group_labels(), coordinates=places)
    print(f"The posterior: {bg.diagnose(model.posterior_).verdict}")
    print(model.variance_components().round(3).to_string())
    print(model.posterior_["posterior"]["station_practical_range"].quantile([0.05, 0.5, 0.95]).values.round(1), "km")

    sites, at = scenario()
    X = sites[rows.features]
    mean, parts = model.predict(X, coordinates=at), model.predict_sd(X, coordinates=at)
    nowhere = at.assign(station_longitude=0.0, station_latitude=60.0)  # so far away that no station tells of it
    site = mean - model.predict(X, coordinates=nowhere)
    shape = (len(NORTH), len(EAST))
    columns = {"median": 10**mean, "site": site, "sd": parts["station"].to_numpy()}
    cells = {name: (("latitude", "longitude"), np.reshape(values, shape)) for name, values in columns.items()}
    draw(xr.Dataset(cells, {"latitude": NORTH, "longitude": EAST}), places)


if __name__ == "__main__":
    main()
