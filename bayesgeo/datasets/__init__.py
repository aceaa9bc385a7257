"""Data sets: labelled arrays with units, groups, coordinates and origin.

Load a data set by name, read your own table, or build a :class:`Dataset` from arrays.

- ``titles``, ``load``, ``prepare``: data sets by name, and the derived columns of new rows for them.
- ``read_table``: a CSV, Parquet or netCDF file as a data set.
- ``Dataset``, ``Origin``, ``Column``: the arrays, their origin, and how a column becomes features.
- ``assemble``, ``encode``: a data set, or only its features, from a pandas table.
- ``Split``, ``Finding``: what :func:`bayesgeo.split` and :func:`bayesgeo.audit` return.
- ``draw_seismic_events``: events drawn from a known process.

Names are imported on first use.
"""

import importlib
from typing import Any

_HOMES = {
    "Column": "columns",
    "Dataset": "base",
    "Finding": "audit",
    "Origin": "origin",
    "Split": "split",
    "assemble": "assembly",
    "draw_seismic_events": "simulation.events",
    "encode": "columns",
    "load": "registry",
    "prepare": "registry",
    "read_table": "tables.read",
    "titles": "registry",
}

__all__ = [
    "Column",
    "Dataset",
    "Finding",
    "Origin",
    "Split",
    "assemble",
    "draw_seismic_events",
    "encode",
    "load",
    "prepare",
    "read_table",
    "titles",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    value = getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
