"""Units in the head of a table: a row of them below the names, or in brackets behind each name."""

import re
from collections import Counter
from dataclasses import replace

import pandas as pd

from bayesgeo.datasets.tables.base import Table
from bayesgeo.datasets.units import is_unit

BRACKETED = re.compile(r"^(?P<name>.+?)\s*(?:\[(?P<square>[^\]]*)\]|\((?P<round>[^)]*)\))\s*$")
LOOKED_AT = 1000


def units_row(frame: pd.DataFrame) -> dict[str, str]:
    """Return the units that the first row of a table of text holds; empty where that row is one of data.

    A row of units has text, at least half of it known units, above columns of numbers.
    """
    if len(frame) < 2:
        return {}
    first, body = frame.iloc[0], frame.iloc[1:LOOKED_AT]
    stated = first[first.notna() & pd.to_numeric(first, errors="coerce").isna()]
    above = [str(text) for name, text in stated.items() if body[name].notna().any() and _all_numbers(body[name])]
    if not above or sum(map(is_unit, above)) < len(above) / 2 or _has_number(first, body):
        return {}
    return {str(name): str(unit).strip() for name, unit in first.items() if pd.notna(unit)}


def _has_number(first: pd.Series, body: pd.DataFrame) -> bool:
    numeric = first.index[pd.to_numeric(first, errors="coerce").notna()]
    return any(_all_numbers(body[name]) for name in numeric)


def _all_numbers(values: pd.Series) -> bool:
    return bool(pd.to_numeric(values, errors="coerce").notna().equals(values.notna()))


def without_brackets(table: Table) -> Table:
    """Take ``GR [API]`` and ``depth (m)`` apart into names and units; round brackets only around a unit.

    Columns that would then share a name keep theirs whole.

    Examples
    --------
    >>> table = without_brackets(Table(pd.DataFrame(columns=["GR [API]", "depth (m)", "PGA (max)"]), {}))
    >>> list(table.frame), table.units
    (['GR', 'depth', 'PGA (max)'], {'GR': 'API', 'depth': 'm'})
    """
    found = {str(name): parts for name in table.frame if (parts := _apart(str(name)))}
    shared = Counter([*(name for name in table.frame if name not in found), *(name for name, _ in found.values())])
    plain = {name: bare for name, (bare, _) in found.items() if shared[bare] == 1}
    units = {plain.get(name, name): unit for name, unit in table.units.items()}
    units |= {plain.get(name, name): unit for name, (_, unit) in found.items()}
    return replace(table, frame=table.frame.rename(columns=plain), units=units)


def _apart(name: str) -> tuple[str, str] | None:
    match = BRACKETED.match(name)
    if match is None or not (match["square"] is not None or is_unit(match["round"])):
        return None
    return match["name"], match["square"] if match["square"] is not None else match["round"]


__all__ = ["units_row", "without_brackets"]
