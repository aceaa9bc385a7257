"""Rows on a map, by their error and their uncertainty."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from bayesgeo.maps.making import unwrapped
from bayesgeo.reporting.maps import draw_map
from bayesgeo.reporting.text import rounded

AXES = (("longitude", "latitude"), ("easting", "northing"))
DEGREES = {"longitude": "°E", "latitude": "°N"}
DRAWN = 2000
SEED = 0
NAMED = 5
FAR = 5000.0  # metres from which kilometres are easier to read
Facts = dict[str, Any]


def places(evidence: xr.DataTree) -> Facts | None:
    """Return where the test rows are, at most 2,000 of them drawn at random; None where no row has a place.

    Returns
    -------
    dict
        ``axes`` and their ``units``; ``x`` and ``y`` of the rows drawn; ``known``, how many rows have a place, and
        ``unknown``, how many have none; ``aspect``, the length of a unit of ``y`` over that of ``x``: of degrees at the
        mean latitude; ``seed`` of the choice.
    """
    found = _placed(evidence)
    if found is None:
        return None
    axes, units, x, y, at = found
    chosen = _chosen(at)
    span = axes[0] in DEGREES
    return {
        "axes": list(axes),
        "units": list(units),
        "x": rounded(x[chosen], digits=7),
        "y": rounded(y[chosen], digits=7),
        "known": len(at),
        "unknown": len(x) - len(at),
        "aspect": aspect(y[at]) if span else 1.0,
        "seed": SEED,
    }


def mapped(evidence: xr.DataTree) -> Facts | None:
    """Return the error and the uncertainty of the rows of :func:`places`, and the rows where they are largest.

    The error of a class is one minus the probability of the observed class, that of a value its absolute error; the
    uncertainty of a class is its entropy, that of a value the width of its 90 % interval.

    Returns
    -------
    dict
        ``error`` and ``uncertainty``, each with ``values`` of the rows drawn and ``largest``: ``row``, ``group``,
        ``x``, ``y`` and ``value`` of the five largest of all rows with a place.
    """
    found = _placed(evidence)
    if found is None:
        return None
    _, _, x, y, at = found
    names = evidence["predictions"].to_dataset()["obs"].values
    observed = evidence["observed_data"].to_dataset()
    groups = observed["group"].values if "group" in observed else None
    shown = {}
    for name, values in _mapped_values(evidence).items():
        order = at[np.argsort(-values[at], kind="stable")[:NAMED]]
        largest = [
            {
                "row": str(names[k]),
                "group": None if groups is None else str(groups[k]),
                "x": rounded(x[[k]], digits=7)[0],
                "y": rounded(y[[k]], digits=7)[0],
                "value": float(values[k]),
            }
            for k in order
        ]
        shown[name] = {"values": rounded(values[_chosen(at)]), "largest": largest}
    return shown


def map_pictures(model: Mapping[str, Any], dataset: Mapping[str, Any]) -> list[Facts]:
    """Draw the error and the uncertainty of a model; nothing where no row has a place."""
    if not (dataset["places"] and model["map"]):
        return []
    unit = f" ({dataset['unit']})" if dataset["unit"] else ""
    of = {"error": f"absolute error{unit}", "uncertainty": f"width of the 90 % interval{unit}"}
    if dataset["labels"]:
        of = {"error": "error: one minus the probability of what happened", "uncertainty": "uncertainty: entropy, nats"}
    return [
        {
            "of": of[name],
            "largest": shown["largest"],
            "picture": draw_map(dataset["places"], shown, name=f"map_{name}", of=of[name]),
        }
        for name, shown in model["map"].items()
    ]


def _placed(
    evidence: xr.DataTree,
) -> tuple[Sequence[str], Sequence[str], np.ndarray, np.ndarray, np.ndarray] | None:
    """Return names and units of the axes, where every row is, and which rows have a place."""
    observed = evidence["observed_data"].to_dataset()
    for axes in AXES:
        if set(axes) <= set(observed):
            x, y = (observed[name].values.astype(float) for name in axes)
            at = np.flatnonzero(np.isfinite(x) & np.isfinite(y))
            if not len(at):
                continue
            if axes[0] in DEGREES:
                return axes, list(DEGREES.values()), unwrapped(x), y, at
            units = [observed[name].attrs.get("units", "") for name in axes]
            if units == ["m", "m"] and max(np.ptp(x[at]), np.ptp(y[at])) > FAR:
                return axes, ["km", "km"], x / 1000.0, y / 1000.0, at
            return axes, units, x, y, at
    return None


def aspect(latitude: np.ndarray) -> float:
    """Return the length of a degree of latitude over that of one of longitude, at the mean latitude.

    Examples
    --------
    >>> round(aspect(np.array([59.0, 61.0])), 6)
    2.0
    """
    return float(1 / np.cos(np.radians(np.clip(latitude.mean(), -80.0, 80.0))))


def _chosen(at: np.ndarray) -> np.ndarray:
    if len(at) <= DRAWN:
        return at
    return np.sort(np.random.default_rng(SEED).choice(at, DRAWN, replace=False))


def _mapped_values(evidence: xr.DataTree) -> Mapping[str, np.ndarray]:
    predictions, y = evidence["predictions"].to_dataset(), evidence["observed_data"].to_dataset()["y"].values
    if "mean" in predictions:
        width = (predictions["high"] - predictions["low"]).values
        return {"error": np.abs(predictions["mean"].values - y), "uncertainty": width}
    probability = predictions["probability"].values
    entropy = (predictions["aleatoric"] + predictions["epistemic"]).values
    return {"error": 1 - probability[np.arange(len(y)), y.astype(int)], "uncertainty": entropy}


__all__ = ["aspect", "map_pictures", "mapped", "places"]
