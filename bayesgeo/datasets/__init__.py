"""Data sets: labelled arrays, what they mean and where they come from."""

import importlib
from typing import Any

_HOMES = {
    "Column": "columns",
    "Dataset": "base",
    "encode": "columns",
    "load": "registry",
    "prepare": "registry",
    "read_table": "tables.read",
    "titles": "registry",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)


__all__ = ["Column", "Dataset", "encode", "load", "prepare", "read_table", "titles"]
