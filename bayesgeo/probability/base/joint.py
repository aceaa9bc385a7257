"""The protocol of joint distributions, and Bayes' theorem."""

from abc import abstractmethod
from typing import Any, Protocol, Self

import numpy as np
import xarray as xr

from bayesgeo._check import invalid
from bayesgeo.probability.base.events import Function, evaluate


class Joint(Protocol):
    """Define the operations of a joint distribution over named variables.

    Conditioning and marginalising return the same kind, so they chain:
    ``joint.condition(site="rock").marginal("magnitude")``.

    Examples
    --------
    >>> from bayesgeo.probability import Gaussian
    >>> Gaussian({"x": 1.0, "y": 0.0}, [[1, 0], [0, 1]]).condition(y=2.0).marginal("x").expectation("x")
    1.0
    """

    @property
    @abstractmethod
    def names(self) -> tuple[str, ...]:
        """Names of the variables."""

    @abstractmethod
    def marginal(self, *names: str) -> Self:
        """Return the distribution of these variables, the others summed or integrated out."""

    @abstractmethod
    def condition(self, **values: Any) -> Self:
        """Return the distribution given these values.

        A variable given one value is removed; one given a list or ``slice(low, high)`` is kept, restricted to it.

        Raises
        ------
        InvalidInput
            If a variable is unknown, or the evidence is outside the support or has no probability.
        """

    @abstractmethod
    def update(self, likelihood: Any) -> Self:
        """Return the posterior over the same variables: prior times likelihood, normalised."""

    @abstractmethod
    def expectation(self, f: Function) -> Any:
        """Return E[f], a float, or an array when f has dimensions of its own."""

    @abstractmethod
    def probability(self, event: Any) -> float:
        """Return the probability of an event."""

    @abstractmethod
    def sample(self, n: int, *, seed: int) -> xr.Dataset:
        """Return ``n`` independent draws as a Dataset ``(chain=1, draw)``."""

    def variance(self, f: Function) -> Any:
        """Return Var[f] = E[(f − E f)²].

        Examples
        --------
        >>> from bayesgeo.probability import Discrete
        >>> Discrete(xr.DataArray([0.5, 0.5], {"x": [0, 2]})).variance("x")
        1.0
        """
        return self.covariance(f, f)

    def standard_deviation(self, f: Function) -> Any:
        """Return the square root of the variance of f.

        Examples
        --------
        >>> from bayesgeo.probability import Gaussian
        >>> float(Gaussian({"x": 0.0}, [[4.0]]).standard_deviation("x"))
        2.0
        """
        return np.sqrt(self.variance(f))

    def covariance(self, f: Function, g: Function) -> Any:
        """Return Cov[f, g] = E[(f − E f)(g − E g)].

        Examples
        --------
        >>> from bayesgeo.probability import Discrete
        >>> two = Discrete(xr.DataArray([[0.5, 0.0], [0.0, 0.5]], {"x": [0, 2], "y": [0, 2]}))
        >>> two.covariance("x", "y")
        1.0
        """
        mean_f, mean_g = self.expectation(f), self.expectation(g)
        return self.expectation(lambda v: (evaluate(f, v) - mean_f) * (evaluate(g, v) - mean_g))


def bayes[Prior: Joint](prior: Prior, likelihood: Any, **observed: Any) -> Prior:
    """Return the posterior p(x | y) = p(y | x) p(x) / p(y), of the same kind as the prior.

    Parameters
    ----------
    prior : Discrete, Gaussian, Density or Draws
        Prior distribution of x.
    likelihood
        With ``observed``: p(y | x) over x and y, as the prior's ``extend`` takes it. Without: the
        likelihood of the observed data as a function of x, as the prior's ``update`` takes it.
    **observed
        Values of y.

    Raises
    ------
    InvalidInput
        If the observed values have no probability under the prior, or the likelihood has other variables.

    Examples
    --------
    >>> import xarray as xr
    >>> from bayesgeo.probability import Discrete
    >>> prior = Discrete(xr.DataArray([0.9, 0.1], {"event": ["quake", "blast"]}))
    >>> hours = xr.DataArray([[0.5, 0.5], [0.95, 0.05]], {"event": prior.outcomes("event"),
    ...                                                   "hour": ["day", "night"]})
    >>> round(bayes(prior, hours, hour="day").probability({"event": "blast"}), 4)
    0.1743
    """
    if not observed:
        return prior.update(likelihood)
    if not hasattr(prior, "extend"):
        raise invalid(
            "prior",
            type(prior).__name__,
            "It has no method extend.",
            "Give the likelihood of the data as a function of the variables.",
        )
    return prior.extend(likelihood).condition(**observed)
