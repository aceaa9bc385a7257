"""Plant the bugs of planted_bugs.toml one by one in a copy of the package; count what the laws catch.

Run ``python tests/planted_bugs.py [part of a name]`` from anywhere; it takes some minutes, and exits
with 1 if a bug survives or, when all are planted, a law in a file ``*_laws.py`` catches none.
"""

import contextlib
import importlib
import io
import multiprocessing
import os
import re
import shutil
import sys
import tempfile
import tomllib
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
AT_ONCE = 2  # bugs; on two cores half the time
LIBRARIES = ("hypothesis.extra.numpy", "scipy.stats", "sklearn.decomposition", "xarray_einstats.linalg")


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


class Recorder:
    """A pytest plugin that keeps the names of the tests that fail."""

    def __init__(self) -> None:
        self.failed: set[str] = set()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note a failure."""
        if report.failed:
            self.failed.add(report.location[2].split("[")[0])


def run_laws(folder: str, laws: str, found: Any) -> None:
    """Run the laws on the package in a folder, in a process of its own."""
    os.chdir(folder)
    os.environ["BAYESGEO_LAWS"] = "planted"
    sys.path.insert(0, folder)
    recorder = Recorder()
    # Of laws it counts which of them notice; elsewhere the first failure says all.
    first = [] if laws.endswith("_laws.py") else ["-x"]
    try:
        # Plain assertions: the libraries are imported, so pytest can no longer rewrite theirs.
        with contextlib.redirect_stdout(io.StringIO()):
            pytest.main(["-q", "--tb=no", "--assert=plain", "-p", "no:cacheprovider", *first, laws], plugins=[recorder])
    finally:
        found.put(recorder.failed)


def failed_laws(bug: Bug) -> set[str]:
    """Return the names of the laws that fail once the bug is planted."""
    # Forked processes find the libraries imported already, which is most of the time of a run.
    processes = multiprocessing.get_context("fork")
    found = processes.SimpleQueue()
    with tempfile.TemporaryDirectory() as folder:
        plant(bug, Path(folder))
        process = processes.Process(target=run_laws, args=(folder, bug.laws, found))
        process.start()
        failed = found.get()
        process.join()
    return failed


def say(line: str) -> None:
    """Write one line at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main(part: str = "") -> int:
    """Plant each bug and say what caught it, then which laws caught none."""
    for name in LIBRARIES:
        importlib.import_module(name)
    bugs, caught, busy = read_bugs(part), 0, set()
    with ProcessPoolExecutor(AT_ONCE, mp_context=multiprocessing.get_context("fork")) as pool:
        for bug, by in zip(bugs, pool.map(failed_laws, bugs), strict=True):
            caught, busy = caught + bool(by), busy | by
            say(f"{'caught' if by else 'MISSED'}  {bug.name}: {len(by)} laws")
    laws = {
        name
        for path in {bug.laws for bug in bugs if bug.laws.endswith("_laws.py")}
        for name in re.findall(r"^def (test_\w+)", (ROOT / path).read_text(), flags=re.MULTILINE)
    }
    say(f"{caught} of {len(bugs)} bugs caught; {len(laws & busy)} of {len(laws)} laws caught one")
    for name in sorted(laws - busy):
        say(f"IDLE  {name}")
    return int(caught < len(bugs) or (not part and bool(laws - busy)))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:2]))
