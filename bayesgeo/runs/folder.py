"""The folder of a run: its manifest, and the Evidence of the models that it has finished."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from bayesgeo._check import InvalidInput, invalid
from bayesgeo._files.reading import parsed, read_bytes
from bayesgeo._files.writing import atomic_file
from bayesgeo.runs.finished import evidence_file, load_finished
from bayesgeo.runs.manifest import problems, seal

MANIFEST = "manifest.json"
# Entries of the manifest that two runs in one folder must share.
SAME = ("dataset", "split", "seed", "seeds", "features")


def load_study(out: str | Path) -> tuple[dict[str, xr.DataTree], dict[str, Any]]:
    """Read the Evidence of the models that a run has finished, and its manifest.

    Raises
    ------
    InvalidInput
        If the folder holds no run, or no model of it is finished.
    """
    out = Path(out)
    manifest = read_manifest(out)
    finished = [name for name in manifest["models"] if evidence_file(out, name).exists()]
    evidences = {name: load_finished(out, name, manifest) for name in finished}
    if not evidences:
        raise invalid("run", str(out), "No model of it is finished.", "Run the comparison again to go on.")
    return evidences, manifest


def read_manifest(out: str | Path) -> dict[str, Any]:
    """Read the manifest of a run.

    Raises
    ------
    InvalidInput
        If the folder holds no run, or one of another schema.
    """
    path = Path(out) / MANIFEST
    if not path.exists():
        raise invalid("run", str(out), f"It has no {MANIFEST}.", "Give the --out folder of a comparison.")
    try:
        manifest = parsed(read_bytes(path, "manifest"))
        problem = next(problems(manifest), "")
    except InvalidInput:
        raise
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        problem = f"Its {MANIFEST} cannot be read: {error}."
    if problem:
        raise invalid("run", str(out), problem, "Run the comparison again, in a new folder.")
    return manifest


def claim(out: Path, manifest: dict[str, Any]) -> dict[str, Any]:
    """Write the manifest of a run that begins or goes on; a folder with another run is refused."""
    if not (out / MANIFEST).exists():
        # A run that was killed while it wrote its first manifest leaves a hidden file.
        if out.exists() and (not out.is_dir() or any(not p.name.startswith(f".{MANIFEST}.") for p in out.iterdir())):
            raise invalid("out", str(out), "It exists and is not a run.", "Give a new folder.")
        write_manifest(out, manifest)
        return manifest
    before, now = read_manifest(out), json.loads(json.dumps(manifest))
    differing = [key for key in SAME if before.get(key) != now[key]]
    differing += [f"model {k!r}" for k, v in now["models"].items() if before["models"].get(k, v) != v]
    if differing:
        problem = f"It holds a run with another {', '.join(differing)}."
        raise invalid("out", str(out), problem, "Give a new folder, or remove this one.")
    _refuse_other_versions(out, before["versions"], now["versions"])
    # Models of an earlier run on the same rows stay part of it.
    manifest = manifest | {"models": before["models"] | now["models"]}
    write_manifest(out, manifest)
    return manifest


def _refuse_other_versions(out: Path, before: Mapping[str, str], now: Mapping[str, str]) -> None:
    """Refuse to go on with other libraries: folds of two versions make numbers that no one seed gives again."""
    other = [f"{k} {before.get(k, 'none')}, now {v}" for k, v in now.items() if before.get(k) != v]
    if other:
        problem = f"It was begun with {'; '.join(other)}."
        raise invalid("out", str(out), problem, "Give a new folder, or install the versions of its manifest.")


def write_manifest(out: Path, manifest: dict[str, Any]) -> None:
    """Write the manifest, atomically, with a SHA-256 of itself."""
    plain = json.loads(json.dumps({**manifest, "sha256": ""}, default=_plain, allow_nan=False))
    with atomic_file(out / MANIFEST) as temporary:
        temporary.write_text(json.dumps(plain | {"sha256": seal(plain)}, indent=1), encoding="utf-8")


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else str(value)
