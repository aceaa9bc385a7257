"""Read CSV, Parquet and netCDF files as one table with units."""

import csv
import io
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from bayesgeo._check import did_you_mean, invalid, shown
from bayesgeo._files.netcdf import refuse_external

DELIMITERS = (",", ";", "\t")
BRACKETED = re.compile(r"^(?P<name>.+?)\s*\[(?P<unit>[^\]]*)\]\s*$")
LOOKED_AT = 1000
DECIMAL_COMMA = re.compile(r"\d,\d")
WITH_COMMA = r"^\s*([+-]?\d+),(\d+(?:[eE][+-]?\d+)?)\s*$"


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
    """

    frame: pd.DataFrame
    units: dict[str, str]
    notes: tuple[str, ...] = ()


def read_file(path: str | Path) -> Table:
    r"""Read a table from a file; its ending gives the format.

    Parameters
    ----------
    path : str or pathlib.Path
        ``.csv``, ``.tsv``, ``.txt``, ``.dat``, ``.parquet``, ``.pq``, ``.nc`` or ``.nc4``. Text may be
        separated by commas, semicolons or tabs, in UTF-8 (with or without a byte order mark) or latin-1.

    Returns
    -------
    Table
        Units come from a first row of text above numbers, ``name [unit]`` headers, the ``unit`` metadata
        of Parquet fields or the ``units`` attribute of netCDF variables.

    Raises
    ------
    InvalidInput
        If there is no such file, or it is empty, truncated, of another kind or ragged, or names a column
        twice.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "wells.csv"
    ...     _ = path.write_text("GR,rock\nAPI,name\n71.5,shale\n43,sand\n")
    ...     read_file(path).units
    {'GR': 'API', 'rock': 'name'}
    """
    path = Path(path)
    if not path.is_file():
        near = [other.name for other in path.parent.glob("*")] if path.parent.is_dir() else []
        raise invalid("file", str(path), "There is no such file.", did_you_mean(path.name, near))
    if path.suffix.lower() not in _READERS:
        remedy = f"Save the table as one of {', '.join(_READERS)}."
        raise invalid("file", path.name, f"Its ending {path.suffix!r} is not known.", remedy)
    if not path.stat().st_size:
        raise invalid("file", path.name, "It is empty.", "Give a file with a header and rows.")
    table = _READERS[path.suffix.lower()](path)
    table.frame.index = pd.RangeIndex(1, len(table.frame) + 1, name="obs")
    return _bracketed(table)


def _read_text(path: Path) -> Table:
    text, notes = _decoded(path)
    header = text.lstrip("\n").split("\n", 1)[0]
    delimiter = max(DELIMITERS, key=header.count)
    try:
        names = _checked_fields(path, text, delimiter)
        frame = pd.read_csv(io.StringIO(text), sep=delimiter, dtype=str, skipinitialspace=True)
    except (csv.Error, pd.errors.ParserError) as error:
        raise _unreadable(path, "text in columns") from error
    frame.columns = pd.Index(names)
    if names[0] == "":
        frame, notes = frame.drop(columns=""), [*notes, "The first column has no name and was left out."]
    if delimiter == ";" and DECIMAL_COMMA.search(text):
        frame = frame.replace(WITH_COMMA, r"\1.\2", regex=True)
        notes = [*notes, "Commas were read as decimal points."]
    units = _units_row(frame)
    return Table(_typed(frame.iloc[1:] if units else frame), units, tuple(notes))


def _decoded(path: Path) -> tuple[str, list[str]]:
    raw = path.read_bytes()
    if b"\0" in raw:
        raise invalid("file", path.name, "It is not text: it holds null bytes.", "Export it as UTF-8 CSV.")
    try:
        return _lines(raw.decode("utf-8-sig")), []
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        note = f"Line {line} is not UTF-8; the file was read as latin-1. Check its accented letters."
        return _lines(raw.decode("latin-1")), [note]


def _lines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _checked_fields(path: Path, text: str, delimiter: str) -> list[str]:
    if not text.strip():
        raise invalid("file", path.name, "It has no header.", "Give a file with a header and rows.")
    rows = csv.reader(io.StringIO(text), delimiter=delimiter, skipinitialspace=True)
    filled = ((rows.line_num, row) for row in rows if row)
    header = [name.strip() for name in next(filled)[1]]
    _refuse_twice(path, header)
    ragged = next(((line, row) for line, row in filled if len(row) != len(header)), None)
    if ragged:
        line, row = ragged
        last = next(filled, None) is None
        cut = " It is the last: the file seems truncated." if last and len(row) < len(header) else ""
        problem = f"Line {line} has {len(row)} fields, the header has {len(header)}.{cut}"
        raise invalid("file", path.name, problem, "Correct or complete that line.")
    return header


def _refuse_twice(path: Path, names: list[str]) -> None:
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        problem = f"Column names occur more than once: {shown(map(repr, twice))}."
        raise invalid("header", path.name, problem, "Give each column a name of its own.")
    if "" in names[1:]:
        problem = f"Column {names.index('', 1) + 1} has no name."
        raise invalid("header", path.name, problem, "Name it or delete it.")


def _units_row(frame: pd.DataFrame) -> dict[str, str]:
    if len(frame) < 2:
        return {}
    first, body = frame.iloc[0], frame.iloc[1:LOOKED_AT]
    numeric = [name for name in frame if body[name].notna().any() and _all_numbers(body[name])]
    is_text = first[numeric].notna() & pd.to_numeric(first[numeric], errors="coerce").isna()
    has_number = (first[numeric].notna() & ~is_text).any()
    if not numeric or has_number or not is_text.any():
        return {}
    return {str(name): str(unit).strip() for name, unit in first.items() if pd.notna(unit)}


def _all_numbers(values: pd.Series) -> bool:
    return bool(pd.to_numeric(values, errors="coerce").notna().equals(values.notna()))


def _typed(frame: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame({name: _number_or_text(frame[name]) for name in frame})


def _number_or_text(values: pd.Series) -> pd.Series:
    try:
        return pd.to_numeric(values)
    except ValueError:
        return values.str.strip()


def _read_parquet(path: Path) -> Table:
    from pyarrow import ArrowException, parquet

    try:
        found = parquet.read_table(path)
    except (ArrowException, OSError) as error:
        raise _unreadable(path, "Parquet") from error
    _refuse_twice(path, found.column_names)
    units = {}
    for field in found.schema:
        marks = field.metadata or {}
        unit = marks.get(b"unit", marks.get(b"units"))
        if unit is not None:
            units[field.name] = unit.decode("utf-8", "replace")
    return Table(found.to_pandas().reset_index(drop=True), units)


def _read_netcdf(path: Path) -> Table:
    import xarray as xr

    refuse_external(path)
    try:
        with xr.open_dataset(path) as opened:
            data = opened.load()
    except Exception as error:  # its readers raise of every kind where bytes are wrong
        raise _unreadable(path, "netCDF") from error
    if not data.data_vars:
        raise invalid("file", path.name, "It has no variables.", "Give variables along one dimension.")
    frame = data.to_dataframe().reset_index()
    counters = [name for name in data.dims if name not in data.coords]
    names = [str(name) for name in frame if name not in counters]
    marks = {name: data[name].attrs.get("units") for name in names}
    return Table(frame[names], {name: str(unit) for name, unit in marks.items() if unit})


def _unreadable(path: Path, kind: str) -> Exception:
    problem = f"It cannot be read as {kind}: it is truncated, or something else."
    return invalid("file", path.name, problem, "Export or copy it again.")


def _bracketed(table: Table) -> Table:
    found = {name: match for name in table.frame if (match := BRACKETED.match(str(name)))}
    plain = {name: match["name"] for name, match in found.items()}
    if not found or {*plain.values()} & {*table.frame.columns}:
        return table
    units = {plain.get(name, name): unit for name, unit in table.units.items()}
    units |= {match["name"]: match["unit"] for match in found.values()}
    return Table(table.frame.rename(columns=plain), units, table.notes)


_READERS = {
    ".csv": _read_text,
    ".tsv": _read_text,
    ".txt": _read_text,
    ".dat": _read_text,
    ".parquet": _read_parquet,
    ".pq": _read_parquet,
    ".nc": _read_netcdf,
    ".nc4": _read_netcdf,
}

__all__ = ["Table", "read_file"]
