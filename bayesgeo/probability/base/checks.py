"""Checks that every kind of joint distribution shares."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import xarray as xr

from bayesgeo._check import did_you_mean, invalid


def known_variables(names: Iterable[str], known: Iterable[str]) -> tuple[str, ...]:
    """Return the names; raise if one is repeated or unknown.

    Examples
    --------
    >>> known_variables(["depth"], ["depth", "facies"])
    ('depth',)
    """
    names, known = tuple(names), tuple(known)
    members = set(known)
    for name in names:
        if name not in members:
            raise invalid("variable", name, "Unknown variable.", did_you_mean(name, known))
    if len(set(names)) < len(names):
        raise invalid("variables", names, "A name is repeated.", "Name each variable once.")
    return names


def leave_some(names: Iterable[str], known: Iterable[str]) -> tuple[str, ...]:
    """Return the known names that are not among ``names``; raise if none is left.

    Examples
    --------
    >>> leave_some(["depth"], ["depth", "facies"])
    ('facies',)
    """
    taken = set(names)
    left = tuple(name for name in known if name not in taken)
    if not left:
        raise invalid(
            "variables",
            tuple(names),
            "No variable would be left.",
            "Use probability(event) or the log density.",
        )
    return left


def checked_mass(name: str, array: xr.DataArray) -> xr.DataArray:
    """Return a read-only copy of an array whose cells are finite and not negative.

    Examples
    --------
    >>> checked_mass("probability", xr.DataArray([1, 0], dims="a")).dtype
    dtype('float64')
    """
    array = array.astype(float, copy=True)
    for problem, bad in (("is not finite", ~np.isfinite(array.values)), ("is negative", array.values < 0)):
        if bad.any():
            at = np.argwhere(bad)[0]
            where_ = {str(d): labels_at(array, d, i) for d, i in zip(array.dims, at, strict=True)}
            raise invalid(name, float(array.values[tuple(at)]), f"The cell {where_} {problem}.")
    array.values.flags.writeable = False
    return array


def labels_at(array: xr.DataArray, dim: Any, position: int) -> Any:
    """Return the outcome at a position along a dimension, or the position where it has none.

    Examples
    --------
    >>> labels_at(xr.DataArray([1.0, 2.0], {"facies": ["sand", "shale"]}), "facies", 1)
    'shale'
    """
    return array[dim].values[position].item() if dim in array.coords else int(position)


def checked_outcomes(name: str, array: xr.DataArray) -> None:
    """Raise if a dimension has no outcomes or repeats one.

    Examples
    --------
    >>> checked_outcomes("table", xr.DataArray([1.0], {"facies": ["sand"]}))
    """
    if not array.dims:
        raise invalid(name, array.shape, "It has no dimension.", "Give an array with one dimension for each variable.")
    for dim in array.dims:
        if dim not in array.coords:
            raise invalid(name, dim, "This dimension has no outcomes.", "Give it a coordinate.")
        if not array.get_index(dim).is_unique:
            repeated = array.get_index(dim)[array.get_index(dim).duplicated()].tolist()[0]
            raise invalid("outcome", repeated, f"It is repeated along {dim!r}.", "Merge its cells first.")


def same_outcomes(name: str, likelihood: xr.DataArray, prior: xr.DataArray) -> None:
    """Raise if a likelihood shares no variable with the prior or has other outcomes.

    Examples
    --------
    >>> prior = xr.DataArray([0.5, 0.5], {"facies": ["sand", "shale"]})
    >>> same_outcomes("likelihood", prior, prior)
    """
    common = [dim for dim in likelihood.dims if dim in prior.dims]
    if not common:
        raise invalid(
            name,
            likelihood.dims,
            "It shares no variable with the prior.",
            f"Give it a dimension among {list(prior.dims)}.",
        )
    for dim in common:
        if dim not in likelihood.coords or not np.array_equal(likelihood[dim], prior[dim]):
            raise invalid(
                name,
                dim,
                "Its outcomes differ from those of the prior.",
                f"Give {prior[dim].values.tolist()[:5]} in this order.",
            )


def trusted(kind: type, **fields: Any) -> Any:
    """Build a frozen dataclass from fields known to be valid, without checking them again.

    Examples
    --------
    >>> from bayesgeo.probability import LinearGaussian
    >>> trusted(LinearGaussian, weights={}, noise={}, offset={}).noise
    {}
    """
    made: Any = object.__new__(kind)
    for name, value in fields.items():
        object.__setattr__(made, name, value)
    return made
