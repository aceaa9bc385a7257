"""How often every interval that a report prints holds the truth, on data whose truth is known.

Each line is a count over repeats against the 99 % band of a binomial with the stated probability. About five minutes
of one core. Of some fifty lines in 99 % bands, one outside is chance.

Run: python benchmarks/interval_coverage.py [repeats]
"""

import json
import sys
from collections.abc import Iterator
from functools import cache

import numpy as np
import pandas as pd
import xarray as xr
from scipy import special, stats
from sklearn.linear_model import LogisticRegression

from bayesgeo import catalog
from bayesgeo.evaluation.compare import NO_DIFFERENCE, compare
from bayesgeo.evaluation.evidence import PROB
from bayesgeo.inference.exact import Exact
from bayesgeo.metrics.base import block_weights
from bayesgeo.metrics.calibration import class_calibration
from bayesgeo.metrics.classification import FROM_CONFUSION, confusion_counts, summarise_classes
from bayesgeo.metrics.decision import economic_value
from bayesgeo.metrics.paired import mean_interval
from bayesgeo.metrics.regression import PROBS, summarise_values
from bayesgeo.metrics.selective import selective_scores
from bayesgeo.metrics.transforms import value_calibration
from bayesgeo.models.regression.linear import BayesianLinearRegression

REPEATS = 800
RESAMPLES = 1000
ROWS = 20  # of a group on average
GROUPS = (10, 30, 100)
FOLDS = 5
BLUR = 1.0  # noise on the feature of the worse model, whose own deviation is 1
POSITIVE = ("no", "yes")


class Tally:
    """Count how often an interval holds the truth."""

    def __init__(self) -> None:
        self.hits: dict[tuple[str, float], list[bool]] = {}

    def add(self, name: str, held: bool, prob: float = PROB) -> None:
        """Count one interval of probability ``prob``."""
        self.hits.setdefault((name, prob), []).append(bool(held))

    def show(self, title: str) -> None:
        """Print the share held beside its band."""
        print(f"\n{title}\n{'interval':45} {'meant':>6} {'held':>6}   99 % band     result")
        for (name, prob), held in self.hits.items():
            low, high = stats.binom.interval(0.99, len(held), prob)
            share, band = np.mean(held), (low / len(held), high / len(held))
            result = "inside" if band[0] <= share <= band[1] else "TOO SHORT" if share < band[0] else "too long"
            print(f"{name:45} {prob:6.3f} {share:6.3f}   {band[0]:.3f}-{band[1]:.3f}   {result}")
        sys.stdout.flush()


def sizes(rng: np.random.Generator, n_groups: int) -> np.ndarray:
    """Return a group for each row; groups differ in size."""
    return np.repeat(np.arange(n_groups), 1 + rng.poisson(ROWS - 1, n_groups))


def classified(rng: np.random.Generator, n_groups: int) -> tuple[xr.Dataset, np.ndarray, np.ndarray]:
    """Forecast events in groups that share an effect of which the forecast knows nothing."""
    groups = sizes(rng, n_groups)
    x, effect = rng.normal(size=len(groups)), 0.7 * rng.normal(size=n_groups)[groups]
    y = (rng.random(len(groups)) < special.expit(1.5 * x - 0.5 + effect)).astype(int)
    p = special.expit(1.4 * x - 0.4 + 0.3 * rng.normal(size=len(groups)))
    draws = xr.DataArray(np.stack([1 - p, p], axis=-1)[None, None], dims=("chain", "draw", "obs", "label"))
    return summarise_classes(draws), y, groups


def measured(rng: np.random.Generator, n_groups: int) -> tuple[xr.Dataset, np.ndarray, np.ndarray]:
    """Forecast N(0, 1.1^2) for values in groups that share an effect."""
    groups = sizes(rng, n_groups)
    n = len(groups)
    y = rng.normal(size=n) + 0.5 * rng.normal(size=n_groups)[groups]
    half = stats.norm.ppf((1 + np.array(PROBS)) / 2) * 1.1 * np.ones((n, 1))
    z = y / 1.1
    crps = 1.1 * (z * (2 * stats.norm.cdf(z) - 1) + 2 * stats.norm.pdf(z) - 1 / np.sqrt(np.pi))
    columns = {"mean": np.zeros(n), "crps": crps, "log_density": stats.norm.logpdf(y, 0, 1.1)}
    ends = {"interval_low": (("obs", "prob"), -half), "interval_high": (("obs", "prob"), half)}
    summary = {name: ("obs", column) for name, column in columns.items()} | ends
    return xr.Dataset(summary, coords={"prob": list(PROBS)}), y, groups


SIMULATED = {"classification": classified, "regression": measured}
SCORES = {
    "classification": (
        *("log_loss", "brier_score", "accuracy", "f1", "balanced_accuracy", "matthews_corrcoef"),
        *("roc_auc", "average_precision", "calibration_error"),
    ),
    "regression": ("log_score", "rmse", "mae", "crps", "coverage_90", "interval_score_90"),
}


@cache
def truth(task: str) -> tuple[xr.Dataset, np.ndarray, np.ndarray]:
    """Return so many groups that their score is that of the population."""
    return SIMULATED[task](np.random.default_rng(10**6), 40_000)


def group_bootstrap(repeats: int) -> None:
    """Scores of few and many groups, each with its interval, against the score of the population."""
    once = (np.zeros(1, dtype=int), np.ones((1, 1), dtype=int))
    population, seen, _ = truth("classification")
    rows = (np.arange(len(seen)), np.ones((1, len(seen)), dtype=int))
    certain = selective_scores(population, seen, rows, prob=PROB)
    worth = economic_value(population, seen, POSITIVE, (once[0].repeat(len(seen)), once[1]), prob=PROB)
    for n_groups in GROUPS:
        tally = Tally()
        for seed in range(repeats):
            for task, simulate in SIMULATED.items():
                summary, y, groups = simulate(np.random.default_rng([seed, n_groups]), n_groups)
                blocks = block_weights(groups, resamples=RESAMPLES, seed=seed)
                for name in SCORES[task]:
                    metric = catalog.metrics(task)[name]
                    low, high = metric.interval(summary, y, blocks, prob=PROB)
                    tally.add(name, low <= true_score(task, name) <= high)
                if task == "classification":
                    found = selective_scores(summary, y, blocks, prob=PROB).sel(ranking="confidence")
                    for name in ("aurc", "risk_at_80"):
                        true = certain[name].sel(ranking="confidence")
                        tally.add(name, found[f"{name}_low"] <= true <= found[f"{name}_high"])
                    value = economic_value(summary, y, POSITIVE, blocks, prob=PROB).sel(event="yes", ratio=0.2)
                    true = worth["value"].sel(event="yes", ratio=0.2)
                    tally.add("relative economic value at .2", value["low"] <= true <= value["high"])
        tally.show(f"Group bootstrap, {n_groups} groups of about {ROWS} rows, {repeats} repeats")


@cache
def true_score(task: str, name: str) -> float:
    """Return the score of the population."""
    summary, y, _ = truth(task)
    return catalog.metrics(task)[name](summary, y)


GRID = np.stack(np.meshgrid(np.linspace(-5, 5, 81), np.linspace(-5, 5, 81)), axis=-1).reshape(-1, 2)


FEW = (5, 10, 30)
LATENT = 0.33  # correlation of outcomes of one block


def together(rng: np.random.Generator, n_blocks: int, *, spatial: bool) -> tuple[np.ndarray, np.ndarray]:
    """Draw normal scores and their blocks: blocks share an effect, or are strips of a field along a line.

    The field is correlated over a tenth of a strip: strips that touch are alike only along their border.
    """
    blocks = sizes(rng, n_blocks)
    if not spatial:
        shared = rng.normal(size=n_blocks)[blocks]
    else:
        place = np.sort(rng.uniform(0, n_blocks, len(blocks)))
        blocks = place.astype(int)
        waves, phase = rng.normal(0, 10.0, 400), rng.uniform(0, 2 * np.pi, 400)
        shared = np.sqrt(2 / 400) * np.cos(np.outer(place, waves) + phase).sum(axis=1)
    return np.sqrt(LATENT) * shared + np.sqrt(1 - LATENT) * rng.normal(size=len(blocks)), blocks


def calibrated_blocks(repeats: int) -> None:
    """Right forecasts of outcomes that go together within blocks: bands, p of calibration, scores."""
    for spatial in (False, True):
        for n_blocks in FEW:
            tally = Tally()
            for seed in range(repeats):
                rng = np.random.default_rng([seed, n_blocks, int(spatial), 4])
                z, blocks = together(rng, n_blocks, spatial=spatial)
                codes = np.unique(blocks, return_inverse=True)[1]
                p = special.ndtr(0.8 * rng.normal(size=len(z)) - 0.3)
                y = (z < special.ndtri(p)).astype(int)
                classes = xr.Dataset({"probability": (("obs", "label"), np.c_[1 - p, p])})
                found = class_calibration(classes, y, POSITIVE, prob=PROB, seed=seed, codes=codes)
                tally.add("p of calibration above .05", float(found["p_calibrated"][0]) > 1 - PROB)
                middle = found.isel(point=found.sizes["point"] // 2)
                tally.add(
                    "reliability band, middle point", middle["band_low"] <= middle["observed"] <= middle["band_high"]
                )
                drawn = block_weights(codes, resamples=RESAMPLES, seed=seed)
                of_values = value_calibration(
                    xr.Dataset({"pit": ("obs", special.ndtr(z))}), z, drawn, prob=PROB, seed=seed, codes=codes
                )
                first, half = of_values.isel(bin=0), of_values.isel(level=9)
                tally.add(
                    "transforms in the first twentieth", first["pit_low"] <= first["pit_count"] <= first["pit_high"]
                )
                tally.add("coverage of 50 % intervals", half["low"] <= 0.5 <= half["high"])
                low, high = mean_interval(np.abs(z), codes, prob=PROB)
                tally.add("mean absolute error, t of blocks", low <= np.sqrt(2 / np.pi) <= high)
            kind = "strips of a field" if spatial else "groups"
            tally.show(f"Right forecasts, {n_blocks} {kind} of about {ROWS} rows, {repeats} repeats")


def posterior_of_scores(repeats: int) -> None:
    """Scores of each draw of an exact posterior, against those of the true parameters on the same rows."""
    tally = Tally()
    for seed in range(repeats):
        rng = np.random.default_rng([seed, 1])
        true = rng.normal(size=2)
        x = rng.normal(size=(160, 2)) * [0.0, 1.0] + [1.0, 0.0]
        y = (rng.random(160) < special.expit(x @ true)).astype(int)
        signs = (2 * y[:60] - 1)[:, None]
        log_density = -np.logaddexp(0, -signs * (x[:60] @ GRID.T)).sum(axis=0) - (GRID**2).sum(axis=1) / 2
        chosen = GRID[rng.choice(len(GRID), size=500, p=special.softmax(log_density))]
        codes = xr.DataArray((x[60:] @ chosen.T > 0).T[None].astype(int), dims=("chain", "draw", "obs"))
        counts = confusion_counts(codes, y[60:], 2)
        own = confusion_counts(xr.DataArray((x[60:] @ true > 0)[None, None].astype(int), dims=codes.dims), y[60:], 2)
        for name, score in FROM_CONFUSION.items():
            low, high = np.quantile(score(counts), [(1 - PROB) / 2, (1 + PROB) / 2])
            tally.add(f"posterior of {name}", low <= score(own)[0] <= high)
    tally.show(f"Posterior intervals of scores, 60 rows learned from, 100 scored, {repeats} repeats")


def predictive_intervals(repeats: int) -> None:
    """One new row of an exact Bayesian linear regression on 30 rows."""
    tally = Tally()
    for seed in range(repeats):
        rng = np.random.default_rng([seed, 2])
        X = rng.normal(size=(31, 3))
        y = 1 + X @ [2.0, -1.0, 0.0] + 0.5 * rng.normal(size=31)
        model = BayesianLinearRegression(inference=Exact(), random_state=seed).fit(X[:30], y[:30])
        predictive = model.predictive(X[30:])
        response = model.respond(predictive, rng)
        summary = summarise_values(predictive, response, model.log_density(predictive, y[30:]), y[30:])
        for prob in PROBS:
            low, high = (float(summary[name].sel(prob=prob)[0]) for name in ("interval_low", "interval_high"))
            tally.add("exact Bayesian linear regression", low <= y[30] <= high, prob)
    tally.show(f"Predictive intervals, {repeats} repeats")


def two_models(rng: np.random.Generator, n_groups: int, blur: float) -> dict[str, xr.DataTree]:
    """Fit two models in folds of whole groups, each on its own feature; ``blur`` makes the second one worse."""
    groups = sizes(rng, n_groups)
    x = rng.normal(size=(len(groups), 2))
    effect = 0.7 * rng.normal(size=n_groups)[groups]
    y = (rng.random(len(groups)) < special.expit(x.sum(axis=1) + effect)).astype(int)
    features = x + blur * rng.normal(size=x.shape) * [0, 1]
    fold = groups % FOLDS
    scores = np.empty((2, len(groups)))
    for k in range(FOLDS):
        for j in range(2):
            fitted = LogisticRegression().fit(features[fold != k, j, None], y[fold != k])
            p = fitted.predict_proba(features[fold == k, j, None])
            scores[j, fold == k] = np.log(p[np.arange(len(p)), y[fold == k]])
    return {name: _evidence(row, groups, fold) for name, row in zip(("first", "second"), scores, strict=True)}


def _evidence(score: np.ndarray, groups: np.ndarray, fold: np.ndarray) -> xr.DataTree:
    tables = {
        "observed_data": {"block": ("obs", groups)},
        "metrics": {"log_score_by_row": ("obs", score)},
        "predictions": {"fold": ("obs", fold)},
    }
    tree = xr.DataTree.from_dict({name: xr.Dataset(table) for name, table in tables.items()})
    tree.attrs = {"rows_sha256": "", "split_sha256": "", "preprocessing_sha256": ""}
    tree.attrs["dataset_description"] = json.dumps({"task": "classification"})
    return tree


def compared(blur: float, n_groups: int, repeats: int) -> Iterator[dict[str, float]]:
    """Compare the two models again and again; differences are the first's minus the second's."""
    for seed in range(repeats):
        row = compare(two_models(np.random.default_rng([seed, 3]), n_groups, blur), seed=seed).iloc[0].to_dict()
        sign = 1 if row["a"] == "first" else -1
        for low, high in (("low", "high"), ("fold_low", "fold_high")):
            row[low], row[high] = sorted((sign * row[low], sign * row[high]))
        yield row | {"difference": sign * row["difference"]}


def differences(repeats: int) -> None:
    """Two equally good models, and two of which one is better."""
    for n_groups in GROUPS:
        tally = Tally()
        found = {blur: pd.DataFrame(compared(blur, n_groups, repeats)) for blur in (0.0, BLUR)}
        for blur, table in found.items():
            true = 0.0 if blur == 0 else table["difference"].mean()
            for name, low, high in (("blocks", "low", "high"), ("folds", "fold_low", "fold_high")):
                held = (table[low] <= true) & (true <= table[high])
                for hit in held:
                    tally.add(f"difference, {name}, true value {true:.3f}", hit)
        tally.show(f"Difference of two models, {n_groups} groups, {FOLDS} folds, {repeats} repeats")
        alarms, power = ((table["conclusion"] != NO_DIFFERENCE).mean() for table in found.values())
        wrong = ((found[BLUR]["conclusion"] != NO_DIFFERENCE) & (found[BLUR]["difference"] < 0)).mean()
        said = f"equal models called different {alarms:.3f}, the better one found {power:.3f}"
        print(f"conclusion: {said}, the worse one preferred {wrong:.3f}", flush=True)


def main() -> None:
    repeats = int(sys.argv[1]) if len(sys.argv) > 1 else REPEATS
    predictive_intervals(repeats)
    posterior_of_scores(repeats)
    differences(max(repeats // 5, 200))
    group_bootstrap(repeats)
    calibrated_blocks(max(repeats // 4, 100))


if __name__ == "__main__":
    main()
