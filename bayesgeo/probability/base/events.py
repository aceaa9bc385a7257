"""Events and functions of named variables.

A function of the variables is the name of one, or a callable of a mapping from names to labelled
arrays: ``lambda v: v["depth"] ** 2``. An event is a callable that gives true or false, an
:class:`Event`, or a selection of outcomes: a value, a list of values, or ``slice(low, high)``, which includes both
ends.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
import xarray as xr

from bayesgeo._check import invalid
from bayesgeo.probability.base.checks import known_variables

Values = Mapping[str, xr.DataArray]
Function = str | Callable[[Values], Any]


@dataclass(frozen=True)
class Event:
    """A set of outcomes, as a predicate that combines with ``&``, ``|`` and ``~``.

    Parameters
    ----------
    predicate : callable
        Takes the values by name and returns true or false for each outcome.
    text : str
        The event as text.

    Examples
    --------
    >>> strong, shallow = where(magnitude=slice(5, 10)), where(depth=slice(0, 10))
    >>> (strong & ~shallow).text
    '(magnitude in [5, 10] and not depth in [0, 10])'
    """

    predicate: Callable[[Values], Any]
    text: str = "event"

    def __call__(self, values: Values) -> xr.DataArray:
        """Return True for each outcome in the event."""
        return true_or_false(self.predicate(values))

    def __and__(self, other: "Event") -> "Event":
        return Event(lambda v: self(v) & other(v), f"({self.text} and {other.text})")

    def __or__(self, other: "Event") -> "Event":
        return Event(lambda v: self(v) | other(v), f"({self.text} or {other.text})")

    def __invert__(self) -> "Event":
        return Event(lambda v: ~self(v), f"not {self.text}")


def where(**selection: Any) -> Event:
    """Return the event that every variable is within its selection.

    Parameters
    ----------
    **selection
        For each variable a value, a list of values, or ``slice(low, high)``, both ends included.

    Examples
    --------
    >>> where(facies=["sand", "silt"]).text
    "facies in ['sand', 'silt']"
    """

    def predicate(values: Values) -> xr.DataArray:
        known_variables(selection, values)
        return reduce(lambda a, b: a & b, (selected(values[k], c) for k, c in selection.items()))

    if not selection:
        raise invalid("event", {}, "It selects no variable.", "Give one, as in where(depth=slice(0, 10)).")
    return Event(predicate, " and ".join(_read(name, choice) for name, choice in selection.items()))


def _read(name: str, choice: Any) -> str:
    if isinstance(choice, slice):
        return f"{name} in [{choice.start}, {choice.stop}]"
    return f"{name} in {choice}" if is_set(choice) else f"{name} = {choice}"


def is_set(choice: Any) -> bool:
    """Return whether a choice selects several outcomes.

    Examples
    --------
    >>> is_set([1, 2]), is_set(slice(0, 1)), is_set(3)
    (True, True, False)
    """
    return isinstance(choice, (slice, list, tuple, set, frozenset, np.ndarray))


def selected(values: xr.DataArray, choice: Any) -> xr.DataArray:
    """Return True for each value in a choice: one value, several, or an interval.

    Examples
    --------
    >>> selected(xr.DataArray([1.0, 2.0, 3.0]), slice(2, None)).values
    array([False,  True,  True])
    """
    if isinstance(choice, slice):
        above = True if choice.start is None else values >= choice.start
        below = True if choice.stop is None else values <= choice.stop
        return xr.ones_like(values, dtype=bool) & above & below
    return values.isin(list(choice)) if is_set(choice) else values == choice


def true_or_false(marks: Any) -> xr.DataArray:
    """Return labelled booleans; raise if a predicate returned anything else.

    Examples
    --------
    >>> bool(true_or_false(True))
    True
    """
    marks = xr.DataArray(marks)
    if marks.dtype != bool:
        raise invalid(
            "event",
            str(marks.dtype),
            "An event must be true or false for each outcome.",
            "Compare the values, as in lambda v: v['depth'] > 10.",
        )
    return marks


def as_event(event: Any) -> Event:
    """Return an :class:`Event` from a predicate, an event or a mapping of selections.

    Examples
    --------
    >>> as_event({"depth": slice(0, 10)}).text
    'depth in [0, 10]'
    """
    if isinstance(event, Event):
        return event
    if isinstance(event, Mapping):
        return where(**event)
    if callable(event):
        return Event(event)
    raise invalid(
        "event",
        event,
        "It is neither a predicate nor a selection.",
        "Give a callable or a mapping such as {'depth': slice(0, 10)}.",
    )


def evaluate(f: Function, values: Values) -> xr.DataArray:
    """Return the values of a function of the variables, or of the variable of that name.

    Examples
    --------
    >>> float(evaluate(lambda v: v["depth"] ** 2, {"depth": xr.DataArray(3.0)}))
    9.0
    """
    if isinstance(f, str):
        known_variables([f], values)
        if values[f].dtype.kind not in "biuf":
            raise invalid("variable", f, "Its outcomes are not numbers.", "Give a function of them.")
        return values[f].astype(float)
    return xr.DataArray(f(values)).astype(float)
