"""Linear Gaussian conditional distributions."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from bayesgeo._check import invalid
from bayesgeo.probability.base.checks import known_variables


@dataclass(frozen=True)
class LinearGaussian:
    """Define new variables as linear functions of others: y = weights · x + offset + noise.

    Parameters
    ----------
    weights : mapping of str to mapping of str to float
        For each new variable, the weight of each variable it depends on.
    noise : mapping of str to float
        Variance of the independent Gaussian noise of each new variable; 0 where absent.
    offset : mapping of str to float
        Constant added to each; 0 where absent.

    Examples
    --------
    >>> LinearGaussian({"pick": {"arrival": 1.0}}, noise={"pick": 0.04}).noise
    {'pick': 0.04}
    """

    weights: Mapping[str, Mapping[str, float]]
    noise: Mapping[str, float] = field(default_factory=dict)
    offset: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, value in self.noise.items():
            if not np.isfinite(value) or value < 0:
                raise invalid("noise", value, f"The variance of {name!r} must be finite and not negative.")
        for part in (self.noise, self.offset):
            known_variables(part, self.weights)
