"""The area of applicability against its published formulas, against figures of R's CAST, and on a large grid.

Worked cases go to ``applicability_by_loops.py`` beside this file, in a process of its own. The tests of CAST print the
training dissimilarity of 30 points of its Cookfarm data and the threshold that follows; the data themselves are not at
hand, so that only the threshold is compared. ``--large`` streams a grid of 10^7 cells to disk, chunk by chunk.

    python benchmarks/area_of_applicability.py [--large]
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from bayesgeo.maps import AreaOfApplicability, area_of_applicability
from bayesgeo.maps.training import threshold

LOOPS = Path(__file__).with_name("applicability_by_loops.py")
CAST = """
0.09043580 0.14046341 0.16584582 0.57617177 0.26840303 0.14353894 0.19768329 0.24022059 0.06832037 0.29150668
0.18471625 0.57617177 0.12344463 0.09043580 0.14353894 0.26896008 0.22713731 0.24022059 0.20388725 0.06832037
0.23604264 0.20388725 0.91513568 0.09558666 0.14046341 0.16214832 0.37107762 0.16214832 0.18471625 0.12344463
"""
CAST_THRESHOLD = 0.38986
SHAPE, CHUNK, FEATURES, TRAINING = (4000, 2500), 500, 5, 1000


def cases() -> Iterator[tuple[str, np.ndarray, dict[str, Any], list[list[int]]]]:
    """Yield a name, training features, options, and for each training row those that it is compared with."""
    rng = np.random.default_rng(0)
    plain, everyone = rng.normal(size=(60, 4)), [[j for j in range(60) if j != i] for i in range(60)]
    labels = rng.integers(0, 6, 60)
    apart = [[j for j in range(60) if labels[j] != labels[i]] for i in range(60)]
    yield "one left out", plain, {}, everyone
    yield "one feature", plain[:, :1], {}, everyone
    yield "map coordinates, heavy tails", 5e6 + 1e3 * rng.standard_t(2, size=(60, 4)), {}, everyone
    yield "groups", plain, {"folds": labels}, apart
    yield "weights", plain * [1, 10, 100, 1000], {"weights": [0.3, -1.0, 2.0, 5.0], "folds": labels}, apart
    yield "fence of CAST", plain, {"rule": "fence", "folds": labels}, apart
    pairs = [(np.arange(20, 40), np.arange(15)), (np.arange(10), np.arange(20, 50))]
    found: list[list[int]] = [[] for _ in range(60)]
    for train, test in pairs:
        for row in test:
            found[row] = train.tolist()
    yield "pairs, some rows never tested", plain, {"folds": pairs}, found
    clusters = np.repeat(rng.normal(size=(12, 4)), 5, axis=0) + 0.01 * plain
    yield (
        "clusters as folds",
        clusters,
        {"folds": np.arange(60) // 5},
        [[j for j in range(60) if j // 5 != i // 5] for i in range(60)],
    )


def compare(name: str, X: np.ndarray, options: dict[str, Any], compared: list[list[int]]) -> float:
    """Print and return the largest difference of one case; what is counted must be equal."""
    new = X.mean(axis=0) + 1.5 * X.std(axis=0) * np.random.default_rng(1).normal(size=(200, X.shape[1]))
    weights, rule = options.get("weights", [1.0] * X.shape[1]), options.get("rule", "whisker")
    case = {"train": X.tolist(), "new": new.tolist(), "weights": weights, "rule": rule, "compared_with": compared}
    done = subprocess.run([sys.executable, LOOPS], input=json.dumps(case), capture_output=True, text=True, check=True)
    wanted = json.loads(done.stdout)
    area = area_of_applicability(X, **options)
    found = area.summary(new)
    numbers = [
        (area.mean_distance, wanted["mean_distance"]),
        (area.threshold, wanted["threshold"]),
        (area.training_dissimilarity, np.array(wanted["training_dissimilarity"], float)),
        (found["dissimilarity"], wanted["dissimilarity"]),
    ]
    largest = max(float(np.nanmax(np.abs(np.asarray(ours) - theirs))) for ours, theirs in numbers)
    unlike = sum(int((found[part].values != wanted[part]).sum()) for part in ("inside", "local_point_density"))
    print(f"{name:32} {largest:9.1e}   {unlike} of 400 differ   {float(found['inside'].mean()):.2f} inside")
    return largest if not unlike else np.inf


def large_grid() -> xr.Dataset:
    """Return a lazy grid of features: smooth over the map, and rough from cell to cell."""
    import dask.array as da

    def made(y: np.ndarray, x: np.ndarray, feature: int) -> np.ndarray:
        rng = np.random.default_rng([feature, int(y[0, 0]), int(x[0, 0])])
        smooth = np.sin((feature + 2) * y / SHAPE[0]) + np.cos((feature + 3) * x / SHAPE[1])
        return smooth + 0.3 * rng.normal(size=smooth.shape)

    y = da.arange(SHAPE[0], chunks=CHUNK)[:, None]
    x = da.arange(SHAPE[1], chunks=CHUNK)[None, :]
    made_of = {f"f{k}": (("y", "x"), da.map_blocks(made, y, x, feature=k, dtype=float)) for k in range(FEATURES)}
    return xr.Dataset(made_of)


def large() -> None:
    """Stream the grid to disk; print the time and the largest memory of the process."""
    grid = large_grid()
    rng = np.random.default_rng(0)
    rows, cols = (xr.DataArray(rng.integers(0, size // 2, TRAINING), dims="obs") for size in SHAPE)
    # Training rows lie in a quarter of the map, so that much of the rest is unlike them.
    X = grid.isel(y=rows, x=cols).compute().to_dataframe()
    area = area_of_applicability(X, folds=(rows.values // 400).tolist())
    print(area)
    with tempfile.TemporaryDirectory() as folder:
        begun = time.perf_counter()
        area.summary(grid).to_zarr(Path(folder) / "summary.zarr", zarr_format=2)
        took = time.perf_counter() - begun
        check(area, grid, xr.open_zarr(Path(folder) / "summary.zarr"))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"{np.prod(SHAPE):.0e} cells x {FEATURES} features, {TRAINING} training rows: {took:.0f} s, {peak:.2f} GiB")


def check(area: AreaOfApplicability, grid: xr.Dataset, written: xr.Dataset) -> None:
    """Compare a part across chunks with the same cells in memory, bit by bit."""
    part = {"y": slice(450, 560), "x": slice(1990, 2040)}
    expected, found = area.summary(grid.isel(part).compute()), written.isel(part).compute()
    print("bits equal to those in memory:", all(bool((found[name] == expected[name]).all()) for name in expected))
    shares = float(written["inside"].mean()), float(written["local_point_density"].mean())
    print(f"inside {shares[0]:.3f}, mean density {shares[1]:.1f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--large", action="store_true", help="the large grid instead of the worked cases")
    if parser.parse_args().large:
        large()
        return
    print("largest difference of worked cases:", max(compare(*case) for case in cases()))
    published = np.array(CAST.split(), float)
    print(
        f"threshold of CAST's dissimilarities, less the published: {threshold(published, 'fence') - CAST_THRESHOLD:.1e}"
    )


if __name__ == "__main__":
    main()
