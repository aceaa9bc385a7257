"""How far rows are from other rows, and a map of their area from them: whether folds ask what a map asks."""

from collections.abc import Mapping

import numpy as np
from scipy.spatial import ConvexHull, Delaunay, KDTree, QhullError

from bayesgeo.metrics.spatial import DEGREES, EARTH, points

POINTS = 1000  # of a map, about


def to_nearest(asked: Mapping[str, np.ndarray], among: Mapping[str, np.ndarray], *, others: bool = False) -> np.ndarray:
    """Return the distance ``(obs,)`` of each place to the nearest of others.

    Parameters
    ----------
    asked, among : mapping of str to numpy.ndarray
        Numbers by the same two names; NaN where unknown.
    others : bool
        Whether ``asked`` are themselves the places ``among``, of which each is compared with the others.

    Returns
    -------
    numpy.ndarray
        Kilometres along great circles for ``longitude`` and ``latitude``, else in the unit of the coordinates; NaN
        where a place is unknown, or there is none to compare with.

    Examples
    --------
    >>> wells = {"easting": np.array([0.0, 3.0]), "northing": np.array([0.0, 4.0])}
    >>> to_nearest(wells, wells, others=True).tolist()
    [5.0, 5.0]
    >>> to_nearest({"longitude": np.array([0.0]), "latitude": np.array([1.0])}, {"longitude": [0.0], "latitude": [0.0]})
    array([111.19508023])
    """
    at, known = points(asked), points(among)
    placed, known = np.isfinite(at).all(axis=1), known[np.isfinite(known).all(axis=1)]
    found, rank = np.full(len(at), np.nan), 1 + others
    if len(known) >= rank and placed.any():
        found[placed] = KDTree(known).query(at[placed], [rank])[0][:, 0]
    # The straight line through the globe is 2 sin(angle / 2).
    return 2 * EARTH * np.arcsin(np.minimum(found / 2, 1.0)) if set(asked) == DEGREES else found


def map_over(places: Mapping[str, np.ndarray], n: int = POINTS) -> dict[str, np.ndarray]:
    """Return about ``n`` points of a regular grid over the convex hull of places; none where they lie on a line.

    Degrees of longitude count by the cosine of the mean latitude, and go on over the date line.

    Examples
    --------
    >>> corners = {"easting": np.array([0.0, 1.0, 0.0, 1.0]), "northing": np.array([0.0, 0.0, 1.0, 1.0])}
    >>> map_over(corners, 4)["easting"].tolist()
    [0.25, 0.75, 0.25, 0.75]
    """
    names = list(places)
    x, y = (np.asarray(places[name], dtype=float) for name in names)
    known = np.isfinite(x) & np.isfinite(y)
    x, y, shrink = x[known], y[known], 1.0
    if set(names) == DEGREES and len(x):
        centre = np.degrees(np.angle(np.exp(1j * np.radians(x)).sum()))
        x, shrink = (x - centre + 180) % 360 - 180 + centre, float(np.cos(np.radians(y.mean())))
    flat = np.column_stack([x * shrink, y])
    try:
        hull = ConvexHull(flat)
    except (QhullError, ValueError):  # fewer than three rows, or all on a line
        return {name: np.empty(0) for name in names}
    step = np.sqrt(hull.volume / n)
    axes = [np.arange(low + step / 2, high, step) for low, high in zip(flat.min(axis=0), flat.max(axis=0), strict=True)]
    grid = np.stack(np.meshgrid(*axes), axis=-1).reshape(-1, 2)
    inside = grid[Delaunay(flat[hull.vertices]).find_simplex(grid) >= 0]
    return dict(zip(names, (inside / [shrink, 1.0]).T, strict=True))
