"""A posterior without a sampler: draws scattered closely around a quick fit, so that tests need no compiler."""

from dataclasses import dataclass

import numpy as np
import xarray as xr
from sklearn.linear_model import LogisticRegression

from bayesgeo.inference.base import label_posterior

SCATTER = 0.01  # of a standardised coefficient: far below what any score in the tests can resolve


@dataclass(frozen=True)
class FakePosterior:
    """An inference of the right shape that every diagnostic calls healthy."""

    draws: int = 250
    chains: int = 4

    def run(self, problem, seed):
        rng = np.random.default_rng(seed)
        size = (self.chains, self.draws)
        fit = _classes(problem) if "label" in problem.coords else _values(problem)
        draws = {name: value + SCATTER * rng.normal(size=(*size, *np.shape(value))) for name, value in fit.items()}
        if "sigma" in draws:
            draws["sigma"] = np.abs(draws["sigma"]) + 1e-6
        if "nu" in problem.dims:
            draws["nu"] = rng.gamma(100.0, 0.3, size)
        tree = {"posterior": label_posterior(draws, problem), "sample_stats": healthy_statistics(rng, size)}
        tree = xr.DataTree.from_dict(tree)
        tree.attrs = {"inference": "FakePosterior", "seed": seed, "interrupted": 0}
        tree.attrs |= {"compile_seconds": 0.0, "sampling_seconds": 0.0}
        return tree


def healthy_statistics(rng, size):
    """Return sampler statistics without a divergence and with freely moving energy."""
    never = np.zeros(size, dtype=bool)
    dims = ("chain", "draw")
    statistics = {"diverging": never, "reached_max_treedepth": never, "energy": rng.normal(size=size)}
    return xr.Dataset({name: (dims, values) for name, values in statistics.items()})


def _values(problem):
    X, y = problem.data["X"], problem.data["y"]
    design = np.c_[np.ones(len(X)), X]
    theta = np.linalg.lstsq(design, y, rcond=None)[0]
    return {"intercept": theta[0], "weight": theta[1:], "sigma": np.std(y - design @ theta)}


def _classes(problem):
    X, y = problem.data["X"], problem.data["y"]
    fit = LogisticRegression(C=10.0, max_iter=1000).fit(X, y)
    if len(problem.coords["label"]) == 2:
        return {"intercept": fit.intercept_[0], "weight": fit.coef_[0]}
    return {"intercept": fit.intercept_, "weight": fit.coef_.T}
