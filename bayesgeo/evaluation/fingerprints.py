"""Hashes of the rows, the folds and the preprocessing, which show whether models are comparable."""

import hashlib
from collections.abc import Iterable

import numpy as np
import xarray as xr

from bayesgeo.datasets.base import Dataset


def rows_sha256(dataset: Dataset) -> str:
    """Hash the rows to predict: their names, targets, classes and groups, not their features."""
    groups = () if dataset.group is None else dataset.group.values.tolist()
    names = (dataset.y["obs"].values.tolist(), dataset.labels, groups)
    return _hash(np.ascontiguousarray(dataset.y.values).tobytes(), *map(_joined, names))


def preprocessing_sha256(dataset: Dataset) -> str:
    """Hash the preprocessing of the rows: every number of ``X``, and how columns become features."""
    how = [repr(column) for column in dataset.columns]
    return _hash(np.ascontiguousarray(dataset.X.values).tobytes(), _joined(dataset.features), _joined(how))


def _joined(names: Iterable[object]) -> bytes:
    return "\x1f".join(map(str, names)).encode()


def _hash(*parts: bytes) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(f"/{len(part)}:".encode())
        digest.update(part)
    return digest.hexdigest()


def fingerprint(evidence: xr.DataTree) -> str:
    """Hash what makes two Evidences comparable: the same rows in the same folds."""
    return _hash(evidence.attrs["rows_sha256"].encode(), evidence.attrs["split_sha256"].encode())
