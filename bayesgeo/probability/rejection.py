"""Rejection sampling with a checked envelope: a point that it does not cover raises an error."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import xarray as xr
from scipy import optimize

from bayesgeo._check import invalid, positive
from bayesgeo.probability.base import Proposal, Values, log_ratio

SLACK = 1e-9
STRETCHES = (1.0, 1.5, 3.0)
BATCH = 4096


@dataclass(frozen=True, eq=False)
class Accepted:
    """Hold exact draws from a target and the acceptance rate.

    Parameters
    ----------
    draws : xarray.Dataset
        Variables ``(chain=1, draw)``.
    acceptance_rate : float
        Share of proposals that were kept.
    proposals : int
        Number of proposals made.
    log_evidence : float
        Log of the target's integral: log envelope plus log acceptance rate.

    Examples
    --------
    >>> Accepted(xr.Dataset(), acceptance_rate=0.25, proposals=400, log_evidence=-1.4).proposals
    400
    """

    draws: xr.Dataset
    acceptance_rate: float
    proposals: int
    log_evidence: float


def rejection(
    log_target: Callable[[Values], xr.DataArray],
    proposal: Proposal,
    *,
    log_envelope: float,
    n: int,
    seed: int,
    most_proposals: int = 10_000_000,
) -> Accepted:
    """Draw exactly from a target known up to a constant.

    A proposal x is kept with probability target(x) / (envelope × proposal(x)) (von Neumann 1951). The
    envelope must cover the target everywhere. It is checked at every proposal, at points spread beyond them, and along
    a search from the worst of these; a point that is not covered raises.

    Parameters
    ----------
    log_target : callable
        Takes values by name and returns the log of the target, −inf outside its support.
    proposal : Gaussian, Density or Independent
        Distribution to draw from.
    log_envelope : float
        Log of the factor by which the proposal must be raised to cover the target.
    n : int
        Number of draws to keep.
    seed : int
        Seed of the draws.
    most_proposals : int
        Maximum number of proposals.

    Raises
    ------
    InvalidInput
        If a point is not covered, naming it, or too few proposals are kept.

    Examples
    --------
    >>> from bayesgeo.probability import Independent, uniform
    >>> beta = lambda v: np.log(6 * v["p"] * (1 - v["p"]))
    >>> result = rejection(beta, Independent(p=uniform(0, 1)), log_envelope=np.log(1.5), n=1000, seed=1)
    >>> result.draws.sizes["draw"], 0.6 < result.acceptance_rate < 0.73
    (1000, True)
    """
    positive("n", n, integer=True)
    _refuse_uncovered(log_target, proposal, log_envelope, seed)
    kept, accepted, made = [], 0, 0
    streams = np.random.SeedSequence(seed)
    while accepted < n:
        if made >= most_proposals:
            raise invalid(
                "most_proposals",
                most_proposals,
                f"Only {accepted} of {n} draws were kept.",
                "Use a proposal closer to the target.",
            )
        draws, keep = _batch(log_target, proposal, log_envelope, streams.spawn(1)[0])
        needed = np.flatnonzero(keep)[: n - accepted]
        # Proposals after the last accepted draw do not count.
        made += keep.size if accepted + needed.size < n else int(needed[-1]) + 1
        accepted += needed.size
        kept.append(draws.isel(draw=needed))
    draws = xr.concat(kept, dim="draw")
    return Accepted(draws, n / made, made, log_envelope + float(np.log(n / made)))


def _batch(
    log_target: Callable[[Values], xr.DataArray],
    proposal: Proposal,
    log_envelope: float,
    stream: np.random.SeedSequence,
) -> tuple[xr.Dataset, np.ndarray]:
    from_proposal, from_uniform = (int(word) for word in stream.generate_state(2))
    draws = proposal.sample(BATCH, seed=from_proposal)
    excess = log_ratio(log_target, proposal, draws) - log_envelope
    _refuse_excess(excess, draws)
    heights = np.log1p(-np.random.default_rng(from_uniform).random(BATCH))
    return draws, heights < excess.values.ravel()


def _refuse_excess(excess: xr.DataArray, draws: xr.Dataset) -> None:
    at = int(excess.values.argmax())
    if excess.values.ravel()[at] > SLACK:
        point = {name: round(float(draws[name].values.ravel()[at]), 6) for name in draws.data_vars}
        factor = float(np.exp(np.minimum(excess.values.ravel()[at], 700.0)))
        raise invalid(
            "envelope",
            point,
            f"The target is {factor:.4g} times above it there.",
            "Raise log_envelope, or use a wider proposal.",
        )


def _refuse_uncovered(
    log_target: Callable[[Values], xr.DataArray], proposal: Proposal, log_envelope: float, seed: int
) -> None:
    draws = proposal.sample(BATCH, seed=int(np.random.SeedSequence([seed, 1]).generate_state(1)[0]))
    centre = draws.mean()
    spread = xr.concat([centre + stretch * (draws - centre) for stretch in STRETCHES], dim="draw")
    excess = log_ratio(log_target, proposal, spread) - log_envelope
    _refuse_excess(excess, spread)
    worst = spread.isel(chain=0, draw=int(excess.values.argmax()))
    start = np.array([float(worst[name]) for name in proposal.names])

    def shortfall(point: np.ndarray) -> float:
        value = float(log_ratio(log_target, proposal, _dataset(proposal, point)).max())
        return min(-value, 1e300)

    found = _dataset(proposal, optimize.minimize(shortfall, start, method="Nelder-Mead").x)
    _refuse_excess(log_ratio(log_target, proposal, found) - log_envelope, found)


def _dataset(proposal: Proposal, point: np.ndarray) -> xr.Dataset:
    pairs = zip(proposal.names, point, strict=True)
    return xr.Dataset({name: (("chain", "draw"), [[x]]) for name, x in pairs})
