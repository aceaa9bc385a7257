"""Pathfinder (Zhang et al. 2022, JMLR 23:306): a Gaussian along the path of an optimiser, by blackjax."""

import time
from dataclasses import dataclass
from typing import Any

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
        import jax

        from bayesgeo.inference.kernels import target as kernels
        from bayesgeo.inference.kernels.device import each_chain

        begun = time.perf_counter()
        target = kernels.target_of(problem)
        compiled = time.perf_counter()
        starts = kernels.starts(problem, target, self.chains, seed)
        keys = jax.random.split(jax.random.key(seed), self.chains)
        # Compiled once for all problems of the same graph and size.
        move = target.density.compiled(_approximate, self.draws)
        theta, log_q = each_chain(move, (keys, starts), target.data, target.everything)
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


def _approximate(density: Any, draws: int, chain: Any, data: Any, weight: Any) -> Any:
    """Follow the optimiser from one start, and draw from the best Gaussian along its path."""
    import blackjax
    import jax

    key, start = chain
    fit, draw = jax.random.split(key)
    state, _ = blackjax.vi.pathfinder.approximate(fit, lambda theta: density.total(theta, data, weight), start)
    return blackjax.vi.pathfinder.sample(draw, state, draws)
