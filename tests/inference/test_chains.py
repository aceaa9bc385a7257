"""Chains over a few values reach their density, also by proposals that are rare where much of it is."""

from collections.abc import Iterator

import numpy as np
import pytest

from bayesgeo.inference.chains import Chain, independent_chain, walked_chains
from bayesgeo.inference.folding import unbounded
from bayesgeo.inference.surface import Corrected, Surface

DRAWS = 6_000


class Gammas:
    """Logarithms of two gamma variables of shape 3 and mean one, each drawn as often as the chain stays."""

    repeats = 1
    start = np.zeros(2)

    bounds = unbounded(2)

    def log_density(self, points: np.ndarray) -> np.ndarray:
        return np.sum(3 * points - 3 * np.exp(points), axis=1)

    def evaluate(self, points: np.ndarray) -> Iterator[tuple]:
        yield slice(0, len(points)), self.log_density(points), lambda k, n, _: {"x": np.repeat(points[k][None], n, 0)}


class Normal:
    def __init__(self, mean: float, sd: float):
        self.mean, self.sd = mean, sd

    def sample(self, n: int, rng: np.random.Generator) -> np.ndarray:
        return self.mean + self.sd * rng.standard_normal((n, 2))

    def log_density(self, points: np.ndarray) -> np.ndarray:
        return -0.5 * np.sum(((points - self.mean) / self.sd) ** 2, axis=1)


def corrected(proposal: Normal) -> Corrected:
    """A polynomial that is zero everywhere: it corrects nothing but by what it takes away from the proposal."""
    return Corrected(Surface(np.zeros(2), 0.6 * np.eye(2), 2, np.zeros(6), 1.0), proposal, 0.0)


def moments(chains: list[Chain]) -> tuple[float, float]:
    """Return mean and variance of the gamma variables: one and a third."""
    drawn = np.exp(np.concatenate([chain.draws["x"] for chain in chains]))
    return float(drawn.mean()), float(drawn.var())


def test_independent_proposals_reach_the_density() -> None:
    chain = independent_chain(Gammas(), Normal(-0.2, 0.9), np.zeros(2), DRAWS, np.random.default_rng(0))
    assert moments([chain]) == pytest.approx((1.0, 1 / 3), rel=0.08)
    assert chain.log_ratio.shape == chain.lp.shape == chain.acceptance.shape == (DRAWS,)


@pytest.mark.parametrize("proposal", [Normal(-0.2, 0.9), Normal(-0.8, 0.3)], ids=["good", "off"])
def test_every_second_step_of_a_walk_reaches_the_density(proposal: Normal) -> None:
    rngs = [np.random.default_rng(seed) for seed in range(4)]
    chains = walked_chains(Gammas(), corrected(proposal), np.zeros((4, 2)), DRAWS, rngs)
    assert moments(chains) == pytest.approx((1.0, 1 / 3), rel=0.08)
    assert chains[0].log_ratio.shape == (DRAWS // 2,)


def test_a_walk_leaves_where_proposals_never_come() -> None:
    off, start = Normal(-3.0, 0.2), np.full(2, 0.5)
    alone = independent_chain(Gammas(), off, start, 200, np.random.default_rng(0))
    walked = walked_chains(Gammas(), corrected(off), start[None], 200, [np.random.default_rng(0)])[0]
    assert len(np.unique(alone.draws["x"][:, 0])) == 1
    assert len(np.unique(walked.draws["x"][:, 0])) > 30
