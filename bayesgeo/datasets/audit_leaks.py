"""Audit the features of a data set for the target under another name."""

from collections.abc import Iterator

import numpy as np
from scipy.stats import rankdata

from bayesgeo.datasets.base import Dataset
from bayesgeo.datasets.counters import words
from bayesgeo.datasets.finding import Finding

FEW_ROWS = 5
# What an analyst fixes where it cannot be measured, or writes down after the decision.
SUSPECT = frozenset({"depth", "z", "time", "date", "year", "month", "day", "hour", "minute", "second", "timestamp"})
FIXED, FEW_VALUES = 0.1, 12
TELLING = 0.9


def leak_findings(dataset: Dataset) -> Iterator[Finding]:
    """Yield declared leaks, features that repeat the target, and depths and times that may hold the answer."""
    yield from _fixed(dataset)
    for name in dataset.features:
        if name in dataset.leaks:
            message = f"Feature {name} is a declared leak: {dataset.leaks[name]}. Leave it out."
            yield Finding("leak", "warn", message)
    for name, values in whole_columns(dataset).items():
        target = dataset.y.values
        if _same_order(values, target) if dataset.task == "regression" else _one_to_one(values, target):
            message = f"Feature {name} is the target {dataset.y.name} by another name. Leave it out."
            yield Finding("target-copy", "refuse", message)
        elif dataset.task == "classification" and len(dataset.labels) == 2 and _separates(values, target):
            message = (
                f"Feature {name} alone separates the classes without error. Check that it does not carry the answer."
            )
            yield Finding("separates", "warn", message)


def whole_columns(dataset: Dataset) -> dict[str, np.ndarray]:
    """Undo the one-hot coding, so that a category is one column."""
    whole = dict(zip(dataset.features, np.ascontiguousarray(dataset.X.values.T), strict=True))
    for column in dataset.columns:
        names = [name for name in column.features if name in whole]
        if column.levels and names:
            codes = sum((i + 1) * whole.pop(name) for i, name in enumerate(names))
            whole[column.name] = np.asarray(codes)
    return whole


def _one_to_one(values: np.ndarray, target: np.ndarray) -> bool:
    distinct = np.unique(values)
    # Far cheaper than the pairs, and already rules out what is measured.
    if not 1 < len(distinct) == len(np.unique(target)):
        return False
    return len(np.unique(np.column_stack([values, target]), axis=0)) == len(distinct)


def _same_order(values: np.ndarray, target: np.ndarray) -> bool:
    if len(target) < FEW_ROWS or np.ptp(values) == 0:
        return False
    ranks = [np.unique(part, return_inverse=True)[1] for part in (values, target)]
    return np.array_equal(ranks[0], ranks[1]) or np.array_equal(ranks[0].max() - ranks[0], ranks[1])


def _separates(values: np.ndarray, target: np.ndarray) -> bool:
    low, high = values[target == 0], values[target == 1]
    return bool(low.size and high.size and (low.max() < high.min() or high.max() < low.min()))


def suspects(dataset: Dataset) -> list[str]:
    """Return the columns that may hold the answer: depths and times by their names, and declared leaks.

    Examples
    --------
    >>> from bayesgeo.datasets import load
    >>> suspects(load("seismic_events").with_coordinate("depth"))
    ['hour_cos', 'hour_sin', 'depth']
    """
    return [name for name in whole_columns(dataset) if SUSPECT & set(words(name)) or name in dataset.leaks]


def _fixed(dataset: Dataset) -> Iterator[Finding]:
    whole = whole_columns(dataset)
    for name in suspects(dataset):
        if name in dataset.leaks or np.ptp(whole[name]) == 0:
            continue
        values, counts = np.unique(whole[name], return_counts=True)
        common = counts.max() / dataset.n_rows
        reasons = []
        if len(values) > FEW_VALUES and common >= FIXED:
            reasons.append(f"{common:.0%} of its values are {values[counts.argmax()]:g}, as if fixed by an analyst")
        if _tells(whole[name], dataset) >= TELLING:
            reasons.append("alone it nearly tells the target")
        if reasons:
            message = f"Feature {name} may hold the answer: {' and '.join(reasons)}."
            yield Finding("possible-leak", "note", f"{message} bayesgeo check --leaks says how much it carries.")


def _tells(values: np.ndarray, dataset: Dataset) -> float:
    """Return the largest area under the ROC curve of a class against the others, or the rank correlation."""
    ranks, target = rankdata(values), dataset.y.values
    if dataset.task == "regression":
        return abs(float(np.corrcoef(ranks, rankdata(target))[0, 1])) if np.ptp(target) > 0 else 0.0
    areas = [0.5]
    for code in np.unique(target):
        inside = target == code
        pairs = inside.sum() * (~inside).sum()
        area = (ranks[inside].sum() - inside.sum() * (inside.sum() + 1) / 2) / pairs if pairs else 0.5
        areas.append(max(area, 1 - area))
    return float(max(areas))


__all__ = ["leak_findings", "suspects", "whole_columns"]
