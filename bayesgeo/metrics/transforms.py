"""Calibration of values: probability integral transform and coverage curve."""

import numpy as np
import xarray as xr
from scipy import special, stats

from bayesgeo.metrics.base import Blocks, bootstrap, intervals
from bayesgeo.metrics.together import Together, has_blocks, resamples_of, scores_together

LEVELS = np.arange(1, 20) / 20
PIT_BINS = 20


def value_calibration(
    predictions: xr.Dataset,
    y: np.ndarray,
    blocks: Blocks,
    *,
    prob: float,
    seed: int = 0,
    codes: np.ndarray | None = None,
) -> xr.Dataset:
    """Return the coverage of central intervals and the histogram of probability integral transforms.

    Parameters
    ----------
    predictions : xarray.Dataset
        ``pit (obs)`` of :func:`bayesgeo.metrics.regression.summarise_values`.
    y : numpy.ndarray
        ``(obs,)`` values.
    blocks : tuple
        Of :func:`bayesgeo.metrics.base.block_weights`.
    prob : float
        Probability of the intervals and of the band.
    seed : int
        Seed of the band where rows have blocks.
    codes : numpy.ndarray, optional
        ``(obs,)`` block of each row: what counts as one where chance is measured.

    Returns
    -------
    xarray.Dataset
        Along ``level``: ``coverage`` of the central interval of that probability, with its bootstrap interval ``low``
        to ``high``. Along ``bin``: ``pit_count`` of rows by their probability integral transform, in 20 bins of equal
        width, and ``pit_low`` to ``pit_high`` for calibrated predictions: of rows that are alike within blocks as far
        as these may be (:func:`bayesgeo.metrics.together.scores_together`), or of independent rows without blocks.
        ``pit_deviation``: the largest distance between the distribution of the transforms and the uniform one.
        Attribute ``correlation``: the median correlation within blocks of the band, NaN for independent rows.

    Examples
    --------
    >>> from bayesgeo.metrics.base import block_weights
    >>> pit = xr.Dataset({"pit": ("obs", (np.arange(100) + 0.5) / 100)})
    >>> found = value_calibration(pit, np.zeros(100), block_weights(np.arange(100), resamples=200, seed=0), prob=0.9)
    >>> float(found["coverage"].sel(level=0.5)), found["pit_count"].values[:3]
    (0.5, array([5, 5, 5]))
    """
    pit = predictions["pit"].values
    inside = np.abs(2 * pit - 1)[:, None] <= LEVELS
    low, high = intervals(bootstrap(inside, *blocks), blocks[1].shape[1], prob=prob, bounds=(0.0, 1.0))
    counts = np.bincount(np.minimum((pit * PIT_BINS).astype(int), PIT_BINS - 1), minlength=PIT_BINS)
    together = None if codes is None or not has_blocks(codes) else _of_transforms(pit, codes, seed)
    ends = _pit_band(len(y), together, prob, seed)
    return xr.Dataset(
        {
            "coverage": ("level", inside.mean(axis=0)),
            "low": ("level", low),
            "high": ("level", high),
            "pit_count": ("bin", counts),
            "pit_low": ("bin", ends[0]),
            "pit_high": ("bin", ends[1]),
            "pit_deviation": float(stats.ks_1samp(pit, stats.uniform.cdf, method="asymp").statistic),
        },
        coords={"level": LEVELS, "bin": (np.arange(PIT_BINS) + 0.5) / PIT_BINS},
        attrs={"prob": prob, "correlation": np.nan if together is None else together.typical},
    )


def _of_transforms(pit: np.ndarray, codes: np.ndarray, seed: int) -> Together:
    # A transform is a share of some thousand draws: zero and one are not certain.
    scores = special.ndtri(pit.clip(1e-3, 1 - 1e-3))
    return scores_together(scores, codes, resamples_of(len(pit)), np.random.default_rng(seed))


def _pit_band(rows: int, together: Together | None, prob: float, seed: int) -> np.ndarray:
    """Return the ends ``(2, bin)`` between which the counts of calibrated predictions lie, each with ``prob``."""
    levels = [(1 - prob) / 2, (1 + prob) / 2]
    if together is None:
        return np.repeat(stats.binom.ppf(levels, rows, 1 / PIT_BINS)[:, None], PIT_BINS, axis=1)
    edges, rng = special.ndtri(np.arange(1, PIT_BINS) / PIT_BINS), np.random.default_rng([seed, 1])
    drawn = (together.normals(k, rng) for k in range(len(together.correlation)))
    counts = [np.bincount(np.searchsorted(edges, normals), minlength=PIT_BINS) for normals in drawn]
    return np.quantile(counts, levels, axis=0)
