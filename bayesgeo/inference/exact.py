"""Closed-form posteriors: independent draws, no compilation."""

import time
from dataclasses import dataclass

import numpy as np
import xarray as xr

from bayesgeo._check import invalid, positive
from bayesgeo.inference.base import Problem, label_posterior


@dataclass(frozen=True)
class Exact:
    """Draw from the closed-form posterior of a conjugate model.

    Parameters
    ----------
    draws, chains : int
        Independent draws per chain, and chains; every draw is exact, chains serve the diagnostics only.

    Examples
    --------
    >>> from bayesgeo.models import BayesianLinearRegression
    >>> model = BayesianLinearRegression(inference=Exact(draws=100, chains=2))
    >>> model.fit([[0.0], [1.0], [2.0]], [0.1, 0.9, 2.1]).posterior_["posterior"]["intercept"].shape
    (2, 100)
    """

    draws: int = 1000
    chains: int = 4

    def run(self, problem: Problem, seed: int) -> xr.DataTree:
        """Compute the posterior of ``problem``; see :class:`Inference`.

        Raises
        ------
        InvalidInput
            If the problem has no closed form.
        """
        if problem.conjugate is None:
            raise invalid("inference", "Exact", "This model's posterior has no closed form.", "Use inference=NUTS().")
        size = (
            int(positive("chains", self.chains, integer=True)),
            int(positive("draws", self.draws, integer=True)),
        )
        start = time.perf_counter()
        posterior = problem.conjugate.update(problem.data["X"], problem.data["y"])
        draws = posterior.sample(size, np.random.default_rng(seed))
        tree = xr.DataTree.from_dict({"posterior": label_posterior(draws, problem)})
        tree.attrs = {
            "inference": "Exact",
            "kind": "exact",
            "title": "closed form (Exact)",
            "seed": seed,
            "chains": self.chains,
            "draws": self.draws,
            "compile_seconds": 0.0,
            "sampling_seconds": time.perf_counter() - start,
            "interrupted": 0,
        }
        return tree


__all__ = ["Exact"]
