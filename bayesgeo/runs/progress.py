"""Live progress in a terminal, plain lines elsewhere."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from bayesgeo._progress import listening

WIDTH = 18
UNTIL_SETTLED = ("warming up", "fitting")  # phases that may end before their maximum


@contextmanager
def display() -> Iterator[None]:
    """Show the phase of each model while the block runs."""
    if sys.stderr.isatty():
        with _live() as listener, listening(listener):
            yield
    else:
        with listening(Lines()):
            yield


class Lines:
    """One line when a model begins, goes on to another fold, or ends."""

    def __init__(self) -> None:
        self.model = ""
        self.start = time.perf_counter()

    def __call__(self, phase: str, numbers: dict[str, Any]) -> None:
        """Print a line for a progress event."""
        if phase == "model":
            self.model, self.start = numbers["name"], time.perf_counter()
        if phase in ("model", "compiling", "fold", "done"):
            self._print(phase, numbers)

    def _print(self, phase: str, numbers: dict[str, Any]) -> None:
        elapsed = time.perf_counter() - self.start
        text = {"model": "begins", "fold": _fold(numbers)}.get(phase, phase)
        print(f"{self.model:{WIDTH}} {elapsed:6.1f} s  {text}", file=sys.stderr, flush=True)  # noqa: T201


def _fold(numbers: dict[str, Any]) -> str:
    return f"fit {numbers.get('fit')} of {numbers.get('total')}"


@contextmanager
def _live() -> Iterator[Any]:
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (
        SpinnerColumn(finished_text="✓"),
        TextColumn("{task.description}", markup=False),
        TextColumn("{task.fields[fold]}"),
        TextColumn("{task.fields[phase]}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, transient=False) as progress:
        yield _Live(progress)


class _Live:
    def __init__(self, progress: Any) -> None:
        self.progress = progress
        self.task: Any = None

    def __call__(self, phase: str, numbers: dict[str, Any]) -> None:
        if phase == "model":
            self._finish()
            name = f"{numbers['name']:{WIDTH}}"
            self.task = self.progress.add_task(name, total=1, fold="", phase="already done" if numbers["done"] else "")
        elif phase == "done":
            self._finish()
        elif phase == "fold":
            self.progress.update(self.task, fold=_fold(numbers), phase="")
        elif self.task is not None:
            self.progress.update(self.task, phase=describe(phase, numbers))

    def _finish(self) -> None:
        if self.task is not None:
            self.progress.update(self.task, completed=1, phase="done")
            self.task = None


def describe(phase: str, numbers: dict[str, Any]) -> str:
    """Describe a progress event in a few words.

    Examples
    --------
    >>> describe("sampling", {"draws": 1200, "total": 6000, "divergences": 0})
    'sampling  1200 of 6000 draws, 0 divergences'
    >>> describe("warming up", {"steps": 2000, "total": 10000})
    'warming up  2000 of at most 10000 steps'
    >>> describe("training", {"epoch": 7, "total": 500, "member": 2, "members": 8})
    'training  member 2 of 8, epoch 7'
    """
    parts = []
    if "member" in numbers:
        parts.append(f"member {numbers['member']} of {numbers['members']}")
    if "epoch" in numbers:
        parts.append(f"epoch {numbers['epoch']}")
    if "steps" in numbers:
        bound = "at most " if phase in UNTIL_SETTLED else ""
        parts.append(f"{numbers['steps']} of {bound}{numbers['total']} steps")
    if "draws" in numbers and "total" in numbers:
        parts += [f"{numbers['draws']} of {numbers['total']} draws", f"{numbers['divergences']} divergences"]
    return f"{phase}  {', '.join(parts)}" if parts else phase
