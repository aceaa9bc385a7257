"""A polynomial for a log density of a few values, and independent draws from a proposal that it corrects."""

from dataclasses import dataclass
from itertools import combinations_with_replacement
from typing import Protocol

import numpy as np
from scipy import linalg, special, stats

FURTHEST = 1e-4  # probability beyond which points, as of a normal distribution, do not bend the polynomial
REACH = 2.0  # logarithm of the most that the correction may favour or disfavour a point
SPARE = 1.3  # points for each coefficient, at least
DEGREES = (2, 3, 4, 5)
BENT = 3  # degree from which on a polynomial may follow the bends of scales


class Proposal(Protocol):
    """A distribution of points ``(n, d)``, its log density known up to a constant."""

    def sample(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """Draw points ``(n, d)``."""
        ...

    def log_density(self, points: np.ndarray) -> np.ndarray:
        """Return the log density ``(n,)``, up to a constant."""
        ...


@dataclass(frozen=True, eq=False)
class Surface:
    r"""A polynomial :math:`h` near the log density of a posterior, up to a constant.

    Parameters
    ----------
    mean, root : numpy.ndarray
        ``(d,)`` and ``(d, d)``: points enter as :math:`z = \mathrm{root}^{-1} (x - \mathrm{mean})`.
    degree : int
        Of the polynomial.
    coefficients : numpy.ndarray
        ``(term,)``.
    error : float
        Standard deviation of its error at points like those of the posterior, each left out in turn.
    """

    mean: np.ndarray
    root: np.ndarray
    degree: int
    coefficients: np.ndarray
    error: float

    @property
    def bent(self) -> bool:
        """Whether it may follow more than a normal distribution."""
        return self.degree >= BENT

    def __call__(self, points: np.ndarray) -> np.ndarray:
        """Return the polynomial ``(n,)`` at points ``(n, d)``."""
        return _terms(_whitened(points, self.mean, self.root), self.degree) @ self.coefficients


def fitted_surface(
    points: np.ndarray, log_density: np.ndarray, log_weight: np.ndarray, mean: np.ndarray, root: np.ndarray
) -> Surface | None:
    """Fit a polynomial of the degree that foretells points best; None where there are too few points for any.

    Parameters
    ----------
    points, log_density : numpy.ndarray
        ``(n, d)`` and ``(n,)``; minus infinity where there is none.
    log_weight : numpy.ndarray
        ``(n,)`` logarithms of the weights with which the points are draws of the posterior.
    mean, root : numpy.ndarray
        Of the posterior: see :class:`Surface`.

    Examples
    --------
    >>> points = np.random.default_rng(0).normal(size=(100, 2))
    >>> bent = -0.5 * points[:, 0] ** 2 - 0.5 * (points[:, 1] - 0.3 * points[:, 0] ** 2) ** 2
    >>> found = fitted_surface(points, bent, np.zeros(100), np.zeros(2), np.eye(2))
    >>> found.degree, found.error < 1e-6
    (4, True)
    """
    d = points.shape[1]
    near = log_density > log_density.max() - stats.chi2.isf(FURTHEST, d) / 2
    z, values, weights = _whitened(points[near], mean, root), log_density[near], special.softmax(log_weight[near])
    found = []
    for degree in DEGREES:
        terms = _terms(z, degree)
        if SPARE * terms.shape[1] > len(terms):
            continue
        basis, triangle = linalg.qr(terms, mode="economic")
        coefficients = linalg.lstsq(triangle, basis.T @ values)[0]
        left_out = (values - terms @ coefficients) / (1 - np.sum(basis**2, axis=1)).clip(min=1e-3)
        centred = left_out - weights @ left_out
        found.append(Surface(mean, root, degree, coefficients, float(np.sqrt(weights @ centred**2))))
    return min(found, key=lambda one: one.error, default=None)


@dataclass(frozen=True, eq=False)
class Corrected:
    r"""Independent draws from :math:`q(x) \exp\{c(x)\}`, with :math:`c = h - \log q` cut at both sides of its median.

    Where the polynomial :math:`h` is the log density of the posterior, draws are its own; in the tails, where a
    polynomial goes astray, they are those of :math:`q` up to a constant factor.

    Parameters
    ----------
    surface : Surface
        The polynomial.
    proposal : Proposal
        The distribution :math:`q`.
    middle : float
        Median of :math:`h - \log q` over draws of the posterior.
    """

    surface: Surface
    proposal: Proposal
    middle: float

    @classmethod
    def of(cls, surface: Surface, proposal: Proposal, points: np.ndarray, log_weight: np.ndarray) -> "Corrected":
        """Correct a proposal, given points ``(n, d)`` and the logarithms of their weights as draws of the posterior."""
        difference = surface(points) - proposal.log_density(points)
        order = np.argsort(difference)
        passed = np.cumsum(special.softmax(log_weight)[order])
        return cls(surface, proposal, float(difference[order][np.searchsorted(passed, 0.5)]))

    def sample(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """Draw points ``(n, d)``, by rejection."""
        found = [np.empty((0, len(self.surface.mean)))]
        while sum(map(len, found)) < n:
            points = self.proposal.sample(4 * n, rng)
            found.append(points[np.log(rng.random(len(points))) < self._correction(points) - REACH])
        return np.concatenate(found)[:n]

    def log_density(self, points: np.ndarray) -> np.ndarray:
        """Return the log density ``(n,)``, up to a constant."""
        return self.proposal.log_density(points) + self._correction(points)

    def _correction(self, points: np.ndarray) -> np.ndarray:
        return (self.surface(points) - self.proposal.log_density(points) - self.middle).clip(-REACH, REACH)


def _whitened(points: np.ndarray, mean: np.ndarray, root: np.ndarray) -> np.ndarray:
    return linalg.solve_triangular(root, (points - mean).T, lower=True).T


def _terms(z: np.ndarray, degree: int) -> np.ndarray:
    """Return all products ``(n, term)`` of up to ``degree`` values."""
    columns = [np.ones(len(z))]
    for order in range(1, degree + 1):
        columns += [
            np.prod(z[:, list(which)], axis=1) for which in combinations_with_replacement(range(z.shape[1]), order)
        ]
    return np.stack(columns, axis=1)
