"""The posterior of the scales of a Gaussian mixed model, its coefficients and effects integrated out."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from bayesgeo.inference.folding import inside, unbounded
from bayesgeo.inference.newton import maximise
from bayesgeo.models.effects.covariance import GroupPrior, factors, log_prior
from bayesgeo.models.effects.fields import FieldScales
from bayesgeo.models.effects.gaussian import MixedEquations, Noise, Solved, fewer_groups
from bayesgeo.models.effects.terms import Effect
from bayesgeo.models.regression.graph import NOISE_RATE, NOISE_SHAPE
from bayesgeo.models.spatial.scales import RIGHT

WORK = 2e9  # of the factors of a chain, in operations: more are not computed, but several draws taken at each
FEWEST_POINTS = 200  # of a chain
DRAWS = 1_000  # of a chain, as usual
FEW, MANY = 250, 600  # groups with a field that tell where the climb starts, and values from which on they do


@dataclass(frozen=True, eq=False)
class GaussianMarginal:
    r"""Marginal posterior of the noise and of the covariances of effects, on the standardised scale.

    A point is :math:`\log\sigma`, and for each effect the unconstrained values of
    :func:`bayesgeo.models.effects.covariance.factors`, in the unit of the target, and those of
    :meth:`bayesgeo.models.effects.fields.Field.scales` where it has fields. With coefficients
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
        """Half of the variance to the noise, the rest to the effects; of many groups with a field, the mode of few."""
        log_sigma = np.log(max(self.spread, 1e-6)) - np.log(2) / 2
        found = [[log_sigma]]
        for effect, field in zip(self.effects, self.equations.fields, strict=True):
            found.append([log_sigma - 0.5] * len(effect.terms) + [0.0] * effect.correlations)
            if field is not None:
                found.append([np.log(field.start)] * len(effect.terms) + [RIGHT / 2] * len(effect.terms))
        plain = np.concatenate(found)
        few = fewer_groups(self.equations, FEW) if self.equations.remaining > MANY else None
        if few is None:
            return plain
        climb = partial(inside, bounds=self.bounds)
        return maximise(replace(self, equations=few).log_density, plain, tolerance=0.1, within=climb).at

    @property
    def bounds(self) -> np.ndarray:
        """Bounds ``(d, 2)``: of the turns of fields' shares; other values have none."""
        found = [unbounded(1)]
        for effect, field in zip(self.effects, self.equations.fields, strict=True):
            found.append(unbounded(len(effect.terms) + effect.correlations))
            if field is not None:
                found.append(field.bounds(len(effect.terms)))
        return np.concatenate(found)

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
        scales = self._field_scales(points)
        log_priors = self._log_prior(points)
        with np.errstate(all="ignore"):  # what is not finite is no point of the posterior
            for part, solved in self.equations.solve(relative, scales) if relative else self._without(sigma):
                some = [factor[part] for factor in relative]
                of_fields = [None if one is None else one.part(part) for one in scales]
                draw = _Conditional(self, solved, some, sigma[part], [factor[part] for factor in absolute], of_fields)
                yield part, log_priors[part] + self._log_likelihood(solved, points[part, 0]), draw

    def _without(self, sigma: np.ndarray) -> Iterator[tuple[slice, Solved]]:
        """Yield the one solution of a model without effects, for every point."""
        _, solved = next(self.equations.solve([]))
        n = len(sigma)
        arrays = (solved.factor, solved.log_determinant, solved.log_determinant_x, solved.squares)
        factor, log_determinant, of_coefficients, squares = (
            np.broadcast_to(array, (n, *array.shape[1:])) for array in arrays
        )
        yield slice(0, n), Solved(factor, log_determinant, of_coefficients, squares)

    def _split(self, points: np.ndarray) -> list[np.ndarray]:
        counts = [effect.scales for effect in self.effects]
        return np.split(points[:, 1:], np.cumsum(counts)[:-1], axis=1) if counts else []

    def _field_scales(self, points: np.ndarray) -> list[FieldScales | None]:
        of_effects = zip(self.effects, self.equations.fields, self._split(points), strict=True)
        return [None if field is None else field.scales(of_field(effect, own)) for effect, field, own in of_effects]

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
        for effect, field, own in zip(self.effects, self.equations.fields, self._split(points), strict=True):
            density = density + log_prior(effect, self.prior, own)
            if field is not None:
                density = density + field.log_prior(of_field(effect, own))
        return density


def of_field(effect: Effect, values: np.ndarray) -> np.ndarray:
    """Return which of the values ``(n, scale)`` of an effect are those of its fields."""
    return values[:, len(effect.terms) + effect.correlations :]


@dataclass(frozen=True, eq=False)
class _Conditional:
    """Draw coefficients and effects given the scales."""

    marginal: GaussianMarginal
    solved: Solved
    relative: Sequence[np.ndarray]
    sigma: np.ndarray
    absolute: Sequence[np.ndarray]
    scales: Sequence[FieldScales | None]

    def __call__(self, k: int, n: int, rng: np.random.Generator) -> Mapping[str, np.ndarray]:
        noise = Noise(n, float(self.sigma[k]), rng)
        drawn = self.marginal.equations.estimates(self.solved.at(k), [factor[k] for factor in self.relative], noise)
        found = {
            "intercept": drawn.coefficients[:, 0],
            "weight": drawn.coefficients[:, 1:],
            "sigma": np.full(n, noise.sigma),
        }
        parts = zip(self.marginal.effects, drawn.effects, self.absolute, self.scales, strict=True)
        for effect, values, factor, scales in parts:
            found |= covariance_values(effect, np.repeat(factor[k : k + 1], n, axis=0))
            found[f"{effect.key}_effect"] = values
            if scales is not None:
                found[f"{effect.key}_length_scale"] = np.repeat(scales.length[k : k + 1], n, axis=0)
                found[f"{effect.key}_field_share"] = np.repeat(scales.share[k : k + 1], n, axis=0)
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
