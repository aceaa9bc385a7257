"""A run: several models on one data set, every result on disk as soon as it exists."""

import inspect
import platform
import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import xarray as xr

from bayesgeo import catalog
from bayesgeo._check import InvalidInput, invalid, positive, seed_number
from bayesgeo._progress import announce
from bayesgeo.datasets.audit import Finding, audit
from bayesgeo.datasets.base import Dataset
from bayesgeo.datasets.split import Split, split
from bayesgeo.evaluation.evaluate import LIBRARIES, fit_again, fit_and_score
from bayesgeo.models.base import Estimator
from bayesgeo.models.wrappers.sklearn import as_model
from bayesgeo.runs.finished import load_finished, save_finished, to_evaluate, to_fit
from bayesgeo.runs.folder import claim, write_manifest
from bayesgeo.runs.manifest import RUN_SCHEMA, is_file_name
from bayesgeo.runs.reference import save_reference
from bayesgeo.runs.source import Source

LIKE_RANDOM = ("random", "leave-one-out", "within-group")  # rows that belong together are on both sides anyway
UNFINISHED = "unfinished"  # folder of the fits of folds, until the run is complete


def study(
    dataset: Dataset,
    models: Sequence[str] | Mapping[str, Any] = (),
    *,
    out: str | Path,
    by: Split | None = None,
    seed: int = 0,
    jobs: int = 1,
    seeds: int = 1,
    source: Source | None = None,
) -> dict[str, xr.DataTree]:
    """Evaluate models on a data set and keep everything in a folder.

    Each fit of a fold and each model is written as soon as it is done, so an interrupted run keeps what it has; run
    again with the same arguments, it goes on where it stopped. What is damaged or lost since then is fitted anew: the
    fit of a fold, the Evidence of a model, or the folder of a model alone.

    Parameters
    ----------
    dataset : Dataset
        Data set to evaluate on.
    models : sequence of str or mapping of str to estimator
        Short names of the catalog, with settings as in ``"spatial:transformation=log"``, or models under names of
        your own, estimators of scikit-learn included; the defaults of the task when empty, after those that have
        effects of groups if the source asks for effects.
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
    source : Source, optional
        Where the rows come from, so that another command can read them again; its effects, or its formula, become
        parameters of the models by name that take them.

    Returns
    -------
    dict of str to xarray.DataTree
        Evidence by model.

    Raises
    ------
    InvalidInput
        If the audit refuses the data set, a model is unknown, ``seeds`` is not a positive integer, or ``out`` holds
        another run, one begun with other versions of libraries, Evidence of another run, or cannot be written.
    """
    positive("seeds", seeds, integer=True)
    positive("jobs", jobs, integer=True)
    seed_number("seed", seed)
    by = by or split(dataset, seed=seed)
    findings = audit(dataset, by)
    refuse(findings)
    options = {} if source is None else source.rows.grouping.asked
    chosen = _models(models or usual_models(dataset, options), dataset.task, options)
    for estimator in chosen.values():
        estimator.check_size(dataset.n_rows)
    out = Path(out)
    manifest = claim(out, _manifest(dataset, by, chosen, findings, seed=seed, seeds=seeds, source=source))
    save_reference(dataset, by, out)
    random_rows = None if by.kind in LIKE_RANDOM else split(dataset, "random", seed=seed)
    evidences: dict[str, xr.DataTree] = {}
    for name, estimator in chosen.items():
        begin = to_evaluate(out, name)
        announce("model", name=name, done=not begin)
        if begin:
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
            save_finished(out, name, done.evidence, done.model)
        evidences[name] = load_finished(out, name, manifest)
        if to_fit(out, name, evidences[name]):
            save_finished(out, name, evidences[name], fit_again(estimator, dataset, seed=seed))
        announce("done")
        if evidences[name].attrs["interrupted"]:
            raise KeyboardInterrupt
    _tidy(out / UNFINISHED)
    write_manifest(out, manifest | {"status": "complete"})
    return evidences


def _tidy(unfinished: Path) -> None:
    """Remove the fits of folds, and their folders if nothing else is in them."""
    for part in unfinished.glob("*/*.nc"):
        part.unlink()
    for folder in (*unfinished.glob("*"), unfinished):
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()


def refuse(findings: Sequence[Finding]) -> None:
    """Refuse a data set whose scores would be invalid.

    Raises
    ------
    InvalidInput
        With the messages of the findings of level ``refuse``.
    """
    grave = [finding.message for finding in findings if finding.level == "refuse"]
    if grave:
        raise InvalidInput(" ".join(grave))


def _models(models: Sequence[str] | Mapping[str, Any], task: str, options: Mapping[str, Any]) -> dict[str, Estimator]:
    if isinstance(models, Mapping):
        for name in models:
            if not is_file_name(name):
                raise invalid("model name", name, "It becomes the name of a file.", "Use letters, digits, '-' and '_'.")
        return {name: as_model(estimator, name) for name, estimator in models.items()}
    built = [
        catalog.labelled_model(one, task, **_taken(one.split(":")[0], task, options)) for one in dict.fromkeys(models)
    ]
    labels = [label for label, _ in built]
    twice = next((label for label in labels if labels.count(label) > 1), None)
    if twice is not None:
        raise invalid("models", twice, "Two models would have this name.", "Give them other settings, or a run each.")
    return dict(built)


def usual_models(dataset: Dataset, options: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the models that are compared where none is named.

    Those with effects of groups come first where effects are asked for; for values with groups the Bayesian one comes
    in any case, because it costs little.

    Examples
    --------
    >>> from bayesgeo.datasets import load
    >>> usual_models(load("seismic_events"), {"effects": ["site"]})[:2]
    ('hierarchical', 'bayesian_logistic')
    """
    task = dataset.task
    with_effects = catalog.EFFECT_MODELS[task] if options else ()
    if not options and task == "regression" and dataset.group is not None:
        with_effects = catalog.EFFECT_MODELS[task][:1]
    return (*with_effects, *catalog.DEFAULT_MODELS[task])


def _taken(name: str, task: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return those of the options that the constructor of a model takes."""
    known = catalog.models(task)
    parameters = inspect.signature(known[name]).parameters if name in known else {}
    return {option: value for option, value in options.items() if option in parameters}


def _manifest(
    dataset: Dataset,
    by: Split,
    models: Mapping[str, Estimator],
    findings: Sequence[Finding],
    *,
    seed: int,
    seeds: int,
    source: Source | None,
) -> dict[str, Any]:
    return {
        "schema_version": RUN_SCHEMA,
        "status": "running",
        "dataset": {
            "name": dataset.name,
            "library": dataset.origin.library,
            "sha256": dataset.sha256,
            "task": dataset.task,
            "labels": dataset.labels,
        },
        "target": str(dataset.y.name or "target"),
        "features": dataset.features,
        "groups": list(dataset.group_labels()),
        "coordinates": {name: dataset.coordinates[name].attrs.get("units", "") for name in dataset.place_values()},
        "columns": [asdict(column) for column in dataset.columns],
        "split": {"kind": by.kind, "sentence": by.sentence, "sha256": by.sha256},
        "models": {name: repr(estimator) for name, estimator in models.items()},
        "seed": seed,
        "seeds": seeds,
        "source": None if source is None else source.to_dict(),
        "findings": [asdict(finding) for finding in findings],
        "command": shlex.join([Path(sys.argv[0]).name.replace("__main__.py", "bayesgeo"), *sys.argv[1:]]),
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "platform": platform.platform(),
        "versions": {name: version(name) for name in ("bayesgeo", *LIBRARIES)},
    }
