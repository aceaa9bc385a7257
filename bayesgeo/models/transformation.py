"""Transformations of a target that is far from normal: models work on the transformed scale and predict in its unit."""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from scipy import special

from bayesgeo._check import invalid

NAMES = ("log", "normal scores")
KNOTS, ROWS_PER_KNOT = 12, 8  # of normal scores: more would follow the noise of single values
# Probability between the outer knots and rows beyond each; there scores go on along a straight line.
OUTERMOST, ROWS_BEYOND = 0.98, 3
NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(24)


class Transformation(Protocol):
    """An increasing function of the target, ``z = g(y)``."""

    def forward(self, y: np.ndarray) -> np.ndarray:
        """Return ``g(y)``; minus infinity below its domain."""
        ...

    def inverse(self, z: np.ndarray) -> np.ndarray:
        """Return ``y`` of ``z``."""
        ...

    def log_slope(self, y: np.ndarray) -> np.ndarray:
        r"""Return :math:`\log g'(y)`, which a log density of ``z`` gains in the unit of ``y``."""
        ...

    def moments(self, location: np.ndarray, scale: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return mean and standard deviation of ``y`` where ``z`` is normal."""
        ...


@dataclass(frozen=True)
class Log:
    r"""The natural logarithm: ``y`` is log-normal, with mean :math:`e^{\mu + \sigma^2 / 2}`.

    Examples
    --------
    >>> mean, sd = Log().moments(np.array(0.0), np.array(1.0))
    >>> mean.round(4).item(), sd.round(4).item()
    (1.6487, 2.1612)
    """

    def forward(self, y: np.ndarray) -> np.ndarray:
        """Return the logarithms."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(y > 0, np.log(y), -np.inf)

    def inverse(self, z: np.ndarray) -> np.ndarray:
        """Return their exponentials."""
        return np.exp(z)

    def log_slope(self, y: np.ndarray) -> np.ndarray:
        """Return minus the logarithms; zero where there is none."""
        z = self.forward(y)
        return np.where(np.isfinite(z), -z, 0.0)

    def moments(self, location: np.ndarray, scale: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return mean and standard deviation of the log-normal."""
        mean = np.exp(location + scale**2 / 2)
        return mean, mean * np.sqrt(np.expm1(scale**2))


@dataclass(frozen=True, eq=False)
class NormalScores:
    r"""Normal scores: the target's own distribution is made normal (Deutsch & Journel 1998, GSLIB, section V.2.3).

    Between knots at quantiles of the target the function is the monotone rational quadratic of Gregory & Delbourgo
    (1982, IMA Journal of Numerical Analysis 2:123), which is smooth and has a closed inverse; beyond the outer knots it
    is a straight line.

    Parameters
    ----------
    y, z : numpy.ndarray
        ``(knot,)`` increasing values and their scores, three at least.

    Examples
    --------
    >>> scores = NormalScores(np.array([1.0, 2.0, 8.0]), np.array([-1.0, 0.0, 1.0]))
    >>> scores.forward(np.array([1.0, 2.0, 8.0])).tolist()
    [-1.0, 0.0, 1.0]
    >>> scores.inverse(scores.forward(np.array([0.0, 1.5, 20.0]))).round(9).tolist()
    [0.0, 1.5, 20.0]
    """

    y: np.ndarray
    z: np.ndarray

    @classmethod
    def of(cls, y: np.ndarray) -> "NormalScores":
        """Take the knots from the quantiles of a target ``(obs,)``.

        Raises
        ------
        InvalidInput
            If it has too few different values.
        """
        n = min(KNOTS, len(y) // ROWS_PER_KNOT)
        edge = max((1 - OUTERMOST) / 2, ROWS_BEYOND / len(y))
        z = np.linspace(special.ndtri(edge), -special.ndtri(edge), max(n, 3))
        # Of values that many rows share, one knot.
        values, at = np.unique(np.quantile(y, special.ndtr(z), method="closest_observation"), return_inverse=True)
        if len(values) < 3:
            problem = f"Of {len(y)} rows it has too few different values for normal scores."
            raise invalid("y", f"{len(np.unique(y))} values", problem, 'Leave transformation out, or give "log".')
        return cls(values, np.bincount(at, z) / np.bincount(at))

    @property
    def _slopes(self) -> np.ndarray:
        """Slopes ``dz/dy`` at the knots: weighted harmonic means of those beside them, which keeps the order."""
        width, chord = np.diff(self.y), np.diff(self.z) / np.diff(self.y)
        inner = (width[:-1] + width[1:]) / (width[1:] / chord[:-1] + width[:-1] / chord[1:])
        return np.r_[chord[0], inner, chord[-1]]

    def _piece(self, knots: np.ndarray, at: np.ndarray) -> tuple[np.ndarray, ...]:
        """Return of each value which piece it is in: its left knot, width, chord and the slopes at both of its ends."""
        k = np.clip(np.searchsorted(knots, at) - 1, 0, len(knots) - 2)
        width = np.diff(self.y)[k]
        return self.y[k], self.z[k], width, np.diff(self.z)[k] / width, self._slopes[k], self._slopes[k + 1]

    def forward(self, y: np.ndarray) -> np.ndarray:
        """Return the scores."""
        y = np.asarray(y, dtype=float)
        left, low, width, chord, first, last = self._piece(self.y, y)
        t = np.clip((y - left) / width, 0, 1)
        share = (chord * t**2 + first * t * (1 - t)) / (chord + (first + last - 2 * chord) * t * (1 - t))
        beyond = np.where(y < self.y[0], y - self.y[0], np.maximum(y - self.y[-1], 0))
        return low + chord * width * share + beyond * np.where(y < self.y[0], first, last)

    def inverse(self, z: np.ndarray) -> np.ndarray:
        """Return the values of scores."""
        z = np.asarray(z, dtype=float)
        left, low, width, chord, first, last = self._piece(self.z, z)
        share = np.clip((z - low) / (chord * width), 0, 1)
        bend = (first + last - 2 * chord) * share
        a, b, c = chord - first + bend, first - bend, -chord * share
        t = 2 * c / (-b - np.sqrt(b**2 - 4 * a * c))
        beyond = np.where(z < self.z[0], z - self.z[0], np.maximum(z - self.z[-1], 0))
        return left + width * t + beyond / np.where(z < self.z[0], first, last)

    def log_slope(self, y: np.ndarray) -> np.ndarray:
        """Return the logarithm of the slope."""
        left, _, width, chord, first, last = self._piece(self.y, y)
        t = np.clip((y - left) / width, 0, 1)
        above = last * t**2 + 2 * chord * t * (1 - t) + first * (1 - t) ** 2
        return np.log(chord**2 * above) - 2 * np.log(chord + (first + last - 2 * chord) * t * (1 - t))

    def moments(self, location: np.ndarray, scale: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return mean and standard deviation by Gauss-Hermite quadrature."""
        mean, square = np.zeros((2, *np.broadcast_shapes(np.shape(location), np.shape(scale))))
        centre = self.inverse(location)  # differences from it keep the digits of a small variance
        for node, weight in zip(NODES, WEIGHTS / WEIGHTS.sum(), strict=True):
            away = self.inverse(location + scale * node) - centre
            mean, square = mean + weight * away, square + weight * away**2
        return centre + mean, np.sqrt((square - mean**2).clip(min=0))


def transformation_of(name: str | None, y: np.ndarray) -> Transformation | None:
    """Return the transformation of a name for a target ``(obs,)``; None for None.

    Raises
    ------
    InvalidInput
        If the name is unknown, or the target has no such transformation.

    Examples
    --------
    >>> transformation_of("log", np.array([1.0, 2.0]))
    Log()
    """
    if name is None:
        return None
    if name == "log":
        row = int(np.argmin(y))
        if y[row] <= 0:
            problem = f"Row {row} is {y[row]:g}, and only values above zero have a logarithm."
            raise invalid("y", f"{y[row]:g}", problem, 'Give transformation="normal scores", or leave it out.')
        return Log()
    if name == "normal scores":
        return NormalScores.of(y)
    raise invalid("transformation", name, "It must be None, 'log' or 'normal scores'.")


def in_units(found: dict[str, Any], transformation: Transformation | None) -> dict[str, Any]:
    """Turn predictive distributions that are normal on the transformed scale into those in the unit of the target.

    Parameters
    ----------
    found : dict
        ``expected`` and ``sigma (chain, draw, obs)`` and the noise alone, ``within (chain, draw[, obs])``, on the
        transformed scale.
    transformation : Transformation, optional
        None leaves all as it is.

    Returns
    -------
    dict
        Mean and standard deviation in the unit of the target under the same names, ``within`` by its share of the
        variance, and ``location`` and ``scale``, mean and standard deviation on the transformed scale.
    """
    if transformation is None:
        return found
    location, scale = found["expected"], found["sigma"]
    expected, sigma = transformation.moments(location, scale)
    within = found["within"] if found["within"].ndim == scale.ndim else found["within"][..., None]
    return {
        "expected": expected,
        "sigma": sigma,
        "within": sigma * within / scale,
        "location": location,
        "scale": scale,
    }
