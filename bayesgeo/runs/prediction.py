"""Predict new rows with a saved model: from a run and a table to a CSV file."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
import pandas as pd
import xarray as xr

from bayesgeo._check import invalid, shown
from bayesgeo._files.writing import atomic_file, harmless
from bayesgeo.maps.parts import SplitsSd
from bayesgeo.metrics.classification import summarise_classes
from bayesgeo.metrics.regression import COVERAGE
from bayesgeo.models.base import Classifier, Estimator, Regressor
from bayesgeo.runs.finished import chosen, load_fitted
from bayesgeo.runs.folder import load_study
from bayesgeo.runs.reading import NewRows, new_rows

STATUS = {"new": "absent from the training rows", "unknown": "not stated"}


@runtime_checkable
class _HasGroups(Protocol):
    """A model with effects of groups, which says of each row and key whether the group is known, new or unknown."""

    def group_status(self, groups: Any) -> pd.DataFrame: ...


@dataclass(frozen=True)
class Predicted:
    """Summary of a prediction: rows written, the model, the verdict on its posterior, notes, and how many rows are far.

    A row is far when its distance to the nearest training row is above ``limit``, in standard deviations.
    """

    rows: int
    model: str
    verdict: str
    notes: tuple[str, ...]
    far: int
    limit: float


def predict_table(run: str | Path, table: str | Path, *, out: str | Path, model: str | None = None) -> Predicted:
    """Predict the rows of a table with a model of a run.

    Parameters
    ----------
    run : path
        Folder of a comparison.
    table : path
        CSV, Parquet or netCDF with the columns of the training table: features, and groups and coordinates where the
        model uses them; others are left out. Numbers in another unit are converted.
    out : path
        CSV file: for classes ``predicted``, a probability for each, and the ``aleatoric`` and ``epistemic``
        uncertainty in nats; for values ``predicted`` and the ends ``low`` and ``high`` of the equal-tailed
        interval of probability 0.9. Of a model with effects of groups, ``<key> group`` is known, new or unknown, and
        ``sd within``, ``sd <key>`` and ``sd epistemic`` are the parts of the standard deviation of a value. Then
        ``distance``, to the nearest training row in standard deviations of each
        feature, and ``far``, whether that is more than 99 % of the test rows of the run were from theirs: beyond it no
        score was measured. Last ``inside``, whether the row is in the area of applicability over the folds of the run:
        :func:`bayesgeo.maps.area_of_applicability`.
    model : str, optional
        Which model; by default the one of the best log score.

    Raises
    ------
    InvalidInput
        If the run, the model or a column is not there, a unit cannot be converted, a value cannot be used, or ``out``
        exists already.
    """
    if Path(out).exists():
        raise invalid("out", str(out), "It exists, and nothing is overwritten.", "Give a new name, or remove it.")
    evidences, manifest = load_study(run)
    name = chosen(evidences, model)
    rows = new_rows(run, table)
    estimator = load_fitted(Path(run), name, evidences[name])
    if estimator.unseen_groups == "population":
        rows = _with_every_key(rows, manifest["groups"])
    if isinstance(estimator, Classifier):
        result = _classes(estimator, rows, manifest["dataset"]["labels"])
    else:
        result = _values(estimator, rows)
    status = _status(estimator, rows, result.index)
    result = pd.concat([result, _parts(estimator, rows, result.index), status], axis=1)
    _refuse_no_numbers(result)
    distance = rows.reference.distance(rows.X.values)
    far, inside = rows.reference.far(distance), rows.reference.area.inside(rows.X.values).values
    with atomic_file(out) as temporary:
        result.assign(distance=distance, far=far, inside=inside).to_csv(temporary, index_label="row")
    verdict = evidences[name]["diagnostics"].attrs["verdict"]
    notes = (*rows.notes, *_of_population(estimator, status))
    return Predicted(len(result), name, verdict, notes, int(far.sum()), rows.reference.limit)


def _with_every_key(rows: NewRows, keys: Sequence[str]) -> NewRows:
    """Return the rows with an empty label, which is unknown, for each key that the table lacks."""
    return replace(rows, groups={key: rows.groups.get(key, np.full(rows.X.sizes["obs"], "")) for key in keys})


def _status(estimator: Estimator, rows: NewRows, index: pd.Index) -> pd.DataFrame:
    if estimator.unseen_groups != "population" or not isinstance(estimator, _HasGroups):
        return pd.DataFrame(index=index)
    found = estimator.group_status(rows.groups).set_axis(index)
    return found.rename(columns=lambda key: harmless(f"{key} group"))


def _parts(estimator: Estimator, rows: NewRows, index: pd.Index) -> pd.DataFrame:
    if not isinstance(estimator, SplitsSd):
        return pd.DataFrame(index=index)
    found = estimator.predict_sd(rows.X, **rows.labels).set_axis(index)
    return found.drop(columns="total").rename(columns=lambda part: f"sd {part}")


def _of_population(estimator: Estimator, status: pd.DataFrame) -> Iterator[str]:
    """Say how many rows are of groups without an effect of their own."""
    kriged = {effect.key for effect in getattr(estimator, "effects_", ()) if effect.smoothness is not None}
    for column in status:
        for kind, meaning in STATUS.items():
            found = int((status[column] == kind).sum())
            if found:
                key = str(column).removesuffix(" group")
                whose = f"any {key} of the population, with its full spread"
                if key in kriged:
                    whose = f"any {key} at its place, known by its neighbours as far as they tell"
                yield (
                    f"{found:,} of {len(status):,} rows: {key} is {meaning}, so the prediction is for {whose}. "
                    f"Column {str(column)!r} says {kind}."
                )


def _refuse_no_numbers(result: pd.DataFrame) -> None:
    lost = result.index[~np.isfinite(result.select_dtypes("number")).all(axis=1)]
    if len(lost):
        problem = f"The model has no number for row {shown(lost)}: its features are too far from the training rows."
        raise invalid("table", f"{len(result)} rows", problem, "Correct those rows, or leave them out.")


def _classes(estimator: Classifier, rows: NewRows, labels: list[str]) -> pd.DataFrame:
    summary = xr.concat([summarise_classes(draws) for draws in estimator.stream(rows.X, **rows.labels)], "obs")
    known = [harmless(labels[code]) for code in estimator.classes_]
    probability = summary["probability"].values
    result = pd.DataFrame({"predicted": np.array(known)[probability.argmax(axis=1)]}, index=_names(rows.X))
    for k, label in enumerate(known):
        result[f"probability of {label}"] = probability[:, k]
    return result.assign(aleatoric=summary["aleatoric"].values, epistemic=summary["epistemic"].values)


def _values(estimator: Estimator, rows: NewRows) -> pd.DataFrame:
    assert isinstance(estimator, Regressor)
    levels, sample = [(1 - COVERAGE) / 2, (1 + COVERAGE) / 2], ("chain", "draw")
    rng = np.random.default_rng(estimator.seed_)
    parts = []
    for predictive in estimator.stream_predictive(rows.X, **rows.labels):
        low, high = estimator.respond(predictive, rng).quantile(levels, sample).values
        parts.append(np.stack([predictive["expected"].mean(sample).values, low, high], axis=1))
    return pd.DataFrame(np.concatenate(parts), columns=["predicted", "low", "high"], index=_names(rows.X))


def _names(X: xr.DataArray) -> list[Any]:
    return [harmless(name) if isinstance(name, str) else name for name in X["obs"].values.tolist()]
