"""Draws of known shape, and the healthy posteriors that they make."""

from collections.abc import Callable
from typing import Any

import numpy as np
import xarray as xr
from scipy import signal, special, stats

from bayesgeo.diagnostics.belonging import fingerprint
from bayesgeo.inference.exact import Exact
from bayesgeo.models.regression.linear import BayesianLinearRegression

DIMS = ("chain", "draw")
CHAINS, DRAWS = 4, 1000
Generator = np.random.Generator
Make = Callable[[Generator], xr.DataTree]


def sampled(draws: np.ndarray, rng: Generator) -> xr.DataTree:
    """Return draws ``(chain, draw, quantity)`` as two parameters of a healthy run of chains."""
    size = draws.shape[:2]
    features = [f"x{k}" for k in range(draws.shape[2] - 1)]
    posterior = {"intercept": (DIMS, draws[..., 0]), "weight": ((*DIMS, "feature"), draws[..., 1:])}
    never = np.zeros(size, dtype=bool)
    statistics = {"diverging": never, "reached_max_treedepth": never.copy(), "energy": rng.normal(size=size)}
    coords = {"chain": np.arange(size[0]), "draw": np.arange(size[1])}
    tree = xr.DataTree.from_dict(
        {
            "posterior": xr.Dataset(posterior, coords | {"feature": features}),
            "sample_stats": xr.Dataset({name: (DIMS, values) for name, values in statistics.items()}, coords),
        }
    )
    tree.attrs = {"kind": "chains", "interrupted": 0, "data_sha256": "a" * 64}
    return tree


def independent(rng: Generator, *, quantities: int = 4, chains: int = CHAINS, draws: int = DRAWS) -> np.ndarray:
    """Return independent normal draws at different places."""
    return np.arange(quantities) * 3.0 + rng.normal(size=(chains, draws, quantities))


def walked(rng: Generator, memory: float, *, quantities: int = 4) -> np.ndarray:
    """Return first-order autoregressive draws of unit variance."""
    noise = rng.normal(size=(CHAINS, DRAWS + 100, quantities)) * np.sqrt(1 - memory**2)
    return signal.lfilter([1.0], [1.0, -memory], noise, axis=1)[:, 100:]


def regression(rng: Generator, n: int = 80, prior: str = "normal", **settings: Any) -> xr.DataTree:
    """Return the exact posterior of a linear regression, with every group for the checks of its model."""
    X = rng.normal(size=(n, 3))
    y = 5.0 + X @ [2.0, -1.0, 0.0] + 0.7 * rng.normal(size=n)
    model = BayesianLinearRegression(prior, inference=Exact(), random_state=int(rng.integers(2**31)), **settings)
    return model.fit(X, y).posterior_


def approximated(rng: Generator, k: float) -> xr.DataTree:
    """Return draws of an approximation whose importance ratios have a Pareto tail of this shape."""
    tree = sampled(independent(rng), rng)
    del tree["sample_stats"]
    tree.attrs["kind"] = "approximation"
    ratio = -k * np.log(rng.uniform(size=(CHAINS, DRAWS)))
    tree["approximation"] = xr.DataTree(xr.Dataset({"log_ratio": (("chain", "sample"), ratio)}))
    return tree


def network(rng: Generator, labels: int = 0) -> xr.DataTree:
    """Return a network of one hidden layer whose units stand in another order in every chain, and its functions."""
    x, units, size = np.linspace(-2, 2, 40), 12, (CHAINS, 100)
    slope, shift = rng.normal(0, 1.5, units), rng.normal(0, 1.5, units)
    hidden = np.tanh(np.outer(x, slope) + shift)
    out = np.linalg.solve(hidden.T @ hidden + 0.1 * np.eye(units), hidden.T @ np.sin(2 * x))
    order = np.stack([rng.permutation(units) for _ in range(CHAINS)])
    noise = 0.03 * rng.normal(size=(3, *size, units))
    p = [value[order][:, None] + noise[k] for k, value in enumerate((slope, shift, out))]
    outputs = (np.tanh(x[:, None] * p[0][..., None, :] + p[1][..., None, :]) * p[2][..., None, :]).sum(axis=-1)
    weights = {
        name: ((*DIMS, "unit"), value) for name, value in zip(("weight_0", "bias_0", "weight_1"), p, strict=True)
    }
    tree = xr.DataTree.from_dict({"posterior": xr.Dataset(weights)} | _of_network(rng, x, outputs, labels))
    drawn = (tree[name].to_dataset() for name in ("functions", "posterior"))
    tree["functions"].attrs["fingerprint"] = fingerprint(*drawn)
    tree.attrs = {"kind": "unadjusted chains", "interrupted": 0}
    return tree


def _of_network(rng: Generator, x: np.ndarray, outputs: np.ndarray, labels: int) -> dict[str, xr.Dataset]:
    """Return the functions of a network with these outputs ``(chain, draw, point)``, and what its sampler reports."""
    if labels:
        log_p = special.log_softmax(np.stack([k * outputs for k in range(labels)], axis=-1), axis=-1)
        seen = rng.integers(labels, size=len(x))
        expected, density = np.exp(log_p), np.take_along_axis(log_p, seen[None, None, :, None], axis=-1)[..., 0]
    else:
        expected = outputs
        density = stats.norm.logpdf(np.sin(2 * x) + 0.3 * rng.normal(size=len(x)), outputs, 0.3)
    dims, size = (*DIMS, "point", "label"), outputs.shape[:2]
    statistics = {"lp": (DIMS, rng.normal(size=size)), "energy_error": (DIMS, rng.gamma(0.5, 0.8, size))}
    return {
        "functions": xr.Dataset({"expected": (dims[: expected.ndim], expected), "log_density": (dims[:3], density)}),
        "sample_stats": xr.Dataset(statistics),
        "warmup": xr.Dataset({"log_score": ("step", -1.0 + 0.2 * np.minimum(np.arange(9) / 5, 1))}),
    }


def skewed(rng: Generator) -> np.ndarray:
    """Return lognormal draws."""
    return np.exp(independent(rng, quantities=3) / 3)


def ridge(rng: Generator) -> np.ndarray:
    """Return two quantities that depend on each other all but perfectly."""
    first = rng.normal(size=(CHAINS, DRAWS, 1))
    return np.concatenate([first, first + 0.02 * rng.normal(size=first.shape)], axis=2)


def banana(rng: Generator) -> np.ndarray:
    """Return two quantities on a curved ridge."""
    first = rng.normal(size=(CHAINS, DRAWS, 1))
    return np.concatenate([first, first**2 + 0.3 * rng.normal(size=first.shape)], axis=2)


def mixture(rng: Generator) -> np.ndarray:
    """Return two modes that every chain visits in proportion."""
    return rng.normal(size=(CHAINS, DRAWS, 2)) + 6.0 * (rng.uniform(size=(CHAINS, DRAWS, 2)) < 0.3)


def few(**sizes: int) -> Make:
    """Return a run of few chains or draws."""
    return lambda rng: sampled(independent(rng, **sizes), rng)


def of(draws: Callable[[Generator], np.ndarray]) -> Make:
    """Return a healthy run of chains with these draws."""
    return lambda rng: sampled(draws(rng), rng)
