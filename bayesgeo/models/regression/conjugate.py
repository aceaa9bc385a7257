"""The closed-form posterior of linear regression with Gaussian noise."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from scipy import linalg

from bayesgeo.models.regression.graph import INTERCEPT_SCALE, NOISE_RATE, NOISE_SHAPE

Draws = Mapping[str, np.ndarray]


@dataclass(frozen=True, eq=False)
class NormalInverseGamma:
    r"""Normal-inverse-gamma distribution of the coefficients and noise of a linear model.

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
        r"""Return the posterior given rows ``X (obs, feature)`` and targets ``y (obs,)``.

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


def conjugate_prior(prior: str, scale: float, n_features: int) -> NormalInverseGamma:
    """Return a normal or flat prior in conjugate form."""
    n_coefficients = n_features + 1
    flat = prior == "flat"
    precision = np.r_[INTERCEPT_SCALE**-2.0, np.full(n_features, scale**-2.0)]
    return NormalInverseGamma(
        location=np.zeros(n_coefficients),
        precision=np.diag(np.zeros(n_coefficients) if flat else precision),
        # p(sigma) proportional to 1/sigma is the limit of the inverse gamma with these parameters.
        shape=-n_coefficients / 2 if flat else NOISE_SHAPE,
        rate=0.0 if flat else NOISE_RATE,
        design=lambda X: np.c_[np.ones(len(X)), X],
        split=lambda theta, sigma: {"intercept": theta[..., 0], "weight": theta[..., 1:], "sigma": sigma},
    )
