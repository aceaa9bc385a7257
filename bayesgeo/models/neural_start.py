"""Where the chains of a Bayesian network begin: at a fitted deterministic network."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from bayesgeo._check import invalid
from bayesgeo.models.network import Network

Weights = Mapping[str, np.ndarray]


def start_from(fitted: Any, model: Any) -> Callable[[np.random.Generator, int], dict[str, np.ndarray]]:
    """Return the start of each chain: the members of ``fitted`` in turn, in the units of the Bayesian ``model``.

    Raises
    ------
    InvalidInput
        If ``fitted`` is no fitted network of the same architecture.
    """
    weights = getattr(fitted, "weights_", None)
    if weights is None:
        raise invalid("start", type(fitted).__name__, "It has no weights.", "Give a fitted MLP or deep ensemble.")
    members = _members(weights)
    network = model.network_

    def start(rng: np.random.Generator, chain: int) -> dict[str, np.ndarray]:
        p = {name: values[chain % len(values)].copy() for name, values in members.items()}
        return _rescaled(p, fitted, model, network)

    return start


def _members(weights: Weights) -> dict[str, np.ndarray]:
    """Return the weights with one leading dimension, the member."""
    return {
        name: values.reshape(-1, *values.shape[values.ndim - (2 if name.startswith("weight") else 1) :])
        for name, values in weights.items()
    }


def _rescaled(p: dict[str, np.ndarray], fitted: Any, model: Any, network: Network) -> dict[str, np.ndarray]:
    """State the same function of raw rows through the standardisation of the Bayesian model."""
    shift = (model.center_ - fitted.center_) / fitted.scale_
    if p["weight_0"].shape[0] != len(shift):
        raise invalid("start", type(fitted).__name__, "It has another number of features.")
    p["bias_0"] = p["bias_0"] + shift @ p["weight_0"]
    p["weight_0"] = p["weight_0"] * (model.scale_ / fitted.scale_)[:, None]
    if not hasattr(model, "target_scale_"):
        return p
    last = network.layers - 1
    weight, bias = f"weight_{last}", f"bias_{last}"
    if weight not in p:
        return p
    ratio = fitted.target_scale_ / model.target_scale_
    p[weight] = p[weight] * ratio
    p[bias] = p[bias] * ratio + (fitted.target_center_ - model.target_center_) / model.target_scale_
    if network.outputs == 2:
        sd = float(np.mean(fitted.sigma_)) / model.target_scale_
        p[weight] = np.c_[p[weight], np.zeros(len(p[weight]))]
        p[bias] = np.r_[p[bias], np.log(np.expm1(sd))]
    return p
