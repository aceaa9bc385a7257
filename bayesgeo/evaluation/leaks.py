"""How much of the score each suspicious column carries: a quick model with it and without it."""

from dataclasses import dataclass, replace

import numpy as np

from bayesgeo import catalog
from bayesgeo.datasets.audit_leaks import suspects
from bayesgeo.datasets.base import Dataset
from bayesgeo.datasets.split import Split
from bayesgeo.evaluation.evaluate import evaluate

QUICK = {"classification": ("boosting", "majority"), "regression": ("boosting", "mean")}
FOLDS = 10


@dataclass(frozen=True)
class Carried:
    """What a column carries of the score of boosted trees.

    Parameters
    ----------
    name : str
        The column.
    with_it, without_it : float
        Mean log score of a test row, in nats, with all features and with all but this column.
    low, high : float
        Least and largest difference over the folds.

    Examples
    --------
    >>> round(Carried("depth", with_it=-0.05, without_it=-0.35, low=0.2, high=0.4).difference, 2)
    0.3
    """

    name: str
    with_it: float
    without_it: float
    low: float
    high: float

    @property
    def difference(self) -> float:
        """How much the log score of a row falls without the column, in nats."""
        return self.with_it - self.without_it


def carried_by_suspects(dataset: Dataset, by: Split, *, seed: int = 0) -> list[Carried]:
    """Measure what depths, times and declared leaks among the features carry of the score.

    Boosted trees are scored on the test rows with all features and without each column in turn, on the same folds (the
    first ten). A column that carries much is no leak for that alone: ask whether it is known, and means the same, when
    a new row is to be predicted.

    Parameters
    ----------
    dataset : Dataset
        Data set with the columns.
    by : Split
        The folds.
    seed : int
        Seed of the fits.

    Returns
    -------
    list of Carried
        One for each column that :func:`bayesgeo.datasets.audit_leaks.suspects` names; the most carrying first.
    """
    by = replace(by, folds=by.folds[:FOLDS])
    names = suspects(dataset)
    if not names:
        return []
    full = _by_fold(dataset, by, seed)
    found = []
    for name in names:
        own = next((column.features for column in dataset.columns if column.name == name), (name,))
        rest = [feature for feature in dataset.features if feature not in own]
        less = _by_fold(dataset.with_features(rest), by, seed) if rest else _by_fold(dataset, by, seed, blind=True)
        fall = [float((a - b).mean()) for a, b in zip(full, less, strict=True)]
        with_it, without_it = (float(np.concatenate(parts).mean()) for parts in (full, less))
        found.append(Carried(name, with_it, without_it, low=min(fall), high=max(fall)))
    return sorted(found, key=lambda carried: -carried.difference)


def _by_fold(dataset: Dataset, by: Split, seed: int, *, blind: bool = False) -> list[np.ndarray]:
    """Return the log scores of the test rows of each fold."""
    name = QUICK[dataset.task][int(blind)]
    evidence = evaluate(catalog.model(name, dataset.task), dataset, by, seed=seed)
    scores = evidence["metrics"].to_dataset()["log_score_by_row"].values
    ends = np.cumsum([test.size for _, test in by.folds])
    return np.split(scores, ends[:-1])
