"""Compare models by paired differences of a proper score."""

import json
from collections.abc import Mapping
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from bayesgeo import catalog
from bayesgeo._check import invalid, one_of
from bayesgeo.evaluation.evidence import PROB
from bayesgeo.evaluation.fingerprints import fingerprint
from bayesgeo.evaluation.seeds import seed_variance, with_seed_variance
from bayesgeo.metrics.base import Metric, block_codes
from bayesgeo.metrics.paired import fewest_blocks, mean_interval, outer_effect_p, sign_flip_p

NO_DIFFERENCE, TOO_FEW = "no detectable difference", "too few groups to tell"
FOLDS_DIFFER = 0.1  # p-value below which folds differ more than the blocks within them


def compare(evidences: Mapping[str, xr.DataTree], *, metric: str = "log_score", seed: int = 0) -> pd.DataFrame:
    r"""Compare every pair of models by the paired difference of a proper score, row by row.

    With :math:`d_i = \log p_a(y_i) - \log p_b(y_i)`, a difference is concluded if both of these exclude a mean
    :math:`d` of zero at ``1 - prob``, each of which holds that level at every number of blocks of rows that belong
    together (groups, blocks of a map, stretches of time; rows where there are none): the sign-flip test
    :func:`bayesgeo.metrics.paired.sign_flip_p` and the interval :func:`bayesgeo.metrics.paired.mean_interval`.
    Below six blocks no test of signs can reach 5 %: the conclusion is then "too few groups to tell". Where the folds
    differ by more than their blocks explain (:func:`bayesgeo.metrics.paired.outer_effect_p` below 0.1), as they do
    when the fit itself is unstable, the interval also includes that over folds; where the folds were fitted under
    several seeds, it is widened by :func:`bayesgeo.evaluation.seeds.with_seed_variance`. No correction for the number
    of pairs is made: of so many pairs of equal models a share of ``1 - prob`` is expected to be called different.

    Parameters
    ----------
    evidences : mapping of str to xarray.DataTree
        Evidence by model name, on the same rows in the same folds.
    metric : {"log_score", "brier_score", "crps"}
        The score.
    seed : int
        Seed of the random signs.

    Returns
    -------
    pandas.DataFrame
        A row for each pair: ``a``, ``b``, ``metric``, ``difference`` (per row, in the unit of the score, nats for the
        log score, positive when ``a`` is better), ``low``, ``high``, ``prob``, ``p`` of the sign-flip test, ``blocks``
        and ``conclusion`` ("better", "worse", "no detectable difference" or "too few groups to tell"), then ``folds``,
        the interval over them ``fold_low`` to ``fold_high``, ``folds_differ``, ``seed_sd``, the standard deviation of
        the difference over seeds (NaN where it was not measured), and ``same_preprocessing``: whether both models used
        the same features; best models first.

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
    columns = ["a", "b", "metric", "difference", "low", "high", "prob", "p", "blocks", "conclusion"]
    columns += ["folds", "fold_low", "fold_high", "folds_differ", "seed_sd", "same_preprocessing"]
    return pd.DataFrame(pairs, columns=columns)


def conclude(low: float, high: float, *, p: float, blocks: int, prob: float = PROB) -> str:
    """Return the conclusion that the interval of a difference and its test of signs support together.

    Examples
    --------
    >>> conclude(0.1, 0.2, p=0.03, blocks=6), conclude(0.1, 0.2, p=0.25, blocks=3)
    ('better', 'too few groups to tell')
    >>> conclude(-0.1, 0.2, p=0.3, blocks=6), conclude(0.1, 0.2, p=0.06, blocks=8)
    ('no detectable difference', 'no detectable difference')
    """
    if low == high == 0:  # equal predictions are equal, however few blocks there are
        return NO_DIFFERENCE
    if blocks < fewest_blocks(prob):
        return TOO_FEW
    if p > 1 - prob or low <= 0 <= high:
        return NO_DIFFERENCE
    return "better" if low > 0 else "worse"


def paired(evidences: Mapping[str, xr.DataTree], a: str, b: str, metric: str, seed: int) -> dict[str, Any]:
    """Return the row of :func:`compare` for two models."""
    difference = scores_of(evidences[a], metric) - scores_of(evidences[b], metric)
    codes, fold = blocks_of(evidences[a]), evidences[a]["predictions"].to_dataset()["fold"].values
    low, high = mean_interval(difference, codes, prob=PROB)
    fold_low, fold_high = mean_interval(difference, fold, prob=PROB)
    folds_differ = outer_effect_p(difference, codes, fold) < FOLDS_DIFFER
    if folds_differ:
        low, high = min(low, fold_low), max(high, fold_high)
    variances, freedom = np.array([seed_variance(evidences[name], metric) for name in (a, b)]).T
    if difference.any():
        low, high = with_seed_variance(float(difference.mean()), (low, high), variances, freedom, prob=PROB)
    else:
        low = high = fold_low = fold_high = 0.0
    # Many blocks are joined for the flips, across folds: only the flips may see them so.
    p, n_blocks = sign_flip_p(difference, block_codes(codes, seed=seed), seed=seed), int(codes.max()) + 1
    preprocessing = {evidences[name].attrs["preprocessing_sha256"] for name in (a, b)}
    return {
        "a": a,
        "b": b,
        "metric": metric,
        "difference": float(difference.mean()),
        "low": low,
        "high": high,
        "prob": PROB,
        "p": p,
        "blocks": n_blocks,
        "conclusion": conclude(low, high, p=p, blocks=n_blocks),
        "folds": int(fold.max()) + 1,
        "fold_low": fold_low,
        "fold_high": fold_high,
        "folds_differ": bool(folds_differ),
        "seed_sd": float(np.sqrt(variances.sum())),
        "same_preprocessing": len(preprocessing) == 1,
    }


def blocks_of(evidence: xr.DataTree) -> np.ndarray:
    """Return the block of each test row ``(obs,)``: what counts as one where chance is measured."""
    return evidence["observed_data"].to_dataset()["block"].values


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
    return sorted(evidences, key=lambda name: -scores_of(evidences[name], metric).mean())


def scores_of(evidence: xr.DataTree, metric: str) -> np.ndarray:
    """Return the score of each row, with the sign for which greater is better."""
    sign = _proper(evidence)[metric].goodness(1.0)
    return sign * evidence["metrics"].to_dataset()[f"{metric}_by_row"].values


def _proper(evidence: xr.DataTree) -> dict[str, Metric]:
    task = json.loads(evidence.attrs["dataset_description"])["task"]
    return {name: metric for name, metric in catalog.metrics(task).items() if metric.proper}
