"""Figures of the scores, and of the value of predictions: ranking, risk of the rows kept, value of acting."""

from collections.abc import Mapping
from typing import Any

import xarray as xr

from bayesgeo.reporting import charts, figures
from bayesgeo.reporting.charts import Line
from bayesgeo.reporting.figures import Mark, Picture
from bayesgeo.reporting.sections.scores import better, columns, decimals, metric_name
from bayesgeo.reporting.text import decimals_for, fixed, interval, number, rounded, width

Facts = dict[str, Any]
MOST_EVENTS = 6
RANKED = ("roc_auc", "average_precision")


def ranking_facts(metrics: xr.Dataset) -> dict[str, list[float]] | None:
    """Return the scores of ranks of single draws; None where there is none."""
    found = {name: metrics.get(f"{name}_by_draw") for name in RANKED}
    return {name: rounded(values.values) for name, values in found.items() if values is not None} or None


def ranked(facts: Mapping[str, Any]) -> dict[str, int]:
    """Return the scores of ranks that there are, with their decimals."""
    return {name: decimals(facts, name) for name in RANKED if name in facts["models"][0]["metrics"]}


def scores_figure(facts: Mapping[str, Any]) -> Picture:
    """Draw the first column of the table of scores."""
    task = facts["dataset"]["task"]
    name = next(iter(columns(facts)))
    metric = [(model, model["metrics"][name]) for model in facts["models"]]
    marks = [Mark(m["name"], s["value"], s["low"], s["high"], m["kind"]) for m, s in metric]
    exact = facts["dataset"]["exact"]
    return figures.forest(
        marks,
        name="scores",
        xlabel=f"{metric_name(name, task)}, {better(name, task)}",
        reference=exact and exact[name],
        reference_label="the exact posterior" if exact else "",
    )


def ranking_figures(facts: Mapping[str, Any]) -> dict[str, Picture]:
    """Draw the posterior of each score of ranks, of all models that have one."""
    known = [model for model in facts["models"] if model["ranking"]]
    drawn = {}
    for name in RANKED if known else ():
        strips = [
            (Mark(m["name"], m["metrics"][name]["value"], None, None, m["kind"]), m["ranking"][name]) for m in known
        ]
        drawn[name] = figures.strips(strips, name=name, xlabel=metric_name(name, facts["dataset"]["task"]))
    return drawn


def value_figures(facts: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Draw the relative economic value of all models, one figure for each event."""
    models = [model for model in facts["models"] if model["value"]]
    events = models[0]["value"]["event"] if models else []
    drawn = []
    for k, event in enumerate(events[:MOST_EVENTS]):
        known = [Line(m["name"], m["value"]["ratio"], m["value"]["value"][k], m["kind"]) for m in models]
        ylabel = "relative economic value"
        picture = charts.lines(known, name=f"value{k}", xlabel="cost / loss", ylabel=ylabel, reference=0.0, floor=-0.5)
        drawn.append({"event": event, "picture": picture})
    return drawn


def risk_figure(facts: Mapping[str, Any]) -> Picture | None:
    """Draw the risk of the most certain rows of all models."""
    known = [(model, model["selective"]) for model in facts["models"] if model["selective"]]
    if not known:
        return None
    drawn = [Line(m["name"], s["coverage"], s["risk"][s["ranking"].index("total")], m["kind"]) for m, s in known]
    return charts.lines(drawn, name="risk", xlabel="share of rows kept", ylabel=known[0][1]["loss"])


def kept_risk(selective: Mapping[str, Any]) -> dict[str, str]:
    """Write the risk of all rows and of the most certain, ranked by their total uncertainty."""
    at = selective["ranking"].index("total")
    shown: dict[str, str] = {}
    for name, key in (("at_80", "risk_at_80"), ("aurc", "aurc")):
        value, low, high = (selective[key + end][at] for end in ("", "_low", "_high"))
        places = decimals_for(width(low, high))
        shown |= {name: fixed(value, places), f"{name}_interval": interval(low, high, decimals=places)}
    return shown | {"all": number(selective["risk_of_all"]), "best": number(selective["aurc_best"])}


__all__ = ["kept_risk", "ranked", "ranking_facts", "ranking_figures", "risk_figure", "scores_figure", "value_figures"]
