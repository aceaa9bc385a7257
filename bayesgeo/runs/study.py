"""A run: several models on one data set, every result on disk as soon as it exists."""

import json
import platform
import shlex
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from bayesgeo import catalog
from bayesgeo._check import InvalidInput, invalid, positive
from bayesgeo._files import atomic_file
from bayesgeo._progress import announce
from bayesgeo.datasets import encode, prepare, titles
from bayesgeo.datasets.audit import Finding, audit
from bayesgeo.datasets.base import Dataset
from bayesgeo.datasets.columns import Column
from bayesgeo.datasets.tables.formats import read_file
from bayesgeo.datasets.split import Split, split
from bayesgeo.evaluation.evaluate import LIBRARIES, fit_and_score
from bayesgeo.evaluation.evidence import load_evidence, save_evidence
from bayesgeo.models.base import Estimator
from bayesgeo.models.storage import save_model

SCHEMA = 1
MANIFEST = "manifest.json"
UNFINISHED = "unfinished"  # folder of the fits of folds, until the run is complete


def study(
    dataset: Dataset,
    models: Sequence[str] | Mapping[str, Estimator] = (),
    *,
    out: str | Path,
    by: Split | None = None,
    seed: int = 0,
    jobs: int = 1,
    seeds: int = 1,
) -> dict[str, xr.DataTree]:
    """Evaluate models on a data set and keep everything in a folder.

    Each fit of a fold and each model is written as soon as it is done, so an interrupted run keeps what it has; run
    again with the same arguments, it goes on where it stopped.

    Parameters
    ----------
    dataset : Dataset
        Rows and what they mean.
    models : sequence of str or mapping of str to Estimator
        Short names of the catalog, or models under names of your own; the defaults of the task when empty.
    out : path
        Folder for ``manifest.json``, ``evidence/<model>.nc`` and ``models/<model>/``; until all is done, the
        finished fits of folds are in ``unfinished/<model>/``.
    by : Split, optional
        The folds; see :func:`bayesgeo.split`.
    seed : int
        Seed of every fit and of the random rows.
    jobs : int
        Folds that run at once; it never changes a number.
    seeds : int
        How often each fold is fitted under another seed; see :func:`bayesgeo.evaluate`.

    Returns
    -------
    dict of str to xarray.DataTree
        Evidence by model.

    Raises
    ------
    InvalidInput
        If the audit refuses the data set, a model is unknown, ``seeds`` is no whole number above zero, or ``out`` holds
        another run.
    """
    positive("seeds", seeds, integer=True)
    by = by or split(dataset, seed=seed)
    findings = audit(dataset, by)
    refuse(findings)
    chosen = _models(models, dataset.task)
    out = Path(out)
    manifest = _begin(out, _manifest(dataset, by, chosen, findings, seed) | {"seeds": seeds})
    random_rows = None if by.kind in ("random", "leave-one-out") else split(dataset, "random", seed=seed)
    evidences: dict[str, xr.DataTree] = {}
    for name, estimator in chosen.items():
        file = out / "evidence" / f"{name}.nc"
        finished = file.exists() and not load_evidence(file).attrs["interrupted"]
        announce("model", name=name, done=finished)
        if not finished:
            done = fit_and_score(
                estimator,
                dataset,
                by,
                seed=seed,
                jobs=jobs,
                seeds=seeds,
                random_rows=random_rows,
                keep=out / UNFINISHED / name,
            )
            save_model(done.model, out / "models" / name)
            save_evidence(done.evidence, file)
        announce("done")
        evidences[name] = load_evidence(file)
        if evidences[name].attrs["interrupted"]:
            raise KeyboardInterrupt
    shutil.rmtree(out / UNFINISHED, ignore_errors=True)
    _write(out, manifest | {"status": "complete"})
    return evidences


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
    """Read what a run folder says of itself.

    Raises
    ------
    InvalidInput
        If the folder holds no run of this schema.
    """
    path = Path(out) / MANIFEST
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        raise invalid("run", str(out), f"It has no {MANIFEST}.", "Give the --out folder of a comparison.") from None
    except ValueError as error:
        raise invalid("run", str(out), f"Its {MANIFEST} cannot be read: {error}.") from None
    if not isinstance(manifest, dict) or manifest.get("schema_version") != SCHEMA:
        raise invalid("run", str(out), f"Its schema is not {SCHEMA}.", "Run the comparison again.")
    return manifest


def new_rows(manifest: Mapping[str, Any], table: str | Path) -> xr.DataArray:
    """Read the rows ``(obs, feature)`` of a table as the run of a manifest read its own.

    Raises
    ------
    InvalidInput
        If a column is not there, or a value cannot be used.
    """
    frame = read_file(table).frame
    if manifest["dataset"]["name"] in titles():
        frame = prepare(manifest["dataset"]["name"], frame)
    columns = [Column(**entry | {"levels": tuple(entry["levels"])}) for entry in manifest["columns"]]
    return encode(frame, columns).sel(feature=manifest["features"])


def refuse(findings: Sequence[Finding]) -> None:
    """Stop at what would make every score false.

    Raises
    ------
    InvalidInput
        With the messages of the findings of level ``refuse``.
    """
    grave = [finding.message for finding in findings if finding.level == "refuse"]
    if grave:
        raise InvalidInput(" ".join(grave))


def _models(models: Sequence[str] | Mapping[str, Estimator], task: str) -> dict[str, Estimator]:
    if isinstance(models, Mapping):
        for name in models:
            if not name or not all(part.isalnum() or part in "-_." for part in name) or name.startswith("."):
                raise invalid("model name", name, "It names a file.", "Use letters, digits, '-' and '_'.")
        return dict(models)
    return {name: catalog.model(name, task) for name in models or catalog.DEFAULT_MODELS[task]}


def _manifest(
    dataset: Dataset, by: Split, models: Mapping[str, Estimator], findings: Sequence[Finding], seed: int
) -> dict[str, Any]:
    return {
        "schema_version": SCHEMA,
        "status": "running",
        "dataset": {
            "name": dataset.name,
            "sha256": dataset.sha256,
            "task": dataset.task,
            "labels": dataset.labels,
        },
        "target": str(dataset.y.name or "target"),
        "features": dataset.features,
        "columns": [asdict(column) for column in dataset.columns],
        "split": {"kind": by.kind, "sentence": by.sentence, "sha256": by.sha256},
        "models": {name: repr(estimator) for name, estimator in models.items()},
        "seed": seed,
        "findings": [asdict(finding) for finding in findings],
        "command": shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]]),
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "platform": platform.platform(),
        "versions": {name: version(name) for name in ("bayesgeo", *LIBRARIES)},
    }


SAME = ("dataset", "split", "seed", "seeds", "features")


def _begin(out: Path, manifest: dict[str, Any]) -> dict[str, Any]:
    """Claim the folder; one that holds another run is left alone."""
    if not (out / MANIFEST).exists():
        if out.exists() and (not out.is_dir() or any(out.iterdir())):
            raise invalid("out", str(out), "It exists and is not a run.", "Give a new folder.")
        _write(out, manifest)
        return manifest
    before, now = read_manifest(out), json.loads(json.dumps(manifest))
    differing = [key for key in SAME if before.get(key) != now[key]]
    differing += [f"model {k!r}" for k, v in now["models"].items() if before["models"].get(k, v) != v]
    if differing:
        problem = f"It holds a run with another {', '.join(differing)}."
        raise invalid("out", str(out), problem, "Give a new folder, or remove this one.")
    # Models of an earlier run on the same rows stay part of it.
    manifest = manifest | {"models": before["models"] | now["models"]}
    _write(out, manifest)
    return manifest


def _write(out: Path, manifest: dict[str, Any]) -> None:
    with atomic_file(out / MANIFEST) as temporary:
        temporary.write_text(json.dumps(manifest, indent=1, default=_plain), encoding="utf-8")


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else str(value)
