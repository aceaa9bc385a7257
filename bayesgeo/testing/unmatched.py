"""Ways to take apart what belongs together: draws, what was computed from them, and the rows of a model."""

import json
from collections.abc import Callable

import numpy as np
import xarray as xr
from scipy import stats

from bayesgeo.testing import layouts, shapes
from bayesgeo.testing.draws import CHAINS, DRAWS, Generator, Make, independent, regression, sampled

Order = Callable[[np.ndarray, Generator], np.ndarray]


def observed(rng: Generator, groups: int = 8, rows: int = 10) -> xr.DataTree:
    """Return the posterior of means of groups as PyMC leaves it, with the log likelihood of its observed rows."""
    place = np.repeat(np.arange(groups), rows)
    y = rng.normal(size=groups)[place] + rng.normal(size=len(place))
    # Normal rows of unit variance, a standard normal prior.
    center = np.bincount(place, y) / (rows + 1)
    mean = center + rng.normal(size=(CHAINS, DRAWS, groups)) / np.sqrt(rows + 1)
    tree = layouts.pymc({"mean": mean}, rng)
    density = (("chain", "draw", "y_dim_0"), stats.norm.logpdf(y, mean[..., place]))
    tree["log_likelihood"] = xr.DataTree(xr.Dataset({"y": density}, _of_draws(tree)))
    tree["observed_data"] = xr.DataTree(xr.Dataset({"y": ("y_dim_0", y)}))
    return tree


def _of_draws(tree: xr.DataTree) -> dict[str, np.ndarray]:
    posterior = tree["posterior"].to_dataset()
    return {dim: posterior[dim].values for dim in ("chain", "draw")}


def reordered(make: Make, group: str, order: Order) -> Make:
    """Return a posterior the values of one of whose groups stand in another order, its labels as they were."""

    def broken(rng: Generator) -> xr.DataTree:
        tree = make(rng)
        found = tree[group].to_dataset().transpose("chain", "draw", ...)
        moved = {name: (values.dims, order(values.values, np.random.default_rng(1))) for name, values in found.items()}
        tree[group] = xr.DataTree(found.assign(moved))
        return tree

    return broken


def permuted(values: np.ndarray, rng: Generator) -> np.ndarray:
    """Return values with the draws of each chain in another order, the same for every variable."""
    return values[:, rng.permutation(values.shape[1])]


def backwards(values: np.ndarray, rng: Generator) -> np.ndarray:
    """Return values with the last draw first."""
    return values[:, ::-1]


def rotated(values: np.ndarray, rng: Generator) -> np.ndarray:
    """Return values with every chain's in the place of another's."""
    return np.roll(values, 1, axis=0)


def exchanged(values: np.ndarray, rng: Generator) -> np.ndarray:
    """Return values with two chains in each other's place."""
    return values[[1, 0, *range(2, len(values))]]


def late(values: np.ndarray, rng: Generator) -> np.ndarray:
    """Return values one draw late."""
    return np.roll(values, 1, axis=1)


def drawn_anew(values: np.ndarray, rng: Generator) -> np.ndarray:
    """Return noise of the same shape."""
    return rng.normal(size=values.shape)


def transplanted(make: Make, group: str, other: Make | None = None) -> Make:
    """Return a posterior with a group of another one."""

    def broken(rng: Generator) -> xr.DataTree:
        tree = make(rng)
        tree[group] = xr.DataTree((other or make)(rng)[group].to_dataset())
        return tree

    return broken


def fewer(make: Make, group: str, **kept: slice) -> Make:
    """Return a posterior with a part of one of its groups."""

    def broken(rng: Generator) -> xr.DataTree:
        tree = make(rng)
        tree[group] = xr.DataTree(tree[group].to_dataset().isel(kept))
        return tree

    return broken


def asked_for(**more: int) -> Make:
    """Return chains of nutpie, which was asked for more of them, or of draws."""

    def broken(rng: Generator) -> xr.DataTree:
        tree = layouts.nutpie(shapes.hierarchical(rng), rng)
        settings = json.loads(tree["sample_stats"].attrs["inference_library_settings"])
        settings["settings"] |= more
        tree["sample_stats"].attrs["inference_library_settings"] = json.dumps(settings)
        return tree

    return broken


def killed(rng: Generator) -> xr.DataTree:
    """Return what a killed run leaves: a store of full size, the rest of each chain NaN."""
    tree = sampled(independent(rng), rng)
    for chain, last in enumerate((290, 310, 280, 300)):
        for values in tree["posterior"].data_vars.values():
            values.values[chain, last:] = np.nan
    tree.attrs["interrupted"] = 1
    return tree


def unequal(rng: Generator) -> xr.DataTree:
    """Return chains of other lengths, joined by a library that pads them."""
    chains = [{"level": rng.normal(size=(1, length))} for length in (1000, 1000, 900, 1000)]
    trees = [layouts.plain(chain, rng)["posterior"].to_dataset() for chain in chains]
    joined = [part.assign_coords(chain=[k]) for k, part in enumerate(trees)]
    return xr.DataTree.from_dict({"posterior": xr.concat(joined, "chain", join="outer")})


def lost(rng: Generator) -> xr.DataTree:
    """Return a posterior that lacks a group of its model."""
    tree = regression(rng)
    del tree["log_likelihood"]
    return tree


def unlike(rng: Generator) -> xr.DataTree:
    """Return a posterior in which one variable has no draws of each chain."""
    tree = sampled(independent(rng), rng)
    flat = ("sample", rng.normal(size=CHAINS * DRAWS))
    tree["posterior"] = xr.DataTree(tree["posterior"].to_dataset().assign(sigma=flat))
    return tree


def unreported(rng: Generator) -> xr.DataTree:
    """Return a run of chains without statistics, though they are what its kind reports."""
    tree = sampled(independent(rng), rng)
    del tree["sample_stats"]
    return tree


def relabelled(make: Make, group: str) -> Make:
    """Return a posterior one of whose groups has labels of draws that follow the posterior's."""

    def broken(rng: Generator) -> xr.DataTree:
        tree = make(rng)
        found = tree[group].to_dataset()
        tree[group] = xr.DataTree(found.assign_coords(draw=found["draw"] + found.sizes["draw"]))
        return tree

    return broken
