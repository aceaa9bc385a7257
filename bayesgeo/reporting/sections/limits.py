"""Limitations of the results."""

from collections.abc import Mapping
from typing import Any

from bayesgeo.reporting.sections.base import Section
from bayesgeo.reporting.sections.scores import resampled


def pictures(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the template shows beside the facts."""
    return {"resampled": resampled(facts), "repeated": any(model["seeds"] for model in facts["models"])}


section = Section("limits", 120, pictures=pictures)

__all__ = ["section"]
