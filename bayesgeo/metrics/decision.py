"""Decisions by expected cost, and the economic value of predictions."""

import numpy as np
import xarray as xr

from bayesgeo._check import invalid
from bayesgeo.metrics.base import Blocks, bootstrap, intervals

RATIOS = np.array([0.01, 0.02, *np.arange(1, 20) / 20, 0.98, 0.99])


def best_action(probability: np.ndarray, cost: np.ndarray) -> np.ndarray:
    """Return the action of least expected cost for each row, ``(obs,)``.

    Parameters
    ----------
    probability : numpy.ndarray
        ``(obs, label)``.
    cost : numpy.ndarray
        ``(label, action)``: cost of each action if the label is the true one, in any unit.

    Raises
    ------
    InvalidInput
        If the costs are not finite, or not one row for each label.

    Examples
    --------
    Closing the road costs 1, an unseen landslide 10:

    >>> best_action(np.array([[0.95, 0.05], [0.8, 0.2]]), np.array([[0, 1], [10, 1]]))
    array([0, 1])
    """
    cost = np.asarray(cost, dtype=float)
    if cost.ndim != 2 or len(cost) != probability.shape[1]:
        problem = f"There are {probability.shape[1]} labels."
        raise invalid("cost", cost.shape, problem, "Give a row for each label and a column for each action.")
    if not np.isfinite(cost).all():
        raise invalid("cost", cost.tolist(), "A cost must be finite.", "Give a large one instead.")
    return (probability @ cost).argmin(axis=1)


def decision_cost(probability: np.ndarray, y: np.ndarray, cost: np.ndarray) -> np.ndarray:
    """Return the incurred cost of the action of least expected cost in each row, ``(obs,)``.

    Parameters as :func:`best_action`; ``y (obs,)`` holds the codes of the true labels.

    Examples
    --------
    >>> predicted = np.array([[0.95, 0.05], [0.8, 0.2], [0.99, 0.01]])
    >>> decision_cost(predicted, np.array([0, 1, 1]), np.array([[0, 1], [10, 1]]))
    array([ 0.,  1., 10.])
    """
    return np.asarray(cost, dtype=float)[y, best_action(probability, cost)]


def expense_rows(probability: np.ndarray, happened: np.ndarray, ratios: np.ndarray) -> np.ndarray:
    """Return the expense by row of protecting at ``probability >= ratio``, and the event: ``(obs, ratio + 1)``.

    Protection costs the ratio, and an event without it costs 1.

    Examples
    --------
    >>> expense_rows(np.array([0.7, 0.1]), np.array([True, True]), np.array([0.2]))
    array([[0.2, 1. ],
           [1. , 1. ]])
    """
    happened = np.asarray(happened, dtype=float)[:, None]
    return np.append(np.where(probability[:, None] >= ratios, ratios, happened), happened, axis=1)


def value_of(means: np.ndarray, ratios: np.ndarray) -> np.ndarray:
    r"""Return the relative economic value ``(..., ratio)`` from means of :func:`expense_rows` ``(..., ratio + 1)``.

    :math:`(E_c - E) / (E_c - E_p)` with the expense :math:`E` of following the forecast, :math:`E_c = \min(\alpha, s)`
    of knowing only the frequency :math:`s`, and :math:`E_p = \alpha s` of a perfect forecast (Richardson 2000,
    Quarterly Journal of the Royal Meteorological Society 126:649). 1 is a perfect forecast, 0 no better than the
    frequency; NaN if the event always or never happened.

    Examples
    --------
    >>> value_of(np.array([0.2, 0.5]), np.array([0.2]))
    array([0.])
    """
    expense, frequency = means[..., :-1], means[..., -1:]
    climate = np.minimum(ratios, frequency)
    best = climate - ratios * frequency
    return np.divide(climate - expense, best, out=np.full_like(expense, np.nan), where=best > 0)


def economic_value(
    predictions: xr.Dataset, y: np.ndarray, labels: tuple[str, ...], blocks: Blocks, *, prob: float
) -> xr.Dataset:
    """Return the relative economic value of class probabilities over cost-loss ratios.

    Parameters
    ----------
    predictions : xarray.Dataset
        ``probability (obs, label)``.
    y : numpy.ndarray
        ``(obs,)`` codes.
    labels : tuple of str
        Names of the classes.
    blocks : tuple
        Of :func:`bayesgeo.metrics.base.block_weights`.
    prob : float
        Probability of the intervals.

    Returns
    -------
    xarray.Dataset
        ``value`` and its bootstrap interval ``low`` to ``high``, ``(event, ratio)``: the event is the positive label,
        or each label with more than two.

    Examples
    --------
    >>> from bayesgeo.metrics.base import block_weights
    >>> y = np.arange(40) % 4 == 0
    >>> predictions = xr.Dataset({"probability": (("obs", "label"), np.column_stack([1.0 - y, y]))})
    >>> blocks = block_weights(np.arange(40), resamples=200, seed=0)
    >>> found = economic_value(predictions, y.astype(int), ("no", "yes"), blocks, prob=0.9)
    >>> float(found["value"].sel(event="yes", ratio=0.2))
    1.0
    """
    probability = predictions["probability"].values
    codes = [1] if len(labels) == 2 else list(range(len(labels)))
    rows = np.stack([expense_rows(probability[:, k], y == k, RATIOS) for k in codes], axis=1)
    samples = value_of(bootstrap(rows, *blocks), RATIOS)
    low, high = intervals(samples, blocks[1].shape[1], prob=prob, bounds=(-np.inf, 1.0))
    columns = {"value": value_of(rows.mean(axis=0), RATIOS), "low": low, "high": high}
    return xr.Dataset(
        {name: (("event", "ratio"), column) for name, column in columns.items()},
        coords={"event": [labels[k] for k in codes], "ratio": RATIOS},
        attrs={"prob": prob},
    )
