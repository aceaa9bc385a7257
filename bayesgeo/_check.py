"""Checks of arguments, and the one grammar of error messages: the value, the problem, the fix."""

import difflib
import math
import numbers
from collections.abc import Iterable, Sequence
from typing import Any

MAX_SHOWN = 5


class InvalidInput(ValueError):
    """An argument, a table or a file cannot be used; the message names the value, the problem and the fix."""


def invalid(name: str, value: Any, problem: str, remedy: str = "") -> InvalidInput:
    """Return the error ``Invalid <name> <value>. <problem> <remedy>``.

    Examples
    --------
    >>> raise invalid("draws", 0, "At least one is needed.", "Give draws=1000.")
    Traceback (most recent call last):
    ...
    bayesgeo._check.InvalidInput: Invalid draws 0. At least one is needed. Give draws=1000.
    """
    shown = value if isinstance(value, str) and not value else repr(value)
    if len(shown) > 200:
        shown = shown[:200] + "..."
    text = f"Invalid {name} {shown}." if shown else f"Invalid {name}."
    return InvalidInput(" ".join(part for part in (text, problem, remedy) if part))


def shown(items: Iterable[Any], most: int = MAX_SHOWN) -> str:
    """List the first few items and how many more there are.

    Examples
    --------
    >>> shown(range(8))
    '0, 1, 2, 3, 4 and 3 more'
    """
    items = list(items)
    text = ", ".join(str(item) for item in items[:most])
    return text if len(items) <= most else f"{text} and {len(items) - most} more"


def did_you_mean(value: str, known: Iterable[str]) -> str:
    """Suggest the nearest known name, or list them all.

    Examples
    --------
    >>> did_you_mean("facie", ["facies", "well"])
    "Did you mean 'facies'?"
    """
    known = [str(name) for name in known]
    close = difflib.get_close_matches(str(value), known, n=1)
    return f"Did you mean {close[0]!r}?" if close else f"Known: {shown(known, most=20)}."


def one_of(name: str, value: str, known: Sequence[str]) -> str:
    """Return ``value`` if it is among ``known``.

    Examples
    --------
    >>> one_of("prior", "lapalce", ["normal", "laplace"])
    Traceback (most recent call last):
    ...
    bayesgeo._check.InvalidInput: Invalid prior 'lapalce'. It is not known. Did you mean 'laplace'?
    """
    if value not in known:
        raise invalid(name, value, "It is not known.", did_you_mean(value, known))
    return value


def positive(name: str, value: float, *, integer: bool = False) -> float:
    """Return ``value`` if it is a finite number above zero.

    Examples
    --------
    >>> positive("draws", 10, integer=True)
    10
    """
    wanted = numbers.Integral if integer else numbers.Real
    usable = isinstance(value, wanted) and not isinstance(value, bool)
    if not usable or not math.isfinite(value) or value <= 0:
        kind = "a whole number" if integer else "a finite number"
        raise invalid(name, value, f"It must be {kind} above zero.")
    return value


def seed_number(name: str, value: int) -> int:
    """Return ``value`` if every library takes it for a seed: a whole number from 0 to 2**32 - 1.

    Examples
    --------
    >>> seed_number("seed", -1)
    Traceback (most recent call last):
    ...
    bayesgeo._check.InvalidInput: Invalid seed -1. It must be a whole number from 0 to 4294967295. Give seed=0.
    """
    if not isinstance(value, numbers.Integral) or isinstance(value, bool) or not 0 <= value < 2**32:
        raise invalid(name, value, f"It must be a whole number from 0 to {2**32 - 1}.", f"Give {name}=0.")
    return int(value)
