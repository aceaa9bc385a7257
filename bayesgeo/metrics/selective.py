"""Selective prediction: the risk-coverage curve of withholding the least certain rows."""

import numpy as np
import xarray as xr

from bayesgeo.metrics.base import Blocks, bootstrap_ranked, intervals, rank_sums

COVERAGE = 0.8
GRID = np.arange(1, 51) / 50


def risk_coverage(loss: np.ndarray, uncertainty: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the coverage and the risk of keeping the rows up to each distinct uncertainty, least uncertain first.

    Parameters
    ----------
    loss, uncertainty : numpy.ndarray
        ``(obs,)``.

    Returns
    -------
    coverage, risk : numpy.ndarray
        ``(threshold,)``: the share of the rows that are kept, and their mean loss. Rows of equal uncertainty are kept
        or withheld together.

    Examples
    --------
    >>> coverage, risk = risk_coverage(np.array([1.0, 0.0, 0.0, 1.0]), np.array([0.9, 0.1, 0.2, 0.2]))
    >>> coverage, risk.round(3)
    (array([0.25, 0.75, 1.  ]), array([0.   , 0.333, 0.5  ]))
    """
    coverage, risk = _shares(*rank_sums(-uncertainty, loss, np.ones((len(loss), 1))))
    return coverage[:, 0], risk[:, 0]


def aurc(coverage: np.ndarray, risk: np.ndarray) -> np.ndarray:
    """Return the area under the risk-coverage curve: the mean over rows of the risk at the row's own threshold.

    Geifman and El-Yaniv (2017), Advances in Neural Information Processing Systems 30.

    Parameters
    ----------
    coverage, risk : numpy.ndarray
        ``(threshold, ...)`` of :func:`risk_coverage`.

    Examples
    --------
    >>> float(aurc(*risk_coverage(np.array([1.0, 0.0, 0.0]), np.array([0.9, 0.1, 0.2]))).round(4))
    0.1111
    """
    return coverage[0] * risk[0] + ((coverage[1:] - coverage[:-1]) * risk[1:]).sum(axis=0)


def risk_at(coverage: np.ndarray, risk: np.ndarray, wanted: float) -> np.ndarray:
    """Return the risk ``(...)`` of the fewest rows that cover at least ``wanted``; parameters as :func:`aurc`.

    Examples
    --------
    >>> float(risk_at(np.array([0.5, 1.0]), np.array([0.1, 0.3]), 0.8))
    0.3
    """
    enough = (coverage < wanted - 1e-12).sum(axis=0)  # shares of rows are rounded
    return np.take_along_axis(risk, enough[None], axis=0)[0]


def _shares(kept: np.ndarray, lost: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return kept / kept[-1], np.divide(lost, kept, out=np.zeros_like(lost), where=kept > 0)


def selective_scores(predictions: xr.Dataset, y: np.ndarray, blocks: Blocks, *, prob: float) -> xr.Dataset:
    """Return the risk-coverage curve and its area for each ranking of the rows by uncertainty.

    The loss of a class is 1 if the most probable class is wrong; that of a value is its absolute error. Classes are
    ranked by the ``total`` and by the ``epistemic`` uncertainty (entropy and mutual information) and by ``confidence``,
    the probability of the most probable class; values by the width of their 90 % interval (``total``: a variance may
    be infinite) and by the ``epistemic`` variance.

    Parameters
    ----------
    predictions : xarray.Dataset
        Predictions by row, of :func:`bayesgeo.metrics.summarise_classes` or :func:`bayesgeo.metrics.summarise_values`.
    y : numpy.ndarray
        ``(obs,)`` codes or values.
    blocks : tuple
        Of :func:`bayesgeo.metrics.base.block_weights`.
    prob : float
        Probability of the intervals.

    Returns
    -------
    xarray.Dataset
        ``risk (ranking, coverage)``; along ``ranking``, each with its bootstrap interval ``<name>_low`` to
        ``<name>_high``: ``aurc`` and ``risk_at_80``, at 80 % coverage; without dimension: ``aurc_best``, of a ranking
        by the loss itself, and ``risk_of_all``. A model without epistemic uncertainty has the same risk at every
        coverage of that ranking.

    Examples
    --------
    >>> from bayesgeo.metrics.base import block_weights
    >>> predictions = xr.Dataset({name: ("obs", [1.0, 2.0, 3.0, 4.0]) for name in ("mean", "high", "epistemic")})
    >>> predictions["low"] = 0 * predictions["high"]
    >>> blocks = block_weights(np.arange(4), resamples=200, seed=0)
    >>> found = selective_scores(predictions, np.array([1.0, 2.0, 3.0, 6.0]), blocks, prob=0.9)
    >>> float(found["risk"].sel(ranking="total", coverage=0.5)), float(found["risk_of_all"])
    (0.0, 0.5)
    """
    loss, rankings = _loss_and_rankings(predictions, y)
    curves = [risk_coverage(loss, uncertainty) for uncertainty in rankings.values()]
    values = np.array([_summary(*curve) for curve in curves])
    parts = [bootstrap_ranked(-by, loss, lambda *sums: _summary(*_shares(*sums)), blocks) for by in rankings.values()]
    samples = np.stack(parts, axis=1)
    bounds = (0.0, np.inf if "mean" in predictions else 1.0)
    low, high = intervals(samples, blocks[1].shape[1], prob=prob, bounds=bounds)
    table: dict[str, tuple[str, np.ndarray]] = {}
    for k, name in enumerate(("aurc", "risk_at_80")):
        ends = {"": values, "_low": low, "_high": high}
        table |= {name + end: ("ranking", column[:, k]) for end, column in ends.items()}
    risks = [[risk_at(*curve, wanted) for wanted in GRID] for curve in curves]
    return xr.Dataset(
        {
            "risk": (("ranking", "coverage"), risks),
            **table,
            "aurc_best": aurc(*risk_coverage(loss, loss)),
            "risk_of_all": loss.mean(),
        },
        coords={"ranking": list(rankings), "coverage": GRID},
        attrs={"prob": prob, "loss": "absolute error" if "mean" in predictions else "error rate"},
    )


def _summary(coverage: np.ndarray, risk: np.ndarray) -> np.ndarray:
    return np.stack([aurc(coverage, risk), risk_at(coverage, risk, COVERAGE)], axis=-1)


def _loss_and_rankings(predictions: xr.Dataset, y: np.ndarray) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    epistemic = predictions["epistemic"].values
    if "mean" in predictions:
        width = (predictions["high"] - predictions["low"]).values
        return np.abs(predictions["mean"].values - y), {"total": width, "epistemic": epistemic}
    probability = predictions["probability"].values
    total = predictions["aleatoric"].values + epistemic
    rankings = {"total": total, "epistemic": epistemic, "confidence": 1 - probability.max(axis=1)}
    return (probability.argmax(axis=1) != y).astype(float), rankings
