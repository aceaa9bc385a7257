"""Audit the folds of a split: rows, groups and classes of test parts against their training parts."""

from collections.abc import Iterator

import numpy as np
from scipy.spatial import KDTree

from bayesgeo._check import shown
from bayesgeo.datasets.base import Dataset
from bayesgeo.datasets.finding import Finding, Level, standardised
from bayesgeo.datasets.split import Split

NEAR, NEAR_ROWS = 1e-3, 5000
MANY = 0.05


def fold_findings(dataset: Dataset, split: Split) -> Iterator[Finding]:
    """Yield repeated rows, groups on both sides of a fold, and classes absent from training rows."""
    yield from _repeats(dataset, split)
    yield from _shared(dataset, split)
    yield from _lost_classes(dataset, split)


def _repeats(dataset: Dataset, split: Split) -> Iterator[Finding]:
    rows = np.column_stack([dataset.X.values, dataset.y.values])
    same = np.unique(rows, axis=0, return_inverse=True)[1].ravel()
    torn = _torn(same, split)
    if torn.size:
        measured = bool((dataset.X.values % 1 != 0).any())
        message = (
            f"{torn.size} test rows have the very features and target of a training row: row "
            f"{shown(dataset.X['obs'].values[torn])}. Remove repeats, or name their group."
        )
        level: Level = "refuse" if torn.size > MANY * sum(test.size for _, test in split.folds) else "warn"
        yield Finding("same-row", level if measured else "note", message)
    near = _near(dataset, split)
    if near > torn.size:
        message = (
            f"{near} test rows lie within {NEAR} standard deviations of a training row. Check for rounded repeats."
        )
        yield Finding("near-row", "warn", message)


def _torn(keys: np.ndarray, split: Split) -> np.ndarray:
    parts = [test[_seen(keys, train)[keys[test]]] for train, test in split.folds]
    return np.unique(np.concatenate(parts)).astype(int)


def _seen(keys: np.ndarray, train: np.ndarray) -> np.ndarray:
    seen = np.zeros(int(keys.max()) + 1, bool)
    seen[keys[train]] = True
    return seen


def _near(dataset: Dataset, split: Split) -> int:
    """Count near repeats; one fold and a few thousand rows suffice to detect them."""
    Z = standardised(dataset.X.values)
    train, test = (part[:NEAR_ROWS] for part in split.folds[0])
    distance, nearest = KDTree(Z[train]).query(Z[test], distance_upper_bound=NEAR * np.sqrt(Z.shape[1]))
    close = np.isfinite(distance)
    return int((dataset.y.values[test][close] == dataset.y.values[train][nearest[close]]).sum())


def _shared(dataset: Dataset, split: Split) -> Iterator[Finding]:
    for name, labels in dataset.group_labels().items():
        torn = _torn(np.unique(labels, return_inverse=True)[1], split)
        if not torn.size:
            continue
        if split.kind == "within-group":
            message = (
                f"Rows are held out within groups ({name}): the scores are of new rows of known groups. For a new "
                f"{name}, split by group."
            )
            yield Finding("known-group", "note", message)
            continue
        names = sorted(set(labels[torn]))
        message = (
            f"{len(names)} groups ({name}) are on both sides of a fold: {shown(names)}. The score does not hold "
            f"for a new {name}. "
        )
        if split.group in (None, name):
            message += "Split by group for that."
            yield Finding("same-group", "refuse" if split.group == name else "warn", message)
        else:
            message += f"Groups are crossed and only one key is kept apart ({split.group}); name {name} first for that."
            yield Finding("crossed-group", "warn", message)


def _lost_classes(dataset: Dataset, split: Split) -> Iterator[Finding]:
    if dataset.task == "regression":
        return
    y = dataset.y.values
    lost = [
        f"{dataset.labels[code]} (fold {number})"
        for number, (train, test) in enumerate(split.folds, start=1)
        for code in np.unique(y[test][~_seen(y, train)[y[test]]])
    ]
    if lost:
        message = f"Classes tested but absent from training: {shown(lost)}. Give fewer folds, or more rows."
        yield Finding("lost-class", "warn", message)
