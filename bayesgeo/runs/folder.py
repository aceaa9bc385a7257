"""The folder of a run: its manifest, and the Evidence of the models that it has finished."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from bayesgeo._check import invalid
from bayesgeo._files import atomic_file
from bayesgeo.evaluation.evidence import load_evidence

RUN_SCHEMA = 3
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
    found = {name: out / "evidence" / f"{name}.nc" for name in manifest["models"]}
    evidences = {name: load_evidence(file) for name, file in found.items() if file.exists()}
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
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        raise invalid("run", str(out), f"It has no {MANIFEST}.", "Give the --out folder of a comparison.") from None
    except ValueError as error:
        raise invalid("run", str(out), f"Its {MANIFEST} cannot be read: {error}.") from None
    if not isinstance(manifest, dict) or manifest.get("schema_version") != RUN_SCHEMA:
        raise invalid("run", str(out), f"Its schema is not {RUN_SCHEMA}.", "Run the comparison again.")
    return manifest


def claim(out: Path, manifest: dict[str, Any]) -> dict[str, Any]:
    """Write the manifest of a run that begins or goes on; a folder with another run is refused."""
    if not (out / MANIFEST).exists():
        if out.exists() and (not out.is_dir() or any(out.iterdir())):
            raise invalid("out", str(out), "It exists and is not a run.", "Give a new folder.")
        write_manifest(out, manifest)
        return manifest
    before, now = read_manifest(out), json.loads(json.dumps(manifest))
    differing = [key for key in SAME if before.get(key) != now[key]]
    differing += [f"model {k!r}" for k, v in now["models"].items() if before["models"].get(k, v) != v]
    if differing:
        problem = f"It holds a run with another {', '.join(differing)}."
        raise invalid("out", str(out), problem, "Give a new folder, or remove this one.")
    # Models of an earlier run on the same rows stay part of it.
    manifest = manifest | {"models": before["models"] | now["models"]}
    write_manifest(out, manifest)
    return manifest


def write_manifest(out: Path, manifest: dict[str, Any]) -> None:
    """Write the manifest, atomically."""
    with atomic_file(out / MANIFEST) as temporary:
        temporary.write_text(json.dumps(manifest, indent=1, default=_plain), encoding="utf-8")


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else str(value)
