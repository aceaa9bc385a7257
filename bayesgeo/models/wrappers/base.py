"""Models that fit another model to a part of the rows and calibrate it on the rest."""

from typing import Any, ClassVar

import numpy as np
import xarray as xr
from sklearn.base import clone

from bayesgeo._check import invalid
from bayesgeo.metrics.regression import noise_variance
from bayesgeo.models.base import Classifier, Estimator, Regressor
from bayesgeo.models.networks.mlp import MLPClassifier, MLPRegressor
from bayesgeo.models.preparation import validation_rows
from bayesgeo.models.rows import Rows, TrainingRows
from bayesgeo.models.transformation import Transformation
from bayesgeo.models.wrappers.sklearn import as_model


class _InnerAttribute:
    """A class attribute of the estimator inside, fitted or not; of a class, that of its default."""

    def __init__(self, name: str, default: str):
        self.name, self.default = name, default

    def __get__(self, instance: Any, owner: Any) -> str:
        given = getattr(instance, "estimator", None)
        return getattr(getattr(instance, "estimator_", given), self.name, self.default)


class Holdout(Estimator):
    """Base of the models that fit another estimator to a part of the rows and calibrate it on the rest.

    Whole groups are set aside where there are groups. The estimator is not fitted again on all rows: the
    calibration holds for the one that was evaluated.

    Attributes
    ----------
    estimator_ : Estimator
        The fitted estimator.
    holdout_rows_ : numpy.ndarray
        The rows set aside. With fewer than ten rows, or where only one class would remain, all rows are used for
        both.
    """

    kind: ClassVar[Any] = _InnerAttribute("kind", "deterministic")
    unseen_groups: ClassVar[Any] = _InnerAttribute("unseen_groups", "ignored")
    default: ClassVar[type[Estimator]]
    task: ClassVar[type[Estimator]]
    estimator_: Any

    def __init__(self, estimator: Any = None, *, holdout: float = 0.2, random_state: Any = None):
        self.estimator = estimator
        self.holdout = holdout
        self.random_state = random_state

    def _fit_inner(self, rows: TrainingRows) -> None:
        """Fit the estimator on the rows that are not set aside."""
        self._check_holdout()
        classes = issubclass(self.task, Classifier)
        self.holdout_rows_ = validation_rows(rows.y, rows.group, self.seed_, stratify=classes, part=self.holdout)
        rest = np.setdiff1d(np.arange(len(rows)), self.holdout_rows_)
        if not len(rest) or (classes and len(np.unique(rows.y[rest])) < 2):
            self.holdout_rows_ = rest = np.arange(len(rows))
        self.estimator_ = self._fitted_on(rows.part(rest))

    def _check_holdout(self) -> None:
        if not 0 < self.holdout < 1:
            raise invalid("holdout", self.holdout, "It must be in (0, 1).", "Give holdout=0.2.")

    def _fitted_on(self, rows: TrainingRows) -> Any:
        """Return a copy of the estimator fitted on rows."""
        inner = clone(as_model(self.default() if self.estimator is None else self.estimator, "estimator"))
        if not isinstance(inner, self.task):
            kind = self.task.__name__.lower()
            raise invalid("estimator", type(inner).__name__, f"It is not a {kind}.", f"Give a {kind}.")
        if inner.random_state is None:
            inner.set_params(random_state=self.seed_)
        target = self.classes_[rows.y] if issubclass(self.task, Classifier) else rows.y
        return inner.fit(rows.X, target, rows.groups, coordinates=rows.coordinates, weights=rows.weights)

    def _numbers_per_row(self) -> int:
        return self.estimator_._numbers_per_row()


class HoldoutClassifier(Holdout, Classifier):
    """Base of the classifiers around another; a class only among the rows set aside gets the probability zero."""

    default = MLPClassifier
    task = Classifier

    def _of_every_class(self, probability: np.ndarray, inner: Any) -> np.ndarray:
        """Return probabilities that an estimator inside gives, with a column for each class."""
        if probability.shape[-1] == len(self.classes_):
            return probability
        every = np.zeros((*probability.shape[:-1], len(self.classes_)))
        every[..., np.searchsorted(self.classes_, inner.classes_)] = probability
        return every

    def _expected(self, rows: Rows) -> np.ndarray:
        return self._of_every_class(self.estimator_._expected(rows), self.estimator_)


class HoldoutRegressor(Holdout, Regressor):
    """Base of the regressors around another."""

    default = MLPRegressor
    task = Regressor

    def _predictive(self, rows: Rows) -> dict[str, np.ndarray]:
        return self.estimator_._predictive(rows)

    @property
    def _transformation(self) -> Transformation | None:
        return self.estimator_._transformation


def mean_and_sd(regressor: Any, rows: Rows) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and standard deviation of a regressor's predictions, each ``(obs,)``."""
    stream = regressor.stream_predictive(rows.X, groups=rows.groups, coordinates=rows.coordinates)
    parts = [_mean_and_variance(part) for part in stream]
    mean, variance = np.concatenate(parts, axis=1)
    return mean, np.sqrt(variance)


def _mean_and_variance(predictive: xr.Dataset) -> tuple[np.ndarray, np.ndarray]:
    sample, noise = ("chain", "draw"), noise_variance(predictive)
    # A Student-t of two degrees of freedom or less has no variance; its scale is used instead.
    noise = noise.where(np.isfinite(noise), predictive["sigma"] ** 2)
    expected = predictive["expected"]
    return expected.mean(sample).values, (expected.var(sample) + noise.mean(sample)).values
