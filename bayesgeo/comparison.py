"""Which model is better, and whether the rows can tell."""

import json
from collections.abc import Mapping
from itertools import combinations
from typing import Any

import arviz_stats as az
import numpy as np
import pandas as pd
import xarray as xr
from arviz_stats.utils import ELPDDataLOO
from scipy import stats

from bayesgeo._check import invalid, one_of
from bayesgeo.diagnostics.model import PARETO_K
from bayesgeo.evidence import PROB, RESAMPLES, blocks
from bayesgeo.metrics.base import block_weights, bootstrap, interval
from bayesgeo.provenance import fingerprint

NO_DIFFERENCE = "no detectable difference"
# Proper scores of single rows, and the sign that makes more of them better.
PROPER = {"log_score": 1, "brier_score": -1, "crps": -1}
SHOWN = {
    "classification": ("log_loss", "brier_score", "accuracy", "balanced_accuracy", "roc_auc"),
    "regression": ("crps", "rmse", "mae", "coverage_90", "interval_score_90"),
}
COST = ("compile_seconds", "fit_seconds", "predict_seconds", "size_bytes")


def compare(evidences: Mapping[str, xr.DataTree], *, metric: str = "log_score", seed: int = 0) -> pd.DataFrame:
    r"""Compare every pair of models by the paired difference of a proper score, row by row.

    With :math:`d_i = \log p_a(y_i) - \log p_b(y_i)`, the mean of :math:`d` gets an interval from a bootstrap
    that resamples whole groups (rows where there are none). Only an interval clear of zero is called a difference.
    No correction for the number of pairs is made: the table shows them all. Where the folds were fitted under several
    seeds, the interval is that of :func:`with_seed_variance`. A second opinion, which also knows that the models would
    be others on other training rows, is the interval of :func:`corrected_interval` over the folds.

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
        of the second opinion, ``seed_sd``, the standard deviation that seeds alone give the difference (NaN where it
        was not measured), and ``same_preprocessing``: whether both models saw the same features; best models first.

    Raises
    ------
    InvalidInput
        If the Evidences are not about the same rows in the same folds, or lack the score.
    """
    ranked = _ranked(evidences, metric)
    pairs = [_pair(evidences, *pair, metric, seed) for pair in combinations(ranked, 2)]
    columns = ["a", "b", "metric", "difference", "low", "high", "prob", "blocks", "conclusion"]
    columns += ["folds", "t_low", "t_high", "t_conclusion", "seed_sd", "same_preprocessing"]
    return pd.DataFrame(pairs, columns=columns)


def leaderboard(evidences: Mapping[str, xr.DataTree], *, metric: str = "log_score", seed: int = 0) -> pd.DataFrame:
    """Rank models by a proper score, beside what else there is to choose them by.

    Parameters
    ----------
    evidences, metric, seed
        As for :func:`compare`.

    Returns
    -------
    pandas.DataFrame
        A row for each ``model``, the best first: ``kind``, ``verdict`` on its posterior, ``conclusion`` ("best", and
        for the others what :func:`compare` says of them against the best), ``score`` with its interval ``low`` to
        ``high``, scores of the task, ``miscalibration`` and ``p_calibrated`` (of the Brier score of the event of
        :func:`bayesgeo.metrics.calibration.event_of`) or ``pit_deviation``, ``aurc`` (ranked by total uncertainty),
        ``compile_seconds``, ``fit_seconds`` (all fits), ``predict_seconds`` (all test
        rows) and ``size_bytes`` of the arrays in the fitted model.

    Raises
    ------
    InvalidInput
        If the Evidences are not about the same rows in the same folds, or lack the score.
    """
    ranked = _ranked(evidences, metric)
    against = {name: _pair(evidences, name, ranked[0], metric, seed)["conclusion"] for name in ranked[1:]}
    return pd.DataFrame([_line(name, evidences[name], metric, against.get(name, "best")) for name in ranked])


def compare_loo(evidences: Mapping[str, xr.DataTree]) -> pd.DataFrame:
    """Rank Bayesian models by what they would say of each row had they not learned from it, with ``az.compare``.

    Beside :func:`compare` a second look at models with a likelihood by row: nothing is held out, rows of one group
    inform each other, and no other model is among them.

    Parameters
    ----------
    evidences : mapping of str to xarray.DataTree
        Evidence by model name; those with the group ``loo`` are compared.

    Returns
    -------
    pandas.DataFrame
        A row for each ``model``, the best first: ``elpd``, the expected log pointwise predictive density of all rows,
        its difference to the best, ``elpd_diff``, with standard error ``dse``, ``p_loo``, the stacking ``weight`` (Yao
        et al. 2018, Bayesian Analysis 13:917) and ``bad_k``, how many rows have a Pareto k above 0.7. Empty where fewer
        than two models have it.

    Raises
    ------
    InvalidInput
        If they learned from other rows.
    """
    tables = {name: tree["loo"].to_dataset() for name, tree in evidences.items() if "loo" in tree.children}
    columns = ["model", "elpd", "elpd_diff", "dse", "p_loo", "weight", "bad_k"]
    if len(tables) < 2:
        return pd.DataFrame([], columns=columns)
    first = next(iter(tables))
    for name, table in tables.items():
        if not np.array_equal(table["obs"], tables[first]["obs"]):
            raise invalid("evidence", name, f"It learned from other rows than {first!r}.", "Fit both on one data set.")
    found = _by_arviz(tables)
    of_rows = tables[first].attrs
    # Of a part of the rows, sums are those of all by proportion.
    scale = of_rows["of"] / of_rows["rows"]
    lines = [
        {
            "model": name,
            "elpd": float(tables[name].attrs["elpd"]),
            "elpd_diff": scale * float(row["elpd_diff"]),
            "dse": scale * float(row["dse"]),
            "p_loo": float(tables[name].attrs["p_loo"]),
            "weight": float(row["weight"]),
            "bad_k": int((tables[name]["pareto_k"] > PARETO_K).sum()),
        }
        for name, row in found.iterrows()
    ]
    return pd.DataFrame(lines, columns=columns)


def _by_arviz(tables: Mapping[str, xr.Dataset]) -> pd.DataFrame:
    known = {
        name: ELPDDataLOO(
            elpd=float(table["elpd"].sum()),
            se=float(table["elpd"].std() * np.sqrt(table.sizes["obs"])),
            p=float(table.attrs["p_loo"]),
            n_samples=1,  # only printed
            n_data_points=table.sizes["obs"],
            scale="log",
            warning=False,
            good_k=PARETO_K,
            elpd_i=table["elpd"],
            pareto_k=table["pareto_k"],
        )
        for name, table in tables.items()
    }
    return az.compare(known, round_to="none")


def _line(name: str, evidence: xr.DataTree, metric: str, conclusion: str) -> dict[str, Any]:
    table = evidence["metrics"].to_dataset()
    ends = {"score": "value", "low": "low", "high": "high"}
    task = json.loads(evidence.attrs["dataset_description"])["task"]
    line = {
        "model": name,
        "kind": evidence.attrs["kind"],
        "verdict": evidence["diagnostics"].attrs["verdict"],
        "conclusion": conclusion,
        **{column: float(table[end].sel(metric=metric)) for column, end in ends.items()},
    }
    line |= {shown: float(table["value"].sel(metric=shown)) for shown in SHOWN[task] if shown != metric}
    line |= _calibration(evidence["calibration"].to_dataset())
    line["aurc"] = float(evidence["selective"].to_dataset()["aurc"].sel(ranking="total"))
    return line | {cost: evidence.attrs[cost] for cost in COST}


def _calibration(calibration: xr.Dataset) -> dict[str, float]:
    if "miscalibration" not in calibration:
        return {"pit_deviation": float(calibration["pit_deviation"])}
    brier = calibration.sel(score="brier_score")
    return {name: float(brier[name]) for name in ("miscalibration", "p_calibrated")}


def conclude(low: float, high: float) -> str:
    """Say what an interval of a difference allows to say.

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
    so their spread alone says too little (Nadeau and Bengio 2003, Machine Learning 52:239). NaN with one fold.

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


def with_seed_variance(
    difference: float, ends: tuple[float, float], variances: np.ndarray, freedom: np.ndarray, *, prob: float
) -> tuple[float, float]:
    r"""Widen the interval of a difference by what other seeds of the two fits would have changed.

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


def seed_variance(evidence: xr.DataTree, metric: str) -> tuple[float, int]:
    """Return the variance of a score over seeds and the degrees of freedom of it; NaN where it was not measured."""
    if "seeds" not in evidence.children:
        return np.nan, 0
    group = evidence["seeds"].to_dataset()
    return float(group["sd"].sel(metric=metric)) ** 2, group.sizes["seed"] - 1


def _pair(evidences: Mapping[str, xr.DataTree], a: str, b: str, metric: str, seed: int) -> dict[str, Any]:
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


def _ranked(evidences: Mapping[str, xr.DataTree], metric: str) -> list[str]:
    """Return the names of comparable models, the best first."""
    if not evidences:
        raise invalid("evidences", {}, "There is nothing to compare.", "Give at least one Evidence.")
    one_of("metric", metric, list(PROPER))
    first = next(iter(evidences))
    for name, evidence in evidences.items():
        if fingerprint(evidence) != fingerprint(evidences[first]):
            problem = f"It was scored on other rows or folds than {first!r}."
            raise invalid("evidence", name, problem, "Evaluate both on the same data set and split.")
        if f"{metric}_by_row" not in evidence["metrics"]:
            raise invalid("metric", metric, f"{name!r} was not scored by it.", "Give metric='log_score'.")
    return sorted(evidences, key=lambda name: -_scores(evidences[name], metric).mean())


def _scores(evidence: xr.DataTree, metric: str) -> np.ndarray:
    """Return the score of each row, more of it being better."""
    return PROPER[metric] * evidence["metrics"].to_dataset()[f"{metric}_by_row"].values
