"""Deterministic models by scikit-learn under the same interface: what a Bayesian model has to beat."""

from abc import abstractmethod
from typing import Any, ClassVar, Literal

import numpy as np
import xarray as xr
from sklearn.base import BaseEstimator
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import LogisticRegressionCV, RidgeCV
from sklearn.model_selection import GroupKFold, KFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from bayesgeo.models.base import Classifier, Estimator, Regressor, one_draw_noise

FOLDS = 5
TREES = 300


class Wrapped(Estimator):
    """Base of the models that scikit-learn fits: one draw of its prediction.

    Attributes
    ----------
    estimator_ : sklearn.base.BaseEstimator
        The fitted scikit-learn estimator.
    """

    kind: ClassVar[Literal["Bayesian", "deterministic", "baseline"]] = "deterministic"
    estimator_: Any

    def __init__(self, *, random_state: Any = None):
        self.random_state = random_state

    @abstractmethod
    def _build(self) -> BaseEstimator:
        """Return the scikit-learn estimator, not yet fitted."""


class WrappedClassifier(Wrapped, Classifier):
    """Base of the classifiers by scikit-learn."""

    def _learn(self, X: np.ndarray, y: np.ndarray, groups: Any) -> None:
        self.estimator_ = self._build().fit(X, y)

    def _expected(self, X: np.ndarray) -> np.ndarray:
        return self.estimator_.predict_proba(X)[None, None]


class WrappedRegressor(Wrapped, Regressor):
    """Base of the regressors by scikit-learn: Gaussian noise as wide as the error on rows set aside."""

    def _learn(self, X: np.ndarray, y: np.ndarray, groups: Any) -> None:
        self.estimator_ = self._build().fit(X, y)
        self.sigma_ = held_out_error(self._build(), X, y, groups)

    @property
    def noise_(self) -> xr.Dataset:
        """The noise ``sigma (chain, draw)`` in the unit of ``y``."""
        return one_draw_noise(self.sigma_)

    def _expected(self, X: np.ndarray) -> np.ndarray:
        return self.estimator_.predict(X)[None, None]


class MajorityClassifier(WrappedClassifier):
    """Predict the training frequencies of the classes, whatever the features."""

    name = "majority"
    kind = "baseline"

    def _build(self) -> BaseEstimator:
        return DummyClassifier(strategy="prior")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.poor_score = True
        return tags


class MeanRegressor(WrappedRegressor):
    """Predict the training mean, whatever the features."""

    name = "mean"
    kind = "baseline"

    def _build(self) -> BaseEstimator:
        return DummyRegressor()

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.regressor_tags.poor_score = True
        return tags


class LogisticClassifier(WrappedClassifier):
    """Logistic regression, its ridge penalty chosen by cross-validated log loss."""

    name = "logistic"

    def _build(self) -> BaseEstimator:
        penalised = LogisticRegressionCV(
            Cs=np.logspace(-3, 3, 7),
            l1_ratios=(0.0,),
            scoring="neg_log_loss",
            max_iter=1000,
            use_legacy_attributes=False,
        )
        return make_pipeline(StandardScaler(), penalised)


class RidgeRegressor(WrappedRegressor):
    """Ridge regression, its penalty chosen by leave-one-out error."""

    name = "ridge"

    def _build(self) -> BaseEstimator:
        return make_pipeline(StandardScaler(), RidgeCV(alphas=np.logspace(-3, 4, 15)))


class BoostingClassifier(WrappedClassifier):
    """Gradient boosting on histograms, small steps, stopped early on rows set aside when there are many."""

    name = "boosting"

    def _build(self) -> BaseEstimator:
        return HistGradientBoostingClassifier(
            learning_rate=0.05, max_leaf_nodes=15, l2_regularization=1.0, random_state=self.seed_
        )


class BoostingRegressor(WrappedRegressor):
    """Gradient boosting on histograms, small steps."""

    name = "boosting"

    def _build(self) -> BaseEstimator:
        return HistGradientBoostingRegressor(
            learning_rate=0.05, max_leaf_nodes=15, l2_regularization=1.0, random_state=self.seed_
        )


class ForestClassifier(WrappedClassifier):
    """Random forest with leaves of a few rows, so that its votes are probabilities."""

    name = "forest"

    def _build(self) -> BaseEstimator:
        return RandomForestClassifier(TREES, min_samples_leaf=3, random_state=self.seed_)


class ForestRegressor(WrappedRegressor):
    """Random forest."""

    name = "forest"

    def _build(self) -> BaseEstimator:
        return RandomForestRegressor(TREES, min_samples_leaf=3, max_features=1 / 3, random_state=self.seed_)


def held_out_error(estimator: BaseEstimator, X: np.ndarray, y: np.ndarray, groups: Any) -> float:
    """Return the root mean squared error of ``estimator`` on rows (by group) it was not fitted on.

    Examples
    --------
    >>> round(held_out_error(DummyRegressor(), np.zeros((100, 1)), np.tile([0.0, 2.0], 50), None), 2)
    1.0
    """
    if len(y) < 2 * FOLDS:
        return float(max(np.std(y - estimator.fit(X, y).predict(X)), np.finfo(float).tiny))
    parted = groups is not None and len(np.unique(groups)) >= FOLDS
    folds = GroupKFold(FOLDS) if parted else KFold(FOLDS, shuffle=True, random_state=0)
    error = y - cross_val_predict(estimator, X, y, groups=groups if parted else None, cv=folds)
    return float(max(np.sqrt(np.mean(error**2)), np.finfo(float).tiny))


__all__ = [
    "BoostingClassifier",
    "BoostingRegressor",
    "ForestClassifier",
    "ForestRegressor",
    "LogisticClassifier",
    "MajorityClassifier",
    "MeanRegressor",
    "RidgeRegressor",
]
