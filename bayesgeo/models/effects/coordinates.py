r"""Coordinates in which the posterior of a model with effects is nearly a unit normal, from a quick estimate.

The estimate alternates a Newton step for intercept, coefficients and effects with an update of the covariances of
effects from their mode and its curvature (penalised quasi-likelihood: Breslow & Clayton 1993, JASA 88:9). It decides
the coordinates of the sampler, so only the length of its path.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import linalg, sparse, special

from bayesgeo.models.effects.covariance import GroupPrior
from bayesgeo.models.effects.layout import Block, design_of
from bayesgeo.models.effects.levels import Members
from bayesgeo.models.regression.graph import INTERCEPT_SCALE, contrasts

DENSE = 1_000  # values above which only those of the fixed part are mixed
STEPS = 12
LARGEST_CHANGE = 3.0  # of the predictor in one step, in log odds or standard deviations of the target
LEAST_SD = 0.05  # of effects, in scales of their prior
ROBUST_NU = 4.0
# Of the part of the variance that is chance, by which the smallest plausible one is below the estimate.
DEVIATIONS = 3.0
CENTRED = 0.6  # median weight above which the effects of a key are centred for an approximation at a maximum
WIDTHS = (0.05, 1.0)  # of logarithms of standard deviations


@dataclass(frozen=True, eq=False)
class Outcome:
    """The slope and curvature of the log likelihood of each row.

    Parameters
    ----------
    kind : {"normal", "student-t", "classes"}
        Distribution of the outcome.
    y : numpy.ndarray
        ``(obs,)`` values, or codes.
    n_labels : int
        Classes; two for values.

    Examples
    --------
    >>> slope, curvature = Outcome("classes", np.array([0, 1]), 2).derivatives(np.zeros((2, 1)), 1.0)
    >>> slope.tolist(), curvature.tolist()
    ([[-0.5], [0.5]], [[[0.25]], [[0.25]]])
    """

    kind: str
    y: np.ndarray
    n_labels: int

    def derivatives(self, predictor: np.ndarray, sigma: float) -> tuple[np.ndarray, np.ndarray]:
        """Return the slope ``(obs, free)`` and the negative curvature ``(obs, free, free)``."""
        if self.kind == "classes":
            C = contrasts(self.n_labels)
            p = special.softmax(predictor @ C.T, axis=1)
            pC = p @ C
            curvature = np.einsum("nk,ka,kb->nab", p, C, C) - pC[:, :, None] * pC[:, None, :]
            return C[self.y] - pC, curvature
        residual = self.y[:, None] - predictor
        precision = self._weights(residual / sigma) / sigma**2
        return precision * residual, precision[:, :, None]

    def _weights(self, standardised: np.ndarray) -> np.ndarray:
        if self.kind == "normal":
            return np.ones_like(standardised)
        return (ROBUST_NU + 1) / (ROBUST_NU + standardised**2)

    def scale(self, predictor: np.ndarray, spent: float) -> float:
        """Return the scale of the noise, given the degrees of freedom spent; one for classes."""
        if self.kind == "classes":
            return 1.0
        residual = self.y[:, None] - predictor
        rest = max(len(residual) - spent, 1.0)
        if self.kind == "normal":
            return float(np.sqrt(max(np.sum(residual**2) / rest, 1e-8)))
        return float(max(1.4826 * np.median(np.abs(residual)) * np.sqrt(len(residual) / rest), 1e-4))


@dataclass(frozen=True, eq=False)
class Estimate:
    """Mode of the fixed part and the effects ``(value, free)``, its curvature, and the covariances of the effects."""

    mode: np.ndarray
    curvature: np.ndarray
    covariances: tuple[np.ndarray, ...]
    information: tuple[np.ndarray, ...]  # of the rows of each level about each term, (level, term)
    dense: bool


def estimate(
    X: np.ndarray,
    outcome: Outcome,
    blocks: Sequence[Block],
    members: Sequence[Members],
    *,
    weight_scale: float,
    prior: GroupPrior,
) -> Estimate:
    """Return the quick estimate; with many levels, that of the fixed part alone and of the size of effects a guess."""
    covariances = [0.25 * prior.scale**2 * np.eye(len(block.effect.terms)) for block in blocks]
    n_free = outcome.n_labels - 1
    dense = n_free * (1 + X.shape[1] + sum(block.size for block in blocks)) <= DENSE
    kept = blocks if dense else ()
    A = design_of(X, kept, members[: len(kept)])
    mode, sigma = np.zeros((A.shape[1], n_free)), outcome.scale(np.zeros((len(X), n_free)), 1.0)
    for _ in range(STEPS):
        slope, weight = outcome.derivatives(A @ mode, sigma)
        penalty = _penalty(X.shape[1], weight_scale, kept, covariances, sigma)
        curvature = _curvature(A, weight, penalty)
        inverse = linalg.inv(curvature)
        step = (inverse @ (A.T @ slope - penalty @ mode).ravel()).reshape(mode.shape)
        mode = mode + step / max(1.0, np.abs(A @ step).max() / LARGEST_CHANGE)
        spent = len(curvature) - np.sum(inverse * np.kron(penalty, np.eye(n_free)))
        sigma = outcome.scale(A @ mode, spent)
        first = 1 + X.shape[1]
        for k, (block, member) in enumerate(zip(kept, members, strict=False)):
            covariances[k] = _covariance(block, member, mode, inverse, first=first, least=LEAST_SD * prior.scale)
            first += block.size
    weight = outcome.derivatives(A @ mode, sigma)[1]
    information = tuple(_information(*pair, weight) for pair in zip(blocks, members, strict=True))
    return Estimate(mode, curvature, tuple(covariances), information, dense)


def _penalty(
    n_features: int, weight_scale: float, blocks: Sequence[Block], covariances: Sequence[np.ndarray], sigma: float
) -> np.ndarray:
    fixed = np.r_[(INTERCEPT_SCALE * sigma) ** -2, np.full(n_features, (weight_scale * sigma) ** -2)]
    of_effects = [
        np.kron(np.eye(block.levels), np.linalg.inv(S)) for block, S in zip(blocks, covariances, strict=False)
    ]
    return linalg.block_diag(np.diag(fixed), *of_effects)


def _curvature(A: sparse.csr_array, weight: np.ndarray, penalty: np.ndarray) -> np.ndarray:
    size, n_free = A.shape[1], weight.shape[1]
    found = np.zeros((size, n_free, size, n_free))
    for a in range(n_free):
        for b in range(n_free):
            found[:, a, :, b] = (A.T @ (A * weight[:, a, b, None])).toarray()
        found[:, a, :, a] += penalty
    return found.reshape(size * n_free, size * n_free)


def _covariance(
    block: Block, member: Members, mode: np.ndarray, inverse: np.ndarray, *, first: int, least: float
) -> np.ndarray:
    """Return the covariance of effects: the mean over levels with rows of their outer product and its spread."""
    q, n_free = len(block.effect.terms), mode.shape[1]
    levels = np.unique(member.codes)
    b = mode[first : first + block.size].reshape(block.levels, q, n_free)[levels]
    span = slice(first * n_free, (first + block.size) * n_free)
    spread = inverse[span, span].reshape((block.levels, q, n_free) * 2)[levels, :, :, levels]
    found = (np.einsum("lif,ljf->ij", b, b) + np.einsum("lifjf->ij", spread)) / (len(levels) * n_free)
    if not block.effect.correlations:
        found = np.diag(np.diag(found))
    return found + least**2 * np.eye(q)


def _information(block: Block, member: Members, weight: np.ndarray) -> np.ndarray:
    by_row = np.trace(weight, axis1=1, axis2=2) / weight.shape[1]
    found = np.zeros((block.levels, len(block.effect.terms)))
    np.add.at(found, member.codes, member.z**2 * by_row[:, None])
    return found


def coordinates(
    found: Estimate, blocks: Sequence[Block], members: Sequence[Members], n_fixed: int, *, at_maximum: bool = False
) -> dict[str, np.ndarray]:
    """Return the arrays of the coordinates that :func:`bayesgeo.models.effects.graph.hierarchical_graph` reads.

    Parameters
    ----------
    found : Estimate
        The quick estimate.
    blocks, members : sequence of Block, of Members
        The effects and the groups of rows.
    n_fixed : int
        Values of the fixed part among the coordinates, for each contrast of classes: all of them, or the intercept.
    at_maximum : bool
        Whether the coordinates are for an approximation at a maximum. The density of partly centred effects rises
        without bound as their standard deviation goes to zero, so that only groups with many rows are centred: far
        from the maximum that counts. The maximum of other effects is a poor approximation, which its check tells.
    """
    data: dict[str, np.ndarray] = {}
    changes = []
    for block, S, information in zip(blocks, found.covariances, found.information, strict=True):
        sd = np.sqrt(np.diag(S))
        least = _least_variance(sd**2, information)
        share = information * least / (1 + information * least)
        if at_maximum:
            share = share * (np.median(share[(information > 0).any(axis=1)], axis=0) > CENTRED)
        data |= _scales(block, S, share) | {f"{block.effect.key}_share": share}
        changes.append(linalg.block_diag(*[_mixing(S, w) for w in share]))
    for block, member in zip(blocks, members, strict=True):
        data[f"{block.effect.key}_codes"] = member.codes
        if block.effect.terms != ("1",):
            data[f"{block.effect.key}_z"] = member.z
    return data | (_whitening if found.dense else _separately)(found, changes, n_fixed)


def _least_variance(variance: np.ndarray, information: np.ndarray) -> np.ndarray:
    """Return the smallest plausible variances ``(term,)`` of effects: centred effects sample badly near zero."""
    informed = (information > 0).any(axis=1)
    noise = 1 / information[informed].mean(axis=0)
    return np.maximum(variance - DEVIATIONS * np.sqrt(2 / informed.sum()) * noise, 0.0)


def _mixing(S: np.ndarray, w: np.ndarray) -> np.ndarray:
    """Return the matrix :math:`A` of a level; see :mod:`bayesgeo.models.effects.graph`."""
    sd = np.sqrt(np.diag(S))
    L = linalg.cholesky(S / np.outer(sd, sd), lower=True)
    return sd[:, None] ** (1 - w[:, None]) * (np.diag(w) + (1 - w[:, None]) * L)


def _scales(block: Block, S: np.ndarray, share: np.ndarray) -> dict[str, np.ndarray]:
    """Return the middle and width of the unconstrained values of a covariance."""
    key, q, sd = block.effect.key, len(block.effect.terms), np.sqrt(np.diag(S))
    levels = np.maximum((share**2).sum(axis=0), 0.5)
    middle, width = np.log(sd), np.clip(np.sqrt(0.5 / levels), *WIDTHS)
    if block.effect.correlations:
        partial = _partial(linalg.cholesky(S / np.outer(sd, sd), lower=True))
        middle = np.r_[middle, np.arctanh(np.clip(partial, -0.95, 0.95))]
        width = np.r_[width, np.full(q * (q - 1) // 2, np.clip(levels.min() ** -0.5, *WIDTHS))]
    return {f"{key}_middle": middle, f"{key}_width": width}


def _partial(L: np.ndarray) -> np.ndarray:
    """Return the partial correlations of a factor, row by row."""
    found = []
    for i in range(1, len(L)):
        for j in range(i):
            left = max(1 - np.sum(L[i, :j] ** 2), 1e-12)
            found.append(L[i, j] / np.sqrt(left))
    return np.array(found)


def _whitening(found: Estimate, changes: Sequence[np.ndarray], n_fixed: int) -> dict[str, np.ndarray]:
    """Mix all values."""
    n_free = found.mode.shape[1]
    n_effects = sum(len(change) for change in changes)
    kept = np.r_[np.arange(n_fixed), np.arange(len(found.mode) - n_effects, len(found.mode))]
    at = (kept[:, None] * n_free + np.arange(n_free)).ravel()
    change = np.kron(linalg.block_diag(np.eye(n_fixed), *changes), np.eye(n_free))
    curvature = change.T @ found.curvature[np.ix_(at, at)] @ change
    return {"center": linalg.solve(change, found.mode[kept].ravel()), "factor": _inverse_factor(curvature)}


def _separately(found: Estimate, changes: Sequence[np.ndarray], n_fixed: int) -> dict[str, np.ndarray]:
    """Mix the values of the fixed part; scale those of the effects one by one."""
    n_free = found.mode.shape[1]
    spreads = []
    for change, S, information in zip(changes, found.covariances, found.information, strict=True):
        precision = np.tile(1 / np.diag(S), len(information)) + information.ravel()
        spreads.append(precision**-0.5 / np.diag(change))
    spread = np.repeat(np.concatenate(spreads), n_free)
    center = np.r_[found.mode[:n_fixed].ravel(), np.zeros(len(spread))]
    fixed = found.curvature[: n_fixed * n_free, : n_fixed * n_free]
    return {"center": center, "factor": _inverse_factor(fixed), "spread": spread}


def _inverse_factor(curvature: np.ndarray) -> np.ndarray:
    """Return a factor of the inverse."""
    factor = linalg.cholesky(curvature, lower=True)
    return linalg.solve_triangular(factor, np.eye(len(factor)), lower=True).T
