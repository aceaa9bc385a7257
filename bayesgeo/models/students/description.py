"""The description of a student in its file: JSON in the header, checked before a student is built."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from bayesgeo._check import invalid, one_of
from bayesgeo._files.reading import parsed
from bayesgeo.models.students.base import Student
from bayesgeo.models.students.students import StudentClassifier, StudentRegressor

STUDENT_SCHEMA = 1
KEY = "bayesgeo.student"  # of the description among the metadata
LARGEST_HEADER = 2**20  # bytes
LONGEST_NAME = 200
KINDS: dict[str, type[Student]] = {"StudentClassifier": StudentClassifier, "StudentRegressor": StudentRegressor}
SETTINGS = ("hidden", "activation", "calibrate", "mix", "transfer", "max_epochs", "device")
# Fitted attributes that are plain JSON.
NUMBERS: dict[str, type] = {"seed_": int, "correction_": float, "spread_": bool}
DTYPES = {"b": bool, "i": np.int64, "u": np.uint64, "f": np.float64, "U": None}
REMEDY = "Give a file that save_student wrote."
PARTS: dict[str, tuple[type, ...]] = {
    "schema_version": (int,),
    "class": (str,),
    "parameters": (dict,),
    "classes": (dict, type(None)),
    "features": (list,),
    "units": (list,),
    "n_features": (int,),
    "fitted": (dict,),
    "sha256": (str,),
}


def read_description(path: Any, content: bytes) -> dict[str, Any]:
    """Return the checked description; the header is read by rules stricter than those of safetensors."""
    size = int.from_bytes(content[:8], "little")
    if len(content) < 8 or content[8:9] != b"{":
        raise refused(path, "It is not a safetensors file.")
    if size > LARGEST_HEADER or size > len(content) - 8:
        raise refused(path, f"Its header would have {size} bytes: too many, or the file is cut short.")
    metadata = _json(path, content[8 : 8 + size]).get("__metadata__")
    if not isinstance(metadata, dict) or set(metadata) != {KEY}:
        raise refused(path, "It is a safetensors file without a student.")
    description = _json(path, metadata[KEY])
    _check_description(path, description)
    return description


def _json(path: Any, text: Any) -> dict[str, Any]:
    try:
        return parsed(text)
    except (ValueError, AttributeError) as error:
        raise refused(path, f"Its description cannot be read: {error}.") from None


def _check_description(path: Any, description: dict[str, Any]) -> None:
    if description.get("schema_version") != STUDENT_SCHEMA:
        raise refused(path, f"Its schema version is {description.get('schema_version')!r}, not {STUDENT_SCHEMA}.")
    if set(description) != set(PARTS) or not all(isinstance(description[name], PARTS[name]) for name in PARTS):
        raise refused(path, "Its description has a part that is missing, unknown or of another type.")
    one_of("student class", description["class"], list(KINDS))
    if set(description["parameters"]) != set(SETTINGS) or set(description["fitted"]) != set(NUMBERS):
        raise refused(path, "Its parameters are not those of a student.")
    if not all(type(description["fitted"][name]) is kind for name, kind in NUMBERS.items()):
        raise refused(path, "A fitted number is of another type.")
    if (description["classes"] is None) != (description["class"] == "StudentRegressor"):
        raise refused(path, "Its class labels do not fit its student class.")
    n_features = description["n_features"]
    if any(len(description[name]) not in (0, n_features) for name in ("features", "units")):
        raise refused(path, f"It does not name {n_features} features.")
    check_names(path, description)
    if description["classes"] is not None:
        _check_classes(path, description["classes"])


def check_names(path: Any, description: Mapping[str, Any]) -> None:
    """Refuse names with control characters, or that would leave their folder if used as the name of a file."""
    classes = (description["classes"] or {}).get("values", [])
    names = [*description["features"], *(name for name in classes if isinstance(name, str))]
    for name in [*names, *description["units"]]:
        if not isinstance(name, str) or len(name) > LONGEST_NAME or not (name.isprintable()):
            raise refused(path, f"The name {name!r} is too long, or has unprintable characters.")
    for name in names:
        parts = name.replace("\\", "/").split("/")
        if ".." in parts or (len(parts) > 1 and parts[0] == ""):
            raise refused(path, f"The name {name!r} is a path out of its folder.")


def _check_classes(path: Any, classes: dict[str, Any]) -> None:
    kinds = {"b": (bool,), "i": (int,), "u": (int,), "f": (float,), "U": (str,)}
    if set(classes) != {"kind", "values"} or classes["kind"] not in kinds or not isinstance(classes["values"], list):
        raise refused(path, "Its classes cannot be read.")
    values = classes["values"]
    if not all(type(value) in kinds[classes["kind"]] for value in values) or len(values) < 2:
        raise refused(path, "Its classes are of another type, or fewer than two.")
    if sorted(set(values)) != values:
        raise refused(path, "Its classes are not in order, or one occurs twice.")


def refused(path: Any, problem: str) -> Exception:
    """Return the error of a file that cannot be used."""
    return invalid("student file", str(path), problem, REMEDY)
