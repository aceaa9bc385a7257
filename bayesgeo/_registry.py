"""Find what can be chosen by name: our own modules by their ``__all__``, other packages by entry points."""

import ast
import importlib
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

from bayesgeo._check import did_you_mean, invalid

ROOT = Path(__file__).parent


@lru_cache
def listed(package: str) -> tuple[tuple[str, str], ...]:
    """List each name in the ``__all__`` of a package's modules with its module, without importing any of them.

    Modules of folders below count too; packages themselves do not.

    Examples
    --------
    >>> listed("bayesgeo.inference")[1]
    ('Collapsed', 'bayesgeo.inference.collapsed')
    """
    folder = ROOT.joinpath(*package.split(".")[1:])
    paths = [path for path in sorted(folder.rglob("*.py")) if path.name != "__init__.py"]
    return tuple(
        (name, ".".join([package, *path.relative_to(folder).with_suffix("").parts]))
        for path in paths
        for name in names_in(path, "__all__") or ()
    )


@lru_cache
def homes(package: str) -> Mapping[str, str]:
    """Map each name of :func:`listed` to its module.

    Raises
    ------
    InvalidInput
        If two modules define the same name.

    Examples
    --------
    >>> homes("bayesgeo.inference")["Exact"]
    'bayesgeo.inference.exact'
    """
    found: dict[str, str] = {}
    for name, module in listed(package):
        found[name] = _only(package, name, module, found.get(name))
    return found


def names_in(path: Path, variable: str) -> Any:
    """Return the literal that a file assigns to a variable, None where it assigns none, without running the file.

    Examples
    --------
    >>> names_in(ROOT / "inference" / "exact.py", "__all__")
    ['Exact']
    """
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == variable:
            return ast.literal_eval(node.value)
    return None


@lru_cache
def plugins(kind: str) -> Mapping[str, EntryPoint]:
    """Map names to the entry points of the group ``bayesgeo.<kind>`` in the installed packages.

    Raises
    ------
    InvalidInput
        If two packages register the same name.
    """
    found: dict[str, EntryPoint] = {}
    for entry in sorted(entry_points(group=f"bayesgeo.{kind}"), key=lambda entry: entry.name):
        before = found.get(entry.name)
        if before is not None and before.value != entry.value:
            _only(f"bayesgeo.{kind}", entry.name, entry.value, before.value)
        found[entry.name] = entry
    return found


def registered(kind: str) -> list[Any]:
    """Import everything of a kind: what our modules list in ``__all__``, and what other packages register.

    Raises
    ------
    InvalidInput
        If an entry point cannot be imported.

    Examples
    --------
    >>> sorted(inference.__name__ for inference in registered("inference"))[:2]
    ['ADVI', 'Collapsed']
    """
    ours = [getattr(importlib.import_module(module), name) for name, module in listed(f"bayesgeo.{kind}")]
    return [*ours, *(loaded(entry) for entry in plugins(kind).values())]


def by_name(kind: str, items: Iterable[Any], name: Callable[[Any], str]) -> dict[str, Any]:
    """Map items to their names, sorted.

    Raises
    ------
    InvalidInput
        If two have the same name.

    Examples
    --------
    >>> by_name("model", [int, float], lambda item: item.__name__)
    {'float': <class 'float'>, 'int': <class 'int'>}
    """
    found: dict[str, Any] = {}
    for item in items:
        before = found.get(name(item))
        if before is not None:
            _only(f"the {kind}s", name(item), _where(item), _where(before))
        found[name(item)] = item
    return dict(sorted(found.items()))


def loaded(entry: EntryPoint) -> Any:
    """Import what an entry point names.

    Raises
    ------
    InvalidInput
        If that fails.
    """
    try:
        return entry.load()
    except Exception as error:
        problem = f"Importing {entry.value!r} failed: {type(error).__name__}: {error}."
        raise invalid(
            "entry point", entry.name, problem, "Repair or uninstall the package that registers it."
        ) from error


def _only(where: str, name: str, new: str, before: str | None) -> str:
    if before is not None:
        raise invalid("name", name, f"Both {before} and {new} register it in {where}.", "Rename one of them.")
    return new


def _where(item: Any) -> str:
    return f"{getattr(item, '__module__', type(item).__module__)}.{getattr(item, '__qualname__', repr(item))}"


def lazily(package: str, others: Mapping[str, str]) -> Callable[[str], Any]:
    """Return the ``__getattr__`` of a package whose names are imported when they are first used.

    Parameters
    ----------
    package : str
        Its full name; what its modules list in ``__all__`` is found by looking.
    others : mapping of str to str
        Further public names, and the modules below the package that hold them.

    Examples
    --------
    >>> lazily("bayesgeo.inference", {"Problem": "base"})("Exact")
    <class 'bayesgeo.inference.exact.Exact'>
    """

    def find(name: str) -> Any:
        if name.startswith("__") and name != "__all__":
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        known = dict(listed(package)) | {name: f"{package}.{module}" for name, module in others.items()}
        if name == "__all__":
            return sorted(known)
        if name not in known:
            raise AttributeError(f"module {package!r} has no attribute {name!r}. {did_you_mean(name, known)}")
        return getattr(importlib.import_module(known[name]), name)

    return find
