"""Places: nearest neighbours on a plane or the globe, the distances to them, and whether neighbours are alike."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy import sparse, stats
from scipy.spatial import KDTree

from bayesgeo._arrays import spaced
from bayesgeo._check import invalid, positive

NEIGHBOURS = 8
EARTH = 6371.0088  # km, the mean radius
ROWS = 20_000  # whose neighbours are asked for at most
DEGREES = {"longitude", "latitude"}
PROB = 0.95
LEAST = 4  # rows, for the variance under random order


@dataclass(frozen=True)
class Moran:
    """Moran's I of values, what is expected of values in random order, and the range that chance leaves.

    Parameters
    ----------
    value, expected : float
        Moran's I, and :math:`-1 / (n - 1)`.
    low, high : float
        Ends between which it lies in 95 of 100 random orders, by the normal approximation.
    p : float
        Of values in random order, one-sided: small where neighbours are more alike than chance makes them.

    Examples
    --------
    >>> Moran(0.4, -0.01, -0.09, 0.07, 1e-9).value
    0.4
    """

    value: float
    expected: float
    low: float
    high: float
    p: float


def morans_i(
    values: np.ndarray, coordinates: Mapping[str, np.ndarray], neighbours: int = NEIGHBOURS, *, seed: int = 0
) -> Moran:
    r"""Measure whether values of neighbours are alike, by Moran's I of the nearest neighbours.

    .. math:: I = \frac{n}{\sum_{ij} w_{ij}} \frac{\sum_{ij} w_{ij} z_i z_j}{\sum_i z_i^2}, \quad z = y - \bar y

    with the weight :math:`w_{ij} = 1/k` of each of the :math:`k` nearest neighbours of a row (Moran 1950, Biometrika
    37:17), and the mean and variance over all orders of the values (Cliff and Ord 1981, Spatial Processes, 2.3).
    Distances are great circles for ``longitude`` and ``latitude``, else straight. Rows at one place are neighbours at
    distance zero, those nearest chosen at random where they are too many.

    Parameters
    ----------
    values : numpy.ndarray
        ``(obs,)``, such as standardised residuals.
    coordinates : mapping of str to numpy.ndarray
        ``(obs,)`` numbers: ``longitude`` and ``latitude`` in degrees, or others in one unit; rows without are left out.
    neighbours : int
        :math:`k`.
    seed : int
        Seed of the choice among rows at one place. Of more than 20,000 rows the neighbours of an even part are asked
        for, among all rows.

    Raises
    ------
    InvalidInput
        If values and coordinates differ in length, there are fewer rows with a place than neighbours plus one, or the
        values are all the same.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> places = {"easting": rng.uniform(0, 1, 200), "northing": rng.uniform(0, 1, 200)}
    >>> found = morans_i(np.sin(6 * places["easting"]), places)
    >>> found.value > 0.8, round(found.expected, 4), found.high < 0.1
    (True, -0.005, True)
    """
    values = np.asarray(values, dtype=float)
    places = _checked(values, coordinates, neighbours)
    known = np.flatnonzero(np.isfinite(np.column_stack([values, places])).all(axis=1))
    if len(known) <= max(neighbours, LEAST - 1):
        problem = f"{len(known)} rows have a value and a place; {max(neighbours, LEAST - 1) + 1} are needed."
        raise invalid("neighbours", neighbours, problem, "Give more rows, or fewer neighbours.")
    if not np.ptp(values[known]) > 0:
        raise invalid("values", float(values[known][0]), "They are all the same.", "Give values that differ.")
    one, other = nearest(places[known], neighbours, rng=np.random.default_rng(seed))
    return _of_pairs(values[known], one, other)


def points(coordinates: Mapping[str, np.ndarray]) -> np.ndarray:
    """Return points whose straight distances order places: on the unit sphere for longitude and latitude.

    Examples
    --------
    >>> points({"longitude": np.array([90.0]), "latitude": np.array([0.0])}).round(3).tolist()
    [[0.0, 1.0, 0.0]]
    """
    if set(coordinates) != DEGREES:
        return np.column_stack([np.asarray(values, dtype=float) for values in coordinates.values()])
    longitude, latitude = (np.radians(np.asarray(coordinates[name], float)) for name in ("longitude", "latitude"))
    flat = np.cos(latitude)
    return np.column_stack([flat * np.cos(longitude), flat * np.sin(longitude), np.sin(latitude)])


def nearest(
    places: np.ndarray,
    neighbours: int,
    *,
    rng: np.random.Generator,
    units: np.ndarray | None = None,
    searched: int = 0,
    most: int = ROWS,
) -> tuple[np.ndarray, np.ndarray]:
    """Pair rows with their nearest ones, those at the same place in random order.

    Parameters
    ----------
    places : numpy.ndarray
        ``(obs, dimension)`` of :func:`points`.
    neighbours : int
        How many of each row.
    rng : numpy.random.Generator
        Puts rows at one place in order.
    units : numpy.ndarray, optional
        ``(obs,)``: a row is not paired with rows of its own unit; by default with itself alone.
    searched : int
        Among so many nearest rows those of other units are looked for.
    most : int
        Rows whose neighbours are asked for at most, an even part of all.

    Returns
    -------
    one, other : numpy.ndarray
        ``(pair,)`` positions.

    Examples
    --------
    >>> one, other = nearest(np.array([[0.0], [1.0], [5.0]]), 1, rng=np.random.default_rng(0))
    >>> one.tolist(), other.tolist()
    ([0, 1, 2], [1, 0, 1])
    """
    n = len(places)
    units = np.arange(n) if units is None else units
    rows, asked = rng.permutation(n), spaced(n, most)
    wanted = np.arange(1, min(max(searched, neighbours + 1), n) + 1)
    candidates = rows[KDTree(places[rows]).query(places[asked], wanted)[1]]
    foreign = units[candidates] != units[asked][:, None]
    kept = foreign & (foreign.cumsum(axis=1) <= neighbours)
    one, column = np.nonzero(kept)
    return asked[one], candidates[one, column]


def _checked(values: np.ndarray, coordinates: Mapping[str, np.ndarray], neighbours: int) -> np.ndarray:
    positive("neighbours", neighbours, integer=True)
    if values.ndim != 1:
        raise invalid("values", values.shape, "It must have one dimension.", "Give one value for each row.")
    if not coordinates:
        raise invalid("coordinates", {}, "There are none.", "Give longitude and latitude, or easting and northing.")
    for name, numbers in coordinates.items():
        if np.shape(numbers) != values.shape:
            problem = f"{name} has shape {np.shape(numbers)} for {len(values)} values."
            raise invalid("coordinates", name, problem, "Give one number for each value.")
    return points(coordinates)


def _of_pairs(values: np.ndarray, one: np.ndarray, other: np.ndarray) -> Moran:
    """Return Moran's I of pairs of equal weight, and its moments over all orders of the values."""
    n, z = len(values), values - values.mean()
    weights = sparse.csr_array((np.ones(len(one)), (one, other)), shape=(n, n))
    both = weights + weights.T
    s0, s1, s2 = float(weights.sum()), float(both.power(2).sum()) / 2, float(np.sum(both.sum(axis=1) ** 2))
    square = float(np.mean(z**2))
    value, tails, expected = float(z @ (weights @ z)) / s0 / square, float(np.mean(z**4)) / square**2, -1 / (n - 1)
    plain = n * ((n**2 - 3 * n + 3) * s1 - n * s2 + 3 * s0**2)
    peaked = tails * ((n**2 - n) * s1 - 2 * n * s2 + 6 * s0**2)
    variance = (plain - peaked) / ((n - 1) * (n - 2) * (n - 3) * s0**2) - expected**2
    sd = float(np.sqrt(max(variance, 0.0)))
    half = float(stats.norm.ppf((1 + PROB) / 2)) * sd
    p = float(stats.norm.sf(value, expected, sd)) if sd > 0 else np.nan
    return Moran(value, expected, expected - half, expected + half, p)


__all__ = ["Moran", "morans_i"]
