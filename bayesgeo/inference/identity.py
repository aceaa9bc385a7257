"""Identify callables that build the same graph, by their function and settings."""

from collections.abc import Callable, Hashable
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import partial
from types import FunctionType
from typing import Any

import numpy as np

VALUES = (type(None), bool, int, float, complex, str, bytes, np.generic, Enum, type)


class Same:
    """Wrap a callable so that it equals only itself.

    Examples
    --------
    >>> build = lambda: None
    >>> Same(build) == Same(build), Same(build) == Same(lambda: None)
    (True, False)
    """

    def __init__(self, build: Callable):
        self.build = build

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Same) and other.build is self.build

    def __hash__(self) -> int:
        return id(self.build)


def identity(build: Callable) -> Hashable:
    """Return a key that two callables share only if they return equal results.

    A ``functools.partial`` is identified by its function and settings, if all of them are immutable:
    numbers, strings, functions, and tuples and frozen dataclasses of such. Any other callable is identified by itself
    alone, since it may hold settings (a closure, an array, the attributes of an object) that cannot be compared.

    Examples
    --------
    >>> one, again, two = (identity(partial(np.full, (2,), fill_value=value)) for value in (1, 1, 2))
    >>> one == again, one == two
    (True, False)
    """
    try:
        return _settings(build) if isinstance(build, partial) else Same(build)
    except TypeError:
        return Same(build)


def _settings(build: partial) -> Hashable:
    named = tuple((name, _value(build.keywords[name])) for name in sorted(build.keywords))
    return _value(build.func), tuple(map(_value, build.args)), named


def _value(value: Any) -> Hashable:
    """Return a hashable key of an immutable value; it includes the type, since 1 and True are equal."""
    if isinstance(value, VALUES):
        return type(value), value
    if isinstance(value, tuple | frozenset):
        kind = tuple if isinstance(value, tuple) else frozenset
        return type(value), kind(map(_value, value))
    if is_dataclass(value) and getattr(value, "__dataclass_params__").frozen:  # noqa: B009
        return type(value), tuple(_value(getattr(value, part.name)) for part in fields(value))
    if isinstance(value, FunctionType) and value.__closure__ is None:
        return value
    message = f"{value!r} may change."
    raise TypeError(message)
