from .applicability import AreaOfApplicability as AreaOfApplicability
from .applicability import area_of_applicability as area_of_applicability
from .coverage import coverage_inside_outside as coverage_inside_outside

OTHERS: dict[str, str]
__all__ = [
    "AreaOfApplicability",
    "area_of_applicability",
    "coverage_inside_outside",
]
