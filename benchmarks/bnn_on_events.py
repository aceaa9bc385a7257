"""The Bayesian network on seismic events: how near the exact posterior, and how good on Pacific Northwest 2022.

    python benchmarks/bnn_on_events.py [seismic_events] [pnsn_catalogue]

`seismic_events`: 20,000 events drawn by the project's generator, one fifth of their sites held out; the log loss of
each model stands beside that of the exact posterior (bar: the network's is within 0.006 of it). `pnsn_catalogue`: the
published protocol, train on 2018-21 and test on 2022 (bar: <= .195, and <= the best tree model's). The models have
their defaults; differences are by row, with a bootstrap over groups.
"""

import sys
import time

import numpy as np

import bayesgeo as bg
from bayesgeo.catalog import model
from bayesgeo.datasets.base import Dataset
from bayesgeo.datasets.simulation.event_physics import draw_table
from bayesgeo.datasets.simulation.events import as_dataset
from bayesgeo.datasets.split import Split

ROWS, SEED = 20_000, 7
MODELS = ("bayesian_mlp", "mlp", "ensemble", "boosting", "forest", "bayesian_logistic")


def first_fold(dataset: Dataset) -> tuple[np.ndarray, np.ndarray]:
    """Return training and test rows of the first honest fold."""
    folds: Split = bg.split(dataset)
    return folds.folds[0]


def score(dataset: Dataset, names: tuple[str, ...]) -> dict[str, np.ndarray]:
    """Fit each model on the training rows; return its log loss of each test row."""
    train, test = first_fold(dataset)
    y = dataset.y.values[test]
    losses = {}
    if dataset.exact is not None:
        losses["exact"] = -np.log(dataset.exact.values[test, y])
    for name in names:
        begun, cpu = time.perf_counter(), time.process_time()
        fitted = model(name, dataset.task, random_state=0)
        part = dataset.rows(train)
        fitted.fit(part.X, part.y.values, groups=None if part.group is None else part.group.values)
        losses[name] = -np.log(fitted.predict_proba(dataset.rows(test).X)[np.arange(len(y)), y])
        spent = f"{time.process_time() - cpu:.0f} s CPU, {time.perf_counter() - begun:.0f} s wall"
        print(f"  {name:18} log loss {losses[name].mean():.4f}   {spent}", flush=True)
    return losses


def differences(losses: dict[str, np.ndarray], groups: np.ndarray) -> None:
    """Print what the network loses to or gains on each other model, with a 95 % interval over groups."""
    codes = np.unique(groups, return_inverse=True)[1]
    rng = np.random.default_rng(0)
    weights = rng.multinomial(codes.max() + 1, np.full(codes.max() + 1, 1 / (codes.max() + 1)), size=4000)[:, codes]
    for name, loss in losses.items():
        if name != "bayesian_mlp":
            gain = losses["bayesian_mlp"] - loss
            low, high = np.quantile(weights @ gain / weights.sum(axis=1), (0.025, 0.975))
            print(f"  bayesian_mlp - {name:18} {gain.mean():+.4f}  [{low:+.4f}, {high:+.4f}]")


def main() -> None:
    """Score the data sets that were asked for."""
    for name in sys.argv[1:] or ("seismic_events", "pnsn_catalogue"):
        dataset = as_dataset(draw_table(ROWS, seed=SEED), attrs={}) if name == "seismic_events" else bg.load(name)
        train, test = first_fold(dataset)
        print(f"{name}: {len(train):,} rows to train, {len(test):,} to test")
        losses = score(dataset, MODELS)
        if "exact" in losses:
            print(f"  {'exact':18} log loss {losses['exact'].mean():.4f}")
        groups = np.arange(dataset.n_rows) if dataset.group is None else dataset.group.values
        differences(losses, groups[test])


if __name__ == "__main__":
    main()
