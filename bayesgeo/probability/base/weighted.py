"""Moments of joint distributions with mass on labelled values."""

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from bayesgeo._check import invalid
from bayesgeo.probability.base.events import Function, Values, as_event, evaluate
from bayesgeo.probability.base.joint import Joint


@dataclass(frozen=True)
class VarianceSplit:
    """Hold the two parts of a variance: Var[f] = E[Var(f | g)] + Var(E[f | g]).

    Parameters
    ----------
    within : float
        Expected conditional variance, what remains once the given variables are known.
    between : float
        Variance of the conditional expectation, what the given variables explain.

    Examples
    --------
    >>> VarianceSplit(within=3.0, between=1.0).total
    4.0
    """

    within: Any
    between: Any

    @property
    def total(self) -> Any:
        """The variance itself, by the law of total variance."""
        return self.within + self.between


class Weighted(Joint):
    """Define a joint with mass on labelled values: cells of a table, nodes of a grid, or draws.

    Examples
    --------
    >>> from bayesgeo.probability import Discrete, Draws
    >>> issubclass(Discrete, Weighted) and issubclass(Draws, Weighted)
    True
    """

    @property
    @abstractmethod
    def mass(self) -> xr.DataArray:
        """Probability of each cell, node or draw; its sum is one."""

    @property
    @abstractmethod
    def values(self) -> Values:
        """Values of each variable, broadcastable against :attr:`mass`."""

    @abstractmethod
    def _collapse(self, array: xr.DataArray, given: tuple[str, ...]) -> xr.DataArray:
        """Sum an array over everything but the given variables."""

    def expectation(self, f: Function) -> Any:
        """Return E[f] = Σ f(x) p(x), a float, or an array when f has dimensions of its own.

        Examples
        --------
        >>> from bayesgeo.probability import Discrete
        >>> Discrete(xr.DataArray([0.5, 0.5], {"x": [0, 2]})).expectation(lambda v: v["x"] ** 2)
        2.0
        """
        values = _finite_where_possible(evaluate(f, self.values), self.mass)
        return plain(xr.dot(values, self.mass, dim=self.mass.dims))

    def probability(self, event: Any) -> float:
        """Return P(E), the mass of the outcomes in the event.

        Examples
        --------
        >>> from bayesgeo.probability import Discrete
        >>> Discrete(xr.DataArray([0.25, 0.75], {"x": [0, 2]})).probability(lambda v: v["x"] > 1)
        0.75
        """
        marks = as_event(event)(self.values)
        if extra := set(marks.dims) - set(self.mass.dims):
            raise invalid("event", sorted(extra), "The joint has no such dimensions.")
        return float(xr.dot(marks.astype(float), self.mass, dim=self.mass.dims))

    def conditional_expectation(self, f: Function, *given: str) -> xr.DataArray:
        """Return E[f | given] for each value of the given variables; NaN where they have no mass.

        Examples
        --------
        >>> from bayesgeo.probability import Discrete
        >>> two = Discrete(xr.DataArray([[0.5, 0.0], [0.0, 0.5]], {"x": [0, 2], "y": [0, 2]}))
        >>> two.conditional_expectation("x", "y").values
        array([0., 2.])
        """
        mass = self._collapse(self.mass, given)
        values = _finite_where_possible(evaluate(f, self.values), self.mass)
        return self._collapse(values * self.mass, given) / mass.where(mass > 0)

    def total_expectation(self, f: Function, *given: str) -> float:
        """Return E[f] as E[E(f | given)], the law of total expectation.

        Examples
        --------
        >>> from bayesgeo.probability import Discrete
        >>> two = Discrete(xr.DataArray([[0.5, 0.0], [0.0, 0.5]], {"x": [0, 2], "y": [0, 2]}))
        >>> two.total_expectation("x", "y")
        1.0
        """
        inner = self.conditional_expectation(f, *given)
        return plain((inner * self._collapse(self.mass, given)).sum(inner.dims))

    def total_variance(self, f: Function, *given: str) -> VarianceSplit:
        """Split Var[f] into E[Var(f | given)] and Var(E[f | given]), the law of total variance.

        Examples
        --------
        >>> from bayesgeo.probability import Discrete
        >>> two = Discrete(xr.DataArray([[0.5, 0.0], [0.0, 0.5]], {"x": [0, 2], "y": [0, 2]}))
        >>> two.total_variance("x", "y")
        VarianceSplit(within=0.0, between=1.0)
        """
        centre, mass = self.expectation(f), self._collapse(self.mass, given)
        shift = self.conditional_expectation(lambda v: evaluate(f, v) - centre, *given)
        square = self.conditional_expectation(lambda v: (evaluate(f, v) - centre) ** 2, *given)
        between = (mass * shift**2).sum(mass.dims)
        within = (mass * np.maximum(square - shift**2, 0.0)).sum(mass.dims)
        return VarianceSplit(plain(within), plain(between))


def _finite_where_possible(values: xr.DataArray, mass: xr.DataArray) -> xr.DataArray:
    if np.isfinite(values).all():
        return values
    values = values.where(mass > 0, 0.0)
    if values.isnull().any():
        raise invalid("function", float("nan"), "It is undefined at an outcome that has probability.")
    return values


def plain(array: xr.DataArray) -> Any:
    """Return a float in place of an array without dimensions.

    Examples
    --------
    >>> plain(xr.DataArray(2.0))
    2.0
    """
    return array if array.ndim else float(array)
