"""Compute principal components of facies logs, and of an image.

python workflows/pca_of_well_logs.py [output folder]
"""

import sys
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from sklearn.datasets import load_sample_image

import bayesgeo
from bayesgeo.linalg import PCA, independence, pca

LOGS = ["GR", "ILD_log10", "DeltaPHI", "PHIND", "PE"]
KEPT = (5, 20, 80)  # components of the image


def draw_logs(found: PCA, scores: xr.DataArray, facies: np.ndarray, out: Path) -> None:
    """Plot the variance of each component, their loadings, and samples along the first two."""
    figure, axes = plt.subplots(1, 3, figsize=(13, 4), layout="constrained")
    component = found.components["component"].values
    axes[0].bar(component, found.explained_variance_ratio)
    axes[0].set(xlabel="component", ylabel="share of the variance")
    for name in LOGS:
        x, y = found.components.sel(feature=name)[:2].values
        axes[1].annotate(name, (x, y), ha="center")
        axes[1].plot([0, x], [0, y], "k-", lw=0.8)
    axes[1].set(xlabel="loading on component 1", ylabel="loading on component 2", xlim=(-1, 1), ylim=(-1, 1))
    axes[1].set_xticks([-1, 0, 1])
    for name in np.unique(facies):
        at = facies == name
        axes[2].plot(*scores.values[at, :2].T, ".", ms=3, label=name)
    axes[2].set(xlabel="component 1", ylabel="component 2")
    axes[2].legend(fontsize=7, markerscale=3, loc="upper left", bbox_to_anchor=(1, 1))
    figure.savefig(out / "logs.png", dpi=120)


def draw_image(image: xr.DataArray, out: Path) -> None:
    """Plot an image rebuilt from few and from many components."""
    figure, axes = plt.subplots(1, len(KEPT) + 1, figsize=(14, 3), layout="constrained")
    axes[0].imshow(image, cmap="gray", vmin=0, vmax=255)
    axes[0].set_title(f"original, {image.sizes['column']} columns")
    for axis, k in zip(axes[1:], KEPT, strict=True):
        found = pca(image, k)
        axis.imshow(found.inverse(found.transform(image)), cmap="gray", vmin=0, vmax=255)
        axis.set_title(f"{k} components, {float(found.explained_variance_ratio.sum()):.1%} of the variance")
    for axis in axes:
        axis.axis("off")
    figure.savefig(out / "image.png", dpi=120)


def main(out: Path) -> None:
    mpl.use("Agg")
    out.mkdir(parents=True, exist_ok=True)
    wells = bayesgeo.load("seg2016_facies")
    checked = independence(wells.X, intercept=True)
    print(
        f"rank {checked.rank} of {checked.columns}, condition {checked.condition_number:.0f}; "
        f"collinear: {checked.collinear or 'none'}"
    )
    logs = wells.X.sel(feature=LOGS)
    found = pca(logs, standardise=True)
    scores = found.transform(logs)
    print(found.explained_variance_ratio.round(3).to_series().to_string())
    print(found.components.round(2).to_pandas().to_string())
    draw_logs(found, scores, np.asarray(wells.labels)[wells.y.values], out)
    draw_image(xr.DataArray(load_sample_image("china.jpg").mean(axis=2), dims=("row", "column")), out)


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "runs/pca_of_well_logs"))
