"""Predictions of single rows: confusion of classes, and the rows with the largest uncertainty or error."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from bayesgeo._arrays import spaced
from bayesgeo.reporting.sections.base import Section, bayesian
from bayesgeo.reporting.sections.distances import distances_picture, distances_sentence
from bayesgeo.reporting.sections.map import map_pictures

NOTABLE = 8
SCATTER = 150
Facts = dict[str, Any]


def pictures(facts: Mapping[str, Any]) -> Facts:
    """Return what the template shows: the model whose rows are named, and its maps."""
    sound = [model for model in bayesian(facts) if model["diagnostics"]["verdict"] != "failed"]
    model = (sound or facts["models"])[0]
    drawn = distances_picture(facts["dataset"])
    told = distances_sentence(facts["dataset"]) if drawn else ""
    return {"model": model, "maps": map_pictures(model, facts["dataset"]), "distances": drawn, "asked": told}


section = Section("predictions", 80, pictures=pictures)


def scatter(evidence: xr.DataTree) -> list[Facts]:
    """Return predicted and observed values of rows spread evenly over the predictions; empty for classes."""
    predictions = evidence["predictions"].to_dataset()
    if "mean" not in predictions:
        return []
    order = np.argsort(predictions["mean"].values, kind="stable")
    chosen = order[spaced(len(order), SCATTER)]
    columns = {"predicted": predictions["mean"], "low": predictions["low"], "high": predictions["high"]}
    columns["observed"] = evidence["observed_data"].to_dataset()["y"]
    return [{name: float(values.values[row]) for name, values in columns.items()} for row in chosen]


def notable(evidence: xr.DataTree, labels: list[str]) -> dict[str, list[Facts]]:
    """Return the rows of largest uncertainty, and those of lowest log score.

    Parameters
    ----------
    evidence : xarray.DataTree
        Evidence of one model.
    labels : list of str
        Names of the classes; empty for regression.

    Returns
    -------
    dict
        ``uncertain`` (by entropy, or by the width of the interval) and ``surprising`` (by log score): rows with
        ``row``, ``group``, ``observed``, ``predicted``, ``probability`` (of the predicted class), ``low`` and ``high``
        (of a value), ``aleatoric``, ``epistemic`` and ``log_score``.
    """
    predictions = evidence["predictions"].to_dataset()
    # The variance of a value may be infinite, where the noise has heavy tails; the interval never is.
    parts = ("aleatoric", "epistemic") if labels else ("high", "low")
    sign = 1 if labels else -1
    total = (predictions[parts[0]] + sign * predictions[parts[1]]).values
    score = evidence["metrics"].to_dataset()["log_score_by_row"].values
    worst = {"uncertain": np.argsort(-total, kind="stable"), "surprising": np.argsort(score, kind="stable")}
    return {why: [_row(evidence, int(row), labels) for row in order[:NOTABLE]] for why, order in worst.items()}


def _row(evidence: xr.DataTree, row: int, labels: list[str]) -> Facts:
    predictions, observed = evidence["predictions"].to_dataset(), evidence["observed_data"].to_dataset()
    return {
        "row": str(predictions["obs"].values[row]),
        "group": str(observed["group"].values[row]) if "group" in observed else None,
        **_outcome(predictions.isel(obs=row), observed["y"].values[row].item(), labels),
        "aleatoric": float(predictions["aleatoric"].values[row]),
        "epistemic": float(predictions["epistemic"].values[row]),
        "log_score": float(evidence["metrics"].to_dataset()["log_score_by_row"].values[row]),
    }


def _outcome(prediction: xr.Dataset, y: float, labels: list[str]) -> Facts:
    if not labels:
        ends = {name: float(prediction[name]) for name in ("low", "high")}
        return {"observed": y, "predicted": float(prediction["mean"]), "probability": None, **ends}
    probability = prediction["probability"].values
    best = int(probability.argmax())
    return {"observed": labels[int(y)], "predicted": labels[best], "probability": float(probability[best])}


def confusion(metrics: xr.Dataset, *, posterior: bool) -> Facts | None:
    """Return the confusion of classes, with its posterior interval where there is one; None for values."""
    if "confusion" not in metrics:
        return None
    names = {"count": "confusion"} | ({"low": "confusion_low", "high": "confusion_high"} if posterior else {})
    counts = {key: metrics[name].values.tolist() if name in metrics else None for key, name in names.items()}
    counts = {"low": None, "high": None} | counts
    return {"labels": [str(label) for label in metrics["true_label"].values], **counts}


__all__ = ["confusion", "notable", "scatter", "section"]
