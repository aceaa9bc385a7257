"""Evaluate a model on a data set: fit, predict held-out rows, score them, and gather the Evidence."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import xarray as xr
from sklearn.base import BaseEstimator

from bayesgeo import catalog
from bayesgeo._check import invalid, positive, seed_number
from bayesgeo._progress import announce
from bayesgeo.datasets.base import Dataset
from bayesgeo.datasets.split import Split
from bayesgeo.diagnostics import model_evidence, residual_checks
from bayesgeo.evaluation.checkpoint import kept
from bayesgeo.evaluation.distances import distances_group
from bayesgeo.evaluation.evidence import (
    EVIDENCE_SCHEMA,
    describe,
    diagnostics_group,
    observed_group,
    scored_groups,
)
from bayesgeo.evaluation.fingerprints import preprocessing_sha256, rows_sha256
from bayesgeo.evaluation.fold import FoldResult, diagnosis, fit, is_interrupted, run_fold, training_curve
from bayesgeo.evaluation.residuals import believed, residuals_group
from bayesgeo.evaluation.seeds import repeated, seeds_group
from bayesgeo.evaluation.training import training_group
from bayesgeo.models.base import Classifier, Estimator
from bayesgeo.models.bayesian import Bayesian
from bayesgeo.models.criticism import BY_ROW
from bayesgeo.models.wrappers.sklearn import as_model

TREES = ("Tree", "TreePredictor")  # classes that hold the trees of scikit-learn's forests and boosting
LIBRARIES = ("arviz", "blackjax", "jax", "nutpie", "numpy", "pymc", "scikit-learn", "torch", "xarray")


@dataclass(frozen=True, eq=False)
class Evaluated:
    """Result of an evaluation: the Evidence, and the model fitted on every row."""

    evidence: xr.DataTree
    model: Estimator


def evaluate(
    estimator: Any,
    dataset: Dataset,
    split: Split,
    *,
    seed: int = 0,
    jobs: int = 1,
    seeds: int = 1,
    random_rows: Split | None = None,
    keep: str | Path | None = None,
) -> xr.DataTree:
    """Fit a model on each training part, score it on each test part, then fit it on every row.

    Parameters
    ----------
    estimator : Estimator or scikit-learn estimator
        The model, or a classifier or regressor of scikit-learn; it is cloned for each fit and never changed.
    dataset : Dataset
        Data set to evaluate on.
    split : Split
        The folds; see :func:`bayesgeo.split`.
    seed : int
        Each fit gets its own seed from it, whatever ``jobs`` is.
    jobs : int
        Folds that run at once, each in a process of its own.
    seeds : int
        How often each fold is fitted, each time under another seed, to measure the variance of the scores
        over seeds; a model whose fit is the same under another seed is not fitted again. All else in the Evidence, the
        predictions too, is of the first.
    random_rows : Split, optional
        A split that ignores groups, place and time: its scores on the same rows are reported beside those of
        ``split``, as the optimism gap.
    keep : path, optional
        Folder for the finished fits of folds; after an interruption the same call with the same folder fits only the
        others. Remove it afterwards.

    Returns
    -------
    xarray.DataTree
        Evidence, with groups ``posterior`` and ``sample_stats`` (Bayesian models, fitted on every row),
        ``predictions`` and ``observed_data`` by test row, ``metrics``, ``calibration``, ``selective``, ``decision``
        (classes), ``residuals``, ``distances`` (rows with places), ``diagnostics``, ``training`` (networks)
        and ``seeds``; see :mod:`bayesgeo.evaluation.evidence`.

    Raises
    ------
    InvalidInput
        If the model does not suit the data set's task, or ``seeds`` is not a positive integer.
    KeyboardInterrupt
        If interrupted before the last fit, the one on every row; a last fit cut short is kept and marked.

    See Also
    --------
    fit_and_score : The same, which also returns the model fitted on every row.

    Examples
    --------
    >>> from bayesgeo.datasets.registry import load
    >>> from bayesgeo.datasets.split import split
    >>> from bayesgeo.models.baselines import LogisticClassifier, MajorityClassifier
    >>> events = load("seismic_events")
    >>> folds = split(events, folds=2)
    >>> evidence = evaluate(LogisticClassifier(), events, folds)
    >>> bool(evidence["metrics"]["value"].sel(metric="accuracy") > 0.9)
    True
    """
    options: dict[str, Any] = {"seeds": seeds, "random_rows": random_rows, "keep": keep}
    return fit_and_score(estimator, dataset, split, seed=seed, jobs=jobs, **options).evidence


def fit_and_score(
    estimator: Any,
    dataset: Dataset,
    split: Split,
    *,
    seed: int = 0,
    jobs: int = 1,
    seeds: int = 1,
    random_rows: Split | None = None,
    keep: str | Path | None = None,
) -> Evaluated:
    """Evaluate a model as :func:`evaluate` does, and return the model fitted on every row beside the Evidence."""
    model = as_model(estimator)
    if isinstance(model, Classifier) != (dataset.task == "classification"):
        raise invalid("estimator", type(estimator).__name__, f"The data set is for {dataset.task}.")
    positive("seeds", seeds, integer=True)
    positive("jobs", jobs, integer=True)
    states = _seeds(seed_number("seed", seed), len(split.folds) + 2)
    folds = [*split.folds, *(random_rows.folds[:1] if random_rows else ())]
    order = [*states[2:], states[1]][: len(folds)]
    total = len(folds) + 1
    runs = {
        f"fold_{k}": partial(run_fold, model, dataset, *fold, seed=s, place=(k, total))
        for k, (fold, s) in enumerate(zip(folds, order, strict=True), start=1)
    }
    done = joblib.Parallel(n_jobs=jobs)(joblib.delayed(kept)(keep, name, run) for name, run in runs.items())
    parts = done[: len(split.folds)]
    others = repeated(model, dataset, split, parts[0], seeds=seeds, seed=seed, jobs=jobs, keep=keep)
    announce("fold", fit=total, total=total)
    final, seconds = fit(model, dataset, seed=states[0])
    tree = _assemble(
        final,
        dataset,
        split,
        parts,
        seed=seed,
        seeds=seeds,
        interrupted=int(is_interrupted(final)),
        compile_seconds=seconds["compile"] + sum(part.seconds["compile"] for part in parts),
        fit_seconds=seconds["fit"] + sum(part.seconds["fit"] for part in parts),
        predict_seconds=sum(part.seconds["predict"] for part in parts),
    )
    if seeds > 1:
        tree["seeds"] = xr.DataTree(seeds_group(dataset, tree, others))
    if random_rows is not None:
        _add_random_rows(tree, dataset, done[-1])
    return Evaluated(tree, final)


def fit_again(estimator: Any, dataset: Dataset, *, seed: int) -> Estimator:
    """Fit a model on every row as :func:`fit_and_score` does last, with the same seed.

    Raises
    ------
    KeyboardInterrupt
        If the fit was interrupted.
    """
    announce("fold", fit=1, total=1)
    model, _ = fit(as_model(estimator), dataset, seed=_seeds(seed, 1)[0])
    if is_interrupted(model):
        raise KeyboardInterrupt
    return model


def _seeds(seed: int, n: int) -> list[int]:
    """Return seeds of fits; the first ones are the same however many there are."""
    return (np.random.SeedSequence(seed).generate_state(n) >> 1).tolist()


def _add_random_rows(tree: xr.DataTree, dataset: Dataset, part: FoldResult) -> None:
    """Add the scores of a random split beside those of the split on the same rows: the gap is the optimism."""
    honest, metrics = tree["predictions"].to_dataset(), tree["metrics"].to_dataset()
    both = np.intersect1d(honest["obs"].values, part.predictions["obs"].values)
    y = dataset.y.sel(obs=both).values
    pairs = {"random_rows": part.predictions, "same_rows": honest}
    known = catalog.metrics(dataset.task)
    names = [str(name) for name in metrics["metric"].values]
    scores = {
        column: (
            "metric",
            [known[name](predictions.sel(obs=both), y) if len(both) else np.nan for name in names],
        )
        for column, predictions in pairs.items()
    }
    tree["metrics"] = xr.DataTree(metrics.assign(scores))


def _assemble(final: Estimator, dataset: Dataset, split: Split, parts: list[FoldResult], **attrs: Any) -> xr.DataTree:
    predictions = xr.concat([part.predictions for part in parts], "obs")
    sizes = [part.predictions.sizes["obs"] for part in parts]
    predictions["fold"] = ("obs", np.repeat(np.arange(len(parts)), sizes))
    tested = dataset.rows(np.concatenate([test for _, test in split.folds]))
    observed = observed_group(tested, split)
    draws = {
        "confusion": np.sum([part.confusion for part in parts], axis=0),
        "probability": np.concatenate([part.probability for part in parts], axis=1),
    }
    tables = model_evidence(final.posterior_) if isinstance(final, Bayesian) else final.report_tables()
    residuals = residuals_group(tested, predictions, probability=draws["probability"], seed=attrs["seed"])
    alike = tuple(residual_checks(residuals, joint=final.unseen_groups == "population"))
    groups = {
        "predictions": predictions,
        "observed_data": observed,
        **scored_groups(dataset, predictions, observed, seed=attrs["seed"], **draws),
        "residuals": residuals,
        "diagnostics": diagnostics_group(diagnosis(final, tables=tables), [part.diagnosis for part in parts], alike),
    }
    distances = distances_group(dataset, split)
    if distances is not None:
        groups["distances"] = distances.assign_coords(obs=predictions["obs"])
    curves = [curve for curve in (*(part.curve for part in parts), training_curve(final)) if curve is not None]
    if len(curves) > len(parts):
        groups["training"] = training_group(curves)
    if isinstance(final, Bayesian):
        kept = {name: node.to_dataset() for name, node in final.posterior_.children.items() if name not in BY_ROW}
        groups |= believed(kept, residuals)
    tree = xr.DataTree.from_dict(groups | tables)
    tree.attrs = _attrs(final, dataset, split) | attrs
    return tree


def _attrs(final: Estimator, dataset: Dataset, split: Split) -> dict[str, Any]:
    attrs = {
        "schema_version": EVIDENCE_SCHEMA,
        "model": final.name,
        "class": type(final).__name__,
        "kind": final.kind,
        "unseen_groups": final.unseen_groups,
        "specification": json.dumps(final.specification(dataset.labels).to_dict()),
        "parameters": json.dumps({k: _plain(v) for k, v in final.get_params(deep=False).items()}),
        "dataset_description": describe(dataset),
        "dataset_sha256": dataset.sha256,
        "rows_sha256": rows_sha256(dataset),
        "preprocessing_sha256": preprocessing_sha256(dataset),
        "split": split.sentence,
        "split_kind": split.kind,
        "split_group": split.group or "",
        "split_sha256": split.sha256,
        "training_rows": json.dumps([len(train) for train, _ in split.folds]),
        "size_bytes": _array_bytes({name: part for name, part in vars(final).items() if name.endswith("_")}),
        "versions": json.dumps({name: version(name) for name in LIBRARIES}),
    }
    if isinstance(final, Bayesian):
        kept = {k: v for k, v in final.posterior_.attrs.items() if not str(k).endswith("_seconds")}
        attrs["inference"] = json.dumps(kept)
    return attrs


def _array_bytes(value: Any) -> int:
    """Return how many bytes the arrays hold that a fitted model consists of, those inside its parts too."""
    if isinstance(value, xr.DataTree):
        return sum(node.nbytes for name, node in value.children.items() if name not in BY_ROW)
    if isinstance(value, np.ndarray | xr.Dataset | xr.DataArray):
        return int(value.nbytes)
    if isinstance(value, Mapping):
        return sum(map(_array_bytes, value.values()))
    if isinstance(value, list | tuple):
        return sum(map(_array_bytes, value))
    is_part = isinstance(value, BaseEstimator) or type(value).__name__ in TREES
    return _array_bytes(value.__getstate__()) if is_part else 0


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, str | int | float | bool | list | tuple) else repr(value)
