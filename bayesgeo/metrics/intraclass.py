"""Whether residuals are alike within groups: the intraclass correlation, its interval, and how rarely chance makes it.

The p is of flips of the signs of the residuals, as in :mod:`bayesgeo.metrics.likeness`. Rows left out together also
share the error of the parameters, which makes them alike where nothing else does. As much as a model linear in the
features makes is taken out, of the residuals and of every flip: of a linear model whose groups are left out, the test
then finds as many group effects as the exact F test of the variance component (Wald 1947, Annals of Mathematical
Statistics 18:4), and as few where there are none. Beyond that, as much as the posterior knows of is added to the flips.
"""

from dataclasses import dataclass

import numpy as np
from scipy import sparse, stats

from bayesgeo._arrays import spaced
from bayesgeo.metrics.likeness import AT_ONCE, FLIPS, Residuals, means

PROB = 0.9  # of the interval
ROWS = 20_000  # rows that are flipped at most
RANK = 1e-9  # singular values below, relative to the largest, are rounding
MOST_FEATURES = 100
LEAST_VARIANCE = 0.01  # of a class: rows that are all but certain would outweigh the others


@dataclass(frozen=True, eq=False)
class Design:
    """Features ``(obs, feature)`` of the rows, the variance ``(obs, part)`` of their residuals, and codes of folds."""

    features: np.ndarray
    variance: np.ndarray
    folds: np.ndarray

    def part(self, index: np.ndarray) -> "Design":
        """Return that of some of the rows."""
        return Design(self.features[index], self.variance[index], self.folds[index])


def _of_each_group(codes: np.ndarray) -> np.ndarray:
    """Return the positions of as many rows of each group as may be tested in all."""
    order = np.argsort(codes, kind="stable")
    starts = np.flatnonzero(np.diff(codes[order], prepend=-1))
    parts = np.split(order, starts[1:])
    most = max(ROWS // len(parts), 2)
    chosen = [parts[k] for k in spaced(len(parts), ROWS // 2)]
    return np.concatenate([part[spaced(len(part), most)] for part in chosen])


@dataclass(frozen=True)
class Intraclass:
    """Intraclass correlation, its interval, and the p of none."""

    value: float
    low: float
    high: float
    p: float


def intraclass(rows: Residuals, design: Design, rng: np.random.Generator) -> Intraclass:
    """Return the correlation of the residuals of one group, and how often chance makes as much.

    The correlation is that of the analysis of variance given the features, the parts added up. Its interval is that of
    the F distribution (Searle 1971, Linear Models, 9.9), exact for groups of one size with normal effects and noise.

    Parameters
    ----------
    rows : Residuals
        With codes of two groups or more, not all of one row.
    design : Design
        What the error of the parameters follows.
    rng : numpy.random.Generator
        Draws the flips.

    Examples
    --------
    >>> values, codes = np.tile([-1.0, 1.0], 6) + np.repeat([-1.0, 0.0, 1.0], 4), np.arange(12) // 4
    >>> rows = Residuals(values[:, None], np.zeros((12, 1)), codes)
    >>> plain = Design(np.empty((12, 0)), np.ones((12, 1)), np.zeros(12))
    >>> found = intraclass(rows, plain, np.random.default_rng(0))
    >>> [round(number, 3) for number in (found.value, found.low, found.high)]
    [0.333, -0.08, 0.935]
    """
    assert rows.codes is not None
    kept = _of_each_group(rows.codes)
    rows, design = rows.part(kept), design.part(kept)
    groups = np.asarray(rows.codes)
    parts = [_Part.of(rows, design, part) for part in range(rows.values.shape[1])]
    value, (low, high) = _correlation(np.mean([_squares(part, groups) for part in parts], axis=0))
    return Intraclass(value, low, high, _p(parts, groups, rng))


def _squares(part: "_Part", groups: np.ndarray) -> np.ndarray:
    """Return the squares between and within groups, and how often each counts the variances of rows and of effects."""
    sizes, n = np.bincount(groups), len(groups)
    of_basis = means(part.basis, groups)
    total, between = float(np.sum(part.values**2)), float(sizes @ means(part.values[:, None], groups)[:, 0] ** 2)
    taken = of_basis.T @ (sizes[:, None] * of_basis)
    sums = (sizes[:, None] * of_basis).T @ (sizes[:, None] * of_basis)
    rows_between = len(sizes) - np.trace(taken)
    effects_between = n - 2 * np.trace(sums) + np.sum(taken * sums)
    rows_within = n - part.basis.shape[1] - rows_between
    effects_within = n - np.trace(sums) - effects_between
    return np.array([between, total - between, rows_between, rows_within, effects_between, effects_within])


def _correlation(squares: np.ndarray) -> tuple[float, list[float]]:
    """Return the intraclass correlation and the ends of its interval."""
    between, within, rows_between, rows_within, effects_between, effects_within = squares.clip(0, None)
    if not (rows_between > RANK and rows_within > RANK and between + within > 0):
        return 0.0, [np.nan, np.nan]
    expected = np.r_[1.0, stats.f.ppf([(1 + PROB) / 2, (1 - PROB) / 2], rows_between, rows_within)]
    # Both sides of F = expected (1 + size effect) / (1 + little effect), times what keeps them finite.
    above, below = between / rows_between, expected * within / rows_within
    effect, unit = above - below, effects_between / rows_between * below - effects_within / rows_within * above
    ratio = effect / (effect + unit)
    return float(ratio[0]), ratio[1:].tolist()


def _p(parts: "list[_Part]", groups: np.ndarray, rng: np.random.Generator) -> float:
    """Return how often rows that are not alike, but for the error they share, are at least as alike as these."""
    sums = sparse.csr_array((np.ones(len(groups)), (groups, np.arange(len(groups)))))
    seen = _ratio(sums, parts, [part.values[:, None] for part in parts])[0]
    beyond = 0
    for _ in range(FLIPS // AT_ONCE):
        signs = rng.integers(2, size=(len(groups), AT_ONCE), dtype=np.int8) * 2.0 - 1.0
        error = rng.standard_normal((groups.max() + 1, AT_ONCE))[groups]
        beyond += int(np.sum(_ratio(sums, parts, [part.drawn(signs, error) for part in parts]) >= seen * (1 - 1e-9)))
    return (1 + beyond) / (1 + FLIPS)


@dataclass(frozen=True, eq=False)
class _Part:
    """Standardised residuals without what follows the features, that basis, their scale, and what else they share."""

    values: np.ndarray
    basis: np.ndarray
    scale: np.ndarray
    shared: np.ndarray

    @classmethod
    def of(cls, rows: Residuals, design: Design, part: int) -> "_Part":
        scale = np.sqrt(design.variance[:, part])
        basis, values, linear = _orthonormal(design.features, scale), rows.values[:, part] / scale, np.empty(len(scale))
        for fold in np.unique(design.folds):
            at = design.folds == fold
            values[at], linear[at] = _as_if_kept(basis[at], values[at])
        # What a posterior knows of is the variance of the error over that of the response, which holds it too.
        beyond = np.sqrt(((rows.shared[:, part] / scale) ** 2 - linear / (1 + linear)).clip(0, None))
        return cls(_without(basis, values), basis, scale, beyond)

    def drawn(self, signs: np.ndarray, error: np.ndarray) -> np.ndarray:
        """Return flipped residuals ``(obs, replicate)`` with what they share, less what follows the features."""
        lost = np.sum(self.basis**2, axis=1).clip(None, 0.95)
        even = (self.values / np.sqrt(1 - lost))[:, None]
        return _without(self.basis, signs * even + self.shared[:, None] * error)


def _orthonormal(features: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """Return an orthonormal basis of a constant and the features, times the scale of the rows.

    Of the constant alone where the features are so many that they would follow every residual.
    """
    few = features.shape[1] <= min(MOST_FEATURES, len(scale) / 4)
    columns = np.c_[np.ones(len(scale)), features] if few else np.ones((len(scale), 1))
    left, size, _ = np.linalg.svd(scale[:, None] * columns, full_matrices=False)
    return left[:, size > RANK * size[0]]


def _as_if_kept(basis: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return what residuals of rows left out would be had they been kept, and their leverage among the others."""
    inside = np.eye(basis.shape[1]) - basis.T @ basis
    lever = np.einsum("ij,jk,ik->i", basis, np.linalg.pinv(inside, rcond=RANK, hermitian=True), basis)
    return values - basis @ (basis.T @ values), lever.clip(0, None)


def _without(basis: np.ndarray, values: np.ndarray) -> np.ndarray:
    return values - basis @ (basis.T @ values)


def _ratio(sums: sparse.csr_array, parts: list[_Part], drawn: list[np.ndarray]) -> np.ndarray:
    """Return the squares of the sums of groups over those of the rows, the parts added up, by replicate."""
    scaled = [part.scale[:, None] * values for part, values in zip(parts, drawn, strict=True)]
    of_groups = np.sum([((sums @ values) ** 2).sum(axis=0) for values in scaled], axis=0)
    of_rows = np.sum([(values**2).sum(axis=0) for values in scaled], axis=0)
    return np.asarray(of_groups / np.maximum(of_rows, np.finfo(float).tiny))
