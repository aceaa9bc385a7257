"""Importance sampling with Pareto-smoothed weights and their diagnostic."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import xarray as xr

from bayesgeo._arrays import log_mean_exp
from bayesgeo._check import invalid, positive
from bayesgeo.probability.base import Proposal, Values, log_ratio

MOST_K = 0.7


@dataclass(frozen=True, eq=False)
class Importance:
    """Hold weighted draws from a target and their diagnostic, Pareto k.

    Parameters
    ----------
    draws : xarray.Dataset
        Variables ``(chain=1, draw)`` from the proposal.
    weights : xarray.DataArray
        ``(chain, draw)``, Pareto smoothed, summing to one.
    pareto_k : float
        Shape of the tail of the raw weights; above 0.7 the estimates are unreliable.
    log_evidence : float
        Log of the target's integral, from the raw weights.

    Examples
    --------
    >>> weights = xr.DataArray([[0.5, 0.5]], dims=("chain", "draw"))
    >>> Importance(xr.Dataset(), weights, pareto_k=float("nan"), log_evidence=0.0).reliable
    False
    """

    draws: xr.Dataset
    weights: xr.DataArray
    pareto_k: float
    log_evidence: float

    @property
    def reliable(self) -> bool:
        """Whether Pareto k is known and at most 0.7."""
        return bool(self.pareto_k <= MOST_K)


def importance(log_target: Callable[[Values], xr.DataArray], proposal: Proposal, *, n: int, seed: int) -> Importance:
    """Weight draws of a proposal by target over proposal, smoothed by ArviZ.

    Parameters
    ----------
    log_target : callable
        Takes values by name and returns the log of the target, −inf outside its support.
    proposal : Gaussian, Density or Independent
        Distribution to draw from; its support must cover that of the target.
    n : int
        Number of draws.
    seed : int
        Seed of the draws.

    Raises
    ------
    InvalidInput
        If no draw falls where the target has density.

    Notes
    -----
    Pareto smoothing and k are those of Vehtari, Simpson, Gelman, Yao and Gabry (2024).

    Examples
    --------
    >>> from bayesgeo.probability import Draws, Gaussian
    >>> wide = Gaussian({"x": 0.0}, [[4.0]])
    >>> result = importance(lambda v: -0.5 * (v["x"] - 1) ** 2, wide, n=4000, seed=1)
    >>> round(Draws(result.draws, result.weights).expectation("x"), 1), result.reliable
    (1.0, True)
    """
    from arviz_stats.base import array_stats

    positive("n", n, integer=True)
    draws = proposal.sample(n, seed=seed)
    log_weights = log_ratio(log_target, proposal, draws)
    if np.isneginf(log_weights).all():
        raise invalid(
            "proposal", proposal, "No draw falls where the target has density.", "Give one that covers the target."
        )
    # ArviZ takes log likelihoods, whose negatives are the log weights.
    smoothed, k = array_stats.psislw(-log_weights.values.ravel())
    weights = log_weights.copy(data=np.exp(smoothed).reshape(log_weights.shape))
    evidence = float(log_mean_exp(log_weights.values))
    return Importance(draws, weights / weights.sum(), float(k), evidence)
