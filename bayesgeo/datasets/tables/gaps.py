"""Rows where a needed value is missing: refused, or left out."""

from collections.abc import Mapping, Sequence

import pandas as pd

from bayesgeo._check import invalid, shown
from bayesgeo.datasets.tables.codes import as_far_as_numbers, count


def complete(
    frame: pd.DataFrame,
    needed: Sequence[str],
    missing: str,
    *,
    held: pd.DataFrame,
    codes: Mapping[str, Sequence[float]],
    notes: list[str],
) -> pd.DataFrame:
    """Return the rows that have all needed values.

    Parameters
    ----------
    frame : pandas.DataFrame
        The table, its codes for missing values emptied.
    needed : sequence of str
        Columns that must have values.
    missing : {"refuse", "drop"}
        Refuse a table with gaps, or leave out their rows.
    held : pandas.DataFrame
        The table with its codes.
    codes : mapping of str to sequence of float
        The codes by column.
    notes : list of str
        Receives a line on the rows left out.

    Raises
    ------
    InvalidInput
        If a needed value is missing and ``missing`` says so, or fewer than two rows are complete.

    Examples
    --------
    >>> table = pd.DataFrame({"GR": [71.5, None, 43.0]})
    >>> len(complete(table, ["GR"], "drop", held=table, codes={}, notes=[]))
    2
    """
    for name in needed:
        if frame[name].isna().all():
            raise invalid("column", name, "All its values are missing.", "Leave it out with drop.")
    gaps = frame[list(needed)].isna().any(axis=1)
    if not gaps.any():
        return frame
    if missing == "refuse":
        _refuse_gaps(frame, needed, held, codes)
    notes.append(f"{int(gaps.sum())} of {len(frame)} rows lack a value and were left out.")
    if gaps.sum() > len(frame) - 2:
        worst = frame[list(needed)].isna().sum().idxmax()
        problem = f"Only {int((~gaps).sum())} rows are complete."
        raise invalid("table", f"{len(frame)} rows", problem, f"Leave out column {worst!r} with drop.")
    return frame[~gaps]


def _refuse_gaps(
    frame: pd.DataFrame, needed: Sequence[str], held: pd.DataFrame, codes: Mapping[str, Sequence[float]]
) -> None:
    name = next(name for name in needed if frame[name].isna().any())
    rows = frame.index[frame[name].isna()]
    coded = held[name][rows].dropna()
    if len(coded):
        found = count(as_far_as_numbers(coded))
        problem = f"{found} are far from all others, row {shown(coded.index)}: codes for missing ones."
        if len(coded) < len(rows):
            problem += f" {len(rows) - len(coded)} more are missing."
        remedy = (
            "Empty those cells, give missing='drop' to leave the rows out, or codes=() (--codes none) to keep them."
        )
        raise invalid("column", name, problem, remedy)
    problem = f"{len(rows)} of {len(frame)} values are missing: row {shown(rows)}."
    remedy = "Fill them, give missing='drop' to leave the rows out, or leave the column out with drop."
    raise invalid("column", name, problem, remedy)


__all__ = ["complete"]
