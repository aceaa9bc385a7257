"""The trapezoidal rule on labelled grids, and cuts of the linear interpolant it is exact for."""

from functools import reduce
from typing import Any

import numpy as np
import xarray as xr

from bayesgeo._check import invalid
from bayesgeo.probability.base.checks import checked_outcomes
from bayesgeo.probability.base.events import is_set


def checked_nodes(density: xr.DataArray) -> None:
    """Refuse dimensions whose nodes are not finite numbers that increase."""
    checked_outcomes("density", density)
    for dim in density.dims:
        nodes = density[dim].values
        if nodes.dtype.kind not in "iuf" or not np.isfinite(nodes).all():
            raise invalid("nodes", nodes.tolist()[:5], f"Those of {dim!r} must be finite numbers.")
        if nodes.size < 2 or not (np.diff(nodes) > 0).all():
            raise invalid(
                "nodes", nodes.tolist()[:5], f"Those of {dim!r} must increase.", "Give at least two, sorted."
            )


def weights(nodes: xr.DataArray) -> xr.DataArray:
    """Return the trapezoidal weight of each node: half the distance between its neighbours."""
    x = nodes.values
    halves = np.diff(x, prepend=x[0]) + np.diff(x, append=x[-1])
    return xr.DataArray(halves / 2, {nodes.name: x})


def integral(density: xr.DataArray, names: tuple[str, ...]) -> xr.DataArray:
    """Integrate over the named dimensions."""
    return reduce(lambda array, name: xr.dot(array, weights(array[name]), dim=name), names, density)


def clipped(nodes: xr.DataArray, choice: slice) -> tuple[float, float]:
    """Return the bounds of an interval, cut at the ends of the grid."""
    first, last = float(nodes[0]), float(nodes[-1])
    low = first if choice.start is None else choice.start
    high = last if choice.stop is None else choice.stop
    return max(low, first), min(high, last)


def truncated(density: xr.DataArray, name: str, low: float, high: float) -> xr.DataArray:
    """Keep the interpolant between two values, which become nodes."""
    nodes = density[name].values
    inside = nodes[(nodes > low) & (nodes < high)]
    return density.interp({name: np.concatenate([[low], inside, [high]])})


def cut(density: xr.DataArray, name: str, choice: Any) -> xr.DataArray:
    """Cut the interpolant at a value, or at both ends of an interval."""
    nodes = density[name]
    if is_set(choice) and not isinstance(choice, slice):
        raise invalid(
            name,
            choice,
            "Single values of a continuous variable have no probability.",
            "Give slice(low, high), or one value.",
        )
    low, high = clipped(nodes, choice) if isinstance(choice, slice) else (choice, choice)
    inside = nodes[0] <= low <= high <= nodes[-1]
    if not inside or (isinstance(choice, slice) and low == high):
        raise invalid(
            name,
            choice,
            "It is outside the support.",
            f"The grid goes from {float(nodes[0]):g} to {float(nodes[-1]):g}.",
        )
    if isinstance(choice, slice):
        return truncated(density, name, low, high)
    return density.interp({name: float(choice)}).drop_vars(name)
