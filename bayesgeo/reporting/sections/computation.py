"""Computation of each model: the inference and its checks, training curves, seconds."""

import json
from collections.abc import Mapping
from typing import Any

import xarray as xr

from bayesgeo.reporting.sections.base import Section
from bayesgeo.reporting.sections.training import trained, training_curves

Facts = dict[str, Any]


def approximation(evidence: xr.DataTree) -> str | None:
    """Name the approximation whose draws stand in for the posterior; None for draws of the posterior itself."""
    inference = json.loads(evidence.attrs.get("inference", "null")) or {}
    return inference["title"] if inference.get("kind") == "approximation" else None


def sizes(evidence: xr.DataTree) -> dict[str, int] | None:
    """Return the number of chains and of draws of each; None of a model without a posterior."""
    if "posterior" not in evidence.children:
        return None
    return {dim: int(evidence["posterior"].sizes[dim]) for dim in ("chain", "draw")}


def diagnostics(evidence: xr.DataTree) -> Facts:
    """Return the verdict on a posterior, and the checks that it rests on."""
    table = evidence["diagnostics"].to_dataset()
    fields = list(table.data_vars)
    checks = [{str(f): table[f].values[k].item() for f in fields} for k in range(table.sizes["check"])]
    return {"verdict": table.attrs["verdict"], "checks": checks}


def pictures(facts: Mapping[str, Any]) -> Facts:
    """Return what the template shows: the networks that were trained, and their curves."""
    networks = [model for model in facts["models"] if model["training"]]
    return {
        "networks": networks,
        "curves": [training_curves(m["training"], name=f"training{k}") for k, m in enumerate(networks, start=1)],
        "trained": trained,
    }


section = Section("computation", 40, pictures=pictures)

__all__ = ["approximation", "diagnostics", "section", "sizes"]
