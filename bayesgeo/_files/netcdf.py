"""netCDF files: looked through before anything in them is read, and written through memory."""

import os
from collections.abc import Iterator
from math import prod
from pathlib import Path
from typing import Any

import h5py
import xarray as xr

from bayesgeo._check import invalid

MOST_OBJECTS = 1000  # variables and groups; opening takes some milliseconds for each
DEEPEST = 16  # groups in groups
# Deflate makes a file at most 1,032 times as small; what is never written takes no place at all.
COMPRESSION, SMALL = 1032, 2**26
REMEDY = "Give a file that holds all of its values itself, and only those."


def refuse_external(path: str | Path, name: str = "file") -> None:
    """Refuse an HDF5 file that takes values from elsewhere, or declares more than it can hold; nothing is read from it.

    External storage, external links and virtual datasets would pull any file of this computer in as data. Soft links
    and groups that hold themselves have no end. A few bytes can declare an array of 800 GB. A file of another
    format, such as classic netCDF, passes.

    Parameters
    ----------
    path : path
        Any file.
    name : str
        What the file is, for the message.

    Raises
    ------
    InvalidInput
        If the file is no regular file, is truncated, or does one of these.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "a.nc"
    ...     with h5py.File(path, "w") as file:
    ...         file["secret"] = h5py.ExternalLink("/etc/other.nc", "/x")
    ...     refuse_external(path, "table")
    Traceback (most recent call last):
    ...
    bayesgeo._check.InvalidInput: Invalid table 'a.nc'. 'secret' is a link, not a value. Give a file that holds...
    """
    path = Path(path)
    if not path.is_file():
        raise invalid(name, str(path), "It is not a file.", "Give the path of a file.")
    try:
        if not h5py.is_hdf5(path):
            return
        with h5py.File(path, "r") as file:
            problem = next(_problems(file, path.stat().st_size), "")
    except Exception as error:  # HDF5 raises of every kind where bytes are wrong
        problem = "It cannot be read as netCDF: it is truncated, or something else."
        raise invalid(name, path.name, problem, "Export or copy it again.") from error
    if problem:
        raise invalid(name, path.name, problem, REMEDY)


def load_tree(path: str | Path, name: str = "file") -> xr.DataTree:
    """Read every group of a netCDF file that bayesgeo wrote.

    Parameters
    ----------
    path : path
        The file.
    name : str
        What it is, for the message.

    Raises
    ------
    InvalidInput
        If :func:`refuse_external` refuses it, or it cannot be read.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "a.nc"
    ...     _ = path.write_bytes(packed(xr.Dataset({"x": ("obs", [1.0, 2.0])})))
    ...     load_tree(path)["x"].values.tolist()
    [1.0, 2.0]
    """
    refuse_external(path, name)
    try:
        return xr.load_datatree(path, engine="h5netcdf")
    except Exception as error:  # its readers raise of every kind where bytes are wrong
        raise invalid(name, Path(path).name, f"It cannot be read: {error}.", "Make it again.") from error


def packed(content: xr.DataTree | xr.Dataset) -> bytes:
    """Return the bytes of a netCDF file.

    HDF5 that runs out of room while it writes to a file can end the process by a signal; in memory it cannot.

    Examples
    --------
    >>> packed(xr.Dataset({"x": ("obs", [1.0])}))[1:4]
    b'HDF'
    """
    # A copy: a view that an exception keeps alive can end the process when garbage is collected.
    return bytes(content.to_netcdf(engine="h5netcdf"))


def _problems(file: h5py.File, size: int) -> Iterator[str]:
    """Yield what is wrong with a file of ``size`` bytes."""
    declared = 0
    for objects, (place, found) in enumerate(_walk(file)):
        if found is None:
            yield f"{place!r} is a link, not a value."
        elif isinstance(found, h5py.h5d.DatasetID):
            declared += _bytes(found)
            if _is_elsewhere(found):
                yield f"The values of {place!r} lie in another file."
        elif place.count("/") >= DEEPEST:
            yield f"The group {place!r} holds itself, or lies too deep."
        if objects >= MOST_OBJECTS:
            yield f"It has more than {MOST_OBJECTS:,} variables and groups."
    if declared > min(max(COMPRESSION * size, SMALL), _memory()):
        yield f"It declares {declared / 1e9:,.1f} GB of values in a file of {size / 1e9:,.3f} GB."


def _walk(file: h5py.File) -> Iterator[tuple[str, Any]]:
    """Yield the place and the identifier of each object below the root; None for what is only a link to one."""
    waiting = [("", file.id)]
    while waiting:
        where, group = waiting.pop()
        for raw in group:
            place = f"{where}/{raw.decode(errors='replace')}".lstrip("/")
            hard = group.links.get_info(raw).type == h5py.h5l.TYPE_HARD
            found = h5py.h5o.open(group, raw) if hard else None
            yield place, found
            if isinstance(found, h5py.h5g.GroupID):
                waiting.append((place, found))


def _is_elsewhere(dataset: Any) -> bool:
    made = dataset.get_create_plist()
    return made.get_layout() == h5py.h5d.VIRTUAL or made.get_external_count() > 0


def _bytes(dataset: Any) -> int:
    """Return how much memory a dataset takes, or one of its chunks where that is more."""
    made = dataset.get_create_plist()
    chunk = prod(made.get_chunk()) if made.get_layout() == h5py.h5d.CHUNKED and dataset.get_storage_size() else 0
    return dataset.get_type().get_size() * max(prod(dataset.shape or ()), chunk)


def _memory() -> int:
    """Return how many bytes of memory this computer has; where it does not tell, no limit."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return 2**63
