"""Score variance over random seeds: the same folds under other seeds."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import xarray as xr
from scipy import stats

from bayesgeo import catalog
from bayesgeo.datasets.base import Dataset
from bayesgeo.datasets.split import Split
from bayesgeo.evaluation.checkpoint import kept
from bayesgeo.evaluation.fold import FoldResult, run_fold

# What the fit alone determines: other summaries of values are of noise that is drawn anew.
OF_THE_FIT = ("probability", "mean", "log_density")


def repeated(
    estimator: Any,
    dataset: Dataset,
    split: Split,
    first: FoldResult,
    *,
    seeds: int,
    seed: int,
    jobs: int,
    keep: str | Path | None = None,
) -> list[xr.Dataset]:
    """Fit the folds again under other seeds, and return the predictions of the test rows under each.

    Parameters
    ----------
    estimator, dataset, split, seed, jobs, keep
        As for :func:`bayesgeo.evaluate`.
    first : FoldResult
        Result of the first fit of the first fold. If another seed gives the same predictions, the fit does not depend
        on the seed and nothing else is fitted.
    seeds : int
        How many seeds there are in all, that of the first fits included.

    Returns
    -------
    list of xarray.Dataset
        Predictions of the rows in the order of the folds, for each further seed; none if the fit does not depend on it.
    """
    if seeds < 2:
        return []
    states = [np.random.SeedSequence([seed, k]).generate_state(len(split.folds)) >> 1 for k in range(1, seeds)]
    fits = [(fold, int(state)) for row in states for fold, state in zip(split.folds, row, strict=True)]
    total, n_folds = len(fits), len(split.folds)

    def predictions_of(place: int) -> xr.Dataset:
        fold, state = fits[place]
        run = partial(run_fold, estimator, dataset, *fold, seed=state, place=(place + 1, total))
        return kept(keep, f"again_{place + 1}", run).predictions

    probe = predictions_of(0)
    if _same(first.predictions, probe):
        return []
    every = [probe, *joblib.Parallel(n_jobs=jobs)(joblib.delayed(predictions_of)(place) for place in range(1, total))]
    return [xr.concat(every[k : k + n_folds], "obs") for k in range(0, total, n_folds)]


def _same(one: xr.Dataset, other: xr.Dataset) -> bool:
    return all(np.array_equal(one[name], other[name]) for name in OF_THE_FIT if name in one)


def seeds_group(dataset: Dataset, evidence: xr.DataTree, others: Sequence[xr.Dataset]) -> xr.Dataset:
    """Score the predictions of every seed, those kept in the Evidence first.

    Returns
    -------
    xarray.Dataset
        ``value (seed, metric)`` and ``sd (metric)``, its standard deviation over the seeds; zero, of one seed, where
        the fit does not depend on the seed, and ``attrs["stochastic"]`` is then 0.
    """
    y, known = evidence["observed_data"].to_dataset()["y"].values, catalog.metrics(dataset.task)
    first = evidence["metrics"].to_dataset()["value"]
    names = [str(name) for name in first["metric"].values]
    values = np.array([first.values, *([known[name](said, y) for name in names] for said in others)])
    sd = values.std(axis=0, ddof=1) if others else np.zeros(len(names))
    sd[np.ptp(values, axis=0) == 0] = 0.0  # no rounding where seeds agree
    return xr.Dataset(
        {"value": (("seed", "metric"), values), "sd": ("metric", sd)},
        coords={"metric": names},
        attrs={"stochastic": int(bool(others))},
    )


def seed_variance(evidence: xr.DataTree, metric: str) -> tuple[float, int]:
    """Return the variance of a score over seeds and the degrees of freedom of it; NaN where it was not measured."""
    if "seeds" not in evidence.children:
        return np.nan, 0
    group = evidence["seeds"].to_dataset()
    return float(group["sd"].sel(metric=metric)) ** 2, group.sizes["seed"] - 1


def with_seed_variance(
    difference: float, ends: tuple[float, float], variances: np.ndarray, freedom: np.ndarray, *, prob: float
) -> tuple[float, float]:
    r"""Widen the interval of a difference by the variance of both scores over seeds.

    The two causes are independent, so half-widths add as squares: each end moves to :math:`\bar d \pm \sqrt{h^2 + t^2
    (s_a^2 + s_b^2)}` with its half-width :math:`h`, the variances :math:`s^2` of the two scores over seeds, and the
    quantile :math:`t` at the degrees of freedom of Welch (1947, Biometrika 34:28) and Satterthwaite.

    Parameters
    ----------
    difference : float
        Between the scores of the first seeds.
    ends : (float, float)
        Its interval over rows.
    variances, freedom : numpy.ndarray
        ``(model,)`` variance over seeds, and the number of seeds less one.
    prob : float
        Probability of the interval.

    Examples
    --------
    >>> low, high = with_seed_variance(0.5, (0.4, 0.6), np.array([0.01, 0.0]), np.array([9, 0]), prob=0.95)
    >>> round(low, 3), round(high, 3)
    (0.253, 0.747)
    """
    total = variances.sum()
    if not total > 0:
        return ends
    known = variances > 0
    welch = total**2 / (variances[known] ** 2 / freedom[known]).sum()
    added = stats.t.ppf((1 + prob) / 2, welch) * np.sqrt(total)
    low, high = ends
    return float(difference - np.hypot(difference - low, added)), float(difference + np.hypot(high - difference, added))
