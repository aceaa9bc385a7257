"""Files that others may have changed: regular, of bounded size, and JSON that means one thing only."""

import json
import math
from pathlib import Path
from typing import Any

from bayesgeo._check import invalid

LARGEST = 2**28  # bytes of a file that is read whole


def read_bytes(path: str | Path, name: str = "file", *, largest: int = LARGEST) -> bytes:
    """Return the content of a regular file.

    Parameters
    ----------
    path : path
        A pipe or a device, which might never end, is refused.
    name : str
        What the file is, for the message.
    largest : int
        Bytes above which it is refused.

    Raises
    ------
    InvalidInput
        If there is no such file, or it is none, is too large or cannot be read.

    Examples
    --------
    >>> read_bytes("/dev/zero", "table")
    Traceback (most recent call last):
    ...
    bayesgeo._check.InvalidInput: Invalid table '/dev/zero'. There is no such file. Give the path of a file.
    """
    path = Path(path)
    try:
        size = path.stat().st_size if path.is_file() else -1
        content = path.read_bytes() if 0 <= size <= largest else b""
    except OSError as error:
        raise invalid(name, str(path), f"It cannot be read: {error.strerror or error}.") from None
    if size < 0:
        raise invalid(name, str(path), "There is no such file.", "Give the path of a file.")
    if size > largest:
        raise invalid(name, str(path), f"It is larger than {largest // 2**20} MiB.")
    return content


def parsed(content: str | bytes) -> dict[str, Any]:
    """Return the mapping that a JSON text states, by rules stricter than those of :mod:`json`.

    Raises
    ------
    ValueError
        If it is not UTF-8, no mapping, has a name twice, a number that is none, or too many levels.

    Examples
    --------
    >>> parsed('{"seed": 1, "seed": 2}')
    Traceback (most recent call last):
    ...
    ValueError: a name occurs twice: 'seed'
    """
    text = content if isinstance(content, str) else content.decode("utf-8")
    try:
        found = json.loads(text, object_pairs_hook=_unique, parse_constant=_number, parse_float=_number)
    except RecursionError:
        raise ValueError("it has too many levels") from None
    if not isinstance(found, dict):
        raise ValueError("it is not a mapping")
    return found


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise ValueError(f"a name occurs twice: {name!r}")
        found[name] = value
    return found


def _number(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text} is not a finite number")
    return value
