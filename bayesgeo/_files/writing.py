"""Files and folders that are written whole or not at all."""

import math
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bayesgeo._check import invalid

# What a spreadsheet takes for the beginning of a formula, the wide forms of some keyboards included.
FORMULA = ("=", "+", "-", "@", "\t", "\uff1d", "\uff0b", "\uff0d", "\uff20")


@contextmanager
def atomic_file(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path to write to; it takes its final name only when the block succeeds.

    Raises
    ------
    InvalidInput
        If the operating system refuses: no room, no right, no such place. An earlier file stays as it was.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with atomic_file(Path(folder) / "a.txt") as temporary:
    ...         _ = temporary.write_text("whole")
    ...     (Path(folder) / "a.txt").read_text()
    'whole'
    """
    path = Path(path)
    with _writable(path):
        temporary = _beside(path)
        try:
            temporary.touch(exist_ok=False)  # its mode is what the umask leaves
            yield temporary
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)


@contextmanager
def atomic_folder(path: str | Path) -> Iterator[Path]:
    """Yield a temporary folder to fill; it replaces the final one only when the block succeeds.

    Raises
    ------
    InvalidInput
        If the operating system refuses; an earlier folder stays as it was.
    """
    path = Path(path)
    with _writable(path):
        temporary = _beside(path)
        old = temporary.with_name(f"{temporary.name}.old")
        try:
            temporary.mkdir()
            yield temporary
            if path.exists():
                path.replace(old)
            try:
                temporary.replace(path)
            except OSError:
                if old.exists():
                    old.replace(path)
                raise
            shutil.rmtree(old, ignore_errors=True)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


def _beside(path: Path) -> Path:
    """Return a new hidden name in the folder of ``path``, which is made if there is none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    return path.with_name(f".{path.name[:50]}.{uuid.uuid4().hex[:8]}{path.suffix}")


@contextmanager
def _writable(path: Path) -> Iterator[None]:
    """Say in a sentence what the operating system refuses."""
    try:
        yield
    except OSError as error:
        problem = f"It cannot be written: {error.strerror or error}."
        raise invalid("output", str(path), problem, "Make room, or give another place.") from error


def harmless(text: str) -> str:
    """Keep a spreadsheet from reading the text of a cell as a formula; numbers stay numbers, and cells one line.

    Examples
    --------
    >>> harmless("=1+1"), harmless("-2.5"), harmless("-2+cmd")
    ("'=1+1", '-2.5', "'-2+cmd")
    """
    text = " ".join(text.splitlines())
    return f"'{text}" if text.lstrip(" ").startswith(FORMULA) and not _is_number(text) else text


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False
