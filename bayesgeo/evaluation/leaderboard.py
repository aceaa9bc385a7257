"""Rank models by a proper score, with their calibration, seconds and size."""

import json
from collections.abc import Mapping
from typing import Any

import pandas as pd
import xarray as xr

from bayesgeo import catalog
from bayesgeo.evaluation.compare import paired, ranked_by

COST = ("compile_seconds", "fit_seconds", "predict_seconds", "size_bytes")


def leaderboard(evidences: Mapping[str, xr.DataTree], *, metric: str = "log_score", seed: int = 0) -> pd.DataFrame:
    """Rank models by a proper score, with their calibration, seconds and size.

    Parameters
    ----------
    evidences, metric, seed
        As for :func:`bayesgeo.evaluation.compare.compare`.

    Returns
    -------
    pandas.DataFrame
        A row for each ``model``, the best first: ``kind``, ``verdict`` on its posterior, ``conclusion`` ("best", and
        for the others the conclusion of :func:`bayesgeo.evaluation.compare.compare` against it), ``score`` with its
        interval ``low`` to ``high``, scores of the task, ``miscalibration`` and ``p_calibrated`` (of the Brier score of
        the event of :func:`bayesgeo.metrics.calibration.event_of`) or ``pit_deviation``, ``aurc`` (ranked by total
        uncertainty), ``compile_seconds``, ``fit_seconds`` (all fits), ``predict_seconds`` (all test rows) and
        ``size_bytes`` of the arrays in the fitted model.

    Raises
    ------
    InvalidInput
        If the Evidences are not about the same rows in the same folds, or lack the score.

    Examples
    --------
    >>> from bayesgeo.datasets.registry import load
    >>> from bayesgeo.datasets.split import split
    >>> from bayesgeo.models.baselines import LogisticClassifier, MajorityClassifier
    >>> events = load("seismic_events")
    >>> folds = split(events, folds=2)
    >>> from bayesgeo.evaluation.evaluate import evaluate
    >>> models = {"logistic": LogisticClassifier(), "majority": MajorityClassifier()}
    >>> table = leaderboard({name: evaluate(model, events, folds) for name, model in models.items()})
    >>> table[["model", "conclusion"]].values.tolist()
    [['logistic', 'best'], ['majority', 'worse']]
    """
    ranked = ranked_by(evidences, metric)
    against = {name: paired(evidences, name, ranked[0], metric, seed)["conclusion"] for name in ranked[1:]}
    return pd.DataFrame([_line(name, evidences[name], metric, against.get(name, "best")) for name in ranked])


def _line(name: str, evidence: xr.DataTree, metric: str, conclusion: str) -> dict[str, Any]:
    table = evidence["metrics"].to_dataset()
    ends = {"score": "value", "low": "low", "high": "high"}
    task = json.loads(evidence.attrs["dataset_description"])["task"]
    line = {
        "model": name,
        "kind": evidence.attrs["kind"],
        "verdict": evidence["diagnostics"].attrs["verdict"],
        "conclusion": conclusion,
        **{column: float(table[end].sel(metric=metric)) for column, end in ends.items()},
    }
    shown = [name for name, known in catalog.metrics(task).items() if known.column and name != metric]
    line |= {name: float(table["value"].sel(metric=name)) for name in shown}
    line |= _calibration(evidence["calibration"].to_dataset())
    line["aurc"] = float(evidence["selective"].to_dataset()["aurc"].sel(ranking="total"))
    return line | {cost: evidence.attrs[cost] for cost in COST}


def _calibration(calibration: xr.Dataset) -> dict[str, float]:
    if "miscalibration" not in calibration:
        return {"pit_deviation": float(calibration["pit_deviation"])}
    brier = calibration.sel(score="brier_score")
    return {name: float(brier[name]) for name in ("miscalibration", "p_calibrated")}
