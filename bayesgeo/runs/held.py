"""Values that are the same in all cells of a map, of columns that its grid lacks."""

import shlex
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from bayesgeo._check import did_you_mean, invalid
from bayesgeo.datasets.columns import LARGEST, Column
from bayesgeo.maps.grid import Grid
from bayesgeo.runs.opened import OpenedRun


def with_held(run: OpenedRun, grid: Grid, values: Mapping[str, Any]) -> Grid:
    """Return a grid with more variables, of one value each, in the unit of the training table.

    Parameters
    ----------
    run : OpenedRun
        The run, whose columns and keys of groups have names.
    grid : Grid
        The grid.
    values : mapping of str to str or float
        A number, or a category, by name.

    Raises
    ------
    InvalidInput
        If the run has no such column, the grid has it already, or the value is none of its.
    """
    columns = {column.name: column for column in run.columns}
    known = {**run.wanted, **dict.fromkeys(run.manifest["groups"], "")}
    added = {}
    for name, value in values.items():
        if name not in known:
            raise invalid("hold", name, "The run has no such column.", did_you_mean(name, known))
        if grid.has(name):
            raise invalid("hold", name, "The grid has a value of it for each cell.", "Leave it out.")
        text = name not in columns or bool(columns[name].levels)
        kept = _text(name, value, columns.get(name)) if text else _number(name, value)
        added[name] = ((), np.array(kept, dtype=object if isinstance(kept, str) else float), {"units": known[name]})
    return replace(grid, data=grid.data.assign(added))


def held_text(run: OpenedRun, values: Mapping[str, Any]) -> str:
    """Return the values as a reader wants them, with units; empty where none is held."""
    return ", ".join(f"{name} = {value} {run.wanted.get(name, '')}".strip() for name, value in values.items())


def example(run: OpenedRun, names: Iterable[str]) -> str:
    """Return ``--hold`` with a usual value for each column: the median, or the most frequent category."""
    found = dict(zip(run.manifest["features"], run.reference.rows.T, strict=True))
    columns = [column for column in run.columns if column.name in {*names}]
    return f"--hold {shlex.quote(','.join(f'{column.name}={_usual(column, found)}' for column in columns))}"


def _usual(column: Column, found: Mapping[str, np.ndarray]) -> str:
    if not column.levels:
        return f"{np.median(found[column.name]):.4g}"
    shares = [found[name].mean() for name in column.features]
    return column.levels[int(np.argmax([1 - sum(shares), *shares]))]


def _number(name: str, value: Any) -> float:
    try:
        number = float(value)
    except ValueError:
        number = np.nan
    if not abs(number) <= LARGEST:
        raise invalid("hold", f"{name}={value}", "It must be a number.", "Give it in the unit of the training table.")
    return number


def _text(name: str, value: Any, column: Column | None) -> str:
    if column is not None and str(value) not in column.levels:
        problem = "It is not among the categories of the training rows."
        raise invalid("hold", f"{name}={value}", problem, did_you_mean(str(value), column.levels))
    return str(value)


__all__ = ["example", "held_text", "with_held"]
