"""How to reproduce the results."""

from collections.abc import Mapping
from typing import Any

from bayesgeo.reporting.sections.base import Section

CITED = (
    "R-hat and effective sample size: Vehtari et al. 2021, Bayesian Analysis 16, 667",
    "reliability and its parts: Dimitriadis, Gneiting & Jordan 2021, PNAS 118, e2016191118",
    "relative economic value: Richardson 2000, Quarterly Journal of the Royal Meteorological Society 126, 649",
    "test of signs of whole groups: Canay, Romano & Shaikh 2017, Econometrica 85, 1013",
    "interval of few groups: Bell & McCaffrey 2002, Survey Methodology 28, 169",
)


def pictures(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the template shows beside the facts."""
    return {"cited": CITED}


section = Section("reproduce", 100, pictures=pictures)

__all__ = ["section"]
