"""How often equal models are called different, and how often a true difference is found, at few and many groups.

Exchangeable scores are drawn; real fits are two ridge regressions on features that have nothing to do with the target,
each on columns of its own, scored on the folds of :func:`bayesgeo.split`.
Beside what the package concludes stand the procedures that were tried: percentiles of a bootstrap of groups (as of the
foundation), the interval of Student's t alone, the sign-flip test alone, and t over the folds, plain and with the
correction of Nadeau and Bengio (2003). A claim counts against the 99 % binomial band of the stated 5 %.

Then reports on pure noise: data sets with features that are noise, in which no report may say "OK to use".

    python benchmarks/false_differences.py [--sets 400] [--noise 100]
"""

import argparse
from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
import pandas as pd
import xarray as xr
from scipy import stats
from sklearn.linear_model import Ridge

import bayesgeo as bg
from bayesgeo.datasets.assembly import assemble
from bayesgeo.datasets.base import Column
from bayesgeo.datasets.split import Split
from bayesgeo.evaluation.compare import paired
from bayesgeo.evaluation.evidence import observed_group
from bayesgeo.metrics.base import block_codes, block_weights, bootstrap
from bayesgeo.metrics.paired import mean_interval, sign_flip_p
from bayesgeo.reporting.facts import gather

LEVEL, GROUPS, ROWS, COLUMNS = 0.05, (2, 3, 4, 5, 6, 8, 12, 30), 240, 3
LEAST = 8  # rows of a group, where there are enough
POWERS = (2.5, 3.5)  # true difference, in standard errors
Pair = tuple[np.ndarray, np.ndarray, np.ndarray]  # difference, block and fold of each row


def percentiles(rows: np.ndarray, codes: np.ndarray, fold: np.ndarray) -> bool:
    """Conclude by expanded percentiles of a bootstrap of groups."""
    weights = block_weights(codes, resamples=1000, seed=0)
    samples, n = bootstrap(rows, *weights), weights[1].shape[1]
    level = stats.norm.cdf(np.sqrt(n / (n - 1)) * stats.t.ppf(LEVEL / 2, n - 1))
    low, high = np.quantile(samples, [level, 1 - level])
    return bool(low > 0 or high < 0)


def excludes(ends: tuple[float, float]) -> bool:
    """Return whether an interval excludes zero."""
    return bool(ends[0] > 0 or ends[1] < 0)


def corrected(rows: np.ndarray, fold: np.ndarray) -> bool:
    """Conclude by the t-test over folds of Nadeau and Bengio."""
    means = pd.Series(rows).groupby(fold).mean().to_numpy()
    n = len(means)
    error = np.sqrt((1 / n + 1 / (n - 1)) * means.var(ddof=1))
    return bool(abs(means.mean()) > stats.t.ppf(1 - LEVEL / 2, n - 1) * error)


TRIED: dict[str, Callable[[np.ndarray, np.ndarray, np.ndarray], bool]] = {
    "percentiles": percentiles,
    "t": lambda rows, codes, fold: excludes(mean_interval(rows, codes, prob=1 - LEVEL)),
    "signs": lambda rows, codes, fold: sign_flip_p(rows, codes) <= LEVEL,
    "t over folds": lambda rows, codes, fold: excludes(mean_interval(rows, fold, prob=1 - LEVEL)),
    "corrected t": lambda rows, codes, fold: corrected(rows, fold),
}


def evidence(score: np.ndarray, codes: np.ndarray, fold: np.ndarray) -> xr.DataTree:
    """Return the least Evidence that can be compared."""
    tables = {
        "observed_data": {"block": ("obs", codes)},
        "metrics": {"log_score_by_row": ("obs", score)},
        "predictions": {"fold": ("obs", fold)},
    }
    tree = xr.DataTree.from_dict({name: xr.Dataset(table) for name, table in tables.items()})
    tree.attrs = {"preprocessing_sha256": "", "dataset_description": '{"task": "regression"}'}
    return tree


def ours(rows: np.ndarray, codes: np.ndarray, fold: np.ndarray) -> bool:
    """Conclude as the package does."""
    trees = {"a": evidence(rows, codes, fold), "b": evidence(0 * rows, codes, fold)}
    return paired(trees, "a", "b", "log_score", 0)["conclusion"] in ("better", "worse")


def folds_of(groups: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Put whole groups into five folds, or each into its own where they are fewer."""
    names = np.unique(groups)
    return (rng.permutation(len(names)) % min(5, len(names)))[np.searchsorted(names, groups)]


def grouped(n_groups: int, rng: np.random.Generator, *, unequal: bool) -> np.ndarray:
    """Draw the group of each row."""
    share = rng.dirichlet(np.full(n_groups, 2.0)) if unequal else np.full(n_groups, 1 / n_groups)
    least = np.repeat(np.arange(n_groups), min(LEAST, ROWS // (2 * n_groups)))
    return np.sort(np.r_[least, rng.choice(n_groups, ROWS - len(least), p=share)])


def exchangeable(
    groups: np.ndarray, rng: np.random.Generator, *, effect: float = 0.3, heavy: bool = False, gap: float = 0.0
) -> Pair:
    """Draw differences of scores that are symmetric around ``gap``."""
    shift = rng.standard_t(2, size=groups.max() + 1) if heavy else rng.normal(size=groups.max() + 1)
    rows = gap + effect * shift[groups] + rng.normal(size=len(groups))
    return rows, groups, folds_of(groups, rng)


def different(n_groups: int, size: float, rng: np.random.Generator) -> Pair:
    """Draw scores that differ by so many standard errors."""
    gap = size * np.sqrt(0.3**2 / n_groups + 1 / ROWS)
    return exchangeable(grouped(n_groups, rng, unequal=False), rng, gap=gap)


def table(groups: np.ndarray, rng: np.random.Generator, *, effect: float, unit: str) -> bg.Dataset:
    """Draw a target with effects of groups or places, and features that have nothing to do with it."""
    n, k = len(groups), groups.max() + 1
    X = 0.8 * rng.normal(size=(k, 2 * COLUMNS))[groups] + 0.6 * rng.normal(size=(n, 2 * COLUMNS))
    frame = pd.DataFrame(X, columns=[f"x{j}" for j in range(2 * COLUMNS)])
    place = rng.uniform(0, 10, size=(k, 2))[groups] + 0.2 * rng.normal(size=(n, 2))
    y = pd.Series(effect * rng.normal(size=k)[groups] + rng.normal(size=n), name="y")
    options = {
        "group": {"groups": pd.Series([f"g{g}" for g in groups], name="g")},
        "block": {"coordinates": pd.DataFrame(place, columns=["easting", "northing"])},
        "row": {},
    }[unit]
    return assemble("noise", frame, columns=[Column(name) for name in frame], target=y, **options)


def fitted(data: bg.Dataset, by: Split) -> Pair:
    """Fit two ridge regressions in each fold, each on its own features, and return how much the first is better."""
    X, y, parts = data.X.values, data.y.values, []
    for train, test in by.folds:
        scores = []
        for columns in (slice(COLUMNS), slice(COLUMNS, None)):
            model = Ridge().fit(X[train, columns], y[train])
            spread = np.std(y[train] - model.predict(X[train, columns]), ddof=COLUMNS + 1)
            scores.append(stats.norm.logpdf(y[test], model.predict(X[test, columns]), spread))
        parts.append(scores[0] - scores[1])
    tested = data.rows(np.concatenate([test for _, test in by.folds]))
    blocks = observed_group(tested, by)["block"].values
    fold = np.repeat(np.arange(len(parts)), [len(part) for part in parts])
    return np.concatenate(parts), block_codes(blocks), fold


def nulls() -> Iterator[tuple[str, str, Callable[[np.random.Generator], Pair]]]:
    """Yield the kinds of sets in which nothing differs."""
    for n in GROUPS:
        yield f"{n}", "exchangeable", lambda rng, n=n: exchangeable(grouped(n, rng, unequal=False), rng)
        yield (
            f"{n}",
            "exchangeable, no group effect",
            lambda rng, n=n: exchangeable(grouped(n, rng, unequal=False), rng, effect=0.0),
        )
        yield (
            f"{n}",
            "exchangeable, unequal, heavy tails",
            lambda rng, n=n: exchangeable(grouped(n, rng, unequal=True), rng, heavy=True),
        )
        yield f"{n}", "fits on noise", lambda rng, n=n: real(grouped(n, rng, unequal=True), rng, 0.5, "group")
        yield (
            f"{n}",
            "fits on noise, no group effect",
            lambda rng, n=n: real(grouped(n, rng, unequal=True), rng, 0.0, "group"),
        )
    yield "rows", "exchangeable", lambda rng: exchangeable(np.arange(ROWS), rng, effect=0.0)
    yield "rows", "fits on noise", lambda rng: real(np.arange(ROWS), rng, 0.0, "row")
    yield "blocks", "fits on noise", lambda rng: real(grouped(30, rng, unequal=True), rng, 0.5, "block")


def real(groups: np.ndarray, rng: np.random.Generator, effect: float, unit: str) -> Pair:
    """Return the difference of two real fits on noise."""
    data = table(groups, rng, effect=effect, unit=unit)
    kind = {"group": None, "row": "random", "block": "spatial"}[unit]
    return fitted(data, bg.split(data, kind, seed=int(rng.integers(2**31))))


def counted(make: Callable[[np.random.Generator], Pair], sets: int, seed: int) -> dict[str, float]:
    """Count how often each procedure claims a difference."""
    claims = dict.fromkeys(("bayesgeo", *TRIED), 0)
    for k in range(sets):
        pair = make(np.random.default_rng([seed, k]))
        claims["bayesgeo"] += ours(*pair)
        for name, concludes in TRIED.items():
            claims[name] += concludes(*pair)
    return {name: 100 * count / sets for name, count in claims.items()}


def noise_reports(sets: int) -> None:
    """Write reports on pure noise, and count what they say."""
    models = ("mean", "ridge", "bayesian_linear"), ("majority", "logistic", "forest")
    good = helps = 0
    for k in range(sets):
        rng = np.random.default_rng([7, k])
        n_groups = int(rng.choice((*GROUPS, ROWS)))
        groups = grouped(n_groups, rng, unequal=True) if n_groups < ROWS else np.arange(ROWS)
        data = table(groups, rng, effect=0.5, unit="group" if n_groups < ROWS else "row")
        names = models[k % 2]
        if k % 2:
            data = assemble_classes(data)
        by = bg.split(data, seed=k)
        decision = gather({name: bg.evaluate(bg.catalog.model(name, data.task), data, by) for name in names})[
            "decision"
        ]
        good += "OK to use" in decision["title"]
        helps += not any("The features do not help" in reason["text"] for reason in decision["reasons"])
    print(f"\n{sets} data sets of pure noise: {good} reports say OK to use,", end=" ")
    print(f"{helps} do not say that the features do not help")


def assemble_classes(data: bg.Dataset) -> bg.Dataset:
    """Cut the target of a table at its median into two classes."""
    frame = data.X.to_pandas()
    y = pd.Series(np.where(data.y.values > np.median(data.y.values), "high", "low"), frame.index, name="y")
    group = None if data.group is None else data.group.to_series()
    return assemble("noise", frame, columns=list(data.columns), target=y, labels=("high", "low"), groups=group)


def main() -> None:
    """Print the share of claims, in per cent, and the counts of reports."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", type=int, default=400)
    parser.add_argument("--noise", type=int, default=100)
    options = parser.parse_args()
    top = stats.binom.ppf(0.99, options.sets, LEVEL) / options.sets
    print(f"Claims in % of {options.sets} sets where nothing differs; 99 % band up to {100 * top:.1f}")
    for seed, (groups, kind, make) in enumerate(nulls()):
        found = counted(make, options.sets, seed)
        over = "" if found["bayesgeo"] <= 100 * top else "  ABOVE"
        print(f"{groups:>6} {kind:36}", "  ".join(f"{n} {v:4.1f}" for n, v in found.items()) + over, flush=True)
    print("\nA true difference found, in %")
    for seed, (n, size) in enumerate((n, size) for n in (8, 12, 30) for size in POWERS):
        found = counted(partial(different, n, size), options.sets, 500 + seed)
        print(
            f"{n:>6} {f'{size} standard errors':36}", "  ".join(f"{k} {v:4.1f}" for k, v in found.items()), flush=True
        )
    noise_reports(options.noise)


if __name__ == "__main__":
    main()
