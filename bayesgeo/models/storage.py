"""Save and load fitted models as folders of JSON, netCDF, safetensors and skops files; loading runs no saved code."""

import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import xarray as xr
from sklearn.base import BaseEstimator, clone

from bayesgeo._check import InvalidInput, invalid, shown
from bayesgeo._files.netcdf import load_tree, packed
from bayesgeo._files.reading import parsed, read_bytes
from bayesgeo._files.writing import atomic_folder
from bayesgeo.models.base import Estimator
from bayesgeo.models.encoding import SAVE_AGAIN, decoded, encoded, reference, resolve
from bayesgeo.models.fitted import check_fitted, check_names, is_fitted
from bayesgeo.models.sklearn_parts import dumped, read_skops

MODEL_FORMAT = 3
LIBRARIES = ("bayesgeo", "numpy", "scikit-learn", "xarray")
DESCRIPTION = "model.json"
LARGEST_DESCRIPTION = 2**26  # bytes
ENTRIES = {"class": str, "parameters": dict, "fitted": dict, "files": dict, "versions": dict, "sha256": str}
# What a save puts into a folder: nothing else in it may be lost when it is replaced.
OURS = re.compile(r"model\.json|(\w+_|parameter-\w+)(\.nc|\.safetensors|\.skops)?")


def save_model(estimator: Estimator, folder: str | Path) -> Path:
    """Write a fitted model to ``folder``, replacing an earlier one only when all is written.

    Raises
    ------
    InvalidInput
        If the folder holds anything that no save put there, or cannot be written.

    Returns
    -------
    pathlib.Path
        The folder: ``model.json``, with a SHA-256 of itself, beside one file for each large part, named in it with
        its SHA-256. An estimator inside, fitted or a parameter, is a folder of the same kind, named with the SHA-256
        of its ``model.json``; a model among the parameters is kept without its fit. A SHA-256 detects what was
        damaged or edited; it is no signature, because whoever edits can compute it again.

    Examples
    --------
    >>> import tempfile
    >>> from bayesgeo.models.baselines import MeanRegressor
    >>> model = MeanRegressor().fit([[0.0], [1.0]], [2.0, 4.0])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     load_model(save_model(model, Path(folder) / "mean")).predict([[7.0]])
    array([3.])
    """
    folder = Path(folder)
    _refuse_others(folder)
    with atomic_folder(folder) as temporary:
        fitted, files = {}, {}
        for name, value in sorted(vars(estimator).items()):
            if not name.endswith("_"):
                continue
            file = _write_part(temporary, name, value)
            if file is None:
                fitted[name] = encoded(value)
            else:
                files[name] = _part(file)
        parameters = estimator.get_params(deep=False)
        for name, value in parameters.items():
            if isinstance(value, BaseEstimator):
                unfitted = clone(value) if isinstance(value, Estimator) else value
                files[name] = _part(_write_part(temporary, f"parameter-{name}", unfitted))
        description = {
            "format": MODEL_FORMAT,
            "class": reference(type(estimator)),
            "parameters": {name: encoded(value) for name, value in parameters.items() if name not in files},
            "fitted": fitted,
            "files": files,
            "versions": {name: version(name) for name in LIBRARIES},
        }
        description["sha256"] = _seal(description)
        (temporary / DESCRIPTION).write_text(json.dumps(description, indent=1, allow_nan=False), encoding="utf-8")
    return folder


def load_model(folder: str | Path) -> Estimator:
    """Read a model that :func:`save_model` wrote; it predicts bit for bit as before.

    It is looked through before it is returned: names, types, shapes, the nodes of its trees; and it predicts two rows.

    Raises
    ------
    InvalidInput
        If the folder holds no saved model, or a file is missing, altered, of an unknown kind, or would read beyond
        its arrays.

    Examples
    --------
    >>> load_model("nowhere")
    Traceback (most recent call last):
    ...
    bayesgeo._check.InvalidInput: Invalid model 'nowhere'. It has no model.json. Give a folder that a run saved.
    """
    estimator = _loaded(Path(folder))
    if not is_fitted(estimator):
        raise invalid("model", str(folder), "It is not fitted.", SAVE_AGAIN)
    return estimator


def _loaded(folder: Path) -> Estimator:
    """Read a model, or one among the parameters of another, which is not fitted."""
    with _refusing(folder):
        description = _read_description(folder)
        estimator = _built(description["class"], description["parameters"], str(folder))
        parts = {name: _read_part(folder, entry) for name, entry in description["files"].items()}
        parts |= {name: decoded(value) for name, value in description["fitted"].items()}
        check_names(estimator, parts)
        for name, part in parts.items():
            setattr(estimator, name, part)
        check_fitted(estimator)
    return estimator


def model_sha256(folder: str | Path) -> str:
    """Return the SHA-256 of a saved model after every file of it was compared with its own; nothing is built.

    Raises
    ------
    InvalidInput
        As :func:`load_model`, if a file is missing or has changed.

    Examples
    --------
    >>> import tempfile
    >>> from bayesgeo.models.baselines import MeanRegressor
    >>> model = MeanRegressor().fit([[0.0], [1.0]], [2.0, 4.0])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     len(model_sha256(save_model(model, Path(folder) / "mean")))
    64
    """
    folder = Path(folder)
    with _refusing(folder):
        description = _read_description(folder)
        for entry in description["files"].values():
            file = _part_file(folder, entry)
            if file.is_dir():
                model_sha256(file)
    return description["sha256"]


@contextmanager
def _refusing(folder: Path) -> Iterator[None]:
    """Turn what is raised while a model is put together into a refusal: its content may be anything."""
    try:
        yield
    except InvalidInput:
        raise
    except Exception as error:
        problem = f"Its content does not fit together: {type(error).__name__}: {error}."
        raise invalid("model", str(folder), problem, SAVE_AGAIN) from error


def _built(name: str, parameters: dict[str, Any], where: str) -> Any:
    """Build an unfitted estimator from its class and encoded parameters."""
    kind = resolve("model class", name, "models")
    if not isinstance(kind, type) or not issubclass(kind, Estimator):
        raise invalid("model class", name, "It is not a model.", SAVE_AGAIN)
    try:
        return kind(**{key: decoded(value) for key, value in parameters.items()})
    except TypeError as error:
        raise invalid("model", where, f"Its parameters do not fit: {error}.", SAVE_AGAIN) from None


def _read_description(folder: Path) -> dict[str, Any]:
    file = folder / DESCRIPTION
    if file.is_symlink() or not file.is_file():
        raise invalid("model", str(folder), f"It has no {DESCRIPTION}.", "Give a folder that a run saved.")
    try:
        description = parsed(read_bytes(file, "model", largest=LARGEST_DESCRIPTION))
    except ValueError as error:
        raise invalid("model", str(folder), f"Its {DESCRIPTION} cannot be read: {error}.", SAVE_AGAIN) from None
    if description.get("format") != MODEL_FORMAT:
        raise invalid("model", str(folder), f"Its format is not {MODEL_FORMAT}.", SAVE_AGAIN)
    for entry, kind in ENTRIES.items():
        if type(description.get(entry)) is not kind:
            raise invalid("model", str(folder), f"It lacks {entry!r}.", SAVE_AGAIN)
    if _seal(description) != description["sha256"]:
        problem = f"Its {DESCRIPTION} has changed since it was saved: the SHA-256 differs."
        raise invalid("model", str(folder), problem, SAVE_AGAIN)
    return description


def _seal(description: dict[str, Any]) -> str:
    """Hash a description, the hash itself left out."""
    rest = {name: value for name, value in description.items() if name != "sha256"}
    return hashlib.sha256(json.dumps(rest, sort_keys=True, allow_nan=False).encode()).hexdigest()


def _refuse_others(folder: Path) -> None:
    """Refuse to replace a folder, or a file, that holds what no save put there."""
    if folder.exists() and not folder.is_dir():
        raise invalid("folder", str(folder), "It is a file.", "Give a new folder.")
    strange = [path.name for path in folder.rglob("*") if not OURS.fullmatch(path.name)]
    if strange:
        problem = f"It holds what is not of a saved model and would be lost: {shown(strange)}."
        raise invalid("folder", str(folder), problem, "Give a new folder.")


def _write_part(folder: Path, name: str, value: Any) -> Path | None:
    """Write what is too large or too rich for JSON; None if it is not. All goes through memory: see _files.netcdf."""
    if isinstance(value, xr.DataTree | xr.Dataset):
        file = folder / f"{name}.nc"
        file.write_bytes(packed(value))
    elif isinstance(value, dict):
        from safetensors.numpy import save

        file = folder / f"{name}.safetensors"
        file.write_bytes(save(value))
    elif isinstance(value, Estimator):
        file = save_model(value, folder / name)
    elif isinstance(value, BaseEstimator):
        file = folder / f"{name}.skops"
        file.write_bytes(dumped(value))
    else:
        return None
    return file


def _part_file(folder: Path, entry: dict[str, str]) -> Path:
    """Return the file of a part, once it is what was saved."""
    file = folder / entry["file"]
    if Path(entry["file"]).name != entry["file"] or file.name == ".." or not file.exists() or file.is_symlink():
        raise invalid("model part", entry["file"], "It is not a file of the model's folder.")
    if _sha256(file) != entry["sha256"]:
        raise invalid("model part", str(file), "Its content has changed since it was saved.", "Save it again.")
    return file


def _read_part(folder: Path, entry: dict[str, str]) -> Any:
    file = _part_file(folder, entry)
    if file.is_dir():
        return _loaded(file)
    if file.suffix == ".nc":
        tree = load_tree(file, "model part")
        return tree if tree.children else tree.to_dataset()
    if file.suffix == ".safetensors":
        from safetensors.numpy import load

        return load(read_bytes(file, "model part"))
    return read_skops(file)


def _part(file: Path | None) -> dict[str, str]:
    assert file is not None
    return {"file": file.name, "sha256": _sha256(file)}


def _sha256(part: Path) -> str:
    """Hash a file; of the folder of an estimator inside, its description, which has the hashes of the others."""
    file = part / DESCRIPTION if part.is_dir() else part
    if file.is_symlink() or not file.is_file():
        raise invalid("model part", str(part), "It holds no model.", "Save it again.")
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
