"""Joint distributions on a grid: one dimension for each variable, one cell for each outcome."""

from abc import abstractmethod
from typing import Any, ClassVar, Self

import xarray as xr
from scipy.special import entr, rel_entr

from bayesgeo._check import invalid
from bayesgeo.probability.base.checks import (
    checked_mass,
    checked_outcomes,
    known_variables,
    leave_some,
    same_outcomes,
)
from bayesgeo.probability.base.events import Values, is_set
from bayesgeo.probability.base.weighted import Weighted


class Gridded(Weighted):
    """A joint whose cells are probabilities to sum, or densities to integrate.

    Examples
    --------
    >>> from bayesgeo.probability import Density, Discrete
    >>> issubclass(Density, Gridded) and issubclass(Discrete, Gridded)
    True
    """

    _tolerance: ClassVar[float]

    @property
    @abstractmethod
    def cells(self) -> xr.DataArray:
        """Probabilities or densities, one dimension for each variable."""

    @abstractmethod
    def _with(self, cells: xr.DataArray) -> Self:
        """Return the same kind with these cells, known to be valid."""

    @abstractmethod
    def _summed(self, array: xr.DataArray, names: tuple[str, ...]) -> xr.DataArray:
        """Sum, or integrate, an array over variables."""

    @abstractmethod
    def _cut(self, cells: xr.DataArray, name: str, choice: Any) -> xr.DataArray:
        """Select outcomes of one variable; raise if they are outside the support."""

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the variables."""
        return tuple(str(dim) for dim in self.cells.dims)

    @property
    def values(self) -> Values:
        """Outcomes or nodes of each variable, along its own dimension."""
        return {name: self.cells[name].reset_coords(drop=True) for name in self.names}

    def outcomes(self, name: str) -> xr.DataArray:
        """Return the outcomes or nodes of a variable.

        Examples
        --------
        >>> from bayesgeo.probability import Discrete
        >>> Discrete(xr.DataArray([0.5, 0.5], {"coin": ["head", "tail"]})).outcomes("coin").values
        array(['head', 'tail'], dtype='<U4')
        """
        known_variables([name], self.names)
        return self.values[name]

    def _collapse(self, array: xr.DataArray, given: tuple[str, ...]) -> xr.DataArray:
        kept = self._kept(given)
        return array.sum([d for d in array.dims if d in self.names and d not in kept], skipna=False)

    def _kept(self, names: tuple[str, ...]) -> tuple[str, ...]:
        if not known_variables(names, self.names):
            raise invalid("variables", names, "No variable is named.", "Give at least one.")
        return names

    def marginal(self, *names: str) -> Self:
        """Sum or integrate over the other variables: p(x) = Σ_y p(x, y) or ∫ p(x, y) dy.

        Examples
        --------
        >>> from bayesgeo.probability import Discrete
        >>> two = Discrete(xr.DataArray([[0.1, 0.2], [0.3, 0.4]], {"x": [0, 1], "y": [0, 1]}))
        >>> two.marginal("y").table.values.round(12)
        array([0.4, 0.6])
        """
        kept = self._kept(names)
        others = tuple(name for name in self.names if name not in kept)
        return self._with(self._summed(self.cells, others))

    def condition(self, **values: Any) -> Self:
        """Condition on values: p(x | y) = p(x, y) / p(y).

        Examples
        --------
        >>> from bayesgeo.probability import Discrete
        >>> two = Discrete(xr.DataArray([[0.1, 0.2], [0.3, 0.4]], {"x": [0, 1], "y": [0, 1]}))
        >>> two.condition(y=0).table.values
        array([0.25, 0.75])
        """
        known_variables(values, self.names)
        leave_some([name for name, choice in values.items() if not is_set(choice)], self.names)
        cells = self.cells
        for name, choice in values.items():
            cells = self._cut(cells, name, choice)
        return self._normalised(cells, values)

    def _normalised(self, cells: xr.DataArray, evidence: Any) -> Self:
        total = float(self._summed(cells, tuple(map(str, cells.dims))))
        if total == 0:
            raise invalid(
                "evidence", evidence, "Its probability is zero.", "Condition on values that have probability."
            )
        return self._with(cells / total)

    def given(self, *names: str) -> xr.DataArray:
        """Return the conditional p(others | names), NaN where the given outcomes have no probability.

        Examples
        --------
        >>> from bayesgeo.probability import Discrete
        >>> two = Discrete(xr.DataArray([[0.1, 0.2], [0.3, 0.4]], {"x": [0, 1], "y": [0, 1]}))
        >>> two.given("y").sel(x=1).values.round(4)
        array([0.75  , 0.6667])
        """
        leave_some(names, self.names)
        evidence = self.marginal(*names).cells
        return self.cells / evidence.where(evidence > 0)

    def extend(self, likelihood: xr.DataArray) -> Self:
        """Multiply by a conditional, the chain rule: p(x, y) = p(y | x) p(x).

        Parameters
        ----------
        likelihood : xarray.DataArray
            Over variables of the joint and new ones; it sums, or integrates, to one over the new ones
            wherever the joint has probability.

        Examples
        --------
        >>> from bayesgeo.probability import Discrete
        >>> prior = Discrete(xr.DataArray([0.9, 0.1], {"event": ["quake", "blast"]}))
        >>> alarm = xr.DataArray([[0.99, 0.01], [0.2, 0.8]],
        ...                      {"event": ["quake", "blast"], "alarm": [False, True]})
        >>> round(prior.extend(alarm).condition(alarm=True).probability({"event": "blast"}), 4)
        0.8989
        """
        checked_outcomes("likelihood", likelihood)
        same_outcomes("likelihood", likelihood, self.cells)
        new = tuple(str(dim) for dim in likelihood.dims if dim not in self.names)
        likelihood = checked_mass("likelihood", likelihood.where(self.cells > 0, 0.0))
        totals = self._summed(likelihood, new)
        off = (abs(totals - 1) > self._tolerance) & (self.cells > 0)
        if off.any():
            worst = float(totals.values[off.transpose(*totals.dims).values][0])
            raise invalid("likelihood", worst, f"Its total over {list(new)} is not one.", "Normalise it.")
        return self._with(self.cells * likelihood)

    def update(self, likelihood: Any) -> Self:
        """Multiply by the likelihood of observed data and normalise.

        Parameters
        ----------
        likelihood : xarray.DataArray or callable
            Not negative, over some of the variables; a callable takes the outcomes by name.

        Examples
        --------
        >>> from bayesgeo.probability import Discrete
        >>> prior = Discrete(xr.DataArray([0.5, 0.5], {"rate": [1.0, 3.0]}))
        >>> prior.update(lambda v: v["rate"] ** 2 * 2.0 ** -v["rate"]).table.values.round(4)
        array([0.3077, 0.6923])
        """
        values = xr.DataArray(likelihood(self.values) if callable(likelihood) else likelihood)
        same_outcomes("likelihood", values, self.cells)
        if extra := [dim for dim in values.dims if dim not in self.names]:
            raise invalid(
                "likelihood",
                extra,
                "The joint has no such variable.",
                "Use extend, or select what was observed.",
            )
        return self._normalised(self.cells * checked_mass("likelihood", values), "likelihood")

    def entropy(self) -> float:
        """Return −Σ p log p, or −∫ p log p for a density, in nats.

        Examples
        --------
        >>> from bayesgeo.probability import Discrete
        >>> round(Discrete(xr.DataArray([0.5, 0.5], {"coin": ["head", "tail"]})).entropy(), 6)
        0.693147
        """
        return float(self._summed(xr.apply_ufunc(entr, self.cells), self.names))

    def kullback_leibler(self, other: "Gridded") -> float:
        """Return the divergence Σ p log(p / q), or ∫, to another q over the same outcomes, in nats.

        Examples
        --------
        >>> from bayesgeo.probability import Discrete
        >>> fair = Discrete(xr.DataArray([0.5, 0.5], {"coin": ["head", "tail"]}))
        >>> round(fair.kullback_leibler(Discrete(fair.table.copy(data=[0.9, 0.1]))), 6)
        0.510826
        """
        if set(other.names) != set(self.names):
            raise invalid("other", other.names, "Its variables differ.", f"Give {self.names}.")
        same_outcomes("other", other.cells, self.cells)
        return float(self._summed(xr.apply_ufunc(rel_entr, self.cells, other.cells), self.names))
