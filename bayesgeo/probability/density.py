"""Continuous joint densities on a labelled grid, by quadrature; the nodes need not be equally spaced."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, reduce
from typing import Any, ClassVar, Self

import numpy as np
import xarray as xr

from bayesgeo._check import invalid, positive
from bayesgeo.probability.base import (
    Function,
    Gridded,
    Values,
    checked_mass,
    checked_nodes,
    clipped,
    cut,
    integral,
    known_variables,
    truncated,
    trusted,
    weights,
)

INTEGRAL_TOLERANCE = 1e-6


@dataclass(frozen=True, eq=False, repr=False)
class Density(Gridded):
    """Hold a joint density at the nodes of a grid; between them it is linear along each variable.

    Integrals are by the trapezoidal rule, exact for that interpolant, and
    :meth:`quadrature_error` estimates how far the interpolant is from a smooth density.

    Parameters
    ----------
    density : xarray.DataArray
        One dimension for each variable, its coordinate the increasing nodes; cells are densities, in
        the inverse of the variables' units. Copied.

    Raises
    ------
    InvalidInput
        If a cell is negative or not finite, nodes do not increase, or the integral is not one within
        1e-6.

    Examples
    --------
    >>> x = np.linspace(-8, 8, 161)
    >>> normal = Density.from_log_density(lambda v: -0.5 * v["x"] ** 2, x=x)
    >>> normal
    Density(x: 161 in [-8, 8])
    >>> round(normal.variance("x"), 10)
    1.0
    """

    density: xr.DataArray
    _tolerance: ClassVar[float] = INTEGRAL_TOLERANCE

    def __post_init__(self) -> None:
        checked_nodes(self.density)
        density = checked_mass("density", self.density)
        total = float(_total(density))
        if abs(total - 1) > INTEGRAL_TOLERANCE:
            raise invalid("density", total, "It does not integrate to one.", "Use Density.from_values.")
        object.__setattr__(self, "density", density)

    def __repr__(self) -> str:
        parts = [
            f"{name}: {nodes.size} in [{float(nodes[0]):g}, {float(nodes[-1]):g}]"
            for name in self.names
            for nodes in [self.density[name]]
        ]
        return f"Density({', '.join(parts)})"

    @classmethod
    def from_values(cls, values: xr.DataArray) -> Self:
        """Divide values that are not negative by their integral.

        Examples
        --------
        >>> Density.from_values(xr.DataArray([0.0, 5.0, 0.0], {"x": [0.0, 1.0, 2.0]})).density.values
        array([0., 1., 0.])
        """
        checked_nodes(values)
        values = checked_mass("density", values)
        total = float(_total(values))
        if total == 0:
            raise invalid("density", total, "It is zero at every node.", "Move or refine the grid.")
        return trusted(cls, density=values / total)

    @classmethod
    def from_log_density(cls, log_density: Callable[[Values], Any], **nodes: Any) -> Self:
        """Evaluate a log density, known up to a constant, on a grid and normalise it.

        Parameters
        ----------
        log_density : callable
            Takes the nodes by name and returns labelled values; −inf outside the support.
        **nodes : array_like
            Increasing nodes of each variable.

        Examples
        --------
        >>> decay = Density.from_log_density(lambda v: -v["t"], t=np.linspace(0, 40, 4001))
        >>> round(decay.expectation("t"), 4)
        1.0
        """
        axes = {name: xr.DataArray(np.asarray(x, dtype=float), {name: x}) for name, x in nodes.items()}
        values = sum((0 * axis for axis in axes.values()), xr.DataArray(log_density(axes)))
        if (values.isnull() | (values == np.inf)).any():
            raise invalid("log density", float("nan"), "It is undefined at a node.", "Move the grid.")
        return cls.from_values(xr.apply_ufunc(np.exp, values.transpose(*nodes) - values.max()))

    @property
    def cells(self) -> xr.DataArray:
        """The densities themselves."""
        return self.density

    @cached_property
    def mass(self) -> xr.DataArray:
        """Density times quadrature weight: the probability of each node."""
        return reduce(lambda array, name: array * weights(array[name]), self.names, self.density)

    def _with(self, cells: xr.DataArray) -> Self:
        return trusted(type(self), density=cells)

    def _summed(self, array: xr.DataArray, names: tuple[str, ...]) -> xr.DataArray:
        return integral(array, names)

    def _cut(self, cells: xr.DataArray, name: str, choice: Any) -> xr.DataArray:
        return cut(cells, name, choice)

    def probability(self, event: Any) -> float:
        """Return P(E): a mapping of intervals is exact for the interpolant, a predicate is not.

        A predicate counts whole nodes, so it is off by up to the mass of those at its boundary.

        Examples
        --------
        >>> x = np.linspace(-8, 8, 801)
        >>> normal = Density.from_log_density(lambda v: -0.5 * v["x"] ** 2, x=x)
        >>> round(normal.probability({"x": slice(-1.96, 1.96)}), 4)
        0.95
        """
        if not isinstance(event, Mapping):
            return super().probability(event)
        known_variables(event, self.names)
        density = self.density
        for name, choice in event.items():
            if not isinstance(choice, slice):
                raise invalid(
                    name,
                    choice,
                    "A single value of a continuous variable has no probability.",
                    "Give slice(low, high).",
                )
            low, high = clipped(density[name], choice)
            if low >= high:
                return 0.0
            density = truncated(density, name, low, high)
        return float(_total(density))

    def quadrature_error(self, f: Function) -> float:
        """Estimate the error of E[f] as its change when every second node is left out.

        The rule is of second order, so the change is about three times the error of the full grid.

        Examples
        --------
        >>> decay = Density.from_log_density(lambda v: -v["t"], t=np.linspace(0, 40, 401))
        >>> abs(decay.expectation("t") - 1) < decay.quadrature_error("t") < 0.01
        True
        """
        coarse = self.density
        for name in self.names:
            positions = np.unique(np.append(np.arange(0, coarse.sizes[name], 2), coarse.sizes[name] - 1))
            coarse = coarse.isel({name: positions})
        rough = trusted(type(self), density=coarse / _total(coarse))
        return float(abs(self.expectation(f) - rough.expectation(f)))

    def sample(self, n: int, *, seed: int) -> xr.Dataset:
        """Draw exactly from the interpolant: a node by its mass, then a triangular step around it.

        A function linear between nodes is a mixture of hat functions, one for each node, and its
        weights are those of the trapezoidal rule.

        Examples
        --------
        >>> decay = Density.from_log_density(lambda v: -v["t"], t=np.linspace(0, 40, 4001))
        >>> 0.9 < float(decay.sample(2000, seed=1)["t"].mean()) < 1.1
        True
        """
        positive("n", n, integer=True)
        rng = np.random.default_rng(seed)
        mass = self.mass.transpose(*self.names).values
        drawn = np.unravel_index(rng.choice(mass.size, size=n, p=mass.ravel() / mass.sum()), mass.shape)
        draws = {}
        for name, at in zip(self.names, drawn, strict=True):
            nodes = self.density[name].values
            left, right = nodes[np.maximum(at - 1, 0)], nodes[np.minimum(at + 1, nodes.size - 1)]
            draws[name] = (("chain", "draw"), rng.triangular(left, nodes[at], right)[None])
        return xr.Dataset(draws)

    def log_density(self, values: Values) -> xr.DataArray:
        """Return the log density of the interpolant at labelled values, −inf off the grid.

        Examples
        --------
        >>> flat = Density.from_values(xr.DataArray([1.0, 1.0], {"x": [0.0, 2.0]}))
        >>> flat.log_density({"x": xr.DataArray([1.0, 3.0], dims="obs")}).values.round(4)
        array([-0.6931,    -inf])
        """
        known_variables(self.names, tuple(values))
        points = {name: xr.DataArray(values[name]).drop_vars(name, errors="ignore") for name in self.names}
        density = self.density.interp(points, kwargs={"bounds_error": False, "fill_value": 0.0})
        with np.errstate(divide="ignore"):
            return xr.apply_ufunc(np.log, density).drop_vars(self.names)


def _total(density: xr.DataArray) -> xr.DataArray:
    return integral(density, tuple(str(dim) for dim in density.dims))
