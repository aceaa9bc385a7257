"""Variational inference: Gaussian approximations of a posterior, one around each trained network."""

import time
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import numpy as np
import xarray as xr

from bayesgeo._check import one_of
from bayesgeo._progress import announce
from bayesgeo.inference.base import Problem, check_counts

BLOCKS, FLOOR = 20, 6  # parts of a run, and the fewest
GROWTH = 0.002  # nats a row: a smaller growth of the bound over a third of the run counts as none
FULL_BATCH, BATCH = 2_000, 512  # rows up to which a step uses all of them, and rows of a step above


@dataclass(frozen=True)
class ADVI:
    r"""Approximate a posterior by Gaussians over unconstrained values (Kucukelbir et al. 2017, JMLR 18:14).

    Each chain is an approximation of its own, started at a trained network with a small spread, and maximises the
    evidence lower bound :math:`E_q[\log p(y, \theta) - \log q(\theta)]` by Adam on reparametrised gradients. Many rows
    are used in minibatches, so memory stays bounded and a step costs the same for any number of rows. It stops when
    the bound has stopped growing.

    Draws are independent, and from the approximation, not the posterior: Pareto-smoothed importance sampling measures
    from the ``log_ratio`` of the two densities how far they are apart (Yao et al. 2018, ICML).

    Parameters
    ----------
    draws, chains : int
        Draws from each approximation, and approximations.
    rank : {"mean-field", "full"}
        Independent values in the approximation, or a full covariance.
    max_steps : int
        Maximum number of gradient steps.
    batch : int, optional
        Rows in a step; None takes all up to 2,000 rows, else 512.
    cores : int, optional
        Chains that run at once; None takes every core. It never changes the draws.

    Examples
    --------
    >>> ADVI(rank="full").max_steps
    10000
    """

    draws: int = 250
    chains: int = 4
    rank: str = "mean-field"
    max_steps: int = 10_000
    batch: int | None = None
    cores: int | None = None

    def run(self, problem: Problem, seed: int) -> xr.DataTree:
        """Compute the approximation; see :class:`Inference`.

        The tree also has ``warmup``, with ``elbo (chain, step)``.

        Raises
        ------
        InvalidInput
            If a setting is invalid.
        KeyboardInterrupt
            If interrupted before the first part of the steps was done.
        """
        one_of("rank", self.rank, ("mean-field", "full"))
        check_counts(self, "draws", "chains", "max_steps", *(("batch",) if self.batch is not None else ()))
        from bayesgeo.inference.kernels.device import single_precision

        with single_precision():
            return self._run(problem, seed)

    def _run(self, problem: Problem, seed: int) -> xr.DataTree:
        begun = time.perf_counter()
        from bayesgeo.inference.kernels import advi
        from bayesgeo.inference.kernels import target as on_device

        target = on_device.target_of(problem)
        compiled = time.perf_counter()
        first = on_device.starts(problem, target, self.chains, seed, self.cores)
        climb = advi.Climb(target, self.rank, self._batch(target.n_rows), max(1, self.max_steps // BLOCKS))
        state, elbo, interrupted = self._climb(climb, first, seed)
        drawn = climb.sample(state, seed, self.draws)
        tree = xr.DataTree.from_dict(on_device.approximation(problem, target, *drawn, self.cores))
        steps = climb.steps * np.arange(1, elbo.shape[1] + 1)
        tree["warmup"] = xr.DataTree(xr.Dataset({"elbo": (("chain", "step"), elbo)}, coords={"step": steps}))
        tree.attrs = {
            "inference": "ADVI",
            "kind": "approximation",
            "title": f"{self.rank} Gaussian (ADVI)",
            "sampler": f"blackjax {version('blackjax')}",
            "seed": seed,
            "chains": self.chains,
            "draws": self.draws,
            "rank": self.rank,
            "compile_seconds": compiled - begun,
            "sampling_seconds": time.perf_counter() - compiled,
            "interrupted": int(interrupted),
        }
        return tree

    def _batch(self, n_rows: int) -> int:
        """Return the number of rows of a step; 0 is all of them."""
        wanted = self.batch or (0 if n_rows <= FULL_BATCH else BATCH)
        return 0 if wanted >= n_rows else wanted

    def _climb(self, climb: Any, first: Any, seed: int) -> tuple[Any, np.ndarray, bool]:
        """Take blocks of steps until the bound stops growing; an interrupt keeps the complete ones."""
        state, bounds = climb.begin(first), []
        try:
            for block in range(BLOCKS):
                state, bound = climb.block(state, seed, block, self.cores)
                bounds.append(np.asarray(bound))
                announce("fitting", steps=(block + 1) * climb.steps, total=BLOCKS * climb.steps)
                if _settled(np.mean(bounds, axis=1) / climb.target.n_rows):
                    break
        except KeyboardInterrupt:
            if not bounds:
                raise
            return state, np.stack(bounds, axis=1), True
        return state, np.stack(bounds, axis=1), False


def _settled(bound: np.ndarray) -> bool:
    """Return whether the bound per row, one value a block, has stopped growing."""
    third = len(bound) // 3
    return len(bound) >= FLOOR and float(bound[-third:].mean() - bound[-2 * third : -third].mean()) < GROWTH


__all__ = ["ADVI"]
