"""A posterior without a sampler: draws scattered closely around a quick fit, so that tests need no compiler."""

from dataclasses import dataclass

import numpy as np
import xarray as xr
from sklearn.linear_model import LogisticRegression

from bayesgeo.inference.base import label_posterior
from bayesgeo.models.architecture import Network
from bayesgeo.models.networks.graph import LEAST_SD

SCATTER = 0.01  # of a standardised coefficient: far below what any score in the tests can resolve
RIDGE = 1e-2  # keeps the weights of the last layer small, and so the effect of the scatter below it


@dataclass(frozen=True)
class FakePosterior:
    """An inference of the right shape that every diagnostic calls healthy."""

    draws: int = 250
    chains: int = 4

    def run(self, problem, seed):
        rng = np.random.default_rng(seed)
        size = (self.chains, self.draws)
        fit = _fit(problem, rng) | _effects(problem)
        draws = {name: value + SCATTER * rng.normal(size=(*size, *np.shape(value))) for name, value in fit.items()}
        # Of equal scales places are predicted at once.
        draws |= {name: np.ones((*size, *np.shape(fit[name]))) for name in draws if name.endswith("_scale")}
        positive = [name for name in draws if name in ("sigma", "relevance") or name.endswith("_sd")]
        draws |= {name: np.abs(draws[name]) + 1e-6 for name in positive}
        if "nu" in problem.dims:
            draws["nu"] = rng.gamma(100.0, 0.3, size)
        tree = {"posterior": label_posterior(draws, problem), "sample_stats": healthy_statistics(rng, size)}
        tree = xr.DataTree.from_dict(tree)
        tree.attrs = {"inference": "FakePosterior", "kind": "chains", "title": "a fake", "seed": seed}
        tree.attrs |= {"interrupted": 0, "compile_seconds": 0.0, "sampling_seconds": 0.0}
        return tree


def healthy_statistics(rng, size):
    """Return sampler statistics without a divergence and with freely moving energy."""
    never = np.zeros(size, dtype=bool)
    dims = ("chain", "draw")
    statistics = {"diverging": never, "reached_max_treedepth": never, "energy": rng.normal(size=size)}
    return xr.Dataset({name: (dims, values) for name, values in statistics.items()})


def _fit(problem, rng):
    if "weight_0" in problem.dims:
        return _network(problem, rng)
    X, y = problem.data["X"], problem.data["y"]
    if "label" not in problem.coords:
        return _values(X, y)
    weight, intercept = _classes(X, y)
    if len(problem.coords["label"]) == 2:
        return {"intercept": intercept[1] - intercept[0], "weight": weight[:, 1] - weight[:, 0]}
    return {"intercept": intercept, "weight": weight}


def _effects(problem):
    """Let groups and places hardly differ."""
    ends = ("_effect", "_sd", "_correlation", "_scale", "_weight")
    names = [name for name in problem.dims if name.endswith(ends)]
    return {name: np.zeros([len(problem.coords[dim]) for dim in problem.dims[name]]) for name in names}


def _values(X, y, ridge=0.0):
    design = np.c_[np.ones(len(X)), X]
    penalty = np.sqrt(ridge * len(X)) * np.eye(design.shape[1])[1:]
    theta = np.linalg.lstsq(np.r_[design, penalty], np.r_[y, np.zeros(len(penalty))], rcond=None)[0]
    return {"intercept": theta[0], "weight": theta[1:], "sigma": np.std(y - design @ theta)}


def _classes(X, y):
    """Return weights ``(input, label)`` and intercepts ``(label,)``."""
    fit = LogisticRegression(C=10.0, max_iter=1000).fit(X, y)
    if len(fit.classes_) > 2:
        return fit.coef_.T, fit.intercept_
    return np.c_[-fit.coef_[0], fit.coef_[0]] / 2, np.r_[-fit.intercept_, fit.intercept_] / 2


def _network(problem, rng):
    """Leave the hidden layers random but for units that pass on the linear fit, and fit the last layer."""
    network = next(part for part in problem.build.args if isinstance(part, Network))
    p, last = network.start(rng), network.layers - 1
    X, y = problem.data["X"], problem.data["y"]
    classes = y.dtype.kind == "i"
    passed = _classes(X, y)[0] if classes else _values(X, y, RIDGE)["weight"][:, None]
    passed = passed / np.maximum((X @ passed).std(axis=0), 1e-6)
    for k in range(last):
        kept = min(passed.shape[1], *network.hidden[: k + 1])
        p[f"weight_{k}"][:, :kept] = (passed if k == 0 else np.eye(len(p[f"weight_{k}"])))[:, :kept]
    hidden = _hidden(network, p, X)
    if classes:
        weight, bias = _classes(hidden, y)
        if network.outputs == 1:
            weight, bias = weight[:, 1:] - weight[:, :1], bias[1:] - bias[:1]
    else:
        fit = _values(hidden, y, RIDGE)
        sigma = max(fit["sigma"], 2 * LEAST_SD)
        noise = np.full(network.outputs - 1, np.log(np.expm1(sigma - LEAST_SD)))
        weight = np.c_[fit["weight"], np.zeros((hidden.shape[1], len(noise)))]
        bias = np.r_[fit["intercept"], noise]
    p |= {f"weight_{last}": weight, f"bias_{last}": bias}
    relevance = {"relevance": np.ones(network.features)} if "relevance" in problem.dims else {}
    return p | relevance | ({"sigma": sigma} if "sigma" in problem.dims else {})


def _hidden(network, p, X):
    """Return the activations ``(obs, unit)`` below the last layer, by a network that passes them on unchanged."""
    last, width = network.layers - 1, network.sizes[-2]
    through = {f"weight_{last}": np.eye(width), f"bias_{last}": np.zeros(width)}
    return Network(network.features, network.hidden, width, network.activation).forward(X, p | through, np)
