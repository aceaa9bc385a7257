"""Initialise a network, deterministic or the chains of a Bayesian one, from a fitted deterministic network."""

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.special import expit

from bayesgeo._check import invalid, shown
from bayesgeo.models.networks.graph import LEAST_SD
from bayesgeo.models.networks.noise import raw

Weights = dict[str, np.ndarray]


def start_from(fitted: Any, model: Any) -> Callable[[np.random.Generator, int], tuple[Weights, Weights]]:
    """Return the start of each chain: the members of ``fitted`` in turn, in the units of ``model``.

    Returns
    -------
    callable
        Given a generator and the number of the chain, the weights of its network, and values of the noise by name.

    Raises
    ------
    InvalidInput
        If ``fitted`` is not a fitted network of the same architecture, for the same task.
    """
    weights = getattr(fitted, "weights_", None)
    if weights is None:
        raise invalid("start", type(fitted).__name__, "It has no weights.", "Give a fitted MLP or deep ensemble.")
    _check(fitted, model)
    members = _members(weights)

    def start(rng: np.random.Generator, chain: int) -> tuple[Weights, Weights]:
        p = {name: values[chain % len(values)].copy() for name, values in members.items()}
        p |= _first_layer(p, fitted, model)
        others: Weights = {}
        if hasattr(model, "target_scale_"):
            sd = float(fitted.sigma_[chain % len(fitted.sigma_)]) / model.target_scale_
            p |= _last_layer(p, fitted, model, sd)
            if model.network_.outputs == 1:
                others = {"above_floor_log__": np.log(max(sd - model.noise_floor_, LEAST_SD))}
        elif model.network_.outputs == 1:
            p |= _log_odds(p, model)
        # A linear part starts at zero.
        return {name: p.get(name, np.zeros(shape)) for name, shape in model.network_.shapes.items()}, others

    return start


def _check(fitted: Any, model: Any) -> None:
    ours, theirs = (list(getattr(estimator, "classes_", ())) for estimator in (model, fitted))
    known = [
        (network.features, network.hidden, network.activation, network.norm)
        for network in (model.network_, fitted.network_)
    ]
    problem = ""
    if bool(ours) != bool(theirs):
        problem = "It is for classes." if theirs else "It is for values."
    elif ours != theirs:
        problem = f"Its classes are {shown(theirs)}; the model's are {shown(ours)}."
    elif known[0] != known[1]:
        problem = f"Its features, hidden layers with activation and norm are {known[1]}; the model's are {known[0]}."
    if problem:
        raise invalid("start", type(fitted).__name__, problem, "Start from a network of the same architecture.")


def _members(weights: Weights) -> Weights:
    """Return the weights with one leading dimension, the member."""
    return {
        name: values.reshape(-1, *values.shape[values.ndim - (2 if name.startswith("weight") else 1) :])
        for name, values in weights.items()
    }


def _first_layer(p: Weights, fitted: Any, model: Any) -> Weights:
    """Rescale the first layer to the Bayesian model's standardisation of the features."""
    shift = (model.center_ - fitted.center_) / fitted.scale_
    ratio = (model.scale_ / fitted.scale_)[:, None]
    return {"bias_0": p["bias_0"] + shift @ p["weight_0"], "weight_0": p["weight_0"] * ratio}


def _last_layer(p: Weights, fitted: Any, model: Any, sd: float) -> Weights:
    """Rescale the last layer to the Bayesian model's standardisation; initialise the noise at the network's ``sd``.

    The noise is a second output, if it differs by row.
    """
    weight, bias = _last(model)
    ratio = fitted.target_scale_ / model.target_scale_
    shift = (fitted.target_center_ - model.target_center_) / model.target_scale_
    first = {weight: p[weight][:, :1] * ratio, bias: p[bias][:1] * ratio + shift}
    if model.network_.outputs == 1:
        return first
    output = raw([sd], model.noise_floor_)
    second = {weight: np.zeros_like(first[weight]), bias: output}
    if fitted.network_.outputs == 2:
        # Softplus of another scale is no softplus: the same noise, and slope, where it is as wide as it is typically.
        theirs = raw([sd / ratio], fitted.noise_floor_)
        slope = ratio * expit(theirs) / expit(output)
        second = {weight: p[weight][:, 1:] * slope, bias: output + (p[bias][1:] - theirs) * slope}
    return {name: np.concatenate([first[name], second[name]], axis=-1) for name in first}


def _log_odds(p: Weights, model: Any) -> Weights:
    """Return the last layer of the log odds of the second class, from that of both."""
    return {name: p[name][..., 1:] - p[name][..., :1] for name in _last(model)}


def _last(model: Any) -> tuple[str, str]:
    k = model.network_.layers - 1
    return f"weight_{k}", f"bias_{k}"
