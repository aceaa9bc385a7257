"""Out-of-distribution detection: separate rows unlike the training rows by their uncertainty."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

from bayesgeo._check import invalid


@dataclass(frozen=True)
class Detection:
    """Hold how well an uncertainty separates out-of-distribution rows from in-distribution ones.

    Attributes
    ----------
    auroc : float
        Probability that an out-of-distribution row is the more uncertain of a pair, ties half; 0.5 is chance.
    fpr95 : float
        Share of the out-of-distribution rows accepted at the threshold that accepts 95 % of the others (Liang et al.
        2018, ICLR); 0 is best.

    Examples
    --------
    >>> Detection(auroc=0.9, fpr95=0.4).auroc
    0.9
    """

    auroc: float
    fpr95: float


def ood_detection(uncertainty_in: Any, uncertainty_out: Any) -> Detection:
    """Score an uncertainty as a detector of out-of-distribution rows.

    Compare it with the scores of :func:`distance_to_training` and :func:`lack_of_confidence`, which need no posterior.

    Parameters
    ----------
    uncertainty_in, uncertainty_out : array-like
        ``(obs,)`` of rows like the training rows, and of rows unlike them; infinity is allowed.

    Raises
    ------
    InvalidInput
        If one of them is empty or holds a NaN.

    Examples
    --------
    >>> ood_detection([0.1, 0.2, 0.3], [0.25, 0.8])
    Detection(auroc=0.8333333333333334, fpr95=0.5)
    """
    familiar, foreign = _checked("uncertainty_in", uncertainty_in), _checked("uncertainty_out", uncertainty_out)
    ranks = stats.rankdata(np.concatenate([familiar, foreign]))[len(familiar) :]
    pairs = ranks.sum() - len(foreign) * (len(foreign) + 1) / 2
    passed = foreign <= np.quantile(familiar, 0.95, method="inverted_cdf")
    return Detection(float(pairs / (len(familiar) * len(foreign))), float(passed.mean()))


def distance_to_training(training: Any, rows: Any) -> np.ndarray:
    """Return the distance of each row to the nearest training row, in standard deviations of each feature.

    Parameters
    ----------
    training, rows : array-like
        ``(row, feature)``; a feature that is constant in training counts in its own unit.

    Examples
    --------
    >>> distance_to_training([[0.0], [2.0]], [[2.0], [5.0]])
    array([0., 3.])
    """
    from sklearn.neighbors import NearestNeighbors
    from sklearn.preprocessing import StandardScaler

    scaler = StandardScaler().fit(np.asarray(training))
    nearest = NearestNeighbors(n_neighbors=1).fit(scaler.transform(np.asarray(training)))
    return nearest.kneighbors(scaler.transform(np.asarray(rows)))[0][:, 0]


def lack_of_confidence(probability: np.ndarray) -> np.ndarray:
    """Return one minus the largest probability of each row of ``(obs, label)``.

    Examples
    --------
    >>> lack_of_confidence(np.array([[0.25, 0.75]]))
    array([0.25])
    """
    return 1 - np.asarray(probability).max(axis=-1)


def _checked(name: str, values: Any) -> np.ndarray:
    values = np.asarray(values, dtype=float).ravel()
    if not len(values) or np.isnan(values).any():
        raise invalid(name, values.shape, "It is empty or holds a NaN.", "Give a number for each row.")
    return values
