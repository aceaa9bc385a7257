"""Render facts as one self-contained HTML page."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from bayesgeo._check import invalid
from bayesgeo.reporting import text
from bayesgeo.reporting.sections.base import Section, all_sections, bayesian
from bayesgeo.reporting.sections.scores import metric_name

Facts = Mapping[str, Any]
HERE = Path(__file__).parent


def render(facts: Facts) -> str:
    """Write facts as a page of HTML.

    Parameters
    ----------
    facts : mapping
        Return value of :func:`bayesgeo.reporting.facts.gather`.

    Returns
    -------
    str
        A page without scripts or references to anything outside it; every name in it is escaped.

    Raises
    ------
    InvalidInput
        If a section of another package fails.
    """
    environment, shared = _environment(facts), _shared(facts)
    drawn = [(section, section.call("pictures", partial(section.pictures, facts))) for section in all_sections()]
    shown = [(section, pictures) for section, pictures in drawn if pictures is not None]
    shared["sections"] = [section.name for section, _ in shown]
    inside = {
        section.name: section.call("template", partial(_inside, environment, section, shared, pictures))
        for section, pictures in shown
    }
    return environment.get_template("page.html.j2").render(shared | {"sections": inside})


def _shared(facts: Facts) -> dict[str, Any]:
    """Return the arguments of every template."""
    dataset = facts["dataset"]
    regression = dataset["task"] == "regression"
    return {"facts": facts, "dataset": dataset, "regression": regression, "bayesian": bayesian(facts)}


def _inside(
    environment: Environment, section: Section, shared: Mapping[str, Any], pictures: Mapping[str, Any]
) -> Markup:
    template = environment.from_string(Path(str(section.template)).read_text(encoding="utf-8"))
    own = shared["facts"]["sections"].get(section.name, {})
    written = template.render(dict(shared) | {"own": own} | dict(pictures))
    if f'<section id="{section.name}">' not in written:
        raise invalid("template", str(section.template), f'It must begin with <section id="{section.name}">.')
    return Markup(written)


def _environment(facts: Facts) -> Environment:
    environment = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        loader=FileSystemLoader([HERE, HERE / "sections"]),
        finalize=_finalize,
    )
    environment.filters |= {
        "number": text.number,
        "fixed": text.fixed,
        "percent": text.percent,
        "or_dash": lambda value: text.DASH if value is None else text.number(value),
        "metric_name": partial(metric_name, task=facts["dataset"]["task"]),
    }
    macros: Any = environment.get_template("macros.html.j2").module
    environment.globals |= {name: getattr(macros, name) for name in ("badge", "picture", "scroll")}
    return environment


def _finalize(value: Any) -> Any:
    return value if isinstance(value, Markup) else text.clean(str(value))


__all__ = ["render"]
