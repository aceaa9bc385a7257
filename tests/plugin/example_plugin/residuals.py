"""A report section: the mean residual of each group, by the best model."""

from typing import Any

import pandas as pd

from bayesgeo.reporting.sections.base import Section


def _facts(evidences: Any, facts: Any) -> dict[str, Any]:
    name = facts["models"][0]["name"]
    observed = evidences[name]["observed_data"].to_dataset()
    if "group" not in observed or facts["dataset"]["task"] != "regression":
        return {"model": name, "groups": []}
    errors = observed["y"].values - evidences[name]["predictions"]["mean"].values
    by_group = pd.Series(errors).groupby(observed["group"].values).mean()
    worst = by_group.reindex(by_group.abs().sort_values(ascending=False).index)[:5]
    return {"model": name, "groups": [{"group": str(key), "mean": float(value)} for key, value in worst.items()]}


def _pictures(facts: Any) -> dict[str, Any] | None:
    return {} if facts["sections"]["residuals"]["groups"] else None


section = Section("residuals", 85, facts=_facts, pictures=_pictures)
