"""Variance components and effects by group as tables, for users and for reports."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from bayesgeo.models.effects.levels import Members
from bayesgeo.models.effects.prediction import known_part
from bayesgeo.models.effects.terms import INTERCEPT, Effect
from bayesgeo.models.rows import Rows

PROB = 0.9
RESIDUAL = "residual"
PLACES = (("longitude", "latitude"), ("easting", "northing"))
SUMMARY = ("mean", "sd", "low", "high")


def summary(draws: np.ndarray) -> dict[str, np.ndarray]:
    """Return mean, deviation and ends of the 90 % interval of draws ``(chain, draw, ...)``.

    Examples
    --------
    >>> {name: float(value) for name, value in summary(np.array([[0.0, 1.0, 2.0]])).items()}["mean"]
    1.0
    """
    low, high = np.quantile(draws, [(1 - PROB) / 2, (1 + PROB) / 2], axis=(0, 1))
    return {"mean": draws.mean(axis=(0, 1)), "sd": draws.std(axis=(0, 1)), "low": low, "high": high}


def components_table(
    effects: Sequence[Effect], posterior: Mapping[str, np.ndarray], priors: Mapping[str, str], unit: str
) -> xr.Dataset:
    """Tabulate standard deviations and correlations along ``component``.

    Parameters
    ----------
    effects : sequence of Effect
        Whose components.
    posterior : mapping of str to numpy.ndarray
        Draws ``(chain, draw, ...)`` in the units of the table, and ``noise_sd`` where the outcome has noise.
    priors : mapping of str to str
        The prior of each component, in words.
    unit : str
        Unit of the target.
    """
    lines = [line for effect in effects for line in _lines(effect, posterior)]
    if "noise_sd" in posterior:
        lines.append((RESIDUAL, "sd", RESIDUAL, "", posterior["noise_sd"]))
    names, kinds, keys, terms, draws = zip(*lines, strict=True) if lines else ((),) * 5
    found = {name: np.array([summary(one)[name] for one in draws], dtype=float) for name in SUMMARY}
    words = {"kind": kinds, "key": keys, "term": terms, "prior": [priors.get(name, "") for name in names]}
    variables: dict[str, Any] = {**found, **{name: np.array(values, dtype=str) for name, values in words.items()}}
    return xr.Dataset(
        {name: ("component", values) for name, values in variables.items()},
        {"component": np.array(names, dtype=str)},
        {"prob": PROB, "unit": unit},
    )


def _lines(effect: Effect, posterior: Mapping[str, np.ndarray]) -> Iterator[tuple[str, str, str, str, np.ndarray]]:
    sd = posterior[f"{effect.key}_sd"]
    for k, (name, term) in enumerate(zip(effect.components, effect.terms, strict=True)):
        yield name, "sd", effect.key, term, sd[..., k]
    for k, pair in enumerate(effect.pairs):
        yield (
            f"{effect.key}: corr({pair})",
            "correlation",
            effect.key,
            pair,
            posterior[f"{effect.key}_correlation"][..., k],
        )


def components_frame(table: xr.Dataset) -> pd.DataFrame:
    """Return the standard deviations of :func:`components_table` indexed by component.

    Examples
    --------
    >>> table = components_table([Effect("event")], {"event_sd": np.ones((1, 4, 1))}, {}, "m/s2")
    >>> components_frame(table).loc["event", ["mean", "sd"]].tolist()
    [1.0, 0.0]
    """
    frame = table[list(SUMMARY)].to_dataframe()[table["kind"].values == "sd"]
    return frame.rename_axis("component")


def effects_table(
    groups: Sequence[tuple[Effect, Members]],
    levels: Sequence[np.ndarray],
    summaries: Mapping[str, Mapping[str, np.ndarray]],
    rows: Rows,
    *,
    unpooled: Mapping[str, np.ndarray],
    labels: Sequence[str] = (),
    attrs: Mapping[str, str],
) -> xr.Dataset:
    """Tabulate the effects of groups along ``group``: one entry for each key, level and term, and class of several.

    Parameters
    ----------
    groups : sequence of (Effect, Members)
        Of the training rows.
    levels : sequence of numpy.ndarray
        Labels of each effect.
    summaries : mapping of str to mapping of str to numpy.ndarray
        By key: ``mean``, ``sd``, ``low``, ``high``, each ``(level, term[, label])``.
    rows : Rows
        The training rows, for the places.
    unpooled : mapping of str to numpy.ndarray
        By key: what the rows of each level say alone, ``(level,)``; keys may be absent.
    labels : sequence of str
        Names of the classes where there are several effects for each group.
    attrs : mapping of str to str
        ``unit`` and ``scale``.
    """
    parts, place_names = [], ("", "")
    for (effect, own), of_effect in zip(groups, levels, strict=True):
        counts = np.bincount(own.codes, minlength=len(of_effect))
        places, names = _places(effect, own, rows, len(of_effect))
        place_names = place_names if place_names[0] else names
        for term_at, term in enumerate(effect.terms):
            alone = unpooled.get(effect.key) if term == INTERCEPT else None
            for label_at, label in enumerate(labels or ("",)):
                at = (slice(None), term_at, *((label_at,) if labels else ()))
                part = {name: summaries[effect.key][name][at] for name in SUMMARY}
                parts.append(
                    pd.DataFrame(
                        part
                        | {"key": effect.key, "level": of_effect, "term": term, "label": label, "rows": counts}
                        | {"unpooled": np.nan if alone is None else alone, "x": places[:, 0], "y": places[:, 1]}
                    )
                )
    frame = pd.concat(parts, ignore_index=True)
    text = ("key", "level", "term", "label")
    variables = {str(name): ("group", frame[name].to_numpy(str if name in text else None)) for name in frame}
    return xr.Dataset(variables, attrs={"prob": PROB, "x_name": place_names[0], "y_name": place_names[1], **attrs})


def unpooled(
    groups: Sequence[tuple[Effect, Members]], residual: np.ndarray, mean: Mapping[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """Return by key and level the mean of what the coefficients and the effects of other keys leave.

    Parameters
    ----------
    groups : sequence of (Effect, Members)
        Of the training rows.
    residual : numpy.ndarray
        ``(obs,)`` targets minus predictions with all effects.
    mean : mapping of str to numpy.ndarray
        The posterior means or estimates, each ``(1, 1, ...)``.
    """
    found = {}
    for effect, own in groups:
        rest = residual + known_part([(effect, own)], mean)[0, 0]
        found[effect.key] = np.bincount(own.codes, rest) / np.bincount(own.codes)
    return found


def _places(effect: Effect, own: Members, rows: Rows, n: int) -> tuple[np.ndarray, tuple[str, str]]:
    """Return the place of each level ``(level, 2)``, NaN where unknown, and the names of its coordinates."""
    for of_key in (f"{effect.key}_", ""):
        for pair in PLACES:
            if all(of_key + name in rows.coordinates for name in pair):
                values = np.stack([np.asarray(rows.coordinates[of_key + name], dtype=float) for name in pair], axis=1)
                found = np.full((n, 2), np.nan)
                found[own.codes] = values
                if of_key or np.nanmax(np.abs(values - found[own.codes]), initial=0.0) == 0:
                    return found, pair
    return np.full((n, 2), np.nan), ("", "")
