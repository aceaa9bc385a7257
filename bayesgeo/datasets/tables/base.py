"""A table as a file gives it: rows, units, notes."""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from bayesgeo._check import invalid, shown

MAX_COLUMNS = 5_000


@dataclass(frozen=True, eq=False)
class Table:
    """Rows of a file, units of its columns and notes on the reading.

    Parameters
    ----------
    frame : pandas.DataFrame
        Rows numbered from 1, the first below the header and the units.
    units : dict of str to str
        Unit of each column that has one.
    notes : tuple of str
        One sentence each.
    left : dict of str to str
        Columns that were left out, and what they hold.
    """

    frame: pd.DataFrame
    units: dict[str, str]
    notes: tuple[str, ...] = ()
    left: dict[str, str] = field(default_factory=dict)


def refuse_names(path: Path, names: list[str]) -> None:
    """Refuse columns that are too many, have no name, or share one."""
    if len(names) > MAX_COLUMNS:
        problem = f"It has {len(names):,} columns; {MAX_COLUMNS:,} at most are supported."
        raise invalid("file", path.name, problem, "Choose columns, or write it with one row a case.")
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        problem = f"Column names occur more than once: {shown(map(repr, twice))}."
        raise invalid("header", path.name, problem, "Give each column a name of its own.")
    if "" in names[1:]:
        problem = f"Column {names.index('', 1) + 1} has no name."
        raise invalid("header", path.name, problem, "Name it or delete it.")


def unreadable(path: Path, kind: str) -> Exception:
    """Return the refusal of a file that is not what its ending says."""
    problem = f"It cannot be read as {kind}: it is truncated, or something else."
    return invalid("file", path.name, problem, "Export or copy it again.")


__all__ = ["Table", "refuse_names", "unreadable"]
