"""Deterministic models at their best: perceptrons of ours and of scikit-learn, boosting; raw and calibrated.

    python benchmarks/deterministic_models.py [pnsn_catalogue] [seg2016_facies] [--wells 3] [--raw] [--pruning]

`pnsn_catalogue`: the published protocol, train on 2018-21 and test on 2022. `seg2016_facies`: so many wells left out
one after the other; all ten take hours, a tenth of that with `--raw`, which calibrates nothing. Every "tuned" model
chooses by log loss on the same three grouped folds inside the training rows, then learns from all of them; "calibrated"
sets a fifth of the training groups aside for a temperature and fits on the rest, "in folds" sets every group aside once
and fits on all. Differences are to our tuned perceptron, by row, with a bootstrap over groups.
`--pruning`: sparsity against log loss on PNSN 2022, mean over seeds.
"""

import sys
import time
import warnings
from itertools import product
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, clone
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GroupKFold
from sklearn.neural_network import MLPClassifier as TheirMLP
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import bayesgeo as bg
from bayesgeo.datasets.base import Dataset
from bayesgeo.models.base import Classifier
from bayesgeo.models.baselines import WrappedClassifier
from bayesgeo.models.calibrated import CalibratedClassifier
from bayesgeo.models.ensemble import DeepEnsembleClassifier
from bayesgeo.models.mlp import MLPClassifier
from bayesgeo.models.tuned import TunedMLPClassifier

FLOOR = 1e-15  # a class that was never seen would cost infinitely much
SPARSITIES, SEEDS = (0.0, 0.5, 0.7, 0.8, 0.9, 0.95), 3


def losses(probability: np.ndarray, classes: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the log loss of each row."""
    seen = (probability * (classes == y[:, None])).sum(axis=1)
    return -np.log(np.maximum(seen, FLOOR))


class Tuned(WrappedClassifier):
    """Base of scikit-learn's models that are tuned as ours: on three grouped folds, by log loss."""

    def _build(self) -> BaseEstimator:
        raise NotImplementedError

    def _candidates(self) -> list[BaseEstimator]:
        raise NotImplementedError

    def _learn(self, X: np.ndarray, y: np.ndarray, groups: Any) -> None:
        folds = list(GroupKFold(3, shuffle=True, random_state=self.seed_).split(X, groups=groups))
        candidates = self._candidates()
        tried = []
        for candidate in candidates:
            models = [clone(candidate).fit(X[rows], y[rows]) for rows, _ in folds]
            pairs = zip(models, folds, strict=True)
            tried.append(
                np.mean([losses(m.predict_proba(X[held]), m.classes_, y[held]).mean() for m, (_, held) in pairs])
            )
        self.estimator_ = clone(candidates[int(np.argmin(tried))]).fit(X, y)


class TheirTunedMLP(Tuned):
    """scikit-learn's perceptron over our grid."""

    name = "scikit-learn MLP"

    def _candidates(self) -> list[BaseEstimator]:
        ours = TunedMLPClassifier()
        return [
            make_pipeline(
                StandardScaler(),
                TheirMLP(
                    (width,) * depth,
                    alpha=decay,
                    early_stopping=True,
                    n_iter_no_change=25,
                    max_iter=500,
                    learning_rate_init=3e-3,
                    random_state=self.seed_,
                ),
            )
            for width, depth, decay in product(ours.widths, ours.depths, ours.weight_decays)
        ]


class TunedBoosting(Tuned):
    """scikit-learn's boosting over leaves and the length of steps, stopped early."""

    name = "tuned boosting"

    def _candidates(self) -> list[BaseEstimator]:
        return [
            HistGradientBoostingClassifier(
                learning_rate=rate,
                max_leaf_nodes=leaves,
                l2_regularization=1.0,
                early_stopping=True,
                random_state=self.seed_,
            )
            for rate, leaves in product((0.05, 0.1), (7, 15, 31))
        ]


def models(raw_only: bool) -> dict[str, Classifier]:
    raw = {
        "tuned MLP": TunedMLPClassifier(random_state=0),
        "ensemble": DeepEnsembleClassifier(random_state=0),
        "scikit-learn MLP": TheirTunedMLP(random_state=0),
        "tuned boosting": TunedBoosting(random_state=0),
    }
    if raw_only:
        return raw
    calibrated = {f"{name}, calibrated": CalibratedClassifier(clone(one), random_state=0) for name, one in raw.items()}
    in_folds = {
        f"{name}, in folds": CalibratedClassifier(clone(one), folds=5, random_state=0) for name, one in raw.items()
    }
    return raw | calibrated | in_folds


def fit(model: Classifier, dataset: Dataset, rows: np.ndarray) -> Classifier:
    part = dataset.rows(rows)
    return model.fit(part.X, part.y.values, groups=part.groups.values)


def compare(name: str, wells: int, raw_only: bool) -> None:
    """Print the scores of every model on the honest folds, and the differences to the tuned perceptron."""
    dataset = bg.load(name)
    folds = bg.split(dataset).folds[:wells]
    tests = np.concatenate([test for _, test in folds])
    groups = np.unique(dataset.groups.values[tests], return_inverse=True)[1]
    print(f"{name}: {len(folds)} fold(s), {len(tests):,} test rows in {groups.max() + 1} groups")
    rng = np.random.default_rng(0)
    n_groups = groups.max() + 1
    weights = rng.multinomial(n_groups, np.full(n_groups, 1 / n_groups), size=4000)[:, groups]
    reference = None
    for label, model in models(raw_only).items():
        begun, loss, right = time.process_time(), [], []
        for train, test in folds:
            fitted = fit(clone(model), dataset, train)
            p, truth = fitted.predict_proba(dataset.rows(test).X), dataset.y.values[test]
            loss.append(losses(p, fitted.classes_, truth))
            right.append(fitted.classes_[p.argmax(axis=1)] == truth)
        row_loss = np.concatenate(loss)
        reference = row_loss if reference is None else reference
        gain = row_loss - reference
        low, high = np.quantile(weights @ gain / weights.sum(axis=1), (0.025, 0.975))
        print(
            f"  {label:28} log loss {row_loss.mean():.4f}  accuracy {np.concatenate(right).mean():.4f}  "
            f"difference {gain.mean():+.4f} [{low:+.4f}, {high:+.4f}]  {time.process_time() - begun:.0f} s CPU",
            flush=True,
        )


def prune() -> None:
    """Print the log loss on PNSN 2022 by sparsity."""
    dataset = bg.load("pnsn_catalogue")
    train, test = bg.split(dataset).folds[0]
    X, y = dataset.rows(test).X, dataset.y.values[test]
    for sparsity in SPARSITIES:
        fitted = [fit(MLPClassifier(sparsity=sparsity, random_state=seed), dataset, train) for seed in range(SEEDS)]
        found = [losses(one.predict_proba(X), one.classes_, y).mean() for one in fitted]
        weights = sum(int(np.count_nonzero(values)) for values in fitted[0].weights_.values())
        print(f"  sparsity {sparsity:.2f}  {weights:5} parameters  log loss {np.mean(found):.4f} "
              f"(seeds {np.min(found):.4f}-{np.max(found):.4f})", flush=True)  # fmt: skip


def main() -> None:
    """Run what was asked for."""
    warnings.simplefilter("ignore", ConvergenceWarning)
    words = sys.argv[1:]
    wells = int(words[words.index("--wells") + 1]) if "--wells" in words else 3
    names = [word for word in words if word in ("pnsn_catalogue", "seg2016_facies")]
    for name in names or ([] if "--pruning" in words else ["pnsn_catalogue", "seg2016_facies"]):
        compare(name, wells, "--raw" in words)
    if "--pruning" in words:
        prune()


if __name__ == "__main__":
    main()
