r"""Basis functions that approximate a Gaussian process with Matérn covariance, and a prior of its length scale.

On a box :math:`[-L_1, L_1] \times \dots` the functions are products of sines that vanish on its sides, the
eigenfunctions of the Laplace operator; a field of standard deviation :math:`\sigma` and length scale :math:`\ell` is

.. math:: f(s) = \sum_j \sqrt{S(\omega_j; \sigma, \ell)}\, \phi_j(s)\, z_j, \quad z_j \sim N(0, 1), \quad
          \phi_j(s) = \prod_d L_d^{-1/2} \sin\left(\tfrac{\pi j_d}{2 L_d} (s_d + L_d)\right),

with the spectral density :math:`S` of the covariance at the frequency
:math:`\omega_j^2 = \sum_d (\pi j_d / 2 L_d)^2` (Solin & Särkkä 2020, Statistics and Computing 30:419; Riutort-Mayol et
al. 2023, Statistics and Computing 33:17). Two things are lost. Waves shorter than the last one: a share of the variance
that grows as the length scale shrinks. And near the sides of the box, where the field is held at zero: at a distance
:math:`b` from one side the share :math:`\rho(2b / \ell)`, the correlation with the mirror image.
"""

from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from scipy import optimize, special, stats

BUFFER = 1.0  # from the places to the sides of the box, in half-widths of the longest side of the places
LOST = 0.1  # share of the variance in waves too short for the basis, at the shortest length scale
LONGEST = 1.0  # length scale that is seldom exceeded, in those half-widths: a field all but linear over the places
SHORTER, LONGER = 0.01, 0.05  # prior probabilities of a length scale below the shortest and above the longest
LEAST_RATIO = 3.0  # of the longest to the shortest
WAVES = 4  # of a field drawn without basis


@dataclass(frozen=True, eq=False)
class Basis:
    """Products of sines on a box around places, from the longest wave to the shortest.

    Parameters
    ----------
    half_widths : numpy.ndarray
        ``(d,)`` half the extent of the places in each direction; the longest is the unit of all lengths here.
    orders : numpy.ndarray
        ``(function, d)`` how many half-waves fit into the box in each direction.

    Examples
    --------
    >>> basis = basis_of(np.array([1.0, 0.5]), 50)
    >>> basis.values(np.zeros((3, 2))).shape, basis.box.tolist()
    ((3, 50), [2.0, 1.5])
    """

    half_widths: np.ndarray
    orders: np.ndarray

    @property
    def box(self) -> np.ndarray:
        """Half-widths ``(d,)`` of the box, at whose sides every function is zero."""
        return self.half_widths + BUFFER

    @property
    def frequency(self) -> np.ndarray:
        """Angular frequency ``(function,)`` of each function."""
        return np.sqrt(np.sum((np.pi * self.orders / (2 * self.box)) ** 2, axis=1))

    def values(self, points: np.ndarray) -> np.ndarray:
        """Return the functions ``(obs, function)`` at points ``(obs, d)``; zero outside the box."""
        inside = np.clip(points, -self.box, self.box) + self.box
        found = np.ones((len(points), len(self.orders)))
        for d, side in enumerate(self.box):
            orders = np.arange(1, self.orders[:, d].max() + 1)
            waves = np.sin(np.pi * inside[:, d, None] * orders / (2 * side)) / np.sqrt(side)
            found *= waves[:, self.orders[:, d] - 1]
        return found

    def shortest(self, smoothness: float) -> float:
        r"""Return the length scale at which the functions hold nine tenths of the variance of a field.

        Of a frequency drawn from the spectral density, :math:`(\omega \ell)^2 / d` has an F distribution with
        :math:`d` and :math:`2\nu` degrees of freedom.
        """
        d = self.orders.shape[1]
        return float(np.sqrt(d * stats.f.isf(LOST, d, 2 * smoothness)) / self.frequency[-1])

    def length_prior(self, smoothness: float) -> tuple[float, float]:
        """Return shape and scale of the inverse-gamma prior of the length scale.

        One hundredth of its mass is below :meth:`shortest`, one twentieth above the longest half-width.

        Examples
        --------
        >>> basis = basis_of(np.array([1.0, 1.0]), 400)
        >>> shape, scale = basis.length_prior(1.5)
        >>> float(stats.invgamma.sf(1.0, shape, scale=scale).round(4))
        0.05
        """
        low = self.shortest(smoothness)
        high = max(LONGEST, LEAST_RATIO * low)

        def ratio(log_shape: float) -> float:
            one = stats.gamma(np.exp(log_shape))
            return float(np.log(one.isf(SHORTER) / one.ppf(LONGER)) - np.log(high / low))

        shape = float(np.exp(optimize.brentq(ratio, -1.0, 7.0)))
        return shape, float(low * stats.gamma(shape).isf(SHORTER))


def basis_of(half_widths: np.ndarray, n_functions: int) -> Basis:
    """Choose the functions of lowest frequency on the box around places.

    Parameters
    ----------
    half_widths : numpy.ndarray
        ``(d,)`` of the places, the longest one.
    n_functions : int
        Number of functions.

    Examples
    --------
    >>> basis_of(np.array([1.0, 1.0]), 4).orders.tolist()
    [[1, 1], [1, 2], [2, 1], [2, 2]]
    """
    box = np.asarray(half_widths) + BUFFER
    # Those of lowest frequency lie in a quarter of an ellipse, or an eighth of an ellipsoid: 1 + what fits its sides.
    volume = np.prod(box) * np.pi ** (len(box) / 2) / special.gamma(len(box) / 2 + 1) / 2 ** len(box)
    radius = (n_functions / volume) ** (1 / len(box)) + np.sum(1 / box)
    most = np.ceil(radius * box).astype(int) + 1
    orders = np.array(list(product(*(range(1, one + 1) for one in most))))
    square = np.sum((orders / box) ** 2, axis=1)
    # Rounded, so that ties of a square are in the order of the first direction on every machine.
    chosen = np.argsort(square.round(9), kind="stable")[:n_functions]
    return Basis(np.asarray(half_widths, dtype=float), orders[chosen])


def spectral_density(frequency: Any, length: Any, smoothness: float, dimension: int) -> Any:
    r"""Return the spectral density of a Matérn correlation, for NumPy and PyTensor.

    .. math:: S(\omega) = 2^d \pi^{d/2} \frac{\Gamma(\nu + d/2)}{\Gamma(\nu)} (2\nu)^\nu \ell^d
              \left(2\nu + \ell^2 \omega^2\right)^{-(\nu + d/2)}

    (Rasmussen & Williams 2006, Gaussian Processes for Machine Learning, eq. 4.15).

    Parameters
    ----------
    frequency : array
        Angular frequencies.
    length : array
        Length scales.
    smoothness : float
        The smoothness :math:`\nu`.
    dimension : int
        The dimension :math:`d` of the places.

    Examples
    --------
    >>> at = np.linspace(-2000.0, 2000.0, 400_001)
    >>> float((spectral_density(at, 1.0, 1.5, 1).sum() * 0.01 / (2 * np.pi)).round(4))
    1.0
    """
    power = smoothness + dimension / 2
    log_constant = special.gammaln(power) - special.gammaln(smoothness) + smoothness * np.log(2 * smoothness)
    constant = float(2**dimension * np.pi ** (dimension / 2) * np.exp(log_constant))
    return constant * length**dimension * (2 * smoothness + (length * frequency) ** 2) ** -power


def random_waves(points: np.ndarray, length: np.ndarray, smoothness: float, *, fields: int, seed: int) -> np.ndarray:
    r"""Draw fields of variance 1 ``(draw, obs, field)`` as sums of a few random waves.

    A wave :math:`a \cos(\omega^T s + u)` with a Rayleigh amplitude, a uniform phase and a frequency drawn from the
    spectral density, a multivariate t with :math:`2\nu` degrees of freedom, is normal at each place and has, over
    draws, the Matérn covariance between places.

    Parameters
    ----------
    points : numpy.ndarray
        ``(obs, d)``.
    length : numpy.ndarray
        ``(draw,)`` length scale of each draw.
    smoothness : float
        The smoothness :math:`\nu`.
    fields : int
        Independent fields of each draw.
    seed : int
        The same seed gives the same fields at any places.

    Examples
    --------
    >>> waves = random_waves(np.zeros((1, 2)), np.ones(4000), 1.5, fields=1, seed=0)
    >>> bool(abs(waves.std() - 1) < 4 / np.sqrt(2 * 4000))
    True
    """
    rng, size = np.random.default_rng(seed), (len(length), fields, WAVES)
    heavy = np.sqrt(rng.chisquare(2 * smoothness, size) / (2 * smoothness))
    frequency = rng.standard_normal((*size, points.shape[1])) / (heavy * length[:, None, None])[..., None]
    phase, amplitude = rng.uniform(0, 2 * np.pi, size), rng.rayleigh(1 / np.sqrt(WAVES), size)
    found = np.zeros((len(length), len(points), fields))
    for k in range(WAVES):
        angle = np.moveaxis(frequency[:, :, k] @ points.T, 1, 2) + phase[:, None, :, k]
        found += amplitude[:, None, :, k] * np.cos(angle)
    return found
