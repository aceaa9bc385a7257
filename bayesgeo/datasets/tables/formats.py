"""Read CSV, Parquet and netCDF files as one table with units."""

import math
from collections.abc import Hashable, Mapping
from pathlib import Path

import pandas as pd

from bayesgeo._check import InvalidInput, did_you_mean, invalid
from bayesgeo._files.netcdf import refuse_external
from bayesgeo.datasets.tables.base import Table, refuse_names, unreadable
from bayesgeo.datasets.tables.content import COMPRESSED
from bayesgeo.datasets.tables.headers import without_brackets
from bayesgeo.datasets.tables.kinds import plain
from bayesgeo.datasets.tables.text import read_text

MAX_NODES = 50_000_000


def read_file(path: str | Path) -> Table:
    r"""Read a table from a file; its ending gives the format.

    Parameters
    ----------
    path : str or pathlib.Path
        ``.csv``, ``.tsv``, ``.txt``, ``.dat``, each also packed (``.csv.gz``, ``.bz2``, ``.xz``, ``.zip``),
        ``.parquet``, ``.pq``, ``.nc`` or ``.nc4``. Text may be separated by commas, semicolons or tabs, in UTF-8 (with
        or without a byte order mark) or latin-1.

    Returns
    -------
    Table
        Units come from a first row of units above numbers, ``name [unit]`` or ``name (unit)`` headers, the ``unit``
        metadata of Parquet fields or the ``units`` attribute of netCDF variables. Columns of complex numbers, time
        spans, lists and other values that are neither numbers, text nor dates are left out with a note.

    Raises
    ------
    InvalidInput
        If there is no such file, or it is empty, truncated, of another kind or ragged, names a column
        twice, has more than 5,000 columns or unpacks to more than 512 MB.

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
        near = [other.name for other in path.parent.glob("*") if other.is_file()] if path.parent.is_dir() else []
        raise invalid("file", str(path), "There is no such file.", did_you_mean(path.name, near))
    ending = _ending(path)
    if ending not in _READERS:
        remedy = f"Save the table as one of {', '.join(_READERS)}."
        raise invalid("file", path.name, f"Its ending {ending!r} is not known.", remedy)
    if not path.stat().st_size:
        raise invalid("file", path.name, "It is empty.", "Give a file with a header and rows.")
    table = _READERS[ending](path)
    table.frame.index = pd.RangeIndex(1, len(table.frame) + 1, name="obs")
    return without_brackets(table)


def _ending(path: Path) -> str:
    endings = [ending.lower() for ending in path.suffixes[-2:]]
    packed = len(endings) == 2 and endings[1] in COMPRESSED and _READERS.get(endings[0]) is read_text
    return endings[0] if packed else path.suffix.lower()


def _read_parquet(path: Path) -> Table:
    from pyarrow import parquet

    try:
        with parquet.ParquetFile(path) as opened:
            names = [str(name) for name in opened.schema_arrow.names]
            refuse_names(path, names)
            found = opened.read()
        # Text that is not UTF-8 would fail whoever looks at it later.
        found.validate(full=True)
        units = {field.name: unit for field in found.schema if (unit := _unit_of(field.metadata))}
        # Without the notes of pandas, the index is a column like any other and names are text.
        frame = found.to_pandas(ignore_metadata=True)
    except InvalidInput:
        raise
    except Exception as error:  # a damaged file makes the library fail in any way
        raise unreadable(path, "Parquet") from error
    unnamed = [name for name in names if name.startswith("__index_level_")]
    return plain(Table(frame.drop(columns=unnamed), units))


def _unit_of(marks: dict[bytes, bytes] | None) -> str:
    marks = marks or {}
    return marks.get(b"unit", marks.get(b"units", b"")).decode("utf-8", "replace")


def _read_root(path: Path) -> None:
    """Read the attribute that h5netcdf reads first: where that fails, it closes the file with an error of its own."""
    import h5py

    if h5py.is_hdf5(path):
        with h5py.File(path) as opened:
            opened.attrs.get("_nc3_strict")


def _refuse_nodes(path: Path, sizes: Mapping[Hashable, int]) -> None:
    """Refuse variables along dimensions whose product no table can hold: each node becomes a row."""
    nodes = math.prod(sizes.values())
    if nodes > MAX_NODES:
        problem = f"Its dimensions {dict(sizes)} make {nodes:,} rows; {MAX_NODES:,} at most are supported."
        raise invalid("file", path.name, problem, "Give variables along one dimension, or a part of the grid.")


def _read_netcdf(path: Path) -> Table:
    import xarray as xr

    refuse_external(path)
    try:
        _read_root(path)
        with xr.open_dataset(path, decode_timedelta=False) as opened:
            refuse_names(path, [str(name) for name in opened.variables])
            _refuse_nodes(path, opened.sizes)
            data = opened.load()
    except InvalidInput:
        raise
    except Exception as error:  # a damaged file makes the library fail in any way
        raise unreadable(path, "netCDF") from error
    if not data.data_vars:
        raise invalid("file", path.name, "It has no variables.", "Give variables along one dimension.")
    frame = data.to_dataframe().reset_index()
    counters = [name for name in data.dims if name not in data.coords]
    names = [name for name in frame if name not in counters]
    marks = {str(name): data[name].attrs.get("units") for name in names}
    frame = frame[names].rename(columns=str)
    return plain(Table(frame, {name: str(unit) for name, unit in marks.items() if unit}))


_READERS = {
    ".csv": read_text,
    ".tsv": read_text,
    ".txt": read_text,
    ".dat": read_text,
    ".parquet": _read_parquet,
    ".pq": _read_parquet,
    ".nc": _read_netcdf,
    ".nc4": _read_netcdf,
}

__all__ = ["Table", "read_file"]
