"""Sensitivity of each quantity of the posterior to the prior and to the likelihood."""

from collections.abc import Mapping
from typing import Any

import xarray as xr

from bayesgeo.reporting.sections.base import Section, bayesian
from bayesgeo.reporting.sections.model import stated

Facts = dict[str, Any]


def sensitivity(evidence: xr.DataTree) -> list[Facts]:
    """Return the sensitivity of each variable; effects that are quantities too, in other units, are left out."""
    table = evidence["sensitivity"].to_dataset() if "sensitivity" in evidence.children else xr.Dataset()
    if not {"variable", "prior"} <= set(table.variables):
        return []
    names = [str(name) for name in table["variable"].values]
    return [
        {
            "variable": names[k],
            "prior": float(table["prior"][k]),
            "likelihood": float(table["likelihood"][k]) if "likelihood" in table else None,
        }
        for k in range(len(names))
        if not _repeated(names[k], names, stated(evidence))
    ]


def _repeated(name: str, names: list[str], stated: Mapping[str, Any]) -> bool:
    """Return whether an element of the effects is an element of a quantity too."""
    variable, bracket, element = name.partition("[")
    if variable != stated.get("effects") or not bracket:
        return False
    return any(f"{quantity}[{element}" in names for quantity in stated["quantities"] if quantity != variable)


def pictures(facts: Mapping[str, Any]) -> Facts:
    """Return what the template shows beside the facts."""
    return {"sensitive": [model for model in bayesian(facts) if model["of_model"]["sensitivity"]]}


section = Section("sensitivity", 70, pictures=pictures)

__all__ = ["section", "sensitivity"]
