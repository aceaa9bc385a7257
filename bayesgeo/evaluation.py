"""Fit, predict what was held out, score it: from a model and a data set to Evidence."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any, Protocol, runtime_checkable

import joblib
import numpy as np
import xarray as xr
from sklearn.base import BaseEstimator, clone

from bayesgeo import catalog
from bayesgeo._check import invalid
from bayesgeo._progress import announce
from bayesgeo.datasets.base import Dataset
from bayesgeo.datasets.split import Split
from bayesgeo.diagnostics import Check, Diagnosis, diagnose
from bayesgeo.evidence import SCHEMA, describe, diagnostics_group, observed_group, scored_groups
from bayesgeo.metrics.classification import confusion_counts, summarise_classes
from bayesgeo.metrics.regression import summarise_values
from bayesgeo.models.base import Classifier, Estimator, Regressor
from bayesgeo.models.bayesian import Bayesian

CONFUSION_DRAWS = 1000
FUNCTION_ROWS = 100  # test rows on which the chains of a network are compared
TREES = ("Tree", "TreePredictor")  # what scikit-learn keeps the trees of a forest and of a boosting in
LIBRARIES = ("arviz", "blackjax", "jax", "nutpie", "numpy", "pymc", "scikit-learn", "torch", "xarray")


@dataclass(frozen=True, eq=False)
class Part:
    """What one fit said about one part of the rows."""

    predictions: xr.Dataset
    confusion: np.ndarray
    diagnosis: Diagnosis
    seconds: dict[str, float]


def evaluate(
    estimator: Estimator,
    dataset: Dataset,
    split: Split,
    *,
    seed: int = 0,
    jobs: int = 1,
    random_rows: Split | None = None,
) -> xr.DataTree:
    """Fit a model on each training part, score it on each test part, then fit it on every row.

    Parameters
    ----------
    estimator : Estimator
        The model; it is cloned for each fold, and left fitted on every row of ``dataset``.
    dataset : Dataset
        Rows and what they mean.
    split : Split
        The folds; see :func:`bayesgeo.split`.
    seed : int
        Each fit gets its own seed from it, whatever ``jobs`` is.
    jobs : int
        Folds that run at once, each in a process of its own.
    random_rows : Split, optional
        A split that ignores groups, place and time: its scores stand beside the honest ones of the same
        rows, as the optimism gap.

    Returns
    -------
    xarray.DataTree
        Evidence, with groups ``posterior`` and ``sample_stats`` (Bayesian models, fitted on every row),
        ``predictions`` and ``observed_data`` by test row, ``metrics``, ``calibration``, ``selective``, ``decision``
        (classes) and ``diagnostics``; see :mod:`bayesgeo.evidence`.

    Raises
    ------
    InvalidInput
        If the model does not suit the data set's task.
    KeyboardInterrupt
        If interrupted before the last fit, the one on every row; a last fit cut short is kept and marked.
    """
    if isinstance(estimator, Classifier) != (dataset.task == "classification"):
        raise invalid("estimator", type(estimator).__name__, f"The data set asks for {dataset.task}.")
    seeds = (np.random.SeedSequence(seed).generate_state(len(split.folds) + 2) >> 1).tolist()
    folds = [*split.folds, *(random_rows.folds[:1] if random_rows else ())]
    order = [*seeds[2:], seeds[1]][: len(folds)]
    total = len(folds) + 1
    done = joblib.Parallel(n_jobs=jobs)(
        joblib.delayed(_run)(estimator, dataset, *fold, seed=s, place=(k, total))
        for k, (fold, s) in enumerate(zip(folds, order, strict=True), start=1)
    )
    parts = done[: len(split.folds)]
    announce("fold", fit=total, total=total)
    final, seconds = _fit(estimator, dataset, seed=seeds[0])
    tree = _assemble(
        final,
        dataset,
        split,
        parts,
        seed=seed,
        interrupted=int(_is_interrupted(final)),
        compile_seconds=seconds["compile"] + sum(part.seconds["compile"] for part in parts),
        fit_seconds=seconds["fit"] + sum(part.seconds["fit"] for part in parts),
        predict_seconds=sum(part.seconds["predict"] for part in parts),
    )
    if random_rows is not None:
        _add_random_rows(tree, dataset, done[-1])
    return tree


def _add_random_rows(tree: xr.DataTree, dataset: Dataset, part: Part) -> None:
    """Set the scores of a random split beside the honest ones of the same rows: the gap is the optimism."""
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


def _fit(estimator: Estimator, dataset: Dataset, *, seed: int) -> tuple[Estimator, dict[str, float]]:
    estimator.set_params(random_state=seed)
    groups = None if dataset.groups is None else dataset.groups.values
    start = time.perf_counter()
    estimator.fit(dataset.X, dataset.y.values, groups=groups)
    elapsed = time.perf_counter() - start
    compiling = estimator.posterior_.attrs["compile_seconds"] if isinstance(estimator, Bayesian) else 0.0
    return estimator, {"compile": compiling, "fit": elapsed - compiling}


def _run(
    estimator: Estimator,
    dataset: Dataset,
    train: np.ndarray,
    test: np.ndarray,
    *,
    seed: int,
    place: tuple[int, int],
) -> Part:
    announce("fold", fit=place[0], total=place[1])
    fitted, seconds = _fit(clone(estimator), dataset.rows(train), seed=seed)
    if _is_interrupted(fitted):
        raise KeyboardInterrupt
    announce("scoring", rows=len(test))
    held_out = dataset.rows(test)
    start = time.perf_counter()
    describe_rows = _describe_classes if isinstance(fitted, Classifier) else _describe_values
    predictions, confusion = describe_rows(fitted, held_out)
    seconds["predict"] = time.perf_counter() - start
    return Part(predictions, confusion, _diagnosis(fitted, held_out), seconds)


@runtime_checkable
class _ShowsFunctions(Protocol):
    """A model whose draws are judged by the functions that they make."""

    posterior_: xr.DataTree

    def functions(self, X: Any, y: Any) -> xr.Dataset: ...


def _diagnosis(fitted: Estimator, test: Dataset | None = None) -> Diagnosis:
    if test is not None and isinstance(fitted, _ShowsFunctions):
        return diagnose(_on_test_rows(fitted, test))
    if isinstance(fitted, Bayesian):
        return diagnose(fitted.posterior_)
    reason = "A deterministic model has no posterior; judge it by its scores."
    return Diagnosis((Check("posterior", "not applicable", np.nan, "", reason),))


def _on_test_rows(fitted: _ShowsFunctions, test: Dataset) -> xr.DataTree:
    """Return the posterior with its functions on test rows, which nothing in the fit has seen."""
    rows = test.rows(np.unique(np.linspace(0, test.n_rows - 1, FUNCTION_ROWS).round().astype(int)))
    functions, tree = fitted.functions(rows.X, rows.y.values), fitted.posterior_.copy(deep=False)
    if functions.sizes["point"]:  # none where the training part lacks every class of the test part
        tree["functions"] = xr.DataTree(functions)
    return tree


def _describe_classes(fitted: Estimator, test: Dataset) -> tuple[xr.Dataset, np.ndarray]:
    n_labels, y = len(test.labels), test.y.values
    parts, confusion, start = [], np.zeros((1, n_labels, n_labels)), 0
    for draws in fitted.stream(test.X):
        # A class that the training part lacks has probability zero.
        complete = draws.reindex(label=np.arange(n_labels), fill_value=0.0)
        parts.append(summarise_classes(complete))
        step = -(-draws.sizes["chain"] * draws.sizes["draw"] // CONFUSION_DRAWS)
        codes = complete.isel(draw=slice(None, None, step)).argmax("label")
        confusion = confusion + confusion_counts(codes, y[start : start + draws.sizes["obs"]], n_labels)
        start += draws.sizes["obs"]
    return xr.concat(parts, "obs"), confusion


def _describe_values(fitted: Estimator, test: Dataset) -> tuple[xr.Dataset, np.ndarray]:
    assert isinstance(fitted, Regressor)
    rng, y = np.random.default_rng(fitted.seed_), test.y.values
    parts, start = [], 0
    for predictive in fitted.stream_predictive(test.X):
        seen = y[start : start + predictive.sizes["obs"]]
        response = fitted.respond(predictive, rng)
        parts.append(summarise_values(predictive, response, fitted.log_density(predictive, seen), seen))
        start += len(seen)
    return xr.concat(parts, "obs"), np.zeros((1, 0, 0))


def _assemble(final: Estimator, dataset: Dataset, split: Split, parts: list[Part], **attrs: Any) -> xr.DataTree:
    predictions = xr.concat([part.predictions for part in parts], "obs")
    sizes = [part.predictions.sizes["obs"] for part in parts]
    predictions["fold"] = ("obs", np.repeat(np.arange(len(parts)), sizes))
    tested = dataset.rows(np.concatenate([test for _, test in split.folds]))
    observed = observed_group(tested)
    confusion = np.sum([part.confusion for part in parts], axis=0)
    groups = {
        "predictions": predictions,
        "observed_data": observed,
        **scored_groups(dataset, predictions, observed, confusion=confusion, seed=attrs["seed"]),
        "diagnostics": diagnostics_group(_diagnosis(final), [part.diagnosis for part in parts]),
    }
    if isinstance(final, Bayesian):
        groups |= {name: node.to_dataset() for name, node in final.posterior_.children.items()}
    tree = xr.DataTree.from_dict(groups)
    tree.attrs = _attrs(final, dataset, split) | attrs
    return tree


def _attrs(final: Estimator, dataset: Dataset, split: Split) -> dict[str, Any]:
    attrs = {
        "schema_version": SCHEMA,
        "model": final.name,
        "class": type(final).__name__,
        "kind": final.kind,
        "parameters": json.dumps({k: _plain(v) for k, v in final.get_params(deep=False).items()}),
        "dataset_description": describe(dataset),
        "dataset_sha256": dataset.sha256,
        "split": split.sentence,
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
    if isinstance(value, np.ndarray | xr.Dataset | xr.DataArray | xr.DataTree):
        return int(value.nbytes)
    if isinstance(value, Mapping):
        return sum(map(_array_bytes, value.values()))
    if isinstance(value, list | tuple):
        return sum(map(_array_bytes, value))
    is_part = isinstance(value, BaseEstimator) or type(value).__name__ in TREES
    return _array_bytes(value.__getstate__()) if is_part else 0


def _is_interrupted(fitted: Estimator) -> bool:
    return bool(isinstance(fitted, Bayesian) and fitted.posterior_.attrs["interrupted"])


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, str | int | float | bool | list | tuple) else repr(value)
