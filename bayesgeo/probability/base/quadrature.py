"""The trapezoidal rule on labelled grids, and restriction of its linear interpolant."""

from functools import reduce
from typing import Any

import numpy as np
import xarray as xr

from bayesgeo._check import invalid
from bayesgeo.probability.base.checks import checked_outcomes
from bayesgeo.probability.base.events import is_set


def checked_nodes(density: xr.DataArray) -> None:
    """Raise if the nodes of a dimension are not finite and increasing.

    Examples
    --------
    >>> checked_nodes(xr.DataArray([1.0, 1.0], {"x": [0.0, 1.0]}))
    """
    checked_outcomes("density", density)
    for dim in density.dims:
        nodes = density[dim].values
        if nodes.dtype.kind not in "iuf" or not np.isfinite(nodes).all():
            raise invalid("nodes", nodes.tolist()[:5], f"The nodes of {dim!r} must be finite numbers.")
        if nodes.size < 2 or not (np.diff(nodes) > 0).all():
            raise invalid(
                "nodes", nodes.tolist()[:5], f"The nodes of {dim!r} must increase.", "Give at least two, sorted."
            )


def weights(nodes: xr.DataArray) -> xr.DataArray:
    """Return the trapezoidal weight of each node: half the distance between its neighbours.

    Examples
    --------
    >>> weights(xr.DataArray([0.0, 1.0, 3.0], {"x": [0.0, 1.0, 3.0]}, name="x")).values
    array([0.5, 1.5, 1. ])
    """
    x = nodes.values
    halves = np.diff(x, prepend=x[0]) + np.diff(x, append=x[-1])
    return xr.DataArray(halves / 2, {nodes.name: x})


def integral(density: xr.DataArray, names: tuple[str, ...]) -> xr.DataArray:
    """Integrate over the named dimensions.

    Examples
    --------
    >>> float(integral(xr.DataArray([0.0, 2.0], {"x": [0.0, 1.0]}), ("x",)))
    1.0
    """
    return reduce(lambda array, name: xr.dot(array, weights(array[name]), dim=name), names, density)


def clipped(nodes: xr.DataArray, choice: slice) -> tuple[float, float]:
    """Return the bounds of an interval, clipped to the grid.

    Examples
    --------
    >>> clipped(xr.DataArray([0.0, 1.0], dims="x"), slice(None, 0.4))
    (0.0, 0.4)
    """
    first, last = float(nodes[0]), float(nodes[-1])
    low = first if choice.start is None else choice.start
    high = last if choice.stop is None else choice.stop
    return max(low, first), min(high, last)


def truncated(density: xr.DataArray, name: str, low: float, high: float) -> xr.DataArray:
    """Restrict the interpolant to an interval, whose ends become nodes.

    Examples
    --------
    >>> truncated(xr.DataArray([0.0, 2.0], {"x": [0.0, 1.0]}), "x", 0.0, 0.5).values
    array([0., 1.])
    """
    nodes = density[name].values
    inside = nodes[(nodes > low) & (nodes < high)]
    return density.interp({name: np.concatenate([[low], inside, [high]])})


def cut(density: xr.DataArray, name: str, choice: Any) -> xr.DataArray:
    """Evaluate the interpolant at a value, or restrict it to an interval.

    Examples
    --------
    >>> float(cut(xr.DataArray([0.0, 2.0], {"x": [0.0, 1.0]}), "x", 0.25))
    0.5
    """
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
