"""Sample the few values that the rest of a posterior depends on, and draw the rest exactly given these."""

import json
import time
from dataclasses import dataclass

import numpy as np
import xarray as xr

from bayesgeo._check import invalid
from bayesgeo._progress import announce
from bayesgeo.inference.base import Problem, check_counts, label_posterior
from bayesgeo.inference.chains import Chain, independent_chain, walked_chains
from bayesgeo.inference.proposals import adapted_proposal
from bayesgeo.inference.surface import Corrected


@dataclass(frozen=True)
class Collapsed:
    r"""Sample the posterior of a few values by independent proposals, and the other parameters exactly given these.

    Of a model whose other parameters integrate out in closed form, the marginal density :math:`p(\theta \mid y)` of
    the few is known. Proposals come from a mixture of Student's t distributions, adapted to it by importance sampling
    (Cappé et al. 2008, Statistics and Computing 18:447) from Laplace's approximation, and are accepted by the rule
    of Metropolis and Hastings: the chains' limit is the posterior. Whether the proposals reach all of it is checked by
    the Pareto k of the ratios of both densities.

    Where one evaluation is costly, proposals follow a polynomial fitted to all densities found so far, and where even
    these are poor, every second one is a step of a random walk.

    Parameters
    ----------
    draws, chains : int
        Kept draws for each chain, and chains. Where one evaluation is costly, several draws of the other parameters are
        taken at one value of the few.

    Examples
    --------
    >>> Collapsed(draws=500)
    Collapsed(draws=500, chains=4)
    """

    draws: int = 1000
    chains: int = 4

    def run(self, problem: Problem, seed: int) -> xr.DataTree:
        """Compute the posterior of ``problem``; see :class:`Inference`.

        Raises
        ------
        InvalidInput
            If a setting is invalid, or the problem's other parameters do not integrate out.
        """
        check_counts(self, "draws", "chains")
        if problem.marginal is None:
            text = "The parameters of this model do not integrate out in closed form."
            raise invalid("inference", "Collapsed", text, "Use inference=NUTS().")
        begun = time.perf_counter()
        first, *others = np.random.SeedSequence(seed).spawn(self.chains + 1)
        proposal, starts, efficient = adapted_proposal(problem.marginal, self.chains, np.random.default_rng(first))
        announce("sampling", draws=0)
        rngs = [np.random.default_rng(other) for other in others]
        if isinstance(proposal, Corrected) and not efficient:
            chains = walked_chains(problem.marginal, proposal, starts, self.draws, rngs)
        else:
            chains = [
                independent_chain(problem.marginal, proposal, start, self.draws, rng)
                for start, rng in zip(starts, rngs, strict=True)
            ]
        tree = xr.DataTree.from_dict(_groups(problem, chains))
        tree.attrs = {
            "inference": "Collapsed",
            "kind": "chains",
            "title": "proposals of the scales, the rest exact (Collapsed)",
            "checks": json.dumps(["pareto_k"]),
            "seed": seed,
            "chains": self.chains,
            "draws": self.draws,
            "compile_seconds": 0.0,
            "sampling_seconds": time.perf_counter() - begun,
            "interrupted": 0,
        }
        return tree


def _groups(problem: Problem, chains: list[Chain]) -> dict[str, xr.Dataset]:
    draws = {name: np.stack([chain.draws[name] for chain in chains]) for name in problem.dims}
    sample = ("chain", "draw")
    statistics = {
        "lp": (sample, np.stack([chain.lp for chain in chains])),
        "acceptance_rate": (sample, np.stack([chain.acceptance for chain in chains])),
    }
    ratios = np.stack([chain.log_ratio for chain in chains])
    # A point that the density excludes has no weight; a large negative number says so and is finite.
    ratios = np.where(np.isfinite(ratios), ratios, ratios[np.isfinite(ratios)].min() - 100)
    posterior = label_posterior(draws, problem)
    return {
        "posterior": posterior,
        "sample_stats": xr.Dataset(statistics, {name: posterior[name] for name in sample}),
        "approximation": xr.Dataset({"log_ratio": (("chain", "sample"), ratios)}),
    }


__all__ = ["Collapsed"]
