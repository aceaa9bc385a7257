"""Small numerical helpers that every floor uses."""

from typing import Any

import numpy as np
from scipy.special import logsumexp

BUDGET = 4_000_000  # numbers that a streamed computation holds at once: 32 MB in double precision


def spaced(n: int, most: int) -> np.ndarray:
    """Return the positions of at most ``most`` of ``n`` items, evenly spaced, the first and the last included.

    Examples
    --------
    >>> spaced(10, 4).tolist()
    [0, 3, 6, 9]
    """
    return np.unique(np.linspace(0, n - 1, min(n, most)).round().astype(int))


def log_mean_exp(values: np.ndarray, axis: int | tuple[int, ...] | None = None) -> Any:
    r"""Return :math:`\log \frac{1}{n} \sum e^{v}` along an axis, without overflow or underflow.

    Examples
    --------
    >>> log_mean_exp(np.array([[0.0, 0.0], [-1e5, -1e5]]), axis=1)
    array([      0., -100000.])
    """
    count = values.size if axis is None else np.prod(np.take(values.shape, axis))
    return logsumexp(values, axis=axis) - np.log(count)
