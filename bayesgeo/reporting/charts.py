"""Figures of the quality of predictions: calibration, the risk of the most certain rows, the value of acting."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bayesgeo._arrays import spaced
from bayesgeo.reporting.figures import COLOURS, FAINT, INK, MARKERS, Picture, canvas, short, to_svg
from bayesgeo.reporting.text import number

STYLES = ("-", (0, (5, 2)), (0, (1, 1.5)), (0, (5, 1, 1, 1)))  # distinguish models of one kind without colour
TOLD = 6  # points of a curve listed in its alternative text


@dataclass(frozen=True)
class Line:
    """One model's curve; None where it has no value."""

    label: str
    x: Sequence[float | None]
    y: Sequence[float | None]
    kind: str = "Bayesian"


def lines(
    drawn: Sequence[Line], *, name: str, xlabel: str, ylabel: str, reference: float | None = None, floor: float = -1e9
) -> Picture:
    """Draw the curves of several models in one figure, distinguished by colour and by dashes.

    Parameters
    ----------
    drawn : sequence of Line
        The curves.
    name : str
        Prefix of the identifiers in the SVG, unique on a page.
    xlabel, ylabel : str
        Labels of the axes, with their unit.
    reference : float, optional
        Where to draw a horizontal line.
    floor : float
        Lower bound of the axis, however far a curve falls; a baseline far from the models is cut off too.

    Returns
    -------
    Picture
        The drawing and its alternative text.
    """
    with canvas(4.7, 3.0 + 0.11 * len(drawn)) as (figure, axes):
        for k, line in enumerate(drawn):
            style = STYLES[[other.kind for other in drawn[:k]].count(line.kind) % len(STYLES)]
            x, y = np.array(line.x, dtype=float), np.array(line.y, dtype=float)
            axes.plot(x, y, color=COLOURS[line.kind], linestyle=style, linewidth=1.8, label=_label(line))
        if reference is not None:
            axes.axhline(reference, color=INK, linewidth=0.8, zorder=0)
        axes.set(xlabel=short(xlabel), ylabel=short(ylabel), ylim=_range(drawn, reference, floor))
        figure.legend(loc="outside lower left", ncols=2, frameon=False, fontsize=9, labelcolor=INK)
        svg = to_svg(figure, name)
    told = "; ".join(f"{line.label} {_told(line.x, line.y)}" for line in drawn)
    return Picture(svg, f"{ylabel} by {xlabel}: {told}.")


def _range(drawn: Sequence[Line], reference: float | None, floor: float) -> tuple[float, float]:
    """Return the ends of the axis: those of the models, because a baseline far outside would squeeze them."""
    near = [line for line in drawn if line.kind != "baseline"] or drawn
    values = np.array([value for line in near for value in (*line.y, reference) if value is not None] or [0.0])
    margin = 0.06 * np.ptp(values) or 0.1
    return max(values.min() - margin, floor), values.max() + margin


def _label(line: Line) -> str:
    # Matplotlib leaves labels that begin with an underscore out of a legend.
    label = short(line.label)
    return f" {label}" if label.startswith("_") else label


def _told(x: Sequence[float | None], y: Sequence[float | None]) -> str:
    known = [(a, b) for a, b in zip(x, y, strict=True) if a is not None and b is not None]
    if not known:
        return "unknown"
    at = spaced(len(known), TOLD)
    return ", ".join(f"{number(known[k][1], digits=2)} at {number(known[k][0], digits=2)}" for k in at)


def reliability(calibration: Mapping[str, Any], *, name: str, kind: str, event: str) -> Picture:
    """Draw the recalibrated frequency over the predicted probability, and the band of a calibrated model."""
    with canvas(2.9, 2.7) as (figure, axes):
        x, y, low, high, rows = (
            np.array(calibration[key], dtype=float)
            for key in ("predicted", "observed", "band_low", "band_high", "rows")
        )
        axes.fill_between(x, low, high, color=FAINT, alpha=0.35, linewidth=0)
        axes.plot([0, 1], [0, 1], color=FAINT, linewidth=1)
        axes.vlines(x, 0, 0.15 * rows / rows.max(), color=FAINT, linewidth=1.5)
        axes.plot(x, y, color=COLOURS[kind], linewidth=1.8, marker=MARKERS[kind] if len(x) == 1 else None)
        axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), xlabel=f"predicted: {short(event)}", ylabel="observed")
        svg = to_svg(figure, name)
    inside = int(((low <= y) & (y <= high)).sum())
    told = _told(calibration["predicted"], calibration["observed"])
    return Picture(svg, f"Observed frequency by predicted probability: {told}; {inside} of {len(x)} inside the band.")


def pit(calibration: Mapping[str, Any], *, name: str, kind: str) -> Picture:
    """Draw how many outcomes fell into each twentieth of their predictive distribution."""
    with canvas(2.9, 2.2) as (figure, axes):
        x, count, low, high = (
            np.array(calibration[key], dtype=float) for key in ("bin", "pit_count", "pit_low", "pit_high")
        )
        axes.bar(x, count, width=0.9 * (x[1] - x[0]), color=COLOURS[kind], alpha=0.75)
        axes.bar(x, high - low, bottom=low, width=x[1] - x[0], color=FAINT, alpha=0.35, linewidth=0)
        axes.axhline(count.sum() / len(x), color=INK, linewidth=0.8)
        axes.set(xlim=(0, 1), xlabel="quantile of the prediction", ylabel="rows")
        axes.locator_params(nbins=5)
        svg = to_svg(figure, name)
    inside = int(((low <= count) & (count <= high)).sum())
    return Picture(svg, f"Rows in each twentieth of their prediction: {inside} of {len(x)} counts are inside the band.")


__all__ = ["Line", "lines", "pit", "reliability"]
