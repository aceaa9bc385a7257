"""Parameters and small fitted values of a model as JSON, and back; a file names classes but never code to run."""

import dataclasses
import importlib
import math
from typing import Any

import numpy as np

from bayesgeo._check import did_you_mean, invalid, one_of
from bayesgeo._registry import homes, loaded, plugins

VALUES = ("inference", "models")  # registries whose dataclasses a model has as parameters
NUMBERS = "biuf"  # kinds of arrays
SAVE_AGAIN = "Save it again with this version."


def reference(kind: type) -> str:
    """Return how a class is named on disk: by its name if it is in bayesgeo, else by module and name.

    Examples
    --------
    >>> from bayesgeo.inference.exact import Exact
    >>> reference(Exact), reference(np.ndarray)
    ('Exact', 'numpy:ndarray')
    """
    ours = kind.__module__.split(".")[0] == __name__.split(".")[0]
    return kind.__name__ if ours else f"{kind.__module__}:{kind.__qualname__}"


def resolve(what: str, name: str, kind: str) -> Any:
    """Return the class of a :func:`reference`: one of bayesgeo, or one that an installed package registers.

    Nothing is imported because a file names it: a foreign class must be an entry point of ``bayesgeo.<kind>``.

    Raises
    ------
    InvalidInput
        If it is neither.

    Examples
    --------
    >>> resolve("inference", "Exact", "inference")
    <class 'bayesgeo.inference.exact.Exact'>
    """
    known = homes(f"bayesgeo.{kind}")
    if name in known:
        return getattr(importlib.import_module(known[name]), name)
    foreign = {entry.value: entry for entry in plugins(kind).values()}
    if name in foreign:
        return loaded(foreign[name])
    remedy = f"Install the package that registers it in bayesgeo.{kind}." if ":" in name else ""
    raise invalid(what, name, f"Unknown {what}.", remedy or did_you_mean(name, known))


def encoded(value: Any) -> Any:
    """Return a value as JSON; what cannot be written and prediction does not need becomes its name.

    Examples
    --------
    >>> encoded(np.array([1.0, np.inf])), encoded((1, math.nan))
    ({'array': ['1.0', 'inf'], 'dtype': '<f8'}, {'tuple': [1, {'float': 'nan'}]})
    """
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return {"float": str(value)}
    if value is None or isinstance(value, str | int | float | bool):
        return value
    if isinstance(value, np.ndarray):
        return _encoded_array(value)
    if isinstance(value, list | tuple):
        parts = [encoded(part) for part in value]
        return {"tuple": parts} if isinstance(value, tuple) else parts
    return _encoded_object(value)


def decoded(value: Any) -> Any:
    """Return what :func:`encoded` wrote.

    Raises
    ------
    InvalidInput
        If it names a class that is no value of a model, or an array of another type.
    TypeError, ValueError, KeyError, OverflowError
        If its parts do not fit together.

    Examples
    --------
    >>> decoded({"tuple": [1, {"array": [2.0], "dtype": "<f8"}]})
    (1, array([2.]))
    """
    if isinstance(value, list):
        return [decoded(part) for part in value]
    if not isinstance(value, dict):
        return value
    if "array" in value:
        return _decoded_array(value)
    if "tuple" in value:
        return tuple(map(decoded, value["tuple"]))
    if "float" in value:
        return float(value["float"])
    return _decoded_object(value) if "value" in value else None


def _encoded_array(values: np.ndarray) -> dict[str, Any]:
    # JSON has no number for what is not finite; as text it comes back bit for bit too.
    finite = values.dtype.kind != "f" or np.isfinite(values).all()
    name = "str" if values.dtype.kind in "OUT" else values.dtype.str
    return {"array": (values if finite else values.astype(str)).tolist(), "dtype": name}


def _decoded_array(value: dict[str, Any]) -> np.ndarray:
    kind = None if value["dtype"] == "str" else np.dtype(value["dtype"])
    if kind is not None and kind.kind not in NUMBERS:  # a width of text in a file can ask for any memory
        raise invalid("array", value["dtype"], "A model keeps numbers or text.", SAVE_AGAIN)
    found = np.array(value["array"], dtype=kind)
    if found.dtype.kind not in NUMBERS + "U":
        raise invalid("array", str(found.dtype), "A model keeps numbers or text.", SAVE_AGAIN)
    return found


def _encoded_object(value: Any) -> dict[str, Any]:
    for kind in VALUES:
        if dataclasses.is_dataclass(value) and not isinstance(value, type) and _resolves(type(value), kind):
            settings = {field.name: encoded(getattr(value, field.name)) for field in dataclasses.fields(value)}
            return {"value": reference(type(value)), "of": kind, "settings": settings}
    # A live random state or an inference that no package registers cannot be written; prediction needs neither.
    return {"not saved": type(value).__name__}


def _decoded_object(value: dict[str, Any]) -> Any:
    kind = resolve("value", value["value"], one_of("kind of value", value["of"], VALUES))
    if not (isinstance(kind, type) and dataclasses.is_dataclass(kind)):
        raise invalid("value", value["value"], "It is not a value that a model keeps.", SAVE_AGAIN)
    return kind(**{name: decoded(part) for name, part in value["settings"].items()})


def _resolves(kind: type, registry: str) -> bool:
    name = reference(kind)
    return name in homes(f"bayesgeo.{registry}") or name in {entry.value for entry in plugins(registry).values()}
