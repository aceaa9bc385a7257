r"""The density of a group's rows given all others, everything but the scales integrated out.

With :math:`P = V^{-1}` the inverse of the marginal covariance of all rows, :math:`K_g = \sigma^2 P_{gg}` and the
residuals :math:`r` at the best linear unbiased predictions,

.. math:: \log p(y_g \mid y_{-g}) = -\tfrac{1}{2} \left(n_g \log 2\pi\sigma^2 - \log|K_g| +
          r_g^T K_g^{-1} r_g / \sigma^2\right),

the leave-one-group-out form of a well-known identity (Sundararajan & Keerthi 2001, Neural Computation 13:5). What
importance sampling has to undo is the influence of a group on the few scales alone, so it seldom fails.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import joblib
import numpy as np
from scipy import linalg, sparse, stats

from bayesgeo._arrays import spaced
from bayesgeo.models.criticism import LeftOutGroups
from bayesgeo.models.effects.elimination import weights_of
from bayesgeo.models.effects.fields import field_scales
from bayesgeo.models.effects.gaussian import MixedEquations, Solved
from bayesgeo.models.effects.prediction import Parameters, factor_of

# Rows left out in all, at least and at most, and numbers that a draw may take for them.
ROWS, WORK = (200, 1_000), 1e8


@dataclass(frozen=True, eq=False)
class LeftOut:
    """Log densities of the left-out rows of each group, and where the mean of these rows lies in its distribution."""

    log_density: np.ndarray
    cdf: np.ndarray


class GroupsLeftOut:
    """Leave groups of rows out of a mixed model.

    Parameters
    ----------
    equations : MixedEquations
        Of all rows.
    codes : numpy.ndarray
        ``(obs,)`` group of each row, counted from zero.
    most_rows : int
        Groups are taken evenly spaced until they have about so many rows.

    Examples
    --------
    >>> from bayesgeo.models.effects.levels import Members
    >>> y, own = np.array([0.0, 0.0, 3.0]), Members(np.arange(3), np.ones((3, 1)))
    >>> equations = MixedEquations(np.ones((3, 1)), y, [own], [3], np.zeros(1))
    >>> _, solved = next(equations.solve([np.zeros((1, 1, 1))]))
    >>> found = GroupsLeftOut(equations, np.arange(3), most_rows=100).density(solved, [np.zeros((1, 1))], 1.0)
    >>> found.log_density[2].round(6), stats.norm.logpdf(3.0, 0.0, np.sqrt(1.5)).round(6)
    (np.float64(-4.121671), np.float64(-4.121671))
    """

    def __init__(self, equations: MixedEquations, codes: np.ndarray, *, most_rows: int):
        self.equations = equations
        sizes = np.bincount(codes)
        kept = len(sizes) if sizes.sum() <= most_rows else max(1, int(len(sizes) * most_rows / sizes.sum()))
        self.groups = spaced(len(sizes), kept)
        rows, starts = np.argsort(codes, kind="stable"), np.r_[0, np.cumsum(sizes)]
        self._parts_of = [rows[starts[k] : starts[k + 1]] for k in self.groups]
        self._rows = np.concatenate(self._parts_of)
        self._starts = np.r_[0, np.cumsum([len(one) for one in self._parts_of])]

    def density(self, solved: Solved, factors: Sequence[np.ndarray], sigma: float) -> LeftOut:
        """Return the densities at one solution, of the covariance factors ``(term, term)`` in units of the noise."""
        part = self._parts(solved, factors)
        spans = [slice(*ends) for ends in pairwise(self._starts)]
        found = np.array([part.left_out(span, sigma) for span in spans])
        return LeftOut(found[:, 0], stats.norm.cdf(found[:, 1]))

    def _parts(self, solved: Solved, factors: Sequence[np.ndarray]) -> "_Parts":
        equations, m = self.equations, self.equations.remaining - 1
        design, own = equations.design[self._rows], None
        if equations.eliminated >= 0:
            weights, _ = weights_of(factors[equations.eliminated][None], equations.own)
            eliminated = equations.groups[equations.eliminated]
            codes, z = eliminated.codes[self._rows], eliminated.z[self._rows]
            weighted = np.einsum("oi,oij->oj", z, weights[0][codes])
            design = design - _rows_of_levels(codes, weighted, len(equations.own)) @ equations.cross
            own = (codes, z, weighted)
        table = design.toarray()
        root = solved.factor[0, :m, :m]
        values = linalg.solve_triangular(root, solved.factor[0, m, :m], lower=True, trans=1, check_finite=False)
        equations.scale(table[None], [factors[k][None] for k in equations.others], rows=False, roots=solved.roots)
        residual = table[:, m] - table[:, :m] @ values
        half = linalg.solve_triangular(root, table[:, :m].T, lower=True, check_finite=False).T
        return _Parts(half, residual, own)


def leave_groups_out(marginal: Any, levels: np.ndarray, p: Parameters) -> LeftOutGroups:
    """Leave out the groups of the first key, everything but the scales integrated out.

    Parameters
    ----------
    marginal : GaussianMarginal
        Of all rows.
    levels : numpy.ndarray
        Labels of the first key.
    p : mapping of str to numpy.ndarray
        Draws of the scales ``(chain, draw, ...)``, on the standardised scale.
    """
    equations, effects = marginal.equations, marginal.effects
    most = int(np.clip(WORK / equations.remaining**2, *ROWS))
    out = GroupsLeftOut(equations, equations.groups[0].codes, most_rows=most)
    size, absolute = p["sigma"].shape, [factor_of(effect, p) for effect in effects]
    scales = [field_scales(effect, p) for effect in effects]

    def density(at: tuple[int, ...]) -> LeftOut:
        sigma = float(p["sigma"][at])
        relative = [factor[at] / sigma for factor in absolute]
        of_fields = [None if one is None else one.part((slice(at[0], at[0] + 1), at[1])) for one in scales]
        _, solved = next(equations.solve([factor[None] for factor in relative], of_fields))
        return out.density(solved, relative, sigma)

    with ThreadPoolExecutor(joblib.cpu_count()) as pool:
        found = list(pool.map(density, np.ndindex(size)))
    values = {name: np.stack([getattr(one, name) for one in found]) for name in ("log_density", "cdf")}
    by_draw = {name: one.reshape(*size, -1) for name, one in values.items()}
    return LeftOutGroups(effects[0].key, out.groups, levels[out.groups], len(levels), **by_draw)


@dataclass(frozen=True, eq=False)
class _Parts:
    """What each row adds to :math:`I - K`, by the remaining values and by the eliminated ones, and its residual."""

    half: np.ndarray
    residual: np.ndarray
    own: tuple[np.ndarray, np.ndarray, np.ndarray] | None

    def left_out(self, span: slice, sigma: float) -> tuple[float, float]:
        """Return the log density of the rows of a group, and how far their mean is off in standard deviations."""
        half, residual = self.half[span], self.residual[span]
        kernel = np.eye(len(half)) - half @ half.T
        if self.own is not None:
            codes, z, weighted = (values[span] for values in self.own)
            kernel -= (codes[:, None] == codes) * (weighted @ z.T)
        root = linalg.cholesky(kernel, lower=True, overwrite_a=True, check_finite=False)
        right = np.stack([residual, np.ones(len(half))], axis=1)
        error, ones = linalg.solve_triangular(root, right, lower=True, overwrite_b=True, check_finite=False).T
        logs = 2 * np.log(np.diag(root)).sum()
        density = -0.5 * (len(half) * np.log(2 * np.pi * sigma**2) - logs + error @ error / sigma**2)
        return density, (ones @ error) / (sigma * np.sqrt(ones @ ones))


def _rows_of_levels(codes: np.ndarray, values: np.ndarray, levels: int) -> sparse.csr_array:
    """Return the sparse matrix ``(obs, level and term)`` with these values ``(obs, term)`` at each row's level."""
    n, width = values.shape
    columns = (codes[:, None] * width + np.arange(width)).ravel()
    return sparse.csr_array((values.ravel(), columns, np.arange(0, n * width + 1, width)), shape=(n, levels * width))
