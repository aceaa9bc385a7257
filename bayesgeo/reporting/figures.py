"""Figures of a report: inline SVG that follows the colours of the page, the same bytes for the same facts."""

import io
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
import numpy as np
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bayesgeo.reporting.text import clean, number

# Stand-ins that matplotlib can draw with; the SVG gets the variables of the page's style sheet instead.
INK, FAINT = "#010203", "#010204"
COLOURS = {"Bayesian": "#010205", "deterministic": "#010206", "baseline": "#010207"}
VARIABLES = {
    INK: "var(--ink)",
    FAINT: "var(--faint)",
    COLOURS["Bayesian"]: "var(--bayes)",
    COLOURS["deterministic"]: "var(--plain)",
    COLOURS["baseline"]: "var(--base)",
}
SEQUENCE = tuple(f"#01021{k}" for k in range(1, 6))  # from little to much
VARIABLES |= {colour: f"var(--much{k})" for k, colour in enumerate(SEQUENCE, start=1)}
DIVERGING = tuple(f"#01022{k}" for k in range(1, 8))  # from far below zero to far above
VARIABLES |= {colour: f"var(--side{k})" for k, colour in enumerate(DIVERGING, start=1)}
COLOURS["chain"] = FAINT  # one chain of several
MARKERS = {"Bayesian": "o", "deterministic": "s", "baseline": "D", "chain": "o"}
STYLE: Any = {
    "svg.fonttype": "none",
    "text.parse_math": False,
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 10,
    "axes.edgecolor": FAINT,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.unicode_minus": True,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.labelsize": 9,
    "ytick.labelsize": 10,
}
LONGEST = 26
MOST = 24  # lines of a forest, at most


@dataclass(frozen=True)
class Mark:
    """One line of a forest: a value with its interval, and perhaps that of its prior."""

    label: str
    value: float
    low: float | None
    high: float | None
    kind: str = "Bayesian"
    prior: tuple[float, float] | None = None


@dataclass(frozen=True)
class Picture:
    """A drawing and its alternative text."""

    svg: Markup
    alt: str


def forest(
    marks: Sequence[Mark], *, name: str, xlabel: str, reference: float | None = None, reference_label: str = ""
) -> Picture:
    """Draw values with their intervals, one below the other.

    Baselines far outside the others' range are written at the edge, so that they do not squeeze the others.

    Parameters
    ----------
    marks : sequence of Mark
        From top to bottom.
    name : str
        Prefix of the identifiers in the SVG, unique on a page.
    xlabel : str
        Label of the axis, with its unit.
    reference : float, optional
        Where to draw a vertical line.
    reference_label : str
        Label of the line.

    Returns
    -------
    Picture
        The drawing and its alternative text.
    """
    with canvas(4.7, 0.85 + 0.3 * len(marks)) as (figure, axes):
        low, high = _range(marks, reference)
        for row, mark in enumerate(marks):
            _draw_mark(axes, row, mark, low, high)
        if reference is not None:
            axes.axvline(reference, color=INK, linewidth=1, linestyle=(0, (4, 3)), zorder=0)
        axes.set_xlim(low, high)
        axes.set_ylim(len(marks) - 0.4, -0.6)
        axes.set_yticks(range(len(marks)), [short(mark.label) for mark in marks])
        axes.set_xlabel(xlabel)
        axes.tick_params(axis="y", length=0)
        axes.locator_params(axis="x", nbins=6)
        svg = to_svg(figure, name)
    drawn = "; ".join(f"{mark.label} {number(mark.value)}" for mark in marks)
    line = f" Dashed line: {reference_label} {number(reference)}." if reference_label else ""
    return Picture(svg, f"{xlabel}: {drawn}.{line}")


def _range(marks: Sequence[Mark], reference: float | None) -> tuple[float, float]:
    near = [mark for mark in marks if mark.kind != "baseline"] or marks
    ends = [end for mark in near for end in (mark.value, mark.low, mark.high) if end is not None]
    ends += [] if reference is None else [reference]
    margin = 0.08 * (max(ends) - min(ends)) or 0.1
    return min(ends) - margin, max(ends) + margin


def _draw_mark(axes: Axes, row: int, mark: Mark, low: float, high: float) -> None:
    colour, beyond = COLOURS[mark.kind], not low <= mark.value <= high
    if beyond:
        right = mark.value > high
        text = f"{number(mark.value)} →" if right else f"← {number(mark.value)}"
        edge = 0.02 * (high - low)
        x, side = (high - edge, "right") if right else (low + edge, "left")
        axes.text(x, row, text, ha=side, va="center", color=colour)
        return
    if mark.prior is not None:
        band: Any = {"linewidth": 9, "alpha": 0.3, "solid_capstyle": "butt"}
        axes.plot(np.clip(mark.prior, low, high), [row, row], color=FAINT, **band)
    if mark.low is not None and mark.high is not None:
        axes.plot([mark.low, mark.high], [row, row], color=colour, linewidth=2, solid_capstyle="round")
    axes.plot(mark.value, row, MARKERS[mark.kind], color=colour, markersize=6.5)


def strips(drawn: Sequence[tuple[Mark, Sequence[float]]], *, name: str, xlabel: str) -> Picture:
    """Draw the values that single draws of the posterior give, one below the other, and the mark of each model."""
    with canvas(4.7, 0.85 + 0.45 * len(drawn)) as (figure, axes):
        for row, (mark, values) in enumerate(drawn):
            axes.plot(values, np.full(len(values), row), "|", color=COLOURS[mark.kind], alpha=0.35, markersize=14)
            axes.plot(mark.value, row, MARKERS[mark.kind], color=INK, markersize=5)
        axes.set_ylim(len(drawn) - 0.4, -0.6)
        axes.set_yticks(range(len(drawn)), [short(mark.label) for mark, _ in drawn])
        axes.set_xlabel(xlabel)
        axes.tick_params(axis="y", length=0)
        axes.locator_params(axis="x", nbins=6)
        svg = to_svg(figure, name)
    told = "; ".join(
        f"{mark.label} {number(mark.value)}, {len(values)} draws {number(min(values))} to {number(max(values))}"
        for mark, values in drawn
    )
    return Picture(svg, f"{xlabel}: {told}.")


def scatter(rows: Sequence[Mapping[str, float]], *, name: str, kind: str, unit: str) -> Picture:
    """Draw observed against predicted values, with the predictive interval of each row."""
    with canvas(2.9, 2.7) as (figure, axes):
        x, y, low, high = (np.array([row[key] for row in rows]) for key in ("predicted", "observed", "low", "high"))
        ends = [min(x.min(), y.min()), max(x.max(), y.max())]
        axes.plot(ends, ends, color=FAINT, linewidth=1)
        axes.vlines(x, low, high, color=COLOURS[kind], linewidth=0.8, alpha=0.35)
        axes.plot(x, y, ".", color=COLOURS[kind], markersize=3.5)
        suffix = f" ({short(unit)})" if unit else ""
        axes.set(xlabel=f"predicted{suffix}", ylabel=f"observed{suffix}")
        axes.locator_params(nbins=5)
        svg = to_svg(figure, name)
    inside = int(((low <= y) & (y <= high)).sum())
    return Picture(svg, f"Observed against predicted values of {len(x)} rows, {inside} of them inside their interval.")


def curves(
    steps: Sequence[float],
    chains: Sequence[Sequence[float | None]],
    together: Sequence[float | None] | None,
    *,
    name: str,
    ylabel: str,
) -> Picture:
    """Draw a value of each chain by step in thin lines, and of all chains together in a thick one.

    The axis covers the better three quarters of the chains; a chain far below is cut off.
    """
    with canvas(4.7, 2.8) as (figure, axes):
        values, pooled = np.array(chains, dtype=float), np.array(together or [], dtype=float)
        better = np.sort(np.nan_to_num(values, nan=-np.inf), axis=0)[len(values) // 4 :]
        ends = np.append(better, pooled)
        ends = ends[np.isfinite(ends)] if np.isfinite(ends).any() else np.zeros(1)
        margin = 0.05 * np.ptp(ends) or 0.1
        axes.plot(steps, values.T, color=FAINT if together else COLOURS["Bayesian"], linewidth=1)
        if together:
            axes.plot(steps, pooled, color=COLOURS["Bayesian"], linewidth=2.2)
        axes.set(ylim=(ends.min() - margin, ends.max() + margin), xlabel="steps", ylabel=ylabel)
        axes.set_xlim(left=0)
        axes.locator_params(nbins=6)
        svg = to_svg(figure, name)
    last = f" All together: {number(together[0])} at first, {number(together[-1])} at last." if together else ""
    final = ", ".join(number(value) for value in values[:, -1])
    return Picture(svg, f"{ylabel}, of {len(values)} chains over {number(steps[-1])} steps, at last {final}.{last}")


@contextmanager
def canvas(width: float, height: float) -> Iterator[tuple[Figure, Axes]]:
    """Yield empty axes of this size in inches, in the style of the page."""
    with mpl.rc_context(), warnings.catch_warnings():
        # Text stays text: the reader's font has the glyph, even where matplotlib's own has not.
        warnings.filterwarnings("ignore", message="Glyph .* missing")
        mpl.rcdefaults()
        mpl.rcParams.update(STYLE)
        figure = Figure(figsize=(width, height), layout="constrained")
        yield figure, figure.add_subplot()


def to_svg(figure: Figure, name: str) -> Markup:
    """Save as SVG for inside HTML: without header, metadata, own style or group names; with the page's colours."""
    mpl.rcParams["svg.hashsalt"] = name  # shapes get identifiers that are unique on the page
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r'<svg [^>]*(viewBox="[^"]*")[^>]*>', r'<svg \1 aria-hidden="true">', text, count=1)
    text = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>", "", text, flags=re.DOTALL)
    text = re.sub(r'(<\w+) id="[\w.]+_\d+"', r"\1", text)
    return Markup(re.sub(r"(?<=: )#0102[012]\d", lambda match: VARIABLES[match.group()], text))


def short(text: str) -> str:
    """Cut a name to the length that fits an axis.

    Examples
    --------
    >>> short("a name that goes on and on and on")
    'a name that goes on and o…'
    """
    text = clean(text)
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
