"""Pathfinder (Zhang et al. 2022, JMLR 23:306): a Gaussian along the path of an optimiser, by blackjax."""

import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr


@dataclass(frozen=True)
class Pathfinder:
    """Approximate a posterior from several starts."""

    draws: int = 250
    chains: int = 4

    def run(self, problem: Any, seed: int) -> xr.DataTree:
        """Compute the approximation."""
        from bayesgeo.inference.kernels.device import single_precision

        with single_precision():
            return self._run(problem, seed)

    def _run(self, problem: Any, seed: int) -> xr.DataTree:
        import blackjax
        import jax

        from bayesgeo.inference.kernels import target as kernels

        begun = time.perf_counter()
        target = kernels.target_of(problem)
        compiled = time.perf_counter()
        starts = kernels.starts(problem, target, self.chains, seed)

        def log_density(theta: Any) -> Any:
            return target.density.total(theta, target.data, target.everything)

        @jax.jit
        def one(key: Any, start: Any) -> Any:
            fit, draw = jax.random.split(key)
            state, _ = blackjax.vi.pathfinder.approximate(fit, log_density, start)
            return blackjax.vi.pathfinder.sample(draw, state, self.draws)

        keys = jax.random.split(jax.random.key(seed), self.chains)
        found = [one(key, start) for key, start in zip(keys, starts, strict=True)]
        theta, log_q = (np.stack([np.asarray(part[k]) for part in found]) for k in (0, 1))
        tree = xr.DataTree.from_dict(kernels.approximation(problem, target, theta, log_q, None))
        tree.attrs = {
            "inference": "Pathfinder",
            "kind": "approximation",
            "title": "Gaussian along an optimiser's path (Pathfinder)",
            "seed": seed,
            "compile_seconds": compiled - begun,
            "sampling_seconds": time.perf_counter() - compiled,
            "interrupted": 0,
        }
        return tree
