"""Scores of predicted classes and their probabilities.

All are of the averaged prediction (the posterior mean probability, and the class that it makes most probable), not
averages of the draws' scores. With two classes, precision, recall, F1, ROC AUC and average precision are those of the
positive class, the last one; with more they are averaged over the classes, one against the rest.
"""

from collections.abc import Iterable

import numpy as np
import xarray as xr

from bayesgeo.metrics.base import Means, Metric, Ranks
from bayesgeo.probability.uncertainty import entropy_split

BINS = 10


def summarise_classes(draws: xr.DataArray) -> xr.Dataset:
    r"""Summarise draws of class probabilities by row.

    Parameters
    ----------
    draws : xarray.DataArray
        ``(chain, draw, obs, label)``.

    Returns
    -------
    xarray.Dataset
        ``probability (obs, label)``; ``aleatoric`` and ``epistemic (obs)`` in nats: the expected entropy and
        the mutual information, which add up to the entropy of the mean (Depeweg et al. 2018).

    Examples
    --------
    >>> p = xr.DataArray(np.full((1, 1, 2, 2), 0.5), dims=("chain", "draw", "obs", "label"))
    >>> summarise_classes(p)["epistemic"].values
    array([0., 0.])
    """
    parts = entropy_split(draws)
    probability = draws.mean(("chain", "draw")).transpose("obs", "label")
    return xr.Dataset({"probability": probability, "aleatoric": parts["aleatoric"], "epistemic": parts["epistemic"]})


def confusion_counts(codes: xr.DataArray, y: np.ndarray, n_labels: int) -> np.ndarray:
    """Count predicted against true classes for each draw.

    Parameters
    ----------
    codes : xarray.DataArray
        ``(chain, draw, obs)`` predicted codes.
    y : numpy.ndarray
        ``(obs,)`` true codes.

    Returns
    -------
    numpy.ndarray
        ``(draw, true, predicted)`` counts, chains one after another.

    Examples
    --------
    >>> codes = xr.DataArray([[[0, 1, 1]]], dims=("chain", "draw", "obs"))
    >>> confusion_counts(codes, np.array([0, 0, 1]), 2).tolist()
    [[[1, 1], [0, 1]]]
    """
    flat = codes.transpose("chain", "draw", "obs").values.reshape(-1, codes.sizes["obs"])
    cells = y * n_labels + flat + n_labels**2 * np.arange(len(flat))[:, None]
    counts = np.bincount(cells.ravel(), minlength=n_labels**2 * len(flat))
    return counts.reshape(len(flat), n_labels, n_labels)


def _chosen(predictions: xr.Dataset, y: np.ndarray) -> np.ndarray:
    probability = predictions["probability"].values
    # The floor of scikit-learn's log_loss: a class ruled out costs 36 nats, not infinity.
    return np.clip(probability[np.arange(len(y)), y], np.finfo(float).eps, 1.0)


def _brier_rows(predictions: xr.Dataset, y: np.ndarray) -> np.ndarray:
    probability = predictions["probability"].values
    squares = ((probability - np.eye(probability.shape[1])[y]) ** 2).sum(axis=1)
    return squares / 2 if probability.shape[1] == 2 else squares


def _confusion_rows(predictions: xr.Dataset, y: np.ndarray) -> np.ndarray:
    probability = predictions["probability"].values
    one = np.eye(probability.shape[1])
    return one[y][:, :, None] * one[probability.argmax(axis=1)][:, None, :]


def _bin_rows(predictions: xr.Dataset, y: np.ndarray) -> np.ndarray:
    probability = predictions["probability"].values
    confidence, best = probability.max(axis=1), probability.argmax(axis=1)
    bins = np.minimum((confidence * BINS).astype(int), BINS - 1)
    return np.eye(BINS)[bins] * (confidence - (best == y))[:, None]


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """Divide, with 0 where nothing was predicted or observed, as scikit-learn's ``zero_division=0``."""
    return np.divide(part, whole, out=np.zeros_like(part, dtype=float), where=whole > 0)


def _present(confusion: np.ndarray) -> np.ndarray:
    """Average over the classes seen in truth or prediction; with two classes, only the positive one."""
    if confusion.shape[-1] == 2:
        return np.broadcast_to(np.array([0.0, 1.0]), confusion.shape[:-1])
    seen = (confusion.sum(axis=-1) + confusion.sum(axis=-2)) > 0
    return seen / np.maximum(seen.sum(axis=-1, keepdims=True), 1)


def precision_of(confusion: np.ndarray) -> np.ndarray:
    """Return the precision from confusion matrices ``(..., true, predicted)``.

    Of the positive class with two classes, else the average over classes (``average="macro"``).

    Examples
    --------
    >>> float(precision_of(np.array([[8, 2], [1, 6]])))
    0.75
    """
    hits = np.diagonal(confusion, axis1=-2, axis2=-1)
    return (_ratio(hits, confusion.sum(axis=-2)) * _present(confusion)).sum(axis=-1)


def recall_of(confusion: np.ndarray) -> np.ndarray:
    """Return the recall from confusion matrices ``(..., true, predicted)``; averaged as :func:`precision_of`.

    Examples
    --------
    >>> float(recall_of(np.array([[8, 2], [2, 6]])))
    0.75
    """
    hits = np.diagonal(confusion, axis1=-2, axis2=-1)
    return (_ratio(hits, confusion.sum(axis=-1)) * _present(confusion)).sum(axis=-1)


def f1_of(confusion: np.ndarray) -> np.ndarray:
    """Return the F1 score from confusion matrices ``(..., true, predicted)``; averaged as :func:`precision_of`.

    Examples
    --------
    >>> float(f1_of(np.array([[8, 2], [2, 6]])))
    0.75
    """
    hits = np.diagonal(confusion, axis1=-2, axis2=-1)
    both = confusion.sum(axis=-1) + confusion.sum(axis=-2)
    return (_ratio(2 * hits, both) * _present(confusion)).sum(axis=-1)


def accuracy_of(confusion: np.ndarray) -> np.ndarray:
    """Return the accuracy from confusion matrices ``(..., true, predicted)``.

    Examples
    --------
    >>> float(accuracy_of(np.array([[8, 2], [2, 8]])))
    0.8
    """
    return _ratio(np.trace(confusion, axis1=-2, axis2=-1), confusion.sum(axis=(-2, -1)))


def balanced_accuracy_of(confusion: np.ndarray) -> np.ndarray:
    """Return the mean recall of the classes that occur, from confusion matrices ``(..., true, predicted)``.

    Examples
    --------
    >>> float(balanced_accuracy_of(np.array([[8, 2], [2, 2]])))
    0.65
    """
    total = confusion.sum(axis=-1)
    recall = _ratio(np.diagonal(confusion, axis1=-2, axis2=-1), total)
    return _ratio(recall.sum(axis=-1), (total > 0).sum(axis=-1))


def matthews_of(confusion: np.ndarray) -> np.ndarray:
    r"""Return the correlation of predicted and true classes from confusion matrices ``(..., true, predicted)``.

    :math:`(c s - \sum_k p_k t_k) / \sqrt{(s^2 - \sum_k p_k^2)(s^2 - \sum_k t_k^2)}` with :math:`s` rows, :math:`c` of
    them right, and :math:`p_k` predicted and :math:`t_k` true rows of a class (Gorodkin 2004, Computational Biology
    and Chemistry 28:367); 0 where either side has one class.

    Examples
    --------
    >>> float(matthews_of(np.array([[8, 2], [2, 8]])))
    0.6
    """
    confusion = np.asarray(confusion, dtype=float)
    rows, true, predicted = confusion.sum(axis=(-2, -1)), confusion.sum(axis=-1), confusion.sum(axis=-2)
    joint = np.trace(confusion, axis1=-2, axis2=-1) * rows - (true * predicted).sum(axis=-1)
    spread = (rows**2 - (predicted**2).sum(axis=-1)) * (rows**2 - (true**2).sum(axis=-1))
    # With one class the difference is rounding error, of either sign.
    return _ratio(joint, np.sqrt(np.where(spread > 1e-12 * rows**4, spread, 0.0)))


def roc_auc_of(called: np.ndarray, hits: np.ndarray) -> np.ndarray:
    """Return the area under the ROC curve: how often an event is ranked above another row, ties half.

    Parameters
    ----------
    called, hits : numpy.ndarray
        ``(threshold, resample)`` of :func:`bayesgeo.metrics.base.rank_sums`: the weight of the rows above a threshold,
        and that of the events among them.

    Returns
    -------
    numpy.ndarray
        ``(resample,)``; NaN where there is no event, or nothing else.

    Examples
    --------
    >>> from bayesgeo.metrics.base import rank_sums
    >>> predicted, happened = np.array([0.1, 0.4, 0.35, 0.8]), np.array([False, False, True, True])
    >>> roc_auc_of(*rank_sums(predicted, happened, np.ones((4, 1))))
    array([0.75])
    """
    alarms = called - hits
    area = alarms[0] * hits[0] + ((alarms[1:] - alarms[:-1]) * (hits[1:] + hits[:-1])).sum(axis=0)
    pairs = alarms[-1] * hits[-1]
    return np.divide(area / 2, pairs, out=np.full(pairs.shape, np.nan), where=pairs > 0)


def average_precision_of(called: np.ndarray, hits: np.ndarray) -> np.ndarray:
    r"""Return the average precision, :math:`\sum_k (R_k - R_{k-1}) P_k` over thresholds.

    Parameters and result as those of :func:`roc_auc_of`; NaN where there is no event.

    Examples
    --------
    >>> from bayesgeo.metrics.base import rank_sums
    >>> predicted, happened = np.array([0.1, 0.4, 0.35, 0.8]), np.array([False, False, True, True])
    >>> average_precision_of(*rank_sums(predicted, happened, np.ones((4, 1)))).round(4)
    array([0.8333])
    """
    precision = _ratio(hits, called)
    area = hits[0] * precision[0] + ((hits[1:] - hits[:-1]) * precision[1:]).sum(axis=0)
    return np.divide(area, hits[-1], out=np.full(area.shape, np.nan), where=hits[-1] > 0)


def class_ranks(predictions: xr.Dataset, y: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """Rank by the positive class with two, else by each class against the rest."""
    probability = predictions["probability"].values
    classes = [1] if probability.shape[1] == 2 else range(probability.shape[1])
    return [(probability[:, k], y == k) for k in classes]


# Scores of classes that a confusion matrix determines, and so each posterior draw has.
FROM_CONFUSION = {
    "accuracy": accuracy_of,
    "balanced_accuracy": balanced_accuracy_of,
    "f1": f1_of,
    "matthews_corrcoef": matthews_of,
    "precision": precision_of,
    "recall": recall_of,
}

TITLES = {"roc_auc": "ROC area", "average_precision": "precision-recall area", "f1": "F1"}
COLUMNS = {"accuracy": 3, "precision": 4, "recall": 5, "f1": 6}
log_score = Metric(
    "log_score",
    "classification",
    Means(lambda p, y: np.log(_chosen(p, y))),
    best="greater",
    bounds=(-np.inf, 0.0),
    proper=True,
)
log_loss = Metric("log_loss", "classification", Means(lambda p, y: -np.log(_chosen(p, y))), column=1)
brier_score = Metric(
    "brier_score",
    "classification",
    Means(_brier_rows),
    bounds=(0.0, 2.0),
    title="Brier score",
    column=2,
    proper=True,
)
# Secondary to the decomposition of calibration.py: it depends on its bins, ten of equal width of the confidence.
calibration_error = Metric(
    "calibration_error",
    "classification",
    Means(_bin_rows, lambda mean: np.abs(mean).sum(axis=-1)),
    bounds=(0.0, 1.0),
    biased=True,
)


def _rank_metrics() -> Iterable[Metric]:
    for name, area in {"roc_auc": roc_auc_of, "average_precision": average_precision_of}.items():
        score = Ranks(class_ranks, area)
        yield Metric(name, "classification", score, "greater", bounds=(0.0, 1.0), title=TITLES[name])


def _label_metrics() -> Iterable[Metric]:
    for name, finish in FROM_CONFUSION.items():
        bounds = (-1.0 if finish is matthews_of else 0.0, 1.0)
        score, title = Means(_confusion_rows, finish), TITLES.get(name, "")
        yield Metric(name, "classification", score, "greater", bounds=bounds, title=title, column=COLUMNS.get(name))


roc_auc, average_precision = _rank_metrics()
accuracy, balanced_accuracy, f1, matthews_corrcoef, precision, recall = _label_metrics()

__all__ = [
    "accuracy",
    "average_precision",
    "balanced_accuracy",
    "brier_score",
    "calibration_error",
    "f1",
    "log_loss",
    "log_score",
    "matthews_corrcoef",
    "precision",
    "recall",
    "roc_auc",
]
