from .advi import ADVI as ADVI
from .base import Conjugate as Conjugate
from .base import Inference as Inference
from .base import Problem as Problem
from .exact import Exact as Exact
from .laplace import Laplace as Laplace
from .mclmc import MCLMC as MCLMC
from .nuts import NUTS as NUTS

OTHERS: dict[str, str]
__all__ = [
    "ADVI",
    "MCLMC",
    "NUTS",
    "Conjugate",
    "Exact",
    "Inference",
    "Laplace",
    "Problem",
]
