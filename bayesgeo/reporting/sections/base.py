"""A section of a report, and how the page finds the sections of this package and of others."""

import importlib
import json
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import xarray as xr

from bayesgeo import _registry
from bayesgeo._check import invalid

OURS = "bayesgeo"
Facts = dict[str, Any]


def _no_facts(evidences: Mapping[str, xr.DataTree], facts: Mapping[str, Any]) -> Facts:
    return {}


def _no_pictures(facts: Mapping[str, Any]) -> Facts | None:
    return {}


@dataclass(frozen=True)
class Section:
    """A section of the page.

    Another package adds one by an entry point of the group ``bayesgeo.sections`` that names its Section; within this
    package a Python file in this folder lists it in ``__all__``. Its template begins with ``<section id="name">`` and
    ``<h2>``; every value that it writes is escaped.

    Parameters
    ----------
    name : str
        Identifier of the section on the page, in lower case.
    order : float
        Its place: sections stand in increasing order.
    facts : callable, optional
        ``(evidences, facts) -> dict``: plain values for JSON, kept in ``report.json`` under ``sections`` and ``name``.
        ``evidences`` are the Evidence by model name, and ``facts`` the content of ``report.json`` so far.
    pictures : callable, optional
        ``(facts) -> dict or None``, from the content of ``report.json``: arguments of the template beside ``facts``,
        its ``own`` facts, ``dataset``, ``regression``, ``bayesian`` models and the macros ``badge``, ``picture`` and
        ``scroll`` of ``macros.html.j2``; None leaves the section out.
    template : path, optional
        File of the Jinja template; by default the ``.html.j2`` file beside the Python file of the Section.
    package : str
        The package that registers it; set by bayesgeo, not by the author.

    Raises
    ------
    InvalidInput
        If ``name`` is not an identifier.

    Examples
    --------
    >>> Section("notes", 75).pictures({})
    {}
    """

    name: str
    order: float
    facts: Callable[[Mapping[str, xr.DataTree], Mapping[str, Any]], Facts] = field(default=_no_facts, repr=False)
    pictures: Callable[[Mapping[str, Any]], Facts | None] = field(default=_no_pictures, repr=False)
    template: Path | None = None
    package: str = OURS

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z][a-z0-9_-]*", self.name):
            problem = "It must begin with a lower-case letter and hold only those, digits, '-' and '_'."
            raise invalid("section name", self.name, problem)

    def call[Result](self, of: str, function: Callable[[], Result]) -> Result:
        """Call a part of the section; an error in one of another package is reported with its name.

        Raises
        ------
        InvalidInput
            If a section of another package fails.
        """
        if self.package == OURS:
            return function()
        try:
            return function()
        except Exception as error:
            problem = f"Its {of} failed in package {self.package!r}: {type(error).__name__}: {error}."
            raise invalid("report section", self.name, problem, "Repair or uninstall the package.") from error


def all_sections() -> list[Section]:
    """Return the sections of this package and of installed ones, in their order on the page.

    Raises
    ------
    InvalidInput
        If two have the same name, or an entry point does not name a Section.

    Examples
    --------
    >>> [section.name for section in all_sections()][:3]
    ['decision', 'data', 'model']
    """
    foreign = map(_of, _registry.plugins("sections").values())
    found = _registry.by_name("section", [*_of_this_package(), *foreign], lambda item: item.name)
    return sorted(found.values(), key=lambda section: (section.order, section.name))


def _of_this_package() -> Iterable[Section]:
    for name, module in _registry.listed(__package__):
        item = getattr(importlib.import_module(module), name)
        if isinstance(item, Section):
            yield _placed(item, module)


def _of(entry: EntryPoint) -> Section:
    section, package = _registry.loaded(entry), entry.dist.name if entry.dist else entry.module
    if not isinstance(section, Section):
        raise invalid(
            "entry point", entry.name, f"{entry.value!r} of package {package!r} is no Section.", "Name a Section."
        )
    return replace(_placed(section, entry.module), package=package)


def _placed(section: Section, module: str) -> Section:
    """Fill in the template beside the Python file where none was given."""
    beside = Path(str(sys.modules[module].__file__)).with_suffix(".html.j2")
    return section if section.template else replace(section, template=beside)


def bayesian(facts: Mapping[str, Any]) -> list[Facts]:
    """Return the models that have a posterior."""
    return [model for model in facts["models"] if model["posterior"] or model["kind"] == "Bayesian"]


def group_facts(evidence: xr.DataTree, name: str) -> Facts | None:
    """Return the variables and attributes of a group as plain values; None where the Evidence has no such group."""
    if name not in evidence.children:
        return None
    group = evidence[name].to_dataset()
    return {str(key): values.values.tolist() for key, values in group.variables.items()} | group.attrs


def described(evidence: xr.DataTree) -> Facts:
    """Return the description of the data set that an Evidence carries; see :mod:`bayesgeo.evaluation.evidence`."""
    return json.loads(evidence.attrs["dataset_description"])


__all__ = ["Section", "all_sections", "bayesian", "described", "group_facts"]
