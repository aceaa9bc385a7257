"""Audit a data set and its split: leakage, repeated rows, constant columns, lost classes."""

from collections.abc import Iterator

import numpy as np
import pandas as pd
import xarray as xr

from bayesgeo._check import shown
from bayesgeo.datasets.audit_folds import fold_findings
from bayesgeo.datasets.audit_leaks import leak_findings
from bayesgeo.datasets.base import Dataset
from bayesgeo.datasets.finding import Finding, Level, standardised
from bayesgeo.datasets.split import Split
from bayesgeo.linalg import independence

FEW_ROWS, FEW_GROUPS = 50, 5
RARE, VERY_RARE = 0.05, 0.01
FEW_VALUES, ROWS_A_VALUE = 20, 10
CONDITION = 30.0
MANY_FEATURES = 1000  # the search for tied ones grows with their cube
RANK_TOLERANCE = 1e-9


def audit(dataset: Dataset, split: Split | None = None) -> tuple[Finding, ...]:
    """Find leakage, and columns and rows that make scores invalid.

    Parameters
    ----------
    dataset : Dataset
        Data set to check.
    split : Split, optional
        Folds; without them training and test rows are not compared.

    Returns
    -------
    tuple of Finding
        The most serious first; empty if nothing was found.

    Notes
    -----
    Rows repeated across a fold are refused when they are more than a twentieth of the test rows, as they
    move a score by their share at most; repeats of whole numbers alone are only noted.

    Columns count as collinear when the standardised features have a singular value below 1e-9 of the
    largest; from a condition number of 30 on they are noted (Belsley, Kuh and Welsch 1980).

    A quantity of at most 20 different values, ten rows to each on average, is named: grades, counts or steps, for
    which a density means little.

    Examples
    --------
    >>> from bayesgeo.datasets import load
    >>> [finding.code for finding in audit(load("seismic_events").with_coordinate("depth"))]
    ['leak', 'separates']
    """
    found = [*_columns(dataset), *leak_findings(dataset), *_classes(dataset), *_groups(dataset), *_places(dataset)]
    if split is not None:
        found += [*fold_findings(dataset, split)]
    return tuple(sorted(found, key=lambda finding: ("refuse", "warn", "note").index(finding.level)))


def _columns(dataset: Dataset) -> Iterator[Finding]:
    X = dataset.X.values
    names = np.array(dataset.features)
    varies = np.ptp(X, axis=0) > 0
    if not varies.all():
        message = f"Constant features hold no information: {shown(names[~varies])}. Leave them out."
        yield Finding("constant", "warn", message)
    twins = _twins(X[:, varies], names[varies])
    if twins:
        message = f"Features repeat others: {shown(f'{a} = {b}' for a, b in twins)}. Leave one of each out."
        yield Finding("duplicate-column", "warn", message)
    once = varies & ~np.isin(names, [second for _, second in twins])
    if once.sum() >= dataset.n_rows or once.sum() > MANY_FEATURES:
        message = f"{once.sum():,} features for {dataset.n_rows:,} rows: no audit can tell which of them are tied."
        yield Finding("wide", "warn", f"{message} Choose features, or use a model with a strong prior.")
    elif once.sum() > 1:
        yield from _collinear(X[:, once], names[once])


def _twins(X: np.ndarray, names: np.ndarray) -> list[tuple[str, str]]:
    first: dict[bytes, str] = {}
    keys = [np.ascontiguousarray(column).tobytes() for column in X.T]
    owners = [first.setdefault(key, name) for key, name in zip(keys, names, strict=True)]
    return [(owner, name) for owner, name in zip(owners, names, strict=True) if owner != name]


def _collinear(X: np.ndarray, names: np.ndarray) -> Iterator[Finding]:
    centred = xr.DataArray(standardised(X), dims=("obs", "feature"), coords={"feature": names})
    found = independence(centred, tolerance=RANK_TOLERANCE)
    if found.collinear:
        tied = [name for group in found.collinear for name in group]
        message = (
            f"Features are linear combinations of each other: {shown(tied, most=10)}; rank "
            f"{found.rank} of {len(names)}. Leave {len(names) - found.rank} of them out."
        )
        yield Finding("collinear", "warn", message)
    elif found.condition_number > CONDITION:
        # The largest entries of the weakest direction are the features that nearly repeat each other.
        weakest = np.linalg.eigh(centred.values.T @ centred.values)[1][:, 0]
        heavy = names[np.argsort(-np.abs(weakest))[:2]]
        message = (
            f"Features are nearly collinear, condition number {found.condition_number:.0f}, most of all "
            f"{heavy[0]} and {heavy[1]}. Read their coefficients together."
        )
        yield Finding("condition", "note", message)


def _classes(dataset: Dataset) -> Iterator[Finding]:
    if dataset.n_rows < FEW_ROWS:
        yield Finding("few-rows", "warn", f"{dataset.n_rows} rows: every score is uncertain. Add rows.")
    if dataset.task == "regression":
        yield from _values(dataset)
        return
    shares = np.bincount(dataset.y.values, minlength=len(dataset.labels)) / dataset.n_rows
    rare = [f"{name} {share:.2%}" for name, share in zip(dataset.labels, shares, strict=True) if share < RARE]
    if rare:
        level: Level = "warn" if shares.min() < VERY_RARE else "note"
        message = f"Rare classes: {shown(rare)}. Read log loss and recall rather than accuracy."
        yield Finding("imbalance", level, message)


def _values(dataset: Dataset) -> Iterator[Finding]:
    different = len(np.unique(dataset.y.values))
    if different <= FEW_VALUES and dataset.n_rows >= ROWS_A_VALUE * different:
        message = (
            f"The target has only {different} different values: a density can be made as high at them as one likes, so "
            "that log scores say little; compare by CRPS and errors. Ordered grades are classes: --task classification"
            ", in Python task='classification'."
        )
        yield Finding("few-values", "warn", message)


def _groups(dataset: Dataset) -> Iterator[Finding]:
    if dataset.group is None:
        return
    counts = pd.Series(dataset.group.values).value_counts()
    name = dataset.group.name
    if len(counts) < FEW_GROUPS:
        message = f"Only {len(counts)} groups ({name}): scores are uncertain for a new one. Add groups."
        yield Finding("few-groups", "warn", message)
    single = counts.index[counts == 1]
    if len(single):
        message = f"{len(single)} groups ({name}) have one row: {shown(single)}. Check that they are groups."
        yield Finding("tiny-groups", "note", message)
    yield from _confined(dataset, str(name))


def _confined(dataset: Dataset, name: str) -> Iterator[Finding]:
    if dataset.task == "regression" or dataset.group is None:
        return
    homes = pd.Series(dataset.group.values).groupby(dataset.y.values).unique()
    lone = [f"{dataset.labels[code]} ({found[0]})" for code, found in homes.items() if len(found) == 1]
    if lone:
        message = f"Classes found in one {name} only: {shown(lone)}. When it is tested, no training row has them."
        yield Finding("confined-class", "warn", message)


def _places(dataset: Dataset) -> Iterator[Finding]:
    if not {"longitude", "latitude"} <= set(dataset.coordinates):
        return
    longitude, latitude = (dataset.coordinates[name].values for name in ("longitude", "latitude"))
    wrong = np.flatnonzero((np.abs(latitude) > 90) | (longitude < -180) | (longitude > 360))
    if wrong.size:
        where = shown(dataset.X["obs"].values[wrong])
        message = f"Longitude or latitude is out of range at row {where}. Correct the columns; they may be swapped."
        yield Finding("places", "refuse", message)


__all__ = ["Finding", "audit"]
