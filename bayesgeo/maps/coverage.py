"""How often intervals hold the truth inside and outside an area."""

from typing import Any

import numpy as np
import xarray as xr
from scipy.special import ndtri

from bayesgeo._check import invalid


def coverage_inside_outside(inside: Any, covered: Any, *, level: float = 0.95) -> xr.Dataset:
    """Return how often intervals held the truth, for the rows inside an area and for those outside.

    Parameters
    ----------
    inside, covered : array-like of bool
        Of one shape: whether each row is inside, and whether its interval held its truth.
    level : float
        Of the interval ``low`` to ``high`` of each share (Wilson 1927, JASA 22:209).

    Returns
    -------
    xarray.Dataset
        ``rows``, ``held``, ``coverage``, ``low`` and ``high`` along ``where``; NaN without rows.

    Raises
    ------
    InvalidInput
        If the shapes differ, a value is neither true nor false, or the level is not between 0 and 1.

    Examples
    --------
    >>> found = coverage_inside_outside([True] * 10 + [False] * 5, [True] * 9 + [False] * 6)
    >>> found["coverage"].values, found["low"].values.round(3)
    (array([0.9, 0. ]), array([0.596, 0.   ]))
    """
    if not 0 < level < 1:
        raise invalid("level", level, "It must be between 0 and 1.", "Give level=0.95.")
    inside, covered = _flags("inside", inside), _flags("covered", covered)
    if inside.shape != covered.shape:
        problem = f"Its shape is {covered.shape}, that of inside is {inside.shape}."
        raise invalid("covered", "", problem, "Give one value for each row.")
    where = np.stack([inside, ~inside])
    rows, held = np.array([part.sum() for part in where]), np.array([(part & covered).sum() for part in where])
    with np.errstate(invalid="ignore"):
        found = {"rows": rows, "held": held, "coverage": held / rows} | _wilson(held, rows, level)
    return xr.Dataset({name: ("where", part) for name, part in found.items()}, {"where": ["inside", "outside"]})


def _wilson(held: np.ndarray, rows: np.ndarray, level: float) -> dict[str, np.ndarray]:
    z = ndtri((1 + level) / 2)
    share = held / rows
    centre = (held + z**2 / 2) / (rows + z**2)
    half = z * np.sqrt(rows * share * (1 - share) + z**2 / 4) / (rows + z**2)
    return {"low": np.maximum(centre - half, 0), "high": np.minimum(centre + half, 1)}


def _flags(name: str, values: Any) -> np.ndarray:
    values = np.asarray(values)
    if values.dtype != bool and not np.isin(values, (0, 1)).all():
        raise invalid(name, "", "Each value must be true or false.", "Leave out rows without one.")
    return values.astype(bool)


__all__ = ["coverage_inside_outside"]
