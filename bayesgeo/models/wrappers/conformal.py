"""Conformal prediction: intervals and sets with the requested coverage, for any model."""

from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from bayesgeo._check import invalid, one_of, positive
from bayesgeo.models.rows import Rows, TrainingRows
from bayesgeo.models.wrappers.base import Holdout, HoldoutClassifier, HoldoutRegressor, mean_and_sd
from bayesgeo.models.wrappers.weighting import (
    WEIGHTINGS,
    group_weights,
    limits_by_distance,
    on_map,
    weighted_limits,
)


class Conformal(Holdout):
    """Base of the two split conformal estimators (Papadopoulos et al. 2002; Vovk, Gammerman & Shafer 2005).

    Draws, values and probabilities are those of the estimator inside. What the requested coverage :math:`c` means
    depends on ``weighting``:

    - ``"none"``: an interval or set holds the outcome of a new row with probability :math:`c` at least, on average over
      rows set aside and new ones, if these are exchangeable: rows of wells or years unlike the ones set aside are not,
      and one place may be covered too often, another too rarely.
    - ``"distance"``: the ``neighbours`` rows set aside that are nearest to the new one count alone, so that limits
      follow the errors of the neighbourhood (Mao, Martin & Reich 2024, Statistical Science 39; Guan 2023, Biometrika
      110:33). Coverage is :math:`c` at least, less the mean over those rows of how much their distribution of errors
      differs from that of the new row (total variation; Barber et al. 2023, Annals of Statistics 51:816, for weights
      that places alone decide): errors may differ from place to place, as long as they hardly do within a neighbourhood
      and are independent given the places.
    - ``"group"``: each group set aside counts as one, shared by its rows, and the new row's group as one more
      (hierarchical conformal prediction: Dunn, Wasserman & Ramdas 2023, JASA 118:2491, pooled distributions; Lee,
      Barber & Willett 2023, whose guarantee it is). A row of a new group is held with probability :math:`c` at least
      if groups are exchangeable, whatever goes on within them. That needs :math:`c / (1 - c)` groups set aside, nine
      for 0.9; with fewer, intervals are infinite and sets hold every class.

    Attributes
    ----------
    scores_ : numpy.ndarray
        Nonconformity score of each row set aside, ascending.
    holdout_places_, holdout_weights_ : numpy.ndarray
        Their places, and their weights by group, in the same order; only of the weighting that needs them.
    """

    scores_: np.ndarray

    def __init__(
        self,
        estimator: Any = None,
        *,
        weighting: str = "none",
        neighbours: int = 50,
        holdout: float = 0.2,
        random_state: Any = None,
    ):
        super().__init__(estimator, holdout=holdout, random_state=random_state)
        self.weighting = weighting
        self.neighbours = neighbours

    def _check_weighting(self, rows: TrainingRows) -> None:
        one_of("weighting", self.weighting, WEIGHTINGS)
        positive("neighbours", self.neighbours, integer=True)
        if self.weighting == "distance":
            on_map(rows.coordinates)
        if self.weighting == "group":
            group_weights(rows)

    def _keep(self, scores: np.ndarray, aside: TrainingRows) -> None:
        """Keep the scores of the rows set aside, and what weighs them."""
        order = np.argsort(scores, kind="stable")
        self.scores_ = scores[order]
        if self.weighting == "distance":
            self.holdout_places_ = on_map(aside.coordinates)[order]
        if self.weighting == "group":
            self.holdout_weights_ = group_weights(aside)[order]

    def _limits(self, coverage: float, rows: Rows) -> np.ndarray:
        """Return the score ``(obs, 1)`` that a new row's does not exceed with probability ``coverage``."""
        if not 0 < coverage < 1:
            raise invalid("coverage", coverage, "It must be in (0, 1).", "Give coverage=0.9.")
        if self.weighting == "distance":
            options: dict[str, Any] = {"neighbours": self.neighbours, "coverage": coverage}
            asked = on_map(rows.coordinates)
            return limits_by_distance(self.scores_, self.holdout_places_, asked, **options)[:, None]
        weights = self.holdout_weights_ if self.weighting == "group" else np.ones(len(self.scores_))
        return np.full((len(rows), 1), weighted_limits(self.scores_, weights, coverage))


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
    weighting : {"none", "distance", "group"}
        How rows set aside count for a new one, and so what the coverage means; see :class:`Conformal`. By distance
        needs ``coordinates`` on a map to fit and to predict, by group needs ``groups`` to fit.
    neighbours : int
        By distance: how many of the nearest rows set aside count; :math:`c / (1 - c)` at least, 9 for 0.9, 19 for 0.95.
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

    def __init__(
        self,
        estimator: Any = None,
        *,
        method: str = "least",
        weighting: str = "none",
        neighbours: int = 50,
        holdout: float = 0.2,
        random_state: Any = None,
    ):
        options: dict[str, Any] = {"weighting": weighting, "neighbours": neighbours, "holdout": holdout}
        super().__init__(estimator, **options, random_state=random_state)
        self.method = method

    def predict_set(self, X: Any, coverage: float = 0.9, *, groups: Any = None, coordinates: Any = None) -> np.ndarray:
        """Return which classes the set of each row holds, ``(obs, label)`` of bool, ``label`` as in ``classes_``.

        Raises
        ------
        InvalidInput
            If ``coverage`` is not between 0 and 1, or rows have no place to weigh by.
        """
        check_is_fitted(self)
        limits = self._limits(coverage, self._rows(X, groups, coordinates))
        return self._class_scores(self.predict_proba(X, groups, coordinates=coordinates)) <= limits

    def _learn(self, rows: TrainingRows) -> None:
        one_of("method", self.method, ("least", "adaptive"))
        self._check_weighting(rows)
        self._fit_inner(rows)
        aside = rows.part(self.holdout_rows_)
        probability = self.estimator_.predict_proba(aside.X, aside.groups, coordinates=aside.coordinates)
        scores = self._class_scores(self._of_every_class(probability, self.estimator_))
        self._keep(scores[np.arange(len(scores)), aside.y], aside)

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
            If ``coverage`` is not between 0 and 1, or rows have no place to weigh by.
        """
        check_is_fitted(self)
        rows = self._rows(X, groups, coordinates)
        limits = self._limits(coverage, rows)
        mean, sd = mean_and_sd(self.estimator_, rows)
        return mean[:, None] + limits * sd[:, None] * np.array([-1.0, 1.0])

    def _learn(self, rows: TrainingRows) -> None:
        self._check_weighting(rows)
        self._fit_inner(rows)
        aside = rows.part(self.holdout_rows_)
        mean, sd = mean_and_sd(self.estimator_, aside)
        self._keep(np.abs(aside.y - mean) / sd, aside)


__all__ = ["ConformalClassifier", "ConformalRegressor"]
