"""Calibration after the fact: rows set aside say how sure a fitted model may be."""

from typing import Any, ClassVar

import numpy as np
import xarray as xr
from scipy import optimize, special
from sklearn.base import clone

from bayesgeo._check import invalid, positive
from bayesgeo.metrics.regression import noise_variance
from bayesgeo.models.base import CHUNK, Classifier, Estimator, Regressor
from bayesgeo.models.networks.mlp import MLPClassifier, MLPRegressor
from bayesgeo.models.preparation import held_out_folds, validation_rows

LARGEST = 100.0  # the temperature and its inverse stay below


class _KindOfInner:
    """The kind of the fitted estimator inside; of a class, that of its default."""

    def __get__(self, instance: Any, owner: Any) -> str:
        return getattr(getattr(instance, "estimator_", None), "kind", "deterministic")


class Wrapping(Estimator):
    """Base of what fits another estimator on a part of the rows and learns about it from the rest.

    Whole groups are set aside where there are groups. The estimator is not fitted again on all rows: what was learned
    holds for the one that was judged.

    Attributes
    ----------
    estimator_ : Estimator
        The fitted estimator.
    aside_ : numpy.ndarray
        The rows set aside. Fewer than ten rows are too few to part, and so are rows of which one class would remain:
        then all rows fit and judge.
    """

    kind: ClassVar[Any] = _KindOfInner()
    default: ClassVar[type[Estimator]]
    task: ClassVar[type[Estimator]]
    estimator_: Any

    def __init__(self, estimator: Any = None, *, part: float = 0.2, random_state: Any = None):
        self.estimator = estimator
        self.part = part
        self.random_state = random_state

    def _fit_inner(self, X: np.ndarray, y: np.ndarray, groups: Any) -> None:
        """Fit the estimator on the rows that are not set aside."""
        self._check_part()
        classes = issubclass(self.task, Classifier)
        self.aside_ = validation_rows(y, groups, self.seed_, stratify=classes, part=self.part)
        rest = np.setdiff1d(np.arange(len(y)), self.aside_)
        if not len(rest) or (classes and len(np.unique(y[rest])) < 2):
            self.aside_ = rest = np.arange(len(y))
        self.estimator_ = self._fitted_on(rest, X, y, groups)

    def _check_part(self) -> None:
        if not 0 < self.part < 1:
            raise invalid("part", self.part, "It is no share of the rows.", "Give a number between 0 and 1.")

    def _fitted_on(self, rows: np.ndarray, X: np.ndarray, y: np.ndarray, groups: Any) -> Any:
        """Return a copy of the estimator fitted on some rows."""
        inner = self.default() if self.estimator is None else self.estimator
        if not isinstance(inner, self.task):
            problem = f"It is no {self.task.__name__.lower()} of bayesgeo."
            raise invalid("estimator", type(inner).__name__, problem, "Give one that bayesgeo.catalog.models lists.")
        inner = clone(inner)
        if inner.random_state is None:
            inner.set_params(random_state=self.seed_)
        target = self.classes_[y[rows]] if issubclass(self.task, Classifier) else y[rows]
        return inner.fit(X[rows], target, groups=None if groups is None else np.asarray(groups)[rows])

    def _numbers_per_row(self) -> int:
        return self.estimator_._numbers_per_row()


class WrappingClassifier(Wrapping, Classifier):
    """Base of the wrapping classifiers; a class that only the rows set aside have gets the probability zero."""

    default = MLPClassifier
    task = Classifier

    def _of_every_class(self, probability: np.ndarray, inner: Any) -> np.ndarray:
        """Return probabilities that an estimator inside gives, with a column for each class."""
        if probability.shape[-1] == len(self.classes_):
            return probability
        every = np.zeros((*probability.shape[:-1], len(self.classes_)))
        every[..., np.searchsorted(self.classes_, inner.classes_)] = probability
        return every

    def _expected(self, X: np.ndarray) -> np.ndarray:
        return self._of_every_class(self.estimator_._expected(X), self.estimator_)


class WrappingRegressor(Wrapping, Regressor):
    """Base of the wrapping regressors."""

    default = MLPRegressor
    task = Regressor

    def _predictive(self, X: np.ndarray) -> dict[str, np.ndarray]:
        return self.estimator_._predictive(X)


def mean_and_sd(regressor: Any, X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and standard deviation of what a regressor predicts, each ``(obs,)``."""
    parts = [_mean_and_variance(part) for part in regressor.stream_predictive(X)]
    mean, variance = np.concatenate(parts, axis=1)
    return mean, np.sqrt(variance)


def _mean_and_variance(predictive: xr.Dataset) -> tuple[np.ndarray, np.ndarray]:
    sample, noise = ("chain", "draw"), noise_variance(predictive)
    # A Student-t of two degrees of freedom or less has no variance; its scale still says how wide it is.
    noise = noise.where(np.isfinite(noise), predictive["sigma"] ** 2)
    expected = predictive["expected"]
    return expected.mean(sample).values, (expected.var(sample) + noise.mean(sample)).values


class Calibrated(Wrapping):
    """Base of the two calibrated estimators: they learn, in folds, from each part of the rows, or from one."""

    def __init__(self, estimator: Any = None, *, folds: int | None = 5, part: float = 0.2, random_state: Any = None):
        super().__init__(estimator, part=part, random_state=random_state)
        self.folds = folds

    def _judged(self, X: np.ndarray, y: np.ndarray, groups: Any) -> list[tuple[Any, np.ndarray]]:
        """Fit; return estimators with rows that they did not see."""
        self._check_part()
        if self.folds is not None and positive("folds", self.folds, integer=True) < 2:
            raise invalid("folds", self.folds, "What is fitted on all rows holds none out.", "Give folds=5.")
        classes = issubclass(self.task, Classifier)
        parts = held_out_folds(y, groups, self.folds, self.seed_, stratify=classes) if self.folds else []
        parts = [part for part in parts if not classes or len(np.unique(y[part[0]])) > 1]
        if not parts:
            self._fit_inner(X, y, groups)
            return [(self.estimator_, self.aside_)]
        self.aside_ = np.sort(np.concatenate([held for _, held in parts]))
        self.estimator_ = self._fitted_on(np.arange(len(y)), X, y, groups)
        return [(self._fitted_on(rows, X, y, groups), held) for rows, held in parts]


class CalibratedClassifier(Calibrated, WrappingClassifier):
    r"""Any classifier with its probabilities tempered (Guo et al. 2017, ICML), by rows set aside.

    Each draw's probabilities become :math:`\mathrm{softmax}(\log p / T)`, with the :math:`T` for which the mean over
    draws has the least log loss on the rows set aside.

    Parameters
    ----------
    estimator : Classifier, optional
        Any classifier of bayesgeo, Bayesian too; None is :class:`bayesgeo.models.networks.mlp.MLPClassifier`.
    folds : int, optional
        Sets every row aside once, in so many folds of whole groups, and fits the estimator on all rows: so many fits
        more. None sets rows aside once, which is worse where groups are few or differ in size.
    part : float
        Share of the rows that is set aside once.
    random_state : int, RandomState or None
        Seed of the rows set aside, and of an estimator that has none.

    Attributes
    ----------
    temperature_ : float
        :math:`T`; above 1 where the estimator was too sure.

    Examples
    --------
    >>> CalibratedClassifier(part=0.3).part
    0.3
    """

    name = "calibrated"

    def _learn(self, X: np.ndarray, y: np.ndarray, groups: Any) -> None:
        judged = [
            (inner, rows[np.isin(self.classes_[y[rows]], inner.classes_)]) for inner, rows in self._judged(X, y, groups)
        ]
        known = np.concatenate([rows for _, rows in judged])
        draws = [self._thinned(inner, X[rows], len(known)) for inner, rows in judged if len(rows)]
        self.temperature_ = temperature_of(np.concatenate(draws, axis=2), y[known]) if len(known) else 1.0

    def _thinned(self, inner: Any, X: np.ndarray, n_rows: int) -> np.ndarray:
        """Return so few draws for rows that the search for the temperature can hold those of so many rows."""
        step = -(-n_rows * inner._numbers_per_row() // CHUNK)
        parts = [part.isel(draw=slice(None, None, step)).values for part in inner.stream(X)]
        return self._of_every_class(np.concatenate(parts, axis=2), inner)

    def _expected(self, X: np.ndarray) -> np.ndarray:
        return tempered(super()._expected(X), self.temperature_)


class CalibratedRegressor(Calibrated, WrappingRegressor):
    """Any regressor with the width of its predictions scaled by rows set aside; parameters as the classifier's.

    The noise and the spread of the draws about their mean are both multiplied by the factor for which a Gaussian of
    the predicted mean and standard deviation has the best log score on the rows set aside (Levi et al. 2022, Sensors
    22:5540).

    Attributes
    ----------
    factor_ : float
        Above 1 where the estimator was too sure.

    Examples
    --------
    >>> CalibratedRegressor(part=0.3).part
    0.3
    """

    name = "calibrated"

    def _learn(self, X: np.ndarray, y: np.ndarray, groups: Any) -> None:
        errors = []
        for inner, rows in self._judged(X, y, groups):
            mean, sd = mean_and_sd(inner, X[rows])
            errors.append((y[rows] - mean) / sd)
        self.factor_ = scale_of(np.concatenate(errors))

    def _predictive(self, X: np.ndarray) -> dict[str, np.ndarray]:
        inner = super()._predictive(X)
        mean = inner["expected"].mean(axis=(0, 1), keepdims=True)
        expected = mean + self.factor_ * (inner["expected"] - mean)
        return inner | {"expected": expected, "sigma": self.factor_ * inner["sigma"]}


def tempered(probability: np.ndarray, T: float) -> np.ndarray:
    r"""Return :math:`\mathrm{softmax}(\log p / T)` over the last dimension.

    Examples
    --------
    >>> tempered(np.array([0.8, 0.2]), 2.0).round(3).tolist()
    [0.667, 0.333]
    """
    with np.errstate(divide="ignore"):  # what is impossible stays so
        return special.softmax(np.log(probability) / T, axis=-1)


def temperature_of(probability: np.ndarray, codes: np.ndarray) -> float:
    r"""Return the :math:`T > 0` with the least mean log loss of :math:`\mathrm{softmax}(\log p / T)`.

    Parameters
    ----------
    probability : numpy.ndarray
        ``(obs, label)``; dimensions before are draws, tempered one by one and then averaged.
    codes : numpy.ndarray
        ``(obs,)``, which label was seen.

    Examples
    --------
    Nine of ten were right where .99 was said:

    >>> said = np.tile([0.99, 0.01], (10, 1))
    >>> T = temperature_of(said, np.array([0] * 9 + [1]))
    >>> tempered(said[0], T).round(3).tolist()
    [0.9, 0.1]
    """
    draws = probability.reshape(-1, *probability.shape[-2:])
    # A probability of zero for what was seen would cost infinitely much at any temperature.
    log_p = np.log(np.maximum(draws, np.finfo(np.float64).tiny))
    rows = np.arange(len(codes))

    def loss(log_T: float) -> float:
        log_q = special.log_softmax(log_p * np.exp(-log_T), axis=-1)[:, rows, codes]
        return float(-(special.logsumexp(log_q, axis=0) - np.log(len(log_q))).mean())

    bound = np.log(LARGEST)
    found = optimize.minimize_scalar(loss, bounds=(-bound, bound), method="bounded", options={"xatol": 1e-6})
    return float(np.exp(found.x))


def scale_of(z: np.ndarray) -> float:
    r"""Return the factor on the predictive standard deviation that maximises the Gaussian log score.

    :math:`s = \sqrt{\mathrm{mean}(z_i^2)}` for standardised errors :math:`z_i = (y_i - \mu_i) / \sigma_i`.

    Examples
    --------
    >>> scale_of(np.array([-2.0, 2.0]))
    2.0
    """
    return float(max(np.sqrt(np.mean(np.square(z))), np.finfo(float).tiny))


__all__ = ["CalibratedClassifier", "CalibratedRegressor"]
