"""Metrics as functions of sums over rows, shared by scores, posterior draws and the bootstrap."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import xarray as xr
from scipy import stats

BLOCKS = 2000  # more blocks than this do not change a bootstrap interval, only its cost
RANKED = 30_000_000  # rows times bootstrap samples of a score of ranks: fewer bootstrap samples are drawn above it
FEWEST = 200  # bootstrap samples, at least
CHUNK = 100_000  # numbers summed at once, few enough for the processor's cache
LEAST_WIDTH = 8  # samples summed at once
FEW_BLOCKS = 50  # number of blocks up to which sums within blocks are cheaper than sums over rows
LEAST_BLOCKS = 8  # for percentiles of a bootstrap: of fewer blocks there are too few different samples

Blocks = tuple[np.ndarray, np.ndarray]
Area = Callable[[np.ndarray, np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Means:
    """Define a score as a function of means over rows.

    Parameters
    ----------
    rows : callable
        ``(predictions, y) -> (obs, ...)``: what each row contributes. ``predictions`` is the Dataset of
        :func:`summarise_classes` or :func:`summarise_values`; ``y (obs,)`` holds codes or values.
    finish : callable
        Maps means of the contributions ``(..., *row shape)`` to the score ``(...)``.

    Examples
    --------
    >>> rms = Means(lambda predictions, y: (predictions["mean"].values - y) ** 2, np.sqrt)
    >>> float(rms.finish(np.array([0.0, 8.0]).mean()))
    2.0
    """

    rows: Callable[[xr.Dataset, np.ndarray], np.ndarray]
    finish: Callable[[np.ndarray], np.ndarray] = lambda mean: mean


@dataclass(frozen=True)
class Ranks:
    """Define a score as a function of sums over the rows above each threshold.

    Parameters
    ----------
    ranks : callable
        ``(predictions, y) -> [(values, part), ...]``: what ranks the rows and what each contributes, both ``(obs,)``;
        the score is the mean over these.
    area : callable
        Maps :func:`rank_sums` to the score ``(resample,)``.

    Examples
    --------
    >>> Ranks(lambda predictions, y: [(predictions["mean"].values, y)]).area(np.array([[1.0], [3.0]]), np.ones((2, 1)))
    array([3.])
    """

    ranks: Callable[[xr.Dataset, np.ndarray], Sequence[tuple[np.ndarray, np.ndarray]]]
    area: Area = lambda called, sums: called[-1]


@dataclass(frozen=True)
class Metric:
    """Define a score of predictions against observations.

    Parameters
    ----------
    name : str
        scikit-learn's name where it has one; unique among the metrics of a task.
    task : {"classification", "regression", "any"}
        Task that it applies to.
    score : Means or Ranks
        How it is computed.
    best : {"greater", "smaller"} or float
        Which scores are better, or the nominal value that a score should be close to.
    bounds : (float, float)
        Range of the score.
    biased : bool
        Whether chance alone raises the score, so that bootstrap samples lie above the score as the score lies above the
        truth: its interval is then reflected (the basic bootstrap, Davison and Hinkley 1997, section 5.2).
    of : {"mean prediction", "predictive distribution"}
        What is scored: one prediction, averaged over the draws, or the whole mixture of the draws' distributions. No
        metric is an average of the draws' own scores.
    title : str
        Its name in prose; by default the name with spaces.
    column : int, optional
        Its place among the columns of a report's table of scores; None leaves it to ``metrics.csv``.
    proper : bool
        Whether it is a proper score of single rows, by which :func:`bayesgeo.compare` may compare models.

    Examples
    --------
    >>> bias = Metric("bias", "regression", Means(lambda p, y: p["mean"].values - y), best=0.0)
    >>> bias(xr.Dataset({"mean": ("obs", [1.0, 3.0])}), [0.0, 2.0]), bias.title
    (1.0, 'bias')
    """

    name: str
    task: Literal["classification", "regression", "any"]
    score: Means | Ranks
    best: Literal["greater", "smaller"] | float = "smaller"
    bounds: tuple[float, float] = (0.0, np.inf)
    biased: bool = False
    of: Literal["mean prediction", "predictive distribution"] = "mean prediction"
    title: str = ""
    column: int | None = None
    proper: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "title", self.title or self.name.replace("_", " "))

    def __call__(self, predictions: xr.Dataset, y: Any) -> float:
        """Return the score of ``predictions`` for observed ``y (obs,)``."""
        y = np.asarray(y)
        if isinstance(self.score, Means):
            return float(self.score.finish(self.score.rows(predictions, y).mean(axis=0)))
        return float(self.resampled(predictions, y, (np.arange(len(y)), np.ones((1, len(y)))))[0])

    def resampled(self, predictions: xr.Dataset, y: np.ndarray, blocks: Blocks) -> np.ndarray:
        """Return the score ``(resample,)`` in each bootstrap sample of :func:`block_weights`."""
        return resample([self], predictions, y, blocks)[self.name]

    def interval(self, predictions: xr.Dataset, y: np.ndarray, blocks: Blocks, *, prob: float) -> tuple[float, float]:
        """Return the bootstrap :func:`interval` of the score; a ``biased`` score may lie outside of it."""
        samples = self.resampled(predictions, y, blocks)
        return self.ends(samples, self(predictions, y), blocks[1].shape[1], prob=prob)

    def ends(self, samples: np.ndarray, score: float, n_blocks: int, *, prob: float) -> tuple[float, float]:
        """Return the interval of a score from its bootstrap samples :meth:`resampled`."""
        if not self.biased:
            return interval(samples, n_blocks, prob=prob, bounds=self.bounds)
        low, high = interval(samples, n_blocks, prob=prob)
        low, high = np.clip([2 * score - high, 2 * score - low], *self.bounds)
        return float(low), float(high)

    def by_row(self, predictions: xr.Dataset, y: np.ndarray) -> np.ndarray | None:
        """Return what each row contributes, ``(obs,)``; None for a score that is no mean of one number by row."""
        found = self.score.rows(predictions, y) if isinstance(self.score, Means) else None
        return found if found is not None and found.ndim == 1 else None

    def goodness(self, score: float) -> float:
        """Orient a score so that more is better: itself, its negative, or minus its distance to the nominal value."""
        if isinstance(self.best, str):
            return score if self.best == "greater" else -score
        return -abs(score - self.best)


def resample(
    metrics: Iterable[Metric], predictions: xr.Dataset, y: np.ndarray, blocks: Blocks
) -> dict[str, np.ndarray]:
    """Return :meth:`Metric.resampled` by name; sums shared by several metrics are computed once.

    Examples
    --------
    >>> share = Metric("share", "any", Means(lambda p, y: y))
    >>> resample([share], xr.Dataset(), np.array([0.0, 1.0]), (np.arange(2), np.array([[1, 1], [2, 0]])))
    {'share': array([0.5, 0. ])}
    """
    found: dict[str, np.ndarray] = {}
    together: dict[Any, list[Metric]] = {}
    for metric in metrics:
        shared = metric.score.rows if isinstance(metric.score, Means) else metric.score.ranks
        together.setdefault(shared, []).append(metric)
    for contributions, alike in together.items():
        scores = {metric.name: metric.score for metric in alike}
        finishers = {name: score.finish for name, score in scores.items() if isinstance(score, Means)}
        if finishers:
            means = bootstrap(contributions(predictions, y), *blocks)
            found |= {name: finish(means) for name, finish in finishers.items()}
        else:
            areas = _areas([score for score in scores.values() if isinstance(score, Ranks)])
            parts = [bootstrap_ranked(values, part, areas, blocks) for values, part in contributions(predictions, y)]
            means = mean_of_known(np.stack(parts, axis=-1))
            found |= {name: means[:, k] for k, name in enumerate(scores)}
    return found


def _areas(scores: Sequence[Ranks]) -> Area:
    return lambda called, sums: np.stack([score.area(called, sums) for score in scores], axis=-1)


def mean_of_known(values: np.ndarray) -> np.ndarray:
    """Return the mean over the last axis without NaN; NaN where all values are.

    Examples
    --------
    >>> mean_of_known(np.array([[1.0, np.nan, 3.0], [np.nan, np.nan, np.nan]]))
    array([ 2., nan])
    """
    known = np.isfinite(values)
    total = np.where(known, values, 0.0).sum(axis=-1)
    return np.divide(total, known.sum(axis=-1), out=np.full(total.shape, np.nan), where=known.any(axis=-1))


def block_codes(blocks: np.ndarray, *, seed: int = 0) -> np.ndarray:
    """Return the code of the block of each row ``(obs,)``; above 2,000 blocks, some are joined at random.

    Examples
    --------
    >>> block_codes(np.array(["b", "a", "b"]))
    array([1, 0, 1])
    """
    codes = np.unique(blocks, return_inverse=True)[1]
    n_blocks = int(codes.max()) + 1
    return codes if n_blocks <= BLOCKS else np.random.default_rng(seed).integers(BLOCKS, size=n_blocks)[codes]


def block_weights(groups: np.ndarray, *, resamples: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw the number of times that each group enters each bootstrap sample.

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
    codes, rng = block_codes(groups, seed=seed), np.random.default_rng(seed)
    n_blocks = int(codes.max()) + 1
    return codes, rng.multinomial(n_blocks, np.full(n_blocks, 1 / n_blocks), size=resamples)


def bootstrap(rows: np.ndarray, codes: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the mean contribution ``(resample, ...)`` in each bootstrap sample of whole blocks."""
    flat = rows.reshape(len(rows), -1).astype(float)
    totals = np.stack([np.bincount(codes, column, minlength=weights.shape[1]) for column in flat.T], axis=1)
    counts = weights @ np.bincount(codes, minlength=weights.shape[1])
    with np.errstate(invalid="ignore", divide="ignore"):
        means = (weights @ totals) / counts[:, None]
    return means.reshape(len(weights), *rows.shape[1:])


def rank_sums(values: np.ndarray, part: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sum over the rows at or above each distinct value, the largest value first.

    Rows of equal value enter together, so that their order does not matter.

    Parameters
    ----------
    values, part : numpy.ndarray
        ``(obs,)``: what ranks the rows, and what each contributes.
    weights : numpy.ndarray
        ``(obs, resample)``.

    Returns
    -------
    called, sums : numpy.ndarray
        ``(threshold, resample)``: the weight of the rows, and the weighted sum of what they contribute.

    Examples
    --------
    >>> called, sums = rank_sums(np.array([0.5, 0.9, 0.5]), np.array([1, 0, 1]), np.array([[1.0], [2.0], [3.0]]))
    >>> called.ravel(), sums.ravel()
    (array([2., 6.]), array([0., 4.]))
    """
    order = np.argsort(-values, kind="stable")
    return _sums_of_sorted(values[order], part[order], weights[order])


def _sums_of_sorted(values: np.ndarray, part: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    last = _thresholds(values)
    # Events and errors are few: only rows that contribute are summed.
    some = np.flatnonzero(part)
    sums = np.zeros((len(some) + 1, weights.shape[1]))
    np.cumsum(weights[some] * part[some, None], axis=0, out=sums[1:])
    return np.cumsum(weights, axis=0)[last], sums[np.searchsorted(some, last, side="right")]


def _thresholds(values: np.ndarray) -> np.ndarray:
    """Return the last row of each distinct value, of sorted values."""
    return np.append(np.flatnonzero(np.diff(values)), len(values) - 1)


def bootstrap_ranked(values: np.ndarray, part: np.ndarray, area: Area, blocks: Blocks) -> np.ndarray:
    """Return ``area`` of :func:`rank_sums` in each bootstrap sample, of fewer samples where rows are many.

    Parameters
    ----------
    values, part : numpy.ndarray
        ``(obs,)`` as in :func:`rank_sums`.
    area : callable
        ``(called, sums) -> (resample, ...)``.
    blocks : tuple
        Of :func:`block_weights`.

    Examples
    --------
    >>> blocks = block_weights(np.arange(3), resamples=2, seed=0)
    >>> bootstrap_ranked(np.arange(3.0), np.ones(3), lambda called, sums: sums[-1], blocks)
    array([3., 3.])
    """
    codes, weights = blocks
    order = np.argsort(-values, kind="stable")
    values, part, codes = values[order], part[order], codes[order]
    kept = np.ascontiguousarray(weights[: max(RANKED // len(codes), FEWEST)].T, dtype=float)
    width = max(CHUNK // len(codes), LEAST_WIDTH)
    starts = range(0, kept.shape[1], width)
    if len(kept) <= FEW_BLOCKS:
        # Rows of a block are drawn together: sums within blocks, weighted, are fewer operations.
        member = (codes[:, None] == np.arange(len(kept))).astype(float)
        last = _thresholds(values)
        rows, sums = (np.cumsum(each, axis=0)[last] for each in (member, member * part[:, None]))
        return np.concatenate([area(rows @ kept[:, k : k + width], sums @ kept[:, k : k + width]) for k in starts])
    return np.concatenate([area(*_sums_of_sorted(values, part, kept[codes, k : k + width])) for k in starts])


def interval(
    samples: np.ndarray, n_blocks: int, *, prob: float, bounds: tuple[float, float] = (-np.inf, np.inf)
) -> tuple[float, float]:
    r"""Return the interval of a score from its bootstrap samples, within the ``bounds`` of the score.

    From 8 blocks on it is the expanded percentile interval with the levels
    :math:`\Phi(-\sqrt{n/(n-1)}\, t_{\alpha/2, n-1})` and one minus it, which corrects the narrowness of the plain
    percentile interval (Hesterberg 2015, The American Statistician 69:4). Fewer blocks make too few different samples
    for percentiles; there it is :math:`\bar s \pm t_{\alpha/2, n-1} \sqrt{n/(n-1)}\, \mathrm{sd}(s)`. With one block
    there is no interval: both ends are NaN. It is approximate: skewed scores of few blocks are covered slightly less
    often than ``prob``, and the reflected interval of a biased score covers about 91 % at a nominal 95 %
    (``benchmarks/interval_coverage.py`` measures each).

    Examples
    --------
    >>> low, high = interval(np.linspace(0, 1, 1001), 1000, prob=0.9)
    >>> round(low, 2), round(high, 2)
    (0.05, 0.95)
    >>> interval(np.array([0.8, 0.9, 0.9, 1.0]), 2, prob=0.95, bounds=(0.0, 1.0))
    (0.0, 1.0)
    """
    samples = samples[np.isfinite(samples)]
    if n_blocks < 2 or not len(samples):
        return np.nan, np.nan
    t, expansion = stats.t.ppf((1 + prob) / 2, n_blocks - 1), np.sqrt(n_blocks / (n_blocks - 1))
    if n_blocks < LEAST_BLOCKS:
        half, mean = t * expansion * samples.std(), samples.mean()
        low, high = max(mean - half, bounds[0]), min(mean + half, bounds[1])
    else:
        level = stats.norm.cdf(-expansion * t)
        low, high = np.quantile(samples, [level, 1 - level])
    return float(low), float(high)


def intervals(
    samples: np.ndarray, n_blocks: int, *, prob: float, bounds: tuple[float, float] = (-np.inf, np.inf)
) -> np.ndarray:
    """Return :func:`interval` of each column of ``samples (resample, ...)``: ``(2, ...)``, low and high ends."""
    return np.apply_along_axis(interval, 0, samples, n_blocks, prob=prob, bounds=bounds)
