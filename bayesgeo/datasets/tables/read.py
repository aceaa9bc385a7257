"""Read a user's table as a data set, or refuse it with the column, the row and the fix."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from bayesgeo._check import did_you_mean, invalid, one_of, shown
from bayesgeo.datasets.assembly import assemble
from bayesgeo.datasets.base import Dataset, Task
from bayesgeo.datasets.columns import Column, numbers
from bayesgeo.datasets.origin import Origin
from bayesgeo.datasets.tables.coordinates import coordinates_of
from bayesgeo.datasets.tables.formats import Table, read_file
from bayesgeo.datasets.tables.target import as_target

MAX_LEVELS = 30
FEW_LEVELS = 12
GROUP_NAMES = frozenset(
    {"well", "well name", "borehole", "hole", "site", "station", "event", "quarry", "survey", "line"}
)
MISSING_CODES = (-999.25, -999.0, -9999.0, -99999.0)


def read_table(
    path: str | Path,
    *,
    target: str,
    group: str | Sequence[str] | None = None,
    features: Sequence[str] | None = None,
    drop: Sequence[str] = (),
    positive: str | None = None,
    missing: Literal["refuse", "drop"] = "refuse",
    time: str | None = None,
    task: Task | None = None,
) -> Dataset:
    r"""Read your own table as a data set.

    Parameters
    ----------
    path : str or pathlib.Path
        CSV, Parquet or netCDF, as :func:`bayesgeo.datasets.tables.formats.read_file` takes it.
    target : str
        Column to predict. Text and few whole numbers are classes, other numbers a quantity.
    group : str or sequence of str, optional
        Columns of group labels: well, event, station, site. A split keeps together the groups of the first.
    features : sequence of str, optional
        Feature columns. By default all but the target, the groups, places on a map, times and
        identifiers; then columns without information (constant, or a copy of another) are left out.
    drop : sequence of str
        Columns to leave out.
    positive : str, optional
        The positive class of two; by default the last in alphabetical order.
    missing : {"refuse", "drop"}
        Refuse the table, or drop the rows, where a needed value is missing.
    time : str, optional
        Column of dates, for a temporal split; found by its name if it holds dates.
    task : {"classification", "regression"}, optional
        Task, if not the one inferred from the target.

    Returns
    -------
    Dataset
        Rows keep their number in the file (1 is the first below header and units) along ``obs``.
        ``attrs["notes"]`` holds one line for each decision taken.

    Raises
    ------
    InvalidInput
        If something in the table cannot be used; nothing has been fitted by then.

    Examples
    --------
    >>> import tempfile
    >>> rows = "GR [API],rock,well\n71.5,shale,A\n43,sand,A\n44,sand,B\n80,shale,B\n"
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "wells.csv"
    ...     _ = path.write_text(rows)
    ...     wells = read_table(path, target="rock", group="well")
    >>> wells.labels, wells.units
    (('sand', 'shale'), {'GR': 'API'})
    """
    one_of("missing", missing, ("refuse", "drop"))
    drop, features = _names(drop), None if features is None else _names(features)
    groups = () if group is None else _names(group)
    table = read_file(path)
    _refuse_unknown(table.frame, [("target", target), *(("group", name) for name in groups), ("time", time)])
    _refuse_unknown(table.frame, [("column", name) for name in (*(features or ()), *drop)])
    _refuse_roles(target, groups, features, drop)
    notes = list(table.notes)
    frame = _without_repeats(table.frame, notes)
    places = coordinates_of(frame.drop(columns=target), time=time, notes=notes, units=table.units)
    names = features or _candidates(frame, {target, *groups, *drop, *places.attrs["columns"]}, notes)
    needed = [target, *groups, *names]
    frame = _complete(frame, needed, missing, notes)
    columns = _columns(frame, names, table, explicit=features is not None, notes=notes)
    if not groups:
        notes += _unnamed_groups(columns)
    answer = as_target(frame[target], positive=positive, task=task, notes=notes)
    return assemble(
        Path(path).stem,
        frame,
        columns=columns,
        target=answer.values,
        labels=answer.labels,
        groups=pd.DataFrame({name: _grouped(frame[name], notes) for name in groups}) if groups else None,
        coordinates=places.loc[frame.index],
        origin=Origin(attrs=_source(Path(path), table.units.get(target, ""), notes)),
    )


def _names(names: str | Sequence[str]) -> tuple[str, ...]:
    return (names,) if isinstance(names, str) else tuple(names)


def _refuse_unknown(frame: pd.DataFrame, roles: Sequence[tuple[str, str | None]]) -> None:
    for role, name in roles:
        if name is not None and name not in frame.columns:
            remedy = did_you_mean(name, frame.columns)
            raise invalid(role, name, "The table has no such column.", remedy)


def _refuse_roles(target: str, groups: Sequence[str], features: Sequence[str] | None, drop: Sequence[str]) -> None:
    if target in groups:
        raise invalid("group", target, "It is the target.", "Give another column, or none.")
    if len(set(groups)) < len(groups):
        raise invalid("group", groups, "A column occurs more than once.", "Name each column once.")
    for role, name in (("target", target), *(("group", name) for name in groups)):
        for use, names in (("features", features or ()), ("drop", drop)):
            if name in names:
                raise invalid(role, name, f"It is also among {use}.", f"Take it out of {use}.")


def _without_repeats(frame: pd.DataFrame, notes: list[str]) -> pd.DataFrame:
    if len(frame) < 2:
        raise invalid("table", f"{len(frame)} rows", "It needs at least two.", "Give more rows.")
    repeated = frame.duplicated()
    measured = any(kind == "f" for kind in (dtype.kind for dtype in frame.dtypes))
    if not repeated.any() or not measured:
        return frame
    where = shown(frame.index[repeated])
    notes.append(
        f"{int(repeated.sum())} rows repeat an earlier one in every column and were left out: row {where}. "
        "If they are different cases, give each an identifier column."
    )
    return frame[~repeated]


def _candidates(frame: pd.DataFrame, taken: set[str], notes: list[str]) -> list[str]:
    names = [str(name) for name in frame if name not in taken]
    labels = [name for name in names if _is_text(frame[name]) and frame[name].is_unique]
    if labels:
        notes.append(f"Identifiers, different in every row, are no features: {shown(labels)}.")
    return [name for name in names if name not in labels]


def _complete(frame: pd.DataFrame, needed: list[str], missing: str, notes: list[str]) -> pd.DataFrame:
    for name in needed:
        if frame[name].isna().all():
            raise invalid("column", name, "All its values are missing.", "Leave it out with drop.")
    gaps = frame[needed].isna().any(axis=1)
    if missing == "refuse" or not gaps.any():
        _refuse_gaps(frame, needed)
        return frame
    notes.append(f"{int(gaps.sum())} of {len(frame)} rows lack a value and were left out.")
    if gaps.sum() > len(frame) - 2:
        worst = frame[needed].isna().sum().idxmax()
        problem = f"Only {int((~gaps).sum())} rows are complete."
        raise invalid("table", f"{len(frame)} rows", problem, f"Leave out column {worst!r} with drop.")
    return frame[~gaps]


def _refuse_gaps(frame: pd.DataFrame, needed: list[str]) -> None:
    for name in needed:
        rows = frame.index[frame[name].isna()]
        if len(rows):
            problem = f"{len(rows)} of {len(frame)} values are missing: row {shown(rows)}."
            remedy = "Fill them, give missing='drop' to leave the rows out, or leave the column out with drop."
            raise invalid("column", name, problem, remedy)


def _columns(
    frame: pd.DataFrame, names: Sequence[str], table: Table, *, explicit: bool, notes: list[str]
) -> list[Column]:
    for name in names:
        if not _is_text(frame[name]):
            _refuse_codes(numbers(frame[name]))
    for name, reason in _idle(frame[list(names)]).items():
        if explicit:
            raise invalid("feature", name, f"It {reason}.", "Leave it out: it holds no information.")
        notes.append(f"Column {name!r} was left out: it {reason}.")
        names = [other for other in names if other != name]
    if not names:
        raise invalid("features", "", "No column is left to learn from.", "Give the columns with features.")
    return [_column(frame[name], table.units.get(name, "")) for name in names]


def _unnamed_groups(columns: Sequence[Column]) -> list[str]:
    """Note categories that became features although they are many or named like a group."""
    suspects = [c for c in columns if len(c.levels) > FEW_LEVELS or (c.levels and c.name.lower() in GROUP_NAMES)]
    return [
        f"Column {column.name!r} became {len(column.levels)} categories to learn from; if its rows belong together, "
        f"name it as the group instead."
        for column in suspects
    ]


def _idle(frame: pd.DataFrame) -> dict[str, str]:
    idle: dict[str, str] = {}
    seen: dict[int, str] = {}
    for name in frame:
        values = frame[name]
        if (values == values.iloc[0]).all():
            idle[str(name)] = f"is {values.iloc[0]} in every row"
            continue
        twin = seen.setdefault(int(pd.util.hash_pandas_object(values, index=False).sum()), str(name))
        if twin != name and values.equals(frame[twin]):
            idle[str(name)] = f"repeats column {twin!r}"
    return idle


def _column(values: pd.Series, unit: str) -> Column:
    if not _is_text(values):
        return Column(str(values.name), unit)
    levels = sorted(values.astype(str).unique())
    if len(levels) > MAX_LEVELS:
        problem = f"It has {len(levels)} categories; {MAX_LEVELS} at most are supported."
        remedy = "Leave it out with drop, merge categories, or make it the group."
        raise invalid("column", values.name, problem, remedy)
    return Column(str(values.name), levels=tuple(levels))


def _is_text(values: pd.Series) -> bool:
    if pd.api.types.is_numeric_dtype(values):
        return False
    return bool(pd.to_numeric(values.dropna(), errors="coerce").notna().mean() < 0.5)


def _refuse_codes(values: pd.Series) -> None:
    distinct = np.unique(values)
    coded = [code for code in MISSING_CODES if code in distinct and (distinct[distinct != code] > code / 2).all()]
    if coded:
        rows = shown(values.index[values == coded[0]])
        problem = f"{coded[0]:g} at row {rows} is far from all other values: a code for missing ones."
        raise invalid("column", values.name, problem, "Empty those cells.")


def _grouped(values: pd.Series, notes: list[str]) -> pd.Series:
    counts = values.astype(str).value_counts()
    if len(counts) == 1:
        problem = f"All rows belong to the group {counts.index[0]!r}."
        raise invalid("group", values.name, problem, "Give a column with several groups, or none.")
    if counts.max() == 1:
        problem = f"Every one of its {len(counts)} groups has one row."
        raise invalid("group", values.name, problem, "Give a column that rows share, or none.")
    single = counts.index[counts == 1]
    if len(single):
        notes.append(f"Groups of one row in {values.name!r}: {shown(single)}.")
    return values.astype(str)


def _source(path: Path, unit: str, notes: list[str]) -> dict[str, str]:
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    source = {"source": path.name, "licence": "the user's own", "sha256": sha256, "notes": "\n".join(notes)}
    return source | ({"target_unit": unit} if unit else {})


__all__ = ["read_table"]
