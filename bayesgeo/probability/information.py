"""Entropy, mutual information, divergence and tests of independence."""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import xarray as xr
from scipy import stats

from bayesgeo._check import invalid
from bayesgeo.probability.base import checked_mass, known_variables


class Informative(Protocol):
    """Define a joint with an entropy: Discrete, Gaussian or Density.

    Examples
    --------
    >>> from bayesgeo.probability import Gaussian
    >>> joint: Informative = Gaussian({"x": 0.0}, [[1.0]])
    >>> round(joint.marginal("x").entropy(), 4)
    1.4189
    """

    names: tuple[str, ...]

    def marginal(self, *names: str) -> "Informative":
        """Return the distribution of these variables."""

    def entropy(self) -> float:
        """Return the entropy in nats."""


@dataclass(frozen=True)
class IndependenceTest:
    """Hold the outcome of a test of independence on counts.

    Parameters
    ----------
    statistic : float
        G = 2 Σ observed log(observed / expected), added over strata.
    degrees_of_freedom : int
        Added over strata.
    p_value : float
        Probability of a larger statistic under independence.

    Examples
    --------
    >>> IndependenceTest(statistic=4.0, degrees_of_freedom=1, p_value=0.0455).degrees_of_freedom
    1
    """

    statistic: float
    degrees_of_freedom: int
    p_value: float


def entropy(joint: Informative, *names: str) -> float:
    """Return the entropy of these variables, or of all, in nats.

    Examples
    --------
    >>> from bayesgeo.probability import Discrete
    >>> even = Discrete(xr.DataArray([[0.25, 0.25], [0.25, 0.25]], {"a": [0, 1], "b": [0, 1]}))
    >>> round(entropy(even), 6), round(entropy(even, "a"), 6)
    (1.386294, 0.693147)
    """
    return joint.marginal(*names).entropy() if names else joint.entropy()


def mutual_information(joint: Informative, a: str, b: str, *, given: str | tuple[str, ...] = ()) -> float:
    """Return I(a; b | given) = H(a, g) + H(b, g) − H(a, b, g) − H(g), in nats.

    It is zero where a and b are independent once the given variables are known, and never negative;
    values below zero by rounding are set to zero.

    Examples
    --------
    >>> from bayesgeo.probability import Gaussian
    >>> pair = Gaussian({"a": 0.0, "b": 0.0}, [[1.0, 0.6], [0.6, 1.0]])
    >>> round(mutual_information(pair, "a", "b"), 6)  # −½ log(1 − 0.6²)
    0.223144
    """
    given = (given,) if isinstance(given, str) else tuple(given)
    known_variables((a, b, *given), joint.names)
    alone = entropy(joint, *given) if given else 0.0
    pairs = entropy(joint, a, *given) + entropy(joint, b, *given)
    return max(pairs - entropy(joint, a, b, *given) - alone, 0.0)


def kullback_leibler(p: Any, q: Any) -> float:
    """Return the divergence of q from p, of the same kind and over the same variables, in nats.

    Examples
    --------
    >>> from bayesgeo.probability import Gaussian
    >>> kullback_leibler(Gaussian({"x": 0.0}, [[1.0]]), Gaussian({"x": 2.0}, [[1.0]]))
    2.0
    """
    if type(p) is not type(q):
        raise invalid("q", type(q).__name__, f"It must be a {type(p).__name__}, as p is.")
    return p.kullback_leibler(q)


def independence_test(counts: xr.DataArray, a: str, b: str, *, given: str | tuple[str, ...] = ()) -> IndependenceTest:
    """Test on counts whether a and b are independent, within each outcome of the given variables.

    The G test of scipy.stats.chi2_contingency without Yates' correction, its statistic and degrees of
    freedom added over strata; outcomes absent from a stratum are left out of it.

    Parameters
    ----------
    counts : xarray.DataArray
        One dimension for each variable; variables that are not named are summed out.
    a, b : str
        The two variables.
    given : str or tuple of str
        Variables that may explain their dependence.

    Examples
    --------
    >>> counts = xr.DataArray([[30, 10], [20, 40]], {"event": ["quake", "blast"],
    ...                                              "hour": ["night", "day"]})
    >>> independence_test(counts, "event", "hour").p_value < 0.001
    True
    """
    given = (given,) if isinstance(given, str) else tuple(given)
    kept = known_variables((a, b, *given), tuple(map(str, counts.dims)))
    counts = checked_mass("count", counts).sum([dim for dim in counts.dims if dim not in kept])
    strata = counts.transpose(a, b, ...).values.reshape(counts.sizes[a], counts.sizes[b], -1)
    statistic, freedom = 0.0, 0
    for table in np.moveaxis(strata, -1, 0):
        seen = table[table.any(axis=1)][:, table.any(axis=0)]
        if min(seen.shape) > 1:
            test = stats.chi2_contingency(seen, correction=False, lambda_="log-likelihood")
            statistic, freedom = statistic + float(test.statistic), freedom + int(test.dof)
    if not freedom:
        raise invalid("counts", float(counts.sum()), "No stratum has two outcomes of both variables.")
    return IndependenceTest(statistic, freedom, float(stats.chi2.sf(statistic, freedom)))
