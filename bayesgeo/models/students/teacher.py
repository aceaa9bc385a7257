"""Moments of a fitted teacher's predictions, which a student is trained on."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted

from bayesgeo._check import invalid, shown
from bayesgeo.metrics.regression import noise_variance
from bayesgeo.models.base import Classifier, Estimator, Regressor
from bayesgeo.models.rows import Rows

SAMPLE = (0, 1)  # the axes of chains and draws
# A Dirichlet of precision 1e-3 already puts all on one label in each draw; above 1e6 draws differ in the fourth digit.
PRECISION = (1e-3, 1e6)
LEAST_SD = 1e-9  # of the teacher's expected values, relative to their spread: a log is taken of it

Moments = dict[str, np.ndarray]


def check_teacher(teacher: Any, *, classifier: bool) -> None:
    """Check that a teacher suits the task and can predict.

    Raises
    ------
    InvalidInput
        If it is for the other task, or has neither ``predict_draws`` nor scikit-learn's ``predict_proba`` (classes)
        or ``predict`` (values).

    Examples
    --------
    >>> check_teacher("mlp", classifier=True)
    Traceback (most recent call last):
    ...
    bayesgeo._check.InvalidInput: Invalid teacher 'str'. It has no predict_proba. Give an estimator for classes.
    """
    needed, task = ("predict_proba", "classes") if classifier else ("predict", "values")
    if not hasattr(teacher, needed):
        raise invalid("teacher", type(teacher).__name__, f"It has no {needed}.", f"Give an estimator for {task}.")
    if not classifier and hasattr(teacher, "predict_proba"):
        raise invalid("teacher", type(teacher).__name__, "It is for the other task.", f"Give an estimator for {task}.")


def is_fitted(teacher: Any) -> bool:
    """Return whether an estimator is fitted.

    Examples
    --------
    >>> from sklearn.linear_model import Ridge
    >>> is_fitted(Ridge()), is_fitted(Ridge().fit([[0.0], [1.0]], [0.0, 1.0]))
    (False, True)
    """
    try:
        check_is_fitted(teacher)
    except NotFittedError:
        return False
    return True


def fit_teacher(teacher: Any, X: Any, y: np.ndarray, rows: Rows) -> Any:
    """Fit a teacher; a model of bayesgeo also receives the groups and coordinates of the rows."""
    if isinstance(teacher, Estimator):
        return teacher.fit(X, y, rows.groups, coordinates=rows.coordinates)
    return teacher.fit(X, y)


def class_moments(teacher: Any, X: Any, classes: np.ndarray) -> Moments:
    r"""Return the moments of a teacher's class probabilities for rows ``X (obs, feature)``.

    Returns
    -------
    dict of numpy.ndarray
        ``mean (obs, label)``, zero for classes that the teacher was not trained on, and, where the teacher has several
        draws, ``precision (obs,)``: the :math:`a_0` of the Dirichlet distribution with the mean :math:`m` and the
        total variance :math:`\sum_k v_k` of the draws, :math:`1 + a_0 = \sum_k m_k (1 - m_k) / \sum_k v_k`, within
        bounds.

    Raises
    ------
    InvalidInput
        If the teacher predicts a class that is not among ``classes``.
    """
    parts = [_class_part(draws) for draws in _probabilities(teacher, X)]
    moments = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    strange = np.setdiff1d(teacher.classes_, classes)
    if len(strange):
        raise invalid("teacher", type(teacher).__name__, f"It also predicts the classes {shown(strange)}.")
    mean = np.zeros((len(moments["mean"]), len(classes)))
    mean[:, np.searchsorted(classes, teacher.classes_)] = moments["mean"]
    return moments | {"mean": mean}


def value_moments(teacher: Any, X: Any) -> Moments:
    """Return the moments of a teacher's predicted values for rows ``X (obs, feature)``.

    Returns
    -------
    dict of numpy.ndarray
        ``mean (obs,)``; where the teacher has a noise, its standard deviation ``aleatoric (obs,)``, the root of the
        mean variance over draws; and where it has several draws, that of their means, ``epistemic (obs,)``.

    Raises
    ------
    InvalidInput
        If the teacher's noise has no finite variance.
    """
    if not isinstance(teacher, Regressor):
        return {"mean": np.asarray(teacher.predict(_named(teacher, X)), dtype=np.float64)}
    parts = [_value_part(teacher, predictive) for predictive in teacher.stream_predictive(_named(teacher, X))]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _probabilities(teacher: Any, X: Any) -> Iterator[np.ndarray]:
    """Yield draws ``(chain, draw, obs, label)``, some rows at a time."""
    X = _named(teacher, X)
    if isinstance(teacher, Classifier):
        for draws in teacher.stream(X):
            yield draws.transpose("chain", "draw", "obs", "label").values
    else:
        yield np.asarray(teacher.predict_proba(X), dtype=np.float64)[None, None]


def _class_part(draws: np.ndarray) -> Moments:
    # Draws may be in single precision, where a probability near one and a small variance would round.
    mean = draws.mean(axis=SAMPLE, dtype=np.float64)
    if draws.shape[0] * draws.shape[1] == 1:
        return {"mean": mean}
    variance = draws.var(axis=SAMPLE, dtype=np.float64).sum(axis=-1)
    possible = (mean * (1.0 - mean)).sum(axis=-1)
    ratio = np.divide(possible, variance, out=np.full_like(possible, np.inf), where=variance > 0)
    return {"mean": mean, "precision": np.clip(ratio - 1.0, *PRECISION)}


def _value_part(teacher: Regressor, predictive: Any) -> Moments:
    expected = predictive["expected"].transpose("chain", "draw", "obs").values
    variance = noise_variance(predictive).broadcast_like(predictive["expected"]).mean(("chain", "draw")).values
    if not np.isfinite(variance).all():
        problem = "Its Student-t noise has no finite variance in some draws."
        raise invalid("teacher", type(teacher).__name__, problem, 'Give noise="heteroscedastic" or "constant".')
    moments = {"mean": expected.mean(axis=SAMPLE), "aleatoric": np.sqrt(variance)}
    if expected.shape[0] * expected.shape[1] == 1:
        return moments
    least = LEAST_SD * np.maximum(1.0, np.abs(moments["mean"]))
    return moments | {"epistemic": np.maximum(expected.std(axis=SAMPLE), least)}


def with_names(X: np.ndarray, names: Any) -> Any:
    """Give columns their names, if there are any: an estimator fitted with names requires them.

    Examples
    --------
    >>> with_names(np.zeros((1, 2)), ["GR", "PE"]).columns.tolist()
    ['GR', 'PE']
    """
    return X if names is None else pd.DataFrame(X, columns=list(names))


def _named(teacher: Any, X: Any) -> Any:
    return with_names(X, getattr(teacher, "feature_names_in_", None)) if isinstance(X, np.ndarray) else X
