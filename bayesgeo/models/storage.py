"""Save and load fitted models as folders of JSON, netCDF, safetensors and skops files; loading runs no saved code."""

import dataclasses
import hashlib
import importlib
import json
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from sklearn.base import BaseEstimator, clone

from bayesgeo._check import did_you_mean, invalid, one_of
from bayesgeo._files import atomic_folder
from bayesgeo._registry import homes, loaded, plugins
from bayesgeo.models.base import Estimator

MODEL_FORMAT = 2
VALUES = ("inference", "models")  # registries whose dataclasses a model has as parameters
# The only types beyond skops' own list that a saved forest or boosting holds; both are plain arrays of nodes.
TRUSTED = ["sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor", "sklearn.tree._tree.Tree"]
SAVE_AGAIN = "Save it again with this version."
LIBRARIES = ("bayesgeo", "numpy", "scikit-learn", "xarray")


def save_model(estimator: Estimator, folder: str | Path) -> Path:
    """Write a fitted model to ``folder``, replacing an earlier one only when all is written.

    Returns
    -------
    pathlib.Path
        The folder: ``model.json`` beside one file for each large part, named in it with its SHA-256. An estimator
        inside, fitted or a parameter, is a folder of the same kind, named with the SHA-256 of its ``model.json``; a
        model among the parameters is kept without its fit.

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
    with atomic_folder(folder) as temporary:
        fitted, files = {}, {}
        for name, value in sorted(vars(estimator).items()):
            if not name.endswith("_"):
                continue
            file = _write_part(temporary, name, value)
            if file is None:
                fitted[name] = _encode(value)
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
            "parameters": {name: _encode(value) for name, value in parameters.items() if name not in files},
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
        If the folder holds no saved model, or a file is missing, altered or of an unknown kind.

    Examples
    --------
    >>> load_model("nowhere")
    Traceback (most recent call last):
    ...
    bayesgeo._check.InvalidInput: Invalid model 'nowhere'. It has no model.json. Give a folder that a run saved.
    """
    folder = Path(folder)
    description = _read_description(folder)
    estimator = _built(description["class"], description["parameters"], str(folder))
    for name, value in description["fitted"].items():
        setattr(estimator, name, _decode(value))
    for name, entry in description["files"].items():
        setattr(estimator, name, _read_part(folder, entry))
    return estimator


def reference(kind: type) -> str:
    """Return how a class is named on disk: by its name if it is in bayesgeo, else by module and name.

    Examples
    --------
    >>> from bayesgeo.inference.exact import Exact
    >>> reference(Exact), reference(np.ndarray)
    ('Exact', 'numpy:ndarray')
    """
    ours = kind.__module__.split(".")[0] == __name__.split(".")[0]
    return kind.__name__ if ours else f"{kind.__module__}:{kind.__qualname__}"


def resolve(what: str, name: str, kind: str) -> Any:
    """Return the class of a :func:`reference`: one of bayesgeo, or one that an installed package registers.

    Nothing is imported because a file names it: a foreign class must be an entry point of ``bayesgeo.<kind>``.

    Raises
    ------
    InvalidInput
        If it is neither.

    Examples
    --------
    >>> resolve("inference", "Exact", "inference")
    <class 'bayesgeo.inference.exact.Exact'>
    """
    known = homes(f"bayesgeo.{kind}")
    if name in known:
        return getattr(importlib.import_module(known[name]), name)
    foreign = {entry.value: entry for entry in plugins(kind).values()}
    if name in foreign:
        return loaded(foreign[name])
    remedy = f"Install the package that registers it in bayesgeo.{kind}." if ":" in name else ""
    raise invalid(what, name, f"Unknown {what}.", remedy or did_you_mean(name, known))


def _built(name: str, parameters: dict[str, Any], where: str) -> Any:
    """Build an unfitted estimator from its class and encoded parameters."""
    kind = resolve("model class", name, "models")
    if not isinstance(kind, type) or not issubclass(kind, Estimator):
        raise invalid("model class", name, "It is not a model.", SAVE_AGAIN)
    try:
        return kind(**{key: _decode(value) for key, value in parameters.items()})
    except TypeError as error:
        raise invalid("model", where, f"Its parameters do not fit: {error}.", SAVE_AGAIN) from None


def _read_description(folder: Path) -> dict[str, Any]:
    try:
        description = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise invalid("model", str(folder), "It has no model.json.", "Give a folder that a run saved.") from None
    except ValueError as error:
        raise invalid("model", str(folder), f"Its model.json cannot be read: {error}.") from None
    if not isinstance(description, dict) or description.get("format") != MODEL_FORMAT:
        raise invalid("model", str(folder), f"Its format is not {MODEL_FORMAT}.", SAVE_AGAIN)
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
        file = folder / f"{name}.skops"
        _skops().dump(value, file)
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
    skops = _skops()
    unknown = set(skops.get_untrusted_types(file=file)) - set(TRUSTED)
    if unknown:
        raise invalid("model part", str(file), f"It holds types that are not trusted: {sorted(unknown)}.")
    return skops.load(file, trusted=TRUSTED)


def _skops() -> Any:
    """Import skops without the packages that its scan of scikit-learn would also import: torch, JAX, dask, cupy."""
    blocked = dict.fromkeys(name for name in ("torch", "jax", "dask", "cupy") if name not in sys.modules)
    sys.modules.update(blocked)  # type: ignore[arg-type]
    try:
        return importlib.import_module("skops.io")
    finally:
        for name in blocked:
            del sys.modules[name]


def _encode(value: Any) -> Any:
    if value is None or isinstance(value, str | int | float | bool | list):
        return value
    if isinstance(value, np.ndarray):
        return {"array": value.tolist(), "dtype": "str" if value.dtype.kind in "OUT" else value.dtype.str}
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, tuple):
        return {"tuple": list(value)}
    return _encode_object(value)


def _encode_object(value: Any) -> dict[str, Any]:
    for kind in VALUES:
        if dataclasses.is_dataclass(value) and not isinstance(value, type) and _resolves(type(value), kind):
            settings = {field.name: _encode(getattr(value, field.name)) for field in dataclasses.fields(value)}
            return {"value": reference(type(value)), "of": kind, "settings": settings}
    # A live random state or an inference that no package registers cannot be written; prediction needs neither.
    return {"not saved": type(value).__name__}


def _decode(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    if "array" in value:
        return np.array(value["array"], dtype=None if value["dtype"] == "str" else np.dtype(value["dtype"]))
    if "tuple" in value:
        return tuple(value["tuple"])
    return _decode_object(value) if "value" in value else None


def _decode_object(value: dict[str, Any]) -> Any:
    kind = resolve("value", value["value"], one_of("kind of value", value["of"], VALUES))
    if not (isinstance(kind, type) and dataclasses.is_dataclass(kind)):
        raise invalid("value", value["value"], "It is not a value that a model keeps.", SAVE_AGAIN)
    return kind(**{name: _decode(part) for name, part in value["settings"].items()})


def _resolves(kind: type, registry: str) -> bool:
    name = reference(kind)
    return name in homes(f"bayesgeo.{registry}") or name in {entry.value for entry in plugins(registry).values()}


def _part(file: Path | None) -> dict[str, str]:
    assert file is not None
    return {"file": file.name, "sha256": _sha256(file)}


def _sha256(part: Path) -> str:
    """Hash a file; of the folder of an estimator inside, its description, which has the hashes of the others."""
    file = part / "model.json" if part.is_dir() else part
    if file.is_symlink() or not file.is_file():
        raise invalid("model part", str(part), "It holds no model.", "Save it again.")
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
