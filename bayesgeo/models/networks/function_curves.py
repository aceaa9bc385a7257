"""Curves of a Bayesian network along single inputs: functions that its prior holds for possible, and its posterior."""

from typing import Any

import numpy as np
import xarray as xr

from bayesgeo._arrays import spaced
from bayesgeo.models.networks.prior_draws import with_draws
from bayesgeo.models.rows import Rows, TrainingRows

INPUTS, POINTS, CURVES = 4, 40, 20  # curves of the prior, at most so many inputs, and points along each
POSTERIOR_DRAWS = 400  # of all chains together: enough for a band that is only looked at
LEVEL_DRAWS = 1_000  # of the prior, for what it says with its intercept
PROB = 0.9
TAIL = 0.01  # of the rows beyond either end of a curve: one odd row must not stretch it


def function_curves(model: Any, rows: TrainingRows) -> xr.Dataset | None:
    """Return the expected outcome along single inputs, under the prior and under the posterior.

    All other inputs stay at their median. The inputs are those along which the posterior mean moves most. The outcome
    is a value in its unit; of two classes the probability of the second, of several that of the most common one. The
    intercept of the prior, which is wide on purpose, is left out of its curves: they lie around the mean of the target,
    or the log shares of the classes; the attributes tell how far apart prior functions lie with it.

    Parameters
    ----------
    model : BayesianMLPClassifier or BayesianMLPRegressor
        Fitted.
    rows : TrainingRows
        The rows that it learnt from.

    Returns
    -------
    xarray.Dataset or None
        ``x``, ``mean``, ``low`` and ``high (feature, point)`` of the posterior, ``prior (curve, feature, point)``, and
        units of the features; attributes ``prob`` of the band, ``label`` of the class (empty of values), ``inputs`` in
        all, and ``prior_low``, ``prior_high``: the band of the prior, with its intercept, where all inputs are at their
        median. None where no feature varies.
    """
    varying = np.flatnonzero(np.ptp(rows.X, axis=0) > 0)
    if not len(varying):
        return None
    median, x = np.median(rows.X, axis=0), {int(j): _points(rows.X[:, j]) for j in varying}
    at = {j: _along(median, j, points) for j, points in x.items()}
    label = _label(model, rows)
    posterior = model.posterior_["posterior"].to_dataset()
    few = spaced(posterior.sizes["draw"], -(-POSTERIOR_DRAWS // posterior.sizes["chain"]))
    after = with_draws(model, posterior.isel(draw=few))
    drawn = {j: _expected(after, where, label) for j, where in at.items()}
    moves = {j: np.ptp(draws.mean(axis=0)) for j, draws in drawn.items()}
    shown = sorted(moves, key=lambda j: -moves[j])[:INPUTS]
    before = _at_level(model.prior(CURVES, seed=model.seed_), rows)
    low, high = np.quantile([drawn[j] for j in shown], _tails(), axis=1)
    curve = ("feature", "point")
    variables = {
        "x": (curve, np.array([x[j] for j in shown])),
        "mean": (curve, np.array([drawn[j].mean(axis=0) for j in shown])),
        "low": (curve, low),
        "high": (curve, high),
        "prior": (("curve", *curve), np.stack([_expected(before, at[j], label) for j in shown], axis=1)),
    }
    return xr.Dataset(variables, _names(model, shown), _attributes(model, median, label, len(median)))


def _points(values: np.ndarray) -> np.ndarray:
    """Return points along an input: over all but the outermost rows, unless these alone vary."""
    low, high = np.quantile(values, [TAIL, 1 - TAIL])
    if low == high:
        low, high = values.min(), values.max()
    return np.linspace(low, high, POINTS)


def _along(median: np.ndarray, feature: int, points: np.ndarray) -> np.ndarray:
    rows = np.tile(median, (len(points), 1))
    rows[:, feature] = points
    return rows


def _label(model: Any, rows: TrainingRows) -> int | None:
    """Return the class whose probability is shown."""
    if not hasattr(model, "classes_"):
        return None
    return 1 if len(model.classes_) == 2 else int(np.bincount(rows.y).argmax())


def _expected(model: Any, X: np.ndarray, label: int | None) -> np.ndarray:
    """Return the expected outcome under each draw, ``(draw, point)``."""
    expected = model._expected(Rows(X, np.arange(len(X))))
    return (expected if label is None else expected[..., label]).reshape(-1, len(X))


def _at_level(model: Any, rows: TrainingRows) -> Any:
    """Return the model with the intercept at the mean of the target, or at the log shares of the classes."""
    posterior = model.posterior_["posterior"].to_dataset()
    level = np.zeros(1)
    if hasattr(model, "classes_"):
        level = np.log(np.bincount(rows.y))
        level = level[1:] - level[:1] if len(level) == 2 else level - level.mean()
    name = f"bias_{model.network_.layers - 1}"
    bias = posterior[name].copy()
    bias[..., : len(level)] = level
    return with_draws(model, posterior.assign({name: bias}))


def _attributes(model: Any, median: np.ndarray, label: int | None, inputs: int) -> dict[str, Any]:
    wide = _expected(model.prior(LEVEL_DRAWS, seed=model.seed_), median[None], label)
    low, high = np.quantile(wide, _tails())
    named = "" if label is None else str(model.classes_[label])
    return {"prob": PROB, "label": named, "inputs": inputs, "prior_low": float(low), "prior_high": float(high)}


def _names(model: Any, shown: list[int]) -> dict[str, Any]:
    posterior = model.posterior_["posterior"].to_dataset()
    units = getattr(model, "units_", [""] * len(posterior["feature"]))
    return {"feature": posterior["feature"].values[shown], "unit": ("feature", [units[j] for j in shown])}


def _tails() -> list[float]:
    return [(1 - PROB) / 2, (1 + PROB) / 2]
