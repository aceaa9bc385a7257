"""Proposal distributions, and the log ratio of a target to one."""

from collections.abc import Callable
from typing import Protocol

import numpy as np
import xarray as xr

from bayesgeo._check import invalid
from bayesgeo.probability.base.events import Values


class Proposal(Protocol):
    """Define a distribution to propose from: Gaussian, Density or Independent.

    Examples
    --------
    >>> from bayesgeo.probability import Gaussian
    >>> proposal: Proposal = Gaussian({"x": 0.0}, [[1.0]])
    >>> proposal.names
    ('x',)
    """

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the variables."""

    def log_density(self, values: Values) -> xr.DataArray:
        """Return the log density at labelled values of every variable."""

    def sample(self, n: int, *, seed: int) -> xr.Dataset:
        """Return independent draws ``(chain=1, draw)``."""


def log_ratio(log_target: Callable[[Values], xr.DataArray], proposal: Proposal, draws: xr.Dataset) -> xr.DataArray:
    """Return log target minus log proposal, −inf where the target has no density.

    Examples
    --------
    >>> from bayesgeo.probability import Gaussian
    >>> wide = Gaussian({"x": 0.0}, [[1.0]])
    >>> at = xr.Dataset({"x": ("draw", [0.0, 1.0])})
    >>> log_ratio(wide.log_density, wide, at).values
    array([0., 0.])
    """
    values = {name: draws[name] for name in proposal.names}
    with np.errstate(divide="ignore", invalid="ignore"):
        target = xr.DataArray(log_target(values))
        below = proposal.log_density(values)
    unknown = target.isnull()
    if (below.where(unknown, -np.inf) > -np.inf).any():
        at = {name: float(v.values.ravel()[unknown.values.argmax()]) for name, v in values.items()}
        raise invalid("target", float("nan"), f"It is undefined at {at}.", "Give -inf outside its support.")
    outside = (target == -np.inf) | unknown
    return xr.where(outside, -np.inf, target - below.where(~outside, 0.0))
