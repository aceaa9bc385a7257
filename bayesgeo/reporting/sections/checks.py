"""Predictions against what was observed: calibration of probabilities, coverage of intervals."""

from collections.abc import Mapping, Sequence
from typing import Any

from bayesgeo.reporting import charts, figures
from bayesgeo.reporting.figures import Picture
from bayesgeo.reporting.sections.base import Section
from bayesgeo.reporting.sections.residuals import ALIKE
from bayesgeo.reporting.sections.scores import estimate, prob
from bayesgeo.reporting.text import fixed, number, percent

Facts = dict[str, Any]


def pictures(facts: Mapping[str, Any]) -> Facts:
    """Return what the template shows: figures and a sentence of each model, and parts of the Brier score."""
    models, dataset = facts["models"], facts["dataset"]
    return {
        "drawn": [_figures(model, k, dataset) for k, model in enumerate(models, start=1)],
        "calibrated": _calibrated,
        "brier_parts": _brier_parts,
        "band": _band(models),
        "prob": prob(facts),
        "estimate": estimate,
        "alike": ALIKE,
        "measured": any(not row["reason"] for model in models for row in model["residuals"]),
        "event": next((model["calibration"].get("event", "") for model in models if model["calibration"]), ""),
    }


section = Section("checks", 60, pictures=pictures)


def _figures(model: Mapping[str, Any], number: int, dataset: Mapping[str, Any]) -> list[Picture]:
    kind, calibration = model["kind"], model["calibration"]
    if dataset["task"] == "regression":
        drawn = [figures.scatter(model["scatter"], unit=dataset["unit"], name=f"scatter{number}", kind=kind)]
        return drawn + ([charts.pit(calibration, name=f"pit{number}", kind=kind)] if calibration else [])
    if not calibration:
        return []
    event = f"P({calibration['event']})" if len(dataset["labels"]) == 2 else "confidence"
    return [charts.reliability(calibration, name=f"calibration{number}", kind=kind, event=event)]


def _unit(model: Mapping[str, Any]) -> str:
    """Return what counts as one where chance is measured."""
    return str(next(iter(model["metrics"].values()))["resampled"])


def _band(models: Sequence[Mapping[str, Any]]) -> str:
    """Say whether the bands take rows as independent."""
    unit = _unit(models[0])
    if any(model["calibration"] and model["calibration"]["correlation"] is not None for model in models):
        return f"The band lets outcomes of one {unit} go together as far as those observed may."
    only = "" if unit == "row" else f": there is one {unit}, or each holds one row"
    return f"The band takes rows as independent{only}."


def _together(model: Mapping[str, Any]) -> str:
    rho = model["calibration"]["correlation"]
    return "" if rho is None else f"correlation of outcomes of one {_unit(model)} {fixed(rho, 2)}"


def _brier_parts(calibration: Mapping[str, Any]) -> Facts:
    """Return the parts of the Brier score in the group ``calibration`` of classes."""
    at = calibration["score"].index("brier_score")
    names = ("value", "miscalibration", "miscalibration_by_chance", "p_calibrated", "discrimination", "uncertainty")
    return {name: calibration[name][at] for name in names}


def _calibrated(model: Mapping[str, Any]) -> str:
    """Report whether predictions and observations differ by more than chance."""
    calibration = model["calibration"]
    if "pit_deviation" in calibration:
        low, high = calibration["pit_low"], calibration["pit_high"]
        inside = sum(a <= count <= b for a, count, b in zip(low, calibration["pit_count"], high, strict=True))
        text = f"{inside} of {len(low)} counts are inside the {percent(calibration['prob'])} band; "
        text += f"PIT deviation {number(calibration['pit_deviation'], digits=2)}"
        return "; ".join(filter(None, (text, _together(model)))) + "."
    parts = _brier_parts(calibration)
    p, text = parts["p_calibrated"], f"Miscalibration {fixed(parts['miscalibration'], 4)} of the Brier score"
    if p is None:
        return f"{text}."
    verdict = "no more than chance" if p > 1 - calibration["prob"] else "more than chance"
    told = "; ".join(filter(None, (f"p = {fixed(p, 3)}", _together(model))))
    return f"{text}: {verdict} ({told})."


__all__ = ["section"]
