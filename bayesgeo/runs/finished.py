"""What a run has finished: for each model its Evidence, and the model fitted on every row."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import xarray as xr

from bayesgeo._check import InvalidInput, did_you_mean, invalid
from bayesgeo.evaluation.evidence import load_evidence, save_evidence
from bayesgeo.models.base import Estimator
from bayesgeo.models.storage import load_model, model_sha256, save_model

# Attributes of Evidence in a run: which model of the run it is of, and the hash of that model's folder.
NAME, FOLDER = "run_model", "model_sha256"
AGAIN = "Run the comparison again."


def evidence_file(out: Path, name: str) -> Path:
    """Return where a run keeps the Evidence of a model."""
    return out / "evidence" / f"{name}.nc"


def model_folder(out: Path, name: str) -> Path:
    """Return where a run keeps a fitted model."""
    return out / "models" / name


def save_finished(out: Path, name: str, evidence: xr.DataTree, model: Estimator) -> None:
    """Write a fitted model and then its Evidence, which marks the model as finished."""
    folder = save_model(model, model_folder(out, name))
    marked = evidence.copy(deep=False)
    marked.attrs = evidence.attrs | {NAME: name, FOLDER: model_sha256(folder)}
    save_evidence(marked, evidence_file(out, name))


def load_finished(out: Path, name: str, manifest: Mapping[str, Any]) -> xr.DataTree:
    """Read the Evidence of a model of a run.

    Raises
    ------
    InvalidInput
        If it cannot be read, or is of other rows, other folds, another seed or another model than the manifest says.
    """
    evidence = load_evidence(evidence_file(out, name))
    stated = {
        "data": (evidence.attrs["dataset_sha256"], manifest["dataset"]["sha256"]),
        "split": (evidence.attrs["split_sha256"], manifest["split"]["sha256"]),
        "seed": (int(evidence.attrs["seed"]), manifest["seed"]),
        "model": (evidence.attrs.get(NAME), name),
    }
    other = [what for what, (found, wanted) in stated.items() if found != wanted]
    if other:
        problem = f"It is of another {', '.join(other)} than the run."
        raise invalid("evidence", str(evidence_file(out, name)), problem, f"Move it away. {AGAIN}")
    return evidence


def chosen(evidences: Mapping[str, xr.DataTree], model: str | None) -> str:
    """Return the name of a model of a run; without one, that of the best log score.

    Raises
    ------
    InvalidInput
        If the run has no such model.
    """
    name = model or max(evidences, key=lambda key: float(evidences[key]["metrics"]["log_score_by_row"].mean()))
    if name not in evidences:
        raise invalid("model", name, "The run has no such model.", did_you_mean(name, evidences))
    return name


def to_evaluate(out: Path, name: str) -> bool:
    """Tell whether the Evidence of a model is not there, cannot be read, or is of a fit that was cut short."""
    try:
        return bool(load_evidence(evidence_file(out, name)).attrs["interrupted"])
    except InvalidInput:
        return True


def to_fit(out: Path, name: str, evidence: xr.DataTree) -> bool:
    """Tell whether the folder of a model is not there, or not as it was saved."""
    try:
        return model_sha256(model_folder(out, name)) != evidence.attrs.get(FOLDER)
    except InvalidInput:
        return True


def load_fitted(out: Path, name: str, evidence: xr.DataTree) -> Estimator:
    """Read the model that a run fitted on every row.

    Raises
    ------
    InvalidInput
        If it cannot be read, or is not the one that the Evidence was written beside.
    """
    folder = model_folder(out, name)
    model = load_model(folder)
    if model_sha256(folder) != evidence.attrs.get(FOLDER):
        raise invalid("model", str(folder), "It is not the one that the run saved.", f"{AGAIN} It fits it anew.")
    return model
