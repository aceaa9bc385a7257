"""Draws of the prior of a Bayesian network, by NumPy: what :mod:`bayesgeo.models.networks.graph` states."""

import copy
from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from bayesgeo.models.architecture import Network
from bayesgeo.models.networks.graph import INTERCEPT_SCALE, LINEAR_SCALE, NU_RATE, NU_SHAPE, weight_sds
from bayesgeo.models.regression.graph import contrasts

DRAWS = ("chain", "draw")


def prior_draws(
    network: Network,
    scales: tuple[float, ...],
    noise: str,
    floor: float,
    *,
    equal: np.ndarray,
    rng: np.random.Generator,
) -> dict[str, np.ndarray]:
    """Draw weights and noise of :func:`bayesgeo.models.networks.graph.network_graph` from its prior.

    Parameters
    ----------
    network, scales, noise
        As there.
    floor : float
        The least noise, in units of the standardised target.
    equal : numpy.ndarray
        ``(draw,)``: whether the relevances of a draw are all one.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    dict of numpy.ndarray
        ``(draw, ...)``: each of ``network.shapes``, ``relevance``, and ``sigma`` and ``nu`` where the noise has them.

    Examples
    --------
    >>> network = Network(3, (4,), 1, linear=True)
    >>> equal = np.array([True, False])
    >>> p = prior_draws(network, (1.0, 1.0), "constant", 0.01, equal=equal, rng=np.random.default_rng(0))
    >>> p["weight_0"].shape, p["relevance"][0].tolist(), bool((p["sigma"] > 0.01).all())
    ((2, 3, 4), [1.0, 1.0, 1.0], True)
    """
    n = len(equal)
    p = {}
    for k, sd in enumerate(weight_sds(network, scales, noise)):
        p[f"weight_{k}"] = sd * rng.normal(size=(n, *network.sizes[k : k + 2]))
        p[f"bias_{k}"] = rng.normal(size=(n, network.sizes[k + 1]))
    signed = np.where(equal[:, None], 1.0, rng.normal(size=(n, network.features)))
    p["weight_0"] = signed[..., None] * p["weight_0"]
    p |= {"relevance": np.abs(signed)} | _linear(network, noise, n, rng)
    if noise in ("constant", "student-t"):
        p["sigma"] = floor + np.abs(rng.normal(size=n))
    if noise == "student-t":
        p["nu"] = rng.gamma(NU_SHAPE, 1 / NU_RATE, n)
    return p


def _linear(network: Network, noise: str, n: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Draw the linear part, whose intercept is the bias of the last layer."""
    by_class = network.outputs > 1 and noise == "classes"
    free = network.outputs - 1 if by_class else 1
    intercept = INTERCEPT_SCALE * rng.normal(size=(n, free))
    slope = LINEAR_SCALE * rng.normal(size=(n, network.features, free))
    if by_class:
        along = contrasts(network.outputs).T
        intercept, slope = intercept @ along, slope @ along
    elif noise == "heteroscedastic":
        intercept = np.concatenate([intercept, rng.normal(size=(n, 1))], axis=-1)
        slope = np.concatenate([slope, np.zeros_like(slope)], axis=-1)
    return {f"bias_{network.layers - 1}": intercept, "linear": slope}


def equal_chains(posterior: xr.Dataset) -> np.ndarray:
    """Tell which chains keep all relevances at one, ``(chain,)``.

    Examples
    --------
    >>> relevance = (("chain", "draw", "feature"), [[[1.0, 1.0]] * 2, [[0.2, 1.3], [0.3, 1.1]]])
    >>> equal_chains(xr.Dataset({"relevance": relevance})).tolist()
    [True, False]
    """
    if "relevance" not in posterior:
        return np.ones(posterior.sizes["chain"], dtype=bool)
    return np.asarray((posterior["relevance"] == 1).all([dim for dim in posterior["relevance"].dims if dim != "chain"]))


def with_draws(model: Any, draws: xr.Dataset) -> Any:
    """Return the model with other draws ``(chain, draw, ...)`` of the variables of its posterior."""
    other = copy.copy(model)
    other.posterior_ = xr.DataTree.from_dict({"posterior": draws})
    return other


def one_chain(draws: Mapping[str, np.ndarray], dims: Mapping[str, tuple[str, ...]]) -> xr.Dataset:
    """Name the dimensions of independent draws ``(draw, ...)`` as one chain."""
    return xr.Dataset({name: ((*DRAWS, *where), draws[name][None]) for name, where in dims.items()})
