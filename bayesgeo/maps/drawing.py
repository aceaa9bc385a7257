"""What tells a reader of a map where it is, and how far is far: ticks, and a bar of a round length."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes as Panel
from matplotlib.ticker import FuncFormatter, MaxNLocator, ScalarFormatter

from bayesgeo.maps.axes import Axes
from bayesgeo.metrics.spatial import EARTH

SHARE = 0.3  # of the width of a map that its bar may take
TALLEST = 30.0  # degrees of latitude beyond which no bar is true of the whole map
HALVES = ("EW", "NS")


def bar_length(width: float) -> float:
    """Return the longest of 1, 2 and 5 times a power of ten that is at most a share of a width.

    Examples
    --------
    >>> bar_length(85.0), bar_length(1.0)
    (20.0, 0.2)
    """
    most = SHARE * width
    power = 10.0 ** np.floor(np.log10(most))
    return float(max(digit * power for digit in (1.0, 2.0, 5.0) if digit * power <= most * (1 + 1e-9)))


def unit_of_length(axes: Axes, y: np.ndarray, scale: float) -> tuple[float, str]:
    """Return how long a unit of x is on the ground, and in what; nothing where that is not known.

    Degrees are those of the middle of ``y (y,)``, on a sphere.

    Examples
    --------
    >>> from bayesgeo.maps.axes import DEGREES, PLANE
    >>> length, unit = unit_of_length(Axes("lon", "lat", DEGREES), np.array([59.0, 61.0]), 1.0)
    >>> round(length, 1), unit
    (55.6, 'km')
    >>> unit_of_length(Axes("x", "y", PLANE, ("m", "m")), np.array([0.0]), 1000.0)
    (1.0, 'km')
    """
    if axes.geographic:
        if np.ptp(y) > TALLEST:
            return 1.0, ""
        return float(np.radians(EARTH) * np.cos(np.radians((y.min() + y.max()) / 2))), "km"
    same = axes.units[0] == axes.units[1] and axes.units[0] in ("m", "km")
    return (1.0, "km" if scale > 1 else axes.units[0]) if same else (1.0, "")


def draw_bar(panel: Panel, length: tuple[float, str], ink: str, paper: str) -> None:
    """Draw a bar of a round length into the lower right corner; nothing where the unit is not known."""
    own, unit = length
    west, east = panel.get_xlim()
    if not unit or own <= 0:
        return
    long = bar_length((east - west) * own)
    share = long / own / (east - west)
    style: Any = {"transform": panel.transAxes, "color": ink, "solid_capstyle": "butt", "clip_on": False, "zorder": 5}
    panel.plot([0.97 - share, 0.97], [0.035, 0.035], linewidth=4.6, **style | {"color": paper})
    panel.plot([0.97 - share, 0.97], [0.035, 0.035], linewidth=2.2, **style)
    box = {"boxstyle": "round,pad=0.15", "facecolor": paper, "edgecolor": "none", "alpha": 0.8}
    at: Any = {"ha": "center", "va": "bottom", "transform": panel.transAxes, "fontsize": 8, "color": ink}
    panel.text(0.97 - share / 2, 0.055, f"{long:g} {unit}", bbox=box, zorder=5, **at)


def draw_ticks(panel: Panel, axes: Axes) -> None:
    """Tick both axes in plain numbers, degrees with their half of the globe."""
    for axis, halves in zip((panel.xaxis, panel.yaxis), HALVES, strict=True):
        axis.set_major_locator(MaxNLocator(5))
        plain: Any = FuncFormatter(lambda value, _, halves=halves: degrees_text(value, halves))
        if not axes.geographic:
            plain = ScalarFormatter(useOffset=False)
            plain.set_scientific(False)
        axis.set_major_formatter(plain)


def degrees_text(value: float, halves: str) -> str:
    """Return degrees as a map has them.

    Examples
    --------
    >>> degrees_text(-119.25, "EW"), degrees_text(240.5, "EW"), degrees_text(46.0, "NS"), degrees_text(0.0, "NS")
    ('119.25°W', '119.5°W', '46°N', '0°')
    """
    if halves == "EW":
        value = value - 360.0 * np.round(value / 360.0)
    value = round(float(value), 6)
    return f"{abs(value):.9g}°{halves[int(value < 0)] if value % 180 else ''}"
