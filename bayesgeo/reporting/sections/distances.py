"""Whether the folds ask for predictions as far from the rows as a map of their area does."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from bayesgeo.reporting.charts import Line, lines
from bayesgeo.reporting.figures import Picture
from bayesgeo.reporting.text import number, rounded

Facts = dict[str, Any]
FAR = 5000.0  # metres from which kilometres are easier to read
SHARES = np.arange(100) / 99
DRAWN = 0.99  # one far row would squeeze the others
ALIKE = 1.25  # ratio of medians up to which the folds ask about what a map asks
NAMES = {
    "to_training": ("test rows to training rows", "Bayesian"),
    "of_map": ("points of a map to rows", "deterministic"),
    "to_row": ("rows to other rows", "baseline"),
}
ASKS = {
    "farther": "for predictions farther from the data than such a map does, so that it may be better than the scores.",
    "nearer": "for predictions nearer to the data than such a map does, so that the scores flatter it.",
    "as far": "about what such a map asks.",
}


def distances(evidence: xr.DataTree) -> Facts | None:
    """Return quantiles of the distances in the group ``distances``; None where there are none, or no map.

    Returns
    -------
    dict
        ``unit``; ``share``, the levels of the quantiles; ``to_training``, ``to_row`` and ``of_map``, each with
        ``quantiles`` and ``median``; ``asks``: ``"farther"``, ``"as far"`` or ``"nearer"``, how test rows lie to
        training rows compared with a map of the area.
    """
    if "distances" not in evidence.children:
        return None
    table = evidence["distances"].to_dataset()
    values = {name: table[name].values[np.isfinite(table[name].values)] for name in NAMES}
    if not all(len(part) for part in values.values()):
        return None
    unit = str(table.attrs["unit"])
    if unit == "m" and max(np.median(part) for part in values.values()) > FAR:
        unit, values = "km", {name: part / 1000 for name, part in values.items()}
    medians = {name: float(np.median(part)) for name, part in values.items()}
    shown = {
        name: {"quantiles": rounded(np.quantile(part, DRAWN * SHARES)), "median": medians[name]}
        for name, part in values.items()
    }
    return {"unit": unit, "share": rounded(DRAWN * SHARES), "asks": _asks(medians)} | shown


def _asks(medians: Mapping[str, float]) -> str:
    test, of_map = medians["to_training"], medians["of_map"]
    return "farther" if test > ALIKE * of_map else "nearer" if ALIKE * test < of_map else "as far"


def distances_picture(dataset: Mapping[str, Any]) -> Picture | None:
    """Draw the cumulative distributions of the distances; None where there are none."""
    found = dataset["distances"]
    if not found:
        return None
    unit = f" ({found['unit']})" if found["unit"] else ""
    drawn = [Line(label, found[name]["quantiles"], found["share"], kind) for name, (label, kind) in NAMES.items()]
    return lines(drawn, name="distances", xlabel=f"distance{unit}", ylabel="share at most as far")


def distances_sentence(dataset: Mapping[str, Any]) -> str:
    """Write which way the folds are off.

    Examples
    --------
    >>> medians = {"to_training": {"median": 12.0}, "of_map": {"median": 3.0}, "to_row": {"median": 1.0}}
    >>> distances_sentence({"distances": {"unit": "km", "asks": "farther"} | medians})[:74]
    'Half of the test rows lie within 12 km of a row that the model learned fro'
    """
    found = dataset["distances"]
    unit = found["unit"] or "units of the coordinates"
    test, of_map, rows = (f"{number(found[name]['median'])} {unit}" for name in ("to_training", "of_map", "to_row"))
    text = f"Half of the test rows lie within {test} of a row that the model learned from, half of the points of a map"
    text += f" of this area within {of_map} of a row, half of the rows within {rows} of another: the folds ask"
    return f"{text} {ASKS.get(found['asks'], found['asks'])}"


__all__ = ["distances", "distances_picture", "distances_sentence"]
