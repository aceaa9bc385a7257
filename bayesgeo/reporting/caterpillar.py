"""Figures of the effects of groups: sorted with their intervals, and drawn towards zero."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from bayesgeo.reporting.figures import COLOURS, FAINT, INK, MARKERS, Picture, canvas, short, to_svg
from bayesgeo.reporting.text import number

EVERY = 24  # levels that are all named beside the figure; of more, those at the ends
AT_ENDS = 6


def caterpillar(rows: Sequence[Mapping[str, Any]], *, name: str, kind: str, xlabel: str) -> Picture:
    """Draw effects with their intervals, sorted, the lowest at the bottom; pale where the interval holds zero.

    Parameters
    ----------
    rows : sequence of mapping
        ``level``, ``mean``, ``low`` and ``high``, in increasing order of the mean.
    name : str
        Prefix of the identifiers in the SVG, unique on a page.
    kind : str
        Kind of the model.
    xlabel : str
        Label of the axis, with its unit.

    Returns
    -------
    Picture
        The drawing and its alternative text.
    """
    n = len(rows)
    named = range(n) if n <= EVERY else [*range(AT_ENDS), *range(n - AT_ENDS, n)]
    mean, low, high = (np.array([row[key] for row in rows], dtype=float) for key in ("mean", "low", "high"))
    with canvas(4.7, 0.85 + (0.24 if n <= EVERY else 0.12) * n) as (figure, axes):
        apart = (low > 0) | (high < 0)
        for chosen, alpha in ((apart, 1.0), (~apart, 0.5)):
            at = np.flatnonzero(chosen)
            axes.hlines(at, low[at], high[at], color=COLOURS[kind], linewidth=1.6, alpha=alpha)
            axes.plot(mean[at], at, MARKERS[kind], color=COLOURS[kind], markersize=4, alpha=alpha, markeredgewidth=0)
        axes.axvline(0, color=INK, linewidth=1, linestyle=(0, (4, 3)), zorder=0)
        axes.set_ylim(-0.8, n - 0.2)
        axes.set_yticks(list(named), [short(rows[k]["level"]) for k in named])
        axes.set_xlabel(xlabel)
        axes.tick_params(axis="y", length=0, labelsize=8)
        axes.locator_params(axis="x", nbins=6)
        svg = to_svg(figure, name)
    ends = [rows[0]] if n == 1 else [rows[0], rows[-1]]
    told = "; highest ".join(f"{row['level']} {_told(row)}" for row in ends)
    return Picture(svg, f"{xlabel}, {n} sorted: lowest {told}. {int(apart.sum())} intervals exclude zero.")


def _told(row: Mapping[str, Any]) -> str:
    return f"{number(row['mean'])} ({number(row['low'])} to {number(row['high'])})"


def shrinkage(found: Mapping[str, Any], *, name: str, kind: str, unit: str) -> Picture:
    """Draw the effect of each group over what its rows alone say; on the thin line nothing is drawn towards zero."""
    x, y = (np.array(found[key], dtype=float) for key in ("unpooled", "pooled"))
    suffix = f" ({short(unit)})" if unit else ""
    with canvas(4.7, 3.0) as (figure, axes):
        ends = [min(x.min(), 0.0), max(x.max(), 0.0)]
        axes.plot(ends, ends, color=FAINT, linewidth=1)
        axes.axhline(0, color=INK, linewidth=0.8, linestyle=(0, (4, 3)), zorder=0)
        axes.plot(x, y, MARKERS[kind], color=COLOURS[kind], markersize=3.5, alpha=0.6, markeredgewidth=0)
        axes.set(xlabel=f"its rows alone{suffix}", ylabel=f"effect{suffix}")
        axes.locator_params(nbins=5)
        svg = to_svg(figure, name)
    spans = f"{number(x.min())} to {number(x.max())} become {number(y.min())} to {number(y.max())}"
    return Picture(svg, f"Effects of {len(x)} groups over what their rows alone say{suffix}: {spans}.")


__all__ = ["caterpillar", "shrinkage"]
