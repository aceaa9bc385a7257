"""What a mean and a covariance say: moments, probabilities, densities, information."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr
from scipy import stats

from bayesgeo._check import invalid
from bayesgeo.probability.base.checks import known_variables
from bayesgeo.probability.base.events import Function, Values, evaluate
from bayesgeo.probability.base.joint import Joint
from bayesgeo.probability.base.normal import box_probability, divergence, hermite_nodes
from bayesgeo.probability.base.psd import psd_factor
from bayesgeo.probability.base.weighted import plain


class Measured(Joint):
    """A joint Gaussian as its first two moments.

    Examples
    --------
    >>> from bayesgeo.probability import Gaussian
    >>> Gaussian({"x": 1.0, "y": 0.0}, [[1.0, 0.5], [0.5, 1.0]]).cov.values
    array([[1. , 0.5],
           [0.5, 1. ]])
    """

    mean: xr.DataArray
    cov: xr.DataArray

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the variables."""
        return tuple(self.mean["variable"].values.tolist())

    def _at(self, names: Any) -> np.ndarray:
        order = {name: i for i, name in enumerate(self.names)}
        return np.array([order[name] for name in known_variables(names, order)], dtype=int)

    def expectation(self, f: Function) -> Any:
        """Return E[f]: exact for a name, else by Gauss-Hermite quadrature.

        The rule has 24 nodes along each direction of non-zero variance, so it is exact for polynomials
        of degree up to 47; for other functions its error falls with their smoothness.

        Examples
        --------
        >>> from bayesgeo.probability import Gaussian
        >>> x = Gaussian({"x": 1.0}, [[4.0]])
        >>> x.expectation("x"), round(x.expectation(lambda v: v["x"] ** 2), 12)
        (1.0, 5.0)
        """
        if isinstance(f, str):
            return float(self.mean.values[self._at([f])[0]])
        points, weights = hermite_nodes(self.mean.values, self.cov.values)
        nodes = {name: xr.DataArray(row, dims="node") for name, row in zip(self.names, points, strict=True)}
        return plain(xr.dot(evaluate(f, nodes), xr.DataArray(weights, dims="node"), dim="node"))

    def covariance(self, f: Function, g: Function) -> Any:
        """Return Cov[f, g]: exact for two names, else by the quadrature of :meth:`expectation`.

        Examples
        --------
        >>> from bayesgeo.probability import Gaussian
        >>> Gaussian({"x": 0.0, "y": 1.0}, [[1.0, 0.5], [0.5, 4.0]]).covariance("x", "y")
        0.5
        """
        if isinstance(f, str) and isinstance(g, str):
            i, j = self._at([f])[0], self._at([g])[0]
            return float(self.cov.values[i, j])
        return super().covariance(f, g)

    def probability(self, event: Mapping[str, slice]) -> float:
        """Return the probability of a box of intervals.

        One variable is exact to rounding; two and more go to ``scipy.stats.multivariate_normal.cdf``,
        whose error is below 1e-5.

        Examples
        --------
        >>> from bayesgeo.probability import Gaussian
        >>> x = Gaussian({"x": 0.0}, [[1.0]])
        >>> round(x.probability({"x": slice(-1.96, 1.96)}), 4)
        0.95
        """
        if not isinstance(event, Mapping) or not all(isinstance(c, slice) for c in event.values()):
            raise invalid(
                "event",
                event,
                "A Gaussian measures intervals.",
                "Give {'x': slice(low, high)}; use linear for sums, or sample for other events.",
            )
        part = self.marginal(*event)
        bounds = [(choice.start, choice.stop) for choice in event.values()]
        return box_probability(part.mean.values, part.cov.values, bounds)

    def log_density(self, values: Values) -> xr.DataArray:
        """Return the log density at labelled values of every variable, −inf off a singular support.

        Examples
        --------
        >>> from bayesgeo.probability import Gaussian
        >>> round(float(Gaussian({"x": 0.0}, [[1.0]]).log_density({"x": xr.DataArray(0.0)})), 6)
        -0.918939
        """
        known_variables(self.names, tuple(values))
        columns = xr.broadcast(*(xr.DataArray(values[name]) for name in self.names))
        density = stats.multivariate_normal(self.mean.values, self.cov.values, allow_singular=True)
        points = np.stack([column.values for column in columns], axis=-1)
        return columns[0].copy(data=np.reshape(density.logpdf(points), columns[0].shape))

    def entropy(self) -> float:
        """Return ½ log det(2πe Σ), in nats; a singular covariance has none.

        Examples
        --------
        >>> from bayesgeo.probability import Gaussian
        >>> round(Gaussian({"x": 0.0}, [[1.0]]).entropy(), 6)
        1.418939
        """
        self._refuse_singular()
        return float(stats.multivariate_normal(self.mean.values, self.cov.values).entropy())

    def kullback_leibler(self, other: "Measured") -> float:
        """Return the divergence from this Gaussian p to another q of the same variables, in nats.

        ½ [tr(Σ_q⁻¹ Σ_p) + (μ_q − μ_p)ᵀ Σ_q⁻¹ (μ_q − μ_p) − k + log det Σ_q / det Σ_p].

        Examples
        --------
        >>> from bayesgeo.probability import Gaussian
        >>> Gaussian({"x": 0.0}, [[1.0]]).kullback_leibler(Gaussian({"x": 1.0}, [[1.0]]))
        0.5
        """
        if set(other.names) != set(self.names):
            raise invalid("other", other.names, "Its variables differ.", f"Give {self.names}.")
        other = other.marginal(*self.names)
        for joint in (self, other):
            joint._refuse_singular()
        return divergence(self.mean.values, self.cov.values, other.mean.values, other.cov.values)

    def _refuse_singular(self) -> None:
        rank = psd_factor(self.cov.values).shape[1]
        if rank < len(self.names) or not self.cov.values.any():
            raise invalid(
                "covariance",
                f"of rank {rank}",
                "It is singular, so there is no density.",
                "Take the marginal of variables that do not determine each other.",
            )
