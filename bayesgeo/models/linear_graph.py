"""The map of the linear models and their PyMC graphs."""

from collections.abc import Mapping
from typing import Any

import numpy as np

INTERCEPT_SCALE = 10.0
# Noise prior worth one observation that says "a tenth of the variance is noise".
NOISE_SHAPE, NOISE_RATE = 0.5, 0.05


def forward(X: Any, p: Mapping[str, Any], xp: Any) -> Any:
    """Map features ``(obs, feature)`` to the linear predictor ``(..., obs[, label])``.

    Examples
    --------
    >>> p = {"weight": np.ones((4, 10, 2)), "intercept": np.zeros((4, 10))}
    >>> forward(np.ones((3, 2)), p, np).shape
    (4, 10, 3)
    """
    weight, intercept = p["weight"], p["intercept"]
    if weight.ndim - intercept.ndim == 1 and weight.ndim in (2, 4):
        return X @ weight + intercept[..., None, :]
    if xp is np:
        return (X @ weight[..., None])[..., 0] + intercept[..., None]
    # As a sum, not a product of matrices: numba compiles it in a quarter of the time and runs it as fast.
    return xp.sum(X * weight, axis=-1) + intercept


def _coefficients(prior: str, scale: float, unit: Any, shape: tuple[int, ...]) -> Any:
    import pymc as pm

    if prior == "normal":
        return pm.Normal("weight", 0, scale * unit, shape=shape)
    if prior == "laplace":
        return pm.Laplace("weight", 0, scale * unit, shape=shape)
    if prior == "flat":
        return pm.Flat("weight", shape=shape)
    local = pm.HalfCauchy("local", 1, shape=shape)
    overall = pm.HalfCauchy("overall", 1)
    z = pm.Normal("z", 0, 1, shape=shape)
    return pm.Deterministic("weight", z * local * overall * scale * unit)


def regression_graph(prior: str, scale: float, noise: str, n_features: int) -> Any:
    """Build the PyMC model of linear regression."""
    import pymc as pm
    import pytensor.tensor as pt

    with pm.Model() as model:
        X, y = pm.Data("X", np.zeros((2, n_features))), pm.Data("y", np.zeros(2))
        if prior == "flat":
            sigma = pm.Deterministic("sigma", pt.exp(pm.Flat("log_sigma")))
            intercept = pm.Flat("intercept")
        else:
            sigma = pm.Deterministic("sigma", pt.sqrt(pm.InverseGamma("variance", NOISE_SHAPE, NOISE_RATE)))
            intercept = pm.Normal("intercept", 0, INTERCEPT_SCALE * sigma)
        weight = _coefficients(prior, scale, sigma, (n_features,))
        mean = forward(X, {"weight": weight, "intercept": intercept}, pt)
        if noise == "normal":
            pm.Normal("outcome", mean, sigma, observed=y)
        else:
            pm.StudentT("outcome", nu=pm.Gamma("nu", 2, 0.1), mu=mean, sigma=sigma, observed=y)
    return model


def logistic_graph(prior: str, scale: float, n_features: int, n_labels: int) -> Any:
    """Build the PyMC model of logistic or softmax regression."""
    import pymc as pm
    import pytensor.tensor as pt

    with pm.Model() as model:
        X, y = pm.Data("X", np.zeros((2, n_features))), pm.Data("y", np.zeros(2, dtype=np.int64))
        if n_labels == 2:
            intercept = pm.Flat("intercept") if prior == "flat" else pm.Normal("intercept", 0, INTERCEPT_SCALE)
            p = {"weight": _coefficients(prior, scale, 1.0, (n_features,)), "intercept": intercept}
            log_odds = forward(X, p, pt)
            # The Bernoulli log likelihood in half the operations of pm.Bernoulli.
            pm.Potential("outcome", pt.sum(y * log_odds - pt.softplus(log_odds)))
        else:
            p = _softmax_parameters(prior, scale, n_features, n_labels)
            pm.Categorical("outcome", logit_p=forward(X, p, pt), observed=y)
    return model


def _softmax_parameters(prior: str, scale: float, n_features: int, n_labels: int) -> dict[str, Any]:
    import pymc as pm
    import pytensor.tensor as pt

    if prior != "flat":
        intercept = pm.Normal("intercept", 0, INTERCEPT_SCALE, shape=n_labels)
        return {"weight": _coefficients(prior, scale, 1.0, (n_features, n_labels)), "intercept": intercept}
    # A flat prior leaves a common shift of all classes free: hold the first at zero.
    free = pm.Flat("free", shape=(n_features + 1, n_labels - 1))
    full = pt.concatenate([pt.zeros((n_features + 1, 1)), free], axis=1)
    return {
        "weight": pm.Deterministic("weight", full[1:]),
        "intercept": pm.Deterministic("intercept", full[0]),
    }
