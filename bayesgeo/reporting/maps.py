"""Maps of rows, coloured by a number of each."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from bayesgeo.reporting.figures import INK, SEQUENCE, Picture, canvas, short, to_svg
from bayesgeo.reporting.text import number

# Half of the rows are in the first class, so that the few large values stand out.
EDGES = (0.5, 0.75, 0.9, 0.97)


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
    labels = [
        f"{short(axis)} ({short(unit)})" if unit else short(axis)
        for axis, unit in zip(places["axes"], places["units"], strict=True)
    ]
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
        axes.set_aspect(places["aspect"], adjustable="datalim")
        axes.margins(0.06)
        axes.set(xlabel=labels[0], ylabel=labels[1])
        axes.locator_params(nbins=5)
        axes.ticklabel_format(useOffset=False, style="plain")
        figure.legend(loc="outside lower left", ncols=3, frameon=False, fontsize=8, labelcolor=INK, columnspacing=1.0)
        svg = to_svg(figure, name)
    where = ", ".join(f"{label} {number(low)} to {number(high)}" for label, low, high in _spans(labels, x, y))
    told = "; ".join(f"{row['row']} {number(row['value'])}" for row in shown["largest"])
    return Picture(svg, f"Map of {of} of {len(x)} rows, {where}. Largest: {told}.")


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


__all__ = ["draw_map"]
