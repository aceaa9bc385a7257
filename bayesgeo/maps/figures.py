"""Static pictures of a map: one PNG for each variable that answers a question."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes as Panel
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import BoundaryNorm, ListedColormap
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from bayesgeo._files.writing import atomic_file
from bayesgeo.maps.axes import Axes, turned
from bayesgeo.maps.drawing import draw_bar, draw_ticks, unit_of_length
from bayesgeo.maps.grid import Grid
from bayesgeo.maps.layers import Layer

FINEST = 700  # cells of a side that are drawn; of a larger grid every k-th
KILOMETRES = 5000.0  # metres from which kilometres are easier to read
INK, FAINT, PAPER, VEIL = "#222222", "#8a8a8a", "#f1f1ef", "#ffffff"
# Even steps of lightness for every kind of colour vision; a probability and a spread look unlike a value.
SCALES = {
    "mean": "viridis",
    "exceedance": "cividis",
    "sd": "magma",
    "sd_field": "magma",
    "aleatoric": "magma",
    "epistemic": "magma",
}
# Okabe and Ito (2008), told apart by every kind of colour vision; then greys.
OKABE_ITO = ("#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7", "#999999", "#333333")
VEILED = ("inside", 0.0, "outside the area of applicability")
MARGIN = 0.02  # of the map's sides, so that rows at its rim are whole
NO_UNIT = "unit not stated"
STYLE: Mapping[str, Any] = {"fontsize": 9, "color": INK}


class Sketch:
    """Some of the cells of a map, kept while it is written: evenly spaced, few enough to draw.

    Parameters
    ----------
    grid : Grid
        The grid.
    layers : sequence of Layer
        Its variables; those that are drawn, or hide others, are kept.
    """

    def __init__(self, grid: Grid, layers: Sequence[Layer]):
        kept = {*(layer.name for layer in pictured(layers)), VEILED[0]}
        self.axes, self.layers = grid.axes, [layer for layer in layers if layer.name in kept]
        self.step = -(-max(grid.shape) // FINEST)
        self.x, self.y = grid.x[:: self.step], grid.y[:: self.step]
        self.mask = None if grid.mask is None else grid.mask[:: self.step, :: self.step]
        self.values = {layer.name: np.full((len(self.y), len(self.x)), np.nan) for layer in self.layers}

    def watch(self, strips: Iterable[tuple[slice, Any]]) -> Iterator[tuple[slice, Any]]:
        """Yield strips unchanged, and keep some of their cells."""
        for rows, values in strips:
            first = -rows.start % self.step
            at = slice((rows.start + first) // self.step, None)
            for name, kept in self.values.items():
                part = values[name][first :: self.step, :: self.step]
                kept[at][: len(part)] = part
            yield rows, values


def pictured(layers: Sequence[Layer]) -> list[Layer]:
    """Return the variables of which there is a picture.

    Examples
    --------
    >>> [layer.name for layer in pictured([Layer("mean", "mean"), Layer("low", "low")])]
    ['mean']
    """
    return [layer for layer in layers if layer.name in SCALES or layer.name == "predicted"]


def picture_path(out: Path, name: str) -> Path:
    """Return where the picture of a variable lies beside a map.

    Examples
    --------
    >>> picture_path(Path("maps/lead.nc"), "sd").name
    'lead.sd.png'
    """
    return out.with_name(f"{out.stem}.{name}.png")


def draw(sketch: Sketch, out: Path, places: Mapping[str, np.ndarray]) -> list[Path]:
    """Draw the variables of a map, each beside it as ``<map>.<variable>.png``.

    Parameters
    ----------
    sketch : Sketch
        The cells to draw.
    out : pathlib.Path
        The map.
    places : mapping of str to numpy.ndarray
        ``(obs,)`` places of the training rows in the coordinates of the map, drawn as dots; may be empty.

    Returns
    -------
    list of pathlib.Path
        The pictures.
    """
    made = []
    for layer in pictured(sketch.layers):
        path = picture_path(out, layer.name)
        figure = _figure(sketch, layer, places)
        with atomic_file(path) as temporary:
            FigureCanvasAgg(figure).print_png(temporary)
        made.append(path)
    return made


def _figure(sketch: Sketch, layer: Layer, places: Mapping[str, np.ndarray]) -> Figure:
    scale = _scale(sketch.axes, sketch.x, sketch.y)
    x, y = sketch.x / scale, sketch.y / scale
    aspect = float(1 / np.cos(np.radians(np.clip(y.mean(), -80, 80)))) if sketch.axes.geographic else 1.0
    figure = Figure(figsize=_size(x, y, aspect), dpi=150, layout="constrained")
    panel = figure.add_subplot()
    values = sketch.values[layer.name]
    legend = _classes(panel, x, y, values, layer) if layer.words else []
    if not layer.words:
        _values(panel, x, y, values, layer, among=_trusted(sketch, values))
    legend += _veil(panel, x, y, sketch.values)
    legend += _empty(panel, x, y, values, sketch.mask)
    panel.use_sticky_edges = False
    panel.margins(MARGIN)
    panel.autoscale_view()
    panel.autoscale(enable=False)
    legend += _dots(panel, sketch, places, scale)
    _as_map(panel, sketch.axes, scale, aspect)
    draw_bar(panel, unit_of_length(sketch.axes, sketch.y, scale), INK, VEIL)
    panel.set_title(_first_upper(layer.title), loc="left", wrap=True, **STYLE)
    if legend:
        options: Any = {"frameon": False, "fontsize": 8, "labelcolor": INK, "ncols": 1 if len(legend) < 4 else 3}
        figure.legend(handles=legend, loc="outside lower left", **options)
    return figure


def _size(x: np.ndarray, y: np.ndarray, aspect: float) -> tuple[float, float]:
    """Return inches in which a map of these sides fills a page well."""
    ratio = np.ptp(y) * aspect / (np.ptp(x) or 1.0)
    width = float(np.clip(4.6 / np.sqrt(max(ratio, 1e-6)), 3.4, 7.0))
    return width + 1.6, float(np.clip(width * ratio, 1.8, 7.0)) + 1.6


def _trusted(sketch: Sketch, values: np.ndarray) -> np.ndarray:
    """Return the values that the colours are for: those inside the area of applicability, or all where it is empty."""
    finite = np.isfinite(values)
    inside = finite & (sketch.values[VEILED[0]] != VEILED[1]) if VEILED[0] in sketch.values else finite
    return values[inside if inside.any() else finite]


def _empty(panel: Panel, x: np.ndarray, y: np.ndarray, values: np.ndarray, mask: np.ndarray | None) -> list[Any]:
    """Grey the cells that have no value, but for those outside the area of the map."""
    missing = np.isnan(values) if mask is None else np.isnan(values) & mask
    if not missing.any():
        return []
    grey = ListedColormap([PAPER])
    panel.pcolormesh(x, y, np.ma.masked_where(~missing, missing), cmap=grey, shading="nearest")
    return [Patch(facecolor=PAPER, edgecolor=FAINT, linewidth=0.4, label="no prediction: a feature is missing")]


def _values(panel: Panel, x: np.ndarray, y: np.ndarray, values: np.ndarray, layer: Layer, *, among: np.ndarray) -> None:
    finite = values[np.isfinite(values)]
    ends = (0.0, 1.0) if layer.name == "exceedance" else _ends(among)
    shown = np.ma.masked_invalid(values)
    mesh = panel.pcolormesh(x, y, shown, cmap=SCALES[layer.name], vmin=ends[0], vmax=ends[1], shading="nearest")
    beyond = finite.size and (finite.min() < ends[0], finite.max() > ends[1])
    extend = {(True, True): "both", (True, False): "min", (False, True): "max"}.get(beyond or (False, False), "neither")
    beside = panel.inset_axes((1.025, 0.0, 0.04, 1.0))
    bar = panel.figure.colorbar(mesh, cax=beside, extend=extend)
    unit = {"exceedance": "probability", "aleatoric": "nats", "epistemic": "nats"}.get(
        layer.name, layer.unit or NO_UNIT
    )
    bar.set_label(unit, **STYLE)
    bar.ax.tick_params(labelsize=8, color=FAINT, labelcolor=INK)
    bar.outline.set_visible(False)


def _ends(finite: np.ndarray) -> tuple[float, float]:
    """Return the ends of a scale: all but the outermost half per cent on each side, so that one cell rules nothing."""
    if not finite.size:
        return 0.0, 1.0
    low, high = np.quantile(finite, [0.005, 0.995])
    return (float(low), float(high)) if high > low else (float(low) - 0.5, float(low) + 0.5)


def _classes(panel: Panel, x: np.ndarray, y: np.ndarray, values: np.ndarray, layer: Layer) -> list[Any]:
    colours = [OKABE_ITO[k % len(OKABE_ITO)] for k in range(len(layer.words))]
    norm = BoundaryNorm(np.arange(len(colours) + 1) - 0.5, len(colours))
    panel.pcolormesh(x, y, np.ma.masked_invalid(values), cmap=ListedColormap(colours), norm=norm, shading="nearest")
    return [Patch(color=colour, label=word) for colour, word in zip(colours, layer.words, strict=True)]


def _veil(panel: Panel, x: np.ndarray, y: np.ndarray, values: Mapping[str, np.ndarray]) -> list[Any]:
    """Fade and hatch the cells of which no score of the run speaks."""
    name, code, meaning = VEILED
    hidden = values[name] == code if name in values else np.zeros((0, 0), dtype=bool)
    if not hidden.any() or min(hidden.shape) < 2:
        return []
    white = ListedColormap([VEIL])
    panel.pcolormesh(x, y, np.ma.masked_where(~hidden, hidden), cmap=white, alpha=0.45, shading="nearest")
    lines = panel.contourf(x, y, hidden.astype(float), levels=[0.5, 1.5], colors="none", hatches=["////"])
    lines.set(edgecolor=INK, linewidth=0.0)
    return [Patch(facecolor=VEIL, edgecolor=INK, hatch="////", linewidth=0.4, label=meaning)]


def _dots(panel: Panel, sketch: Sketch, places: Mapping[str, np.ndarray], scale: float) -> list[Any]:
    if not {*sketch.axes.places} <= {*places}:
        return []
    east, north = (np.asarray(places[name], float) for name in sketch.axes.places)
    if sketch.axes.geographic:
        east = turned(east, float(sketch.x.mean()))
    style: Any = {"marker": "o", "markersize": 3.2, "markerfacecolor": VEIL, "markeredgecolor": INK, "linestyle": ""}
    style["markeredgewidth"] = 0.6
    panel.plot(east / scale, north / scale, **style, clip_on=True)
    return [Line2D([], [], label="training rows", **style)]


def _as_map(panel: Panel, axes: Axes, scale: float, aspect: float) -> None:
    panel.set_aspect(aspect)
    units = ["", ""] if axes.geographic else [_unit(unit, scale) for unit in axes.units]
    labels = [f"{place} ({unit})" if unit else place for place, unit in zip(axes.places, units, strict=True)]
    panel.set_xlabel(labels[0], **STYLE)
    panel.set_ylabel(labels[1], **STYLE)
    draw_ticks(panel, axes)
    panel.tick_params(labelsize=8, color=FAINT, labelcolor=INK)
    for side in panel.spines.values():
        side.set_color(FAINT)


def _scale(axes: Axes, x: np.ndarray, y: np.ndarray) -> float:
    metres = axes.units == ("m", "m") and max(np.ptp(x), np.ptp(y)) > KILOMETRES
    return 1000.0 if metres else 1.0


def _unit(unit: str, scale: float) -> str:
    return "km" if scale > 1 else unit


def _first_upper(text: str) -> str:
    return text[:1].upper() + text[1:]
