"""Keep a fitted model in a folder that no loader ever executes: JSON, netCDF, safetensors, skops."""

import dataclasses
import hashlib
import importlib
import json
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from sklearn.base import BaseEstimator

from bayesgeo._check import did_you_mean, invalid
from bayesgeo._files import atomic_folder
from bayesgeo._registry import homes
from bayesgeo.inference.base import Inference
from bayesgeo.models.base import Estimator

FORMAT = 1
# The only types beyond skops' own list that a saved forest or boosting holds; both are plain arrays of nodes.
TRUSTED = ["sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor", "sklearn.tree._tree.Tree"]
SAVE_AGAIN = "Save it again with this version."
LIBRARIES = ("bayesgeo", "numpy", "scikit-learn", "xarray")


def save_model(estimator: Estimator, folder: str | Path) -> Path:
    """Write a fitted model to ``folder``, replacing what is there only when all is written.

    Returns
    -------
    pathlib.Path
        The folder: ``model.json`` beside one file for each large part, named in it with its SHA-256. A fitted
        estimator inside is a folder of the same kind, named with the SHA-256 of its ``model.json``.
    """
    folder = Path(folder)
    with atomic_folder(folder) as temporary:
        fitted, files = {}, {}
        for name, value in sorted(vars(estimator).items()):
            if not name.endswith("_"):
                continue
            file = _write_part(temporary, name, value)
            if file is None:
                fitted[name] = _encode(value)
            else:
                files[name] = {"file": file.name, "sha256": _sha256(file)}
        description = {
            "format": FORMAT,
            "class": type(estimator).__name__,
            "parameters": {name: _encode(value) for name, value in estimator.get_params(deep=False).items()},
            "fitted": fitted,
            "files": files,
            "versions": {name: version(name) for name in LIBRARIES},
        }
        (temporary / "model.json").write_text(json.dumps(description, indent=1), encoding="utf-8")
    return folder


def load_model(folder: str | Path) -> Estimator:
    """Read a model that :func:`save_model` wrote; it predicts bit for bit as before.

    Raises
    ------
    InvalidInput
        If the folder holds no such model, or a file is missing, altered or of an unknown kind.
    """
    folder = Path(folder)
    description = _read_description(folder)
    kind = _ours("model class", description["class"], "bayesgeo.models")
    parameters = {name: _decode(value) for name, value in description["parameters"].items()}
    try:
        estimator = kind(**parameters)
    except TypeError as error:
        raise invalid("model", str(folder), f"Its parameters do not fit: {error}.", SAVE_AGAIN) from None
    for name, value in description["fitted"].items():
        setattr(estimator, name, _decode(value))
    for name, entry in description["files"].items():
        setattr(estimator, name, _read_part(folder, entry))
    return estimator


def _ours(what: str, name: str, package: str) -> Any:
    known = homes(package)
    if name not in known:
        raise invalid(what, name, "It is not known.", did_you_mean(name, known))
    return getattr(importlib.import_module(known[name]), name)


def _read_description(folder: Path) -> dict[str, Any]:
    try:
        description = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise invalid("model", str(folder), "It has no model.json.", "Give a folder that a run saved.") from None
    except ValueError as error:
        raise invalid("model", str(folder), f"Its model.json cannot be read: {error}.") from None
    if not isinstance(description, dict) or description.get("format") != FORMAT:
        raise invalid("model", str(folder), f"Its format is not {FORMAT}.", SAVE_AGAIN)
    for entry in ("class", "parameters", "fitted", "files"):
        if entry not in description:
            raise invalid("model", str(folder), f"It lacks {entry!r}.", SAVE_AGAIN)
    return description


def _write_part(folder: Path, name: str, value: Any) -> Path | None:
    """Write what is too large or too rich for JSON; None if it is not."""
    if isinstance(value, xr.DataTree | xr.Dataset):
        file = folder / f"{name}.nc"
        value.to_netcdf(file, engine="h5netcdf")
    elif isinstance(value, dict):
        from safetensors.numpy import save_file

        file = folder / f"{name}.safetensors"
        save_file(value, file)
    elif isinstance(value, Estimator):
        file = save_model(value, folder / name)
    elif isinstance(value, BaseEstimator):
        import skops.io

        file = folder / f"{name}.skops"
        skops.io.dump(value, file)
    else:
        return None
    return file


def _read_part(folder: Path, entry: dict[str, str]) -> Any:
    file = folder / entry["file"]
    if Path(entry["file"]).name != entry["file"] or file.name == ".." or not file.exists() or file.is_symlink():
        raise invalid("model part", entry["file"], "It is not a file of the model's folder.")
    if _sha256(file) != entry["sha256"]:
        raise invalid("model part", str(file), "Its content has changed since it was saved.", "Save it again.")
    if file.is_dir():
        return load_model(file)
    if file.suffix == ".nc":
        tree = xr.load_datatree(file, engine="h5netcdf")
        return tree if tree.children else tree.to_dataset()
    if file.suffix == ".safetensors":
        from safetensors.numpy import load_file

        return load_file(file)
    return _read_skops(file)


def _read_skops(file: Path) -> Any:
    import skops.io

    unknown = set(skops.io.get_untrusted_types(file=file)) - set(TRUSTED)
    if unknown:
        raise invalid("model part", str(file), f"It holds types that are not trusted: {sorted(unknown)}.")
    return skops.io.load(file, trusted=TRUSTED)


def _encode(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return {"array": value.tolist(), "dtype": "str" if value.dtype.kind in "OUT" else value.dtype.str}
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, tuple):
        return {"tuple": list(value)}
    ours = type(value).__module__ == homes("bayesgeo.inference").get(type(value).__name__)
    if ours and isinstance(value, Inference) and dataclasses.is_dataclass(value):
        return {"inference": type(value).__name__, "settings": dataclasses.asdict(value)}
    if value is None or isinstance(value, str | int | float | bool | list):
        return value
    # A live random state or a user's own inference cannot be written down; prediction needs neither.
    return {"not saved": type(value).__name__}


def _decode(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    if "array" in value:
        return np.array(value["array"], dtype=None if value["dtype"] == "str" else np.dtype(value["dtype"]))
    if "tuple" in value:
        return tuple(value["tuple"])
    if "inference" in value:
        return _ours("inference", value["inference"], "bayesgeo.inference")(**value["settings"])
    return None


def _sha256(part: Path) -> str:
    """Hash a file; of the folder of an estimator inside, its description, which has the hashes of the others."""
    file = part / "model.json" if part.is_dir() else part
    if file.is_symlink() or not file.is_file():
        raise invalid("model part", str(part), "It holds no model.", "Save it again.")
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
