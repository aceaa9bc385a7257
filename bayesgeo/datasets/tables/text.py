"""Read text in columns: CSV and its kin, in several encodings, with points or commas."""

import csv
import io
import re
from pathlib import Path

import numpy as np
import pandas as pd

from bayesgeo._check import invalid
from bayesgeo.datasets.columns import WHOLE
from bayesgeo.datasets.tables.base import Table, refuse_names, unreadable
from bayesgeo.datasets.tables.content import content
from bayesgeo.datasets.tables.headers import units_row

DELIMITERS = (",", ";", "\t")
DECIMAL_COMMA = re.compile(r"\d,\d")
WITH_COMMA = r"^\s*([+-]?\d+),(\d+(?:[eE][+-]?\d+)?)\s*$"


def read_text(path: Path) -> Table:
    """Read CSV, its columns typed as numbers where all their entries are."""
    text, notes = _decoded(path)
    header = text.lstrip("\n").split("\n", 1)[0]
    delimiter = max(DELIMITERS, key=header.count)
    try:
        names = _checked_fields(path, text, delimiter)
        frame = pd.read_csv(io.StringIO(text), sep=delimiter, dtype=str, skipinitialspace=True)
    except (csv.Error, pd.errors.ParserError) as error:
        raise unreadable(path, "text in columns") from error
    frame.columns = pd.Index(names)
    if names[0] == "":
        frame, notes = frame.drop(columns=""), [*notes, "The first column has no name and was left out."]
    if delimiter != "," and DECIMAL_COMMA.search(text):
        frame = frame.replace(WITH_COMMA, r"\1.\2", regex=True)
        notes = [*notes, "Commas were read as decimal points."]
    units = units_row(frame)
    return Table(_typed(frame.iloc[1:] if units else frame), units, tuple(notes))


def _decoded(path: Path) -> tuple[str, list[str]]:
    raw = content(path)
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
    refuse_names(path, header)
    ragged = next(((line, row) for line, row in filled if len(row) != len(header)), None)
    if ragged:
        line, row = ragged
        last = next(filled, None) is None
        cut = " It is the last: the file seems truncated." if last and len(row) < len(header) else ""
        problem = f"Line {line} has {len(row)} fields, the header has {len(header)}.{cut}"
        raise invalid("file", path.name, problem, "Correct or complete that line.")
    return header


def _typed(frame: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame({name: _number_or_text(frame[name]) for name in frame}, index=frame.index)


def _number_or_text(values: pd.Series) -> pd.Series:
    try:
        found = pd.to_numeric(values)
    except (ValueError, OverflowError):
        return values.str.strip()
    # Long whole numbers are names (UWI, hashes): as floats they would run into each other.
    long = found.dtype.kind == "f" and bool((found.abs() >= WHOLE).any()) and values.str.fullmatch(r"\s*\d{16,}\s*")
    return values.str.strip() if np.any(long) else found


__all__ = ["read_text"]
