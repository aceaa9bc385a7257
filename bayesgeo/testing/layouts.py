"""Healthy draws as the libraries lay them out that sample: names of statistics, groups and attributes."""

import json
from collections.abc import Callable, Mapping

import arviz_base
import numpy as np
import xarray as xr

DIMS = ("chain", "draw")
Generator = np.random.Generator
Variables = Mapping[str, np.ndarray]
Layout = Callable[[Variables, Generator], xr.DataTree]


def pymc(variables: Variables, rng: Generator) -> xr.DataTree:
    """Return draws as ``pymc.sample`` does; its eigenvalues are NaN unless asked for."""
    found = _hamiltonian(variables, rng)
    found |= {"largest_eigval": np.full(found["lp"].shape, np.nan), "step_size_bar": found["step_size"]}
    tree = _tree(variables, found | {"reached_max_treedepth": found["tree_depth"] > 9})
    for name in ("posterior", "sample_stats"):
        tree[name].attrs |= {"inference_library": "pymc", "tuning_steps": 1000, "sampling_time": 2.5}
    return tree


def nutpie(variables: Variables, rng: Generator) -> xr.DataTree:
    """Return draws as ``nutpie.sample`` does: names of its own, and the settings of the run."""
    found = _hamiltonian(variables, rng)
    renamed = {"lp": "logp", "tree_depth": "depth", "acceptance_rate": "mean_tree_accept"}
    statistics = {renamed.get(name, name): values for name, values in found.items()}
    statistics |= {"step_size_bar": found["step_size"], "maxdepth_reached": found["tree_depth"] > 9}
    statistics["divergence_energy_error"] = np.full(found["lp"].shape, np.nan)
    tree = _tree(variables, statistics)
    chains, draws = found["lp"].shape
    settings = {"sampler": "nuts", "settings": {"num_tune": 1000, "num_draws": draws, "num_chains": chains}}
    tree["sample_stats"].attrs |= {"inference_library": "nutpie", "inference_library_settings": json.dumps(settings)}
    return tree


def numpyro(variables: Variables, rng: Generator) -> xr.DataTree:
    """Return draws as ``arviz.from_numpyro`` does: single precision, and of trees their number of steps."""
    found = _hamiltonian(variables, rng)
    kept = {name: found[name] for name in ("diverging", "energy", "acceptance_rate", "n_steps", "lp")}
    single = {name: v.astype(np.float32) if v.dtype == float else v for name, v in variables.items()}
    return _tree(single, kept | {"reached_max_tree_depth": found["tree_depth"] > 9})


def plain(variables: Variables, rng: Generator) -> xr.DataTree:
    """Return draws as ``arviz.from_dict`` does, without statistics."""
    return arviz_base.from_dict({"posterior": dict(variables)})


LAYOUTS: dict[str, Layout] = {"PyMC": pymc, "nutpie": nutpie, "NumPyro": numpyro, "from_dict": plain}


def _tree(variables: Variables, statistics: Variables) -> xr.DataTree:
    return arviz_base.from_dict({"posterior": dict(variables), "sample_stats": dict(statistics)})


def _hamiltonian(variables: Variables, rng: Generator) -> dict[str, np.ndarray]:
    """Return the statistics of a Hamiltonian sampler that runs well on a posterior of as many normal quantities."""
    size = next(iter(variables.values())).shape[:2]
    n = sum(int(np.prod(values.shape[2:])) for values in variables.values())
    potential, kinetic = rng.chisquare(n, (2, *size)) / 2
    depth = rng.integers(2, 4, size)
    return {
        "diverging": np.zeros(size, dtype=bool),
        "energy": potential + kinetic,
        "lp": -potential,
        "acceptance_rate": rng.beta(8.0, 2.0, size),
        "step_size": np.repeat(rng.uniform(0.6, 0.8, (size[0], 1)), size[1], axis=1),
        "tree_depth": depth,
        "n_steps": 2**depth - 1,
    }
