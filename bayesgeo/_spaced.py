"""Some of many things, evenly spaced."""

import numpy as np


def spaced(n: int, most: int) -> np.ndarray:
    """Return the positions of at most so many of ``n`` things, evenly spaced, the first and the last among them.

    Examples
    --------
    >>> spaced(10, 4).tolist()
    [0, 3, 6, 9]
    """
    return np.unique(np.linspace(0, n - 1, min(n, most)).round().astype(int))
