"""How often conformal intervals hold the outcome, by place and by group: plain, by distance, by group.

Two truths are known: a field whose noise grows from west to east fivefold, and groups that share effects, the small
ones larger ones. Each line is the mean over repeats, with its standard error. About half a minute; ``quick`` some
seconds.

Run: python benchmarks/conformal_coverage.py [quick]
"""

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.linear_model import LinearRegression

from bayesgeo.models.wrappers.conformal import ConformalRegressor
from bayesgeo.models.wrappers.sklearn import SklearnModelRegressor

COVERAGE = 0.9
REPEATS, ROWS, GROUPS = 100, 1500, 60
NEW = 500


class Line(SklearnModelRegressor):
    """A line with a stated deviation of one."""

    def _build(self) -> BaseEstimator:
        return LinearRegression()

    def _learn(self, rows: Any) -> None:
        self.estimator_, self.sigma_ = self._build().fit(rows.X, rows.y), 1.0


def field(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
    """Draw rows whose noise grows from 1 in the west to 5 in the east."""
    places = {"easting": rng.uniform(0, 100, n), "northing": rng.uniform(0, 100, n)}
    X = rng.normal(size=(n, 1))
    return X, 2 * X[:, 0] + (1 + 4 * places["easting"] / 100) * rng.normal(size=n), places


def by_place(weighting: str, repeats: int, rows: int) -> dict[str, list[float]]:
    """Cover new rows of the field: all, those of the western and of the eastern fifth; the mean width."""
    found: dict[str, list[float]] = {"all": [], "west": [], "east": [], "width": []}
    for seed in range(repeats):
        rng = np.random.default_rng([seed, 0])
        X, y, places = field(rng, rows)
        new, true, at = field(rng, NEW)
        model = ConformalRegressor(Line(), weighting=weighting, holdout=0.5, random_state=seed)
        low, high = model.fit(X, y, coordinates=places).predict_interval(new, COVERAGE, coordinates=at).T
        held, east = (low <= true) & (true <= high), at["easting"]
        parts = {"all": east >= 0, "west": east < 20, "east": east > 80}
        for name, part in parts.items():
            found[name].append(float(held[part].mean()))
        found["width"].append(float((high - low).mean()))
    return found


def grouped(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Draw rows of groups that share an effect: of 60 rows and deviation 1, or of 4 rows and deviation 3."""
    small = rng.random(n) < 0.5
    codes = np.repeat(np.arange(n), np.where(small, 4, 60))
    effect = np.where(small, 3.0, 1.0) * rng.normal(size=n)
    X = rng.normal(size=(len(codes), 1))
    return X, 2 * X[:, 0] + effect[codes] + 0.5 * rng.normal(size=len(codes)), codes


def by_group(weighting: str, repeats: int, groups: int) -> dict[str, list[float]]:
    """Cover rows of new groups, each group counting as one; the mean width."""
    found: dict[str, list[float]] = {"rows of new groups": [], "width": []}
    for seed in range(repeats):
        rng = np.random.default_rng([seed, 1])
        X, y, codes = grouped(rng, groups)
        new, true, of = grouped(rng, NEW)
        model = ConformalRegressor(Line(), weighting=weighting, holdout=0.5, random_state=seed)
        low, high = model.fit(X, y, codes).predict_interval(new, COVERAGE).T
        held = np.bincount(of, (low <= true) & (true <= high)) / np.bincount(of)
        found["rows of new groups"].append(float(held.mean()))
        found["width"].append(float((high - low).mean()))
    return found


def show(title: str, measure: Callable[..., dict[str, list[float]]], kinds: tuple[str, str], *sizes: int) -> None:
    """Print a line for each weighting."""
    print(f"\n{title}, asked {COVERAGE}")
    for weighting in kinds:
        found = measure(weighting, *sizes)
        told = [f"{k} {np.mean(v):.3f} ± {np.std(v) / np.sqrt(len(v)):.3f}" for k, v in found.items()]
        print(f"{weighting:10} {'   '.join(told)}", flush=True)


def main() -> None:
    quick = "quick" in sys.argv[1:]
    repeats = 5 if quick else REPEATS
    show("A field whose noise grows eastward", by_place, ("none", "distance"), repeats, 600 if quick else ROWS)
    show("Groups with effects, small ones larger ones", by_group, ("none", "group"), repeats, GROUPS)


if __name__ == "__main__":
    main()
