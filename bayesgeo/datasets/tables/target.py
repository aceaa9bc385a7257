"""Infer the task and its classes from the target column."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from bayesgeo._check import did_you_mean, invalid, one_of, shown
from bayesgeo.datasets.base import Task
from bayesgeo.datasets.columns import numbers, texts
from bayesgeo.datasets.tables.features import refuse_figures

MAX_CODES = 12
MAX_CLASSES = 100
LARGEST = 1e9
MOSTLY = 0.5


@dataclass(frozen=True, eq=False)
class Target:
    """The values to predict and, for classes, their labels.

    Parameters
    ----------
    values : pandas.Series
        Class names, or floats.
    labels : tuple of str
        Class names in the order of their codes; empty for a quantity.
    """

    values: pd.Series
    labels: tuple[str, ...] = ()


def as_target(values: pd.Series, *, notes: list[str], positive: str | None = None, task: Task | None = None) -> Target:
    """Infer the task from a complete target column and check its values.

    Parameters
    ----------
    values : pandas.Series
        The column, without missing values.
    notes : list of str
        Receives one line for each decision taken.
    positive : str, optional
        The positive class of two.
    task : {"classification", "regression"}, optional
        By default text, truth values and up to 12 different whole numbers are classes, other numbers a quantity.

    Returns
    -------
    Target
        Values with their labels.

    Raises
    ------
    InvalidInput
        If there is one class only, a class of one row, a constant or gigantic quantity, or text among
        numbers.

    Examples
    --------
    >>> as_target(pd.Series(["blast", "quake"] * 3, name="event"), positive="blast", notes=[]).labels
    ('quake', 'blast')
    """
    if task is not None:
        one_of("task", task, ("classification", "regression"))
    kind = task or _looks_like(values)
    if kind == "classification":
        return _classes(values, positive, notes)
    if positive is not None:
        raise invalid("positive", positive, f"Target {values.name!r} is a quantity.", "Leave it out.")
    return _quantity(values)


def _looks_like(values: pd.Series) -> Task:
    if pd.api.types.is_bool_dtype(values):
        return "classification"
    found = pd.to_numeric(values, errors="coerce")
    if found.notna().mean() <= MOSTLY:
        return "classification"
    found = numbers(values)
    whole = np.array_equal(found, found.round())
    few = found.nunique() <= min(MAX_CODES, max(2, len(found) // 2))
    return "classification" if whole and few else "regression"


def _classes(values: pd.Series, positive: str | None, notes: list[str]) -> Target:
    names = texts(values)
    refuse_figures(names)
    counts = names.value_counts()
    if len(counts) < 2:
        problem = f"All rows are of class {counts.index[0]!r}."
        raise invalid("target", values.name, problem, "Add rows of another class, or choose another target.")
    if len(counts) > MAX_CLASSES:
        problem = f"It has {len(counts)} classes; {MAX_CLASSES} at most are supported."
        raise invalid("target", values.name, problem, "Merge classes, or give task='regression'.")
    single = counts.index[counts == 1]
    if len(single):
        where = shown(f"{name!r} (row {names.index[names == name][0]})" for name in single)
        problem = f"Classes with one row cannot be in both training and test rows: {where}."
        raise invalid("target", values.name, problem, "Merge them, leave the rows out, or add more of them.")
    return Target(names, _ordered(names, positive, notes))


def _ordered(names: pd.Series, positive: str | None, notes: list[str]) -> tuple[str, ...]:
    labels = sorted(names.unique(), key=_by_number)
    if positive is not None:
        if str(positive) not in labels:
            raise invalid("positive", positive, "Unknown class.", did_you_mean(positive, labels))
        labels = [*(label for label in labels if label != str(positive)), str(positive)]
    elif len(labels) == 2:
        notes.append(f"The positive class is {labels[-1]!r}; give positive to change it.")
    return tuple(labels)


def _by_number(label: str) -> tuple[float, str]:
    try:
        return float(label), label
    except ValueError:
        return np.inf, label


def _quantity(values: pd.Series) -> Target:
    found = numbers(values)
    large = found.index[found.abs() > LARGEST]
    if len(large):
        problem = f"{found[large[0]]:g} at row {large[0]} is beyond {LARGEST:g} ({len(large)} rows in all)."
        remedy = "Correct it, choose a larger unit, or take its logarithm."
        raise invalid("target", values.name, problem, remedy)
    if (found == found.iloc[0]).all():
        problem = f"It is {found.iloc[0]:g} in every row."
        raise invalid("target", values.name, problem, "Choose a target that varies.")
    return Target(found)


__all__ = ["Target", "as_target"]
