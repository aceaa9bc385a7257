"""Draws from any posterior as a joint distribution."""

from dataclasses import dataclass
from typing import Any, Self, cast

import numpy as np
import xarray as xr

from bayesgeo._check import invalid, positive
from bayesgeo.probability.base import (
    Function,
    Values,
    Weighted,
    checked_mass,
    evaluate,
    is_set,
    known_variables,
    leave_some,
    plain,
    selected,
    trusted,
)

SAMPLE_DIMS = ("chain", "draw")


@dataclass(frozen=True, eq=False, repr=False)
class Draws(Weighted):
    """Hold weighted draws of named variables.

    Parameters
    ----------
    draws : xarray.Dataset or xarray.DataTree
        Variables along ``chain`` and ``draw``, with further dimensions or not; of a tree, its
        ``posterior``.
    weights : xarray.DataArray, optional
        ``(chain, draw)``, not negative; equal when absent. Divided by their sum.

    Raises
    ------
    InvalidInput
        If a variable lacks the two dimensions or holds a number that is not finite.

    Examples
    --------
    >>> from bayesgeo.probability import Gaussian
    >>> posterior = Draws(Gaussian({"b": 1.0}, [[0.01]]).sample(4000, seed=1))
    >>> posterior
    Draws(b; chain: 1, draw: 4000)
    >>> bool(abs(posterior.expectation("b") - 1) < 4 * posterior.mcse("b"))
    True
    """

    draws: xr.Dataset
    weights: xr.DataArray | None = None

    def __post_init__(self) -> None:
        draws = self.draws
        if isinstance(draws, xr.DataTree):
            known_variables(["posterior"], tuple(draws.children))
            draws = draws["posterior"].dataset
        for name, values in draws.data_vars.items():
            if not set(SAMPLE_DIMS) <= set(values.dims):
                raise invalid(str(name), values.dims, "It must have dimensions chain and draw.")
            if values.dtype.kind == "f" and not np.isfinite(values).all():
                raise invalid(str(name), float("nan"), "A draw is not finite.", "Remove or explain it first.")
        sizes = [draws.sizes[dim] for dim in SAMPLE_DIMS]
        weights = xr.DataArray(np.ones(sizes), dims=SAMPLE_DIMS) if self.weights is None else self.weights
        weights = checked_mass("weight", weights).transpose(*SAMPLE_DIMS, missing_dims="ignore")
        if weights.sizes != dict(zip(SAMPLE_DIMS, sizes, strict=True)) or weights.sum() == 0:
            raise invalid("weights", dict(weights.sizes), "One is needed for each draw, and not all may be zero.")
        object.__setattr__(self, "draws", draws)
        object.__setattr__(self, "weights", weights / weights.sum())

    def __repr__(self) -> str:
        sizes = ", ".join(f"{dim}: {self.draws.sizes[dim]}" for dim in SAMPLE_DIMS)
        return f"Draws({', '.join(self.names)}; {sizes})"

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the variables."""
        return tuple(str(name) for name in self.draws.data_vars)

    @property
    def mass(self) -> xr.DataArray:
        """The weights, whose sum is one."""
        return cast("xr.DataArray", self.weights)

    @property
    def values(self) -> Values:
        """Draws of each variable."""
        return {name: self.draws[name] for name in self.names}

    @property
    def effective_weights(self) -> float:
        """Effective number of equally weighted draws, 1 / Σ w² (Kish 1965)."""
        return float(1 / (self.mass**2).sum())

    def _collapse(self, array: xr.DataArray, given: tuple[str, ...]) -> xr.DataArray:
        if len(given) != 1:
            raise invalid("variables", given, "Draws can be grouped by one variable only.", "Give its name.")
        groups = self.draws[known_variables(given, self.names)[0]]
        if groups.dtype.kind == "f":
            raise invalid("variable", given[0], "Its draws are continuous, so none are equal.", "Bin it first.")
        return array.broadcast_like(self.mass).groupby(groups).sum()

    def marginal(self, *names: str) -> Self:
        """Keep these variables; draws of the others are left out.

        Examples
        --------
        >>> from bayesgeo.probability import Gaussian
        >>> two = Draws(Gaussian({"a": 0.0, "b": 0.0}, np.eye(2)).sample(10, seed=1))
        >>> two.marginal("b")
        Draws(b; chain: 1, draw: 10)
        """
        if not known_variables(names, self.names):
            raise invalid("variables", names, "No variable is named.", "Give at least one.")
        return trusted(type(self), draws=self.draws[list(names)], weights=self.mass)

    def condition(self, **values: Any) -> Self:
        """Set the weight of draws outside these values to zero.

        A continuous variable needs ``slice(low, high)``, since no draw equals a value.

        Examples
        --------
        >>> from bayesgeo.probability import Gaussian
        >>> two = Draws(Gaussian({"a": 0.0, "b": 0.0}, [[1, 0.9], [0.9, 1]]).sample(4000, seed=1))
        >>> bool(two.condition(a=slice(1.9, 2.1)).expectation("b") > 1.5)
        True
        """
        known_variables(values, self.names)
        single = [name for name, choice in values.items() if not is_set(choice)]
        left = leave_some(single, self.names)
        weights = self.mass
        for name, choice in values.items():
            if self.draws[name].dtype.kind == "f" and not isinstance(choice, slice):
                raise invalid(name, choice, "No continuous draw equals a value.", "Give slice(low, high).")
            weights = weights * selected(self.draws[name], choice)
        return self._reweighted(weights, values, left)

    def _reweighted(self, weights: xr.DataArray, evidence: Any, names: tuple[str, ...]) -> Self:
        if weights.sum() == 0:
            raise invalid("evidence", evidence, "No draw agrees with it.", "Widen it, or draw more.")
        weights = (weights / weights.sum()).transpose(*SAMPLE_DIMS)
        return trusted(type(self), draws=self.draws[list(names)], weights=weights)

    def update(self, likelihood: Any) -> Self:
        """Multiply the weights by the likelihood of new data; see :attr:`effective_weights` after.

        Parameters
        ----------
        likelihood : callable
            Takes the draws by name and returns ``(chain, draw)``, not negative.

        Examples
        --------
        >>> from bayesgeo.probability import Gaussian
        >>> prior = Draws(Gaussian({"x": 0.0}, [[1.0]]).sample(8000, seed=1))
        >>> posterior = prior.update(lambda v: np.exp(-0.5 * (v["x"] - 1.0) ** 2))
        >>> bool(abs(posterior.expectation("x") - 0.5) < 4 * posterior.mcse("x"))
        True
        """
        values = checked_mass("likelihood", xr.DataArray(likelihood(self.values)))
        if set(values.dims) != set(SAMPLE_DIMS):
            raise invalid("likelihood", values.dims, "It must have one value for each draw.")
        return self._reweighted(self.mass * values, "likelihood", self.names)

    def mcse(self, f: Function) -> Any:
        """Return the Monte Carlo standard error of :meth:`expectation`, by ArviZ.

        It is the error of the mean of w (f − E f), which holds for correlated and for weighted draws
        (Geweke 1989; Vehtari et al. 2021).

        Examples
        --------
        >>> from bayesgeo.probability import Gaussian
        >>> draws = Draws(Gaussian({"x": 0.0}, [[1.0]]).sample(10_000, seed=1))
        >>> bool(0.009 < draws.mcse("x") < 0.011)
        True
        """
        from arviz_stats.base import array_stats

        influence = (evaluate(f, self.values) - self.expectation(f)) * self.mass * self.mass.size
        return plain(
            xr.apply_ufunc(
                lambda draws: array_stats.mcse(draws, chain_axis=-2, draw_axis=-1),
                influence,
                input_core_dims=[SAMPLE_DIMS],
            )
        )

    def sample(self, n: int, *, seed: int) -> xr.Dataset:
        """Resample the draws with replacement, by weight.

        Examples
        --------
        >>> from bayesgeo.probability import Gaussian
        >>> Draws(Gaussian({"x": 0.0}, [[1.0]]).sample(10, seed=1)).sample(3, seed=2).sizes
        Frozen({'chain': 1, 'draw': 3})
        """
        positive("n", n, integer=True)
        rng = np.random.default_rng(seed)
        at = rng.choice(self.mass.size, size=n, p=self.mass.values.ravel())
        chain, draw = np.unravel_index(at, self.mass.shape)
        points = {dim: xr.DataArray(i[None], dims=SAMPLE_DIMS) for dim, i in (("chain", chain), ("draw", draw))}
        return self.draws.drop_vars(SAMPLE_DIMS, errors="ignore").isel(points)
