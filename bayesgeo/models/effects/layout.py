"""Where the values of the effects stand, and how many levels are made room for."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from bayesgeo.models.effects.levels import Members
from bayesgeo.models.effects.terms import Effect

GRAIN = 16  # levels; folds whose numbers of levels round to the same multiple share one compilation


@dataclass(frozen=True)
class Block:
    """The values of one effect.

    Parameters
    ----------
    effect : Effect
        The effect.
    levels : int
        Levels made room for; those beyond the levels of the rows have no rows.

    Examples
    --------
    >>> Block(Effect("station", ("log_r",)), 16).size
    32
    """

    effect: Effect
    levels: int

    @property
    def size(self) -> int:
        """Number of values."""
        return self.levels * len(self.effect.terms)


def block_of(effect: Effect, n_levels: int) -> Block:
    """Return the block of an effect, its number of levels rounded up.

    Examples
    --------
    >>> block_of(Effect("event"), 60).levels
    64
    """
    return Block(effect, -(-n_levels // GRAIN) * GRAIN)


def design_of(X: np.ndarray, blocks: Sequence[Block], members: Sequence[Members]) -> sparse.csr_array:
    """Return the matrix that maps intercept, coefficients and effects to the predictor, ``(obs, value)``.

    Examples
    --------
    >>> found = design_of(np.zeros((2, 1)), [Block(Effect("event"), 2)], [Members(np.array([1, 0]), np.ones((2, 1)))])
    >>> found.toarray().tolist()
    [[1.0, 0.0, 0.0, 1.0], [1.0, 0.0, 1.0, 0.0]]
    """
    rows = np.arange(len(X))
    parts = [sparse.csr_array(np.c_[np.ones(len(X)), X])]
    for block, member in zip(blocks, members, strict=True):
        q = len(block.effect.terms)
        columns = member.codes[:, None] * q + np.arange(q)
        where = (np.repeat(rows, q), columns.ravel())
        parts.append(sparse.csr_array((member.z.ravel(), where), shape=(len(X), block.size)))
    return sparse.csr_array(sparse.hstack(parts))
