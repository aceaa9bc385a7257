"""What single rows tell: predictions against observations, and rows to look at by name."""

from typing import Any

import numpy as np
import xarray as xr

from bayesgeo._arrays import spaced

NOTABLE = 8
SCATTER = 150
Facts = dict[str, Any]


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
    """Name the rows that the model is least sure of, and those whose outcome surprised it most.

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
