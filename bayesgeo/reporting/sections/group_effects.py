"""Facts of a model with effects of groups: its variance components, and the effects of single groups."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from bayesgeo._arrays import spaced
from bayesgeo.maps.making import unwrapped
from bayesgeo.reporting.sections.base import described
from bayesgeo.reporting.sections.map import DEGREES, aspect
from bayesgeo.reporting.text import rounded

INTERCEPT, RESIDUAL = "1", "residual"
LOGISTIC = np.pi**2 / 3  # variance of the noise of one row on the scale of log odds
MOST, ENDS = 60, 10  # effects of a key that are drawn, and those at each end that are always among them
DOTS, ON_MAP = 500, 2000
NAMED = 8
NUMBERS = ("mean", "sd", "low", "high")
Facts = dict[str, Any]


def of_groups(evidence: xr.DataTree) -> Facts:
    """Return the facts ``variance_components``, ``group_effects`` and ``unseen_groups``, the rule for such groups."""
    return {
        "variance_components": variance_components(evidence),
        "group_effects": group_effects(evidence),
        "unseen_groups": evidence.attrs["unseen_groups"],
    }


def variance_components(evidence: xr.DataTree) -> Facts | None:
    r"""Return the group ``variance_components`` as plain values; None where the Evidence has none.

    Returns
    -------
    dict
        ``prob`` of the intervals, ``unit``, and ``components``: ``component``, ``kind`` (``sd`` or ``correlation``),
        ``key``, ``term``, ``mean``, ``sd``, ``low``, ``high``, ``prior``, and ``share`` of the variance that the
        features leave over. Slopes have no share, because theirs depends on the feature; on the scale of log odds
        :math:`\pi^2 / 3` is that of the noise.
    """
    if "variance_components" not in evidence.children:
        return None
    table = evidence["variance_components"].to_dataset()
    rows = table.to_dataframe().reset_index().to_dict("records")
    shares = _shares(rows, described(evidence)["labels"])
    return {
        "prob": float(table.attrs["prob"]),
        "unit": _unit(table.attrs, evidence),
        "components": [
            {name: str(row[name]) for name in ("component", "kind", "key", "term", "prior")}
            | {name: float(row[name]) for name in NUMBERS}
            | {"share": shares.get(k)}
            for k, row in enumerate(rows)
        ],
    }


def _shares(rows: list[dict[Any, Any]], labels: Mapping[str, Any]) -> dict[int, float]:
    """Return the share of each component by its position: of squares of standard deviations, their spread included."""
    if len(labels) > 2:
        return {}
    kept = {k: row for k, row in enumerate(rows) if row["kind"] == "sd" and _is_intercept(row)}
    squares = {k: row["mean"] ** 2 + (row["sd"] ** 2 if np.isfinite(row["sd"]) else 0.0) for k, row in kept.items()}
    total = sum(squares.values()) + (LOGISTIC if labels else 0.0)
    return {k: float(square / total) for k, square in squares.items()} if total > 0 else {}


def _is_intercept(row: Mapping[Any, Any]) -> bool:
    return str(row["component"]) == RESIDUAL or str(row["term"]) == INTERCEPT


def group_effects(evidence: xr.DataTree) -> list[Facts]:
    """Return the group ``group_effects`` as plain values, one fact for each key, term and class; often empty.

    Returns
    -------
    list of dict
        ``key``, ``term``, ``label``, ``prob``, ``unit``, ``scale``; ``levels``, how many there are; ``drawn``, at most
        60 of them by their mean, the ten at each end among them; ``named``, at most eight whose interval excludes zero,
        the farthest by their standard deviations first; ``shrinkage`` where the model states unpooled effects; and
        ``places`` where levels have some.
    """
    if "group_effects" not in evidence.children:
        return []
    table = evidence["group_effects"].to_dataset()
    frame = table.to_dataframe().reset_index(drop=True)
    # Groups as they come: of the model, which orders its keys.
    parts = frame.groupby(["key", "term", "label"], sort=False)
    attrs = {**table.attrs, "unit": _unit(table.attrs, evidence)}
    return [_of_key(part.reset_index(drop=True), attrs) for _, part in parts]


def _unit(attrs: Mapping[str, Any], evidence: xr.DataTree) -> str:
    """Return the unit of a table, or that of the target: a model does not know the latter."""
    return str(attrs["unit"] or described(evidence)["unit"])


def _of_key(frame: pd.DataFrame, attrs: Mapping[str, Any]) -> Facts:
    ordered = frame.sort_values(["mean", "level"], kind="stable").reset_index(drop=True)
    first = ordered.iloc[0]
    return {
        **{name: str(first[name]) for name in ("key", "term", "label")},
        **{name: str(attrs[name]) for name in ("unit", "scale")},
        "prob": float(attrs["prob"]),
        "levels": len(ordered),
        "drawn": list(_records(ordered.iloc[_ends_and_between(len(ordered))])),
        "named": list(_records(_farthest(ordered))),
        "shrinkage": _shrinkage(ordered),
        "places": _places(ordered, attrs),
    }


def _records(frame: pd.DataFrame) -> Iterator[Facts]:
    for row in frame.to_dict("records"):
        yield {"level": str(row["level"]), "rows": int(row["rows"])} | {name: float(row[name]) for name in NUMBERS}


def _ends_and_between(n: int) -> np.ndarray:
    """Return the positions of all, or of the ten at each end and of evenly spaced ones between.

    Examples
    --------
    >>> _ends_and_between(1000)[[0, 9, 10, 49, 50, 59]].tolist()
    [0, 9, 10, 989, 990, 999]
    """
    if n <= MOST:
        return np.arange(n)
    between = ENDS + spaced(n - 2 * ENDS, MOST - 2 * ENDS)
    return np.r_[np.arange(ENDS), between, np.arange(n - ENDS, n)]


def _farthest(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the levels whose interval excludes zero, the largest effect over its deviation first."""
    apart = frame[(frame["low"] > 0) | (frame["high"] < 0)]
    deviation = apart["sd"].where(np.isfinite(apart["sd"]), (apart["high"] - apart["low"]) / 2)
    order = (apart["mean"].abs() / deviation).sort_values(ascending=False, kind="stable").index
    return apart.loc[order[:NAMED]]


def _shrinkage(frame: pd.DataFrame) -> Facts | None:
    """Return how far effects are drawn towards zero, of all levels, of those with few rows and those with many."""
    known = frame[np.isfinite(frame["unpooled"]) & (frame["unpooled"] != 0)]
    if known.empty:
        return None
    pulled, rows = 1 - known["mean"] / known["unpooled"], known["rows"]
    few, many = rows.quantile(0.25, "lower"), rows.quantile(0.75, "higher")
    shown = known.iloc[spaced(len(known), DOTS)]
    return {
        "median": float(pulled.median()),
        "few": {"rows": int(few), "median": float(pulled[rows <= few].median())},
        "many": {"rows": int(many), "median": float(pulled[rows >= many].median())},
        "levels": len(known),
        "unpooled": rounded(shown["unpooled"]),
        "pooled": rounded(shown["mean"]),
    }


def _places(frame: pd.DataFrame, attrs: Mapping[str, Any]) -> Facts | None:
    """Return places and effects of the levels on the map, the largest effects among those drawn."""
    known = frame[np.isfinite(frame[["x", "y", "mean"]]).all(axis=1)]
    if known.empty:
        return None
    shown = known.iloc[np.sort(np.argsort(-known["mean"].abs().to_numpy(), kind="stable")[:ON_MAP])]
    axes = [str(attrs["x_name"]), str(attrs["y_name"])]
    degrees = axes[0] in DEGREES
    x, y = shown["x"].to_numpy(), shown["y"].to_numpy()
    return {
        "axes": axes,
        "units": [DEGREES.get(axis, "") for axis in axes],
        "aspect": aspect(y) if degrees else 1.0,
        "known": len(known),
        "unknown": len(frame) - len(known),
        "level": shown["level"].astype(str).tolist(),
        "x": rounded(unwrapped(x) if degrees else x, digits=7),
        "y": rounded(y, digits=7),
        "values": rounded(shown["mean"]),
    }


__all__ = ["group_effects", "of_groups", "variance_components"]
