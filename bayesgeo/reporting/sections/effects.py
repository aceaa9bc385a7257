"""Effects of groups: how far groups lie apart, which of them stand out, and where they are."""

from collections.abc import Mapping, Sequence
from typing import Any

from bayesgeo.reporting.caterpillar import caterpillar, shrinkage
from bayesgeo.reporting.maps import draw_effects_map
from bayesgeo.reporting.sections.base import Section
from bayesgeo.reporting.sections.group_effects import INTERCEPT, NAMED, RESIDUAL
from bayesgeo.reporting.text import DASH, decimals_for, fixed, interval, listed, number, percent, width

DEVIATIONS = 3.3  # widths of a 90 % interval are as many standard deviations
Facts = dict[str, Any]


def pictures(facts: Mapping[str, Any]) -> Facts | None:
    """Return what the template shows of each model with effects of groups; None without any."""
    models = [model for model in facts["models"] if model["variance_components"] or model["group_effects"]]
    if not models:
        return None
    return {"shown": [_model(model, number) for number, model in enumerate(models, start=1)], "most_named": NAMED}


section = Section("effects", 55, pictures=pictures)


def _model(model: Mapping[str, Any], place: int) -> Facts:
    components = model["variance_components"]
    bayesian = model["kind"] == "Bayesian"
    return {
        "model": model,
        "intervals": "interval" if bayesian else "confidence interval",
        "components": [row | {"text": estimate(row)} for row in components["components"]] if components else [],
        "unit": components["unit"] if components else "",
        "prob": components["prob"] if components else None,
        "shares": shares(components["components"]) if components else "",
        "has_priors": bool(components) and any(row["prior"] for row in components["components"]),
        "effects": [
            _key(effects, model["kind"], f"{place}_{number}")
            for number, effects in enumerate(model["group_effects"], start=1)
        ],
    }


def _key(effects: Mapping[str, Any], kind: str, name: str) -> Facts:
    unit, title = unit_of(effects), title_of(effects)
    axis = f"{title} ({unit})" if unit else title
    pulled, places = effects["shrinkage"], effects["places"]
    decimals = max(map(_decimals, effects["named"]), default=None)
    return {
        "effects": effects,
        "title": title,
        "unit": unit,
        "caterpillar": caterpillar(effects["drawn"], name=f"effects_of_{name}", kind=kind, xlabel=axis),
        "shrinkage": shrinkage(pulled, name=f"shrinkage_{name}", kind=kind, unit=unit) if pulled else None,
        "shrunk": shrunk(effects) if pulled else "",
        "named": [row | {"text": estimate(row, decimals)} for row in effects["named"]],
        "map": draw_effects_map(places, name=f"effects_map_{name}", of=title, unit=unit) if places else None,
    }


def title_of(effects: Mapping[str, Any]) -> str:
    """Name the effects of a key: of its intercept or of a slope, and of the class where there are several.

    Examples
    --------
    >>> title_of({"key": "station", "term": "log_r", "label": ""})
    'slope of log_r by station'
    """
    what = "effect of" if effects["term"] == INTERCEPT else f"slope of {effects['term']} by"
    return f"{what} {effects['key']}" + (f" on {effects['label']}" if effects["label"] else "")


def unit_of(effects: Mapping[str, Any]) -> str:
    """Return the unit of effects: log odds or that of the target, for a slope by unit of its feature.

    Examples
    --------
    >>> unit_of({"scale": "", "unit": "m/s", "term": "log_r"})
    'm/s per unit of log_r'
    """
    unit = effects["scale"] or effects["unit"]
    return unit if effects["term"] == INTERCEPT else f"{unit} per unit of {effects['term']}".strip()


def estimate(row: Mapping[str, Any], decimals: int | None = None) -> Facts:
    """Write a mean, its standard deviation and its interval, by default with the digits that the deviation shows.

    Examples
    --------
    >>> estimate({"mean": 0.1234, "sd": None, "low": 0.1, "high": 0.16})
    {'mean': '0.123', 'sd': '–', 'interval': '0.100 to 0.160'}
    """
    span = width(row["low"], row["high"])
    decimals = _decimals(row) if decimals is None else decimals
    ends = DASH if span is None else interval(row["low"], row["high"], decimals=decimals)
    sd = DASH if row["sd"] is None else number(row["sd"], digits=2)
    return {"mean": fixed(row["mean"], decimals), "sd": sd, "interval": ends}


def _decimals(row: Mapping[str, Any]) -> int:
    span = width(row["low"], row["high"])
    return decimals_for(span / DEVIATIONS if row["sd"] is None and span is not None else row["sd"])


def shares(components: Sequence[Mapping[str, Any]]) -> str:
    r"""Write what of the variance that the features leave over lies between groups, and what between rows.

    Examples
    --------
    >>> rows = [{"component": "event", "key": "event", "share": 0.25}]
    >>> rows += [{"component": "residual", "key": "residual", "share": 0.75}]
    >>> print(shares(rows).replace("\xa0", " "))
    Of the variance that the features leave over, 25 % lies between levels of event and 75 % between rows of the same
    groups.
    """
    known = [row for row in components if row["share"] is not None]
    if not known:
        return ""
    parts = [
        f"{percent(round(row['share'], 2))} {'lies ' if k == 0 else ''}between "
        + ("rows of the same groups" if row["component"] == RESIDUAL else f"levels of {row['key']}")
        for k, row in enumerate(known)
    ]
    noise = round(1 - sum(row["share"] for row in known), 2)
    if noise > 0:
        parts.append(f"{percent(noise)} is chance of the single row, on the scale of log odds")
    return f"Of the variance that the features leave over, {listed(parts)}."


def shrunk(effects: Mapping[str, Any]) -> str:
    r"""Write how far effects are drawn towards zero, those of levels with few rows the farthest.

    Examples
    --------
    >>> pulled = {"median": 0.2, "levels": 137, "few": {"rows": 6, "median": 0.51}, "many": {"rows": 40, "median": 0.1}}
    >>> print(shrunk({"key": "event", "shrinkage": pulled}).replace("\xa0", " "))
    What the rows of a single event say on their own is drawn towards zero by 20 % (median of 137): by 51 % where there
    are at most 6 rows, by 10 % where there are at least 40.
    """
    found, few, many = effects["shrinkage"], effects["shrinkage"]["few"], effects["shrinkage"]["many"]
    text = f"What the rows of a single {effects['key']} say on their own is drawn towards zero by"
    text = f"{text} {percent(round(found['median'], 2))} (median of {found['levels']})"
    if few["rows"] == many["rows"]:
        return f"{text}."
    at_most = f"by {percent(round(few['median'], 2))} where there {_rows(few['rows'], 'at most')}"
    return f"{text}: {at_most}, by {percent(round(many['median'], 2))} where there are at least {many['rows']}."


def _rows(rows: int, bound: str) -> str:
    return "is one row" if rows == 1 else f"are {bound} {rows} rows"


__all__ = ["estimate", "section", "shares", "shrunk", "title_of", "unit_of"]
