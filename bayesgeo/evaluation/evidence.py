"""Evidence: predictions of one model for held-out rows and their scores, a DataTree with a fixed schema.

============== =============================================================================================
group          holds
============== =============================================================================================
predictions    predictions of each test row: :func:`bayesgeo.metrics.classification.summarise_classes` or
               :func:`bayesgeo.metrics.regression.summarise_values`, and its ``fold``
observed_data  observed targets, groups and coordinates: :func:`observed_group`
metrics        scores with their intervals, :func:`metrics_group`
calibration    :func:`bayesgeo.metrics.class_calibration` or :func:`bayesgeo.metrics.value_calibration`
selective      risk of the most certain rows, :func:`bayesgeo.metrics.selective_scores`
decision       relative economic value, :func:`bayesgeo.metrics.economic_value`; only of classes
residuals      how far errors are alike within groups, among neighbours, one after another:
               :func:`bayesgeo.evaluation.residuals.residuals_group`
distances      of test rows to training rows, of rows to others, of a map to rows; only of rows with places:
               :func:`bayesgeo.evaluation.distances.distances_group`
diagnostics    :func:`diagnostics_group`
training       losses by epoch, :func:`bayesgeo.evaluation.training.training_group`; only of networks that are trained
seeds          scores of the same folds under other seeds, :func:`bayesgeo.evaluation.seeds.seeds_group`; on request
variance_...   of a model with effects of groups fitted on every row: ``variance_components`` along ``component`` and
               ``group_effects`` along ``group``
posterior ...  of a Bayesian model fitted on every row: the groups that its inference returned, and the tables of
               :func:`bayesgeo.diagnostics.model_evidence` in place of their inputs; of a Bayesian network
               ``function_curves``, :func:`bayesgeo.models.networks.function_curves.function_curves`
============== =============================================================================================
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from threadpoolctl import threadpool_limits

from bayesgeo import catalog
from bayesgeo._check import invalid
from bayesgeo.datasets.base import Dataset
from bayesgeo.datasets.split import Split
from bayesgeo.diagnostics import Check, Diagnosis, Status
from bayesgeo.evaluation.integrity import load_sealed, problems, write_sealed
from bayesgeo.metrics.base import Blocks, block_weights, resample
from bayesgeo.metrics.by_draw import areas_by_draw
from bayesgeo.metrics.calibration import class_calibration
from bayesgeo.metrics.classification import FROM_CONFUSION, confusion_counts
from bayesgeo.metrics.decision import economic_value
from bayesgeo.metrics.selective import selective_scores
from bayesgeo.metrics.transforms import value_calibration

EVIDENCE_SCHEMA = 7
PROB = 0.95
RESAMPLES = 2000
# What the blocks of a split are called, by its kind.
BLOCKS = {"spatial": "block of the map", "temporal": "stretch of time"}
PLACES = {"longitude": "degrees_east", "latitude": "degrees_north", "easting": "", "northing": ""}


def describe(dataset: Dataset) -> str:
    """Describe a data set for a report, as JSON."""
    counts: Any = np.bincount(dataset.y.values, minlength=len(dataset.labels)) if dataset.labels else []
    return json.dumps(
        {
            "name": dataset.name,
            "task": dataset.task,
            "rows": dataset.n_rows,
            "features": [{"name": name, "unit": unit} for name, unit in dataset.units.items()],
            "target": str(dataset.y.name or "target"),
            "unit": dataset.attrs.get("target_unit", ""),
            "labels": {label: int(count) for label, count in zip(dataset.labels, counts, strict=True)},
            "group": None if dataset.group is None else str(dataset.group.name or "group"),
            "groups": 0 if dataset.group is None else len(np.unique(dataset.group.values)),
            "attrs": {str(name): str(text) for name, text in dataset.attrs.items()},
        }
    )


def observed_group(tested: Dataset, split: Split) -> xr.Dataset:
    """Return the observed side of the test rows of a split, given in the order of its folds.

    It holds ``y``, ``block`` (what counts as one where chance is measured: the blocks of the split, else the groups,
    else the rows; its attribute ``name`` tells which), and ``group``, ``exact`` and places where there are such.

    Places are ``longitude`` and ``latitude`` or ``easting`` and ``northing``, with their ``units`` as far as the data
    set has them; NaN where unknown.
    """
    observed = xr.Dataset({"y": ("obs", tested.y.values)}, coords={"obs": tested.y["obs"].values})
    observed["block"] = _blocks(tested, split)
    for name in (name for name in PLACES if name in tested.coordinates):
        place = tested.coordinates[name]
        observed[name] = ("obs", place.values.astype(float), {"units": place.attrs.get("units", PLACES[name])})
    if tested.group is not None:
        observed["group"] = ("obs", tested.group.values.astype(str))
    if tested.exact is not None:
        observed["exact"] = (("obs", "label"), tested.exact.values)
    return observed


def _blocks(tested: Dataset, split: Split) -> xr.Variable:
    if split.blocks is not None:
        blocks, name = split.blocks[np.concatenate([test for _, test in split.folds])], BLOCKS.get(split.kind, "block")
    elif tested.group is not None:
        blocks, name = tested.group.values.astype(str), str(tested.group.name or "group")
    else:
        blocks, name = np.arange(tested.n_rows), "row"
    return xr.Variable("obs", np.unique(blocks, return_inverse=True)[1], {"name": name})


# One thread: the order of sums, and so their rounding, would depend on the number of cores.
@threadpool_limits.wrap(limits=1)
def scored_groups(
    dataset: Dataset,
    predictions: xr.Dataset,
    observed: xr.Dataset,
    *,
    confusion: np.ndarray,
    probability: np.ndarray,
    seed: int,
) -> dict[str, xr.Dataset]:
    """Compute all scores of predictions: the groups ``metrics``, ``calibration``, ``selective`` and ``decision``.

    All of their bootstraps resample the same whole blocks, and outcomes under calibration are drawn as alike within
    them as the observed ones may be; parameters as :func:`metrics_group`.
    """
    y, labels, codes = observed["y"].values, dataset.labels, observed["block"].values
    drawn = block_weights(codes, resamples=RESAMPLES, seed=seed)
    draws = {"confusion": confusion, "probability": probability}
    groups = {
        "metrics": metrics_group(dataset, predictions, observed, drawn=drawn, **draws),
        "selective": selective_scores(predictions, y, drawn, prob=PROB),
    }
    if not labels:
        return groups | {"calibration": value_calibration(predictions, y, drawn, prob=PROB, seed=seed, codes=codes)}
    return groups | {
        "calibration": class_calibration(predictions, y, labels, prob=PROB, seed=seed, codes=codes),
        "decision": economic_value(predictions, y, labels, drawn, prob=PROB),
    }


def metrics_group(
    dataset: Dataset,
    predictions: xr.Dataset,
    observed: xr.Dataset,
    *,
    confusion: np.ndarray,
    probability: np.ndarray,
    drawn: Blocks,
) -> xr.Dataset:
    """Score predictions, with an interval from a bootstrap of whole blocks and one from the posterior.

    Parameters
    ----------
    dataset : Dataset
        For its task, labels and group.
    predictions, observed : xarray.Dataset
        Along ``obs``: predictions and observations.
    confusion : numpy.ndarray
        ``(draw, true, predicted)`` counts of each posterior draw; one draw gives no posterior interval.
    probability : numpy.ndarray
        ``(draw, obs, label)`` of fewer draws, for the scores of ranks; empty for values.
    drawn : tuple
        Bootstrap samples of :func:`bayesgeo.metrics.base.block_weights`.

    Returns
    -------
    xarray.Dataset
        ``value``, ``low``, ``high`` and, for scores of a confusion matrix or of ranks, ``posterior_low``,
        ``posterior_high`` of the draws' own scores, along ``metric``; scores ``<metric>_by_row`` along ``obs``;
        ``<metric>_by_draw``, the posterior of a score of ranks, along ``ranked_draw``; ``confusion`` counts.
    """
    y = observed["y"].values
    n_blocks = drawn[1].shape[1]
    table, by_row = {}, {}
    by_draw = {name: finish(confusion) for name, finish in FROM_CONFUSION.items()} if len(confusion) > 1 else {}
    ranked = areas_by_draw(probability, y) if len(probability) > 1 else {}
    metrics = catalog.metrics(dataset.task)
    samples = resample(metrics.values(), predictions, y, drawn)
    for name, metric in metrics.items():
        value = metric(predictions, y)
        low, high = metric.ends(samples[name], value, n_blocks, prob=PROB)
        table[name] = {"value": value, "low": low, "high": high}
        if name in by_draw | ranked:
            ends = np.quantile((by_draw | ranked)[name], _tails())
            table[name] |= dict(zip(("posterior_low", "posterior_high"), ends, strict=True))
        rows = metric.by_row(predictions, y)
        if rows is not None:
            by_row[f"{name}_by_row"] = ("obs", rows)
    frame = pd.DataFrame.from_dict(table, orient="index")
    result = xr.Dataset({column: ("metric", frame[column].to_numpy(float)) for column in frame})
    result = result.assign_coords(metric=list(frame.index), obs=predictions["obs"]).assign(by_row)
    result = result.assign({f"{name}_by_draw": ("ranked_draw", areas) for name, areas in ranked.items()})
    result.attrs = {"prob": PROB, "blocks": n_blocks, "resampled": observed["block"].attrs["name"]}
    return _with_confusion(result, confusion, predictions, y, dataset.labels) if dataset.labels else result


def _tails() -> list[float]:
    return [(1 - PROB) / 2, (1 + PROB) / 2]


def _with_confusion(
    result: xr.Dataset, draws: np.ndarray, predictions: xr.Dataset, y: np.ndarray, labels: tuple[str, ...]
) -> xr.Dataset:
    best = predictions["probability"].argmax("label").expand_dims(("chain", "draw"))
    dims = ("true_label", "predicted_label")
    counts = confusion_counts(best, y, len(labels))[0]
    result = result.assign_coords({dim: list(labels) for dim in dims}).assign(confusion=(dims, counts))
    if len(draws) > 1:
        low, high = np.quantile(draws, _tails(), axis=0)
        result = result.assign(confusion_low=(dims, low), confusion_high=(dims, high))
    return result


def diagnostics_group(final: Diagnosis, folds: Sequence[Diagnosis], residuals: Iterable[Check] = ()) -> xr.Dataset:
    """Tabulate the checks of the fit on every row, whether the fits on training parts are sound, and the residuals."""
    checks = [*final.checks]
    if final.verdict != "not applicable":
        checks.append(_folds_check(folds))
    checks += residuals
    table = {field: ("check", [getattr(check, field) for check in checks]) for field in asdict(checks[0])}
    return xr.Dataset(table, attrs={"verdict": Diagnosis(tuple(checks)).verdict})


def _folds_check(folds: Sequence[Diagnosis]) -> Check:
    verdicts = [fold.verdict for fold in folds]
    unsound = sum(verdict != "sound" for verdict in verdicts)
    if not unsound:
        return Check("folds", "passed", 0.0, "0 fits", "Every fit on a training part is sound.")
    codes = [check.code for fold in folds for check in fold.checks if check.status in ("tip", "issue")]
    reasons = ", ".join(f"{code} ({codes.count(code)})" for code in dict.fromkeys(codes))
    status: Status = "issue" if "failed" in verdicts else "tip"
    advice = f"Fits on training parts that are not sound, by check: {reasons}."
    return Check("folds", status, float(unsound), "0 fits", advice)


def save_evidence(evidence: xr.DataTree, path: str | Path) -> Path:
    """Write Evidence to one netCDF file, atomically, with a checksum of all that is in it."""
    return write_sealed(evidence, path)


def load_evidence(path: str | Path) -> xr.DataTree:
    """Read what :func:`save_evidence` wrote.

    Its checksum detects what was damaged or edited, and is no signature; :mod:`bayesgeo.evaluation.integrity` says what
    is computed again instead of believed.

    Raises
    ------
    InvalidInput
        If the file is not Evidence of this schema, has changed since it was written, or contradicts itself.
    """
    remedy = "Run the comparison again."
    tree = load_sealed(path, "evidence")
    if tree.attrs.get("schema_version") != EVIDENCE_SCHEMA:
        raise invalid("evidence", str(path), f"Its schema is not {EVIDENCE_SCHEMA}.", remedy)
    try:
        problem = next(problems(tree), "")
    except Exception as error:  # content of others may be of any kind
        problem = f"Its parts do not fit together: {type(error).__name__}: {error}."
    if problem:
        raise invalid("evidence", str(path), problem, remedy)
    return tree
