"""Random predictions on which a metric can be compared with another implementation of it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from scipy import stats

from bayesgeo.metrics.base import Metric
from bayesgeo.metrics.calibration import event_of
from bayesgeo.metrics.classification import summarise_classes
from bayesgeo.metrics.regression import summarise_values

PROBLEMS = 100
ALLOWED = 1e-10


@dataclass(frozen=True, eq=False)
class Problem:
    """Predictions and outcomes; ``predicted`` is the most probable class or the mean."""

    predictions: xr.Dataset
    y: np.ndarray
    predicted: np.ndarray
    draws: xr.DataArray

    @property
    def p(self) -> np.ndarray:
        """Probabilities ``(obs, label)``."""
        return self.predictions["probability"].values

    @property
    def labels(self) -> list[int]:
        """Codes of all classes."""
        return list(range(self.p.shape[1]))

    @property
    def observed(self) -> xr.DataArray:
        """Outcomes, with their dimension."""
        return xr.DataArray(self.y, dims="obs")

    @property
    def event(self) -> tuple[np.ndarray, np.ndarray]:
        """Probability of an event, and whether it happened."""
        return event_of(self.p, self.y)

    @property
    def positive(self) -> xr.DataArray:
        """Probability of the positive class, with its dimension."""
        return xr.DataArray(self.p[:, 1], dims="obs")


def classes(seed: int, n_labels: int = 2) -> Problem:
    """Draw class probabilities, rounded so that there are ties; every class happens."""
    rng = np.random.default_rng(seed)
    p = rng.dirichlet(np.full(n_labels, 0.7), size=(1, 3, 60)).round(2) + 1e-3
    draws = xr.DataArray(p / p.sum(axis=-1, keepdims=True), dims=("chain", "draw", "obs", "label"))
    y = np.r_[np.arange(n_labels), rng.choice(n_labels, p=rng.dirichlet(np.ones(n_labels)), size=60 - n_labels)]
    predictions = summarise_classes(draws)
    return Problem(predictions, y, predictions["probability"].values.argmax(axis=1), draws)


def several(seed: int) -> Problem:
    """Draw probabilities of three to five classes; see :func:`classes`."""
    return classes(seed, 3 + seed % 3)


def values(seed: int, decimals: int = 1) -> Problem:
    """Draw values and few draws of them, rounded so that there are ties and some draws equal an outcome."""
    rng = np.random.default_rng(seed)
    center = rng.normal(size=50)
    expected = xr.DataArray(center + 0.5 * rng.normal(size=(1, 40, 50)), dims=("chain", "draw", "obs"))
    response = (expected + rng.normal(size=expected.shape)).round(decimals)
    y = (center + rng.normal(size=50)).round(decimals)
    density = expected.copy(data=stats.norm.logpdf(y, expected, 1.0))
    predictions = summarise_values(xr.Dataset({"expected": expected, "sigma": 1.0}), response, density, y)
    return Problem(predictions, y, predictions["mean"].values, response)


def untied(seed: int) -> Problem:
    """Draw values that equal no quantile: whether an equal one counts as covered depends on its last bit."""
    return values(seed, decimals=12)


Side = Callable[[Problem], Any]


@dataclass(frozen=True)
class Agreement:
    """One definition, implemented by bayesgeo and by another library."""

    problem: Callable[[int], Problem]
    library: str
    ours: Side
    theirs: Side

    def difference(self, seed: int) -> float:
        """Return the largest difference on one problem; both must be NaN in the same places."""
        problem = self.problem(seed)
        ours, theirs = np.asarray(self.ours(problem), float), np.asarray(self.theirs(problem), float)
        assert ours.shape == theirs.shape
        assert np.array_equal(np.isnan(ours), np.isnan(theirs))
        return float(np.nanmax(np.abs(ours - theirs), initial=0.0))


def of(metric: Metric) -> Side:
    """Compute a metric of bayesgeo on a problem."""
    return lambda problem: metric(problem.predictions, problem.y)


def parted(problem: Problem) -> tuple[np.ndarray, np.ndarray]:
    """Return the uncertainty of the rows of the first class, and of the others."""
    uncertainty = 1 - problem.p.max(axis=1)
    return uncertainty[problem.y == 0], uncertainty[problem.y != 0]
