"""Bring the columns of typed files to numbers, text and dates; leave out what is none of them."""

from dataclasses import replace
from decimal import Decimal

import numpy as np
import pandas as pd

from bayesgeo._check import shown
from bayesgeo.datasets.tables.base import Table

OTHERS = {"c": "complex numbers", "m": "time spans"}


def plain(table: Table) -> Table:
    """Turn each column of a typed file into numbers, text or dates.

    Returns
    -------
    Table
        Decimal numbers became floats, bytes and categories text; columns of other kinds are left out, with a note.

    Examples
    --------
    >>> table = plain(Table(pd.DataFrame({"GR": [71.5], "Z": [1 + 2j], "picks": [[3, 4]]}), {}))
    >>> list(table.frame), table.notes
    (['GR'], ("Columns were left out: 'Z' (complex numbers), 'picks' (list).",))
    """
    columns = {str(name): _plain(values) for name, values in table.frame.items()}
    kept = {name: values for name, values in columns.items() if not isinstance(values, str)}
    left = {name: kind for name, kind in columns.items() if isinstance(kind, str)}
    listed = shown(f"{name!r} ({kind})" for name, kind in left.items())
    note = [f"Columns were left out: {listed}."] if left else []
    frame = pd.DataFrame(kept, index=table.frame.index)
    return replace(table, frame=frame, notes=(*table.notes, *note), left=left)


def _plain(values: pd.Series) -> pd.Series | str:
    """Return the column, or what it holds that can be no column."""
    if isinstance(values.dtype, pd.CategoricalDtype):
        values = values.astype(values.cat.categories.dtype)
    if values.dtype.kind in OTHERS:
        return OTHERS[values.dtype.kind]
    if values.dtype.kind != "O" or isinstance(values.dtype, pd.StringDtype):
        return values
    return _of_objects(values)


def _of_objects(values: pd.Series) -> pd.Series | str:
    held = {type(entry) for entry in values[values.notna().to_numpy()]}
    if held <= {int, float, bool, str} or not held:
        return values
    if held <= {Decimal, int, float} or all(issubclass(kind, np.number | int | float) for kind in held):
        return values.astype(float)
    if held <= {bytes, str}:
        return values.map(lambda entry: entry.decode("utf-8", "replace") if isinstance(entry, bytes) else entry)
    if all(kind.__name__ in ("date", "datetime", "Timestamp") for kind in held):
        return pd.to_datetime(values, errors="coerce")
    return " and ".join(sorted(kind.__name__ for kind in held))


__all__ = ["plain"]
