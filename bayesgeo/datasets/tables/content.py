"""The bytes of a text file, compressed or not."""

import bz2
import gzip
import lzma
import zipfile
import zlib
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import BinaryIO, cast

from bayesgeo._check import invalid
from bayesgeo.datasets.tables.base import unreadable

# What is larger is not a table that anyone meant to compress; a small file can unpack to far more than memory holds.
LARGEST = 2**29

Opener = Callable[[Path], AbstractContextManager[BinaryIO]]


def content(path: Path) -> bytes:
    """Return the bytes of a file, unpacked where its last ending is one of :data:`COMPRESSED`.

    Raises
    ------
    InvalidInput
        If it cannot be unpacked, unpacks to more than 512 MB, or is an archive of several files.
    """
    opener = COMPRESSED.get(path.suffix.lower())
    if opener is None:
        return path.read_bytes()
    try:
        with opener(path) as packed:
            found = packed.read(LARGEST + 1)
    except (OSError, EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, RuntimeError) as error:
        raise unreadable(path, f"{path.suffix} of a table") from error
    if len(found) > LARGEST:
        problem = f"It unpacks to more than {LARGEST // 2**20} MB."
        raise invalid("file", path.name, problem, "Unpack it first, or take fewer rows.")
    return found


def _from_zip(path: Path) -> AbstractContextManager[BinaryIO]:
    archive = zipfile.ZipFile(path)
    if len(archive.namelist()) != 1:
        problem = f"It holds {len(archive.namelist())} files."
        raise invalid("file", path.name, problem, "Give an archive of one table.")
    return cast("AbstractContextManager[BinaryIO]", archive.open(archive.namelist()[0]))


COMPRESSED: dict[str, Opener] = {
    ".gz": cast("Opener", gzip.open),
    ".bz2": cast("Opener", bz2.open),
    ".xz": cast("Opener", lzma.open),
    ".zip": _from_zip,
}

__all__ = ["COMPRESSED", "content"]
