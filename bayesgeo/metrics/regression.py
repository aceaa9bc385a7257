"""Scores of predicted values and their distributions.

Errors are of the averaged prediction (the posterior mean); the other scores are of the predictive distribution, the
mixture of the draws' distributions. None is an average of the draws' scores.
"""

import numpy as np
import xarray as xr

from bayesgeo._arrays import log_mean_exp
from bayesgeo.metrics.base import Means, Metric

COVERAGE = 0.9
PROBS = (0.5, 0.8, COVERAGE, 0.95)


def summarise_values(
    predictive: xr.Dataset, response: xr.DataArray, log_density: xr.DataArray, y: np.ndarray
) -> xr.Dataset:
    r"""Summarise draws of a predicted value by row.

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
        ``mean``, ``low`` and ``high`` (equal-tailed, probability 0.9), ``interval_low`` and ``interval_high (obs,
        prob)`` for each of :data:`PROBS`, ``log_density`` of the mixture over draws, ``crps``, ``pit``: the share of
        the outcome's draws below the observed value, those equal to it half, and the variances ``aleatoric`` and
        ``epistemic``, the mean over draws of :func:`noise_variance` and the variance over draws of the expected value.
        They add up to the variance of the outcome: :math:`V[y] = E[V[y \mid \theta]] + V[E[y \mid \theta]]`.

    Examples
    --------
    >>> zero = xr.DataArray(np.zeros((1, 4, 1)), dims=("chain", "draw", "obs"))
    >>> summary = summarise_values(xr.Dataset({"expected": zero, "sigma": 3.0}), zero, zero, np.array([2.0]))
    >>> float(summary["crps"][0]), float(summary["aleatoric"][0])
    (2.0, 9.0)
    """
    sample, expected = ("chain", "draw"), predictive["expected"]
    draws = response.transpose("obs", ...).values.reshape(len(y), -1)
    low, high = (np.quantile(draws, levels, axis=1).T for levels in _levels(np.array(PROBS)))
    central = PROBS.index(COVERAGE)
    return xr.Dataset(
        {
            "mean": expected.mean(sample),
            "low": ("obs", low[:, central]),
            "high": ("obs", high[:, central]),
            "interval_low": (("obs", "prob"), low),
            "interval_high": (("obs", "prob"), high),
            "log_density": log_density.reduce(log_mean_exp, sample),
            "crps": ("obs", _crps(draws, y)),
            "pit": ("obs", _pit(draws, y)),
            "epistemic": expected.var(sample),
            "aleatoric": noise_variance(predictive).broadcast_like(expected).mean(sample),
        },
        coords={"prob": list(PROBS)},
    )


def noise_variance(predictive: xr.Dataset) -> xr.DataArray:
    r"""Return the variance of the noise given each draw: :math:`\sigma^2`, or :math:`\sigma^2 \nu / (\nu - 2)`.

    Student-t noise with :math:`\nu \le 2` has infinite variance, and so has a mixture with one such draw: the variance
    of a finite sample does not estimate it.

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


def _levels(prob: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return (1 - prob) / 2, (1 + prob) / 2


def _pit(draws: np.ndarray, y: np.ndarray) -> np.ndarray:
    below, equal = draws < y[:, None], draws == y[:, None]
    return below.mean(axis=1) + equal.mean(axis=1) / 2


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


def _coverage(prob: float) -> Metric:
    """Make the share of rows inside the equal-tailed interval of a probability; the best value is that probability."""

    def rows(predictions: xr.Dataset, y: np.ndarray) -> np.ndarray:
        low, high = _ends(predictions, prob)
        return ((low <= y) & (y <= high)).astype(float)

    return Metric(
        f"coverage_{prob:.0%}".removesuffix("%"),
        "regression",
        Means(rows),
        best=prob,
        bounds=(0.0, 1.0),
        of="predictive distribution",
        title=f"{prob:.0%} coverage".replace("%", " %"),
        column=4 if prob == COVERAGE else None,
    )


def _interval_score(prob: float) -> Metric:
    r"""Make the interval score: width, and for a miss :math:`2 / (1 - p)` times the distance.

    Winkler (1972); Gneiting and Raftery (2007), Journal of the American Statistical Association 102:359, equation 43.
    """

    def rows(predictions: xr.Dataset, y: np.ndarray) -> np.ndarray:
        low, high = _ends(predictions, prob)
        return (high - low) + 2 / (1 - prob) * (np.maximum(low - y, 0) + np.maximum(y - high, 0))

    name = f"interval_score_{prob:.0%}".removesuffix("%")
    return Metric(name, "regression", Means(rows), of="predictive distribution")


def _ends(predictions: xr.Dataset, prob: float) -> tuple[np.ndarray, np.ndarray]:
    chosen = predictions.sel(prob=prob)
    return chosen["interval_low"].values, chosen["interval_high"].values


def _errors(predictions: xr.Dataset, y: np.ndarray) -> np.ndarray:
    return predictions["mean"].values - y


rmse = Metric("rmse", "regression", Means(lambda p, y: _errors(p, y) ** 2, np.sqrt), title="RMSE", column=2)
mae = Metric("mae", "regression", Means(lambda p, y: np.abs(_errors(p, y))))
crps = Metric(
    "crps",
    "regression",
    Means(lambda p, _: p["crps"].values),
    of="predictive distribution",
    title="CRPS",
    column=3,
    proper=True,
)
log_score = Metric(
    "log_score",
    "regression",
    Means(lambda p, _: p["log_density"].values),
    best="greater",
    bounds=(-np.inf, np.inf),
    of="predictive distribution",
    column=1,
    proper=True,
)
coverage_50, coverage_80, coverage_90, coverage_95 = map(_coverage, PROBS)
interval_score_50, interval_score_80, interval_score_90, interval_score_95 = map(_interval_score, PROBS)

__all__ = [
    "coverage_50",
    "coverage_80",
    "coverage_90",
    "coverage_95",
    "crps",
    "interval_score_50",
    "interval_score_80",
    "interval_score_90",
    "interval_score_95",
    "log_score",
    "mae",
    "rmse",
]
