"""Scores of models: as facts, and as cells and sentences of several sections."""

from collections.abc import Mapping
from typing import Any

import xarray as xr

from bayesgeo import catalog
from bayesgeo.reporting.text import decimals_for, fixed, interval, listed, percent, width

Facts = dict[str, Any]
BLOCKS = {"row": "rows", "block of the map": "blocks of the map", "stretch of time": "stretches of time"}
HEADLINE = {"classification": ("accuracy", "log_loss"), "regression": ("rmse", "log_score")}


def score_facts(metrics: xr.Dataset, task: str, *, posterior: bool) -> Facts:
    """Tabulate the scores; members of an ensemble are no draws of a posterior, so their spread is left out."""
    columns = [str(name) for name, values in metrics.data_vars.items() if values.dims == ("metric",)]
    columns = [name for name in columns if posterior or not name.startswith("posterior")]
    shared = {name: metrics.attrs[name] for name in ("prob", "blocks", "resampled")}
    table = {
        str(name): {column: float(metrics[column].sel(metric=name)) for column in columns} | shared
        for name in metrics["metric"].values
    }
    for name, metric in table.items() if "random_rows" in columns else ():
        goodness = catalog.metrics(task)[name].goodness
        metric["optimism"] = goodness(metric["random_rows"]) - goodness(metric["same_rows"])
    return table


def metric_name(name: str, task: str) -> str:
    """Return the name of a metric in prose.

    Examples
    --------
    >>> metric_name("brier_score", "classification"), metric_name("crps", "regression")
    ('Brier score', 'CRPS')
    """
    known = catalog.metrics(task)
    return known[name].title if name in known else name.replace("_", " ")


def better(name: str, task: str) -> str:
    """Describe which scores of a metric are better.

    Examples
    --------
    >>> better("log_loss", "classification"), better("coverage_90", "regression")
    ('lower is better', 'closer to 0.9 is better')
    """
    best = catalog.metrics(task)[name].best
    return {"greater": "higher is better", "smaller": "lower is better"}.get(str(best), f"closer to {best} is better")


def column_names(task: str) -> list[str]:
    """Return the metrics that a table of scores shows, from left to right.

    Examples
    --------
    >>> column_names("regression")
    ['log_score', 'rmse', 'crps', 'coverage_90']
    """
    places = {name: metric.column for name, metric in catalog.metrics(task).items()}
    shown = [(place, name) for name, place in places.items() if place is not None]
    return [name for _, name in sorted(shown)]


def columns(facts: Mapping[str, Any]) -> dict[str, int]:
    """Return the metrics that the table of scores shows, with their decimals."""
    known = facts["models"][0]["metrics"]
    return {name: decimals(facts, name) for name in column_names(facts["dataset"]["task"]) if name in known}


def decimals(facts: Mapping[str, Any], name: str) -> int:
    """Return the decimals of a column of scores: those of its narrowest interval, but of no baseline's."""
    models = [model for model in facts["models"] if model["kind"] != "baseline"] or facts["models"]
    metrics = [model["metrics"][name] for model in models]
    wanted = max(decimals_for(width(metric["low"], metric["high"])) for metric in metrics)
    return min(max(wanted, 3), 4) if facts["dataset"]["labels"] else wanted


def estimate(metric: Mapping[str, Any], decimals: int) -> dict[str, str]:
    """Write a score and its interval."""
    ends = interval(metric["low"], metric["high"], decimals=decimals)
    return {"value": fixed(metric["value"], decimals), "interval": ends}


def posterior_interval(metric: Mapping[str, Any]) -> str:
    """Write the posterior interval of a score in square brackets; empty where there is none."""
    low, high = metric.get("posterior_low"), metric.get("posterior_high")
    return "" if low is None else f"[{interval(low, high, decimals=3)}]"


def prob(facts: Mapping[str, Any]) -> float:
    """Return the probability of the intervals of scores."""
    return next(iter(facts["models"][0]["metrics"].values()))["prob"]


def resampled(facts: Mapping[str, Any]) -> str:
    """Name what the bootstrap resamples, and how many of them there are."""
    metric = next(iter(facts["models"][0]["metrics"].values()))
    name = metric["resampled"]
    kind = BLOCKS.get(name, f"whole groups ({name})")
    return f"{metric['blocks']} {kind}"


def score_sentence(model: Mapping[str, Any], name: str, task: str) -> str:
    """Write a score of a model with its name and interval."""
    metric = model["metrics"][name]
    decimals = min(decimals_for(width(metric["low"], metric["high"])) + 1, 4)
    ends = interval(metric["low"], metric["high"], decimals=decimals)
    return f"{metric_name(name, task)} {fixed(metric['value'], decimals)}, {percent(metric['prob'])} interval {ends}"


def optimism(metric: Mapping[str, Any]) -> dict[str, str]:
    """Write the score of a random split, that of the split on the ``same_rows``, and the ``optimism`` gap between them.

    Examples
    --------
    >>> optimism({"same_rows": 0.414, "low": 0.36, "high": 0.47, "random_rows": 0.716, "optimism": 0.302})
    {'same_rows': '0.414', 'random_rows': '0.716', 'optimism': '0.302'}
    """
    decimals = min(decimals_for(width(metric["low"], metric["high"])) + 1, 3)
    return {name: fixed(metric[name], decimals) for name in ("same_rows", "random_rows", "optimism")}


def optimism_sentence(facts: Mapping[str, Any]) -> str:
    """Name the optimism gap of the best model; empty without scores of a random split.

    The gap is how much better a model seems when rows are drawn at random and so share groups, places or times with
    the training rows.
    """
    known = [model for model in facts["models"] if model["metrics"]["log_score"].get("optimism") is not None]
    if not known or known[0] is not facts["models"][0]:
        return ""
    learners = [model for model in known if model["kind"] != "baseline"] or known
    widest = max(learners, key=lambda model: round(model["metrics"]["log_score"]["optimism"], 3))
    text = f"Optimism gap: with a random split {known[0]['name']} would claim {_flattered(facts, known[0])}."
    if widest is known[0] or widest["metrics"]["log_score"]["optimism"] <= 0:
        return text
    return f"{text} The gap is widest for {widest['name']}: {_flattered(facts, widest)}."


def _flattered(facts: Mapping[str, Any], model: Mapping[str, Any]) -> str:
    task, parts = facts["dataset"]["task"], []
    for name in HEADLINE[task]:
        gap = optimism(model["metrics"][name])
        shown = f"{gap['random_rows']} instead of {gap['same_rows']}"
        parts.append(f"{metric_name(name, task)} {shown} (gap {gap['optimism']})")
    return listed(parts)


__all__ = [
    "HEADLINE",
    "better",
    "column_names",
    "columns",
    "decimals",
    "estimate",
    "metric_name",
    "optimism",
    "optimism_sentence",
    "posterior_interval",
    "prob",
    "resampled",
    "score_facts",
    "score_sentence",
]
