"""Whether errors of held-out rows are alike, and which standard deviations of coefficients to believe then."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import xarray as xr

from bayesgeo.diagnostics.base import OF_RESIDUALS
from bayesgeo.reporting.sections.base import described
from bayesgeo.reporting.text import fixed, listed, number

Facts = dict[str, Any]
NUMBERS = ("value", "low", "high", "expected", "chance_low", "chance_high", "p", "design_effect", "effective_rows")
ALIKE = {"group": "within {}", "place": "among neighbours on the map", "order": "one after another in {}"}


def residuals(evidence: xr.DataTree) -> list[Facts]:
    """Return the group ``residuals`` as plain values, one fact for each way in which errors may be alike.

    Returns
    -------
    list of dict
        ``by`` (``group``, ``place`` or ``order``), ``name``, ``value``, its interval from ``low`` to ``high`` (of
        groups), ``expected`` (of neighbours), the ends ``chance_low`` to ``chance_high`` of what chance makes of
        neighbours and of consecutive rows, ``p``, ``design_effect``, ``effective_rows``, ``reason``, where they were
        not computed, and ``status`` of the check.
    """
    if "residuals" not in evidence.children:
        return []
    table, checks = evidence["residuals"].to_dataset(), evidence["diagnostics"].to_dataset()
    status = dict(zip(checks["code"].values.tolist(), checks["status"].values.tolist(), strict=True))
    return [
        {"by": by, "status": status.get(code, "not applicable")}
        | {name: str(table[name].sel(by=by).item()) for name in ("name", "reason")}
        | {name: float(table[name].sel(by=by)) for name in NUMBERS}
        for by, code in OF_RESIDUALS.items()
    ]


def cluster_robust(evidence: xr.DataTree) -> Facts | None:
    """Return the group ``cluster_robust`` as plain values; None where the Evidence has none.

    Returns
    -------
    dict
        ``key`` and number of ``groups``; ``believe``, ``"cluster-robust"`` or ``"posterior"``; and ``coefficients``,
        each with ``feature``, ``label`` where there are more than two, ``sd``, ``df``, ``low``, ``high`` and ``ratio``.
    """
    if "cluster_robust" not in evidence.children:
        return None
    table = evidence["cluster_robust"].to_dataset()
    labels, dims = list(described(evidence)["labels"]), list(table["sd"].dims)
    frame = table.to_dataframe().reset_index()[[*dims, *table.data_vars]]
    if "label" in dims:
        frame["label"] = [labels[int(label)] if str(label).isdecimal() else str(label) for label in frame["label"]]
    attrs = {name: table.attrs[name] for name in ("key", "groups", "believe")}
    return attrs | {"coefficients": frame.to_dict("records")}


def robust_of(model: Mapping[str, Any], summary: Mapping[str, Any]) -> Facts | None:
    """Return the cluster-robust fact of a summary of the posterior; None of what is no coefficient."""
    known = (model["cluster_robust"] or {}).get("coefficients", [])
    if summary["variable"] != "coefficient":
        return None
    place = (summary.get("feature"), summary.get("label"))
    return next((one for one in known if (one["feature"], one.get("label")) == place), None)


def which_to_believe(model: Mapping[str, Any]) -> str:
    """Write which standard deviations of coefficients to believe, and why."""
    found = model["cluster_robust"]
    row = next((one for one in model["residuals"] if one["by"] == "group"), {"value": None, "p": None})
    likeness = f"intraclass correlation of the errors {number(row['value'], digits=2)}, p = {fixed(row['p'], 3)}"
    what = f"corrected for {found['groups']} groups of {found['key']}"
    if found["believe"] == "cluster-robust":
        text = f"Believe the cluster-robust standard deviations and intervals, {what}: rows of one {found['key']} may"
        return (
            f"{text} be alike in what the model leaves over ({likeness}), and the posterior takes them as independent."
        )
    text = f"Believe the posterior's: no sign that rows of one {found['key']} are alike ({likeness})."
    return f"{text} The cluster-robust ones, {what}, do without that assumption."


def alike_reasons(facts: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the ways in which errors are alike, as reasons of a decision: grave where the best model makes them."""
    best, models = facts["models"][0]["name"], [model for model in facts["models"] if model["kind"] != "baseline"]
    for by in OF_RESIDUALS:
        found = {model["name"]: row for model in models for row in _alike(model, by)}
        if not found:
            continue
        first, row = next(iter(found.items()))
        text = f"Errors of {listed(list(found))} are alike {ALIKE[by].format(row['name'])}: for {first} the"
        text += f" {facts['dataset']['test_rows']} rows count as {'' if by == 'group' else 'at most '}about"
        text += f" {fixed(row['effective_rows'], 0)}."
        yield "care" if best in found else "ok", text + (_remedy(row["name"], models) if by == "group" else "")


def _remedy(key: str, models: Sequence[Mapping[str, Any]]) -> str:
    """Write what too narrow intervals call for: a model with effects of the groups, and what to believe without."""
    text = f" Intervals that take rows of one {key} as independent are too narrow"
    joint = [model["name"] for model in models if model["unseen_groups"] == "population"]
    use = f"those of {listed(joint)} do not" if joint else f"use the hierarchical model (--effects {key})"
    return f"{text}: {use}.{_coefficients(models)}"


def _alike(model: Mapping[str, Any], by: str) -> list[Facts]:
    return [row for row in model["residuals"] if row["by"] == by and row["status"] == "tip"]


def _coefficients(models: Sequence[Mapping[str, Any]]) -> str:
    tables = {model["name"]: model["cluster_robust"] for model in models if model["cluster_robust"]}
    robust = [name for name, table in tables.items() if table["believe"] == "cluster-robust"]
    if not robust:
        return ""
    return f" Of the coefficients of {listed(robust)} believe the cluster-robust intervals, not the posterior's."


__all__ = ["alike_reasons", "cluster_robust", "residuals", "robust_of", "which_to_believe"]
