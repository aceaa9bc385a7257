"""Deterministic models at their best: perceptrons of ours and of scikit-learn, boosting; raw and calibrated.

    python benchmarks/deterministic_models.py [pnsn_catalogue] [seg2016_facies] [--pruning]

`pnsn_catalogue`: the published protocol, train on 2018-21 and test on 2022. `seg2016_facies`: each of ten wells left
out. Every "tuned" model chooses by log loss on the same three grouped folds inside the training rows, then learns from
all of them. What was chosen is calibrated in two ways: "one split" sets a fifth of the training groups aside for a
temperature and fits on the rest, "five folds" sets every group aside once and fits on all. Differences are to our
tuned perceptron, raw, by row, with a bootstrap over groups.
`--pruning`: sparsity against log loss on PNSN 2022, mean over seeds.
"""

import sys
import time
import warnings
from itertools import product

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
from bayesgeo.models.networks.ensemble import DeepEnsembleClassifier
from bayesgeo.models.networks.mlp import MLPClassifier
from bayesgeo.models.networks.tuned import TunedMLPClassifier
from bayesgeo.models.rows import TrainingRows
from bayesgeo.models.wrappers.calibrated import CalibratedClassifier
from bayesgeo.models.wrappers.sklearn import SklearnClassifier, SklearnModelClassifier

FLOOR = 1e-15  # a class that was never seen would cost infinitely much
SPARSITIES, SEEDS = (0.0, 0.5, 0.7, 0.8, 0.9, 0.95), 3


def losses(probability: np.ndarray, classes: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the log loss of each row."""
    seen = (probability * (classes == y[:, None])).sum(axis=1)
    return -np.log(np.maximum(seen, FLOOR))


class Tuned(SklearnModelClassifier):
    """Base of scikit-learn's models that are tuned as ours: on three grouped folds, by log loss."""

    def _build(self) -> BaseEstimator:
        raise NotImplementedError

    def _candidates(self) -> list[BaseEstimator]:
        raise NotImplementedError

    def _learn(self, rows: TrainingRows) -> None:
        X, y = rows.X, rows.y
        folds = list(GroupKFold(3, shuffle=True, random_state=self.seed_).split(X, groups=rows.group))
        candidates = self._candidates()
        tried = []
        for candidate in candidates:
            models = [clone(candidate).fit(X[learning], y[learning]) for learning, _ in folds]
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


MODELS: dict[str, Classifier] = {
    "tuned MLP": TunedMLPClassifier(random_state=0),
    "ensemble": DeepEnsembleClassifier(random_state=0),
    "scikit-learn MLP": TheirTunedMLP(random_state=0),
    "tuned boosting": TunedBoosting(random_state=0),
}
WAYS = {"raw": None, "one split": {"folds": None}, "five folds": {"folds": 5}}


def chosen(fitted: Classifier) -> Classifier:
    """Return the settings that tuning has chosen, to be fitted again."""
    if isinstance(fitted, Tuned):
        return SklearnClassifier(clone(fitted.estimator_), random_state=0)
    return clone(getattr(fitted, "estimator_", fitted))


def fit(model: Classifier, dataset: Dataset, rows: np.ndarray) -> Classifier:
    part = dataset.rows(rows)
    return model.fit(part.X, part.y.values, groups=part.group.values)


def compare(name: str) -> None:
    """Print the scores of every model on the honest folds, and the differences to the tuned perceptron."""
    dataset = bg.load(name)
    folds = bg.split(dataset).folds
    tests = np.concatenate([test for _, test in folds])
    truth = dataset.y.values[tests]
    groups = np.unique(dataset.group.values[tests], return_inverse=True)[1]
    n_groups = groups.max() + 1
    print(f"{name}: {len(folds)} fold(s), {len(tests):,} test rows in {n_groups} groups")
    weights = np.random.default_rng(0).multinomial(n_groups, np.full(n_groups, 1 / n_groups), size=4000)[:, groups]
    reference = None
    for label, model in MODELS.items():
        begun = time.process_time()
        fitted = [fit(clone(model), dataset, train) for train, _ in folds]
        for way, settings in WAYS.items():
            again = fitted
            if settings is not None:
                pairs = zip(fitted, folds, strict=True)
                again = [
                    fit(CalibratedClassifier(chosen(one), random_state=0, **settings), dataset, train)
                    for one, (train, _) in pairs
                ]
            p = np.concatenate([probability(one, dataset, test) for one, (_, test) in zip(again, folds, strict=True)])
            row_loss = -np.log(np.maximum(p[np.arange(len(truth)), truth], FLOOR))
            reference = row_loss if reference is None else reference
            gain = row_loss - reference
            low, high = np.quantile(weights @ gain / weights.sum(axis=1), (0.025, 0.975))
            print(
                f"  {label:16} {way:10} log loss {row_loss.mean():.4f}  accuracy {(p.argmax(1) == truth).mean():.4f}  "
                f"difference {gain.mean():+.4f} [{low:+.4f}, {high:+.4f}]  {time.process_time() - begun:.0f} s CPU",
                flush=True,
            )
            begun = time.process_time()


def probability(fitted: Classifier, dataset: Dataset, rows: np.ndarray) -> np.ndarray:
    """Return the probability of every class of the data set; of classes that were never seen it is zero."""
    every = np.zeros((len(rows), len(dataset.labels)))
    every[:, fitted.classes_] = fitted.predict_proba(dataset.rows(rows).X)
    return every


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
    names = [word for word in words if word in ("pnsn_catalogue", "seg2016_facies")]
    for name in names or ([] if "--pruning" in words else ["pnsn_catalogue", "seg2016_facies"]):
        compare(name)
    if "--pruning" in words:
        prune()


if __name__ == "__main__":
    main()
