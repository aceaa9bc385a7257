"""A finding of the audit, and the scale on which rows are compared."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

Level = Literal["refuse", "warn", "note"]


@dataclass(frozen=True)
class Finding:
    """A fault of a data set or its split.

    Parameters
    ----------
    code : str
        Kind of the fault, for programs.
    level : {"refuse", "warn", "note"}
        Scores are invalid, may be invalid, or need a remark.
    message : str
        The fault, where it is and the fix.

    Examples
    --------
    >>> Finding("same-row", "note", "2 rows are equal. Keep one of them.").level
    'note'
    """

    code: str
    level: Level
    message: str


def standardised(X: np.ndarray) -> np.ndarray:
    """Return ``X (obs, feature)`` with mean zero and unit deviation by column; constant columns become zero."""
    spread = X.std(axis=0)
    return (X - X.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
