"""How strongly does the ground shake? Accelerations in Italy, with a term of each event and of each station.

Run: python workflows/06_ground_motion.py [OUT] [EVERY]
"""

import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

import bayesgeo as bg
from bayesgeo.catalog import model
from bayesgeo.datasets.library.italy_ground_motion import DEPTH, HINGE, prepare
from bayesgeo.evaluation.evaluate import fit_and_score

OUT = Path(sys.argv[1] if len(sys.argv) > 1 else "runs/ground_motion")
EVERY = int(sys.argv[2]) if len(sys.argv) > 2 else 1  # take every n-th record, for a quick look
MODELS = {"hierarchical": {"effects": ["event", "station"]}, "mixed": {"effects": ["event", "station"]}}
SYMBOLS = {"residual": "phi_SS", "event": "tau", "station": "phi_S2S"}
PUBLISHED = {"phi_SS": 0.2043, "tau": 0.1450, "phi_S2S": 0.2331}  # Kuehn et al. 2021, data of Lanzano et al. 2019
SHOWN = ["mean", "low", "high", "rows"]
BANDS = {"± total sd": ["total"], "± within and event sd": ["within", "event"], "± within sd": ["within"]}


def draw_ground_motion(fitted, records: bg.Dataset) -> None:
    figure, axes = plt.subplots(1, 3, figsize=(11, 4.2), sharex=True, sharey=True, layout="constrained")
    r, magnitude, pga = records.X.sel(feature="r"), HINGE + records.X[:, :2].sum("feature"), 10**records.y
    distance = np.geomspace(DEPTH, r.max(), 60)
    for panel, m in zip(axes, (4.0, 5.0, 6.5), strict=True):
        site = pd.DataFrame({"mag": m, "JB_complete": np.sqrt(distance**2 - DEPTH**2), "vs30": 600.0})
        terms = prepare(site)[records.features]
        mean, sd = fitted.predict(terms), fitted.predict_sd(terms)
        for (name, parts), grey in zip(BANDS.items(), ("0.9", "0.76", "0.58"), strict=True):
            width = np.sqrt((sd[parts] ** 2).sum(axis=1))
            panel.fill_between(distance, 10 ** (mean - width), 10 ** (mean + width), color=grey, lw=0, label=name)
        near = abs(magnitude - m) <= 0.25
        panel.plot(r[near], pga[near], ".", color="#0072b2", ms=2, alpha=0.5, label="records, magnitude ±0.25")
        panel.plot(distance, 10**mean, "k", lw=2, label="median")
        panel.set(xscale="log", yscale="log", title=f"magnitude {m}, vs30 600 m/s", xlabel="√(distance² + 6.9²) (km)")
    axes[0].set_ylabel("peak ground acceleration (cm/s²)")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=5)
    figure.savefig(OUT / "ground_motion.png", dpi=120)


def draw_map(stations: pd.DataFrame) -> None:
    figure, axes = plt.subplots(figsize=(7, 6.4), layout="constrained")
    (x, y, term), top = stations.sort_values("mean", key=abs)[["x", "y", "mean"]].values.T, stations["mean"].abs().max()
    drawn = axes.scatter(x, y, c=term, s=16, cmap="PuOr_r", vmin=-top, vmax=top, edgecolors="0.4", linewidths=0.3)
    figure.colorbar(drawn, label="station term (log₁₀ cm/s²)", shrink=0.7)
    axes.set(xlabel="longitude (°)", ylabel="latitude (°)", aspect=1 / np.cos(np.radians(y.mean())))
    figure.savefig(OUT / "stations.png", dpi=120)


def main() -> None:
    # 1. The records, split by the published folds of events; the model beside its rivals.
    records = bg.load("italy_ground_motion").rows(slice(None, None, EVERY))
    folds, models = bg.split(records, "published"), {**MODELS, "bayesian_linear": {}}
    scored = {name: fit_and_score(model(name, "regression", **own), records, folds) for name, own in models.items()}
    print(f"Report: {bg.report({name: found.evidence for name, found in scored.items()}, OUT)}")

    # 2. How far records, events and stations differ, beside what was published.
    fitted, evidence = scored["hierarchical"].model, scored["hierarchical"].evidence
    print(fitted.variance_components().rename(SYMBOLS).assign(published=pd.Series(PUBLISHED)).round(4).to_string())

    # 3. The event with the largest term, and the stations of five records or more predicted worst.
    terms = evidence["group_effects"].to_dataset().to_dataframe().set_index(["key", "level"])
    events, stations = terms.loc["event"], terms.loc["station"]
    squares = ((evidence["predictions"]["mean"] - records.y) ** 2).to_series()
    worst = squares.groupby(records.groups["station"].to_series()).mean().where(stations["rows"] >= 5).nlargest(5).index
    print("Largest event term:", events.loc[[events["mean"].abs().idxmax()], SHOWN].round(3).to_string(), sep="\n")
    print("Worst stations:", stations.loc[worst, SHOWN].round(3).to_string(), sep="\n")
    draw_ground_motion(fitted, records)
    draw_map(stations)


if __name__ == "__main__":
    main()
