"""What eight members trained at once cost beside one, and whether they predict as eight trained one by one.

    python benchmarks/ensemble_training.py [seismic_events] [pnsn_catalogue]

Processor time of one thread, each in turn in one process after a warm-up. Two ratios to one member: of 30 epochs, the
same for all, and of whole training, where members stop when they stop and "one" is the mean of the eight trained one
by one. The log loss is that of the ensemble's mean probability on the first honest fold, both ways.
"""

import sys
import time

import numpy as np
from sklearn.utils import check_random_state

import bayesgeo as bg
from bayesgeo.datasets.base import Dataset
from bayesgeo.models.networks.ensemble import DeepEnsembleClassifier
from bayesgeo.models.networks.mlp import MLPClassifier
from bayesgeo.models.training.recipe import Recipe

MEMBERS, EPOCHS, REPEATS = 8, 30, 3


def timed(model: MLPClassifier | DeepEnsembleClassifier, part: Dataset) -> float:
    """Fit; return the processor time in seconds."""
    begun = time.process_time()
    model.fit(part.X, part.y.values, groups=None if part.group is None else part.group.values)
    return time.process_time() - begun


def log_loss(probability: np.ndarray, y: np.ndarray) -> float:
    return float(-np.log(probability[np.arange(len(y)), y]).mean())


def main() -> None:
    """Measure on the data sets that were asked for."""
    for name in sys.argv[1:] or ("seismic_events", "pnsn_catalogue"):
        dataset = bg.load(name)
        train, test = bg.split(dataset).folds[0]
        part, X, y = dataset.rows(train), dataset.rows(test).X, dataset.y.values[test]
        timed(MLPClassifier(recipe=Recipe(max_epochs=2)), part)
        single = MLPClassifier(recipe=Recipe(max_epochs=EPOCHS, patience=EPOCHS), random_state=0)
        pairs = [
            (timed(DeepEnsembleClassifier(single, members=MEMBERS, random_state=0), part), timed(single, part))
            for _ in range(REPEATS)
        ]
        ratios = sorted(eight / one for eight, one in pairs)
        print(f"{name}: {len(train):,} rows; {EPOCHS} epochs, {MEMBERS} members / 1: {ratios[len(ratios) // 2]:.2f}")
        ensemble = DeepEnsembleClassifier(members=MEMBERS, random_state=0)
        together = timed(ensemble, part)
        seed = int(check_random_state(0).randint(2**31 - 1))
        states = np.random.SeedSequence(seed).generate_state(MEMBERS)
        singles = [MLPClassifier(random_state=int(state)) for state in states]
        alone = [timed(single, part) for single in singles]
        print(f"  whole training: {together:.2f} s, one {np.mean(alone):.2f} s: {together / np.mean(alone):.2f}")
        losses = [log_loss(single.predict_proba(X), y) for single in singles]
        separate = log_loss(np.mean([single.predict_proba(X) for single in singles], axis=0), y)
        print(f"  log loss at once {log_loss(ensemble.predict_proba(X), y):.4f}, one by one {separate:.4f}; ", end="")
        print(f"single members {np.mean(losses):.4f} (sd {np.std(losses, ddof=1):.4f})", flush=True)


if __name__ == "__main__":
    main()
