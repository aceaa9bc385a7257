"""Scores of predicted values and their distributions."""

import numpy as np
import xarray as xr
from scipy import special

from bayesgeo.metrics.base import Metric

COVERAGE = 0.9


def summarise_values(
    expected: xr.DataArray, response: xr.DataArray, log_density: xr.DataArray, y: np.ndarray
) -> xr.Dataset:
    r"""Reduce draws of a predicted value to what is known of each row.

    Parameters
    ----------
    expected, response : xarray.DataArray
        ``(chain, draw, obs)`` draws of the mean, and of the outcome with its noise.
    log_density : xarray.DataArray
        ``(chain, draw, obs)`` log density of the observed value given each draw.
    y : numpy.ndarray
        ``(obs,)`` observed values.

    Returns
    -------
    xarray.Dataset
        ``mean``, ``low`` and ``high`` (equal-tailed, probability 0.9), ``log_density`` of the mixture over draws,
        ``crps``, and ``aleatoric`` and ``epistemic`` variance, which add up (law of total variance).

    Examples
    --------
    >>> zero = xr.DataArray(np.zeros((1, 4, 1)), dims=("chain", "draw", "obs"))
    >>> float(summarise_values(zero, zero, zero, np.array([2.0]))["crps"][0])
    2.0
    """
    sample = ("chain", "draw")
    n_draws = log_density.sizes["chain"] * log_density.sizes["draw"]
    low, high = (response.quantile(level, sample).drop_vars("quantile") for level in _levels(COVERAGE))
    epistemic = expected.var(sample)
    return xr.Dataset(
        {
            "mean": expected.mean(sample),
            "low": low,
            "high": high,
            "log_density": log_density.reduce(special.logsumexp, sample) - np.log(n_draws),
            "crps": ("obs", _crps(response.transpose("obs", ...).values.reshape(len(y), -1), y)),
            "epistemic": epistemic,
            "aleatoric": (response.var(sample) - epistemic).clip(min=0.0),
        }
    )


def _levels(prob: float) -> tuple[float, float]:
    return (1 - prob) / 2, (1 + prob) / 2


def _crps(draws: np.ndarray, y: np.ndarray) -> np.ndarray:
    from scores.probability import crps_for_ensemble

    ensemble = xr.DataArray(draws, dims=("obs", "member"))
    score = crps_for_ensemble(
        ensemble,
        xr.DataArray(y, dims="obs"),
        ensemble_member_dim="member",
        method="ecdf",
        preserve_dims="obs",
    )
    return score.values


def _covered(predictions: xr.Dataset, y: np.ndarray) -> np.ndarray:
    return ((predictions["low"].values <= y) & (y <= predictions["high"].values)).astype(float)


rmse = Metric("rmse", "regression", lambda p, y: (p["mean"].values - y) ** 2, np.sqrt)
crps = Metric("crps", "regression", lambda p, _: p["crps"].values)
log_density = Metric(
    "log_score",
    "regression",
    lambda p, _: p["log_density"].values,
    greater_is_better=True,
    bounds=(-np.inf, np.inf),
)
coverage_90 = Metric("coverage_90", "regression", _covered, greater_is_better=True, bounds=(0.0, 1.0))

__all__ = ["coverage_90", "crps", "log_density", "rmse"]
