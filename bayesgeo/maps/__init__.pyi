from .making import make_grid as make_grid
from .predict import predict_grid as predict_grid
from .reading import read_grid as read_grid
from .writing import write_map as write_map

OTHERS: dict[str, str]
__all__ = [
    "make_grid",
    "predict_grid",
    "read_grid",
    "write_map",
]
