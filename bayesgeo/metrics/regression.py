"""Scores of predicted values and their distributions."""

import numpy as np
import xarray as xr

from bayesgeo.metrics.base import Metric
from bayesgeo.probability.log_mean import log_mean_exp

COVERAGE = 0.9


def summarise_values(
    predictive: xr.Dataset, response: xr.DataArray, log_density: xr.DataArray, y: np.ndarray
) -> xr.Dataset:
    r"""Reduce draws of a predicted value to what is known of each row.

    Parameters
    ----------
    predictive : xarray.Dataset
        The distribution that each draw predicts: ``expected (chain, draw, obs)``, ``sigma`` over some of these
        and, for Student-t noise, ``nu``.
    response : xarray.DataArray
        ``(chain, draw, obs)`` draws of the outcome with its noise.
    log_density : xarray.DataArray
        ``(chain, draw, obs)`` log density of the observed value given each draw.
    y : numpy.ndarray
        ``(obs,)`` observed values.

    Returns
    -------
    xarray.Dataset
        ``mean``, ``low`` and ``high`` (equal-tailed, probability 0.9), ``log_density`` of the mixture over draws,
        ``crps``, and the variances ``aleatoric`` and ``epistemic``, the mean over draws of :func:`noise_variance`
        and the variance over draws of what is expected. They add up to the variance of the outcome:
        :math:`V[y] = E[V[y \mid \theta]] + V[E[y \mid \theta]]`.

    Examples
    --------
    >>> zero = xr.DataArray(np.zeros((1, 4, 1)), dims=("chain", "draw", "obs"))
    >>> summary = summarise_values(xr.Dataset({"expected": zero, "sigma": 3.0}), zero, zero, np.array([2.0]))
    >>> float(summary["crps"][0]), float(summary["aleatoric"][0])
    (2.0, 9.0)
    """
    sample, expected = ("chain", "draw"), predictive["expected"]
    low, high = (response.quantile(level, sample).drop_vars("quantile") for level in _levels(COVERAGE))
    return xr.Dataset(
        {
            "mean": expected.mean(sample),
            "low": low,
            "high": high,
            "log_density": log_density.reduce(log_mean_exp, sample),
            "crps": ("obs", _crps(response.transpose("obs", ...).values.reshape(len(y), -1), y)),
            "epistemic": expected.var(sample),
            "aleatoric": noise_variance(predictive).broadcast_like(expected).mean(sample),
        }
    )


def noise_variance(predictive: xr.Dataset) -> xr.DataArray:
    r"""Return the variance of the noise given each draw: :math:`\sigma^2`, or :math:`\sigma^2 \nu / (\nu - 2)`.

    Student-t noise with :math:`\nu \le 2` has infinite variance, and so has a mixture with one such draw: a sample
    of it would look finite, and another sample would look otherwise.

    Examples
    --------
    >>> nu = xr.DataArray([[4.0, 2.0]], dims=("chain", "draw"))
    >>> noise_variance(xr.Dataset({"sigma": 3.0, "nu": nu})).values
    array([[18., inf]])
    """
    variance = predictive["sigma"] ** 2
    if "nu" not in predictive:
        return variance
    nu = predictive["nu"]
    return variance * (nu / (nu - 2)).where(nu > 2, np.inf)


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
