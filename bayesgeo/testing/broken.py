"""Ways to break a healthy posterior."""

from collections.abc import Callable

import numpy as np
import xarray as xr

from bayesgeo.testing.draws import CHAINS, DRAWS, Generator, independent, regression, ridge, sampled, walked


def edited(edit: Callable[[dict[str, np.ndarray], Generator], None]) -> Callable[[Generator], xr.DataTree]:
    """Return a healthy run of chains whose arrays are changed in place."""

    def make(rng: Generator) -> xr.DataTree:
        tree = sampled(independent(rng), rng)
        groups = (tree["posterior"], tree["sample_stats"])
        edit({str(name): values.values for group in groups for name, values in group.data_vars.items()}, rng)
        return tree

    return make


def one(value: float) -> Callable[[dict[str, np.ndarray], Generator], None]:
    """Set one draw to this value."""

    def edit(arrays: dict[str, np.ndarray], rng: Generator) -> None:
        arrays["weight"][2, 500, 1] = value

    return edit


def stuck(arrays: dict[str, np.ndarray], rng: Generator) -> None:
    """Repeat the first draw of one chain, with tiny noise."""
    arrays["weight"][1] = arrays["weight"][1, :1] + 1e-9 * rng.normal(size=arrays["weight"][1].shape)


def modes(arrays: dict[str, np.ndarray], rng: Generator) -> None:
    """Move two chains away from the others."""
    arrays["intercept"][2:] += 8.0


def constant(arrays: dict[str, np.ndarray], rng: Generator) -> None:
    """Set a parameter to one number."""
    arrays["intercept"][:] = 0.3


def divergent(arrays: dict[str, np.ndarray], rng: Generator) -> None:
    """Mark the draws in a corner as divergent."""
    arrays["diverging"][:] = arrays["weight"][..., 1] > 8.0


def slow_energy(arrays: dict[str, np.ndarray], rng: Generator) -> None:
    """Make the energy of one chain drift slowly."""
    arrays["energy"][3] = np.cumsum(0.1 * rng.normal(size=DRAWS))


def twice(arrays: dict[str, np.ndarray], rng: Generator) -> None:
    """Repeat a chain."""
    for name in ("intercept", "weight"):
        arrays[name][3] = arrays[name][0]


def drift(arrays: dict[str, np.ndarray], rng: Generator) -> None:
    """Add a trend to one chain."""
    arrays["intercept"][0] += np.linspace(-3.0, 3.0, DRAWS)


def repeating(arrays: dict[str, np.ndarray], rng: Generator) -> None:
    """Make the draws of a parameter depend on each other."""
    arrays["intercept"][:] = walked(rng, 0.99, quantities=1)[..., 0]


def renamed(arrays: dict[str, np.ndarray], rng: Generator) -> None:
    """Exchange two quantities in one chain."""
    arrays["weight"][1] = arrays["weight"][1][:, [1, 0, 2]]


def killed(rng: Generator) -> xr.DataTree:
    """Return what a killed run leaves: a store of full size, the rest of each chain NaN."""
    tree = sampled(independent(rng), rng)
    for chain, last in enumerate((290, 310, 280, 300)):
        for values in tree["posterior"].data_vars.values():
            values.values[chain, last:] = np.nan
    tree.attrs["interrupted"] = 1
    return tree


def cut(rng: Generator) -> xr.DataTree:
    """Return statistics of fewer draws than the posterior's."""
    tree = sampled(independent(rng), rng)
    tree["sample_stats"] = xr.DataTree(tree["sample_stats"].to_dataset().isel(draw=slice(600)))
    return tree


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


def mixed(rng: Generator) -> xr.DataTree:
    """Return a ridge one of whose parameters was taken from another chain in two chains."""
    draws = ridge(rng)
    draws[:2, :, 1] = draws[1::-1, :, 1].copy()
    return sampled(draws, rng)


def unreported(rng: Generator) -> xr.DataTree:
    """Return a run of chains without statistics."""
    tree = sampled(independent(rng), rng)
    del tree["sample_stats"]
    return tree
