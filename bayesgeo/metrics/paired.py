r"""Tests of a mean over blocks of rows that belong together: groups, blocks of a map or of time, folds.

Rows of one block are not independent, so the block is what counts: all here sees only the sums of blocks. Both tests
hold their level with few blocks, where percentiles of a bootstrap do not (``benchmarks/false_differences.py`` counts).
"""

import numpy as np
from scipy import stats

EVERY_SIGN = 12  # number of blocks up to which every assignment of signs is tried
FLIPS = 1999  # random assignments of signs above it
CHUNK = 250  # assignments at once


def mean_interval(rows: np.ndarray, codes: np.ndarray, *, prob: float) -> tuple[float, float]:
    r"""Return the interval of the mean of rows that are alike within blocks.

    :math:`\bar d \pm t_\nu \sqrt{\sum_g r_g^2 / (1 - w_g)}\,/\,n` with the share :math:`w_g` of the rows in block
    :math:`g` and the sum :math:`r_g` of its deviations from :math:`\bar d`: the cluster-robust variance CR2 with the
    degrees of freedom :math:`\nu` of Bell and McCaffrey (2002, Survey Methodology 28:169), which for a mean are

    .. math:: 1 / \nu = \sum_g w_g^2 + (\sum_g a_g)^2 - \sum_g a_g^2, \quad a_g = w_g^2 / (1 - w_g),

    the number of blocks less one if they are of equal size. NaN with one block.

    Parameters
    ----------
    rows : numpy.ndarray
        ``(obs,)`` values.
    codes : numpy.ndarray
        ``(obs,)`` block of each, of :func:`bayesgeo.metrics.base.block_codes`.
    prob : float
        Probability of the interval.

    Examples
    --------
    >>> low, high = mean_interval(np.array([0.0, 2.0, 4.0, 6.0]), np.array([0, 0, 1, 1]), prob=0.95)
    >>> round(low, 1), round(high, 1)
    (-22.4, 28.4)
    """
    error, share, mean = mean_error(rows, codes), np.bincount(codes) / len(codes), float(rows.mean())
    if np.isnan(error):
        return np.nan, np.nan
    a = share**2 / (1 - share)
    freedom = 1 / ((share**2).sum() + a.sum() ** 2 - (a**2).sum())
    half = float(stats.t.ppf((1 + prob) / 2, freedom) * error)
    return mean - half, mean + half


def mean_error(rows: np.ndarray, codes: np.ndarray) -> float:
    """Return the standard error of the mean of rows that are alike within blocks, as of :func:`mean_interval`.

    Parameters
    ----------
    rows, codes
        As for :func:`mean_interval`.

    Examples
    --------
    >>> mean_error(np.array([0.0, 2.0, 4.0, 6.0]), np.array([0, 0, 1, 1]))
    2.0
    """
    share = np.bincount(codes) / len(codes)
    if (share > 0).sum() < 2:
        return np.nan
    off = np.bincount(codes, rows - rows.mean())
    return float(np.sqrt((off**2 / (1 - share)).sum()) / len(codes))


def fewest_blocks(prob: float) -> int:
    """Return how many blocks it takes before :func:`sign_flip_p` can fall to ``1 - prob``.

    Examples
    --------
    >>> fewest_blocks(0.95)
    6
    """
    return 1 + int(np.ceil(-np.log2(1 - prob) - 1e-9))


def sign_flip_p(rows: np.ndarray, codes: np.ndarray, *, seed: int = 0) -> float:
    r"""Return the p-value of the sign-flip test that the mean of rows is zero.

    If two models can be exchanged, the sign of their difference is a coin toss in each block. The p-value is the share
    of all assignments of signs to blocks for which the mean is at least as far from zero: exact at any number
    :math:`G` of blocks, and never below :math:`2^{1-G}` (Canay, Romano and Shaikh 2017, Econometrica 85:1013). With
    more than 12 blocks 1,999 random assignments are drawn, the one observed counted among them.

    Parameters
    ----------
    rows, codes
        As for :func:`mean_interval`.
    seed : int
        Seed of the random assignments.

    Examples
    --------
    >>> sign_flip_p(np.array([1.0, 2.0, 1.5, 0.5]), np.arange(4))
    0.125
    """
    # The larger of a sum and its negative is its size: looking at both is the two-sided test.
    return float(joint_sign_flip_p(np.stack([rows, -rows], axis=1), codes, seed=seed).min())


def joint_sign_flip_p(rows: np.ndarray, codes: np.ndarray, *, seed: int = 0) -> np.ndarray:
    r"""Return one-sided p-values that the means of several columns are at most zero, adjusted for looking at all.

    The signs of a block are those of all columns at once, and each column is compared with the largest of all of them
    under each assignment (maximum of standardised sums, Westfall and Young 1993): the chance that any of the p-values
    falls below :math:`\alpha` although no mean is above zero is at most :math:`\alpha`.

    Parameters
    ----------
    rows : numpy.ndarray
        ``(obs, column)`` values.
    codes, seed
        As for :func:`sign_flip_p`.

    Examples
    --------
    >>> joint_sign_flip_p(np.array([[1.0, 0.1], [1.0, -0.1], [1.0, -0.1]]), np.arange(3)).tolist()
    [0.25, 1.0]
    """
    sums = np.stack([np.bincount(codes, column) for column in rows.T], axis=1)
    scale = np.sqrt((sums**2).sum(axis=0))
    sums = np.divide(sums, scale, out=np.zeros_like(sums), where=scale > 0)
    seen, signs = sums.sum(axis=0), _signs(len(sums), seed)
    reached = np.zeros(rows.shape[1])
    for start in range(0, len(signs), CHUNK):
        largest = (signs[start : start + CHUNK] @ sums).max(axis=1)
        reached += (largest[:, None] >= seen - 1e-12).sum(axis=0)
    return reached / len(signs)


def _signs(n_blocks: int, seed: int) -> np.ndarray:
    """Return assignments of signs ``(assignment, block)``, the observed one, all plus, among them."""
    if n_blocks <= EVERY_SIGN:
        return 1.0 - 2.0 * ((np.arange(2**n_blocks)[:, None] >> np.arange(n_blocks)) & 1)
    signs = 1 - 2 * np.random.default_rng(seed).integers(2, size=(FLIPS + 1, n_blocks), dtype=np.int8)
    signs[0] = 1
    return signs


def outer_effect_p(rows: np.ndarray, codes: np.ndarray, outer: np.ndarray) -> float:
    """Return the p-value of the F test that the means of blocks differ no more between outer blocks than within.

    Parameters
    ----------
    rows, codes
        As for :func:`mean_interval`.
    outer : numpy.ndarray
        ``(obs,)`` codes of the outer blocks, such as folds; NaN where a block lies in several of them, where there is
        one, or where each holds one block.

    Examples
    --------
    >>> rows, outer = np.array([1.0, 1.1, 5.0, 5.1]), np.array([0, 0, 1, 1])
    >>> round(outer_effect_p(rows, np.arange(4), outer), 4)
    0.0003
    """
    names, first, codes = np.unique(codes, return_index=True, return_inverse=True)
    if not np.array_equal(outer[first][codes], outer):
        return np.nan
    means = np.bincount(codes, rows) / np.bincount(codes)
    parts = [means[outer[first] == k] for k in np.unique(outer)]
    if len(parts) < 2 or len(names) == len(parts) or not np.ptp(means) > 0:
        return np.nan
    with np.errstate(divide="ignore"):  # no spread within folds: they differ for certain
        return float(stats.f_oneway(*parts).pvalue)


__all__ = ["fewest_blocks", "joint_sign_flip_p", "mean_error", "mean_interval", "outer_effect_p", "sign_flip_p"]
