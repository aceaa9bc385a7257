"""Compare models by paired differences of a proper score."""

import json
from collections.abc import Mapping
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from scipy import stats

from bayesgeo import catalog
from bayesgeo._check import invalid, one_of
from bayesgeo.evaluation.evidence import PROB, RESAMPLES, blocks
from bayesgeo.evaluation.fingerprints import fingerprint
from bayesgeo.evaluation.seeds import seed_variance, with_seed_variance
from bayesgeo.metrics.base import Metric, block_weights, bootstrap, interval

NO_DIFFERENCE = "no detectable difference"


def compare(evidences: Mapping[str, xr.DataTree], *, metric: str = "log_score", seed: int = 0) -> pd.DataFrame:
    r"""Compare every pair of models by the paired difference of a proper score, row by row.

    With :math:`d_i = \log p_a(y_i) - \log p_b(y_i)`, the mean of :math:`d` gets an interval from a bootstrap
    that resamples whole groups (rows where there are none). Only an interval that excludes zero is called a difference.
    No correction for the number of pairs is made: the table shows them all. Where the folds were fitted under several
    seeds, the interval is that of :func:`bayesgeo.evaluation.seeds.with_seed_variance`. The interval of
    :func:`corrected_interval` over the folds also includes the variance over training rows.

    Parameters
    ----------
    evidences : mapping of str to xarray.DataTree
        Evidence by model name, on the same rows in the same folds.
    metric : {"log_score", "brier_score", "crps"}
        The score.
    seed : int
        Seed of the bootstrap.

    Returns
    -------
    pandas.DataFrame
        A row for each pair: ``a``, ``b``, ``metric``, ``difference`` (per row, in the unit of the score, nats for the
        log score, positive when ``a`` is better), ``low``, ``high``, ``prob``, ``blocks`` and ``conclusion``
        ("better", "worse" or "no detectable difference"), then ``folds``, ``t_low``, ``t_high`` and ``t_conclusion``
        of the interval over folds, ``seed_sd``, the standard deviation of the difference over seeds (NaN where it was
        not measured), and ``same_preprocessing``: whether both models used the same features; best models first.

    Raises
    ------
    InvalidInput
        If the Evidences are not about the same rows in the same folds, or lack the score.

    Examples
    --------
    >>> from bayesgeo.datasets.registry import load
    >>> from bayesgeo.datasets.split import split
    >>> from bayesgeo.models.baselines import LogisticClassifier, MajorityClassifier
    >>> events = load("seismic_events")
    >>> folds = split(events, folds=2)
    >>> from bayesgeo.evaluation.evaluate import evaluate
    >>> models = {"logistic": LogisticClassifier(), "majority": MajorityClassifier()}
    >>> table = compare({name: evaluate(model, events, folds) for name, model in models.items()})
    >>> table[["a", "b", "conclusion"]].values.tolist()
    [['logistic', 'majority', 'better']]
    """
    ranked = ranked_by(evidences, metric)
    pairs = [paired(evidences, *pair, metric, seed) for pair in combinations(ranked, 2)]
    columns = ["a", "b", "metric", "difference", "low", "high", "prob", "blocks", "conclusion"]
    columns += ["folds", "t_low", "t_high", "t_conclusion", "seed_sd", "same_preprocessing"]
    return pd.DataFrame(pairs, columns=columns)


def conclude(low: float, high: float) -> str:
    """Return the conclusion that the interval of a difference supports.

    Examples
    --------
    >>> conclude(-0.1, 0.2)
    'no detectable difference'
    >>> conclude(0.1, 0.2)
    'better'
    """
    if low > 0:
        return "better"
    return "worse" if high < 0 else NO_DIFFERENCE


def corrected_interval(by_fold: np.ndarray, test_to_train: float, *, prob: float) -> tuple[float, float]:
    r"""Return the interval of the corrected resampled t-test of differences by fold.

    :math:`\bar d \pm t_{J-1} \sqrt{(1/J + n_\mathrm{test} / n_\mathrm{train})\, s^2}`: the folds share training rows,
    so their spread alone underestimates the variance (Nadeau and Bengio 2003, Machine Learning 52:239). NaN with one
    fold.

    Parameters
    ----------
    by_fold : numpy.ndarray
        ``(fold,)`` mean differences.
    test_to_train : float
        Rows in a test part over rows in its training part.
    prob : float
        Probability of the interval.

    Examples
    --------
    >>> low, high = corrected_interval(np.array([0.1, 0.2, 0.3]), 0.5, prob=0.95)
    >>> round(low, 3), round(high, 3)
    (-0.193, 0.593)
    """
    if len(by_fold) < 2:
        return np.nan, np.nan
    error = np.sqrt((1 / len(by_fold) + test_to_train) * by_fold.var(ddof=1))
    half = stats.t.ppf((1 + prob) / 2, len(by_fold) - 1) * error
    return float(by_fold.mean() - half), float(by_fold.mean() + half)


def paired(evidences: Mapping[str, xr.DataTree], a: str, b: str, metric: str, seed: int) -> dict[str, Any]:
    """Return the row of :func:`compare` for two models."""
    observed = evidences[a]["observed_data"].to_dataset()
    difference = _scores(evidences[a], metric) - _scores(evidences[b], metric)
    codes, weights = block_weights(blocks(observed), resamples=RESAMPLES, seed=seed)
    n_blocks = int(weights.shape[1])
    by_fold, ratio = _by_fold(evidences[a], difference)
    low, high = interval(bootstrap(difference, codes, weights), n_blocks, prob=PROB)
    t_low, t_high = corrected_interval(by_fold, ratio, prob=PROB)
    if not difference.any():  # equal predictions are equal, however few blocks or folds there are
        low = high = t_low = t_high = 0.0
    variances, freedom = np.array([seed_variance(evidences[name], metric) for name in (a, b)]).T
    low, high = with_seed_variance(float(difference.mean()), (low, high), variances, freedom, prob=PROB)
    preprocessing = {evidences[name].attrs["preprocessing_sha256"] for name in (a, b)}
    return {
        "a": a,
        "b": b,
        "metric": metric,
        "difference": float(difference.mean()),
        "low": low,
        "high": high,
        "prob": PROB,
        "blocks": n_blocks,
        "conclusion": conclude(low, high),
        "folds": len(by_fold),
        "t_low": t_low,
        "t_high": t_high,
        "t_conclusion": conclude(t_low, t_high),
        "seed_sd": float(np.sqrt(variances.sum())),
        "same_preprocessing": len(preprocessing) == 1,
    }


def _by_fold(evidence: xr.DataTree, difference: np.ndarray) -> tuple[np.ndarray, float]:
    """Return the mean difference in each fold, and the mean of test over training rows."""
    fold = evidence["predictions"].to_dataset()["fold"].values
    test, training = np.bincount(fold), np.array(json.loads(evidence.attrs["training_rows"]))
    return np.bincount(fold, difference) / test, float((test / training).mean())


def ranked_by(evidences: Mapping[str, xr.DataTree], metric: str) -> list[str]:
    """Return the names of comparable models, the best first."""
    if not evidences:
        raise invalid("evidences", {}, "There is nothing to compare.", "Give at least one Evidence.")
    first = next(iter(evidences))
    proper = {name for tree in evidences.values() for name in _proper(tree)}
    one_of("metric", metric, sorted(proper))
    for name, evidence in evidences.items():
        if fingerprint(evidence) != fingerprint(evidences[first]):
            problem = f"It was scored on other rows or folds than {first!r}."
            raise invalid("evidence", name, problem, "Evaluate both on the same data set and split.")
        if f"{metric}_by_row" not in evidence["metrics"]:
            raise invalid("metric", metric, f"{name!r} was not scored by it.", "Give metric='log_score'.")
    return sorted(evidences, key=lambda name: -_scores(evidences[name], metric).mean())


def _scores(evidence: xr.DataTree, metric: str) -> np.ndarray:
    """Return the score of each row, with the sign for which greater is better."""
    sign = _proper(evidence)[metric].goodness(1.0)
    return sign * evidence["metrics"].to_dataset()[f"{metric}_by_row"].values


def _proper(evidence: xr.DataTree) -> dict[str, Metric]:
    task = json.loads(evidence.attrs["dataset_description"])["task"]
    return {name: metric for name, metric in catalog.metrics(task).items() if metric.proper}
