"""Closed-form posteriors: independent draws, no compilation."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import xarray as xr
from scipy import linalg

from bayesgeo._check import invalid, positive
from bayesgeo.inference.base import Problem, label_posterior

Draws = Mapping[str, np.ndarray]


@dataclass(frozen=True, eq=False)
class NormalInverseGamma:
    r"""Normal-inverse-gamma belief about the coefficients and noise of a linear model.

    .. math:: \theta \mid \sigma^2 \sim N(m, \sigma^2 \Lambda^{-1}), \quad \sigma^2 \sim IG(a, b)

    Parameters
    ----------
    location : numpy.ndarray
        ``(p,)`` the mean :math:`m`.
    precision : numpy.ndarray
        ``(p, p)`` the matrix :math:`\Lambda`; zeros give a flat prior.
    shape, rate : float
        The parameters :math:`a` and :math:`b` of the inverse gamma.
    design : callable
        Maps the features ``(obs, feature)`` to the design matrix ``(obs, p)``.
    split : callable
        Maps draws of coefficients ``(chain, draw, p)`` and noise ``(chain, draw)`` to named variables.

    References
    ----------
    Murphy (2012), Machine Learning: A Probabilistic Perspective, section 7.6.3.
    """

    location: np.ndarray
    precision: np.ndarray
    shape: float
    rate: float
    design: Callable[[np.ndarray], np.ndarray] = field(default=lambda X: X)
    split: Callable[[np.ndarray, np.ndarray], Draws] = field(
        default=lambda theta, sigma: {"coefficient": theta, "sigma": sigma}
    )

    def update(self, X: np.ndarray, y: np.ndarray) -> "NormalInverseGamma":
        r"""Return the belief after seeing rows ``X (obs, feature)`` and targets ``y (obs,)``.

        .. math::

            \Lambda_n = \Lambda + A^T A, \quad m_n = \Lambda_n^{-1} (\Lambda m + A^T y), \quad
            a_n = a + n / 2, \quad
            b_n = b + (y^T y + m^T \Lambda m - m_n^T \Lambda_n m_n) / 2

        Examples
        --------
        >>> prior = NormalInverseGamma(np.zeros(1), np.eye(1), shape=1.0, rate=1.0)
        >>> prior.update(np.ones((3, 1)), np.array([1.0, 2.0, 3.0])).location
        array([1.5])
        """
        A = self.design(X)
        precision = self.precision + A.T @ A
        location = linalg.solve(precision, self.precision @ self.location + A.T @ y, assume_a="pos")
        # The residual form of b_n does not cancel when the fit is close.
        residual, shift = y - A @ location, self.location - location
        rate = self.rate + (residual @ residual + shift @ self.precision @ shift) / 2
        return replace(self, location=location, precision=precision, shape=self.shape + len(y) / 2, rate=rate)

    def sample(self, size: tuple[int, int], rng: np.random.Generator) -> Draws:
        """Draw ``(chain, draw)`` independent values of the named variables."""
        sigma = np.sqrt(self.rate / rng.gamma(self.shape, size=size))
        z = rng.standard_normal((*size, len(self.location)))
        factor = linalg.cholesky(self.precision, lower=False)
        theta = self.location + sigma[..., None] * linalg.solve_triangular(
            factor, z.reshape(-1, z.shape[-1]).T
        ).T.reshape(z.shape)
        return self.split(theta, sigma)


@dataclass(frozen=True)
class Exact:
    """Draw from the closed-form posterior of a conjugate model.

    Parameters
    ----------
    draws, chains : int
        Independent draws per chain, and chains; every draw is exact, chains exist for the diagnostics' sake.
    """

    draws: int = 1000
    chains: int = 4

    def run(self, problem: Problem, seed: int) -> xr.DataTree:
        """Compute the posterior of ``problem``; see :class:`Inference`.

        Raises
        ------
        InvalidInput
            If the problem has no closed form.
        """
        if problem.conjugate is None:
            raise invalid("inference", "Exact", "This model's posterior has no closed form.", "Use inference=NUTS().")
        size = (
            int(positive("chains", self.chains, integer=True)),
            int(positive("draws", self.draws, integer=True)),
        )
        start = time.perf_counter()
        posterior = problem.conjugate.update(problem.data["X"], problem.data["y"])
        draws = posterior.sample(size, np.random.default_rng(seed))
        tree = xr.DataTree.from_dict({"posterior": label_posterior(draws, problem)})
        tree.attrs = {
            "inference": "Exact",
            "seed": seed,
            "compile_seconds": 0.0,
            "sampling_seconds": time.perf_counter() - start,
            "interrupted": 0,
        }
        return tree


__all__ = ["Exact"]
