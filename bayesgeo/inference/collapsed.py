"""Sample the few values that the rest of a posterior depends on, and draw the rest exactly given these."""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
import xarray as xr
from scipy import linalg, special
from sklearn.mixture import GaussianMixture

from bayesgeo._check import invalid
from bayesgeo._progress import announce
from bayesgeo.inference.base import Marginal, Problem, check_counts, label_posterior
from bayesgeo.inference.newton import Peak, maximise
from bayesgeo.inference.surface import Corrected, Proposal, fitted_surface

DEGREES = 8.0  # of freedom of the proposals: heavier tails than those of a scale's posterior
WIDER = 1.1  # factor of the proposals' variances
WIDEST = 4.0  # standard deviation of a proposal, of values whose scale is about one
ROUNDS, POINTS = 8, 1_000  # of adaptation, at most; fewer points where one is costly
EFFICIENT = 0.75  # share of effective points from which on a proposal is not adapted further
# A wide component finds what the others miss, and bounds the ratios of the densities: share and factor of its width,
# around the mode, where the approximation may miss a ridge altogether, and of what is fitted.
AT_FIRST, AFTERWARDS = (0.3, 4.0), (0.1, 2.0)
NEARLY, CLOSE = 0.01, 1e-3  # what another step of the climb may gain: of a costly density, and of another
VOLUME = 100  # of the wide component, at most, in that of all: of many values, one that is wider holds nearly nothing
BETTER = 1.05  # by which a round must improve where only more points can
STEP = 2.4  # of a walk, in deviations over the root of the number of values (Roberts, Gelman & Gilks 1997)
AHEAD = 3  # of the other parameters where the chain is, as many times the draws that it needs
COMPONENTS, PARTS, JITTER = (1, 3, 5, 8), 2_000, 0.1

Draws = Mapping[str, np.ndarray]


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
        proposal, starts, efficient = _adapted(problem.marginal, self.chains, np.random.default_rng(first))
        announce("sampling", draws=0)
        rngs = [np.random.default_rng(other) for other in others]
        if isinstance(proposal, Corrected) and not efficient:
            chains = _walked(problem.marginal, proposal, starts, self.draws, rngs)
        else:
            chains = [
                _chain(problem.marginal, proposal, start, self.draws, rng)
                for start, rng in zip(starts, rngs, strict=True)
            ]
        tree = xr.DataTree.from_dict(_groups(problem, chains))
        tree.attrs = {
            "inference": "Collapsed",
            "kind": "chains",
            "title": "independent proposals of the scales, the rest exact (Collapsed)",
            "checks": json.dumps(["pareto_k"]),
            "seed": seed,
            "chains": self.chains,
            "draws": self.draws,
            "compile_seconds": 0.0,
            "sampling_seconds": time.perf_counter() - begun,
            "interrupted": 0,
        }
        return tree


@dataclass(frozen=True, eq=False)
class _Proposal:
    """A mixture of Student's t distributions: weights ``(k,)``, means ``(k, d)`` and factors ``(k, d, d)``."""

    weights: np.ndarray
    means: np.ndarray
    factors: np.ndarray

    def sample(self, n: int, rng: np.random.Generator) -> np.ndarray:
        component = rng.choice(len(self.weights), n, p=self.weights)
        z = rng.standard_normal((n, self.means.shape[1])) / np.sqrt(rng.chisquare(DEGREES, (n, 1)) / DEGREES)
        return self.means[component] + np.einsum("nij,nj->ni", self.factors[component], z)

    def log_density(self, points: np.ndarray) -> np.ndarray:
        d = points.shape[1]
        constant = special.gammaln((DEGREES + d) / 2) - special.gammaln(DEGREES / 2) - d / 2 * np.log(DEGREES * np.pi)
        found = []
        for weight, mean, factor in zip(self.weights, self.means, self.factors, strict=True):
            z = linalg.solve_triangular(factor, (points - mean).T, lower=True)
            power = -(DEGREES + d) / 2 * np.log1p(np.sum(z**2, axis=0) / DEGREES)
            found.append(np.log(weight) + constant - np.log(np.diag(factor)).sum() + power)
        return special.logsumexp(found, axis=0)


def _of_peak(peak: Peak) -> _Proposal:
    """Return Laplace's approximation; along a direction that is flat or curves upwards it is wide."""
    values, vectors = np.linalg.eigh(peak.curvature)
    sd = 1 / np.sqrt(values.clip(min=WIDEST**-2.0))
    factor = _root((vectors * sd**2) @ vectors.T)
    return _widened(_Proposal(np.ones(1), peak.at[None], factor[None]), peak.at, factor, *AT_FIRST)


def _widened(proposal: _Proposal, mean: np.ndarray, factor: np.ndarray, share: float, width: float) -> _Proposal:
    """Add a component of the given share, whose factor is at most ``width`` times that of all."""
    width = min(width, VOLUME ** (1 / len(mean)))
    return _Proposal(
        np.r_[proposal.weights * (1 - share), share],
        np.r_[proposal.means, mean[None]],
        np.r_[proposal.factors, width * factor[None]],
    )


def _root(covariance: np.ndarray) -> np.ndarray:
    return linalg.cholesky(WIDER * covariance + 1e-10 * np.eye(len(covariance)), lower=True)


def _adapted(marginal: Marginal, chains: int, rng: np.random.Generator) -> tuple[Proposal, np.ndarray, bool]:
    """Adapt the proposal, at least once, until most points are effective.

    Return it, where the chains start, and whether most points are effective.
    """
    announce("climbing")
    costly = marginal.repeats > 1
    tolerance = NEARLY if costly else CLOSE
    peak = maximise(marginal.log_density, marginal.start, tolerance=tolerance, within=marginal.within)
    proposal: Proposal = _of_peak(peak)
    kept: list[_Round] = []
    efficient = False
    for k in range(ROUNDS):
        points = proposal.sample(max(POINTS // marginal.repeats, 2 * COMPONENTS[-1]), rng)
        kept.append(_Round.of(points, _finite(marginal.log_density(points)), proposal.log_density(points)))
        efficient = k > 0 and kept[-1].effective >= EFFICIENT * len(points)
        if efficient or (
            isinstance(proposal, Corrected)
            and proposal.surface.complete
            and kept[-1].effective < BETTER * kept[-2].effective
        ):
            break
        # Where a point is so costly that many draws are taken at each, few points tell no more than mean and
        # covariance, and it pays to learn the density between them.
        proposal = _learned(kept, rng) if costly else _fitted(kept, COMPONENTS[min(k, len(COMPONENTS) - 1)], rng)
    last = kept[-1]
    return proposal, last.points[rng.choice(len(last.points), chains, p=np.exp(last.log_weight))], efficient


@dataclass(frozen=True, eq=False)
class _Round:
    """Points ``(n, d)`` of one proposal, their log densities, and the logarithms of their weights, which sum to one."""

    points: np.ndarray
    log_density: np.ndarray
    log_weight: np.ndarray

    @classmethod
    def of(cls, points: np.ndarray, log_density: np.ndarray, log_proposal: np.ndarray) -> "_Round":
        ratio = log_density - log_proposal
        return cls(points, log_density, ratio - special.logsumexp(ratio))

    @property
    def effective(self) -> float:
        """Effective number of points."""
        return float(np.exp(-special.logsumexp(2 * self.log_weight)))


def _learned(kept: list[_Round], rng: np.random.Generator) -> Proposal:
    """Fit one component, and correct it by a polynomial for the log density of all points."""
    proposal = _fitted(kept, 1, rng)
    points, log_density = (np.concatenate([getattr(one, name) for one in kept]) for name in ("points", "log_density"))
    log_weight = np.concatenate([one.log_weight + np.log(one.effective) for one in kept])
    surface = fitted_surface(points, log_density, log_weight, proposal.means[0], proposal.factors[0])
    return proposal if surface is None else Corrected.of(surface, proposal, points, log_weight)


def _fitted(kept: list[_Round], components: int, rng: np.random.Generator) -> _Proposal:
    """Fit a mixture to the weighted points of all rounds, each round weighed by its effective number."""
    points = np.concatenate([one.points for one in kept])
    weights = np.concatenate([np.exp(one.log_weight) * one.effective for one in kept])
    drawn = points[rng.choice(len(points), PARTS, p=weights / weights.sum())]
    mean, factor = drawn.mean(axis=0), _root(np.atleast_2d(np.cov(drawn.T)))
    # Fitted where all directions are alike. What a few points hold is not told from one; the jitter keeps copies of a
    # point from making a component.
    z = linalg.solve_triangular(factor, (drawn - mean).T, lower=True).T
    z = z + JITTER * rng.standard_normal(z.shape)
    mixture = GaussianMixture(components, reg_covar=1e-6, random_state=int(rng.integers(2**31 - 1))).fit(z)
    factors = np.array([factor @ _root(one) for one in mixture.covariances_])
    fitted = _Proposal(mixture.weights_, mean + mixture.means_ @ factor.T, factors)
    return _widened(fitted, mean, factor, *AFTERWARDS)


def _finite(log_density: np.ndarray) -> np.ndarray:
    return np.where(np.isnan(log_density), -np.inf, log_density)


@dataclass(frozen=True, eq=False)
class _Chain:
    """Draws by name ``(draw, ...)``, statistics ``(draw,)`` and the ratios of all proposals."""

    draws: Draws
    lp: np.ndarray
    acceptance: np.ndarray
    log_ratio: np.ndarray


def _chain(marginal: Marginal, proposal: Proposal, start: np.ndarray, draws: int, rng: np.random.Generator) -> _Chain:
    points = np.concatenate([start[None], proposal.sample(-(-draws // marginal.repeats), rng)])
    reference, walk = proposal.log_density(points), _Walk(_Kept(marginal.repeats), rng, start)
    for k, density, conditional in _one_by_one(marginal, points):
        walk.proposed = points[k]
        walk.decide(density, float(reference[k]), conditional, local=False, first=not k)
    return walk.chain(draws)


def _walked(
    marginal: Marginal, proposal: Corrected, starts: np.ndarray, draws: int, rngs: list[np.random.Generator]
) -> list[_Chain]:
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
            walk.proposed = walk.at + step @ z if local else proposal.sample(1, walk.rng)[0]
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

    def chain(self, draws: int) -> _Chain:
        """Return what was kept."""
        lp, acceptances = np.repeat(np.array(self.table), self.parts.repeats, axis=0)[:draws].T
        kept = {name: values[:draws] for name, values in self.parts.stacked().items()}
        return _Chain(kept, lp, acceptances, np.array(self.ratios))


def _one_by_one(
    marginal: Marginal, points: np.ndarray
) -> Iterator[tuple[int, float, Callable[[int, np.random.Generator], Draws]]]:
    for part, density, conditional in marginal.evaluate(points):
        for k, value in enumerate(_finite(density)):
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


def _groups(problem: Problem, chains: list[_Chain]) -> dict[str, xr.Dataset]:
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
