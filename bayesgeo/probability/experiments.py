"""Experiments with finitely many outcomes, equally likely: probability by counting."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import xarray as xr

from bayesgeo._check import invalid
from bayesgeo.probability.base import Function, as_event, known_variables


@dataclass(frozen=True, eq=False, repr=False)
class Experiment:
    """Hold a sample space whose outcomes are equally likely.

    Parameters
    ----------
    outcomes : mapping of str to sequence
        Columns of equal length: the values recorded for each outcome. A pandas DataFrame, an
        xarray Dataset or a dict.

    Raises
    ------
    InvalidInput
        If there is no outcome or the columns differ in length.

    Examples
    --------
    >>> dice = Experiment.product(first=range(1, 7), second=range(1, 7))
    >>> dice
    Experiment(first, second; 36 outcomes)
    >>> dice.count(lambda v: v["first"] + v["second"] == 7)
    6
    """

    outcomes: Mapping[str, Any]

    def __post_init__(self) -> None:
        columns = {str(name): np.asarray(self.outcomes[name]) for name in self.outcomes}
        sizes = {name: column.shape for name, column in columns.items()}
        if not sizes or len(set(sizes.values())) > 1 or 0 in next(iter(sizes.values())):
            raise invalid("outcomes", sizes, "The columns must have one equal length above zero.")
        labelled = {name: xr.DataArray(column, dims="outcome") for name, column in columns.items()}
        object.__setattr__(self, "outcomes", labelled)

    def __repr__(self) -> str:
        return f"Experiment({', '.join(self.outcomes)}; {self.size} outcomes)"

    @classmethod
    def product(cls, **factors: Sequence[Any]) -> Self:
        """Combine every value of each factor with every value of the others.

        Examples
        --------
        >>> Experiment.product(coin=["head", "tail"], die=range(1, 7)).size
        12
        """
        if not factors:
            raise invalid("factors", factors, "No factor is given.", "Give one, as in die=range(1, 7).")
        grids = np.meshgrid(*(np.asarray(list(values)) for values in factors.values()), indexing="ij")
        return cls({name: grid.ravel() for name, grid in zip(factors, grids, strict=True)})

    @property
    def size(self) -> int:
        """Number of outcomes."""
        return int(next(iter(self.outcomes.values())).size)

    def count(self, event: Any) -> int:
        """Return the number of outcomes in the event.

        Examples
        --------
        >>> Experiment({"magnitude": [1.2, 3.4, 2.2]}).count({"magnitude": slice(2, None)})
        2
        """
        marks = as_event(event)(self.outcomes)
        if marks.dims != ("outcome",):
            raise invalid("event", marks.dims, "It must be true or false once for each outcome.")
        return int(marks.sum())

    def probability(self, event: Any) -> float:
        """Return P(E), the number of outcomes in E over the number of all.

        Examples
        --------
        >>> Experiment.product(die=range(1, 7)).probability(lambda v: v["die"] % 2 == 0)
        0.5
        """
        return self.count(event) / self.size

    def table(self, **variables: Function) -> xr.DataArray:
        """Return the joint probability table of random variables, functions of the outcome.

        Examples
        --------
        >>> from bayesgeo.probability import Discrete
        >>> dice = Experiment.product(first=range(1, 7), second=range(1, 7))
        >>> total = Discrete(dice.table(total=lambda v: v["first"] + v["second"]))
        >>> round(total.expectation("total"), 12), round(total.variance("total"), 4)
        (7.0, 5.8333)
        """
        columns = [np.asarray(self._column(f)) for f in variables.values()]
        if not columns:
            raise invalid("variables", variables, "No variable is given.", "Give one, as in total=f.")
        levels, codes = zip(*(np.unique(column, return_inverse=True) for column in columns), strict=True)
        counts = np.zeros([len(level) for level in levels])
        np.add.at(counts, codes, 1)
        return xr.DataArray(counts / self.size, dict(zip(variables, levels, strict=True)))

    def _column(self, f: Function) -> xr.DataArray:
        if isinstance(f, str):
            return self.outcomes[known_variables([f], self.outcomes)[0]]
        return xr.DataArray(f(self.outcomes)).broadcast_like(next(iter(self.outcomes.values())))
