"""One fit on a training part, and its predictions for the test part."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
import xarray as xr
from sklearn.base import clone

from bayesgeo._arrays import spaced
from bayesgeo._progress import announce
from bayesgeo.datasets.base import Dataset
from bayesgeo.diagnostics import Check, Diagnosis, diagnose
from bayesgeo.metrics.by_draw import probability_draws
from bayesgeo.metrics.classification import confusion_counts, summarise_classes
from bayesgeo.metrics.regression import summarise_values
from bayesgeo.models.base import Classifier, Estimator, Regressor
from bayesgeo.models.bayesian import Bayesian
from bayesgeo.models.wrappers.sklearn import as_model

CONFUSION_DRAWS = 1000
FUNCTION_ROWS = 100  # test rows on which the chains of a network are compared


@dataclass(frozen=True, eq=False)
class FoldResult:
    """Predictions of one fit for its test rows, with its diagnosis, training curve and seconds.

    ``confusion (draw, true, predicted)`` and ``probability (draw, obs, label)`` are of posterior draws, the latter of
    fewer; both are empty for values.
    """

    predictions: xr.Dataset
    confusion: np.ndarray
    probability: np.ndarray
    diagnosis: Diagnosis
    curve: xr.Dataset | None
    seconds: dict[str, float]


def fit(estimator: Any, dataset: Dataset, *, seed: int) -> tuple[Estimator, dict[str, float]]:
    """Fit a clone of a model on every row of a data set; return it with the seconds to ``compile`` and to ``fit``."""
    model = clone(as_model(estimator)).set_params(random_state=seed)
    start = time.perf_counter()
    weights = None if dataset.weights is None else dataset.weights.values
    model.fit(dataset.X, dataset.y.values, weights=weights, **_labels(dataset))
    elapsed = time.perf_counter() - start
    compiling = model.posterior_.attrs["compile_seconds"] if isinstance(model, Bayesian) else 0.0
    return model, {"compile": compiling, "fit": elapsed - compiling}


def _labels(dataset: Dataset) -> dict[str, Any]:
    """Return the groups and coordinates of a data set as models take them."""
    return {"groups": dataset.group_labels(), "coordinates": dataset.place_values()}


def run_fold(
    estimator: Any,
    dataset: Dataset,
    train: np.ndarray,
    test: np.ndarray,
    *,
    seed: int,
    place: tuple[int, int],
) -> FoldResult:
    """Fit a clone of a model on training rows and predict the test rows.

    Raises
    ------
    KeyboardInterrupt
        If the fit was interrupted.
    """
    announce("fold", fit=place[0], total=place[1])
    fitted, seconds = fit(estimator, dataset.rows(train), seed=seed)
    if is_interrupted(fitted):
        raise KeyboardInterrupt
    announce("scoring", rows=len(test))
    held_out = dataset.rows(test)
    start = time.perf_counter()
    if isinstance(fitted, Classifier):
        predictions, confusion, probability = _describe_classes(fitted, held_out, dataset.n_rows)
    else:
        predictions, confusion = _describe_values(fitted, held_out), np.zeros((1, 0, 0))
        probability = np.zeros((0, len(test), 0))
    seconds["predict"] = time.perf_counter() - start
    return FoldResult(predictions, confusion, probability, diagnosis(fitted, held_out), training_curve(fitted), seconds)


@runtime_checkable
class _HasFunctions(Protocol):
    """A model that is diagnosed by the functions that its draws define."""

    posterior_: xr.DataTree

    def functions(self, X: Any, y: Any) -> xr.Dataset: ...


def diagnosis(
    fitted: Estimator, test: Dataset | None = None, *, tables: Mapping[str, xr.Dataset] | None = None
) -> Diagnosis:
    """Diagnose the posterior of a fitted model.

    With test rows, as in a fold, its draws alone: those of a network by its functions on these rows. What is in
    ``tables`` of :func:`bayesgeo.diagnostics.model_evidence` is not computed again.
    """
    if test is not None and isinstance(fitted, _HasFunctions):
        return diagnose(_on_test_rows(fitted, test))
    if test is not None and isinstance(fitted, Bayesian):
        return diagnose(_draws_alone(fitted.posterior_))
    if isinstance(fitted, Bayesian):
        tree = fitted.posterior_.copy(deep=False)
        for name, table in (tables or {}).items():
            tree[name] = xr.DataTree(table)
        return diagnose(tree)
    reason = "A deterministic model has no posterior; judge it by its scores."
    return Diagnosis((Check("posterior", "not applicable", np.nan, "", reason),))


def _on_test_rows(fitted: _HasFunctions, test: Dataset) -> xr.DataTree:
    """Return the posterior with its functions on test rows, which the fit did not use."""
    rows = test.rows(spaced(test.n_rows, FUNCTION_ROWS))
    functions, tree = fitted.functions(rows.X, rows.y.values), fitted.posterior_.copy(deep=False)
    if functions.sizes["point"]:  # none where the training part lacks every class of the test part
        tree["functions"] = xr.DataTree(functions)
    return tree


def _draws_alone(posterior: xr.DataTree) -> xr.DataTree:
    """Return a posterior without the criticism groups, because a fold is evaluated on its test rows."""
    criticism = json.loads(posterior.attrs.get("criticism_groups", "[]"))
    kept = {name: node for name, node in posterior.children.items() if name not in criticism}
    attrs = {name: value for name, value in posterior.attrs.items() if name != "criticism_groups"}
    return xr.DataTree.from_dict({"/": xr.Dataset(attrs=attrs), **kept})


def training_curve(fitted: Any) -> xr.Dataset | None:
    """Return the losses by epoch of a fitted network, or of the network inside a fitted model; None without one."""
    while not hasattr(fitted, "curve_") and hasattr(fitted, "estimator_"):
        fitted = fitted.estimator_
    return getattr(fitted, "curve_", None)


def is_interrupted(fitted: Estimator) -> bool:
    """Return whether the inference of a fitted model was cut short."""
    return bool(isinstance(fitted, Bayesian) and fitted.posterior_.attrs["interrupted"])


def _describe_classes(fitted: Estimator, test: Dataset, rows: int) -> tuple[xr.Dataset, np.ndarray, np.ndarray]:
    n_labels, y = len(test.labels), test.y.values
    parts, kept, confusion, start = [], [], np.zeros((1, n_labels, n_labels)), 0
    for draws in fitted.stream(test.X, **_labels(test)):
        # A class that the training part lacks has probability zero.
        complete = draws.reindex(label=np.arange(n_labels), fill_value=0.0)
        parts.append(summarise_classes(complete))
        kept.append(probability_draws(complete, rows))
        step = -(-draws.sizes["chain"] * draws.sizes["draw"] // CONFUSION_DRAWS)
        codes = complete.isel(draw=slice(None, None, step)).argmax("label")
        confusion = confusion + confusion_counts(codes, y[start : start + draws.sizes["obs"]], n_labels)
        start += draws.sizes["obs"]
    return xr.concat(parts, "obs"), confusion, np.concatenate(kept, axis=1)


def _describe_values(fitted: Estimator, test: Dataset) -> xr.Dataset:
    assert isinstance(fitted, Regressor)
    rng, y = np.random.default_rng(fitted.seed_), test.y.values
    parts, start = [], 0
    for predictive in fitted.stream_predictive(test.X, **_labels(test)):
        seen = y[start : start + predictive.sizes["obs"]]
        response = fitted.respond(predictive, rng)
        parts.append(summarise_values(predictive, response, fitted.log_density(predictive, seen), seen))
        start += len(seen)
    return xr.concat(parts, "obs")
