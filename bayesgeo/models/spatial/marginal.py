"""The posterior of the scales of a spatial regression, its field, coefficients and variance integrated out."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property, partial

import numpy as np
from scipy import linalg
from scipy.spatial import cKDTree

from bayesgeo.inference.folding import inside, unbounded
from bayesgeo.inference.newton import maximise
from bayesgeo.models.regression.conjugate import NormalInverseGamma
from bayesgeo.models.spatial.processes import Covariance, Process, process_of
from bayesgeo.models.spatial.scales import (
    RIGHT,
    log_prior_of_lengths,
    share_of,
    turns_of,
    usual_distance,
)

DRAWS, POINTS = 1_000, (125, 334)  # draws of a chain, as usual, and points at which they are taken: many rows, few
MANY_ROWS = 20_000
SUBSET = 3_000  # rows of one part of the map that tell where the climb to the mode starts


@dataclass(frozen=True, eq=False)
class SpatialMarginal:
    r"""Marginal posterior of the scales of a spatial regression on the standardised scale.

    With :math:`R(\theta)` the correlation of rows (:class:`Covariance`),

    .. math:: y \sim N(A\beta, \sigma^2 R(\theta)), \quad \beta \sim N(0, \sigma^2 \Lambda^{-1}), \quad
              \sigma^2 \sim IG(a, b),

    so that coefficients and variance integrate out as in linear regression of whitened rows. A point :math:`\theta` is
    :math:`\log \ell_k` of each field, then turns: the nugget's share of the variance is :math:`\sin^2\varphi`, and
    each field but the last takes such a share of what is left. Angles have a flat prior (arcsine for a share), and a
    posterior without a long tail where a share may be zero. Length scales have the penalised-complexity
    prior of Fuglstad et al. (2019, JASA 114:445) in the plane, :math:`p(\ell) \propto \ell^{-2} \exp(-\lambda / \ell)`,
    with :math:`P(\ell < \ell_0) = 0.05` where :math:`\ell_0` is the usual distance of neighbouring places.

    Parameters
    ----------
    process : Process
        At the training places.
    points : numpy.ndarray
        ``(n, d)`` these places.
    design, y : numpy.ndarray
        ``(n, p)`` with a column of ones, and ``(n,)``.
    smoothness : tuple of int
        Twice the smoothness of each field, shortest field first.
    prior : NormalInverseGamma
        Of coefficients and variance.
    """

    process: Process
    points: np.ndarray
    design: np.ndarray
    y: np.ndarray
    smoothness: tuple[int, ...]
    prior: NormalInverseGamma

    @cached_property
    def spacing(self) -> float:
        """The usual distance of neighbouring places."""
        return usual_distance(self.points)

    @property
    def start(self) -> np.ndarray:
        """Where the climb starts: of many rows, the mode of a few in one part of the map."""
        extent, k = float(np.ptp(self.points, axis=0).max()), len(self.smoothness)
        # Between the distance of neighbours and the extent of the map, evenly in the logarithm.
        logs = np.linspace(np.log(2 * self.spacing), np.log(extent), k + 2)[1:-1]
        plain = np.r_[logs, turns_of(0.1), np.full(k - 1, turns_of(0.5))]
        if len(self.y) <= 2 * SUBSET:
            return plain
        part = np.sort(cKDTree(self.points).query(np.median(self.points, axis=0), k=SUBSET)[1])
        few = replace(
            self,
            process=process_of(self.points[part], 15),
            points=self.points[part],
            design=self.design[part],
            y=self.y[part],
        )
        return maximise(few.log_density, plain, tolerance=0.1, within=partial(inside, bounds=self.bounds)).at

    @property
    def repeats(self) -> int:
        """Draws of coefficients and variance at each point."""
        return -(-DRAWS // POINTS[len(self.y) < MANY_ROWS])

    @property
    def bounds(self) -> np.ndarray:
        """Bounds ``(d, 2)`` of turns; lengths have none."""
        k = len(self.smoothness)
        return np.concatenate([unbounded(k), np.tile([0.0, RIGHT], (k, 1))])

    def covariance(self, point: np.ndarray) -> Covariance:
        """Return the covariance at a point."""
        k = len(self.smoothness)
        taken = share_of(point[k:])
        left = np.cumprod(1 - taken)
        share = np.r_[left[:-1] * taken[1:], left[-1]]
        return Covariance(np.exp(point[:k]), share, np.array(self.smoothness))

    def log_density(self, points: np.ndarray) -> np.ndarray:
        """Return the log density ``(n,)``, NaN where a covariance has no factor."""
        return np.concatenate([density for _, density, _ in self.evaluate(points)])

    def evaluate(
        self, points: np.ndarray
    ) -> Iterator[tuple[slice, np.ndarray, Callable[[int, int, np.random.Generator], Mapping[str, np.ndarray]]]]:
        """Yield points one by one, their log densities and how to draw; see :class:`Marginal`."""
        for k, point in enumerate(points):
            covariance = self.covariance(point)
            density, posterior = np.nan, self.prior
            with suppress(linalg.LinAlgError):
                density, posterior = self._solved(covariance)
                density += float(log_prior_of_lengths(covariance.length[None], self.spacing)[0])
            yield slice(k, k + 1), np.array([density]), _Conditional(posterior, covariance)

    def _solved(self, covariance: Covariance) -> tuple[float, NormalInverseGamma]:
        """Return the log marginal likelihood, up to a constant, and the posterior of coefficients and variance."""
        white, variance = self.process.whitened(np.c_[self.y, self.design], covariance)
        found = self.prior.update(white[:, 1:], white[:, 0])
        determinant = 2 * np.log(np.diag(linalg.cholesky(found.precision))).sum()
        return -0.5 * (np.log(variance).sum() + determinant) - found.shape * np.log(found.rate), found


@dataclass(frozen=True, eq=False)
class _Conditional:
    """Draw coefficients and variance given the scales."""

    posterior: NormalInverseGamma
    covariance: Covariance

    def __call__(self, k: int, n: int, rng: np.random.Generator) -> Mapping[str, np.ndarray]:
        drawn = self.posterior.sample((1, n), rng)
        theta, sd = drawn["coefficient"][0], drawn["sigma"][0]
        share, length = self.covariance.share, self.covariance.length
        return {
            "intercept": theta[:, 0],
            "weight": theta[:, 1:],
            "sigma": sd * np.sqrt(max(1 - share.sum(), 0.0)),
            "field_scale": sd[:, None] * np.sqrt(share),
            "length_scale": np.repeat(length[None], n, axis=0),
        }


def prior_of(n_features: int, scales: Sequence[float], noise: tuple[float, float]) -> NormalInverseGamma:
    """Return the prior of intercept, coefficients and variance from scales ``(intercept, coefficient)``."""
    precision = np.r_[scales[0] ** -2.0, np.full(n_features, scales[1] ** -2.0)]
    return NormalInverseGamma(np.zeros(n_features + 1), np.diag(precision), *noise)
