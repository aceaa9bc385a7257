"""A metric is a function of sums over rows: so one definition serves scores, draws and the bootstrap."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import xarray as xr
from scipy import stats

BLOCKS = 2000  # more blocks than this do not change a bootstrap interval, only its cost


@dataclass(frozen=True)
class Metric:
    """A score of predictions against what was observed.

    Parameters
    ----------
    name : str
        scikit-learn's name where it has one.
    task : {"classification", "regression", "any"}
        Where it applies.
    rows : callable
        ``(predictions, y) -> (obs, ...)``: what each row contributes. ``predictions`` is the Dataset of
        :func:`summarise_classes` or :func:`summarise_values`; ``y (obs,)`` holds codes or values.
    finish : callable
        Maps means of the contributions ``(..., *row shape)`` to the score ``(...)``.
    greater_is_better : bool
        The direction of good.
    bounds : (float, float)
        Where the score can lie.
    """

    name: str
    task: Literal["classification", "regression", "any"]
    rows: Callable[[xr.Dataset, np.ndarray], np.ndarray]
    finish: Callable[[np.ndarray], np.ndarray] = lambda mean: mean
    greater_is_better: bool = False
    bounds: tuple[float, float] = (0.0, np.inf)

    def __call__(self, predictions: xr.Dataset, y: Any) -> float:
        """Return the score of ``predictions`` for observed ``y (obs,)``."""
        return float(self.finish(self.rows(predictions, np.asarray(y)).mean(axis=0)))


def block_weights(groups: np.ndarray, *, resamples: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw how often each group enters each bootstrap sample.

    Returns
    -------
    codes : numpy.ndarray
        ``(obs,)`` the block of each row; without groups, give the row numbers.
    weights : numpy.ndarray
        ``(resample, block)`` multinomial counts.

    Examples
    --------
    >>> codes, weights = block_weights(np.array(["a", "a", "b"]), resamples=3, seed=0)
    >>> codes.tolist(), weights.sum(axis=1).tolist()
    ([0, 0, 1], [2, 2, 2])
    """
    rng = np.random.default_rng(seed)
    _, codes = np.unique(groups, return_inverse=True)
    n_blocks = int(codes.max()) + 1
    if n_blocks > BLOCKS:
        codes, n_blocks = rng.integers(BLOCKS, size=n_blocks)[codes], BLOCKS
    return codes, rng.multinomial(n_blocks, np.full(n_blocks, 1 / n_blocks), size=resamples)


def bootstrap(rows: np.ndarray, codes: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the mean contribution ``(resample, ...)`` in each bootstrap sample of whole blocks."""
    flat = rows.reshape(len(rows), -1).astype(float)
    totals = np.stack([np.bincount(codes, column, minlength=weights.shape[1]) for column in flat.T], axis=1)
    counts = weights @ np.bincount(codes, minlength=weights.shape[1])
    with np.errstate(invalid="ignore", divide="ignore"):
        means = (weights @ totals) / counts[:, None]
    return means.reshape(len(weights), *rows.shape[1:])


def interval(samples: np.ndarray, n_blocks: int, *, prob: float) -> tuple[float, float]:
    r"""Return the expanded percentile interval of bootstrap samples.

    The percentile levels are :math:`\Phi(-\sqrt{n/(n-1)}\, t_{\alpha/2, n-1})` and one minus it, which mends the
    narrowness of the plain percentile interval with few blocks (Hesterberg 2015, The American Statistician 69:4).
    With one block there is no interval: both ends are NaN.

    Examples
    --------
    >>> low, high = interval(np.linspace(0, 1, 1001), 1000, prob=0.9)
    >>> round(low, 2), round(high, 2)
    (0.05, 0.95)
    """
    samples = samples[np.isfinite(samples)]
    if n_blocks < 2 or not len(samples):
        return np.nan, np.nan
    level = stats.norm.cdf(np.sqrt(n_blocks / (n_blocks - 1)) * stats.t.ppf((1 - prob) / 2, n_blocks - 1))
    low, high = np.quantile(samples, [level, 1 - level])
    return float(low), float(high)
