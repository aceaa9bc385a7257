"""Students: compact networks trained on the predictions of a teacher and on their uncertainty."""

from typing import Any

import numpy as np
from scipy import special
from sklearn.base import is_classifier

from bayesgeo._check import invalid, shown
from bayesgeo.models.base import Classifier, Estimator, Regressor
from bayesgeo.models.networks.ensemble import DeepEnsembleClassifier, DeepEnsembleRegressor
from bayesgeo.models.preparation import standardisation
from bayesgeo.models.rows import Rows
from bayesgeo.models.students.base import Student
from bayesgeo.models.students.draws import DRAWS, dirichlet_draws, dirichlet_information, normal_scores
from bayesgeo.models.students.teacher import PRECISION, Moments, class_moments, is_fitted, value_moments
from bayesgeo.models.wrappers.temperature import scale_of, temperature_of, tempered

SPREAD_WEIGHT = 0.2  # of the error of the spread beside the error of the mean
LEAST_PROBABILITY = 1e-12
LEAST_UNIT = 0.01  # in which the error of a mean counts, relative to the spread of all means
SPREADS = ("aleatoric", "epistemic")


class StudentClassifier(Student, Classifier):
    r"""Student for classes: the teacher's mean probabilities, and a Dirichlet distribution about them.

    The network gives a logit for each label and :math:`\log(1 + a_0)`; a row's probabilities are distributed as
    :math:`\mathrm{Dirichlet}(a_0 m)`, of the teacher's mean :math:`m` and the total variance of its draws. The loss is
    the cross-entropy with the teacher's mean and the squared error of the standardised :math:`\log(1 + a_0)`.

    Parameters
    ----------
    teacher : estimator, optional
        Of bayesgeo, whose draws are learned, or any of scikit-learn with ``predict_proba``; None is a deep ensemble.
        One that is not fitted is cloned and fitted.
    hidden : tuple of int
        Width of each hidden layer.
    activation : str
        One of ``identity, sigmoid, tanh, relu, leaky_relu, softplus, silu, gelu``.
    calibrate : bool
        Whether to correct the teacher by the rows held out: classes by a temperature, values by a factor on the
        predictive standard deviation.
    mix : float
        Weight of the labels beside the teacher's predictions, where there are labels.
    transfer : int, optional
        Rows to draw for each row of ``X``; None draws about 50,000, 2 to 100 for each.
    max_epochs : int
        Maximum number of epochs.
    device : {"auto", "cpu", "cuda", "mps"}
        Where to train; ``"auto"`` takes a GPU when there is one.
    random_state : int, RandomState or None
        Seed of the rows held out and drawn, of the training, of the draws, and of a teacher that has none.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> X = np.linspace(-2, 2, 200)[:, None]
    >>> student = StudentClassifier(LogisticRegression(), (8,), max_epochs=20, random_state=0)
    >>> student.fit(X, np.where(X[:, 0] > 0, "sand", "shale")).predict([[1.5]])
    array(['sand'], dtype='<U5')
    """

    name = "student"

    def predict_proba(self, X: Any, groups: Any = None, *, coordinates: Any = None) -> np.ndarray:
        """Return the mean probability of each class, ``(obs, label)``, in one pass of the network."""
        return self._each(X, self._mean)

    def _default_teacher(self) -> Estimator:
        return DeepEnsembleClassifier()

    def _target(self, y: np.ndarray) -> np.ndarray:
        codes = super()._target(y)
        if not is_fitted(self._chosen()):
            return codes
        seen, self.classes_ = self.classes_, np.asarray(self._chosen().classes_)
        strange = np.setdiff1d(seen, self.classes_)
        if len(strange):
            raise invalid("y", shown(strange), f"The teacher was trained only on the classes {shown(self.classes_)}.")
        return np.searchsorted(self.classes_, y)

    def _teacher_moments(self, X: np.ndarray) -> Moments:
        return class_moments(self._teacher, X, self.classes_)

    def _correct(self, moments: Moments, y: np.ndarray) -> Moments:
        self.correction_ = 1.0
        rows = self.holdout_rows_
        mean = np.maximum(moments["mean"], LEAST_PROBABILITY)
        if self.calibrate and len(rows):
            # Only rows of classes that the teacher was trained on can calibrate it.
            known = rows[moments["mean"][rows, y[rows]] > 0]
            self.correction_ = float(temperature_of(mean[known], y[known]))
        return moments | {"mean": tempered(mean, self.correction_)}

    def _goals(self, moments: Moments, y: np.ndarray) -> dict[str, np.ndarray]:
        labels = len(self.classes_)
        probability = moments["mean"].copy()
        probability[: len(y)] += self.mix * (np.eye(labels)[y] - probability[: len(y)])
        self.spread_ = "precision" in moments
        self.answer_center_, self.answer_scale_ = np.zeros(labels), np.ones(labels)
        if not self.spread_:
            return {"probability": probability}
        spread = np.log1p(moments["precision"])
        center, scale = standardisation(spread)
        self.answer_center_ = np.append(self.answer_center_, center)
        self.answer_scale_ = np.append(self.answer_scale_, scale)
        return {"probability": probability, "spread": (spread - center) / scale}

    def _loss(self, outputs: Any, part: dict[str, Any]) -> Any:
        labels = len(self.classes_)
        loss = -(part["probability"] * outputs[..., :labels].log_softmax(-1)).sum(-1)
        if self.spread_:
            loss = loss + SPREAD_WEIGHT * (outputs[..., labels] - part["spread"]) ** 2
        return loss

    def _mean(self, answers: np.ndarray) -> np.ndarray:
        return special.softmax(answers[:, : len(self.classes_)], axis=1)

    def _precision(self, answers: np.ndarray) -> np.ndarray:
        return np.expm1(np.clip(answers[:, -1], *np.log1p(PRECISION)))

    def _expected(self, rows: Rows) -> np.ndarray:
        answers = self._answers(rows.X)
        mean = self._mean(answers)
        if not self.spread_:
            return mean[None, None]
        return dirichlet_draws(mean, self._precision(answers), DRAWS, self.seed_)[None]

    def _split(self, answers: np.ndarray) -> dict[str, np.ndarray]:
        mean = self._mean(answers)
        total = special.entr(mean).sum(axis=1)
        if not self.spread_:
            return {"total": total, "aleatoric": total, "epistemic": np.zeros_like(total)}
        epistemic = np.clip(dirichlet_information(mean, self._precision(answers)), 0.0, total)
        return {"total": total, "aleatoric": total - epistemic, "epistemic": epistemic}


class StudentRegressor(Student, Regressor):
    r"""Student for values: the teacher's mean, and its aleatoric and epistemic standard deviation.

    Parameters as :class:`StudentClassifier`. The teacher is of bayesgeo, or any of scikit-learn with ``predict``,
    whose noise is then its error on the rows held out. The network gives the mean and the logarithms of the two
    standard deviations. The loss is the squared errors of the logarithms, standardised, and :math:`2\sqrt{1 + e^2} - 2`
    of the error :math:`e` of the mean in units of the teacher's predictive standard deviation: half of it is, for small
    :math:`e`, the Kullback-Leibler divergence of a shifted Gaussian, and a large :math:`e` does not upset the descent
    (Charbonnier et al. 1994, ICIP). The noise is Gaussian; draws of the expected value are Gaussian too, at the same
    quantiles in every row.

    Examples
    --------
    >>> from sklearn.linear_model import LinearRegression
    >>> X = np.linspace(-2, 2, 100)[:, None]
    >>> y = 3 * X[:, 0] + np.tile([-0.1, 0.1], 50)
    >>> student = StudentRegressor(LinearRegression(), (8,), max_epochs=50, random_state=0).fit(X, y)
    >>> bool(abs(student.predict([[1.0]])[0] - 3) < 0.1)
    True
    """

    name = "student"

    def predict(self, X: Any, groups: Any = None, *, coordinates: Any = None) -> np.ndarray:
        """Return the mean of the expected outcome, ``(obs,)``, in one pass of the network."""
        return self._each(X, lambda answers: answers[:, 0])

    def _default_teacher(self) -> Estimator:
        return DeepEnsembleRegressor()

    def _has_noise(self, teacher: Any) -> bool:
        return isinstance(teacher, Regressor)

    def _teacher_moments(self, X: np.ndarray) -> Moments:
        return value_moments(self._teacher, X)

    def _correct(self, moments: Moments, y: np.ndarray) -> Moments:
        self.correction_, noisy = 1.0, "aleatoric" in moments
        rows = self.holdout_rows_ if noisy else self._error_rows(len(y))
        moments = {"aleatoric": np.ones_like(moments["mean"])} | moments
        if len(rows) and (self.calibrate or not noisy):
            self.correction_ = float(scale_of((y[rows] - moments["mean"][rows]) / _predictive_sd(moments)[rows]))
        return {name: values if name == "mean" else self.correction_ * values for name, values in moments.items()}

    def _error_rows(self, n: int) -> np.ndarray:
        """Return the rows that give the error of a teacher without a noise: held-out rows, else its training rows."""
        if not len(self.holdout_rows_) and is_fitted(self._chosen()):
            problem = "It has no noise, and there are no held-out rows to estimate its error."
            raise invalid("teacher", type(self._teacher).__name__, problem, "Give held_out rows.")
        return self.holdout_rows_ if len(self.holdout_rows_) else np.arange(n)

    def _goals(self, moments: Moments, y: np.ndarray) -> dict[str, np.ndarray]:
        self.spread_ = "epistemic" in moments
        mean = moments["mean"].copy()
        mean[: len(y)] += self.mix * (y - mean[: len(y)])
        least = np.finfo(np.float64).tiny
        logs = [np.log(np.maximum(moments[name], least)) for name in SPREADS if name in moments]
        answers = np.stack([mean, *logs], axis=1)
        self.answer_center_, self.answer_scale_ = standardisation(answers)
        unit = np.clip(_predictive_sd(moments) / self.answer_scale_[0], LEAST_UNIT, 1.0)
        return {"answers": (answers - self.answer_center_) / self.answer_scale_, "weight": unit**-2}

    def _loss(self, outputs: Any, part: dict[str, Any]) -> Any:
        error = (outputs - part["answers"]) ** 2
        mean = 2.0 * (1.0 + part["weight"] * error[..., 0]).sqrt() - 2.0
        return mean + SPREAD_WEIGHT * error[..., 1:].sum(-1)

    def _predictive(self, rows: Rows) -> dict[str, np.ndarray]:
        answers = self._answers(rows.X)
        mean, sds = answers[:, 0], np.exp(answers[:, 1:])
        if not self.spread_:
            return {"expected": mean[None, None], "sigma": sds[:, 0][None, None]}
        expected = mean + normal_scores(DRAWS)[:, None] * sds[:, 1]
        return {"expected": expected[None], "sigma": np.broadcast_to(sds[:, 0], expected.shape)[None]}

    def _split(self, answers: np.ndarray) -> dict[str, np.ndarray]:
        variance = np.exp(2 * answers[:, 1:])
        epistemic = variance[:, 1] if self.spread_ else np.zeros(len(variance))
        return {"total": variance[:, 0] + epistemic, "aleatoric": variance[:, 0], "epistemic": epistemic}


def distill(
    teacher: Any,
    X: Any,
    y: Any = None,
    *,
    groups: Any = None,
    held_out: Any = None,
    unlabelled: Any = None,
    **settings: Any,
) -> Student:
    """Train a compact student on the predictions of a fitted teacher.

    Parameters
    ----------
    teacher : estimator
        Fitted; of bayesgeo, or of scikit-learn.
    X : array-like
        ``(obs, feature)`` rows for it to predict: its training rows, or similar ones.
    y : array-like, optional
        ``(obs,)`` their labels, needed only with ``held_out`` or ``mix``.
    groups : array-like, optional
        ``(obs,)`` labels of groups that stay together when validation rows are held out.
    held_out : array-like of int, optional
        Positions of rows that the teacher was not trained on: it is calibrated on them. None leaves it uncalibrated.
    unlabelled : array-like, optional
        More rows for the teacher to predict.
    **settings
        Parameters of :class:`StudentClassifier` and :class:`StudentRegressor`.

    Returns
    -------
    StudentClassifier or StudentRegressor
        Fitted.

    Raises
    ------
    InvalidInput
        If the teacher is not fitted, or labels are missing.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> X = np.linspace(-2, 2, 50)[:, None]
    >>> teacher = LogisticRegression().fit(X, X[:, 0] > 0)
    >>> distill(teacher, X, hidden=(8,), max_epochs=20, random_state=0).predict([[1.5]])
    array([ True])
    """
    if not is_fitted(teacher):
        raise invalid("teacher", type(teacher).__name__, "It is not fitted.", "Fit it, or give it to a student's fit.")
    kind = StudentClassifier if is_classifier(teacher) else StudentRegressor
    student = kind(teacher, **settings)
    if y is None and (held_out is not None or student.mix):
        raise invalid("y", y, "held_out and mix need labels.", "Give y.")
    known = teacher.predict(X) if y is None else y
    return student.fit(X, known, groups, held_out=held_out, unlabelled=unlabelled)


def _predictive_sd(moments: Moments) -> np.ndarray:
    return np.sqrt(sum(moments[name] ** 2 for name in SPREADS if name in moments))


__all__ = ["StudentClassifier", "StudentRegressor", "distill"]
