r"""The predictive distribution of values: a mixture over draws, of which everything on a map is a closed form.

Each draw predicts a normal or Student-t distribution. The mean, variance and exceedance probability of their mixture
are means over the draws; a quantile is the root of the mixture's distribution function. So a cell has the same number
whatever cells are predicted beside it, and no random number enters.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from scipy import special

from bayesgeo.metrics.regression import noise_variance
from bayesgeo.models.base import TRANSFORMATION
from bayesgeo.models.transformation import Transformation

SAMPLE = ("chain", "draw")
STEPS = 60  # halvings alone would reach 1e-18 of the first bracket
PRECISION = 1e-4  # of the last step but one, in scales of the noise: the error of the last is of its square


@dataclass(frozen=True, eq=False)
class Mixture:
    r"""A mixture of normal or Student-t distributions with equal weights, one for each draw.

    Parameters
    ----------
    expected : numpy.ndarray
        ``(draw, obs)`` locations :math:`\mu`.
    sigma : numpy.ndarray
        ``(draw, obs)`` or ``(draw, 1)`` scales above zero.
    nu : numpy.ndarray, optional
        ``(draw, 1)`` or ``(draw, obs)`` degrees of freedom; None for normal noise.
    transformation : Transformation, optional
        What maps the response to the scale on which the draws are normal; :meth:`below`, :meth:`above` and
        :meth:`quantile` are in the unit of the response, :meth:`density` on that scale.

    Examples
    --------
    >>> two = Mixture(np.array([[-1.0], [1.0]]), np.ones((2, 1)))
    >>> two.above(0.0).tolist(), two.quantile(0.5).round(9).tolist()
    ([0.5], [0.0])
    """

    expected: np.ndarray
    sigma: np.ndarray
    nu: np.ndarray | None = None
    transformation: Transformation | None = None

    def below(self, t: np.ndarray | float) -> np.ndarray:
        r"""Return :math:`P(y \le t) = \frac1n \sum_i F_i\{(t - \mu_i) / \sigma_i\}` of each row, ``(obs,)``."""
        return self._below(self._normal(t))

    def _normal(self, t: np.ndarray | float) -> Any:
        return t if self.transformation is None else self.transformation.forward(np.asarray(t))

    def _below(self, t: np.ndarray | float) -> np.ndarray:
        return self._unit_cdf((t - self.expected) / self.sigma).mean(axis=0)

    def above(self, t: np.ndarray | float) -> np.ndarray:
        r"""Return :math:`P(y > t)` of each row, ``(obs,)``; small ones keep their digits."""
        return self._unit_cdf((self.expected - self._normal(t)) / self.sigma).mean(axis=0)

    def density(self, t: np.ndarray | float) -> np.ndarray:
        """Return the density at ``t`` of each row, ``(obs,)``."""
        z = (t - self.expected) / self.sigma
        if self.nu is None:
            return (np.exp(-0.5 * z**2) / (self.sigma * np.sqrt(2 * np.pi))).mean(axis=0)
        half = (self.nu + 1) / 2
        scale = np.exp(special.gammaln(half) - special.gammaln(self.nu / 2)) / np.sqrt(self.nu * np.pi)
        return (scale / self.sigma * np.exp(-half * np.log1p(z**2 / self.nu))).mean(axis=0)

    def quantile(self, p: float) -> np.ndarray:
        r"""Return the quantile of probability ``p`` of each row, ``(obs,)``.

        It lies between the least and the greatest of the draws' own quantiles. Newton's method finds where
        :math:`\Phi^{-1}\{F(t)\} = \Phi^{-1}(p)`, which is a straight line where the mixture is normal, and halves that
        bracket where a step would leave it. A row that is found is left alone: it does not depend on the others.
        """
        own, z = self.expected + self.sigma * self._unit_quantile(p), special.ndtri(p)
        low, high = own.min(axis=0), own.max(axis=0)
        t, open_ = np.clip(self._first(own, p), low, high), high > low
        reach = PRECISION * np.broadcast_to(self.sigma, self.expected.shape).min(axis=0)
        for _ in range(STEPS):
            if not open_.any():
                break
            below, density = self._below(t), self.density(t)
            low, high = np.where(below < p, t, low), np.where(below < p, high, t)
            with np.errstate(all="ignore"):
                reached = special.ndtri(below)
                new = t - (reached - z) * np.exp(-0.5 * reached**2) / (np.sqrt(2 * np.pi) * density)
            new = np.where((new >= low) & (new <= high), new, (low + high) / 2)
            found = np.abs(new - t) <= reach
            t, open_ = np.where(open_, new, t), open_ & ~found
        return t if self.transformation is None else self.transformation.inverse(t)

    def _first(self, own: np.ndarray, p: float) -> np.ndarray:
        """Guess a quantile: that of one draw, further out by the spread of the draws."""
        mean, away = self.expected.mean(axis=0), own.mean(axis=0) - self.expected.mean(axis=0)
        return mean + np.sign(p - 0.5) * np.hypot(away, special.ndtri(p) * self.expected.std(axis=0))

    def _unit_cdf(self, z: np.ndarray) -> np.ndarray:
        return special.ndtr(z) if self.nu is None else special.stdtr(self.nu, z)

    def _unit_quantile(self, p: float) -> np.ndarray | float:
        return special.ndtri(p) if self.nu is None else special.stdtrit(self.nu, p)


def mixture_of(predictive: xr.Dataset) -> Mixture:
    """Return the mixture over all draws of :meth:`bayesgeo.models.base.Regressor.predictive`.

    Examples
    --------
    >>> expected = xr.DataArray(np.zeros((2, 5, 3)), dims=("chain", "draw", "obs"))
    >>> mixture_of(xr.Dataset({"expected": expected, "sigma": 2.0})).expected.shape
    (10, 3)
    """
    transformation = predictive.attrs.get(TRANSFORMATION)
    names = ("expected", "sigma") if transformation is None else ("location", "scale")
    location, scale = (predictive[name] for name in names)
    expected = _flat(location)
    sigma = _flat(scale) if scale.ndim else np.full((len(expected), 1), 1.0) * float(scale)
    return Mixture(expected, sigma, _flat(predictive["nu"]) if "nu" in predictive else None, transformation)


def summarise_cells(
    predictive: xr.Dataset, *, probability: float = 0.9, threshold: float | None = None
) -> Mapping[str, np.ndarray]:
    r"""Summarise the predictive distribution of each row.

    Parameters
    ----------
    predictive : xarray.Dataset
        Of :meth:`bayesgeo.models.base.Regressor.predictive`.
    probability : float
        Of the equal-tailed interval of the response.
    threshold : float, optional
        In the unit of the response.

    Returns
    -------
    mapping of str to numpy.ndarray
        ``(obs,)`` each: ``mean``; ``sd`` of the response and its parts, ``sd_epistemic`` and ``sd_aleatoric``, whose
        squares add up: :math:`V[y] = V[E[y \mid \theta]] + E[V[y \mid \theta]]`; ``low`` and ``high``; and
        ``exceedance``, the probability that the response is above the threshold, where one is given; and ``sd_within``,
        the noise alone, where the model states it.

    Examples
    --------
    >>> expected = xr.DataArray([[[-1.0], [1.0]]], dims=("chain", "draw", "obs"))
    >>> cells = summarise_cells(xr.Dataset({"expected": expected, "sigma": 2.0}), threshold=0.0)
    >>> round(float(cells["sd"][0]) ** 2, 9), float(cells["exceedance"][0])
    (5.0, 0.5)
    """
    mixture, expected = mixture_of(predictive), predictive["expected"]
    epistemic = expected.var(SAMPLE).values
    aleatoric = noise_variance(predictive).broadcast_like(expected).mean(SAMPLE).values
    found = {
        "mean": expected.mean(SAMPLE).values,
        "sd": np.sqrt(epistemic + aleatoric),
        "sd_epistemic": np.sqrt(epistemic),
        "sd_aleatoric": np.sqrt(aleatoric),
        "low": mixture.quantile((1 - probability) / 2),
        "high": mixture.quantile((1 + probability) / 2),
    }
    if "within" in predictive:
        within = (predictive["within"] ** 2).mean(SAMPLE).broadcast_like(expected.isel(chain=0, draw=0, drop=True))
        found["sd_within"] = np.sqrt(within.values)
    return found if threshold is None else found | {"exceedance": mixture.above(threshold)}


def _flat(draws: xr.DataArray) -> np.ndarray:
    ordered = draws.transpose(*SAMPLE, ...)
    return ordered.values.reshape(ordered.sizes["chain"] * ordered.sizes["draw"], -1)
