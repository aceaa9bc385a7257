"""Read a user's table as a data set, or refuse it with the column, the row and the fix."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import pandas as pd

from bayesgeo._check import did_you_mean, invalid, one_of, shown
from bayesgeo.datasets.assembly import assemble
from bayesgeo.datasets.base import Dataset, Task
from bayesgeo.datasets.columns import texts
from bayesgeo.datasets.origin import Origin
from bayesgeo.datasets.tables.base import Table
from bayesgeo.datasets.tables.codes import without_codes
from bayesgeo.datasets.tables.coordinates import coordinates_of
from bayesgeo.datasets.tables.features import candidates, chosen, or_places, unnamed_groups
from bayesgeo.datasets.tables.formats import read_file
from bayesgeo.datasets.tables.gaps import complete
from bayesgeo.datasets.tables.target import as_target


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
    codes: Sequence[float] | None = None,
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
        Feature columns. By default all but the target, the groups, places on a map, times, dates, row numbers and
        identifiers; then columns without information (constant, or a copy of another) are left out. Where none is
        left, places on a map are the features.
    drop : sequence of str
        Columns to leave out.
    positive : str, optional
        The positive class of two; by default the last in alphabetical order.
    missing : {"refuse", "drop"}
        Refuse the table, or drop the rows, where a needed value is missing or a code for a missing one.
    time : str, optional
        Column of dates, for a temporal split; found by its name if it holds dates.
    task : {"classification", "regression"}, optional
        Task, if not the one inferred from the target.
    codes : sequence of float, optional
        Numbers that stand for missing values; empty where none does. By default they are looked for, by the rule of
        :func:`bayesgeo.datasets.tables.codes.missing_codes`.

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
    _refuse_unknown(table, [("target", target), *(("group", name) for name in groups), ("time", time)])
    _refuse_unknown(table, [("column", name) for name in (*(features or ()), *drop)])
    _refuse_roles(target, groups, features, drop)
    notes = list(table.notes)
    frame = _without_repeats(table.frame, notes)
    frame, coded = without_codes(frame, [name for name in frame if name not in drop], declared=codes, notes=notes)
    places = coordinates_of(frame.drop(columns=target), time=time, notes=notes, units=table.units, keys=groups)
    taken = {target, *groups, *drop, *places.attrs["columns"]}
    names = features or candidates(frame.drop(columns=taken & {*frame}), table.units, notes)
    if features is None:
        names = or_places(frame, names, [name for name in places.attrs["columns"] if name not in drop], notes)
    frame = complete(frame, [target, *groups, *names], missing, held=table.frame, codes=coded, notes=notes)
    columns = chosen(frame, names, explicit=features is not None, units=table.units, codes=coded, notes=notes)
    if not groups:
        notes += unnamed_groups(columns)
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


def _refuse_unknown(table: Table, roles: Sequence[tuple[str, str | None]]) -> None:
    for role, name in roles:
        if name in table.left:
            raise invalid(role, name, f"It holds {table.left[name]}.", "Give numbers, text or dates.")
        if name is not None and name not in table.frame.columns:
            remedy = did_you_mean(name, table.frame.columns)
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


def _grouped(values: pd.Series, notes: list[str]) -> pd.Series:
    counts = texts(values).value_counts()
    if len(counts) == 1:
        problem = f"All rows belong to the group {counts.index[0]!r}."
        raise invalid("group", values.name, problem, "Give a column with several groups, or none.")
    if counts.max() == 1:
        problem = f"Every one of its {len(counts)} groups has one row."
        raise invalid("group", values.name, problem, "Give a column that rows share, or none.")
    single = counts.index[counts == 1]
    if len(single):
        notes.append(f"Groups of one row in {values.name!r}: {shown(single)}.")
    return texts(values)


def _source(path: Path, unit: str, notes: list[str]) -> dict[str, str]:
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    source = {"source": path.name, "licence": "the user's own", "sha256": sha256, "notes": "\n".join(notes)}
    return source | ({"target_unit": unit} if unit else {})


__all__ = ["read_table"]
