"""Wrap estimators of scikit-learn as models whose prediction has one draw."""

from abc import abstractmethod
from typing import Any, ClassVar, Literal

import numpy as np
import xarray as xr
from sklearn.base import BaseEstimator, clone, is_classifier, is_regressor
from sklearn.model_selection import GroupKFold, KFold, cross_val_predict

from bayesgeo._check import invalid
from bayesgeo.models.base import Classifier, Estimator, Regressor, one_draw_noise
from bayesgeo.models.rows import Rows, TrainingRows

FOLDS = 5


class SklearnModel(Estimator):
    """Base of the models that scikit-learn fits.

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


class SklearnModelClassifier(SklearnModel, Classifier):
    """Base of the classifiers that scikit-learn fits."""

    def _learn(self, rows: TrainingRows) -> None:
        self.estimator_ = self._build().fit(rows.X, rows.y)

    def _expected(self, rows: Rows) -> np.ndarray:
        return self.estimator_.predict_proba(rows.X)[None, None]


class SklearnModelRegressor(SklearnModel, Regressor):
    """Base of the regressors that scikit-learn fits: Gaussian noise as wide as the error on rows set aside."""

    def _learn(self, rows: TrainingRows) -> None:
        self.estimator_ = self._build().fit(rows.X, rows.y)
        self.sigma_ = held_out_error(self._build(), rows.X, rows.y, rows.group)

    @property
    def noise_(self) -> xr.Dataset:
        """The noise ``sigma (chain, draw)`` in the unit of ``y``."""
        return one_draw_noise(self.sigma_)

    def _expected(self, rows: Rows) -> np.ndarray:
        return self.estimator_.predict(rows.X)[None, None]


class SklearnClassifier(SklearnModelClassifier):
    """Any classifier of scikit-learn with ``predict_proba``.

    Parameters
    ----------
    estimator : sklearn.base.BaseEstimator, optional
        The classifier or pipeline; it is cloned and never changed. None is a logistic regression.
    random_state : int, RandomState or None
        Seed of every ``random_state`` in the estimator that is None; the others stay.

    Examples
    --------
    >>> from sklearn.ensemble import RandomForestClassifier
    >>> forest = SklearnClassifier(RandomForestClassifier(10, random_state=3))
    >>> forest.fit([[0.0], [1.0], [2.0], [3.0]], ["sand", "sand", "shale", "shale"]).predict([[3.0]])
    array(['shale'], dtype='<U5')
    """

    name = "sklearn"

    def __init__(self, estimator: Any = None, *, random_state: Any = None):
        super().__init__(random_state=random_state)
        self.estimator = estimator

    def _build(self) -> BaseEstimator:
        from sklearn.linear_model import LogisticRegression

        inner = LogisticRegression() if self.estimator is None else self.estimator
        if not hasattr(inner, "predict_proba"):
            remedy = "Give one with it, such as sklearn.calibration.CalibratedClassifierCV around yours."
            raise invalid("estimator", type(inner).__name__, "It has no predict_proba.", remedy)
        return seeded(clone(inner), self.seed_)


class SklearnRegressor(SklearnModelRegressor):
    """Any regressor of scikit-learn; parameters as :class:`SklearnClassifier`.

    Its noise is Gaussian, as wide as the error on rows held out in five folds, of whole groups where there are groups.
    None is a linear regression.

    Examples
    --------
    >>> from sklearn.linear_model import LinearRegression
    >>> SklearnRegressor(LinearRegression()).fit([[0.0], [1.0], [2.0]], [0.0, 2.0, 4.0]).predict([[3.0]]).round(6)
    array([6.])
    """

    name = "sklearn"

    def __init__(self, estimator: Any = None, *, random_state: Any = None):
        super().__init__(random_state=random_state)
        self.estimator = estimator

    def _build(self) -> BaseEstimator:
        from sklearn.linear_model import LinearRegression

        return seeded(clone(LinearRegression() if self.estimator is None else self.estimator), self.seed_)


def as_model(estimator: Any, name: str = "estimator") -> Estimator:
    """Return a model as it is, and an estimator of scikit-learn wrapped as one.

    Raises
    ------
    InvalidInput
        If it is neither a model nor a classifier or regressor of scikit-learn.

    Examples
    --------
    >>> from sklearn.linear_model import Ridge
    >>> as_model(Ridge())
    SklearnRegressor(estimator=Ridge())
    """
    if isinstance(estimator, Estimator):
        return estimator
    if not isinstance(estimator, type) and hasattr(estimator, "get_params"):
        if is_classifier(estimator):
            return SklearnClassifier(estimator)
        if is_regressor(estimator):
            return SklearnRegressor(estimator)
    problem = "It is neither a model of bayesgeo nor a classifier or regressor of scikit-learn."
    shown = estimator.__name__ if isinstance(estimator, type) else type(estimator).__name__
    raise invalid(name, shown, problem, "Give an instance such as RandomForestClassifier().")


def seeded(estimator: Any, seed: int) -> Any:
    """Give a seed to every ``random_state`` of an estimator that is None, those of its parts too.

    Examples
    --------
    >>> from sklearn.ensemble import RandomForestClassifier
    >>> seeded(RandomForestClassifier(), 5).random_state, seeded(RandomForestClassifier(random_state=3), 5).random_state
    (5, 3)
    """
    unset = {
        name: seed
        for name, value in estimator.get_params().items()
        if value is None and name.split("__")[-1] == "random_state"
    }
    return estimator.set_params(**unset)


def held_out_error(estimator: BaseEstimator, X: np.ndarray, y: np.ndarray, groups: Any) -> float:
    """Return the root mean squared error of ``estimator`` on rows (by group) it was not fitted on.

    Examples
    --------
    >>> from sklearn.dummy import DummyRegressor
    >>> round(held_out_error(DummyRegressor(), np.zeros((100, 1)), np.tile([0.0, 2.0], 50), None), 2)
    1.0
    """
    if len(y) < 2 * FOLDS:
        return float(max(np.std(y - estimator.fit(X, y).predict(X)), np.finfo(float).tiny))
    parted = groups is not None and len(np.unique(groups)) >= FOLDS
    folds = GroupKFold(FOLDS) if parted else KFold(FOLDS, shuffle=True, random_state=0)
    error = y - cross_val_predict(estimator, X, y, groups=groups if parted else None, cv=folds)
    return float(max(np.sqrt(np.mean(error**2)), np.finfo(float).tiny))


__all__ = ["SklearnClassifier", "SklearnRegressor"]
