"""The posterior of the scales of a Gaussian mixed model, its coefficients and effects integrated out."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from bayesgeo.models.effects.covariance import GroupPrior, factors, log_prior
from bayesgeo.models.effects.gaussian import MixedEquations, Noise, Solved
from bayesgeo.models.effects.terms import Effect
from bayesgeo.models.regression.graph import NOISE_RATE, NOISE_SHAPE

WORK = 2e9  # of the factors of a chain, in operations: more are not computed, but several draws taken at each
FEWEST_POINTS = 250  # of a chain
DRAWS = 1_000  # of a chain, as usual


@dataclass(frozen=True, eq=False)
class GaussianMarginal:
    r"""Marginal posterior of the noise and of the covariances of effects, on the standardised scale.

    A point is :math:`\log\sigma`, and for each effect the unconstrained values of
    :func:`bayesgeo.models.effects.covariance.factors`, in the unit of the target. With coefficients
    :math:`\theta \sim N(0, \sigma^2 D)` and effects integrated out (Lindley & Smith 1972, JRSS B 34:1),

    .. math:: \log p(y \mid \cdot) = -\tfrac{1}{2} \left(n \log 2\pi\sigma^2 + \log|V| + \log|X^T V^{-1} X + D^{-1}| +
              \log|D| + r^2 / \sigma^2\right).

    Parameters
    ----------
    equations : MixedEquations
        Of the rows; its ``penalty`` is the diagonal of :math:`D^{-1}`, zeros for a flat prior.
    effects : sequence of Effect
        In the order of the equations.
    prior : GroupPrior
        Of the standard deviations.
    spread : float
        Standard deviation of the residuals without effects, where the climb to the mode starts.
    """

    equations: MixedEquations
    effects: Sequence[Effect]
    prior: GroupPrior
    spread: float = 1.0

    @property
    def start(self) -> np.ndarray:
        """Half of the variance to the noise, the rest to the effects."""
        log_sigma = np.log(max(self.spread, 1e-6)) - np.log(2) / 2
        of_effects = [[log_sigma - 0.5] * len(effect.terms) + [0.0] * effect.correlations for effect in self.effects]
        return np.concatenate([[log_sigma], *of_effects])

    @property
    def repeats(self) -> int:
        """Draws of coefficients and effects at each point."""
        points = max(FEWEST_POINTS, int(WORK / self.equations.remaining**3))
        return max(1, -(-DRAWS // points))

    def log_density(self, points: np.ndarray) -> np.ndarray:
        """Return the log density ``(n,)``."""
        return np.concatenate([density for _, density, _ in self.evaluate(points)])

    def evaluate(
        self, points: np.ndarray
    ) -> Iterator[tuple[slice, np.ndarray, Callable[[int, int, np.random.Generator], Mapping[str, np.ndarray]]]]:
        """Yield parts of the points, their log densities and how to draw; see :class:`Marginal`."""
        sigma = np.exp(points[:, 0])
        absolute = [factors(effect, own) for effect, own in zip(self.effects, self._split(points), strict=True)]
        relative = [factor / sigma[:, None, None] for factor in absolute]
        log_priors = self._log_prior(points)
        with np.errstate(all="ignore"):  # what is not finite is no point of the posterior
            for part, solved in self.equations.solve(relative) if relative else self._without(sigma):
                some = [factor[part] for factor in relative]
                draw = _Conditional(self, solved, some, sigma[part], [factor[part] for factor in absolute])
                yield part, log_priors[part] + self._log_likelihood(solved, points[part, 0]), draw

    def _without(self, sigma: np.ndarray) -> Iterator[tuple[slice, Solved]]:
        """Yield the one solution of a model without effects, for every point."""
        _, solved = next(self.equations.solve([]))
        n = len(sigma)
        arrays = (solved.factor, solved.log_determinant, solved.log_determinant_x, solved.squares)
        yield slice(0, n), Solved(*(np.broadcast_to(array, (n, *array.shape[1:])) for array in arrays))

    def _split(self, points: np.ndarray) -> list[np.ndarray]:
        counts = [len(effect.terms) + effect.correlations for effect in self.effects]
        return np.split(points[:, 1:], np.cumsum(counts)[:-1], axis=1) if counts else []

    def _log_likelihood(self, solved: Solved, log_sigma: np.ndarray) -> np.ndarray:
        n, penalty = self.equations.rows[0], self.equations.penalty
        flat = int(np.sum(penalty == 0))
        log_d = -np.log(penalty[penalty > 0]).sum()
        determinants = solved.log_determinant + solved.log_determinant_x + log_d
        return -0.5 * ((n - flat) * (np.log(2 * np.pi) + 2 * log_sigma) + determinants) - 0.5 * (
            solved.squares * np.exp(-2 * log_sigma)
        )

    def _log_prior(self, points: np.ndarray) -> np.ndarray:
        """Return the log prior of the scales; of the noise an inverse gamma of its square, or flat in its logarithm."""
        log_sigma = points[:, 0]
        density = np.zeros(len(points))
        if self.equations.penalty.any():
            density = -2 * NOISE_SHAPE * log_sigma - NOISE_RATE * np.exp(-2 * log_sigma)
        for effect, own in zip(self.effects, self._split(points), strict=True):
            density = density + log_prior(effect, self.prior, own)
        return density


@dataclass(frozen=True, eq=False)
class _Conditional:
    """Draw coefficients and effects given the scales."""

    marginal: GaussianMarginal
    solved: Solved
    relative: Sequence[np.ndarray]
    sigma: np.ndarray
    absolute: Sequence[np.ndarray]

    def __call__(self, k: int, n: int, rng: np.random.Generator) -> Mapping[str, np.ndarray]:
        noise = Noise(n, float(self.sigma[k]), rng)
        drawn = self.marginal.equations.estimates(self.solved.at(k), [factor[k] for factor in self.relative], noise)
        found = {
            "intercept": drawn.coefficients[:, 0],
            "weight": drawn.coefficients[:, 1:],
            "sigma": np.full(n, noise.sigma),
        }
        for effect, values, factor in zip(self.marginal.effects, drawn.effects, self.absolute, strict=True):
            found |= covariance_values(effect, np.repeat(factor[k : k + 1], n, axis=0))
            found[f"{effect.key}_effect"] = values
        return found


def covariance_values(effect: Effect, factor: np.ndarray) -> dict[str, np.ndarray]:
    """Return standard deviations and correlations by the names of a posterior, given factors ``(..., term, term)``.

    Examples
    --------
    >>> found = covariance_values(Effect("well", ("depth",)), np.array([[3.0, 0.0], [4.0, 3.0]]))
    >>> found["well_sd"].tolist(), found["well_correlation"].tolist()
    ([3.0, 5.0], [0.8])
    """
    covariance = factor @ factor.swapaxes(-1, -2)
    sd = np.sqrt(np.diagonal(covariance, axis1=-2, axis2=-1))
    found = {f"{effect.key}_sd": sd}
    if effect.correlations:
        i, j = (np.array(places) for places in zip(*pairs_of(effect), strict=True))
        found[f"{effect.key}_correlation"] = covariance[..., i, j] / (sd[..., i] * sd[..., j])
    return found


def pairs_of(effect: Effect) -> list[tuple[int, int]]:
    """Return the positions of the terms of each correlation, in the order of ``effect.pairs``."""
    q = len(effect.terms) if effect.correlated else 0
    return [(i, j) for i in range(q) for j in range(i)]
