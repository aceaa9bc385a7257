"""Maps of rows, coloured by a number of each, and of the effects of groups."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from bayesgeo.reporting.figures import DIVERGING, FAINT, INK, SEQUENCE, Picture, canvas, short, to_svg
from bayesgeo.reporting.text import number

# Half of the rows are in the first class, so that the few large values stand out.
EDGES = (0.5, 0.75, 0.9, 0.97)
HALVES = np.array([-2.5, -1.5, -0.5, 0.5, 1.5, 2.5])  # edges of seven classes around zero, in steps
STEPS = np.array([1.0, 2.0, 5.0, 10.0])
FAR = 0.98  # quantile of the sizes that the sixth edge is near


def draw_map(places: Mapping[str, Any], shown: Mapping[str, Any], *, name: str, of: str) -> Picture:
    """Draw rows on a map, coloured by five classes of a number, and number those where it is largest.

    Parameters
    ----------
    places : mapping
        Of :func:`bayesgeo.reporting.sections.map.places`.
    shown : mapping
        ``values`` of the rows drawn and ``largest``, as of :func:`bayesgeo.reporting.sections.map.mapped`.
    name : str
        Prefix of the identifiers in the SVG, unique on a page.
    of : str
        Name of the number, with its unit.

    Returns
    -------
    Picture
        The drawing and its alternative text.
    """
    x, y, values = (np.array(part, dtype=float) for part in (places["x"], places["y"], shown["values"]))
    labels = _axis_labels(places)
    with canvas(4.7, 4.5) as (figure, axes):
        for k, (rows, legend) in enumerate(_classes(values)):
            axes.plot(
                x[rows],
                y[rows],
                "o",
                color=SEQUENCE[k],
                markersize=3.0 + 0.7 * k,
                markeredgewidth=0,
                label=legend,
            )
        for (east, north), numbers in _together(shown["largest"]).items():
            axes.plot(east, north, "o", markersize=9, markerfacecolor="none", markeredgecolor=INK, markeredgewidth=1)
            axes.annotate(numbers, (east, north), xytext=(6, 5), textcoords="offset points", fontsize=9, color=INK)
        _as_map(axes, places, labels)
        figure.legend(loc="outside lower left", ncols=3, frameon=False, fontsize=8, labelcolor=INK, columnspacing=1.0)
        svg = to_svg(figure, name)
    where = ", ".join(f"{label} {number(low)} to {number(high)}" for label, low, high in _spans(labels, x, y))
    told = "; ".join(f"{row['row']} {number(row['value'])}" for row in shown["largest"])
    return Picture(svg, f"Map of {of} of {len(x)} rows, {where}. Largest: {told}.")


def draw_effects_map(places: Mapping[str, Any], *, name: str, of: str, unit: str) -> Picture:
    """Draw effects of groups at their places, in seven classes around zero: triangles up above it, down below it.

    Parameters
    ----------
    places : mapping
        Of :func:`bayesgeo.reporting.sections.group_effects.group_effects`.
    name : str
        Prefix of the identifiers in the SVG, unique on a page.
    of, unit : str
        What is drawn, and its unit.

    Returns
    -------
    Picture
        The drawing and its alternative text.
    """
    x, y, values = (np.array(places[key], dtype=float) for key in ("x", "y", "values"))
    labels, edges = _axis_labels(places), around_zero(values)
    codes = np.searchsorted(edges, values)
    with canvas(4.7, 4.9) as (figure, axes):
        for k in (3, 2, 4, 1, 5, 0, 6):  # the largest on top
            at = codes == k
            style: Any = {"color": DIVERGING[k], "markersize": 3.5 + 1.2 * abs(k - 3), "markeredgewidth": 0}
            axes.plot(x[at], y[at], "v" if k < 3 else "o" if k == 3 else "^", **style)
        _as_map(axes, places, labels)
        _colour_bar(figure, edges, f"{short(of)} ({short(unit)})" if unit else short(of))
        svg = to_svg(figure, name)
    where = ", ".join(f"{label} {number(low)} to {number(high)}" for label, low, high in _spans(labels, x, y))
    least, most = int(values.argmin()), int(values.argmax())
    ends = f"Lowest: {places['level'][least]} {number(values[least])}; highest: {places['level'][most]}"
    return Picture(svg, f"Map of {of} of {len(x)} groups, {where}. {ends} {number(values[most])}.")


def around_zero(values: np.ndarray) -> np.ndarray:
    """Return the six edges of seven classes of round width, the middle one around zero.

    Examples
    --------
    >>> around_zero(np.array([-0.31, 0.02, 0.2])).round(3).tolist()
    [-0.25, -0.15, -0.05, 0.05, 0.15, 0.25]
    """
    size = float(np.quantile(np.abs(values), FAR)) / 3 or 1.0
    power = 10.0 ** np.floor(np.log10(size))
    return HALVES * power * STEPS[np.abs(STEPS - size / power).argmin()]


def _colour_bar(figure: Figure, edges: np.ndarray, label: str) -> None:
    """Draw the seven colours in a row below the map, their edges numbered."""
    bar = figure.add_gridspec(2, 1, height_ratios=(30, 1))
    figure.axes[0].set_subplotspec(bar[0])
    axes = figure.add_subplot(bar[1])
    for k, colour in enumerate(DIVERGING):
        axes.add_patch(Rectangle((k, 0), 1, 1, facecolor=colour, edgecolor="none"))
    axes.set(xlim=(0, len(DIVERGING)), ylim=(0, 1), yticks=[], xlabel=label)
    axes.set_xticks(range(1, len(DIVERGING)), [number(edge, digits=2) for edge in edges])
    axes.tick_params(color=FAINT, length=2)
    for side in axes.spines.values():
        side.set_visible(False)


def _axis_labels(places: Mapping[str, Any]) -> list[str]:
    named = zip(places["axes"], places["units"], strict=True)
    return [f"{short(axis)} ({short(unit)})" if unit else short(axis) for axis, unit in named]


def _as_map(axes: Axes, places: Mapping[str, Any], labels: list[str]) -> None:
    axes.set_aspect(places["aspect"], adjustable="datalim")
    axes.margins(0.06)
    axes.set(xlabel=labels[0], ylabel=labels[1])
    axes.locator_params(nbins=5)
    axes.ticklabel_format(useOffset=False, style="plain")


def _classes(values: np.ndarray) -> list[tuple[np.ndarray, str]]:
    known = values[np.isfinite(values)]
    if not len(known):
        return []
    edges = np.unique(np.quantile(known, EDGES))
    edges = edges[edges < known.max()]
    codes = np.where(np.isfinite(values), np.searchsorted(edges, values, side="left"), -1)
    parts = [(codes == k, values[codes == k]) for k in range(len(edges) + 1)]
    named = [(rows, f"{number(part.min())} to {number(part.max())}") for rows, part in parts if len(part)]
    return [(named[0][0], f"up to {number(parts[0][1].max())}"), *named[1:]]


def _together(largest: Any) -> dict[tuple[float, float], str]:
    """Join the numbers of rows at one place."""
    found: dict[tuple[float, float], str] = {}
    for k, row in enumerate(largest, start=1):
        at = (row["x"], row["y"])
        found[at] = f"{found[at]}, {k}" if at in found else str(k)
    return found


def _spans(labels: list[str], x: np.ndarray, y: np.ndarray) -> list[tuple[str, float, float]]:
    return [(label, float(part.min()), float(part.max())) for label, part in zip(labels, (x, y), strict=True)]


__all__ = ["around_zero", "draw_effects_map", "draw_map"]
