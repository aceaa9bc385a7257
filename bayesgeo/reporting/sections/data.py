"""The data set, its audit, and the hashes shared by all models."""

from collections.abc import Mapping
from typing import Any

import xarray as xr

from bayesgeo import catalog
from bayesgeo.reporting.sections.base import Section, described
from bayesgeo.reporting.sections.distances import distances
from bayesgeo.reporting.sections.map import places
from bayesgeo.reporting.text import listed

Facts = dict[str, Any]


def dataset_facts(evidence: xr.DataTree) -> Facts:
    """Return the data set of an Evidence, its hashes, places and distances, and scores of the exact posterior."""
    observed = evidence["observed_data"].to_dataset()
    hashes = {name: evidence.attrs[name] for name in ("split", "split_kind", "split_sha256", "rows_sha256")}
    return (
        described(evidence)
        | {"sha256": evidence.attrs["dataset_sha256"]}
        | hashes
        | {"split_group": evidence.attrs["split_group"] or None}
        | {"test_rows": observed.sizes["obs"], "places": places(evidence), "exact": _exact(observed)}
        | {"distances": distances(evidence)}
    )


def _exact(observed: xr.Dataset) -> dict[str, float] | None:
    """Score the exact posterior of generated rows."""
    if "exact" not in observed:
        return None
    truth, y = observed[["exact"]].rename(exact="probability"), observed["y"].values
    return {name: metric(truth, y) for name, metric in catalog.metrics("classification").items()}


def finding_facts(finding: Any) -> Facts:
    """Return the code, level and message of a finding of the audit."""
    names = ("code", "level", "message")
    return {name: str(finding[name] if isinstance(finding, Mapping) else getattr(finding, name)) for name in names}


def pictures(facts: Mapping[str, Any]) -> Facts:
    """Return what the template shows beside the facts."""
    return {"same": _same_sentence(facts)}


section = Section("data", 20, pictures=pictures)


def _same_sentence(facts: Mapping[str, Any]) -> str:
    """Report what all models share by the hashes, and name models with other features."""
    models = facts["models"]
    text = "By these hashes every model was scored on the same rows in the same folds"
    others = [m["name"] for m in models if m["preprocessing_sha256"] != models[0]["preprocessing_sha256"]]
    if others:
        return f"{text}. Other features or another preprocessing than {models[0]['name']} saw: {listed(others)}."
    return f"{text} and saw the same features, prepared alike."


__all__ = ["dataset_facts", "finding_facts", "section"]
