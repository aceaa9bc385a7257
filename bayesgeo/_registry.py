"""Find what can be chosen by name: our own modules by their ``__all__``, other packages by entry points."""

import ast
import importlib
from collections.abc import Mapping
from functools import lru_cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

from bayesgeo._check import invalid

ROOT = Path(__file__).parent


@lru_cache
def homes(package: str) -> Mapping[str, str]:
    """Map each name in the ``__all__`` of a package's modules to its module, without importing any of them.

    Modules of folders below count too; packages themselves do not.

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
    folder = ROOT.joinpath(*package.split(".")[1:])
    for path in sorted(folder.rglob("*.py")):
        if path.name == "__init__.py":
            continue
        module = ".".join([package, *path.relative_to(folder).with_suffix("").parts])
        for name in names_in(path, "__all__") or ():
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


def registered(kind: str) -> dict[str, Any]:
    """Import everything of a kind: the public names of ``bayesgeo.<kind>`` and what other packages register.

    Raises
    ------
    InvalidInput
        If a name is taken twice, or an entry point cannot be imported.

    Examples
    --------
    >>> sorted(registered("inference"))[:2]
    ['ADVI', 'Exact']
    """
    ours = homes(f"bayesgeo.{kind}")
    found = {name: getattr(importlib.import_module(module), name) for name, module in ours.items()}
    for name, entry in plugins(kind).items():
        _only(f"bayesgeo.{kind}", name, entry.value, ours.get(name))
        found[name] = loaded(entry)
    return found


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
