"""The mean of densities that are known by their logarithm."""

from typing import Any

import numpy as np
from scipy.special import logsumexp


def log_mean_exp(values: np.ndarray, axis: int | tuple[int, ...] | None = None) -> Any:
    r"""Return :math:`\log \frac{1}{n} \sum e^{v}` along an axis, whatever the size of the values.

    Examples
    --------
    >>> log_mean_exp(np.array([[0.0, 0.0], [-1e5, -1e5]]), axis=1)
    array([      0., -100000.])
    """
    count = values.size if axis is None else np.prod(np.take(values.shape, axis))
    return logsumexp(values, axis=axis) - np.log(count)
