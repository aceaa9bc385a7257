"""Evidence -> the facts of a report, as plain values: what ``report.json`` holds."""

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from bayesgeo import catalog
from bayesgeo.evaluation.compare import compare
from bayesgeo.evaluation.loo import compare_loo
from bayesgeo.reporting.formulas import specification
from bayesgeo.reporting.guidelines import guidelines
from bayesgeo.reporting.numbers import rounded
from bayesgeo.reporting.of_model import of_model
from bayesgeo.reporting.places import mapped, places
from bayesgeo.reporting.posteriors import approximation, network
from bayesgeo.reporting.rows import notable, scatter
from bayesgeo.reporting.training import training
from bayesgeo.reporting.words import decide

SCHEMA = 3
CI_PROB = 0.9
QUANTITIES = ("constant", "coefficient", "noise_sd", "nu", "scale_")  # the last: a number for each layer
RANK = {"sound": 0, "doubtful": 1, "failed": 2}
Facts = dict[str, Any]


def gather(
    evidences: Mapping[str, xr.DataTree],
    *,
    findings: Sequence[Any] = (),
    reproduce: Mapping[str, Any] | None = None,
    seed: int = 0,
) -> Facts:
    """Gather what a report says from Evidence alone.

    Parameters
    ----------
    evidences : mapping of str to xarray.DataTree
        Evidence by model name, on the same rows and folds.
    findings : sequence of Finding or mapping
        ``code``, ``level`` and ``message`` of the leakage audit.
    reproduce : mapping, optional
        How to get the same again; what is no plain value becomes text.
    seed : int
        Seed of the bootstrap of the comparison.

    Returns
    -------
    dict
        ``schema_version``, ``dataset``, ``verdict``, ``models`` (best log score first), ``comparisons``, ``loo``,
        ``findings``, ``reproduce``, ``decision`` and ``guidelines``: strings, numbers, lists and dicts; what could not
        be computed is None. ``report.schema.json`` says all of it.

    Raises
    ------
    InvalidInput
        If the Evidences are not about the same rows in the same folds.
    """
    comparisons = compare(evidences, seed=seed).to_dict("records")
    first = next(iter(evidences.values()))
    ranked = sorted(evidences, key=lambda name: -float(evidences[name]["metrics"]["log_score_by_row"].mean()))
    facts = {
        "schema_version": SCHEMA,
        "dataset": _dataset(first),
        "verdict": _verdict(evidences),
        "models": [_model(name, evidences[name]) for name in ranked],
        "comparisons": comparisons,
        "loo": compare_loo(evidences).to_dict("records"),
        "findings": [_finding(finding) for finding in findings],
        "reproduce": dict(reproduce or {}),
    }
    facts = _finite(facts)
    return facts | {"decision": decide(facts), "guidelines": guidelines(facts)}


def _finding(finding: Any) -> Facts:
    names = ("code", "level", "message")
    return {name: str(finding[name] if isinstance(finding, Mapping) else getattr(finding, name)) for name in names}


def _dataset(evidence: xr.DataTree) -> Facts:
    observed = evidence["observed_data"].to_dataset()
    exact = None
    if "exact" in observed:
        truth = observed[["exact"]].rename(exact="probability")
        known = catalog.metrics("classification")
        exact = {name: metric(truth, observed["y"].values) for name, metric in known.items()}
    return _described(evidence) | {
        "sha256": evidence.attrs["dataset_sha256"],
        "split": evidence.attrs["split"],
        "split_sha256": evidence.attrs["split_sha256"],
        "rows_sha256": evidence.attrs["rows_sha256"],
        "test_rows": observed.sizes["obs"],
        "places": places(evidence),
        "exact": exact,
    }


def _described(evidence: xr.DataTree) -> Facts:
    return json.loads(evidence.attrs["dataset_description"])


def _verdict(evidences: Mapping[str, xr.DataTree]) -> str:
    """Return the worst verdict of the models that have a posterior."""
    found = [tree["diagnostics"].attrs["verdict"] for tree in evidences.values()]
    judged = [verdict for verdict in found if verdict in RANK]
    return max(judged, key=RANK.__getitem__) if judged else "not applicable"


def _model(name: str, evidence: xr.DataTree) -> Facts:
    metrics = evidence["metrics"].to_dataset()
    attrs = evidence.attrs
    described = _described(evidence)
    labels = list(described["labels"])
    return {
        "name": name,
        "kind": attrs["kind"],
        "class": attrs["class"],
        "parameters": json.loads(attrs["parameters"]),
        "inference": json.loads(attrs.get("inference", "null")),
        "approximation": approximation(evidence),
        "specification": specification(evidence),
        "groups": sorted(evidence.children),
        "draws": _sizes(evidence),
        "preprocessing_sha256": attrs["preprocessing_sha256"],
        "metrics": _metrics(metrics, described["task"], posterior=attrs["kind"] == "Bayesian"),
        "ranking": _ranking(metrics) if attrs["kind"] == "Bayesian" else None,
        "seeds": _seeds(evidence),
        "confusion": _confusion(metrics, posterior=attrs["kind"] == "Bayesian"),
        "distance_to_exact": _distance(evidence),
        "diagnostics": _diagnostics(evidence),
        "posterior": _summary(evidence, QUANTITIES, labels),
        "effects": _summary(evidence, ("weight",), labels),
        "network": network(evidence),
        "training": training(evidence),
        "of_model": of_model(evidence, labels),
        "calibration": _group(evidence, "calibration"),
        "selective": _group(evidence, "selective"),
        "value": _group(evidence, "decision"),
        "scatter": scatter(evidence),
        "rows": notable(evidence, labels),
        "map": mapped(evidence),
        "seconds": {part: attrs[f"{part}_seconds"] for part in ("compile", "fit", "predict")},
        "interrupted": bool(attrs["interrupted"]),
        "seed": attrs["seed"],
        "versions": json.loads(attrs["versions"]),
    }


def _metrics(metrics: xr.Dataset, task: str, *, posterior: bool) -> Facts:
    """Tabulate the scores; members of an ensemble are no draws of a posterior, so their spread is left out."""
    columns = [str(name) for name, values in metrics.data_vars.items() if values.dims == ("metric",)]
    columns = [name for name in columns if posterior or not name.startswith("posterior")]
    shared = {
        "prob": metrics.attrs["prob"],
        "blocks": metrics.attrs["blocks"],
        "resampled": metrics.attrs["resampled"],
    }
    table = {
        str(name): {column: float(metrics[column].sel(metric=name)) for column in columns} | shared
        for name in metrics["metric"].values
    }
    for name, metric in table.items() if "random_rows" in columns else ():
        goodness = catalog.metrics(task)[name].goodness
        metric["optimism"] = goodness(metric["random_rows"]) - goodness(metric["same_rows"])
    return table


def _ranking(metrics: xr.Dataset) -> dict[str, list[float]] | None:
    """Return the scores of ranks of single draws; None where there is none."""
    found = {name: metrics.get(f"{name}_by_draw") for name in ("roc_auc", "average_precision")}
    return {name: rounded(values.values) for name, values in found.items() if values is not None} or None


def _seeds(evidence: xr.DataTree) -> Facts | None:
    """Return how far seeds move the scores; None where each fold was fitted once."""
    if "seeds" not in evidence.children:
        return None
    group = evidence["seeds"].to_dataset()
    sd = {str(name): float(group["sd"].sel(metric=name)) for name in group["metric"].values}
    return {"fits": evidence.attrs["seeds"], "stochastic": bool(group.attrs["stochastic"]), "sd": sd}


def _sizes(evidence: xr.DataTree) -> dict[str, int] | None:
    if "posterior" not in evidence.children:
        return None
    return {dim: int(evidence["posterior"].sizes[dim]) for dim in ("chain", "draw")}


def _group(evidence: xr.DataTree, name: str) -> Facts | None:
    """Return the variables and attributes of a group as plain values; None where the Evidence has no such group."""
    if name not in evidence.children:
        return None
    group = evidence[name].to_dataset()
    return {str(key): values.values.tolist() for key, values in group.variables.items()} | group.attrs


def _confusion(metrics: xr.Dataset, *, posterior: bool) -> Facts | None:
    if "confusion" not in metrics:
        return None
    names = {"count": "confusion"} | ({"low": "confusion_low", "high": "confusion_high"} if posterior else {})
    counts = {key: metrics[name].values.tolist() if name in metrics else None for key, name in names.items()}
    counts = {"low": None, "high": None} | counts
    return {"labels": [str(label) for label in metrics["true_label"].values], **counts}


def _distance(evidence: xr.DataTree) -> float | None:
    """Return mean ``|p - p_exact|`` of the last (with two labels: the positive) class."""
    if "exact" not in evidence["observed_data"]:
        return None
    error = (
        evidence["predictions"].to_dataset()["probability"].values
        - evidence["observed_data"].to_dataset()["exact"].values
    )
    return float(np.abs(error[:, -1]).mean())


def _diagnostics(evidence: xr.DataTree) -> Facts:
    table = evidence["diagnostics"].to_dataset()
    fields = list(table.data_vars)
    checks = [{str(f): table[f].values[k].item() for f in fields} for k in range(table.sizes["check"])]
    return {"verdict": table.attrs["verdict"], "checks": checks}


def _summary(evidence: xr.DataTree, wanted: Sequence[str], labels: Sequence[str]) -> list[Facts]:
    """Summarise quantities of the posterior, one fact for each element."""
    import arviz_stats as az

    if "posterior" not in evidence.children:
        return []
    posterior = evidence["posterior"].to_dataset()
    names = [str(n) for w in wanted for n in posterior.data_vars if n == w or (w[-1] == "_" and str(n).startswith(w))]
    if not names:
        return []
    summary = az.summary(evidence, var_names=names, ci_prob=CI_PROB, ci_kind="eti", fmt="xarray", round_to="none")
    units = {}
    if "unit" in posterior.coords:
        units = dict(zip(posterior["feature"].values, posterior["unit"].values, strict=True))
    prior = evidence["prior"].to_dataset() if "prior" in evidence.children else xr.Dataset()
    ends = {name: _prior_ends(prior, name) for name in names}
    return [fact for name in names for fact in _quantities(name, summary[name], units, labels, prior=ends[name])]


def _prior_ends(prior: xr.Dataset, name: str) -> xr.DataArray | None:
    if name not in prior:
        return None
    return prior[name].quantile([(1 - CI_PROB) / 2, (1 + CI_PROB) / 2], ("chain", "draw"))


def _quantities(
    name: str, summary: xr.DataArray, units: Mapping[str, str], labels: Sequence[str], *, prior: xr.DataArray | None
) -> list[Facts]:
    where = [dim for dim in summary.dims if dim != "summary"]
    stacked = summary.stack(quantity=where) if where else summary.expand_dims("quantity")
    facts = []
    for k in range(stacked.sizes["quantity"]):
        one = stacked.isel(quantity=k)
        at = {str(dim): str(one[dim].item()) for dim in where}
        if at.get("label", "").isdecimal():
            at["label"] = labels[int(at["label"])]
        values = {str(key): float(one.sel(summary=key)) for key in one["summary"].values}
        if prior is not None:
            ends = prior.sel({dim: one[dim].item() for dim in where}).values
            values |= dict(zip(("prior_low", "prior_high"), ends.tolist(), strict=True))
        facts.append({"variable": name, **at, "unit": str(units.get(at.get("feature", ""), "")), **values})
    return facts


def _finite(value: Any) -> Any:
    """Replace what JSON has no word for by None."""
    if isinstance(value, dict):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, str | int) else str(value)


__all__ = ["CI_PROB", "gather"]
