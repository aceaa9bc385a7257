"""The linear predictor and the PyMC graphs of the linear models."""

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy import linalg
from sklearn.linear_model import LogisticRegression

WHITENED = ("normal", "flat")
INTERCEPT_SCALE = 10.0
# Noise prior worth one observation with a tenth of the variance as noise.
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


def coefficients(prior: str, scale: float, unit: Any, shape: tuple[int, ...]) -> Any:
    """Add coefficients ``weight`` to the PyMC model; ``unit`` is the scale of the noise, or one."""
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
        weight = coefficients(prior, scale, sigma, (n_features,))
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
        if prior in WHITENED:
            p = whitened(prior, scale, n_features, n_labels)
        else:
            label = () if n_labels == 2 else (n_labels,)
            intercept = pm.Normal("intercept", 0, INTERCEPT_SCALE, shape=label)
            p = {"weight": coefficients(prior, scale, 1.0, (n_features, *label)), "intercept": intercept}
        predictor = forward(X, p, pt)
        if n_labels == 2:
            # The Bernoulli log likelihood in half the operations of pm.Bernoulli.
            pm.Potential("outcome", y * predictor - pt.softplus(predictor))
        else:
            pm.Potential("outcome", log_probability(y, predictor, n_labels))
    return model


def log_probability(y: Any, outputs: Any, n_labels: int) -> Any:
    """Return the log probability of classes ``y (obs,)`` by softmax of ``outputs (obs, label)``, ``(obs,)``."""
    import pytensor.tensor as pt

    # Along rows: two thirds of the time of pm.Categorical.
    by_class = outputs.T
    hit = pt.eq(y, np.arange(n_labels)[:, None])
    return pt.sum(hit * by_class, axis=0) - pt.logsumexp(by_class, axis=0)


def whitened(prior: str, scale: float, n_features: int, n_labels: int) -> dict[str, Any]:
    """Parametrise the coefficients so that the posterior is nearly a unit normal.

    With more than two classes only differences between classes matter: the coefficients are those along
    orthonormal contrasts, which have the same normal prior as the coefficients of the classes.
    """
    import pymc as pm
    import pytensor
    import pytensor.tensor as pt

    n_free = n_labels - 1
    size = (n_features + 1) * n_free
    center, factor = pm.Data("center", np.zeros(size)), pm.Data("factor", np.eye(size))
    theta = (center + pt.sum(factor * pm.Flat("z", shape=size), axis=1)).reshape((n_features + 1, n_free))
    if prior == "normal":
        pm.Potential("weight_prior", pm.logp(pm.Normal.dist(0, scale), theta[1:]).sum())
        pm.Potential("intercept_prior", pm.logp(pm.Normal.dist(0, INTERCEPT_SCALE), theta[0]).sum())
    theta = theta @ contrasts(n_labels).T.astype(pytensor.config.floatX) if n_labels > 2 else theta[:, 0]
    return {"weight": pm.Deterministic("weight", theta[1:]), "intercept": pm.Deterministic("intercept", theta[0])}


def contrasts(n_labels: int) -> np.ndarray:
    """Return the directions ``(label, free)`` along which class coefficients are sampled.

    Examples
    --------
    >>> contrasts(2).tolist()
    [[0.0], [1.0]]
    >>> contrasts(3).sum(axis=0).round(12).tolist()
    [0.0, 0.0]
    """
    return np.array([[0.0], [1.0]]) if n_labels == 2 else linalg.helmert(n_labels).T


def whitening(X: np.ndarray, y: np.ndarray, prior: str, scale: float) -> dict[str, np.ndarray]:
    r"""Return the mode and a factor of the inverse curvature there (the Laplace approximation).

    The curvature over intercepts and weights along the contrasts :math:`C` is
    :math:`\sum_i \tilde x_i \tilde x_i^T \otimes C^T (\mathrm{diag}(p_i) - p_i p_i^T) C + \Lambda`. Sampling in these
    coordinates changes the sampler's path, never the posterior.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> found = whitening(rng.normal(size=(50, 2)), rng.integers(3, size=50), "normal", 2.5)
    >>> found["center"].shape, found["factor"].shape
    ((6,), (6, 6))
    """
    mode = LogisticRegression(C=np.inf if prior == "flat" else scale**2, max_iter=200)
    with warnings.catch_warnings():
        # Where it stops only moves the origin of the coordinates.
        warnings.simplefilter("ignore")
        mode.fit(X, y)
    p, C = mode.predict_proba(X), contrasts(len(mode.classes_))
    design = np.c_[np.ones(len(X)), X]
    pC = p @ C
    curvature = np.zeros((design.shape[1], C.shape[1]) * 2)
    for a in range(C.shape[1]):
        for b in range(C.shape[1]):
            weight = p @ (C[:, a] * C[:, b]) - pC[:, a] * pC[:, b]
            curvature[:, a, :, b] = design.T @ (design * weight[:, None])
    size = design.shape[1] * C.shape[1]
    ridge = 1e-6 * len(X) / size if prior == "flat" else scale**-2.0
    factor = linalg.cholesky(curvature.reshape(size, size) + ridge * np.eye(size), lower=True)
    theta = np.vstack([mode.intercept_, mode.coef_.T]) @ (C if len(C) > 2 else np.eye(1))
    return {"center": theta.ravel(), "factor": linalg.solve_triangular(factor, np.eye(size), lower=True).T}
