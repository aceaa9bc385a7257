"""Places of rows: in the plane, or on the globe, where distance is the straight line through it."""

from dataclasses import dataclass

import numpy as np

from bayesgeo._check import invalid
from bayesgeo.models.rows import Rows

EARTH_KM = 6371.0088  # mean radius (IUGG)
PLANE_KM = 2_500.0  # from the middle of a plane map, where lengths across are 2.6 % too long
PAIRS = (("easting", "northing"), ("longitude", "latitude"))


@dataclass(frozen=True)
class Places:
    """Name the coordinates of a model, and turn those of rows into points whose straight distance is the distance.

    Parameters
    ----------
    names : tuple of str
        ``easting`` and ``northing``, in a unit of length that is that of all distances; or ``longitude`` and
        ``latitude`` in degrees, whose distances are chords of the globe in km: within 0.1 % of those along the ground
        up to 900 km, and unlike them such that every Matérn function of them is a covariance (Guinness & Fuentes 2016,
        Journal of Multivariate Analysis 143:143).
    prefix : str
        What precedes them in the names of the rows' coordinates: ``station_`` for those of stations.

    Examples
    --------
    >>> of_globe = Places(("longitude", "latitude"))
    >>> east = Rows(np.zeros((2, 0)), np.arange(2), coordinates={"longitude": [0.0, 1.0], "latitude": [0.0, 0.0]})
    >>> points = of_globe.points(east)
    >>> float(np.linalg.norm(points[1] - points[0]).round(1)), of_globe.unit
    (111.2, 'km')
    """

    names: tuple[str, str]
    prefix: str = ""

    @property
    def unit(self) -> str:
        """The unit of distances; empty where it is that of the coordinates."""
        return "km" if self.names == PAIRS[1] else ""

    def points(self, rows: Rows) -> np.ndarray:
        """Return points ``(obs, 2)`` of the plane or ``(obs, 3)`` of the globe.

        Raises
        ------
        InvalidInput
            If the rows lack a coordinate, or one is no finite number, or no latitude.
        """
        first, second = (self._numbers(rows, name) for name in self.names)
        if self.names == PAIRS[0]:
            return np.stack([first, second], axis=1)
        longitude, latitude = np.radians(first), np.radians(second)
        along = np.cos(latitude)
        unit = np.stack([along * np.cos(longitude), along * np.sin(longitude), np.sin(latitude)], axis=1)
        return EARTH_KM * unit

    def _numbers(self, rows: Rows, name: str) -> np.ndarray:
        column = self.prefix + name
        if column not in rows.coordinates:
            wanted = tuple(self.prefix + one for one in self.names)
            problem = f"The model was fitted to places; the rows have no {column}."
            raise invalid("coordinates", list(rows.coordinates), problem, f"Give coordinates with {wanted}.")
        values = np.asarray(rows.coordinates[column], dtype=float)
        bad = np.flatnonzero(~np.isfinite(values))
        if bad.size:
            problem = f"Row {rows.names[bad[0]]} has no finite {column}."
            raise invalid("coordinates", column, problem, "Correct the row, or leave it out.")
        beyond = np.flatnonzero(np.abs(values) > 90) if name == "latitude" else bad
        if beyond.size:
            problem = f"Row {rows.names[beyond[0]]} has latitude {values[beyond[0]]:g}, beyond 90 degrees."
            raise invalid("coordinates", column, problem, "Swap longitude and latitude, or give easting and northing.")
        return values


def places_of(rows: Rows) -> Places:
    """Find the coordinates among those of training rows.

    Raises
    ------
    InvalidInput
        If there is neither ``easting`` and ``northing`` nor ``longitude`` and ``latitude``.

    Examples
    --------
    >>> places_of(Rows(np.zeros((1, 0)), np.arange(1), coordinates={"easting": [0.0], "northing": [0.0]})).names
    ('easting', 'northing')
    """
    for names in PAIRS:
        if set(names) <= rows.coordinates.keys():
            return Places(names)
    problem = "A spatial model needs the place of each row."
    fix = "Give coordinates={'easting': ..., 'northing': ...}, or longitude and latitude in degrees."
    raise invalid("coordinates", list(rows.coordinates), problem, fix)


def points_of(rows: Rows, names: tuple[str, ...], scaled: np.ndarray) -> np.ndarray:
    """Return the points ``(obs, 2 or 3)`` of rows; without names the standardised features ``(obs, feature)``.

    Raises
    ------
    InvalidInput
        If there are neither names nor features, or as :meth:`Places.points`.

    Examples
    --------
    >>> points_of(Rows(np.zeros((2, 1)), np.arange(2)), (), np.array([[1.0], [-1.0]])).tolist()
    [[1.0], [-1.0]]
    """
    if names:
        return Places((names[0], names[1])).points(rows)
    if not scaled.shape[1]:
        problem = f"Without coordinates, 0 feature(s) (shape={scaled.shape}) while a minimum of 1 is required."
        raise invalid("X", "", problem, "Give coordinates, or features.")
    return scaled


def refuse_few_places(points: np.ndarray) -> None:
    """Refuse points ``(obs, dimension)`` at fewer than three places, which tell no distances apart."""
    if len(np.unique(points, axis=0)) < 3:
        problem = f"All rows (n_samples={len(points)}) are at fewer than three places."
        raise invalid("coordinates", "", problem, "Give rows of at least three places.")


def middle_of(points: np.ndarray) -> np.ndarray:
    """Return the unit vector ``(3,)`` to the middle of points of the globe ``(obs, 3)``.

    Raises
    ------
    InvalidInput
        If the points reach too far from it for :func:`local_plane`.

    Examples
    --------
    >>> middle_of(np.array([[0.0, 1.0, 0.0], [0.0, 1.0, 0.1]])).round(2).tolist()
    [0.0, 1.0, 0.05]
    """
    total = points.mean(axis=0)
    length = np.linalg.norm(total)
    middle = total / length if length else np.array([0.0, 0.0, 1.0])
    reach = EARTH_KM * float(_angle(points, middle).max())
    if reach > PLANE_KM:
        problem = f"The places reach {reach:,.0f} km from their middle: beyond {PLANE_KM:,.0f} no plane map is right."
        raise invalid("coordinates", "", problem, "Fit each region by itself, or give easting and northing.")
    return middle


def local_plane(points: np.ndarray, middle: np.ndarray) -> np.ndarray:
    r"""Return east and north of a middle ``(obs, 2)`` in km, of points of the globe ``(obs, 3)``.

    The azimuthal equidistant projection (Snyder 1987, USGS Professional Paper 1395, ch. 25): distances from the middle
    are right, those across are too long by the factor :math:`c / \sin c` at an angle :math:`c`, 2.6 % at 2,500 km.

    Examples
    --------
    >>> north_of = EARTH_KM * np.array([[np.cos(0.1), 0.0, np.sin(0.1)]])
    >>> local_plane(north_of, np.array([1.0, 0.0, 0.0])).round(1).tolist()
    [[0.0, 637.1]]
    """
    # At a pole any direction may count as east.
    pole = np.array([0.0, 0.0, 1.0]) if abs(middle[2]) < 1 - 1e-12 else np.array([1.0, 0.0, 0.0])
    east = np.cross(pole, middle)
    east /= np.linalg.norm(east)
    across = points @ np.stack([east, np.cross(middle, east)], axis=1)
    length = np.linalg.norm(across, axis=1)
    angle = _angle(points, middle)
    return EARTH_KM * across * (angle / np.where(length > 0, length, 1.0))[:, None]


def _angle(points: np.ndarray, middle: np.ndarray) -> np.ndarray:
    return np.arctan2(np.linalg.norm(np.cross(points, middle), axis=1), points @ middle)
