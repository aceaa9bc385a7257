"""Plant the bugs of planted_bugs.toml one by one in a copy of the package; count what the laws catch.

Run ``python tests/planted_bugs.py [part of a name]`` from anywhere; it takes some minutes, and exits
with 1 if a bug survives or, when all are planted, a law catches none.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Bug:
    """One wrong line: where it is planted, what it replaces, and the laws that should notice."""

    name: str
    file: str
    right: str
    wrong: str
    laws: str


def read_bugs(part: str = "") -> list[Bug]:
    """Read the bugs whose names hold a text."""
    table = tomllib.loads((ROOT / "tests" / "planted_bugs.toml").read_text())
    return [Bug(**entry) for entry in table["bug"] if part in entry["name"]]


def plant(bug: Bug, folder: Path) -> None:
    """Copy the package and its tests into a folder, with one line wrong."""
    for part in ("bayesgeo", "tests"):
        shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    source = folder / "bayesgeo" / bug.file
    text = source.read_text()
    if bug.right not in text:
        sys.exit(f"{bug.name}: {bug.file} no longer holds {bug.right!r}")
    source.write_text(text.replace(bug.right, bug.wrong))


def failed_laws(bug: Bug) -> set[str]:
    """Return the names of the laws that fail once the bug is planted."""
    with tempfile.TemporaryDirectory() as folder:
        plant(bug, Path(folder))
        command = [sys.executable, "-m", "pytest", "-q", "-rf", "--tb=no", "-p", "no:cacheprovider", bug.laws]
        environment = {**os.environ, "BAYESGEO_LAWS": "planted", "PYTHONPATH": folder}
        done = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, check=False
        )
    return set(re.findall(r"^FAILED .*::(test_\w+)", done.stdout, flags=re.MULTILINE))


def say(line: str) -> None:
    """Write one line at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main(part: str = "") -> int:
    """Plant each bug and say what caught it, then which laws caught none."""
    bugs, caught, busy = read_bugs(part), 0, set()
    for bug in bugs:
        by = failed_laws(bug)
        caught, busy = caught + bool(by), busy | by
        say(f"{'caught' if by else 'MISSED'}  {bug.name}: {len(by)} laws")
    laws = {
        name
        for path in {bug.laws for bug in bugs}
        for name in re.findall(r"^def (test_\w+)", (ROOT / path).read_text(), flags=re.MULTILINE)
    }
    say(f"{caught} of {len(bugs)} bugs caught; {len(laws & busy)} of {len(laws)} laws caught one")
    for name in sorted(laws - busy):
        say(f"IDLE  {name}")
    return int(caught < len(bugs) or (not part and bool(laws - busy)))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:2]))
