"""How to reproduce the results."""

from collections.abc import Mapping
from typing import Any

from bayesgeo.reporting.sections.base import Section

CITED = (
    "R-hat and effective sample size: Vehtari et al. 2021, Bayesian Analysis 16, 667",
    "reliability and its parts: Dimitriadis, Gneiting & Jordan 2021, PNAS 118, e2016191118",
    "relative economic value: Richardson 2000, Quarterly Journal of the Royal Meteorological Society 126, 649",
    "interval over folds: Nadeau & Bengio 2003, Machine Learning 52, 239",
)


def pictures(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the template shows beside the facts."""
    return {"cited": CITED}


section = Section("reproduce", 100, pictures=pictures)

__all__ = ["section"]
