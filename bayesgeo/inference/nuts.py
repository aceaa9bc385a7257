"""The no-U-turn sampler, by nutpie."""

import time
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import joblib
import numpy as np
import xarray as xr

from bayesgeo._check import invalid
from bayesgeo._progress import Listener, announce, current
from bayesgeo.inference.base import Problem, Recent, check_counts, label_posterior

# nutpie's name -> ArviZ's name.
STATISTICS = {
    "diverging": "diverging",
    "energy": "energy",
    "logp": "lp",
    "depth": "tree_depth",
    "maxdepth_reached": "reached_max_treedepth",
    "n_steps": "n_steps",
    "step_size_bar": "step_size",
    "mean_tree_accept": "acceptance_rate",
}
_compiled = Recent()


@dataclass(frozen=True)
class NUTS:
    """Sample a posterior with the no-U-turn sampler (Hoffman & Gelman 2014, JMLR 15).

    Parameters
    ----------
    draws, tune, chains : int
        Kept draws and tuning draws for each chain, and chains.
    cores : int, optional
        Chains that run at once; None takes every core. It never changes the draws.
    target_accept : float, optional
        Wanted acceptance rate; None leaves it to the model.

    Examples
    --------
    >>> NUTS(draws=2000, target_accept=0.95)
    NUTS(draws=2000, tune=500, chains=4, cores=None, target_accept=0.95)
    """

    draws: int = 1000
    tune: int = 500
    chains: int = 4
    cores: int | None = None
    target_accept: float | None = None

    def run(self, problem: Problem, seed: int) -> xr.DataTree:
        """Compute the posterior of ``problem``; see :class:`Inference`.

        Raises
        ------
        InvalidInput
            If a setting is invalid.
        KeyboardInterrupt
            If interrupted before any draw was kept.
        """
        self._check()
        start = time.perf_counter()
        compiled = _compile(problem)
        compiled_at = time.perf_counter()
        raw, interrupted = self._sample(compiled.with_data(**problem.data), problem, seed)
        tree = _labelled(raw, problem)
        tree.attrs = {
            "inference": "NUTS",
            "kind": "chains",
            "title": "no-U-turn sampler (NUTS)",
            "sampler": f"nutpie {version('nutpie')}",
            "seed": seed,
            "tune": self.tune,
            "chains": self.chains,
            "draws": self.draws,
            "compile_seconds": compiled_at - start,
            "sampling_seconds": time.perf_counter() - compiled_at,
            "interrupted": int(interrupted),
        }
        return tree

    def _check(self) -> None:
        check_counts(self, "draws", "tune", "chains")
        if self.target_accept is not None and not 0 < self.target_accept < 1:
            raise invalid("target_accept", self.target_accept, "It must lie between 0 and 1.", "Try 0.9.")

    def _sample(self, compiled: Any, problem: Problem, seed: int) -> tuple[xr.DataTree, bool]:
        import nutpie

        announce("tuning", draws=0)
        sampler = nutpie.sample(
            compiled,
            draws=self.draws,
            tune=self.tune,
            chains=self.chains,
            cores=min(self.cores or joblib.cpu_count(), self.chains),
            seed=seed,
            target_accept=self.target_accept or problem.target_accept,
            save_warmup=False,
            progress_bar=False,
            progress_callback=_progress(current()),
            blocking=False,
        )
        try:
            return sampler.wait(), False
        except KeyboardInterrupt:
            return _partial(sampler.abort()), True


def _compile(problem: Problem) -> Any:
    """Return the compiled graph of the problem, cached by its key."""
    return _compiled.recall(problem.key, lambda: _compile_anew(problem))


def _compile_anew(problem: Problem) -> Any:
    announce("compiling")
    import nutpie
    import pytensor

    # Fast-math lets the compiler reorder sums, and it does so differently when it reads its disk cache:
    # without it the same seed gives the same draws on the first run and on the next.
    with pytensor.config.change_flags(numba__fastmath=False):
        return nutpie.compile_pymc_model(problem.build())


def _progress(listener: Listener) -> Any:
    def listen(chains: list[Any]) -> None:
        numbers = {
            "draws": sum(chain.finished_draws for chain in chains),
            "total": sum(chain.total_draws for chain in chains),
            "divergences": sum(chain.divergences for chain in chains),
        }
        listener("tuning" if any(chain.tuning for chain in chains) else "sampling", numbers)

    return listen


def _partial(tree: xr.DataTree | None) -> xr.DataTree:
    """Keep the draws that every chain has; without any, raise the interrupt again."""
    if tree is None or "posterior" not in tree:
        raise KeyboardInterrupt
    posterior = tree["posterior"].to_dataset()
    complete = np.logical_and.reduce(
        [values.notnull().all([dim for dim in values.dims if dim != "draw"]) for values in posterior.values()]
    )
    kept = int(np.argmin(complete)) if not complete.all() else len(complete)
    if not kept:
        raise KeyboardInterrupt
    return tree.map_over_datasets(lambda group: group.isel(draw=slice(kept)) if "draw" in group.dims else group)


def _labelled(raw: xr.DataTree, problem: Problem) -> xr.DataTree:
    posterior = raw["posterior"].to_dataset()
    draws = {name: posterior[name].values for name in problem.dims}
    statistics = raw["sample_stats"].to_dataset()
    statistics = statistics[[name for name in STATISTICS if name in statistics]].rename(
        {name: new for name, new in STATISTICS.items() if name in statistics}
    )
    statistics.attrs = {}
    return xr.DataTree.from_dict({"posterior": label_posterior(draws, problem), "sample_stats": statistics})


__all__ = ["NUTS"]
