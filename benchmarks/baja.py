"""Soundings off Baja California, blocks of half a degree held out: spatial regression against splines.

    python benchmarks/baja.py [--every N] [--keep FOLDER]
    python benchmarks/baja.py --intervals

Every model sees the same five folds of whole blocks. Spatial regression has its defaults: with all training rows, and
with medians of small blocks. The rivals see such medians too, as Verde advises for soundings so dense and so uneven:
Verde's biharmonic spline (Sandwell 1987, doi:10.1029/GL014i002p00139) after a plane, the side of those blocks and its
damping chosen by blocks held out of the training rows; and SciPy's cubic Clough-Tocher interpolation, nearest block
outside the hull. Errors are of all soundings that are held out, the wrong ones too. A share held has the standard error
of means over blocks. Needs ``baja_bathymetry`` (downloaded, or in the folder that BAYESGEO_DATA names).
"""

import argparse
import itertools
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import verde as vd
import xarray as xr
from scipy import interpolate, stats

import bayesgeo as bg
from bayesgeo.models import Rows
from bayesgeo.models.wrappers.base import mean_and_sd
from bayesgeo.models.wrappers.weighting import limits_by_distance, on_map, weighted_limits

BLOCK, FOLDS, INNER = 0.5, 5, 4  # degrees
DEGREE = 111.2  # km
SIDES = (2.5, 5.0, 10.0)  # arc minutes, of the blocks whose medians the rivals see
SPLINES = ((10.0, 1e-10), (10.0, 1e-8), (5.0, 1e-8), (5.0, 1e-6))  # arc minutes, damping
LEVELS = (0.5, 0.9)
OURS = "spatial regression"
ON_MEDIANS = "spatial regression on medians"
SIDE = 7.5  # arc minutes, of those: chosen within the training rows of the first fold

Predict = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]


def folds_of_blocks(places: np.ndarray, folds: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the block of each row and its fold: blocks in random order, dealt in turn."""
    _, block = np.unique(np.floor(places / BLOCK), axis=0, return_inverse=True)
    dealt = np.random.default_rng(seed).permutation(block.max() + 1) % folds
    return block.ravel(), dealt[block.ravel()]


def medians(places: np.ndarray, y: np.ndarray, minutes: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the median place and depth of each small block."""
    reduce = vd.BlockReduce(np.median, spacing=minutes / 60)
    found, middle = reduce.filter(tuple(places.T), y)
    return np.stack(found, axis=1), middle


def in_km(places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Project longitude and latitude to the plane: true distances along the middle parallel."""
    return places[:, 0] * DEGREE * np.cos(np.radians(25.0)), places[:, 1] * DEGREE


def spline(minutes: float, damping: float) -> Predict:
    """Return Verde's spline after a plane, on medians of blocks."""

    def predict(places: np.ndarray, y: np.ndarray, new: np.ndarray) -> np.ndarray:
        at, middle = medians(places, y, minutes)
        chain = vd.Chain([("trend", vd.Trend(degree=1)), ("spline", vd.Spline(damping=damping))])
        return chain.fit(in_km(at), middle).predict(in_km(new))

    return predict


def clough_tocher(minutes: float) -> Predict:
    """Return cubic interpolation of medians of blocks, the nearest outside their hull."""

    def predict(places: np.ndarray, y: np.ndarray, new: np.ndarray) -> np.ndarray:
        at, middle = medians(places, y, minutes)
        known, asked = np.stack(in_km(at), axis=1), np.stack(in_km(new), axis=1)
        found = interpolate.CloughTocher2DInterpolator(known, middle)(asked)
        nearest = interpolate.NearestNDInterpolator(known, middle)(asked)
        return np.where(np.isfinite(found), found, nearest)

    return predict


def chosen(candidates: dict[str, Predict], places: np.ndarray, y: np.ndarray) -> str:
    """Return the candidate of the least squared error on a quarter of the blocks of the training rows."""
    _, fold = folds_of_blocks(places, INNER, seed=1)
    held = fold == 0
    error = {
        name: np.sum((predict(places[~held], y[~held], places[held]) - y[held]) ** 2)
        for name, predict in candidates.items()
    }
    return min(error, key=error.__getitem__)


RIVALS: dict[str, dict[str, Predict]] = {
    "spline (Verde)": {f"{m:g}', {damping:g}": spline(m, damping) for m, damping in SPLINES},
    "Clough-Tocher (SciPy)": {f"{m:g}'": clough_tocher(m) for m in SIDES},
}


def named(places: np.ndarray) -> dict[str, np.ndarray]:
    """Return places as the models take them."""
    return {"longitude": places[:, 0], "latitude": places[:, 1]}


def spatial(places: np.ndarray, y: np.ndarray, new: np.ndarray, truth: np.ndarray, name: str = OURS) -> pd.DataFrame:
    """Fit spatial regression with its defaults; return errors, and whether each central interval holds the truth."""
    model = bg.SpatialRegression(random_state=0).fit(np.empty((len(y), 0)), y, coordinates=named(places))
    mean, below, start = [], [], 0
    for part in model.stream_predictive(np.empty((len(new), 0)), coordinates=named(new)):
        here = xr.DataArray(truth[start : start + part.sizes["obs"]], dims="obs")
        start += part.sizes["obs"]
        z = ((here - part["expected"]) / part["sigma"]).transpose("chain", "draw", "obs")
        mean.append(part["expected"].mean(("chain", "draw")).values)
        below.append(stats.norm.cdf(z).mean(axis=(0, 1)))
    off = np.abs(np.concatenate(below) - 0.5)
    held = {f"{name} {level:.0%}": off < level / 2 for level in LEVELS}
    return pd.DataFrame({name: np.concatenate(mean) - truth} | held)


def _error_over_blocks(values: np.ndarray, block: np.ndarray) -> float:
    """Return the standard error of a mean of rows whose blocks, not rows, are independent (ratio estimator)."""
    size = np.bincount(block)
    excess = (np.bincount(block, values) - values.mean() * size)[size > 0]
    return float(np.sqrt(np.sum(excess**2) * len(excess) / (len(excess) - 1)) / len(values))


def one_fold(k: int, places: np.ndarray, y: np.ndarray, fold: np.ndarray, every: int) -> pd.DataFrame:
    """Return the errors of every model on the rows of a fold, and what the intervals hold."""
    train, held = fold != k, fold == k
    begun = time.perf_counter()
    few = np.flatnonzero(train)[::every]
    found = spatial(places[few], y[few], places[held], y[held])
    print(f"fold {k}: {len(few):,} rows fitted and {held.sum():,} predicted in {time.perf_counter() - begun:.0f} s")
    reduced = medians(places[train], y[train], SIDE)
    found = found.join(spatial(*reduced, places[held], y[held], ON_MEDIANS))
    for name, candidates in RIVALS.items():
        best = chosen(candidates, places[train], y[train])
        found[name] = candidates[best](places[train], y[train], places[held]) - y[held]
        print(f"fold {k}: {name} with {best}", flush=True)
    return found.assign(row=np.flatnonzero(held))


def nothing(n: int) -> np.ndarray:
    """Return no features of n rows."""
    return np.empty((n, 0))


def within_training_rows(places: np.ndarray, y: np.ndarray) -> None:
    """Print what intervals hold, as they are and widened by blocks set aside, within the training rows of a fold.

    Three fifths of the blocks fit, one is set aside, one tests. Pooled: split conformal intervals; by distance: from
    the nearest rows set aside, as ``ConformalRegressor(weighting="distance")`` does.
    """
    block, inner = folds_of_blocks(places, 5, seed=1)
    fits, aside, test = inner > 1, np.flatnonzero(inner == 1)[::8], np.flatnonzero(inner == 0)[::4]
    few = np.flatnonzero(fits)[::16]
    for name, (at, values) in {
        "one row in 16": (places[few], y[few]),
        "medians of 7.5'": medians(places[fits], y[fits], 7.5),
    }.items():
        model = bg.SpatialRegression(random_state=0).fit(nothing(len(values)), values, coordinates=named(at))
        found = {
            key: mean_and_sd(model, Rows(nothing(len(rows)), rows, coordinates=named(places[rows])))
            for key, rows in (("aside", aside), ("test", test))
        }
        score = np.abs(y[aside] - found["aside"][0]) / found["aside"][1]
        order = np.argsort(score, kind="stable")
        error, sd = np.abs(y[test] - found["test"][0]), found["test"][1]
        print(f"{name}, {len(values):,} fitted: RMSE {np.sqrt(np.mean(error**2)):.1f}")
        on_globe = on_map(named(places[aside[order]])), on_map(named(places[test]))
        for level in LEVELS:
            limits = {
                "as they are": stats.norm.ppf((1 + level) / 2),
                "pooled": weighted_limits(score[order], np.ones(len(score)), level),
                "by distance": limits_by_distance(score[order], *on_globe, neighbours=50, coverage=level),
            }
            for how, limit in limits.items():
                held = (error <= limit * sd).astype(float)
                print(f"  {level:.0%} {how}: {held.mean():.3f} ± {_error_over_blocks(held, block[test]):.3f}")


def table(found: pd.DataFrame, block: np.ndarray) -> pd.DataFrame:
    """Return errors by model, how much less the squared error on medians is, and the shares held."""
    lines = {}
    for name in (OURS, ON_MEDIANS, *RIVALS):
        square, ours = found[name].to_numpy() ** 2, found[ON_MEDIANS].to_numpy() ** 2
        less, unit = square - ours, square.mean() / 100
        lines[name] = {
            "RMSE": f"{np.sqrt(square.mean()):.1f}",
            "MAE": f"{found[name].abs().mean():.1f}",
            "median": f"{found[name].abs().median():.1f}",
            "on medians less, %": f"{less.mean() / unit:.1f} ± {_error_over_blocks(less, block) / unit:.1f}",
        }
    for name, level in itertools.product((OURS, ON_MEDIANS), LEVELS):
        held = found[f"{name} {level:.0%}"].to_numpy(float)
        lines[name][f"{level:.0%} hold"] = f"{held.mean():.3f} ± {_error_over_blocks(held, block):.3f}"
    return pd.DataFrame(lines).T.fillna("")


def main() -> None:
    """Predict every block from the others and print one table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--every", type=int, default=1, help="spatial regression sees each such training row only")
    parser.add_argument("--keep", type=Path, help="folder in which a fold that is done is kept, and found again")
    parser.add_argument(
        "--intervals", action="store_true", help="instead, intervals within the training rows of fold 0"
    )
    options = parser.parse_args()
    data = bg.load("baja_bathymetry")
    places = np.column_stack([data.coordinates[name] for name in ("longitude", "latitude")])
    block, fold = folds_of_blocks(places, FOLDS, seed=0)
    print(f"{data.n_rows:,} soundings in {block.max() + 1} blocks")
    if options.intervals:
        within_training_rows(places[fold != 0], data.y.values[fold != 0])
        return
    parts = []
    for k in range(FOLDS):
        kept = options.keep and options.keep / f"fold_{k}.csv"
        part = pd.read_csv(kept) if kept and kept.exists() else one_fold(k, places, data.y.values, fold, options.every)
        if kept:
            part.to_csv(kept, index=False)
        parts.append(part)
    found = pd.concat(parts)
    print(table(found, block[found["row"]]).to_string())


if __name__ == "__main__":
    main()
