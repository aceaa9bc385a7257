"""Whether a file of Evidence says what was computed: its checksum, and what must follow from its own numbers.

A checksum detects what was damaged or edited. It is no signature: whoever edits a file can compute it again. Therefore
what follows from the rest is not believed: the verdict must follow from the checks, a check that passed must keep its
own threshold, and the scores must be those of the predictions. Conclusions are not in the file at all; a report
computes them from the scores by row.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from bayesgeo import catalog
from bayesgeo._check import invalid, one_of
from bayesgeo._files.netcdf import load_tree, packed
from bayesgeo._files.writing import atomic_file
from bayesgeo.diagnostics import Check, Diagnosis

CHECKSUM = "sha256"  # attribute of the file, not of the tree in memory
GROUPS = ("predictions", "observed_data", "metrics", "calibration", "selective", "diagnostics")
JSON = {"specification": dict, "parameters": dict, "dataset_description": dict, "training_rows": list, "versions": dict}
TEXT = (
    "model",
    "class",
    "kind",
    "dataset_sha256",
    "rows_sha256",
    "preprocessing_sha256",
    "split",
    "split_kind",
    "split_sha256",
)
NUMBERS = ("seed", "seeds", "interrupted", "size_bytes", "compile_seconds", "fit_seconds", "predict_seconds")
TASKS = ("classification", "regression")
STATUSES = ("passed", "tip", "issue", "not applicable", "skipped", "ignored")
ROUNDING = 1e-9  # of a score computed again on another computer, whose sums have another order
# As checks state them: "<= 1.01", "E-BFMI >= 0.3", "0 draws".
THRESHOLD = re.compile(r"(?:[a-zA-Z-]+ )?(<=|>=|<|>) (\d[\d.e+-]*)|0 ")
KEEPS = {"<=": np.less_equal, ">=": np.greater_equal, "<": np.less, ">": np.greater}


def write_sealed(tree: xr.DataTree, path: str | Path) -> Path:
    """Write a tree to one netCDF file, atomically, with a :func:`checksum` of all that is in it."""
    sealed = tree.copy(deep=False)
    sealed.attrs = tree.attrs | {CHECKSUM: checksum(tree)}
    with atomic_file(path) as temporary:
        temporary.write_bytes(packed(sealed))
    return Path(path)


def load_sealed(path: str | Path, name: str) -> xr.DataTree:
    """Read what :func:`write_sealed` wrote; ``name`` says what it is.

    Raises
    ------
    InvalidInput
        If it cannot be read, or has changed since it was written.
    """
    tree = load_tree(path, name)
    if tree.attrs.pop(CHECKSUM, "") != checksum(tree):
        problem = "It has changed since it was written: its checksum differs."
        raise invalid(name, str(path), problem, "Run the comparison again.")
    return tree


def checksum(tree: xr.DataTree) -> str:
    """Hash every group of a tree: its path, and sorted by name its attributes and its variables.

    Of a variable these are hashed: name, dimensions, kind and width of its numbers, shape, values (the last dimension
    fastest, little-endian), attributes. Text is hashed as a JSON list of strings, whatever holds it.

    Examples
    --------
    >>> tree = xr.DataTree.from_dict({"a": xr.Dataset({"x": ("obs", [1.0, 2.0])})})
    >>> before = checksum(tree)
    >>> tree["a"]["x"][1] = 3.0
    >>> checksum(tree) == before
    False
    """
    digest = hashlib.sha256()
    for node in sorted(tree.subtree, key=lambda node: str(node.path)):
        own = node.to_dataset(inherit=False)
        for part in (str(node.path).encode(), *_attributes(own.attrs)):
            digest.update(b"%d:" % len(part) + part)
        for name in sorted(map(str, own.variables)):
            variable = own.variables[name]
            for part in (
                name.encode(),
                repr(variable.dims).encode(),
                *_values(variable.values),
                *_attributes(variable.attrs),
            ):
                digest.update(b"%d:" % len(part) + part)
    return digest.hexdigest()


def _attributes(attrs: Mapping[Any, Any]) -> Iterator[bytes]:
    for name in sorted(map(str, attrs)):
        yield name.encode()
        yield from _values(np.asarray(attrs[name]))


def _values(values: np.ndarray) -> Iterator[bytes]:
    yield repr(values.shape).encode()
    if values.dtype.kind in "OSUT":
        yield json.dumps([str(text) for text in values.ravel().tolist()]).encode()
    else:
        yield values.dtype.str[1:].encode()
        yield np.ascontiguousarray(values, dtype=values.dtype.newbyteorder("<")).tobytes()


def problems(tree: xr.DataTree) -> Iterator[str]:
    """Yield what is missing in Evidence, and what does not follow from the rest of it."""
    lacking = [name for name in GROUPS if name not in tree.children]
    lacking += [name for name in TEXT if not isinstance(tree.attrs.get(name), str)]
    lacking += [name for name in NUMBERS if not np.isreal(tree.attrs.get(name, "")) or np.ndim(tree.attrs[name])]
    lacking += [name for name, kind in JSON.items() if not isinstance(json.loads(tree.attrs.get(name, "0")), kind)]
    if lacking:
        yield f"It lacks {', '.join(lacking)}."
        return
    yield from _of_diagnostics(tree["diagnostics"].to_dataset())
    yield from _of_scores(tree)


def _of_diagnostics(table: xr.Dataset) -> Iterator[str]:
    columns = [table[name].values.tolist() for name in ("code", "status", "value", "threshold", "advice")]
    checks = tuple(Check(*row) for row in zip(*columns, strict=True))
    for check in checks:
        if check.status not in STATUSES:
            yield f"The check {check.code} has a status that does not exist: {check.status}."
        if check.status == "passed" and not keeps(check.value, check.threshold):
            yield f"The check {check.code} passed with {check.value:g}, and asks for {check.threshold}."
    verdict = Diagnosis(checks).verdict
    if table.attrs.get("verdict") != verdict:
        yield f"Its verdict does not follow from its checks, which say {verdict}."


def keeps(value: float, threshold: str) -> bool:
    """Tell whether a value keeps a threshold as checks state it; other text decides nothing.

    Examples
    --------
    >>> keeps(1.2, "<= 1.01"), keeps(0.0, "0 draws"), keeps(0.4, "E-BFMI >= 0.3"), keeps(np.nan, "the same hash")
    (False, True, True, True)
    """
    found = THRESHOLD.match(threshold)
    if found is None:
        return True
    return bool(KEEPS[found[1]](value, float(found[2]))) if found[1] else value == 0


def _of_scores(tree: xr.DataTree) -> Iterator[str]:
    predictions, observed, metrics = (tree[name].to_dataset() for name in ("predictions", "observed_data", "metrics"))
    rows = predictions["obs"].values
    if not (np.array_equal(rows, observed["obs"].values) and np.array_equal(rows, metrics["obs"].values)):
        yield "Its predictions and its observations are not of the same rows."
        return
    folds = predictions["fold"].values
    if folds.dtype.kind != "i" or not np.isin(folds, range(len(json.loads(tree.attrs["training_rows"])))).all():
        yield "Its rows are of folds that do not exist."
    known = catalog.metrics(one_of("task", json.loads(tree.attrs["dataset_description"])["task"], TASKS))
    y = observed["y"].values
    for name in (str(name) for name in metrics["metric"].values if str(name) in known):
        said = {"value": metrics["value"].sel(metric=name).values, "by_row": metrics.get(f"{name}_by_row")}
        found = {"value": known[name](predictions, y), "by_row": known[name].by_row(predictions, y)}
        for which, numbers in found.items():
            if not _alike(said[which], numbers):
                yield f"Its {name} is not that of its predictions."


def _alike(said: Any, found: Any) -> bool:
    if said is None or found is None:
        return said is found
    return np.shape(said) == np.shape(found) and np.allclose(said, found, rtol=ROUNDING, atol=ROUNDING, equal_nan=True)
