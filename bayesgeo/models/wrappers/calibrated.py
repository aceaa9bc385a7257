"""Calibration after the fit, by rows set aside: temperature of probabilities, factor on predictive widths."""

from typing import Any

import numpy as np

from bayesgeo import _arrays
from bayesgeo._check import invalid, positive
from bayesgeo.models.base import Classifier
from bayesgeo.models.preparation import held_out_folds
from bayesgeo.models.rows import Rows, TrainingRows
from bayesgeo.models.transformation import in_units
from bayesgeo.models.wrappers.base import Holdout, HoldoutClassifier, HoldoutRegressor, mean_and_sd
from bayesgeo.models.wrappers.temperature import scale_of, temperature_of, tempered


class Calibrated(Holdout):
    """Base of the two calibrated estimators: they calibrate on each fold of the rows, or on one part."""

    def __init__(self, estimator: Any = None, *, folds: int | None = 5, holdout: float = 0.2, random_state: Any = None):
        super().__init__(estimator, holdout=holdout, random_state=random_state)
        self.folds = folds

    def _fits(self, rows: TrainingRows) -> list[tuple[Any, np.ndarray]]:
        """Fit the estimator; return fits with their held-out rows."""
        self._check_holdout()
        if self.folds is not None and positive("folds", self.folds, integer=True) < 2:
            raise invalid("folds", self.folds, "At least two folds are needed.", "Give folds=5.")
        classes = issubclass(self.task, Classifier)
        parts = held_out_folds(rows.y, rows.group, self.folds, self.seed_, stratify=classes) if self.folds else []
        parts = [part for part in parts if not classes or len(np.unique(rows.y[part[0]])) > 1]
        if not parts:
            self._fit_inner(rows)
            return [(self.estimator_, self.holdout_rows_)]
        self.holdout_rows_ = np.sort(np.concatenate([held for _, held in parts]))
        # Indexed like the rows of a fold, because the memory layout decides how sums are rounded.
        self.estimator_ = self._fitted_on(rows.part(np.arange(len(rows))))
        return [(self._fitted_on(rows.part(learning)), held) for learning, held in parts]


class CalibratedClassifier(Calibrated, HoldoutClassifier):
    r"""Any classifier with its probabilities tempered (Guo et al. 2017, ICML), by rows set aside.

    Each draw's probabilities become :math:`\mathrm{softmax}(\log p / T)`, with the :math:`T` for which the mean over
    draws has the least log loss on the rows set aside.

    Parameters
    ----------
    estimator : Classifier, optional
        Any classifier, Bayesian or of scikit-learn; None is :class:`bayesgeo.models.networks.mlp.MLPClassifier`.
    folds : int, optional
        Sets every row aside once, in so many folds of whole groups, and fits the estimator on all rows: so many fits
        more. None sets rows aside once, which is worse where groups are few or differ in size.
    holdout : float
        Share of the rows that is set aside once.
    random_state : int, RandomState or None
        Seed of the rows set aside, and of an estimator that has none.

    Attributes
    ----------
    temperature_ : float
        :math:`T`; above 1 where the estimator was overconfident.

    Examples
    --------
    >>> CalibratedClassifier(holdout=0.3).holdout
    0.3
    """

    name = "calibrated"

    def _learn(self, rows: TrainingRows) -> None:
        fits = [(inner, held[np.isin(self.classes_[rows.y[held]], inner.classes_)]) for inner, held in self._fits(rows)]
        known = np.concatenate([held for _, held in fits])
        draws = [self._thinned(inner, rows.part(held), len(known)) for inner, held in fits if len(held)]
        self.temperature_ = temperature_of(np.concatenate(draws, axis=2), rows.y[known]) if len(known) else 1.0

    def _thinned(self, inner: Any, rows: Rows, n_rows: int) -> np.ndarray:
        """Return thinned draws, so few that the search for the temperature can hold those of ``n_rows`` rows."""
        step = -(-n_rows * inner._numbers_per_row() // _arrays.BUDGET)
        stream = inner.stream(rows.X, groups=rows.groups, coordinates=rows.coordinates)
        parts = [part.isel(draw=slice(None, None, step)).values for part in stream]
        return self._of_every_class(np.concatenate(parts, axis=2), inner)

    def _expected(self, rows: Rows) -> np.ndarray:
        return tempered(super()._expected(rows), self.temperature_)


class CalibratedRegressor(Calibrated, HoldoutRegressor):
    """Any regressor with the width of its predictions scaled by rows set aside; parameters as the classifier's.

    The noise and the spread of the draws about their mean are both multiplied by the factor for which a Gaussian of
    the predicted mean and standard deviation has the best log score on the rows set aside (Levi et al. 2022, Sensors
    22:5540).

    Attributes
    ----------
    factor_ : float
        Above 1 where the estimator was overconfident.

    Examples
    --------
    >>> CalibratedRegressor(holdout=0.3).holdout
    0.3
    """

    name = "calibrated"

    def _learn(self, rows: TrainingRows) -> None:
        errors = []
        for inner, held in self._fits(rows):
            mean, sd = mean_and_sd(inner, rows.part(held))
            errors.append((rows.y[held] - mean) / sd)
        self.factor_ = scale_of(np.concatenate(errors))

    def _predictive(self, rows: Rows) -> dict[str, np.ndarray]:
        inner = super()._predictive(rows)
        if self._transformation is None:
            return inner | self._scaled(inner["expected"], inner["sigma"])
        scaled = self._scaled(inner["location"], inner["scale"])
        return in_units(scaled | {"within": inner["within"] / inner["sigma"] * scaled["sigma"]}, self._transformation)

    def _scaled(self, expected: np.ndarray, sigma: np.ndarray) -> dict[str, np.ndarray]:
        mean = expected.mean(axis=(0, 1), keepdims=True)
        return {"expected": mean + self.factor_ * (expected - mean), "sigma": self.factor_ * sigma}


__all__ = ["CalibratedClassifier", "CalibratedRegressor"]
