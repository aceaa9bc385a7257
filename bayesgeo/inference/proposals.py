"""Proposals for the few values of a collapsed posterior, adapted to its density by importance sampling."""

from dataclasses import dataclass
from functools import partial

import numpy as np
from scipy import linalg, special
from sklearn.mixture import GaussianMixture

from bayesgeo._progress import announce
from bayesgeo.inference.base import Marginal
from bayesgeo.inference.folding import Folded, inside
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
TOLD = 30  # effective points by value and component
COMPONENTS, PARTS, JITTER = (1, 3, 5, 8), 2_000, 0.1


@dataclass(frozen=True, eq=False)
class Mixture:
    """A mixture of Student's t distributions: weights ``(k,)``, means ``(k, d)`` and factors ``(k, d, d)``."""

    weights: np.ndarray
    means: np.ndarray
    factors: np.ndarray

    def sample(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """Draw points ``(n, d)``."""
        component = rng.choice(len(self.weights), n, p=self.weights)
        z = rng.standard_normal((n, self.means.shape[1])) / np.sqrt(rng.chisquare(DEGREES, (n, 1)) / DEGREES)
        return self.means[component] + np.einsum("nij,nj->ni", self.factors[component], z)

    def log_density(self, points: np.ndarray) -> np.ndarray:
        """Return the log density ``(n,)``."""
        d = points.shape[1]
        constant = special.gammaln((DEGREES + d) / 2) - special.gammaln(DEGREES / 2) - d / 2 * np.log(DEGREES * np.pi)
        found = []
        for weight, mean, factor in zip(self.weights, self.means, self.factors, strict=True):
            z = linalg.solve_triangular(factor, (points - mean).T, lower=True)
            power = -(DEGREES + d) / 2 * np.log1p(np.sum(z**2, axis=0) / DEGREES)
            found.append(np.log(weight) + constant - np.log(np.diag(factor)).sum() + power)
        return special.logsumexp(found, axis=0)


def _of_peak(peak: Peak) -> Mixture:
    """Return Laplace's approximation; along a direction that is flat or curves upwards it is wide."""
    values, vectors = np.linalg.eigh(peak.curvature)
    sd = 1 / np.sqrt(values.clip(min=WIDEST**-2.0))
    factor = _root((vectors * sd**2) @ vectors.T)
    return _widened(Mixture(np.ones(1), peak.at[None], factor[None]), peak.at, factor, *AT_FIRST)


def _widened(proposal: Mixture, mean: np.ndarray, factor: np.ndarray, share: float, width: float) -> Mixture:
    """Add a component of the given share, whose factor is at most ``width`` times that of all."""
    width = min(width, VOLUME ** (1 / len(mean)))
    return Mixture(
        np.r_[proposal.weights * (1 - share), share],
        np.r_[proposal.means, mean[None]],
        np.r_[proposal.factors, width * factor[None]],
    )


def _root(covariance: np.ndarray) -> np.ndarray:
    return linalg.cholesky(WIDER * covariance + 1e-10 * np.eye(len(covariance)), lower=True)


def adapted_proposal(marginal: Marginal, chains: int, rng: np.random.Generator) -> tuple[Proposal, np.ndarray, bool]:
    """Adapt the proposal, at least once, until most points are effective.

    Return it, where the chains start, and whether most points are effective.
    """
    announce("climbing")
    costly = marginal.repeats > 1
    tolerance = NEARLY if costly else CLOSE
    climb = partial(inside, bounds=marginal.bounds)
    peak = maximise(marginal.log_density, marginal.start, tolerance=tolerance, within=climb)
    proposal: Proposal = Folded(_of_peak(peak), marginal.bounds)
    kept: list[_Round] = []
    efficient = False
    for k in range(ROUNDS):
        points = proposal.sample(max(POINTS // marginal.repeats, 2 * COMPONENTS[-1]), rng)
        kept.append(_Round.of(points, finite(marginal.log_density(points)), proposal.log_density(points)))
        efficient = k > 0 and kept[-1].effective >= EFFICIENT * len(points)
        bent = isinstance(proposal, Corrected) and proposal.surface.bent
        if costly:  # points tell few components, and it pays to learn the density between them
            proposal = _learned(kept, marginal.bounds, rng)
        elif not efficient:
            proposal = Folded(_fitted(kept, COMPONENTS[min(k, len(COMPONENTS) - 1)], rng), marginal.bounds)
        if efficient or (bent and _stalled([one.effective for one in kept])):
            break
    last = kept[-1]
    return proposal, last.points[rng.choice(len(last.points), chains, p=np.exp(last.log_weight))], efficient


def _stalled(effective: list[float]) -> bool:
    """Tell whether two rounds in turn were hardly better than the best before: the share of one round is uncertain."""
    return len(effective) > 2 and max(effective[-2:]) < BETTER * max(effective[:-2])


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


def _learned(kept: list[_Round], bounds: np.ndarray, rng: np.random.Generator) -> Proposal:
    """Fit as many components as the points can tell, and correct them by a polynomial for the log density of all."""
    told = sum(one.effective for one in kept) / (TOLD * kept[0].points.shape[1])
    mixture = _fitted(kept, max(one for one in COMPONENTS if one <= max(told, 1)), rng)
    points, log_density = (np.concatenate([getattr(one, name) for one in kept]) for name in ("points", "log_density"))
    log_weight = np.concatenate([one.log_weight + np.log(one.effective) for one in kept])
    surface = fitted_surface(points, log_density, log_weight, mixture.means[-1], mixture.factors[-1])
    proposal = Folded(mixture, bounds)
    return proposal if surface is None else Corrected.of(surface, proposal, points, log_weight)


def _fitted(kept: list[_Round], components: int, rng: np.random.Generator) -> Mixture:
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
    fitted = Mixture(mixture.weights_, mean + mixture.means_ @ factor.T, factors)
    return _widened(fitted, mean, factor, *AFTERWARDS)


def finite(log_density: np.ndarray) -> np.ndarray:
    """Return log densities, minus infinity where there is none."""
    return np.where(np.isnan(log_density), -np.inf, log_density)
