"""Chains over the few values of a collapsed posterior: proposals accepted by the rule of Metropolis and Hastings."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np

from bayesgeo.inference.base import Marginal
from bayesgeo.inference.folding import folded
from bayesgeo.inference.proposals import finite
from bayesgeo.inference.surface import Corrected, Proposal

STEP = 2.4  # of a walk, in deviations over the root of the number of values (Roberts, Gelman & Gilks 1997)
AHEAD = 3  # of the other parameters where the chain is, as many times the draws that it needs

Draws = Mapping[str, np.ndarray]


@dataclass(frozen=True, eq=False)
class Chain:
    """Draws by name ``(draw, ...)``, statistics ``(draw,)`` and the ratios of all proposals."""

    draws: Draws
    lp: np.ndarray
    acceptance: np.ndarray
    log_ratio: np.ndarray


def independent_chain(
    marginal: Marginal, proposal: Proposal, start: np.ndarray, draws: int, rng: np.random.Generator
) -> Chain:
    """Return a chain whose proposals do not depend on where it is, so that all are evaluated at once."""
    points = np.concatenate([start[None], proposal.sample(-(-draws // marginal.repeats), rng)])
    reference, walk = proposal.log_density(points), _Walk(_Kept(marginal.repeats), rng, start)
    for k, density, conditional in _one_by_one(marginal, points):
        walk.proposed = points[k]
        walk.decide(density, float(reference[k]), conditional, local=False, first=not k)
    return walk.chain(draws)


def walked_chains(
    marginal: Marginal, proposal: Corrected, starts: np.ndarray, draws: int, rngs: list[np.random.Generator]
) -> list[Chain]:
    """Let every second proposal of each chain be a step from where it is, so that none stays where proposals are rare.

    The chains move together, because a few points are evaluated at once.
    """
    n = -(-draws // marginal.repeats)
    step = STEP / np.sqrt(starts.shape[1]) * proposal.surface.root
    walks = [_Walk(_Kept(marginal.repeats), rng, start) for rng, start in zip(rngs, starts, strict=True)]
    for k in range(n + 1):
        local = k % 2 == 0
        for walk in walks if k else ():
            z = walk.rng.standard_normal(len(step))
            moved = walk.at + step @ z
            walk.proposed = folded(moved[None], marginal.bounds)[0] if local else proposal.sample(1, walk.rng)[0]
        points = np.array([walk.proposed for walk in walks])
        reference = proposal.log_density(points)
        for i, density, conditional in _one_by_one(marginal, points):
            walks[i].decide(density, float(reference[i]), conditional, local=local, first=not k)
    return [walk.chain(draws) for walk in walks]


class _Walk:
    """One chain: where it is, what is proposed, and what was kept."""

    def __init__(self, parts: "_Kept", rng: np.random.Generator, start: np.ndarray):
        self.parts, self.rng, self.at, self.proposed = parts, rng, start, start
        self.lp = self.reference = -np.inf
        self.table: list[tuple[float, float]] = []
        self.ratios: list[float] = []

    def decide(
        self,
        density: float,
        reference: float,
        conditional: Callable[[int, np.random.Generator], Draws],
        *,
        local: bool,
        first: bool,
    ) -> None:
        """Accept what was proposed or stay, and keep draws there; the first point is where the chain starts."""
        gain = density - self.lp - (0.0 if local else reference - self.reference)
        acceptance = 1.0 if first else float(np.exp(min(0.0, gain))) if density > -np.inf else 0.0
        if self.rng.random() < acceptance:
            self.at, self.lp, self.reference = self.proposed, density, reference
            self.parts.move(conditional, self.rng)
        if first:
            return
        if not local:
            self.ratios.append(density - reference)
        self.table.append((self.lp, acceptance))
        self.parts.keep()

    def chain(self, draws: int) -> Chain:
        """Return what was kept."""
        lp, acceptances = np.repeat(np.array(self.table), self.parts.repeats, axis=0)[:draws].T
        kept = {name: values[:draws] for name, values in self.parts.stacked().items()}
        return Chain(kept, lp, acceptances, np.array(self.ratios))


def _one_by_one(
    marginal: Marginal, points: np.ndarray
) -> Iterator[tuple[int, float, Callable[[int, np.random.Generator], Draws]]]:
    for part, density, conditional in marginal.evaluate(points):
        for k, value in enumerate(finite(density)):
            yield part.start + k, float(value), partial(conditional, k)


class _Kept:
    """The draws of a chain: new ones of the other parameters wherever the chain stays."""

    def __init__(self, repeats: int):
        self.repeats = repeats
        self.stocks: Iterator[Draws] = iter(())
        self.parts: list[Draws] = []

    def move(self, conditional: Callable[[int, np.random.Generator], Draws], rng: np.random.Generator) -> None:
        self.stocks = _stocks(conditional, self.repeats, rng)

    def keep(self) -> None:
        self.parts.append(next(self.stocks))

    def stacked(self) -> Draws:
        return {name: np.concatenate([part[name] for part in self.parts]) for name in self.parts[0]}


def _stocks(
    conditional: Callable[[int, np.random.Generator], Draws], repeats: int, rng: np.random.Generator
) -> Iterator[Draws]:
    """Yield draws without end, a few times ``repeats`` computed at once."""
    while True:
        drawn = conditional(AHEAD * repeats, rng)
        for start in range(0, AHEAD * repeats, repeats):
            yield {name: values[start : start + repeats] for name, values in drawn.items()}
