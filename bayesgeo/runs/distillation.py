"""Distil a model of a run into a student, and score both on held-out rows."""

import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from scipy import stats
from sklearn.base import clone

from bayesgeo._check import did_you_mean, invalid
from bayesgeo._files import atomic_file
from bayesgeo.datasets.base import Dataset
from bayesgeo.datasets.split import Split
from bayesgeo.metrics.classification import accuracy, calibration_error, log_loss, summarise_classes
from bayesgeo.models.base import Classifier, Regressor
from bayesgeo.models.storage import load_model
from bayesgeo.models.students.base import Student
from bayesgeo.models.students.file import save_student
from bayesgeo.models.students.students import StudentClassifier, StudentRegressor
from bayesgeo.models.students.teacher import value_moments
from bayesgeo.runs.folder import read_manifest
from bayesgeo.runs.reading import new_rows

DISTILLATION_SCHEMA = 1
FILE, RECORD = "student.safetensors", "distillation.json"


def distill_run(
    run: str | Path,
    dataset: Dataset,
    by: Split,
    *,
    teacher: str,
    hidden: tuple[int, ...],
    out: str | Path,
    unlabelled: str | Path | None = None,
) -> dict[str, Any]:
    """Train a student on the predictions of a model of a run, and score both on held-out rows.

    The saved models of a run were fitted to every row, so none is left to evaluate them on. The teacher is
    therefore fitted anew, with the same settings: on four fifths of the training rows of the first fold, calibrated
    on the last fifth. Both are evaluated on the test rows of that fold.

    Parameters
    ----------
    run : path
        Folder of a comparison.
    dataset, by : Dataset, Split
        Data set and split of the run.
    teacher : str
        Name of a model of the run.
    hidden : tuple of int
        Width of each hidden layer of the student.
    out : path
        Folder for ``student.safetensors`` and ``distillation.json``.
    unlabelled : path, optional
        Table of more rows for the teacher to predict, such as those that the student is for.

    Returns
    -------
    dict
        Content of ``distillation.json``.

    Raises
    ------
    InvalidInput
        If the run has no such model, or was made of other rows, or ``out`` holds a student.
    """
    held = [name for name in (FILE, RECORD) if (Path(out) / name).exists()]
    if held:
        problem = f"It holds {' and '.join(held)} already, and nothing is overwritten."
        raise invalid("out", str(out), problem, "Give a new folder.")
    manifest = read_manifest(run)
    if teacher not in manifest["models"]:
        raise invalid("--teacher", teacher, "The run has no such model.", did_you_mean(teacher, manifest["models"]))
    if dataset.sha256 != manifest["dataset"]["sha256"] or by.sha256 != manifest["split"]["sha256"]:
        problem = "Its table or its split has changed since the run."
        raise invalid("run", str(run), problem, "Restore the table, or run the comparison again.")
    settings = clone(load_model(Path(run) / "models" / teacher)).set_params(random_state=manifest["seed"])
    train, test = (dataset.rows(rows) for rows in by.folds[0])
    kind = StudentClassifier if dataset.labels else StudentRegressor
    more = None if unlabelled is None else new_rows(run, unlabelled).X
    labels = {"groups": train.group_labels(), "coordinates": train.place_values()}
    student = kind(settings, hidden, random_state=manifest["seed"]).fit(
        train.X, _target(train), **labels, unlabelled=more
    )
    record = {
        "schema_version": DISTILLATION_SCHEMA,
        "teacher": teacher,
        "hidden": list(hidden),
        "seed": manifest["seed"],
        "dataset_sha256": dataset.sha256,
        "split": by.sentence,
        "rows": {
            "taught": train.n_rows - len(student.holdout_rows_),
            "unlabelled": 0 if more is None else more.sizes["obs"],
            "calibrated": len(student.holdout_rows_),
            "tested": test.n_rows,
        },
        "correction": student.correction_,
        "numbers_in_student": student.network_.parameters,
        "scores": (_of_classes if dataset.labels else _of_values)(student, test),
    }
    save_student(student, Path(out) / FILE)
    with atomic_file(Path(out) / RECORD) as temporary:
        temporary.write_text(json.dumps(record, indent=1), encoding="utf-8")
    return record


def _target(dataset: Dataset) -> np.ndarray:
    """Return names of classes, which the student keeps, or values."""
    return np.array(dataset.labels)[dataset.y.values] if dataset.labels else dataset.y.values


def _of_classes(student: Any, test: Dataset) -> dict[str, Any]:
    y = test.y.values

    def scores(probability: np.ndarray, classes: np.ndarray, seconds: float) -> dict[str, float]:
        every = np.zeros((len(y), len(test.labels)))
        every[:, [test.labels.index(label) for label in classes]] = probability
        said = xr.Dataset({"probability": (("obs", "label"), every)})
        return {metric.name: metric(said, y) for metric in (log_loss, accuracy, calibration_error)} | {
            "rows_per_second": len(y) / seconds
        }

    teacher = student.teacher_
    assert isinstance(teacher, Classifier)
    begun = time.perf_counter()
    theirs = xr.concat([summarise_classes(draws) for draws in teacher.stream(test.X)], "obs")
    between = time.perf_counter()
    ours = student.predict_proba(test.X)
    ended = time.perf_counter()
    same = teacher.classes_[theirs["probability"].values.argmax(axis=1)] == student.classes_[ours.argmax(axis=1)]
    return {
        "teacher": scores(theirs["probability"].values, teacher.classes_, between - begun),
        "student": scores(ours, student.classes_, ended - between),
        "agreement": float(same.mean()),
        "epistemic_rank_correlation": _rank_correlation(student, test, theirs["epistemic"].values),
    }


def _of_values(student: Any, test: Dataset) -> dict[str, Any]:
    y = test.y.values

    def scores(mean: np.ndarray, sd: np.ndarray, seconds: float) -> dict[str, float]:
        return {
            "rmse": float(np.sqrt(np.mean((y - mean) ** 2))),
            "gaussian_log_score": float(stats.norm.logpdf(y, mean, sd).mean()),
            "rows_per_second": len(y) / seconds,
        }

    assert isinstance(student.teacher_, Regressor)
    begun = time.perf_counter()
    theirs = value_moments(student.teacher_, test.X)
    between = time.perf_counter()
    mean = student.predict(test.X)
    ended = time.perf_counter()
    epistemic = theirs.get("epistemic", np.zeros(len(y)))
    return {
        "teacher": scores(theirs["mean"], np.hypot(theirs["aleatoric"], epistemic), between - begun),
        "student": scores(mean, np.sqrt(student.uncertainty(test.X)["total"].values), ended - between),
        "epistemic_rank_correlation": _rank_correlation(student, test, epistemic),
    }


def _rank_correlation(student: Student, test: Dataset, theirs: np.ndarray) -> float | None:
    """Return Spearman's rank correlation of the epistemic uncertainty; None for a teacher of one draw, without any."""
    if not student.spread_:
        return None
    return float(stats.spearmanr(theirs, student.uncertainty(test.X)["epistemic"].values)[0])
