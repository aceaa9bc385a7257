"""Numerical methods for multivariate normals: quadrature nodes, box probabilities, divergence."""

from collections.abc import Sequence

import numpy as np
from scipy import stats

from bayesgeo._check import invalid
from bayesgeo.probability.base.psd import psd_factor

NODES = 24
MOST_DIRECTIONS = 4


def hermite_nodes(mean: np.ndarray, cov: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the points ``(variable, node)`` and weights of a Gauss-Hermite product rule.

    Examples
    --------
    >>> points, weights = hermite_nodes(np.array([1.0]), np.array([[4.0]]))
    >>> round(float((weights * points[0] ** 2).sum()), 10)
    5.0
    """
    factor = psd_factor(cov)
    rank = factor.shape[1]
    if rank > MOST_DIRECTIONS:
        raise invalid(
            "function",
            f"of {rank} directions",
            f"Quadrature is limited to {MOST_DIRECTIONS}.",
            "Take the marginal of the variables it needs, or sample.",
        )
    roots, weights = np.polynomial.hermite_e.hermegauss(NODES)
    grid = np.stack(np.meshgrid(*[roots] * rank)).reshape(rank, -1)
    mass = np.prod(np.stack(np.meshgrid(*[weights] * rank)).reshape(rank, -1), axis=0)
    return mean[:, None] + factor @ grid, mass / mass.sum()


def box_probability(mean: np.ndarray, cov: np.ndarray, bounds: Sequence[tuple[float | None, float | None]]) -> float:
    """Return the probability that every variable is between its bounds; None is no bound.

    Examples
    --------
    >>> round(box_probability(np.zeros(1), np.eye(1), [(None, 1.96)]), 4)
    0.975
    """
    low = np.array([-np.inf if start is None else start for start, _ in bounds], dtype=float)
    high = np.array([np.inf if stop is None else stop for _, stop in bounds], dtype=float)
    if (low > high).any():
        return 0.0
    fixed = cov.diagonal() == 0
    if (((mean < low) | (mean > high)) & fixed).any():
        return 0.0
    mean, cov, low, high = mean[~fixed], cov[np.ix_(~fixed, ~fixed)], low[~fixed], high[~fixed]
    if mean.size < 2:
        ends = (np.array([low, high]) - mean) / np.sqrt(cov.diagonal())
        return float(np.prod([_interval(*pair) for pair in ends.T]))
    # The integral of three and more variables is by quasi Monte Carlo: the seed fixes its last digits.
    joint = stats.multivariate_normal(mean, cov, allow_singular=True)
    return float(joint.cdf(high, lower_limit=low, rng=np.random.default_rng(0)))


def _interval(low: float, high: float) -> float:
    # From the nearer tail, small probabilities keep their relative precision.
    if low > 0:
        return float(stats.norm.sf(low) - stats.norm.sf(high))
    return float(stats.norm.cdf(high) - stats.norm.cdf(low))


def divergence(mean: np.ndarray, cov: np.ndarray, other_mean: np.ndarray, other_cov: np.ndarray) -> float:
    """Return the Kullback-Leibler divergence between two regular Gaussians, in nats.

    Examples
    --------
    >>> divergence(np.zeros(1), np.eye(1), np.ones(1), np.eye(1))
    0.5
    """
    shift = other_mean - mean
    trace = np.trace(np.linalg.solve(other_cov, cov + np.outer(shift, shift)))
    log_det = np.linalg.slogdet(other_cov)[1] - np.linalg.slogdet(cov)[1]
    return float(trace - len(shift) + log_det) / 2


def log_normal(points: np.ndarray, mean: np.ndarray, cov: np.ndarray) -> np.ndarray:
    """Return the log density at ``points (..., variable)``; −inf off the support of a singular covariance.

    Examples
    --------
    >>> log_normal(np.array([[0.0], [1.0]]), np.zeros(1), np.eye(1)).round(4)
    array([-0.9189, -1.4189])
    """
    density = stats.multivariate_normal(mean, cov, allow_singular=True)
    return np.reshape(density.logpdf(points), points.shape[:-1])


def differential_entropy(cov: np.ndarray) -> float:
    """Return the entropy of a regular Gaussian, in nats.

    Examples
    --------
    >>> round(differential_entropy(np.eye(1)), 6)
    1.418939
    """
    return float(stats.multivariate_normal(np.zeros(len(cov)), cov).entropy())
