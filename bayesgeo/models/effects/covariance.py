r"""Covariance of the terms of a group's effect: standard deviations, correlations, and their priors.

The correlations of :math:`q` terms are :math:`R = L L^T`, with :math:`L` made of partial correlations
:math:`z_{ij} \in (-1, 1)`, row by row: :math:`L_{ij} = z_{ij} \sqrt{1 - \sum_{k<j} L_{ik}^2}`. Under an LKJ prior of
shape :math:`\eta` they are independent, :math:`(1 + z_{ij}) / 2 \sim \mathrm{Beta}(b_j, b_j)` with
:math:`b_j = \eta + (q - 2 - j) / 2` (Lewandowski, Kurowicka & Joe 2009, Journal of Multivariate Analysis 100:1989).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

from bayesgeo._check import one_of, positive
from bayesgeo.models.effects.terms import Effect

GROUP_PRIORS = ("half-normal", "pc")
BEYOND = 0.01  # prior probability that a standard deviation exceeds its scale, by a PC prior
SMALLEST, LARGEST = -20.0, 10.0  # logarithms of standard deviations that are computed with, in units of the outcome


@dataclass(frozen=True)
class GroupPrior:
    r"""Prior of the standard deviations of effects.

    ``"half-normal"``: :math:`\tau \sim N^+(0, s^2)`. ``"pc"``: exponential with :math:`P(\tau > s) = 0.01`, the
    penalised-complexity prior (Simpson et al. 2017, Statistical Science 32:1).

    Parameters
    ----------
    kind : {"half-normal", "pc"}
        Its form.
    scale : float
        The scale :math:`s`.

    Examples
    --------
    >>> round(float(GroupPrior("pc", 1.0).log_density(np.array(0.0))), 3)
    1.527
    """

    kind: str
    scale: float

    def __post_init__(self) -> None:
        one_of("group_prior", self.kind, GROUP_PRIORS)
        positive("group_scale", self.scale)

    @property
    def rate(self) -> float:
        """Rate of the exponential."""
        return -np.log(BEYOND) / self.scale

    def log_density(self, tau: np.ndarray) -> np.ndarray:
        """Return the log density of standard deviations, elementwise."""
        if self.kind == "pc":
            return np.log(self.rate) - self.rate * tau
        return 0.5 * np.log(2 / np.pi) - np.log(self.scale) - 0.5 * (tau / self.scale) ** 2

    def sample(self, size: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
        """Draw standard deviations."""
        if self.kind == "pc":
            return rng.exponential(1 / self.rate, size)
        return np.abs(rng.normal(0, self.scale, size))

    def text(self, unit: float, digits: str = ".3g") -> str:
        """Write the prior, its scale multiplied by ``unit``.

        Examples
        --------
        >>> GroupPrior("half-normal", 1.0).text(0.42)
        'HalfNormal(0.42)'
        """
        scale = format(self.scale * unit, digits)
        return f"Exponential with P(τ > {scale}) = {BEYOND}" if self.kind == "pc" else f"HalfNormal({scale})"


def beta_shapes(effect: Effect) -> np.ndarray:
    """Return the shape :math:`b_j` of each partial correlation, in the order of ``effect.pairs``.

    Examples
    --------
    >>> beta_shapes(Effect("station", ("a", "b"), lkj=1.0)).tolist()
    [1.5, 1.5, 1.0]
    """
    q = len(effect.terms) if effect.correlated else 0
    return np.array([effect.lkj + (q - 2 - j) / 2 for i in range(q) for j in range(i)], dtype=float)


def correlation_factor(partial: Sequence[np.ndarray], q: int) -> np.ndarray:
    """Return lower factors ``(..., q, q)`` of correlation matrices, given the partial correlations one by one.

    Examples
    --------
    >>> L = correlation_factor([np.array(0.6)], 2)
    >>> (L @ L.T).round(3).tolist()
    [[1.0, 0.6], [0.6, 1.0]]
    """
    shape = np.shape(partial[0]) if len(partial) else ()
    factor = np.zeros((*shape, q, q))
    factor[..., 0, 0] = 1.0
    following = iter(partial)
    for i in range(1, q):
        left = np.ones(shape)
        for j in range(i):
            factor[..., i, j] = next(following) * np.sqrt(left)
            left = (left - factor[..., i, j] ** 2).clip(0.0)
        factor[..., i, i] = np.sqrt(left)
    return factor


def factors(effect: Effect, values: np.ndarray) -> np.ndarray:
    r"""Return lower factors ``(n, q, q)`` of covariances, given unconstrained values ``(n, scale)``.

    The first values are the logarithms of the standard deviations, then :math:`\mathrm{artanh}\, z` of partial
    correlations.

    Examples
    --------
    >>> factors(Effect("event"), np.log([[0.5]])).tolist()
    [[[0.5]]]
    """
    q = len(effect.terms)
    sd = np.exp(values[:, :q].clip(SMALLEST, LARGEST))
    if not effect.correlations:
        return sd[:, :, None] * np.eye(q)
    return sd[:, :, None] * correlation_factor(list(np.tanh(values[:, q : q + effect.correlations]).T), q)


def log_prior(effect: Effect, prior: GroupPrior, values: np.ndarray) -> np.ndarray:
    """Return the log prior density ``(n,)`` of unconstrained values ``(n, scale)``, up to a constant.

    Examples
    --------
    >>> log_prior(Effect("event"), GroupPrior("half-normal", 1.0), np.zeros((1, 1))).round(3).tolist()
    [-0.726]
    """
    q = len(effect.terms)
    logs = values[:, :q]
    density = np.sum(prior.log_density(np.exp(logs.clip(max=LARGEST))) + logs, axis=1)
    if not effect.correlations:
        return density
    # The density of artanh z: a power of 1 - z^2, whose logarithm does not overflow in this form.
    of_partial = np.abs(values[:, q : q + effect.correlations])
    log_rest = np.log(4.0) - 2 * of_partial - 2 * special.log1p(np.exp(-2 * of_partial))
    return density + log_rest @ beta_shapes(effect)


def sample_factors(effect: Effect, prior: GroupPrior, n: int, rng: np.random.Generator) -> np.ndarray:
    """Draw lower factors of covariances ``(n, q, q)`` from the prior.

    Examples
    --------
    >>> sample_factors(Effect("event"), GroupPrior("pc", 1.0), 3, np.random.default_rng(0)).shape
    (3, 1, 1)
    """
    q, shapes = len(effect.terms), beta_shapes(effect)
    sd = prior.sample((n, q), rng)
    if not effect.correlations:
        return sd[:, :, None] * np.eye(q)
    partial = 2 * rng.beta(shapes, shapes, (n, len(shapes))) - 1
    return sd[:, :, None] * correlation_factor(list(partial.T), q)
