"""Turn Evidence into the facts of a report: the plain values of ``report.json``."""

import json
import math
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import xarray as xr

from bayesgeo.evaluation.baseline import against_baseline
from bayesgeo.evaluation.compare import compare
from bayesgeo.evaluation.loo import compare_loo
from bayesgeo.reporting.sections.base import Section, all_sections, described, group_facts
from bayesgeo.reporting.sections.comparison import distance_to_exact, seed_facts
from bayesgeo.reporting.sections.computation import approximation, diagnostics, sizes
from bayesgeo.reporting.sections.data import dataset_facts, finding_facts
from bayesgeo.reporting.sections.decision import decide
from bayesgeo.reporting.sections.errors import errors
from bayesgeo.reporting.sections.group_effects import of_groups
from bayesgeo.reporting.sections.guidelines import guidelines
from bayesgeo.reporting.sections.map import mapped
from bayesgeo.reporting.sections.model import specification
from bayesgeo.reporting.sections.model_checks import of_model
from bayesgeo.reporting.sections.network import network
from bayesgeo.reporting.sections.posterior import effects, quantities
from bayesgeo.reporting.sections.predictions import confusion, notable, scatter
from bayesgeo.reporting.sections.residuals import cluster_robust, residuals
from bayesgeo.reporting.sections.scores import score_facts
from bayesgeo.reporting.sections.training import training
from bayesgeo.reporting.sections.worth import ranking_facts

REPORT_SCHEMA = 8
RANK = {"sound": 0, "doubtful": 1, "failed": 2}
Facts = dict[str, Any]


def gather(
    evidences: Mapping[str, xr.DataTree],
    *,
    findings: Sequence[Any] = (),
    reproduce: Mapping[str, Any] | None = None,
    seed: int = 0,
    cost_ratio: float | None = None,
) -> Facts:
    """Gather the facts of a report from Evidence alone.

    Parameters
    ----------
    evidences : mapping of str to xarray.DataTree
        Evidence by model name, on the same rows and folds.
    findings : sequence of Finding or mapping
        ``code``, ``level`` and ``message`` of the leakage audit.
    reproduce : mapping, optional
        How to reproduce the report; values that are not plain become text.
    seed : int
        Seed of the comparison.
    cost_ratio : float, optional
        Of two classes: cost of acting as a share of the loss that it avoids.

    Returns
    -------
    dict
        ``schema_version``, ``dataset``, ``verdict``, ``models`` (best log score first), ``comparisons``, ``baseline``
        (whether any model is shown better than one that ignores the features), ``loo``,
        ``findings``, ``reproduce``, ``decision``, ``guidelines`` and ``sections``, the facts of single sections by
        their names: strings, numbers, lists and dicts; None where a value could not be computed. ``report.schema.json``
        describes all of it.

    Raises
    ------
    InvalidInput
        If the Evidences are not about the same rows in the same folds, or a section of another package fails.
    """
    comparisons = compare(evidences, seed=seed).to_dict("records")
    first = next(iter(evidences.values()))
    ranked = sorted(evidences, key=lambda name: -float(evidences[name]["metrics"]["log_score_by_row"].mean()))
    facts = {
        "schema_version": REPORT_SCHEMA,
        "dataset": dataset_facts(first),
        "verdict": _verdict(evidences),
        "models": [_model(name, evidences[name], cost_ratio) for name in ranked],
        "comparisons": comparisons,
        "baseline": against_baseline(evidences, seed=seed),
        "loo": compare_loo(evidences).to_dict("records"),
        "findings": [finding_facts(finding) for finding in findings],
        "reproduce": dict(reproduce or {}),
    }
    facts = _finite(facts)
    facts |= {"decision": decide(facts), "guidelines": guidelines(facts)}
    return facts | {"sections": _of_sections(evidences, facts)}


def _of_sections(evidences: Mapping[str, xr.DataTree], facts: Facts) -> dict[str, Facts]:
    """Return the facts of each section that adds some of its own."""
    found = {
        section.name: section.call("facts", partial(_own, section, evidences, facts)) for section in all_sections()
    }
    return {name: own for name, own in found.items() if own}


def _own(section: Section, evidences: Mapping[str, xr.DataTree], facts: Facts) -> Facts:
    return _finite(dict(section.facts(evidences, facts)))


def _verdict(evidences: Mapping[str, xr.DataTree]) -> str:
    """Return the worst verdict of the models that have a posterior."""
    found = [tree["diagnostics"].attrs["verdict"] for tree in evidences.values()]
    judged = [verdict for verdict in found if verdict in RANK]
    return max(judged, key=RANK.__getitem__) if judged else "not applicable"


def _model(name: str, evidence: xr.DataTree, cost_ratio: float | None) -> Facts:
    metrics, attrs, dataset = evidence["metrics"].to_dataset(), evidence.attrs, described(evidence)
    labels, posterior = list(dataset["labels"]), attrs["kind"] == "Bayesian"
    return {
        "name": name,
        "kind": attrs["kind"],
        "class": attrs["class"],
        "parameters": json.loads(attrs["parameters"]),
        "inference": json.loads(attrs.get("inference", "null")),
        "approximation": approximation(evidence),
        "specification": specification(evidence),
        "groups": sorted(evidence.children),
        "draws": sizes(evidence),
        "preprocessing_sha256": attrs["preprocessing_sha256"],
        "metrics": score_facts(metrics, dataset["task"], posterior=posterior),
        "ranking": ranking_facts(metrics) if posterior else None,
        "seeds": seed_facts(evidence),
        "confusion": confusion(metrics, posterior=posterior),
        "errors": errors(evidence, cost_ratio),
        "distance_to_exact": distance_to_exact(evidence),
        "diagnostics": diagnostics(evidence),
        "posterior": quantities(evidence),
        "effects": effects(evidence),
        "cluster_robust": cluster_robust(evidence),
        **of_groups(evidence),
        "residuals": residuals(evidence),
        "network": network(evidence),
        "training": training(evidence),
        "of_model": of_model(evidence, labels),
        "calibration": group_facts(evidence, "calibration"),
        "selective": group_facts(evidence, "selective"),
        "value": group_facts(evidence, "decision"),
        "scatter": scatter(evidence),
        "rows": notable(evidence, labels),
        "map": mapped(evidence),
        "seconds": {part: attrs[f"{part}_seconds"] for part in ("compile", "fit", "predict")},
        "interrupted": bool(attrs["interrupted"]),
        "seed": attrs["seed"],
        "versions": json.loads(attrs["versions"]),
    }


def _finite(value: Any) -> Any:
    """Replace numbers that are not finite by None, and values that JSON cannot hold by text."""
    if isinstance(value, dict):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, str | int) else str(value)


__all__ = ["gather"]
