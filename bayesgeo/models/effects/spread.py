"""Covariances of the effects of a mixed model given those of its population, the coefficients integrated out."""

from collections.abc import Sequence

import numpy as np
from scipy import linalg

from bayesgeo.models.effects.elimination import weights_of
from bayesgeo.models.effects.gaussian import AT_ONCE, MixedEquations, Solved


def effect_covariances(
    equations: MixedEquations, solved: Solved, factors: Sequence[np.ndarray]
) -> tuple[np.ndarray, ...]:
    r"""Return the covariance ``(level, term, term)`` of each group's effect, in squared units of the noise.

    With :math:`A` the part of the inverse equations of what remains after elimination, an eliminated group has the
    covariance :math:`W_g + W_g C_g A C_g^T W_g`.

    Parameters
    ----------
    equations : MixedEquations
        The equations.
    solved : Solved
        One solution.
    factors : sequence of numpy.ndarray
        ``(term, term)`` lower factors of the covariances, in units of the noise.

    Examples
    --------
    >>> from bayesgeo.models.effects.levels import Members
    >>> own = Members(np.array([0, 0, 1, 1]), np.ones((4, 1)))
    >>> equations = MixedEquations(np.ones((4, 1)), np.arange(4.0), [own], [2], np.array([1e9]))
    >>> _, solved = next(equations.solve([np.ones((1, 1, 1))]))
    >>> effect_covariances(equations, solved, [np.ones((1, 1))])[0].round(6).ravel().tolist()
    [0.333333, 0.333333]
    """
    m = equations.remaining - 1
    half = linalg.solve_triangular(solved.factor[0, :m, :m], np.eye(m), lower=True, check_finite=False)
    padded = np.c_[half, np.zeros(m)][None]
    equations.scale(padded, [factors[k].T[None] for k in equations.others], rows=False)
    half = padded[0, :, :m].T  # A is its product with its transpose
    found, start = {}, 0
    for k in equations.others:
        stop = start + equations.sizes[k] * equations.widths[k]
        own = half[start:stop].reshape(equations.sizes[k], equations.widths[k], m)
        found[k] = own @ own.swapaxes(1, 2)
        start = stop
    if equations.widths:
        found[equations.eliminated] = _of_eliminated(equations, half, factors[equations.eliminated])
    return tuple(found[k] for k in range(len(equations.widths)))


def _of_eliminated(equations: MixedEquations, half: np.ndarray, factor: np.ndarray) -> np.ndarray:
    weights, width = weights_of(factor[None], equations.own)[0][0], factor.shape[0]
    step, found = max(1, AT_ONCE * 10 // (len(half) * width)), []
    for start in range(0, len(weights), step):
        own = weights[start : start + step]
        cross = equations.cross[start * width : (start + len(own)) * width, :-1] @ half
        turned = own @ cross.reshape(len(own), width, -1)
        found.append(own + turned @ turned.swapaxes(1, 2))
    return np.concatenate(found)
