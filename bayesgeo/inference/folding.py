"""Values with bounds, as angles of shares: what a proposal puts beyond a bound is folded back inside."""

from dataclasses import dataclass
from itertools import product

import numpy as np
from scipy import special

from bayesgeo.inference.surface import Proposal

MARGIN = 0.2  # from a bound, where a climb goes on: at a bound an even density has no slope, and a climb would stay


def unbounded(d: int) -> np.ndarray:
    """Return the bounds ``(d, 2)`` of values that have none.

    Examples
    --------
    >>> unbounded(1).tolist()
    [[-inf, inf]]
    """
    return np.tile([-np.inf, np.inf], (d, 1))


def inside(point: np.ndarray, bounds: np.ndarray) -> np.ndarray:
    """Return the point ``(d,)`` a little inside the bounds ``(d, 2)``.

    Examples
    --------
    >>> inside(np.array([-1.0, 3.0]), np.array([[0.0, 6.0], [-np.inf, np.inf]])).tolist()
    [0.2, 3.0]
    """
    return np.clip(point, bounds[:, 0] + MARGIN, bounds[:, 1] - MARGIN)


def folded(points: np.ndarray, bounds: np.ndarray) -> np.ndarray:
    """Return points ``(n, d)`` mirrored at bounds until they are inside.

    Examples
    --------
    >>> folded(np.array([[-1.0], [7.5], [13.0]]), np.array([[0.0, 6.0]])).tolist()
    [[1.0], [4.5], [1.0]]
    """
    of = np.isfinite(bounds).all(axis=1)
    low, high = bounds[of].T
    found = points.copy()
    turned = np.mod(points[:, of] - low, 2 * (high - low))
    found[:, of] = low + np.minimum(turned, 2 * (high - low) - turned)
    return found


@dataclass(frozen=True, eq=False)
class Folded:
    """A proposal whose points are mirrored at bounds, as of a density that is even about each.

    Parameters
    ----------
    proposal : Proposal
        Of points that may be beyond the bounds; those beyond by more than half of a range are drawn anew, so that a
        point has two images in each value with bounds.
    bounds : numpy.ndarray
        ``(d, 2)``; infinite where a value has none.
    """

    proposal: Proposal
    bounds: np.ndarray

    def sample(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """Draw points ``(n, d)``."""
        low, high = self.bounds.T
        reach = np.where(np.isfinite(high - low), (high - low) / 2, np.inf)
        found = np.empty((0, len(low)))
        while len(found) < n:
            points = self.proposal.sample(n, rng)
            found = np.concatenate([found, points[((points >= low - reach) & (points <= high + reach)).all(axis=1)]])
        return folded(found[:n], self.bounds)

    def log_density(self, points: np.ndarray) -> np.ndarray:
        """Return the log density ``(n,)``, up to a constant: the sum over the images of a point."""
        low, high = self.bounds.T
        of = np.flatnonzero(np.isfinite(high - low))
        mirror = 2 * np.where(points[:, of] - low[of] < high[of] - points[:, of], low[of], high[of])
        found = []
        for flipped in product((False, True), repeat=len(of)):
            image = points.copy()
            image[:, of] = np.where(flipped, mirror - points[:, of], points[:, of])
            found.append(self.proposal.log_density(image))
        return special.logsumexp(found, axis=0)
