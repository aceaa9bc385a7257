"""How far chance in the fit moves a score: the same folds under other seeds."""

from collections.abc import Sequence

import joblib
import numpy as np
import xarray as xr

from bayesgeo import catalog
from bayesgeo.datasets.base import Dataset
from bayesgeo.datasets.split import Split
from bayesgeo.folds import Part, run_fold
from bayesgeo.models.base import Estimator

# What the fit alone determines: other summaries of values are of noise that is drawn anew.
OF_THE_FIT = ("probability", "mean", "log_density")


def repeated(
    estimator: Estimator, dataset: Dataset, split: Split, first: Part, *, seeds: int, seed: int, jobs: int
) -> list[xr.Dataset]:
    """Fit the folds again under other seeds, and return what each of these said of the test rows.

    Parameters
    ----------
    estimator, dataset, split, seed, jobs
        As for :func:`bayesgeo.evaluate`.
    first : Part
        What the first fit said of the first fold. If another seed says the same, the fit does not depend on the seed
        and nothing else is fitted.
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

    def said(place: int) -> xr.Dataset:
        fold, state = fits[place]
        return run_fold(estimator, dataset, *fold, seed=state, place=(place + 1, total)).predictions

    probe = said(0)
    if _same(first.predictions, probe):
        return []
    every = [probe, *joblib.Parallel(n_jobs=jobs)(joblib.delayed(said)(place) for place in range(1, total))]
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
    sd[np.ptp(values, axis=0) == 0] = 0.0  # no rounding where nothing moves
    return xr.Dataset(
        {"value": (("seed", "metric"), values), "sd": ("metric", sd)},
        coords={"metric": names},
        attrs={"stochastic": int(bool(others))},
    )
