"""The specification of a model: its formula, its priors with their reasons, and a drawing of its graph."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import xarray as xr
from markupsafe import Markup

from bayesgeo.reporting.figures import Picture, short
from bayesgeo.reporting.sections.base import Section

ROW, PER_LETTER, GAP, BEND = 40, 7.5, 46, 34
Box = tuple[float, float, float]
Facts = dict[str, Any]


def stated(evidence: xr.DataTree) -> Facts:
    """Return the specification of a model, empty where it has none.

    Returns
    -------
    dict
        As :meth:`bayesgeo.models.specification.Specification.to_dict` writes it.
    """
    return json.loads(evidence.attrs.get("specification", "null")) or {}


def specification(evidence: xr.DataTree) -> Facts | None:
    """Return the specification of a model with priors; None for a model without."""
    found = stated(evidence)
    return found if found.get("priors") else None


def power_told(power: float | None) -> str:
    """Say what a likelihood raised to a power below one means; nothing of others.

    Examples
    --------
    >>> print(power_told(0.3))
    Generalised Bayes: the likelihood is raised to the power 0.3, so that each row counts as 0.3 of one. Rows of a group
    are more alike than the model knows, and with all of their weight it predicted groups held out clearly worse.
    >>> power_told(1.0)
    ''
    """
    if power is None or power == 1:
        return ""
    return (
        f"Generalised Bayes: the likelihood is raised to the power {power:g}, so that each row counts as "
        f"{power:g} of one. Rows of a group are more alike than the model knows, and with all of their weight it "
        "predicted groups held out clearly worse."
    )


def pictures(facts: Mapping[str, Any]) -> Facts:
    """Return what the template shows beside the facts."""
    return {"graph": graph, "power_told": power_told}


section = Section("model", 30, pictures=pictures)


def graph(drawn: Mapping[str, Any]) -> Picture:
    """Draw the dependence graph: parameters are round, observed quantities square.

    Parameters
    ----------
    drawn : mapping
        ``columns`` of names, from what the model assumes to what it predicts; ``edges``, pairs of names; ``observed``
        names.

    Returns
    -------
    Picture
        The drawing and its alternative text.

    Examples
    --------
    >>> graph({"columns": [["w", "x"], ["y"]], "edges": [["w", "y"], ["x", "y"]], "observed": ["x", "y"]}).alt
    'Graph of the model: y depends on w, x.'
    """
    columns, edges = drawn["columns"], drawn["edges"]
    boxes = _boxes(columns)
    column = {name: k for k, names in enumerate(columns) for name in names}
    far = any(column[b] - column[a] > 1 for a, b in edges)
    height = ROW * max(map(len, columns)) + (BEND if far else 0)
    shapes = [_arrow(boxes[a], boxes[b], height if column[b] - column[a] > 1 else None) for a, b in edges]
    shapes += [_box(box, name, square=name in drawn["observed"]) for name, box in boxes.items()]
    right = max(x + width for x, _, width in boxes.values())
    svg = Markup('<svg viewBox="0 0 {0:.0f} {1}" style="max-width: {0:.0f}px" aria-hidden="true">')
    svg = svg.format(right + 4, height)
    causes = {b: ", ".join(a for a, end in edges if end == b) for _, b in edges}
    told = "; ".join(f"{short(name)} depends on {names}" for name, names in causes.items())
    return Picture(svg + Markup("").join(shapes) + Markup("</svg>"), f"Graph of the model: {told}.")


def _boxes(columns: Sequence[Sequence[str]]) -> dict[str, Box]:
    boxes: dict[str, Box] = {}
    x, height = 4.0, ROW * max(map(len, columns))
    for column in columns:
        width = max(40.0, *(PER_LETTER * len(short(name)) + 16 for name in column))
        top = (height - ROW * len(column)) / 2
        boxes |= {name: (x, top + ROW * k + 5, width) for k, name in enumerate(column)}
        x += width + GAP
    return boxes


def _box(box: Box, name: str, *, square: bool) -> Markup:
    x, y, width = box
    shape = Markup(
        '<rect x="{:.0f}" y="{:.0f}" width="{:.0f}" height="30" rx="{}" fill="var(--panel)" stroke="var(--faint)"/>'
        '<text x="{:.0f}" y="{:.0f}" text-anchor="middle" font-size="14" fill="var(--ink)">{}</text>'
    )
    return shape.format(x, y, width, 2 if square else 15, x + width / 2, y + 20, short(name))


def _arrow(start: Box, end: Box, below: float | None) -> Markup:
    """Draw a line to the left of a box; one that passes other boxes goes ``below`` them."""
    x, y, tip, down = start[0] + start[2], start[1] + 15, end[0] - 3, end[1] + 15
    bend = Markup("L") if below is None else Markup("Q{:.0f} {:.0f} ").format((x + tip) / 2, 2 * below - down - 30)
    return Markup(
        '<path d="M{:.0f} {:.0f}{}{:.0f} {:.0f}" stroke="var(--soft)" fill="none"/>'
        '<circle cx="{:.0f}" cy="{:.0f}" r="3" fill="var(--soft)"/>'
    ).format(x, y, bend, tip, down, tip, down)


__all__ = ["graph", "power_told", "section", "specification", "stated"]
