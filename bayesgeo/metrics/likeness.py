"""How often residuals that are not alike would be at least as alike as these, by flipping their signs.

Flips (the wild bootstrap of Wu 1986, Annals of Statistics 14:4) keep the level where the noise differs from group to
group; a permutation of rows does not. Rows of one group also share the error of the parameters, which a posterior knows
of: as much is added to the flipped residuals.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

FLIPS, AT_ONCE = 999, 111
LEAST_UNITS = 8  # seven units have 64 distinct patterns of signs: no p below 1/64


@dataclass(frozen=True, eq=False)
class Pairs:
    """Pairs of rows ``(pair,)`` that may be alike, and which rows flip their signs together."""

    one: np.ndarray
    other: np.ndarray
    units: np.ndarray


@dataclass(frozen=True, eq=False)
class Residuals:
    """Centred residuals and the deviation of the error that rows share ``(obs, part)``, and codes of groups."""

    values: np.ndarray
    shared: np.ndarray
    codes: np.ndarray | None

    def part(self, index: np.ndarray) -> "Residuals":
        """Return some of the rows, their groups numbered anew."""
        codes = None if self.codes is None else np.unique(self.codes[index], return_inverse=True)[1]
        return Residuals(self.values[index], self.shared[index], codes)

    def means(self) -> "Residuals":
        """Return the means of the groups as residuals without groups."""
        assert self.codes is not None
        return Residuals(means(self.values, self.codes), means(self.shared, self.codes), None)


def means(values: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Return the means ``(group, part)`` of values ``(obs, part)`` by codes of groups."""
    sizes = np.bincount(codes)
    return np.stack([np.bincount(codes, column) / sizes for column in values.T], axis=1)


@dataclass(frozen=True)
class Paired:
    """Correlation of pairs, its p, and the ends between which chance leaves it; all NaN where too few can tell."""

    value: float = np.nan
    p: float = np.nan
    low: float = np.nan
    high: float = np.nan


def of_pairs(rows: Residuals, pairs: Pairs, rng: np.random.Generator, *, prob: float = 0.9) -> Paired:
    """Return the correlation of pairs, and what chance makes of it with the probability ``prob``."""
    values = rows.values
    variance = float(np.mean(np.sum(values**2, axis=1))) if len(values) else 0.0
    asked, place = np.unique(np.r_[pairs.one, pairs.other], return_inverse=True)
    units = np.unique(pairs.units[asked], return_inverse=True)[1]
    if len(asked) == 0 or units.max() + 1 < LEAST_UNITS or not variance > 0:
        return Paired()
    one, other = np.split(place, 2)
    correlation = float(np.mean(np.sum(values[pairs.one] * values[pairs.other], axis=1)) / variance)

    def likeness(drawn: np.ndarray) -> np.ndarray:
        return np.einsum("pf,pf->f", drawn[one], drawn[other])

    asked_rows, sharing = rows.part(asked), np.zeros(len(asked), dtype=int)
    seen = float(sum(likeness(column[:, None])[0] for column in asked_rows.values.T))
    drawn = by_chance(asked_rows, likeness, flipped=units, sharing=sharing, rng=rng)
    p = (1 + int(np.sum(drawn >= seen - 1e-9 * abs(seen)))) / (1 + len(drawn))
    low, high = np.quantile(drawn, [(1 - prob) / 2, (1 + prob) / 2]) / (len(one) * variance)
    return Paired(correlation, p, float(low), float(high))


def by_chance(
    rows: Residuals,
    likeness: Callable[[np.ndarray], np.ndarray],
    *,
    flipped: np.ndarray,
    sharing: np.ndarray,
    rng: np.random.Generator,
) -> np.ndarray:
    """Return how alike rows are that are not, but for the error they share, in each flip.

    ``likeness`` maps residuals of one part ``(obs, replicate)`` to ``(replicate,)``; the rows of one code of
    ``flipped (obs,)`` flip their signs together, and those of one code of ``sharing (obs,)`` share an error.
    """
    drawn = []
    for _ in range(FLIPS // AT_ONCE):
        signs = (rng.integers(2, size=(flipped.max() + 1, AT_ONCE), dtype=np.int8) * 2.0 - 1.0)[flipped]
        found = np.zeros(AT_ONCE)
        for column, shared in zip(rows.values.T, rows.shared.T, strict=True):
            error = rng.standard_normal((sharing.max() + 1, AT_ONCE))[sharing]
            found += likeness(signs * column[:, None] + shared[:, None] * error)
        drawn.append(found)
    return np.concatenate(drawn)
