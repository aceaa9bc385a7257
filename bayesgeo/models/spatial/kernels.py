"""Nearest-neighbour approximation of Gaussian processes, compiled by Numba; many rows at once, one thread a part."""

from concurrent.futures import ThreadPoolExecutor

import joblib
import numpy as np
from numba import njit

PART = 4096  # rows of a part; its number never depends on that of the cores
Arrays = tuple[np.ndarray, np.ndarray, np.ndarray]
SMALLEST = 1e-12  # conditional variance: two rows at one place without a nugget


@njit(cache=True, nogil=True, error_model="numpy")
def matern(distance: float, smoothness: int) -> float:
    """Return the Matérn correlation of smoothness ``smoothness / 2`` at a distance in units of its length scale."""
    if smoothness == 1:
        return np.exp(-distance)
    scaled = np.sqrt(float(smoothness)) * distance
    if smoothness == 3:
        return (1.0 + scaled) * np.exp(-scaled)
    return (1.0 + scaled + scaled * scaled / 3.0) * np.exp(-scaled)


@njit(cache=True, nogil=True, error_model="numpy")
def _between(a, b, covariance):  # type: ignore[no-untyped-def]
    length, share, smoothness = covariance
    squared = 0.0
    for d in range(a.shape[0]):
        squared += (a[d] - b[d]) ** 2
    distance, found = np.sqrt(squared), 0.0
    for k in range(length.shape[0]):
        found += share[k] * matern(distance / length[k], smoothness[k])
    return found


@njit(cache=True, nogil=True, error_model="numpy")
def _condition(place, points, near, covariance, scratch):  # type: ignore[no-untyped-def]
    """Fill the positions and weights of a place's neighbours; return their number and the variance they explain."""
    index, factor, weight = scratch
    k = 0
    for one in near:
        if one < 0:
            continue
        index[k] = one
        rest = 1.0
        for b in range(k):
            value = _between(points[one], points[index[b]], covariance)
            for c in range(b):
                value -= factor[k, c] * factor[b, c]
            factor[k, b] = value / factor[b, b]
            rest -= factor[k, b] ** 2
        factor[k, k] = np.sqrt(max(rest, SMALLEST))
        k += 1
    explained = 0.0
    for a in range(k):
        value = _between(place, points[index[a]], covariance)
        for c in range(a):
            value -= factor[a, c] * weight[c]
        weight[a] = value / factor[a, a]
        explained += weight[a] ** 2
    for a in range(k - 1, -1, -1):
        value = weight[a]
        for c in range(a + 1, k):
            value -= factor[c, a] * weight[c]
        weight[a] = value / factor[a, a]
    return k, explained


@njit(cache=True, nogil=True, error_model="numpy")
def _krige(sites, values, covariance, span, out):  # type: ignore[no-untyped-def]
    """Fill the conditional means of the values at a span of places, and the variance that the neighbours explain."""
    places, points, neighbours = sites
    mean, explained = out
    m = neighbours.shape[1]
    scratch = np.zeros(m, np.int64), np.zeros((m, m)), np.zeros(m)
    index, _, weight = scratch
    for i in range(span[0], span[1]):
        k, explained[i] = _condition(places[i], points, neighbours[i], covariance, scratch)
        for j in range(values.shape[1]):
            mean[i, j] = 0.0
            for a in range(k):
                mean[i, j] += weight[a] * values[index[a], j]


@njit(cache=True, nogil=True, error_model="numpy")
def correlations(a, b, covariance):  # type: ignore[no-untyped-def]
    """Return the covariances ``(n, row)`` of places ``(n, d)`` with others ``(row, d)``, without nugget."""
    found = np.empty((a.shape[0], b.shape[0]))
    for i in range(a.shape[0]):
        for j in range(b.shape[0]):
            found[i, j] = _between(a[i], b[j], covariance)
    return found


def whitened(
    points: np.ndarray, neighbours: np.ndarray, values: np.ndarray, covariance: Arrays
) -> tuple[np.ndarray, np.ndarray]:
    r"""Return values made independent, and the conditional variance of each row.

    With covariances :math:`c` of different rows and variance 1 of each, row :math:`i` given its neighbours
    :math:`N(i)` before it has mean :math:`c_i^T C_{N}^{-1} v_{N}` and variance
    :math:`d_i = 1 - c_i^T C_N^{-1} c_i` (Vecchia 1988, JRSS B 50:297; Datta et al. 2016, JASA 111:800).

    Parameters
    ----------
    points : numpy.ndarray
        ``(n, d)`` in order.
    neighbours : numpy.ndarray
        ``(n, m)`` positions before each row, -1 for none.
    values : numpy.ndarray
        ``(n, p)``: target and design.
    covariance : tuple of numpy.ndarray
        The arrays of :class:`bayesgeo.models.spatial.processes.Covariance`.

    Returns
    -------
    tuple of numpy.ndarray
        ``(n, p)`` differences from the conditional mean in conditional standard deviations, and ``(n,)`` variances.
    """
    mean, explained = kriged((points, points, neighbours), values, covariance)
    variance = np.maximum(1 - explained, SMALLEST)
    return (values - mean) / np.sqrt(variance)[:, None], variance


def kriged(sites: Arrays, values: np.ndarray, covariance: Arrays) -> tuple[np.ndarray, np.ndarray]:
    r"""Return the conditional mean at places, and the share of the variance that their neighbours explain.

    Parameters
    ----------
    sites : tuple of numpy.ndarray
        Places ``(row, d)``, points ``(n, d)``, and positions ``(row, m)`` of the points that each place is conditioned
        on, -1 for none.
    values, covariance
        As of :func:`whitened`.

    Returns
    -------
    tuple of numpy.ndarray
        ``(row, p)`` means :math:`c^T C_N^{-1} v_N` and ``(row,)`` explained variances :math:`c^T C_N^{-1} c`.
    """
    n = len(sites[0])
    out = np.empty((n, values.shape[1])), np.empty(n)
    starts = range(0, n, PART)

    def part(start: int) -> None:
        _krige(sites, values, covariance, (start, min(n, start + PART)), out)

    if len(starts) == 1:  # starting threads would take longer
        part(0)
    else:
        with ThreadPoolExecutor(joblib.cpu_count()) as pool:
            list(pool.map(part, starts))
    return out
