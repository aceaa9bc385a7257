"""Save and load a student as one safetensors file, with everything but arrays as JSON in its header.

The file opens with NumPy and safetensors alone. Everything in it is checked before a student is built: names,
numbers, shapes, and a SHA-256 of all of them, which detects a damaged file (not a forged one). Loading runs no
saved code.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from bayesgeo._check import invalid, shown
from bayesgeo._files.reading import read_bytes
from bayesgeo._files.writing import atomic_file
from bayesgeo.models.students.base import Student
from bayesgeo.models.students.description import (
    DTYPES,
    KEY,
    KINDS,
    NUMBERS,
    SETTINGS,
    STUDENT_SCHEMA,
    check_names,
    read_description,
    refused,
)
from bayesgeo.models.students.students import StudentClassifier

LARGEST_FILE = 2**28  # bytes
# Fitted attributes that are arrays, beside the weights.
ARRAYS = ("center_", "scale_", "answer_center_", "answer_scale_")


def save_student(student: Student, path: str | Path) -> Path:
    """Write a fitted student to one file, without its teacher and its training curve.

    Parameters
    ----------
    student : StudentClassifier or StudentRegressor
        Fitted.
    path : path
        The file, customarily ``.safetensors``; replaced only when all is written.

    Returns
    -------
    pathlib.Path
        The file.

    Raises
    ------
    InvalidInput
        If this is not a fitted student, or a name in it could not be read back.

    Examples
    --------
    >>> import tempfile
    >>> from sklearn.linear_model import LinearRegression
    >>> from bayesgeo.models.students.students import StudentRegressor
    >>> X = np.linspace(0, 1, 20)[:, None]
    >>> student = StudentRegressor(LinearRegression(), (4,), max_epochs=2, random_state=0).fit(X, X[:, 0])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     again = load_student(save_student(student, Path(folder) / "student.safetensors"))
    >>> bool((again.predict(X) == student.predict(X)).all())
    True
    """
    from safetensors.numpy import save

    if type(student).__name__ not in KINDS or not hasattr(student, "weights_"):
        raise invalid("student", type(student).__name__, "It is not a fitted student.", "Give one from distill.")
    arrays = {**student.weights_, **{name: getattr(student, name) for name in ARRAYS}}
    arrays = {name: np.ascontiguousarray(values, dtype=_dtype(name)) for name, values in arrays.items()}
    description = _describe(student)
    check_names(str(path), description)
    description["sha256"] = _sha256(description, arrays)
    with atomic_file(path) as temporary:
        temporary.write_bytes(save(arrays, {KEY: json.dumps(description, sort_keys=True)}))
    return Path(path)


def load_student(path: str | Path) -> Student:
    """Read a student that :func:`save_student` wrote; it predicts bit for bit as before.

    Neither PyTorch, PyMC nor JAX is imported, and no code of the file is run.

    Raises
    ------
    InvalidInput
        If the file is not a student file, is damaged, or has invalid content.

    Examples
    --------
    >>> load_student("nowhere.safetensors")
    Traceback (most recent call last):
    ...
    bayesgeo._check.InvalidInput: Invalid student file 'nowhere.safetensors'. There is no such file...
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    content = read_bytes(path, "student file", largest=LARGEST_FILE)
    description = read_description(path, content)
    try:
        arrays = load(content)
    except (SafetensorError, KeyError, ValueError) as error:
        raise refused(path, f"Its tensors cannot be read: {error}.") from None
    if _sha256(description, arrays) != description["sha256"]:
        raise refused(path, "Its content has changed since it was saved: the SHA-256 differs.")
    student = _build(path, description)
    _check_arrays(path, student, arrays)
    student.weights_ = {name: arrays[name] for name in student.network_.shapes}
    for name in ARRAYS:
        setattr(student, name, arrays[name])
    return student


def _describe(student: Student) -> dict[str, Any]:
    settings = student.get_params(deep=False)
    classes = getattr(student, "classes_", None)
    return {
        "schema_version": STUDENT_SCHEMA,
        "class": type(student).__name__,
        "parameters": {name: _plain(settings[name]) for name in SETTINGS},
        "classes": None if classes is None else {"kind": _kind(classes), "values": classes.tolist()},
        "features": [str(name) for name in getattr(student, "feature_names_in_", ())],
        "units": [str(unit) for unit in getattr(student, "units_", ())],
        "n_features": int(student.n_features_in_),
        "fitted": {name: kind(getattr(student, name)) for name, kind in NUMBERS.items()},
    }


def _plain(value: Any) -> Any:
    if isinstance(value, tuple | list):
        return [int(width) for width in value]
    return value.item() if isinstance(value, np.generic) else value


def _kind(classes: np.ndarray) -> str:
    return classes.dtype.kind if classes.dtype.kind in DTYPES else "U"


def _build(path: Any, description: dict[str, Any]) -> Student:
    parameters = dict(description["parameters"])
    if not isinstance(parameters["hidden"], list) or not all(type(width) is int for width in parameters["hidden"]):
        raise refused(path, "Its hidden layers are not a list of widths.")
    parameters["hidden"] = tuple(parameters["hidden"])
    student = KINDS[description["class"]](**parameters)
    for name, value in description["fitted"].items():
        setattr(student, name, value)
    student.n_features_in_ = description["n_features"]
    student.holdout_rows_ = np.arange(0)
    if description["features"]:
        student.feature_names_in_ = np.array(description["features"], dtype=object)
    if description["units"]:
        student.units_ = description["units"]
    if isinstance(student, StudentClassifier):
        classes = description["classes"]
        student.classes_ = np.array(classes["values"], dtype=DTYPES[classes["kind"]])
    return student


def _check_arrays(path: Any, student: Student, arrays: Mapping[str, np.ndarray]) -> None:
    student.answer_center_ = np.zeros(_n_answers(student))
    features, answers = (student.n_features_in_,), (_n_answers(student),)
    shapes = dict(zip(ARRAYS, (features, features, answers, answers), strict=True)) | student.network_.shapes
    if set(arrays) != set(shapes):
        strange = sorted(set(arrays) ^ set(shapes))
        raise refused(path, f"Arrays are missing or unknown: {shown(strange)}.")
    for name, shape in shapes.items():
        values = arrays[name]
        if values.shape != shape or values.dtype != _dtype(name):
            raise refused(path, f"{name} is {values.dtype} {values.shape}; this student has {_dtype(name)} {shape}.")
        if not np.isfinite(values).all():
            raise refused(path, f"{name} has values that are missing or infinite.")
    if not (arrays["scale_"] > 0).all() or not (arrays["answer_scale_"] > 0).all():
        raise refused(path, "A scale is not above zero.")


def _dtype(name: str) -> np.dtype:
    return np.dtype(np.float64 if name in ARRAYS else np.float32)


def _n_answers(student: Student) -> int:
    means = len(student.classes_) if isinstance(student, StudentClassifier) else 2
    return means + student.spread_


def _sha256(description: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> str:
    """Return the hash of the whole content, the hash itself left out."""
    rest = {name: value for name, value in description.items() if name != "sha256"}
    digest = hashlib.sha256(json.dumps(rest, sort_keys=True).encode())
    for name in sorted(arrays):
        digest.update(f"{name} {arrays[name].dtype.str} {arrays[name].shape} ".encode())
        digest.update(np.ascontiguousarray(arrays[name]).tobytes())
    return digest.hexdigest()
