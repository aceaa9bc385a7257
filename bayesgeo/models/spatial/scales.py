r"""Length scales of fields and shares of a variance, as values that a sampler moves, and their priors.

A share is :math:`\sin^2\varphi`, of an angle whose flat prior is the arcsine law of the share, but for a seventh of the
mass, which lies within .04 of none and all; unlike its log odds, the angle has neither a bound nor a long tail where a
share may be none or all. The sampler's values, called turns here, are angles times :data:`TURN`, so that their scale is
about one.
"""

import numpy as np
from scipy.spatial import cKDTree

SHARE_PRIOR = "arcsine, Beta(1/2, 1/2), and a seventh near none and all"  # in words, for specifications
RARE = 0.05  # probability that a length scale is below the usual distance of neighbours
TURN = 4.0
RIGHT = TURN * np.pi / 2  # the turns of a whole share
EDGE = 0.4  # of the turns beyond which they repeat the shares inside
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


def turns_within(turns: np.ndarray) -> np.ndarray:
    """Return turns that are a little inside their range.

    At its ends the density is flat in them, and a climb would stay there.

    Examples
    --------
    >>> turns_within(np.array([-1.0, 3.0])).tolist()
    [0.2, 3.0]
    """
    return turns.clip(EDGE / 2, RIGHT - EDGE / 2)


def log_prior_of_turns(turns: np.ndarray) -> np.ndarray:
    """Return the log prior ``(n,)`` of turns ``(n, share)``, up to a constant: flat inside their range.

    Beyond it shares repeat: those of none or all may do so a little, which leaves the density smooth there, others not.
    """
    beyond = np.maximum(np.maximum(-turns, turns - RIGHT), 0.0)
    return -0.5 * np.sum((beyond / EDGE) ** 2, axis=1)


def sample_turns(size: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Draw turns from their prior: inside the range, or beyond one of its ends.

    Examples
    --------
    >>> drawn = sample_turns((10_000,), np.random.default_rng(0))
    >>> bool(abs(np.mean((drawn < 0) | (drawn > RIGHT)) - 0.138) < 0.01)
    True
    """
    tail = EDGE * np.sqrt(np.pi / 2)  # mass beyond each end, where the density inside is one
    at = rng.uniform(-tail, RIGHT + tail, size)
    beyond = EDGE * np.abs(rng.standard_normal(size))
    return np.where(at < 0, -beyond, np.where(at > RIGHT, RIGHT + beyond, at))


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
