"""The Bayesian network on classes: how near the exact posterior, and how good on real events and facies.

    python benchmarks/bnn_on_events.py [seismic_events] [pnsn_catalogue] [seg2016_facies] [istanbul_quarry]

`seismic_events`: 20,000 events drawn by the project's generator, one fifth of their sites held out; the log loss of
each model stands beside that of the exact posterior (bar: the network's is within 0.006 of it). `pnsn_catalogue`: the
published protocol, train on 2018-21 and test on 2022 (bar: <= .188). `seg2016_facies`: ten wells left out in turn
(bars: no worse than the ensemble, more than .02 below the perceptron). `istanbul_quarry`: one event left out in turn
(bar: <= .085). The models have their defaults; differences are by row, with a bootstrap over groups.
"""

import sys
import time

import numpy as np

import bayesgeo as bg
from bayesgeo.catalog import model
from bayesgeo.datasets.base import Dataset
from bayesgeo.datasets.simulation.event_physics import draw_table
from bayesgeo.datasets.simulation.events import as_dataset

ROWS, SEED = 20_000, 7
Folds = list[tuple[np.ndarray, np.ndarray]]
ALL = ("bayesian_mlp", "mlp", "ensemble", "boosting", "forest", "bayesian_logistic")
MODELS = {"seg2016_facies": ("bayesian_mlp", "mlp", "ensemble"), "istanbul_quarry": ("bayesian_mlp",)}
FIRST_FOLD = ("seismic_events", "pnsn_catalogue")
ABSENT = 1e-9  # probability of a class that the training rows lack, and the least of any
MOST_SHOWN = 12


def score(
    dataset: Dataset, names: tuple[str, ...], folds: list[tuple[np.ndarray, np.ndarray]]
) -> dict[str, np.ndarray]:
    """Fit each model on the training rows of each fold; return its log loss of all test rows."""
    tests = [test for _, test in folds]
    y = dataset.y.values
    losses = {}
    if dataset.exact is not None:
        losses["exact"] = np.concatenate([-np.log(dataset.exact.values[test, y[test]]) for test in tests])
    for name in names:
        begun, cpu, parts = time.perf_counter(), time.process_time(), []
        for train, test in folds:
            fitted = model(name, dataset.task, random_state=0)
            part = dataset.rows(train)
            fitted.fit(part.X, part.y.values, groups=None if part.group is None else part.group.values)
            p = np.full((len(test), len(dataset.labels)), ABSENT)
            p[:, fitted.classes_] = fitted.predict_proba(dataset.rows(test).X)
            parts.append(-np.log(np.maximum(p[np.arange(len(test)), y[test]], ABSENT)))
            power = getattr(fitted, "posterior_", None)
            if power is not None and len(folds) <= MOST_SHOWN:
                print(
                    f"    power {power.attrs.get('likelihood_power', 1.0):g}, loss {parts[-1].mean():.4f}", flush=True
                )
        losses[name] = np.concatenate(parts)
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
    for name in sys.argv[1:] or ("seismic_events", "pnsn_catalogue", "seg2016_facies", "istanbul_quarry"):
        dataset = as_dataset(draw_table(ROWS, seed=SEED), attrs={}) if name == "seismic_events" else bg.load(name)
        folds = list(bg.split(dataset).folds)
        folds = folds[:1] if name in FIRST_FOLD else folds
        print(f"{name}: {len(folds)} folds, {sum(len(test) for _, test in folds):,} rows to test")
        losses = score(dataset, MODELS.get(name, ALL), folds)
        if "exact" in losses:
            print(f"  {'exact':18} log loss {losses['exact'].mean():.4f}")
        groups = np.arange(dataset.n_rows) if dataset.group is None else dataset.group.values
        differences(losses, groups[np.concatenate([test for _, test in folds])])


if __name__ == "__main__":
    main()
