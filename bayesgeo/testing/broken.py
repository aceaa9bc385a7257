"""Ways to break the draws of a healthy posterior, and what its sampler reports of them."""

from collections.abc import Callable

import numpy as np
import xarray as xr

from bayesgeo.testing import layouts, shapes
from bayesgeo.testing.draws import CHAINS, DRAWS, Generator, Make, independent, ridge, sampled, walked

Arrays = dict[str, np.ndarray]
Edit = Callable[[Arrays, Generator], None]


def edited(edit: Edit) -> Make:
    """Return a healthy run of chains whose arrays are changed in place."""
    return of(lambda rng: sampled(independent(rng), rng), edit)


def of(make: Make, edit: Edit) -> Make:
    """Return a posterior whose draws and statistics are changed in place."""

    def broken(rng: Generator) -> xr.DataTree:
        tree = make(rng)
        groups = [tree[name] for name in ("posterior", "sample_stats") if name in tree.children]
        arrays = {str(name): np.array(values.values) for group in groups for name, values in group.data_vars.items()}
        edit(arrays, rng)
        for group in groups:
            found = group.to_dataset()
            group.dataset = found.assign({name: (v.dims, arrays[str(name)]) for name, v in found.data_vars.items()})
        return tree

    return broken


def laid_out(layout: layouts.Layout, edit: Edit) -> Make:
    """Return a hierarchical posterior as a library lays it out, with arrays changed in place."""
    return of(lambda rng: layout(shapes.hierarchical(rng), rng), edit)


def drawn(draws: Callable[[Generator], np.ndarray], layout: layouts.Layout = layouts.pymc) -> Make:
    """Return a posterior with one variable of these draws ``(chain, draw, ...)``."""
    return lambda rng: layout({"level": rng.normal(size=(CHAINS, DRAWS)), "weight": draws(rng)}, rng)


def one_of(heavy: Callable[[Generator, tuple[int, int]], np.ndarray]) -> Callable[[Generator], np.ndarray]:
    """Return 200 normal quantities but one."""

    def draws(rng: Generator) -> np.ndarray:
        found = rng.normal(size=(CHAINS, DRAWS, 200))
        found[..., rng.integers(200)] = heavy(rng, (CHAINS, DRAWS))
        return found

    return draws


def one(value: float) -> Edit:
    """Set one draw to this value."""

    def edit(arrays: Arrays, rng: Generator) -> None:
        arrays["weight"][2, 500, 1] = value

    return edit


def setting(name: str, value: float, *, chain: int | slice = 1, draws: slice = slice(None)) -> Edit:
    """Set some values of a statistic."""

    def edit(arrays: Arrays, rng: Generator) -> None:
        arrays[name][chain, draws] = value

    return edit


def frozen(first: int, last: int, *, jitter: float = 0.0, names: tuple[str, ...] = ("intercept", "weight")) -> Edit:
    """Hold one chain still for some draws."""

    def edit(arrays: Arrays, rng: Generator) -> None:
        for name in names:
            part = arrays[name][1, first:last]
            part[:] = part[:1] + jitter * rng.normal(size=part.shape)

    return edit


def all_frozen(arrays: Arrays, rng: Generator) -> None:
    """Hold every chain still for a fifth of its draws, each at another time."""
    for name in ("intercept", "weight"):
        for chain in range(CHAINS):
            part = arrays[name][chain, 200 * chain : 200 * chain + 200]
            part[:] = part[:1].copy()


def copied(follow: Callable[[np.ndarray, Generator], np.ndarray]) -> Edit:
    """Make the last chain follow the first one."""

    def edit(arrays: Arrays, rng: Generator) -> None:
        for name in ("intercept", "weight"):
            arrays[name][3] = follow(arrays[name][0], rng)

    return edit


def noisy(amount: float) -> Edit:
    """Make a chain a copy with noise."""
    return copied(lambda chain, rng: chain + amount * rng.normal(size=chain.shape))


def mirrored(chain: np.ndarray, rng: Generator) -> np.ndarray:
    """Return a chain reflected at its mean."""
    return 2 * chain.mean(axis=0) - chain


def half_copied(arrays: Arrays, rng: Generator) -> None:
    """Copy half of a chain, with tiny noise."""
    for name in ("intercept", "weight"):
        part = arrays[name][0, :500]
        arrays[name][3, :500] = part + 1e-4 * rng.normal(size=part.shape)


def shuffled(arrays: Arrays, rng: Generator) -> None:
    """Copy a chain in another order."""
    order = rng.permutation(DRAWS)
    for name in ("intercept", "weight"):
        arrays[name][3] = arrays[name][0][order]


def particles(number: int) -> Callable[[Generator], np.ndarray]:
    """Return draws from a few values, each often."""
    return lambda rng: rng.normal(size=(number, 3))[rng.integers(number, size=(CHAINS, DRAWS))]


def bootstrapped(rng: Generator) -> np.ndarray:
    """Return draws of which each chain's were drawn again with replacement."""
    values = rng.normal(size=(CHAINS, DRAWS, 3))
    return np.stack([chain[rng.integers(DRAWS, size=DRAWS)] for chain in values])


def stuck(arrays: Arrays, rng: Generator) -> None:
    """Repeat the first draw of one chain, with tiny noise."""
    arrays["weight"][1] = arrays["weight"][1, :1] + 1e-9 * rng.normal(size=arrays["weight"][1].shape)


def modes(arrays: Arrays, rng: Generator) -> None:
    """Move two chains away from the others."""
    arrays["intercept"][2:] += 8.0


def constant(arrays: Arrays, rng: Generator) -> None:
    """Set a parameter to one number."""
    arrays["intercept"][:] = 0.3


def divergent(arrays: Arrays, rng: Generator) -> None:
    """Mark the draws in a corner as divergent."""
    arrays["diverging"][:] = arrays["weight"][..., 1] > 8.0


def slow_energy(arrays: Arrays, rng: Generator) -> None:
    """Make the energy of one chain drift slowly."""
    arrays["energy"][3] = np.cumsum(0.1 * rng.normal(size=DRAWS))


def drift(arrays: Arrays, rng: Generator) -> None:
    """Add a trend to one chain."""
    arrays["intercept"][0] += np.linspace(-3.0, 3.0, DRAWS)


def repeating(arrays: Arrays, rng: Generator) -> None:
    """Make the draws of a parameter depend on each other."""
    arrays["intercept"][:] = walked(rng, 0.99, quantities=1)[..., 0]


def renamed(arrays: Arrays, rng: Generator) -> None:
    """Exchange two quantities in one chain."""
    arrays["weight"][1] = arrays["weight"][1][:, [1, 0, 2]]


def mixed(rng: Generator) -> np.ndarray:
    """Return a ridge one of whose parameters was taken from another chain in two chains."""
    draws = ridge(rng)
    draws[:2, :, 1] = draws[1::-1, :, 1].copy()
    return draws


def one_pair(others: int, *, chains: int = 1, bent: bool = False) -> Callable[[Generator], np.ndarray]:
    """Return many independent quantities of which one pair depends on each other, except in some chains."""

    def draws(rng: Generator) -> np.ndarray:
        found = rng.normal(size=(CHAINS, DRAWS, others))
        a, b = rng.choice(others, 2, replace=False)
        follows = found[chains:, :, a] ** 2 / 2**0.5 if bent else found[chains:, :, a]
        found[chains:, :, b] = 0.9 * follows + 0.44 * found[chains:, :, b]
        if bent:  # the same margin in every chain
            found[:chains, :, b] = 0.9 * rng.normal(size=(chains, DRAWS)) ** 2 / 2**0.5 + 0.44 * found[:chains, :, b]
        return found

    return draws
