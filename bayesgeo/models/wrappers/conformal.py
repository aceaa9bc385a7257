"""Conformal prediction: intervals and sets with the requested coverage, for any model."""

from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from bayesgeo._check import invalid, one_of
from bayesgeo.models.rows import TrainingRows
from bayesgeo.models.wrappers.base import Holdout, HoldoutClassifier, HoldoutRegressor, mean_and_sd


class Conformal(Holdout):
    """Base of the two split conformal estimators (Papadopoulos et al. 2002; Vovk, Gammerman & Shafer 2005).

    Draws, values and probabilities are those of the estimator inside. Intervals and sets hold the outcome of a new row
    with at least the requested coverage, on average over rows set aside and new ones, if these are
    exchangeable: rows of wells or years unlike the ones set aside are not.

    Attributes
    ----------
    scores_ : numpy.ndarray
        Nonconformity score of each row set aside, ascending.
    """

    scores_: np.ndarray

    def _limit(self, coverage: float) -> float:
        r"""Return the score that a new row's does not exceed with probability ``coverage``.

        The :math:`\lceil (n + 1) c \rceil`-th of :math:`n` scores; infinite where so many rows would be needed.
        """
        if not 0 < coverage < 1:
            raise invalid("coverage", coverage, "It must be in (0, 1).", "Give coverage=0.9.")
        # 0.9 * 10 may round to a little above nine.
        rank = int(np.ceil(round((len(self.scores_) + 1) * coverage, 9)))
        return float(self.scores_[rank - 1]) if rank <= len(self.scores_) else np.inf


class ConformalClassifier(Conformal, HoldoutClassifier):
    r"""Any classifier with sets of classes that hold the true one as often as asked.

    Parameters
    ----------
    estimator : Classifier, optional
        Any classifier, of scikit-learn too; None is :class:`bayesgeo.models.networks.mlp.MLPClassifier`.
    method : {"least", "adaptive"}
        ``"least"``: :math:`1 - p_k`, the smallest sets on average (Sadinle, Lei & Wasserman 2019, JASA 114:525),
        some of them empty; ``"adaptive"``: the probability of all classes at least as probable as :math:`k` (Romano,
        Sesia & Candès 2020, NeurIPS 33, without randomisation), larger sets where the estimator is uncertain.
    holdout : float
        Share of the rows that is set aside.
    random_state : int, RandomState or None
        Seed of the rows set aside, and of an estimator that has none.

    Examples
    --------
    >>> ConformalClassifier(method="adaptive").method
    'adaptive'
    """

    name = "conformal"

    def __init__(self, estimator: Any = None, *, method: str = "least", holdout: float = 0.2, random_state: Any = None):
        super().__init__(estimator, holdout=holdout, random_state=random_state)
        self.method = method

    def predict_set(self, X: Any, coverage: float = 0.9, *, groups: Any = None, coordinates: Any = None) -> np.ndarray:
        """Return which classes the set of each row holds, ``(obs, label)`` of bool, ``label`` as in ``classes_``.

        Raises
        ------
        InvalidInput
            If ``coverage`` is not between 0 and 1.
        """
        check_is_fitted(self)
        limit = self._limit(coverage)
        return self._class_scores(self.predict_proba(X, groups, coordinates=coordinates)) <= limit

    def _learn(self, rows: TrainingRows) -> None:
        one_of("method", self.method, ("least", "adaptive"))
        self._fit_inner(rows)
        aside = rows.part(self.holdout_rows_)
        probability = self.estimator_.predict_proba(aside.X, aside.groups, coordinates=aside.coordinates)
        scores = self._class_scores(self._of_every_class(probability, self.estimator_))
        self.scores_ = np.sort(scores[np.arange(len(scores)), aside.y])

    def _class_scores(self, probability: np.ndarray) -> np.ndarray:
        """Return the nonconformity score of each class, ``(obs, label)``."""
        if self.method == "least":
            return 1.0 - probability
        order = np.argsort(-probability, axis=1, kind="stable")
        upto = np.take_along_axis(probability, order, axis=1).cumsum(axis=1)
        return np.take_along_axis(upto, order.argsort(axis=1), axis=1)


class ConformalRegressor(Conformal, HoldoutRegressor):
    r"""Any regressor with intervals that hold the value as often as asked; parameters as the classifier's.

    The score is :math:`|y - \mu(x)| / \sigma(x)` of the predicted mean and standard deviation (Lei et al. 2018, JASA
    113:1094, section 5.2), so that intervals are wider where the estimator is less certain.

    Examples
    --------
    >>> ConformalRegressor(holdout=0.3).holdout
    0.3
    """

    name = "conformal"

    def predict_interval(
        self, X: Any, coverage: float = 0.9, *, groups: Any = None, coordinates: Any = None
    ) -> np.ndarray:
        """Return the lower and the upper end of the interval of each row, ``(obs, 2)``, in the unit of ``y``.

        Raises
        ------
        InvalidInput
            If ``coverage`` is not between 0 and 1.
        """
        check_is_fitted(self)
        limit = self._limit(coverage)
        mean, sd = mean_and_sd(self.estimator_, self._rows(X, groups, coordinates))
        return mean[:, None] + limit * sd[:, None] * np.array([-1.0, 1.0])

    def _learn(self, rows: TrainingRows) -> None:
        self._fit_inner(rows)
        aside = rows.part(self.holdout_rows_)
        mean, sd = mean_and_sd(self.estimator_, aside)
        self.scores_ = np.sort(np.abs(aside.y - mean) / sd)


__all__ = ["ConformalClassifier", "ConformalRegressor"]
