"""Deterministic models by scikit-learn: the baselines and rivals of a Bayesian model."""

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
    """Predict the training frequencies of the classes, whatever the features."""

    name = "majority"
    kind = "baseline"

    def _build(self) -> BaseEstimator:
        return DummyClassifier(strategy="prior")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.poor_score = True
        return tags


class MeanRegressor(SklearnModelRegressor):
    """Predict the training mean, whatever the features."""

    name = "mean"
    kind = "baseline"

    def _build(self) -> BaseEstimator:
        return DummyRegressor()

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.regressor_tags.poor_score = True
        return tags


class LogisticClassifier(SklearnModelClassifier):
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


class RidgeRegressor(SklearnModelRegressor):
    """Ridge regression, its penalty chosen by leave-one-out error."""

    name = "ridge"

    def _build(self) -> BaseEstimator:
        return make_pipeline(StandardScaler(), RidgeCV(alphas=np.logspace(-3, 4, 15)))


class BoostingClassifier(SklearnModelClassifier):
    """Gradient boosting on histograms, small steps, stopped early on rows set aside when there are many."""

    name = "boosting"

    def _build(self) -> BaseEstimator:
        return HistGradientBoostingClassifier(
            learning_rate=0.05, max_leaf_nodes=15, l2_regularization=1.0, random_state=self.seed_
        )


class BoostingRegressor(SklearnModelRegressor):
    """Gradient boosting on histograms, small steps."""

    name = "boosting"

    def _build(self) -> BaseEstimator:
        return HistGradientBoostingRegressor(
            learning_rate=0.05, max_leaf_nodes=15, l2_regularization=1.0, random_state=self.seed_
        )


class ForestClassifier(SklearnModelClassifier):
    """Random forest with leaves of a few rows, so that its votes are probabilities."""

    name = "forest"

    def _build(self) -> BaseEstimator:
        return RandomForestClassifier(TREES, min_samples_leaf=3, random_state=self.seed_)


class ForestRegressor(SklearnModelRegressor):
    """Random forest."""

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
