"""Gaussian processes at the training places: with all of their correlations, or with those of nearest neighbours."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy import linalg
from scipy.spatial import cKDTree

from bayesgeo.models.spatial.neighbours import NearAndFar, nearest_before

EXACT_ROWS = 1_500  # up to which all correlations are used
NEIGHBOURS = 10  # of a training place, before it in the order
NEW, LEFT_OUT = 30, 20  # neighbours of a place to predict, and of a training place that is left out


@dataclass(frozen=True, eq=False)
class Covariance:
    r"""Covariance of a sum of Matérn fields and a nugget, in units of the variance of all.

    .. math:: \mathrm{cov}(d) = \sum_k s_k\, \rho_{\nu_k}(d / \ell_k), \quad \mathrm{cov}(0) = 1.

    Parameters
    ----------
    length : numpy.ndarray
        ``(field,)`` length scales, in the unit of distances; the argument of the Bessel form is
        :math:`\sqrt{2\nu}\, d / \ell` (Rasmussen & Williams 2006, equation 4.14).
    share : numpy.ndarray
        ``(field,)`` shares of the variance; what is left to one is the nugget's.
    smoothness : numpy.ndarray
        ``(field,)`` twice the smoothness: 1, 3 or 5.
    """

    length: np.ndarray
    share: np.ndarray
    smoothness: np.ndarray

    @property
    def arrays(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The arrays, as the compiled functions take them."""
        return self.length, self.share, self.smoothness


class Process(Protocol):
    """A Gaussian process of variance one at training places."""

    def whitened(self, values: np.ndarray, covariance: Covariance) -> tuple[np.ndarray, np.ndarray]:
        """Return values ``(n, p)`` made independent, and the conditional variances ``(n,)``."""
        ...

    def near(self, places: np.ndarray) -> np.ndarray | None:
        """Return the training places ``(row, m)`` that new places are conditioned on, -1 for none; None for all."""
        ...

    def others(self, places: np.ndarray) -> np.ndarray:
        """Return the nearest training places ``(row, m)`` that are not at the very place, -1 for none."""
        ...

    def kriged(
        self, places: np.ndarray, near: np.ndarray | None, values: np.ndarray, covariance: Covariance
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return conditional means ``(row, p)`` at places and the variance ``(row,)`` that training rows explain."""
        ...


def process_of(points: np.ndarray, neighbours: int | None) -> Process:
    """Return the process of ordered points, exact where there are few and no number of neighbours is given."""
    if neighbours is None and len(points) <= EXACT_ROWS:
        return AllPlaces(points)
    return NearestPlaces(points, neighbours or NEIGHBOURS)


class _AtPlaces:
    """Training places, and the conditioning of others on the nearest of them."""

    def __init__(self, points: np.ndarray):
        self.points = points
        self._tree = cKDTree(points)

    def others(self, places: np.ndarray) -> np.ndarray:
        """Return the nearest training places elsewhere; see :class:`Process`."""
        wanted = min(LEFT_OUT + 1, len(self.points))
        distance, near = self._tree.query(places, k=np.arange(1, wanted + 1))
        return np.where(distance > 0, near, -1).astype(np.int32)

    def kriged(
        self, places: np.ndarray, near: np.ndarray | None, values: np.ndarray, covariance: Covariance
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return conditional means and explained variances; see :class:`Process`."""
        from bayesgeo.models.spatial.kernels import kriged

        assert near is not None
        return kriged((places, self.points, near), values, covariance.arrays)


class AllPlaces(_AtPlaces):
    """All correlations, :math:`n^3 / 3` operations for each covariance."""

    def whitened(self, values: np.ndarray, covariance: Covariance) -> tuple[np.ndarray, np.ndarray]:
        """Return values made independent; see :class:`Process`."""
        factor = self.factor(covariance)
        return linalg.solve_triangular(factor, values, lower=True, check_finite=False), np.diag(factor) ** 2

    def near(self, places: np.ndarray) -> np.ndarray | None:
        """Return None: all of them."""
        return None

    def kriged(
        self, places: np.ndarray, near: np.ndarray | None, values: np.ndarray, covariance: Covariance
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return conditional means and explained variances; see :class:`Process`."""
        if near is not None:
            return super().kriged(places, near, values, covariance)
        from bayesgeo.models.spatial.kernels import correlations

        factor = self.factor(covariance)
        across = correlations(self.points, places, covariance.arrays)
        half = linalg.solve_triangular(factor, across, lower=True, check_finite=False, overwrite_b=True)
        white = linalg.solve_triangular(factor, values, lower=True, check_finite=False)
        return half.T @ white, np.einsum("ij,ij->j", half, half)

    def factor(self, covariance: Covariance) -> np.ndarray:
        """Return the lower factor ``(n, n)`` of the covariance of all rows."""
        from bayesgeo.models.spatial.kernels import correlations

        among = correlations(self.points, self.points, covariance.arrays)
        np.fill_diagonal(among, 1.0)
        return np.linalg.cholesky(among)  # unlike SciPy's, it lets other threads run


class NearestPlaces(_AtPlaces):
    """Correlations with the nearest places before each, in time proportional to the number of places."""

    def __init__(self, points: np.ndarray, m: int):
        super().__init__(points)
        self._before = nearest_before(points, min(m, len(points) - 1))
        self._near_and_far = NearAndFar(points, max(m, NEW))

    def whitened(self, values: np.ndarray, covariance: Covariance) -> tuple[np.ndarray, np.ndarray]:
        """Return values made independent; see :class:`Process`."""
        from bayesgeo.models.spatial.kernels import whitened

        return whitened(self.points, self._before, values, covariance.arrays)

    def near(self, places: np.ndarray) -> np.ndarray | None:
        """Return near and far ones; see :class:`NearAndFar`."""
        return self._near_and_far.of(places)
