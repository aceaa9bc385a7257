from .advi import ADVI as ADVI
from .base import Conjugate as Conjugate
from .base import Inference as Inference
from .base import Marginal as Marginal
from .base import Problem as Problem
from .collapsed import Collapsed as Collapsed
from .exact import Exact as Exact
from .laplace import Laplace as Laplace
from .mclmc import MCLMC as MCLMC
from .nuts import NUTS as NUTS

OTHERS: dict[str, str]
__all__ = [
    "ADVI",
    "MCLMC",
    "NUTS",
    "Collapsed",
    "Conjugate",
    "Exact",
    "Inference",
    "Laplace",
    "Marginal",
    "Problem",
]
