"""Whether uncertainty tells foreign rows from those that resemble the training rows."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

from bayesgeo._check import invalid


@dataclass(frozen=True)
class Detection:
    """How well an uncertainty tells foreign rows from familiar ones.

    Attributes
    ----------
    auroc : float
        How often a foreign row is the more uncertain of a pair, ties half; 0.5 is chance.
    fpr95 : float
        Share of the foreign rows that pass where 95 % of the familiar ones do (Liang et al. 2018, ICLR); 0 is best.
    """

    auroc: float
    fpr95: float


def detection(uncertainty_in: Any, uncertainty_out: Any) -> Detection:
    """Measure how well an uncertainty tells foreign rows from familiar ones.

    Set it beside :func:`distance_to_training` and :func:`lack_of_confidence`, which cost nothing.

    Parameters
    ----------
    uncertainty_in, uncertainty_out : array-like
        Of rows that resemble the training rows, and of foreign ones; infinite ones are the largest.

    Raises
    ------
    InvalidInput
        If one of them is empty or holds a NaN.

    Examples
    --------
    >>> detection([0.1, 0.2, 0.3], [0.25, 0.8])
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
