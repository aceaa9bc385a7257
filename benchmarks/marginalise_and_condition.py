"""Time labelled marginals and conditionals against the bare arrays, in one run.

Prints two ratios: a table of 10⁷ cells marginalised, over numpy's sum of the same cells (bar: 2), and a
Gaussian of 2,000 variables conditioned on half of them, over the same formula by scipy's Cholesky (bar:
1.5).
"""

import time
from collections.abc import Callable

import numpy as np
import xarray as xr
from scipy import linalg

from bayesgeo.probability import Discrete, Gaussian

SHAPE = (100, 100, 1000)
VARIABLES, GIVEN = 2000, 1000
REPEATS = 15


def seconds(*tasks: Callable[[], object]) -> list[float]:
    """Time tasks in turns, so that a busy machine slows all of them; take the fastest of each."""
    times = [[] for _ in tasks]
    for _ in range(REPEATS):
        for task, spent in zip(tasks, times, strict=True):
            start = time.perf_counter()
            task()
            spent.append(time.perf_counter() - start)
    return [min(spent) for spent in times]


def bare_condition(mean: np.ndarray, cov: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Condition on the last variables with scipy alone."""
    a, b = slice(None, -GIVEN), slice(-GIVEN, None)
    factor = linalg.cho_factor(cov[b, b], lower=True, check_finite=False)
    gain = linalg.cho_solve(factor, cov[b, a], check_finite=False).T
    return mean[a] + gain @ (values - mean[b]), cov[a, a] - gain @ cov[b, a]


def main() -> None:
    """Time both and print the ratios."""
    rng = np.random.default_rng(0)
    cells = rng.random(SHAPE)
    names = dict(zip("abc", map(np.arange, SHAPE), strict=True))
    table = Discrete.from_counts(xr.DataArray(cells, names))
    for kept, axes in (("a", (1, 2)), ("b", (0, 2)), ("c", (0, 1))):
        ours, bare = seconds(lambda k=kept: table.marginal(k), lambda x=axes: table.table.values.sum(axis=x))
        print(f"marginal onto {kept} of 10^7 cells: {ours * 1e3:.1f} ms, {ours / bare:.2f} x numpy's sum")

    root = rng.normal(size=(VARIABLES, VARIABLES))
    cov = root @ root.T / VARIABLES + np.eye(VARIABLES)
    labels = [f"x{i}" for i in range(VARIABLES)]
    gaussian = Gaussian(dict.fromkeys(labels, 0.0), cov)
    observed = dict.fromkeys(labels[-GIVEN:], 1.0)
    mean, values = np.zeros(VARIABLES), np.ones(GIVEN)
    found, reference = gaussian.condition(**observed), bare_condition(mean, cov, values)
    np.testing.assert_allclose(found.mean, reference[0], atol=1e-10)
    np.testing.assert_allclose(found.cov, reference[1], atol=1e-10)
    ours, bare = seconds(lambda: gaussian.condition(**observed), lambda: bare_condition(mean, cov, values))
    print(f"{GIVEN} of {VARIABLES} variables given: {ours:.3f} s, {ours / bare:.2f} x scipy's Cholesky")


if __name__ == "__main__":
    main()
