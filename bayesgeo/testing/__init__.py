"""Contracts as tests: what authors of models and inferences run on their own classes."""

import importlib
from typing import Any

_HOMES = {"check_inference": "inference", "check_model": "model"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)


__all__ = ["check_inference", "check_model"]
