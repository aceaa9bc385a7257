"""Progress events: whatever runs announces its phases to one listener."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

Listener = Callable[[str, dict[str, Any]], None]


def _silent(phase: str, numbers: dict[str, Any]) -> None:
    """Ignore progress events: the default outside the command line."""


_listener: ContextVar[Listener] = ContextVar("listener", default=_silent)


def announce(phase: str, **numbers: Any) -> None:
    """Send a progress event: the phase that begins or goes on, with its numbers.

    Examples
    --------
    >>> with listening(lambda phase, numbers: print(phase, numbers)):
    ...     announce("sampling", draws=10)
    sampling {'draws': 10}
    """
    _listener.get()(phase, numbers)


def current() -> Listener:
    """Return the listener, for threads that do not inherit the context."""
    return _listener.get()


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Send progress events to ``listener`` inside the block."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)
