"""What a loaded model must be before it may predict: its names, types and shapes, and a prediction of two rows."""

import warnings
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import pandas as pd

from bayesgeo._check import InvalidInput, invalid, shown
from bayesgeo.models.base import Classifier, Estimator, Regressor

MOST_FEATURES = 10**6
SUM_TO_ONE = 1e-3  # of probabilities; single precision and many classes leave far less
REMEDY = "Save it again with this version."


def check_names(estimator: Estimator, names: Iterable[str]) -> None:
    """Refuse what is neither a parameter nor a fitted value, or would hide a method or a property.

    Examples
    --------
    >>> from bayesgeo.models.baselines import MeanRegressor
    >>> check_names(MeanRegressor(), ["estimator_", "predict"])
    Traceback (most recent call last):
    ...
    bayesgeo._check.InvalidInput: Invalid model 'MeanRegressor'. It has no fitted value 'predict'. Save it again...
    """
    parameters = estimator.get_params(deep=False)
    for name in names:
        is_fitted = name.isidentifier() and name.endswith("_") and not name.startswith("_")
        hides = hasattr(type(estimator), name)
        if name not in parameters and (not is_fitted or hides):
            raise invalid("model", type(estimator).__name__, f"It has no fitted value {name!r}.", REMEDY)


def is_fitted(estimator: Estimator) -> bool:
    """Tell whether a model holds anything that a fit learned.

    Examples
    --------
    >>> from bayesgeo.models.baselines import MeanRegressor
    >>> is_fitted(MeanRegressor())
    False
    """
    return any(name.endswith("_") for name in vars(estimator))


def check_fitted(estimator: Estimator) -> None:
    """Refuse a loaded model whose parts do not fit together; one that is not fitted passes.

    Raises
    ------
    InvalidInput
        With the first problem found.
    Exception
        Whatever a prediction of damaged parts raises.

    Examples
    --------
    >>> from bayesgeo.models.baselines import MeanRegressor
    >>> model = MeanRegressor().fit([[0.0], [1.0]], [2.0, 4.0])
    >>> model.sigma_ = -1.0
    >>> check_fitted(model)
    Traceback (most recent call last):
    ...
    bayesgeo._check.InvalidInput: Invalid model 'MeanRegressor'. Its noise is not above zero. Save it again...
    """
    if not is_fitted(estimator):
        return
    problem = next(_problems(estimator), "")
    if problem:
        raise invalid("model", type(estimator).__name__, problem, REMEDY)


def _problems(model: Any) -> Iterator[str]:
    n = model.n_features_in_
    if type(n) is not int or not 0 <= n <= MOST_FEATURES or type(model.seed_) is not int or model.seed_ < 0:
        yield "Its number of features or its seed is not a whole number."
    for name in ("feature_names_in_", "units_"):
        labels = list(getattr(model, name, [""] * n))
        if len(labels) != n or not all(isinstance(label, str) for label in labels):
            yield f"{name} does not name {n} features."
    for name in ("center_", "scale_"):
        values = getattr(model, name, np.ones(n))
        if np.shape(values) != (n,) or not np.isfinite(values).all():
            yield f"{name} has not one number for each of {n} features."
    if not np.all(np.asarray(getattr(model, "scale_", 1.0)) > 0):
        yield "A scale is not above zero."
    if isinstance(model, Classifier):
        classes = model.classes_
        if not isinstance(classes, np.ndarray) or classes.ndim != 1 or len(classes) < 2:
            yield "It has fewer than two classes."
        elif not (classes[:-1] < classes[1:]).all():
            yield "Its classes are not in order, or one occurs twice."
    yield from _of_network(model)
    yield from _of_prediction(model)


def _of_network(model: Any) -> Iterator[str]:
    if not hasattr(type(model), "network_"):
        return
    shapes = model.network_.shapes
    weights = getattr(model, "weights_", None)
    if weights is None:
        weights = {name: model.posterior_["posterior"][name].values for name in shapes}
    differing = [
        name for name in shapes if name not in weights or weights[name].shape[-len(shapes[name]) :] != shapes[name]
    ]
    before = {weights[name].shape[: -len(shapes[name])] for name in shapes if name not in differing}
    if differing or len(before) > 1:
        yield f"Its weights do not fit its layers: {shown(differing) or 'their draws differ'}."


def _of_prediction(model: Any) -> Iterator[str]:
    n, names = model.n_features_in_, getattr(model, "feature_names_in_", None)
    rows: Any = np.zeros((2, n)) if names is None else pd.DataFrame(np.zeros((2, n)), columns=names)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            yield from _of_outcome(model, rows)
        except InvalidInput:
            # The model asks for more than features, such as groups or places; what it asks for is in order.
            return


def _of_outcome(model: Any, rows: Any) -> Iterator[str]:
    if isinstance(model, Classifier):
        found = model.predict_proba(rows)
        if found.shape != (2, len(model.classes_)):
            yield f"It predicts {found.shape[-1]} classes and names {len(model.classes_)}."
        elif (found < 0).any() or (abs(found.sum(axis=1) - 1) > SUM_TO_ONE).any():
            yield "Its probabilities do not add up to one."
    elif isinstance(model, Regressor):
        predictive = model.predictive(rows)
        if predictive["expected"].sizes["obs"] != 2 or predictive["expected"].dtype.kind != "f":
            yield "It does not predict one value for each row."
        if (predictive["sigma"] <= 0).any():
            yield "Its noise is not above zero."
