"""The PyMC graphs of Bayesian neural networks."""

from typing import Any

import numpy as np

from bayesgeo.models.architecture import ACTIVATIONS, Network
from bayesgeo.models.regression.graph import log_probability

PRIORS = ("normal", "hierarchical")
# Scalars that each kind of noise adds to the posterior.
NOISE = {"constant": ("sigma",), "student-t": ("sigma", "nu"), "heteroscedastic": (), "classes": ()}
LEAST_SD = 1e-3  # of the standardised target: keeps the likelihood bounded where a network interpolates a row
# Four degrees of freedom let a layer's scale move by a factor of two or three, and keep it from zero.
SCALE_SHAPE = 2.0


def network_graph(network: Network, prior: str, scales: tuple[float, ...], noise: str) -> Any:
    """Build the PyMC model of a network over standardised rows.

    Parameters
    ----------
    network : Network
        Its last layer has one output, two for ``"heteroscedastic"``, one for each class for ``"classes"``.
    prior : {"normal", "hierarchical"}
        Whether the scale of each layer's weights is given or learned.
    scales : tuple of float
        Scale of each layer's prior.
    noise : {"constant", "heteroscedastic", "student-t", "classes"}
        Distribution of the outcome around the outputs.
    """
    import pymc as pm
    import pytensor.tensor as pt

    with pm.Model() as model:
        X = pm.Data("X", np.zeros((2, network.features)))
        p: dict[str, Any] = {}
        for k, scale in enumerate(scales):
            unit = _learned_scale(k, scale) if prior == "hierarchical" else scale
            p[f"weight_{k}"] = pm.Normal(f"weight_{k}", 0, unit, shape=network.shapes[f"weight_{k}"])
            p[f"bias_{k}"] = pm.Normal(f"bias_{k}", 0, scale, shape=network.shapes[f"bias_{k}"])
        _outcome(network.forward(X, p, pt), network.outputs, noise)
    return model


def _learned_scale(k: int, scale: float) -> Any:
    import pymc as pm
    import pytensor.tensor as pt

    variance = pm.InverseGamma(f"variance_{k}", SCALE_SHAPE, SCALE_SHAPE * scale**2)
    return pm.Deterministic(f"scale_{k}", pt.sqrt(variance))


def _outcome(outputs: Any, n_outputs: int, noise: str) -> None:
    import pymc as pm
    import pytensor.tensor as pt

    if noise == "classes":
        y = pm.Data("y", np.zeros(2, dtype=np.int64))
        pm.Potential("outcome", log_probability(y, outputs, n_outputs))
        return
    y = pm.Data("y", np.zeros(2))
    if noise == "heteroscedastic":
        pm.Normal("outcome", outputs[:, 0], noise_sd(outputs[:, 1], pt), observed=y)
        return
    sigma = pm.HalfNormal("sigma", 1)
    if noise == "constant":
        pm.Normal("outcome", outputs[:, 0], sigma, observed=y)
    else:
        pm.StudentT("outcome", nu=pm.Gamma("nu", 2, 0.1), mu=outputs[:, 0], sigma=sigma, observed=y)


def noise_sd(output: Any, xp: Any) -> Any:
    """Return the noise by row from the second output: softplus, with a floor.

    Examples
    --------
    >>> noise_sd(np.array([-50.0, 50.0]), np).round(3).tolist()
    [0.001, 50.001]
    """
    return ACTIVATIONS["softplus"](output, xp) + LEAST_SD
