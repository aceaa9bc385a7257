"""Validate, factor and condition covariance matrices, singular ones included."""

from collections.abc import Mapping, Sequence

import numpy as np
from scipy import linalg

from bayesgeo._check import invalid

ROUNDING = np.finfo(float).eps


def refuse_not_psd(cov: np.ndarray, names: Sequence[str]) -> None:
    """Raise if a matrix is not finite, not symmetric or has a negative eigenvalue.

    Examples
    --------
    >>> refuse_not_psd(np.array([[1.0, 1.0], [1.0, 1.0]]), ["x", "y"])
    """
    if not np.isfinite(cov).all():
        i, j = np.argwhere(~np.isfinite(cov))[0]
        raise invalid("covariance", float(cov[i, j]), f"Between {names[i]!r} and {names[j]!r} it is not finite.")
    if (cov.diagonal() < 0).any():
        i = int(np.argmin(cov.diagonal()))
        raise invalid("variance", float(cov[i, i]), f"The variance of {names[i]!r} is negative.")
    scaled, _ = _correlation(cov)
    gap = np.abs(scaled - scaled.T)
    if gap.max() > 1e-10:
        i, j = map(int, np.unravel_index(np.argmax(gap), gap.shape))
        raise invalid(
            "covariance",
            (float(cov[i, j]), float(cov[j, i])),
            f"It is not symmetric between {names[i]!r} and {names[j]!r}.",
        )
    if _cholesky(cov) is None:
        smallest = float(linalg.eigvalsh(scaled)[0])
        if smallest < -100 * len(cov) * ROUNDING:
            raise invalid(
                "covariance",
                smallest,
                "The smallest eigenvalue of its correlations is negative: it is not positive semi-definite.",
            )


def psd_factor(cov: np.ndarray) -> np.ndarray:
    """Return F with F Fᵀ = cov, one column for each direction of non-zero variance and at least one.

    Examples
    --------
    >>> psd_factor(np.array([[4.0, 4.0], [4.0, 4.0]])).shape
    (2, 1)
    """
    scaled, sd = _correlation(cov)
    size, direction = linalg.eigh(scaled)
    kept = size > len(cov) * ROUNDING * 10
    kept[-1] = True
    return sd[:, None] * direction[:, kept] * np.sqrt(np.maximum(size[kept], 0.0))


def refuse_singular(cov: np.ndarray) -> None:
    """Raise if a covariance matrix is singular.

    Examples
    --------
    >>> refuse_singular(np.eye(2))
    """
    rank = psd_factor(cov).shape[1]
    if rank < len(cov) or not cov.any():
        raise invalid(
            "covariance",
            f"of rank {rank}",
            "It is singular, so there is no density.",
            "Take the marginal of variables that do not determine each other.",
        )


def conditional_moments(
    mean: np.ndarray, cov: np.ndarray, *, free: np.ndarray, given: np.ndarray, values: Mapping[str, float]
) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and covariance of the free variables given the others' values.

    With ``W Σ_bb Wᵀ = I`` on the support of b, both follow from ``V = W Σ_ba``: the mean shifts by
    ``Vᵀ W (b − μ_b)`` and the covariance falls by ``Vᵀ V``.

    Examples
    --------
    >>> cov = np.array([[1.0, 0.6], [0.6, 1.0]])
    >>> at = {"free": np.array([0]), "given": np.array([1]), "values": {"y": 1.0}}
    >>> mean, cov = conditional_moments(np.zeros(2), cov, **at)
    >>> mean.round(12), cov.round(12)
    (array([0.6]), array([[0.64]]))
    """
    shift = np.array(list(values.values()), dtype=float) - mean[given]
    within, across = cov[np.ix_(given, given)], cov[np.ix_(given, free)]
    whitened, z = _whiten(within, across, shift, values)
    return mean[free] + whitened.T @ z, cov[np.ix_(free, free)] - whitened.T @ whitened


def _whiten(
    within: np.ndarray, across: np.ndarray, shift: np.ndarray, values: Mapping[str, float]
) -> tuple[np.ndarray, np.ndarray]:
    lower = _cholesky(within)
    if lower is not None:
        solve = {"lower": True, "check_finite": False}
        return linalg.solve_triangular(lower, across, **solve), linalg.solve_triangular(lower, shift, **solve)
    scaled, sd = _correlation(within)
    size, direction = linalg.eigh(scaled)
    kept = size > len(within) * ROUNDING * 10
    off = np.abs(direction[:, ~kept].T @ (shift / sd))
    if off.max(initial=0.0) > np.sqrt(len(within) * ROUNDING) * 100:
        raise invalid(
            "evidence",
            dict(values),
            "It is outside the support: these variables depend on each other exactly, and the values do not agree.",
        )
    inverse_root = (direction[:, kept] / np.sqrt(size[kept])).T / sd
    return inverse_root @ across, inverse_root @ shift


def _correlation(cov: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    sd = np.sqrt(np.maximum(cov.diagonal(), 0.0))
    sd = np.where(sd > 0, sd, 1.0)
    return cov / sd[:, None] / sd, sd


def _cholesky(cov: np.ndarray) -> np.ndarray | None:
    try:
        lower = linalg.cholesky(cov, lower=True, check_finite=False)
    except linalg.LinAlgError:
        return None
    # A pivot this small relative to its variance is rounding error.
    regular = lower.diagonal() ** 2 > 10 * len(cov) * ROUNDING * cov.diagonal()
    return lower if regular.all() else None
