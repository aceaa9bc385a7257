"""Choose the columns of a table that are learned from, and say how each becomes features."""

from collections.abc import Mapping, Sequence
from hashlib import sha256

import pandas as pd

from bayesgeo._check import invalid, shown
from bayesgeo.datasets.columns import Column, texts
from bayesgeo.datasets.counters import counts_rows
from bayesgeo.datasets.tables.codes import as_far_as_numbers
from bayesgeo.datasets.tables.coordinates import PLACES

MAX_LEVELS = 30
FEW_LEVELS = 12
MOSTLY = 0.5
GROUP_NAMES = frozenset(
    {"well", "well name", "borehole", "hole", "site", "station", "event", "quarry", "survey", "line"}
)
SPELLED = frozenset(["x", "y", *(name for names in PLACES.values() for name in names)])
# Numbers that were written for readers: 1,250 and 12 % and <0.5.
FIGURES = r"[+-]?\d+(?:[,' ]\d+)+(?:\.\d+)?|[+-]?[\d.,]+\s*%|[<>≤≥]\s*[\d.,]+"


def candidates(frame: pd.DataFrame, units: Mapping[str, str], notes: list[str]) -> list[str]:
    """Return the columns that may be features: neither dates nor identifiers nor counters of rows.

    Examples
    --------
    >>> notes = []
    >>> candidates(pd.DataFrame({"id": range(12), "GR": [71.5, 43.0, 80.2] * 4}), {}, notes), notes
    (['GR'], ["Columns that number or name the rows are no features: 'id' (numbers the rows). ..."])
    """
    left = {str(name): reason for name in frame if (reason := _no_feature(frame[name], units.get(str(name), "")))}
    rows = [f"{name!r} ({reason})" for name, reason in left.items() if reason != "dates"]
    if rows:
        what = f"Columns that number or name the rows are no features: {shown(rows)}."
        notes.append(f"{what} Name them in features to use them, or in group if their rows belong together.")
    dates = [repr(name) for name, reason in left.items() if reason == "dates"]
    if dates:
        notes.append(f"Columns of dates are no features: {shown(dates)}. Give one as time, for a temporal split.")
    return [str(name) for name in frame if name not in left]


def _no_feature(values: pd.Series, unit: str) -> str:
    if values.dtype.kind == "M":
        return "dates"
    if _is_text(values):
        return "is different in every row" if values.is_unique and not _figures(texts(values)).mean() > MOSTLY else ""
    return counts_rows(as_far_as_numbers(values).dropna(), unit)


def chosen(
    frame: pd.DataFrame,
    names: Sequence[str],
    *,
    explicit: bool,
    units: Mapping[str, str],
    codes: Mapping[str, tuple[float, ...]],
    notes: list[str],
) -> list[Column]:
    """Return how each column becomes features; without information it is left out, or refused if it was asked for.

    Raises
    ------
    InvalidInput
        If no column is left, a text column has too many categories, or it holds numbers written as text.

    Examples
    --------
    >>> table = pd.DataFrame({"GR": [71.5, 43.0], "k": [1.0, 1.0]})
    >>> [column.name for column in chosen(table, ["GR", "k"], explicit=False, units={}, codes={}, notes=[])]
    ['GR']
    """
    idle = _idle(frame[list(names)])
    for name, reason in idle.items():
        if explicit:
            raise invalid("feature", name, f"It {reason}.", "Leave it out: it holds no information.")
        notes.append(f"Column {name!r} was left out: it {reason}.")
    names = [name for name in names if name not in idle]
    if not names:
        raise invalid("features", "", "No column is left to learn from.", "Give the columns with features.")
    return [_column(frame[name], units.get(name, ""), codes.get(name, ())) for name in names]


def or_places(frame: pd.DataFrame, names: Sequence[str], places: Sequence[str], notes: list[str]) -> list[str]:
    """Return the columns to learn from: where none of them holds information, longitude and latitude or x and y.

    Examples
    --------
    >>> notes = []
    >>> or_places(pd.DataFrame({"x": [1.0, 2.0], "y": [3.0, 5.0], "k": 7}), ["k"], ["x", "y"], notes), notes
    (['k', 'x', 'y'], ['No other column is left to learn from: x and y are the features.'])
    """
    on_map = [name for name in places if name.lower() in SPELLED]
    if not on_map or len(_idle(frame[list(names)])) < len(names):
        return list(names)
    notes.append(f"No other column is left to learn from: {' and '.join(on_map)} are the features.")
    return [*names, *on_map]


def unnamed_groups(columns: Sequence[Column]) -> list[str]:
    """Note categories that became features although they are many or named like a group."""
    suspects = [c for c in columns if len(c.levels) > FEW_LEVELS or (c.levels and c.name.lower() in GROUP_NAMES)]
    return [
        f"Column {column.name!r} became {len(column.levels)} categories to learn from; if its rows belong together, "
        f"name it as the group instead."
        for column in suspects
    ]


def _idle(frame: pd.DataFrame) -> dict[str, str]:
    idle: dict[str, str] = {}
    seen: dict[bytes, str] = {}
    for name, values in frame.items():
        entries = values.to_numpy()
        if (entries == entries[0]).all():
            idle[str(name)] = f"is {entries[0]} in every row"
            continue
        hashed = entries if entries.dtype.kind in "iufb" else pd.util.hash_array(texts(values).to_numpy(object))
        twin = seen.setdefault(sha256(str(entries.dtype).encode() + hashed.tobytes()).digest(), str(name))
        if twin != name:
            idle[str(name)] = f"repeats column {twin!r}"
    return idle


def _column(values: pd.Series, unit: str, codes: tuple[float, ...]) -> Column:
    if not _is_text(values):
        return Column(str(values.name), unit, codes=codes)
    labels = texts(values)
    refuse_figures(labels)
    levels = sorted(labels.unique())
    if len(levels) > MAX_LEVELS:
        problem = f"It has {len(levels)} categories; {MAX_LEVELS} at most are supported."
        remedy = "Leave it out with drop, merge categories, or make it the group."
        raise invalid("column", values.name, problem, remedy)
    return Column(str(values.name), levels=tuple(levels), codes=codes)


def refuse_figures(labels: pd.Series) -> None:
    """Refuse text of which more than half reads as numbers: 1,250 or 12 % or <0.5.

    Examples
    --------
    >>> refuse_figures(pd.Series(["1,250", "2,310"], name="depth"))
    Traceback (most recent call last):
    ...
    bayesgeo._check.InvalidInput: Invalid column 'depth'. Its numbers are written as text: '1,250' at row 0. ...
    """
    figures = _figures(labels)
    if figures.mean() > MOSTLY:
        row = figures.index[figures][0]
        problem = f"Its numbers are written as text: {labels[row]!r} at row {row}."
        raise invalid("column", labels.name, problem, "Write plain numbers, with a point for decimals.")


def _figures(labels: pd.Series) -> pd.Series:
    return labels.dropna().astype(str).str.fullmatch(FIGURES).astype(bool)


def _is_text(values: pd.Series) -> bool:
    if pd.api.types.is_numeric_dtype(values):
        return False
    return bool(pd.to_numeric(values.dropna(), errors="coerce").notna().mean() < MOSTLY)


__all__ = ["candidates", "chosen", "or_places", "refuse_figures", "unnamed_groups"]
