"""Independent named random variables, as a prior or a proposal."""

from collections.abc import Mapping
from functools import reduce
from operator import add
from typing import Any, Protocol

import numpy as np
import xarray as xr

from bayesgeo._check import invalid, positive
from bayesgeo.probability.base import Values, known_variables


class Marginal(Protocol):
    """Define a univariate distribution, such as :class:`RandomVariable`.

    Examples
    --------
    >>> from bayesgeo.probability import normal
    >>> marginal: Marginal = normal()
    >>> marginal.sample(3, seed=1).sizes["draw"]
    3
    """

    def log_density(self, values: Any) -> xr.DataArray:
        """Return the log density at labelled values."""

    def sample(self, n: int, *, seed: Any) -> xr.DataArray:
        """Return draws ``(chain=1, draw)``."""


class Independent:
    """Hold independent random variables by name.

    Parameters
    ----------
    **variables : RandomVariable
        The distribution of each.

    Examples
    --------
    >>> from bayesgeo.probability import normal, uniform
    >>> prior = Independent(slope=normal(0, 1), onset=uniform(0, 10))
    >>> round(float(prior.log_density({"slope": xr.DataArray(0.0), "onset": xr.DataArray(5.0)})), 6)
    -3.221524
    """

    def __init__(self, **variables: Marginal) -> None:
        if not variables:
            raise invalid("variables", variables, "No variable is given.", "Give one, as in slope=normal(0, 1).")
        self._variables: Mapping[str, Marginal] = variables

    def __repr__(self) -> str:
        return f"Independent({', '.join(f'{name}={rv}' for name, rv in self._variables.items())})"

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the variables."""
        return tuple(self._variables)

    def marginal(self, *names: str) -> "Independent":
        """Keep these variables.

        Examples
        --------
        >>> from bayesgeo.probability import normal
        >>> Independent(a=normal(), b=normal()).marginal("b").names
        ('b',)
        """
        return Independent(**{name: self._variables[name] for name in known_variables(names, self.names)})

    def log_density(self, values: Values) -> xr.DataArray:
        """Return the sum of the log densities at labelled values.

        Examples
        --------
        >>> from bayesgeo.probability import uniform
        >>> float(Independent(x=uniform()).log_density({"x": xr.DataArray(2.0)}))
        -inf
        """
        known_variables(self.names, tuple(values))
        return reduce(add, (rv.log_density(values[name]) for name, rv in self._variables.items()))

    def sample(self, n: int, *, seed: int) -> xr.Dataset:
        """Draw each variable from its own random stream.

        Examples
        --------
        >>> from bayesgeo.probability import normal
        >>> Independent(a=normal(), b=normal()).sample(5, seed=1).sizes
        Frozen({'chain': 1, 'draw': 5})
        """
        positive("n", n, integer=True)
        streams = np.random.SeedSequence(seed).spawn(len(self._variables))
        pairs = zip(self._variables.items(), streams, strict=True)
        return xr.Dataset({name: rv.sample(n, seed=stream) for (name, rv), stream in pairs})
