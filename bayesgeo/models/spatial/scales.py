r"""Length scales of fields and shares of a variance, as values that a sampler moves, and their priors.

A share is :math:`\sin^2\varphi`, of an angle whose flat prior is the arcsine law of the share. Unlike the log odds of
a share, the angle has no long tail where a share may be none or all, and densities are even about these bounds. The
sampler's values, called turns here, are angles times :data:`TURN`, so that their scale is about one.
"""

import numpy as np
from scipy.spatial import cKDTree

SHARE_PRIOR = "arcsine, Beta(1/2, 1/2)"  # in words, for specifications
RARE = 0.05  # probability that a length scale is below the usual distance of neighbours
TURN = 4.0
RIGHT = TURN * np.pi / 2  # the turns of a whole share: they are between zero and these
SAMPLE = 2_000  # places that tell the usual distance


def share_of(turns: np.ndarray) -> np.ndarray:
    """Return shares.

    Examples
    --------
    >>> float(share_of(turns_of(0.1)).round(6))
    0.1
    """
    return np.sin(turns / TURN) ** 2


def turns_of(share: float) -> np.ndarray:
    """Return the turns of a share."""
    return TURN * np.arcsin(np.sqrt(share))


def usual_distance(points: np.ndarray) -> float:
    """Return the median distance of neighbouring places that differ, of places ``(n, d)``.

    Examples
    --------
    >>> usual_distance(np.array([[0.0], [1.0], [1.0], [2.0]]))
    1.0
    """
    some = points[:: max(1, len(points) // SAMPLE)]
    distance = cKDTree(np.unique(points, axis=0)).query(some, k=[2])[0]
    return float(np.median(distance[np.isfinite(distance)]))


def log_prior_of_lengths(length: np.ndarray, spacing: float) -> np.ndarray:
    r"""Return the log prior ``(n,)`` of the logarithms of length scales ``(n, field)``, up to a constant.

    It is the penalised-complexity prior of Fuglstad et al. (2019, JASA 114:445) in the plane,
    :math:`p(\ell) \propto \ell^{-2} \exp(-\lambda / \ell)`, with :math:`P(\ell < \ell_0) = 0.05` at a distance
    :math:`\ell_0` of neighbours.
    """
    return np.sum(-np.log(length) + np.log(RARE) * spacing / length, axis=1)
