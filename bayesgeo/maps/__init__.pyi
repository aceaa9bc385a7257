from .applicability import AreaOfApplicability as AreaOfApplicability
from .applicability import area_of_applicability as area_of_applicability
from .coverage import coverage_inside_outside as coverage_inside_outside
from .making import make_grid as make_grid
from .predict import predict_grid as predict_grid
from .reading import read_grid as read_grid
from .writing import write_map as write_map

OTHERS: dict[str, str]
__all__ = [
    "AreaOfApplicability",
    "area_of_applicability",
    "coverage_inside_outside",
    "make_grid",
    "predict_grid",
    "read_grid",
    "write_map",
]
