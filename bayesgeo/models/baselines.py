"""Deterministic scikit-learn models to compare a Bayesian model with: baselines and strong alternatives."""

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import LogisticRegressionCV, RidgeCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from bayesgeo.models.wrappers.sklearn import SklearnModelClassifier, SklearnModelRegressor

TREES = 300


class MajorityClassifier(SklearnModelClassifier):
    """Predict the training frequencies of the classes, whatever the features.

    Examples
    --------
    >>> MajorityClassifier().fit([[0.0], [1.0], [2.0]], ["sand", "sand", "shale"]).predict([[9.0]])
    array(['sand'], dtype='<U5')
    """

    name = "majority"
    kind = "baseline"

    def _build(self) -> BaseEstimator:
        return DummyClassifier(strategy="prior")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.poor_score = True
        return tags


class MeanRegressor(SklearnModelRegressor):
    """Predict the training mean, whatever the features.

    Examples
    --------
    >>> MeanRegressor().fit([[0.0], [1.0]], [2.0, 4.0]).predict([[9.0]])
    array([3.])
    """

    name = "mean"
    kind = "baseline"

    def _build(self) -> BaseEstimator:
        return DummyRegressor()

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.regressor_tags.poor_score = True
        return tags


class LogisticClassifier(SklearnModelClassifier):
    """Logistic regression, its ridge penalty chosen by cross-validated log loss.

    Examples
    --------
    >>> X = np.arange(20.0)[:, None]
    >>> LogisticClassifier().fit(X, X[:, 0] > 9).predict([[0.0], [19.0]])
    array([False,  True])
    """

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


class RidgeRegressor(SklearnModelRegressor):
    """Ridge regression, its penalty chosen by leave-one-out error.

    Examples
    --------
    >>> X = np.arange(20.0)[:, None]
    >>> RidgeRegressor().fit(X, 3 * X[:, 0]).predict([[5.0]]).round(1)
    array([15.])
    """

    name = "ridge"

    def _build(self) -> BaseEstimator:
        return make_pipeline(StandardScaler(), RidgeCV(alphas=np.logspace(-3, 4, 15)))


class BoostingClassifier(SklearnModelClassifier):
    """Gradient boosting on histograms, small steps, stopped early on rows set aside when there are many.

    Examples
    --------
    >>> X = np.arange(100.0)[:, None]
    >>> BoostingClassifier(random_state=0).fit(X, X[:, 0] > 49).predict([[0.0], [99.0]])
    array([False,  True])
    """

    name = "boosting"

    def _build(self) -> BaseEstimator:
        return HistGradientBoostingClassifier(
            learning_rate=0.05, max_leaf_nodes=15, l2_regularization=1.0, random_state=self.seed_
        )


class BoostingRegressor(SklearnModelRegressor):
    """Gradient boosting on histograms, small steps.

    Examples
    --------
    >>> X = np.arange(100.0)[:, None]
    >>> BoostingRegressor(random_state=0).fit(X, np.sign(X[:, 0] - 49.5)).predict([[99.0]]).round(1)
    array([1.])
    """

    name = "boosting"

    def _build(self) -> BaseEstimator:
        return HistGradientBoostingRegressor(
            learning_rate=0.05, max_leaf_nodes=15, l2_regularization=1.0, random_state=self.seed_
        )


class ForestClassifier(SklearnModelClassifier):
    """Random forest with leaves of a few rows, so that its votes are probabilities.

    Examples
    --------
    >>> X = np.arange(30.0)[:, None]
    >>> ForestClassifier(random_state=0).fit(X, X[:, 0] > 14).predict([[0.0], [29.0]])
    array([False,  True])
    """

    name = "forest"

    def _build(self) -> BaseEstimator:
        return RandomForestClassifier(TREES, min_samples_leaf=3, random_state=self.seed_)


class ForestRegressor(SklearnModelRegressor):
    """Random forest of 300 trees, a third of the features tried at each split.

    Examples
    --------
    >>> X = np.arange(30.0)[:, None]
    >>> bool(ForestRegressor(random_state=0).fit(X, X[:, 0]).predict([[25.0]])[0] > 20)
    True
    """

    name = "forest"

    def _build(self) -> BaseEstimator:
        return RandomForestRegressor(TREES, min_samples_leaf=3, max_features=1 / 3, random_state=self.seed_)


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
