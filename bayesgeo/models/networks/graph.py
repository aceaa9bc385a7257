"""The PyMC graphs of Bayesian neural networks: a linear model with a network of scaled weights added to it."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy import linalg

from bayesgeo.models.architecture import ACTIVATIONS, Network
from bayesgeo.models.regression.graph import INTERCEPT_SCALE, contrasts, log_probability, whitened, whitening

# Scalars that each kind of noise adds to the posterior.
NOISE = {"constant": ("sigma",), "student-t": ("sigma", "nu"), "heteroscedastic": (), "classes": ()}
LEAST_SD = 1e-3  # of the standardised target: keeps the likelihood bounded where a network interpolates a row
LINEAR_SCALE = 1.0  # of the coefficients of the linear part, on the standardised scale
NOISE_SCALE = 1.0  # of the last layer's weights of the noise, before the division by the root of the width
RELEVANCE = "signed_relevance"
NU_SHAPE, NU_RATE = 2.0, 0.1  # prior of the degrees of freedom of Student-t noise (Juárez & Steel 2010)
LEAST_SHARE = 0.3  # of the variance that the linear part leaves, taken as noise for its coordinates


def network_graph(
    network: Network, scales: tuple[float, ...], noise: str, *, n_labels: int = 0, relevances: bool = True
) -> Any:
    r"""Build the PyMC model of a nested network over standardised rows.

    :math:`f(x) = \alpha + x^T \beta + g(a \circ x)`, with a network :math:`g` whose weights of layer :math:`l` have
    standard deviation :math:`s_l` over the root of the number of inputs, and a relevance :math:`a_j \sim N(0, 1)` of
    each input. All variables are of unit scale: samplers see the prior as a unit normal.

    Parameters
    ----------
    network : Network
        With a linear part. Its last layer has one output; two for ``"heteroscedastic"``, and one for each class of more
        than two.
    scales : tuple of float
        The scale of each layer.
    noise : {"constant", "heteroscedastic", "student-t", "classes"}
        Distribution of the outcome around the outputs.
    n_labels : int
        Number of classes.
    relevances : bool
        Whether the relevances of the inputs are learned; else they are one.
    """
    import pymc as pm
    import pytensor.tensor as pt

    with pm.Model() as model:
        X = pm.Data("X", np.zeros((2, network.features)))
        p = _layers(network, weight_sds(network, scales, noise), relevances=relevances)
        p |= _linear(network, noise, n_labels)
        outputs = network.forward(X, p, pt)
        if noise == "classes":
            _classes(outputs, n_labels)
        else:
            _values(outputs, noise)
    return model


def weight_sds(network: Network, scales: tuple[float, ...], noise: str) -> list[np.ndarray]:
    """Return the prior standard deviation ``(output,)`` of the weights of each layer, relevances aside.

    Examples
    --------
    >>> [sd.tolist() for sd in weight_sds(Network(4, (1,), 2, linear=True), (2.0, 4.0), "heteroscedastic")]
    [[1.0], [4.0, 1.0]]
    """
    sizes = network.sizes
    sds = [np.full(sizes[k + 1], scale / np.sqrt(sizes[k])) for k, scale in enumerate(scales)]
    if noise == "heteroscedastic":
        sds[-1][1] = NOISE_SCALE / np.sqrt(sizes[-2])
    return sds


def _layers(network: Network, sds: list[np.ndarray], *, relevances: bool) -> dict[str, Any]:
    """Add the weights of all layers, and the biases of the hidden ones."""
    import pymc as pm
    import pytensor
    import pytensor.tensor as pt

    sizes, p = network.sizes, {}
    for k, sd in enumerate(sds):
        weight = pm.Normal(f"unit_weight_{k}", 0, 1, shape=sizes[k : k + 2]) * sd.astype(pytensor.config.floatX)
        if k == 0 and relevances:
            signed = pm.Normal(RELEVANCE, 0, 1, shape=network.features)
            pm.Deterministic("relevance", pt.abs(signed))
            weight = signed[:, None] * weight
        p[f"weight_{k}"] = pm.Deterministic(f"weight_{k}", weight)
        if k < len(sds) - 1:
            p[f"bias_{k}"] = pm.Normal(f"bias_{k}", 0, 1, shape=sizes[k + 1])
    return p


def _linear(network: Network, noise: str, n_labels: int) -> dict[str, Any]:
    """Add the linear part, whose intercept is the bias of the last layer."""
    import pymc as pm
    import pytensor.tensor as pt

    part = whitened("normal", LINEAR_SCALE, network.features, max(n_labels, 2))
    bias, slope = part["intercept"], part["weight"]
    if n_labels <= 2:
        bias, slope = bias[None], slope[:, None]
    if noise == "heteroscedastic":
        bias = pt.concatenate([bias, pm.Normal("noise_bias", 0, 1)[None]])
        slope = pt.concatenate([slope, pt.zeros_like(slope)], axis=1)
    last = f"bias_{network.layers - 1}"
    return {last: pm.Deterministic(last, bias), "linear": pm.Deterministic("linear", slope)}


def _classes(outputs: Any, n_labels: int) -> None:
    import pymc as pm
    import pytensor.tensor as pt

    y = pm.Data("y", np.zeros(2, dtype=np.int64))
    odds = outputs[:, 0]
    # Of two classes the Bernoulli log likelihood, of more the categorical one.
    pm.Potential("outcome", y * odds - pt.softplus(odds) if n_labels == 2 else log_probability(y, outputs, n_labels))


def _values(outputs: Any, noise: str) -> None:
    import pymc as pm
    import pytensor.tensor as pt

    y, floor = pm.Data("y", np.zeros(2)), pm.Data("floor", np.zeros(()))
    if noise == "heteroscedastic":
        pm.Normal("outcome", outputs[:, 0], noise_sd(outputs[:, 1], floor, pt), observed=y)
        return
    sigma = pm.Deterministic("sigma", pm.HalfNormal("above_floor", 1) + floor)
    if noise == "constant":
        pm.Normal("outcome", outputs[:, 0], sigma, observed=y)
    else:
        pm.StudentT("outcome", nu=pm.Gamma("nu", NU_SHAPE, NU_RATE), mu=outputs[:, 0], sigma=sigma, observed=y)


def noise_sd(output: Any, floor: Any, xp: Any) -> Any:
    """Return the noise by row from the second output: softplus, above a floor.

    Examples
    --------
    >>> noise_sd(np.array([-50.0, 50.0]), 0.001, np).round(3).tolist()
    [0.001, 50.001]
    """
    return ACTIVATIONS["softplus"](output, xp) + floor


def linear_coordinates(X: np.ndarray, y: np.ndarray, n_labels: int) -> dict[str, np.ndarray]:
    """Return the mode of the linear part alone, and a factor of the inverse curvature there.

    Sampling in these coordinates changes the path of a sampler, never the posterior.

    Parameters
    ----------
    X : numpy.ndarray
        ``(obs, feature)``, standardised.
    y : numpy.ndarray
        ``(obs,)`` standardised values, or codes of classes.
    n_labels : int
        Number of classes; 0 for values.

    Examples
    --------
    >>> found = linear_coordinates(np.array([[-1.0], [0.0], [1.0]]), np.array([-1.0, 0.0, 1.0]), 0)
    >>> found["center"].shape, found["factor"].shape
    ((2,), (2, 2))
    """
    if n_labels:
        return whitening(X, y, "normal", LINEAR_SCALE)
    design = np.c_[np.ones(len(X)), X]
    prior = np.diag(np.r_[INTERCEPT_SCALE, np.full(X.shape[1], LINEAR_SCALE)] ** -2.0)
    square = design.T @ design
    mode = linalg.solve(square + prior, design.T @ y, assume_a="pos")
    variance = max(LEAST_SHARE * np.mean((y - design @ mode) ** 2), LEAST_SD)
    factor = linalg.cholesky(square / variance + prior, lower=True)
    return {"center": mode, "factor": linalg.solve_triangular(factor, np.eye(len(mode)), lower=True).T}


def unit_values(
    p: Mapping[str, np.ndarray],
    network: Network,
    scales: tuple[float, ...],
    noise: str,
    coordinates: Mapping[str, np.ndarray],
) -> dict[str, np.ndarray]:
    """Return the unconstrained values at which the graph has the weights ``p``, if all relevances are one."""
    last = network.layers - 1
    values = {f"unit_weight_{k}": p[f"weight_{k}"] / sd for k, sd in enumerate(weight_sds(network, scales, noise))}
    values |= {f"bias_{k}": p[f"bias_{k}"] for k in range(last)}
    theta = np.vstack([p[f"bias_{last}"], p["linear"]])
    if noise == "heteroscedastic":
        values["noise_bias"] = theta[0, 1]
        theta = theta[:, :1]
    elif theta.shape[1] > 1:
        theta = theta @ contrasts(theta.shape[1])
    away = theta.ravel() - coordinates["center"]
    return values | {"z": linalg.solve_triangular(coordinates["factor"], away)}
