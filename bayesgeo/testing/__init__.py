"""Checks that authors of models and inferences run on their own classes."""

import importlib
from typing import Any

# Each name is imported when it is first used, so that the package itself opens at once.
_HOMES = {"check_inference": "inference"}

__all__ = [*sorted(_HOMES)]  # noqa: PLE0604


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        message = f"module 'bayesgeo.testing' has no attribute {name!r}"
        raise AttributeError(message)
    return getattr(importlib.import_module(f"bayesgeo.testing.{_HOMES[name]}"), name)
