"""Random variables: every distribution of scipy.stats by name, or a given density or mass function."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from scipy import integrate, stats

from bayesgeo._check import did_you_mean, invalid, positive

INTEGRAL_TOLERANCE = 1e-6
TAIL = 1e-12
MOST_OUTCOMES = 1_000_000


@dataclass(frozen=True, eq=False, repr=False)
class RandomVariable:
    """Hold the distribution of one number, discrete (PMF) or continuous (PDF).

    Parameters
    ----------
    distribution : frozen scipy.stats distribution
        As ``scipy.stats.norm(0, 1)``; see :func:`normal`, :func:`distribution` and related functions.

    Examples
    --------
    >>> waiting = exponential(rate=2.0)
    >>> waiting
    RandomVariable(expon, mean 0.5, sd 0.5)
    >>> round(waiting.probability(0.0, 1.0), 6)
    0.864665
    """

    distribution: Any

    def __post_init__(self) -> None:
        if not hasattr(self.distribution, "dist"):
            raise invalid(
                "distribution",
                self.distribution,
                "It is not a frozen scipy.stats distribution.",
                "Give one such as scipy.stats.norm(0, 1).",
            )
        if not np.all(np.isfinite(self.distribution.support()) | np.isinf(self.distribution.support())):
            raise invalid(
                "parameters",
                self.distribution.kwds or self.distribution.args,
                f"They are outside the domain of {self.distribution.dist.name}.",
            )

    def __repr__(self) -> str:
        name, mean, sd = self.distribution.dist.name, self.distribution.mean(), self.distribution.std()
        return f"RandomVariable({name}, mean {mean:.4g}, sd {sd:.4g})"

    @property
    def discrete(self) -> bool:
        """Whether it takes countably many values."""
        return hasattr(self.distribution, "pmf")

    def density(self, values: Any) -> xr.DataArray:
        """Return the PMF or PDF at labelled values.

        Examples
        --------
        >>> poisson(rate=2.0).density([0, 1]).values.round(6)
        array([0.135335, 0.270671])
        """
        return xr.apply_ufunc(np.exp, self.log_density(values))

    def log_density(self, values: Any) -> xr.DataArray:
        """Return the log of the PMF or PDF at labelled values.

        Examples
        --------
        >>> round(float(normal().log_density(0.0)), 6)
        -0.918939
        """
        log = self.distribution.logpmf if self.discrete else self.distribution.logpdf
        return xr.apply_ufunc(log, xr.DataArray(values))

    def probability(self, low: float = -np.inf, high: float = np.inf) -> float:
        """Return P(low ≤ Y ≤ high), both ends included.

        Computed from the nearer tail, so that small probabilities keep their relative precision.

        Examples
        --------
        >>> round(normal().probability(-1.96, 1.96), 4), round(poisson(rate=3.0).probability(2, 2), 6)
        (0.95, 0.224042)
        """
        if np.isnan(low) or np.isnan(high) or low > high:
            raise invalid("interval", (low, high), "Its ends must be numbers, the lower first.")
        below = np.nextafter(low, -np.inf) if self.discrete else low
        if low > self.distribution.median():
            return float(self.distribution.sf(below) - self.distribution.sf(high))
        return float(self.distribution.cdf(high) - self.distribution.cdf(below))

    def measure(self, event: Callable[[np.ndarray], Any]) -> float:
        """Return P(E) of a predicate on a countable sample space, to within 1e-12.

        Examples
        --------
        >>> round(poisson(rate=1.0).measure(lambda n: n % 2 == 0), 10)
        0.5676676416
        """
        outcomes = self._outcomes()
        marks = np.asarray(event(outcomes))
        if marks.dtype != bool:
            raise invalid("event", str(marks.dtype), "An event must be true or false for each outcome.")
        return float(self.distribution.pmf(outcomes[marks]).sum())

    def _outcomes(self) -> np.ndarray:
        if not self.discrete:
            raise invalid(
                "event",
                "predicate",
                "The variable is continuous: it has no outcomes to sum.",
                "Give an interval to probability(low, high).",
            )
        if hasattr(self.distribution, "xk"):
            return np.asarray(self.distribution.xk)
        low, high = self.distribution.ppf(TAIL / 2), self.distribution.isf(TAIL / 2)
        if not high - low <= MOST_OUTCOMES:
            raise invalid("distribution", (low, high), f"It has more than {MOST_OUTCOMES} likely outcomes.")
        return np.arange(low, high + 1)

    def expectation(self, f: Callable[[Any], Any] = lambda y: y) -> float:
        """Return E[f(Y)], by summing or by adaptive quadrature.

        Examples
        --------
        >>> round(uniform(0.0, 1.0).expectation(lambda y: y**2), 10)
        0.3333333333
        """
        return float(self.distribution.expect(f))

    def variance(self) -> float:
        """Return Var[Y] = E[(Y − E Y)²].

        Examples
        --------
        >>> round(uniform(0.0, 1.0).variance(), 6)
        0.083333
        """
        return float(self.distribution.var())

    def standard_deviation(self) -> float:
        """Return the square root of the variance.

        Examples
        --------
        >>> normal(0.0, 3.0).standard_deviation()
        3.0
        """
        return float(self.distribution.std())

    def quantile(self, level: float) -> float:
        """Return the smallest y with P(Y ≤ y) ≥ level.

        Examples
        --------
        >>> round(normal().quantile(0.975), 4)
        1.96
        """
        if not 0 <= level <= 1:
            raise invalid("level", level, "It must be a probability.", "Give a number from 0 to 1.")
        return float(self.distribution.ppf(level))

    def sample(self, n: int, *, seed: int) -> xr.DataArray:
        """Return independent draws ``(chain=1, draw)``.

        Examples
        --------
        >>> normal().sample(100, seed=1).dims
        ('chain', 'draw')
        """
        positive("n", n, integer=True)
        draws = self.distribution.rvs(size=(1, n), random_state=np.random.default_rng(seed))
        return xr.DataArray(draws, dims=("chain", "draw"))


def distribution(name: str, **parameters: float) -> RandomVariable:
    """Return any scipy.stats distribution under its own name and parameters.

    Examples
    --------
    >>> distribution("gamma", a=2.0, scale=3.0)
    RandomVariable(gamma, mean 6, sd 4.243)
    """
    known = [n for n in dir(stats) if isinstance(getattr(stats, n), (stats.rv_continuous, stats.rv_discrete))]
    if name not in known:
        raise invalid("distribution", name, "Unknown distribution of scipy.stats.", did_you_mean(name, known))
    try:
        return RandomVariable(getattr(stats, name)(**parameters))
    except TypeError as error:
        raise invalid("parameters", parameters, f"{name} does not take them: {error}.") from error


def normal(mean: float = 0.0, sd: float = 1.0) -> RandomVariable:
    """Return the Normal distribution.

    Examples
    --------
    >>> normal(10.0, 2.0)
    RandomVariable(norm, mean 10, sd 2)
    """
    return distribution("norm", loc=mean, scale=positive("sd", sd))


def uniform(low: float = 0.0, high: float = 1.0) -> RandomVariable:
    """Return the Uniform distribution between two bounds.

    Examples
    --------
    >>> uniform(2.0, 6.0).probability(3.0, 4.0)
    0.25
    """
    if not low < high:
        raise invalid("bounds", (low, high), "The lower must be below the higher.")
    return distribution("uniform", loc=low, scale=high - low)


def exponential(*, rate: float) -> RandomVariable:
    """Return the Exponential distribution of the waiting time between events of a rate.

    Examples
    --------
    >>> exponential(rate=4.0).variance()
    0.0625
    """
    return distribution("expon", scale=1 / positive("rate", rate))


def poisson(*, rate: float) -> RandomVariable:
    """Return the Poisson distribution of the number of events.

    Examples
    --------
    >>> poisson(rate=3.0).variance()
    3.0
    """
    return distribution("poisson", mu=positive("rate", rate))


def from_pdf(pdf: Callable[[float], float], *, low: float = -np.inf, high: float = np.inf) -> RandomVariable:
    """Return the random variable of a probability density on an interval.

    Raises
    ------
    InvalidInput
        If it is negative at one of 999 points, or its integral, by adaptive quadrature, is not one within
        1e-6 and the estimated error.

    Examples
    --------
    >>> triangle = from_pdf(lambda y: 2 * y, low=0.0, high=1.0)
    >>> round(triangle.probability(0.0, 0.5), 10), round(triangle.expectation(), 10)
    (0.25, 0.6666666667)
    """
    _refuse_negative(pdf, low, high)
    total, error = integrate.quad(pdf, low, high)
    if not abs(total - 1) < INTEGRAL_TOLERANCE + error:
        raise invalid("pdf", total, f"Its integral from {low:g} to {high:g} is not one.", "Divide by it.")

    class OwnDensity(stats.rv_continuous):
        def _pdf(self, x: np.ndarray) -> np.ndarray:
            return np.vectorize(pdf, otypes=[float])(x)

    return RandomVariable(OwnDensity(a=low, b=high, name="own density")())


def _refuse_negative(pdf: Callable[[float], float], low: float, high: float) -> None:
    levels = np.linspace(0.001, 0.999, 999)
    bounded = np.isfinite(low) and np.isfinite(high)
    points = low + (high - low) * levels if bounded else stats.cauchy.ppf(levels)
    for y in points[(points > low) & (points < high)].tolist():
        if pdf(y) < 0:
            raise invalid("pdf", float(pdf(y)), f"It is negative at {y:.4g}.")


def from_pmf(outcomes: Any, probabilities: Any) -> RandomVariable:
    """Return the random variable that takes finitely many values.

    Examples
    --------
    >>> round(from_pmf([1, 2, 3, 4, 5, 6], [1 / 6] * 6).expectation(), 10)
    3.5
    """
    outcomes, p = np.asarray(outcomes, dtype=float), np.asarray(probabilities, dtype=float)
    if outcomes.shape != p.shape or p.ndim != 1 or not p.size:
        raise invalid("probabilities", p.shape, "One is needed for each outcome.")
    if not np.isfinite(p).all() or (p < 0).any():
        raise invalid("probability", float(p.min()), "It must be finite and not negative.")
    if abs(p.sum() - 1) > INTEGRAL_TOLERANCE:
        raise invalid("probabilities", float(p.sum()), "They do not sum to one.")
    return RandomVariable(stats.rv_discrete(values=(outcomes, p / p.sum()))())
