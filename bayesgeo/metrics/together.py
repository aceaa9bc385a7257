r"""How far outcomes of one block go together beyond what is predicted, and outcomes drawn that go together as far.

A block is what counts as one where chance is measured: a group, a block of the map, a stretch of time. Calibrated
outcomes are drawn through normal variables :math:`\sqrt\rho\, b_g + \sqrt{1 - \rho}\, e_i` of a row :math:`i` of block
:math:`g`, so that each row keeps its predicted distribution whatever :math:`\rho` is (a Gaussian copula).
"""

from dataclasses import dataclass

import numpy as np
from scipy import special

GRID = np.linspace(0.0, 0.9, 91)
TERMS = 30  # of the series of the covariance of two events
FARTHEST = 8.0  # normal quantile beyond which a probability counts as zero or one
MOST, FEWEST, WORK = 1000, 200, 20_000_000  # sets of outcomes that are drawn, and rows times sets


@dataclass(frozen=True, eq=False)
class Together:
    """Hold the block ``codes (obs,)`` and latent correlations ``(resample,)``, drawn as far as they are uncertain."""

    codes: np.ndarray
    correlation: np.ndarray

    @property
    def typical(self) -> float:
        """Return the median correlation."""
        return float(np.median(self.correlation))

    def normals(self, resample: int, rng: np.random.Generator) -> np.ndarray:
        """Return normal variables ``(obs,)`` that are alike within blocks, by one of the correlations."""
        rho = self.correlation[resample]
        shared = rng.standard_normal(int(self.codes.max()) + 1)[self.codes]
        return np.sqrt(rho) * shared + np.sqrt(1 - rho) * rng.standard_normal(len(self.codes))


def resamples_of(numbers: int) -> int:
    """Return how many sets of so many outcomes are drawn.

    Examples
    --------
    >>> resamples_of(100), resamples_of(10**6)
    (1000, 200)
    """
    return int(np.clip(WORK // numbers, FEWEST, MOST))


def has_blocks(codes: np.ndarray) -> bool:
    """Tell whether there are two blocks or more, and one of several rows: else rows count as independent.

    Examples
    --------
    >>> has_blocks(np.array([0, 0, 1])), has_blocks(np.arange(3)), has_blocks(np.zeros(3, dtype=int))
    (True, False, False)
    """
    return bool(len(codes) > codes.max() + 1 > 1)


def events_together(
    probability: np.ndarray, happened: np.ndarray, codes: np.ndarray, resamples: int, rng: np.random.Generator
) -> Together:
    r"""Draw the latent correlation of events within blocks from what the blocks' counts say of it.

    The squares of the blocks' deviations :math:`\sum (y_i - p_i)`, less their share of the overall one, are set equal
    to what a correlation makes of them, with the tetrachoric series (Pearson 1900) for two events,
    :math:`\mathrm{cov} = \sum_k \rho^k c_k(a_i) c_k(a_j)`, :math:`c_k = \varphi(a) H_{k-1}(a) / \sqrt{k!}`. Few blocks
    say little: before that the squares are multiplied by :math:`(G - 1) / \chi^2_{G-1}`, as Student's t does.

    Parameters
    ----------
    probability, happened : numpy.ndarray
        ``(obs,)``: of an event, and whether it happened.
    codes : numpy.ndarray
        ``(obs,)`` block of each row, for which :func:`has_blocks` holds.
    resamples : int
        How many correlations to draw.
    rng : numpy.random.Generator
        Draws them.

    Examples
    --------
    >>> blocks, half = np.repeat(np.arange(40), 10), np.full(400, 0.5)
    >>> found = events_together(half, blocks % 2 == 0, blocks, 200, np.random.default_rng(0))
    >>> found.typical > 0.8
    True
    """
    expected = expected_squares(probability, codes)
    return Together(codes, _correlations(happened - probability, codes, expected, resamples, rng))


def expected_squares(probability: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Return the squares of blocks' deviations that each correlation of :data:`GRID` makes of calibrated events.

    Examples
    --------
    >>> found = expected_squares(np.array([0.5, 0.5]), np.array([0, 1]))
    >>> found[0], found[-1]  # one row a block: a correlation changes nothing
    (np.float64(0.25), np.float64(0.25))
    """
    a = special.ndtri(probability).clip(-FARTHEST, FARTHEST)
    density, hermite, before = np.exp(-(a**2) / 2) / np.sqrt(2 * np.pi), np.ones_like(a), np.zeros_like(a)
    weights = _left(codes)
    expected = np.full(len(GRID), weights @ np.bincount(codes, probability * (1 - probability)))
    for k in range(1, TERMS + 1):
        part = density * hermite / np.sqrt(k)
        expected += GRID**k * (weights @ (np.bincount(codes, part) ** 2 - np.bincount(codes, part**2)))
        hermite, before = (a * hermite - np.sqrt(k - 1) * before) / np.sqrt(k), hermite
    return expected


def scores_together(scores: np.ndarray, codes: np.ndarray, resamples: int, rng: np.random.Generator) -> Together:
    """Draw the correlation of normal scores ``(obs,)`` within blocks; parameters as :func:`events_together`.

    Examples
    --------
    >>> blocks = np.repeat(np.arange(40), 10)
    >>> found = scores_together(np.random.default_rng(0).normal(size=400), blocks, 200, np.random.default_rng(0))
    >>> bool(np.median(found.correlation) < 0.1)
    True
    """
    weights, sizes = _left(codes), np.bincount(codes)
    expected = np.var(scores) * (weights @ sizes + GRID * (weights @ (sizes**2 - sizes)))
    return Together(codes, _correlations(scores, codes, expected, resamples, rng))


def _left(codes: np.ndarray) -> np.ndarray:
    """Return how often the variance of each block's sum is in the squares of what is left of all of them.

    Of the sums R of independent blocks with shares w of the rows, R_g - w_g sum(R) is left.
    """
    share = np.bincount(codes) / len(codes)
    return 1 - 2 * share + np.sum(share**2)


def _correlations(
    deviations: np.ndarray, codes: np.ndarray, expected: np.ndarray, resamples: int, rng: np.random.Generator
) -> np.ndarray:
    """Return the correlations at which the ``expected`` squares, along the grid, are those of the blocks."""
    sums = np.bincount(codes, deviations - deviations.mean())
    free = len(sums) - 1
    squares = np.sum(sums**2) * free / rng.chisquare(free, size=resamples)
    return np.interp(squares, np.maximum.accumulate(expected), GRID)
