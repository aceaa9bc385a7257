"""Which model is better, and whether the rows can tell."""

from collections.abc import Mapping
from itertools import combinations

import numpy as np
import pandas as pd
import xarray as xr

from bayesgeo._check import invalid
from bayesgeo.evidence import PROB, RESAMPLES, blocks, fingerprint
from bayesgeo.metrics.base import block_weights, bootstrap, interval

NO_DIFFERENCE = "no detectable difference"


def compare(evidences: Mapping[str, xr.DataTree], *, seed: int = 0) -> pd.DataFrame:
    r"""Compare every pair of models by the paired difference of their log scores, row by row.

    With :math:`d_i = \log p_a(y_i) - \log p_b(y_i)`, the mean of :math:`d` gets an interval from a bootstrap
    that resamples whole groups (rows where there are none). Only an interval clear of zero is called a difference.
    No correction for the number of pairs is made: the table shows them all.

    Parameters
    ----------
    evidences : mapping of str to xarray.DataTree
        Evidence by model name, on the same rows in the same folds.
    seed : int
        Seed of the bootstrap.

    Returns
    -------
    pandas.DataFrame
        A row for each pair: ``a``, ``b``, ``metric``, ``difference`` (nats per row, positive when ``a`` is
        better), ``low``, ``high``, ``prob``, ``blocks`` and ``conclusion``, best models first.

    Raises
    ------
    InvalidInput
        If the Evidences are not about the same rows in the same folds.
    """
    _check_same_rows(evidences)
    ranked = sorted(evidences, key=lambda name: -_scores(evidences[name]).mean())
    records = []
    for a, b in combinations(ranked, 2):
        observed = evidences[a]["observed_data"].to_dataset()
        difference = _scores(evidences[a]) - _scores(evidences[b])
        codes, weights = block_weights(blocks(observed), resamples=RESAMPLES, seed=seed)
        low, high = interval(bootstrap(difference, codes, weights), weights.shape[1], prob=PROB)
        records.append(
            {
                "a": a,
                "b": b,
                "metric": "log_score",
                "difference": float(difference.mean()),
                "low": low,
                "high": high,
                "prob": PROB,
                "blocks": int(weights.shape[1]),
                "conclusion": conclude(low, high),
            }
        )
    columns = ["a", "b", "metric", "difference", "low", "high", "prob", "blocks", "conclusion"]
    return pd.DataFrame(records, columns=columns)


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


def _scores(evidence: xr.DataTree) -> np.ndarray:
    return evidence["metrics"].to_dataset()["log_score_by_row"].values


def _check_same_rows(evidences: Mapping[str, xr.DataTree]) -> None:
    if not evidences:
        raise invalid("evidences", {}, "There is nothing to compare.", "Give at least one Evidence.")
    first = next(iter(evidences))
    for name, evidence in evidences.items():
        if fingerprint(evidence) != fingerprint(evidences[first]):
            problem = f"It was scored on other rows or folds than {first!r}."
            raise invalid("evidence", name, problem, "Evaluate both on the same data set and split.")
