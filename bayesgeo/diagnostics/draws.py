"""The numbers of a posterior by name, and R-hat of many of them at once."""

from itertools import product

import numpy as np
import xarray as xr
from scipy import special, stats

BLOCK = 500  # quantities ranked at once, so that memory stays bounded


def quantities(draws: xr.Dataset) -> tuple[list[str], np.ndarray]:
    """Return every scalar in a posterior: its name and its draws ``(chain, draw, quantity)``.

    Examples
    --------
    >>> weight = xr.DataArray(np.zeros((4, 10, 2)), dims=("chain", "draw", "feature"), coords={"feature": ["a", "b"]})
    >>> quantities(xr.Dataset({"weight": weight}))[0]
    ['weight[a]', 'weight[b]']
    """
    names: list[str] = []
    parts = []
    for name, values in draws.data_vars.items():
        turned = values.transpose("chain", "draw", ...)
        others = [turned[dim].values.tolist() for dim in turned.dims[2:]]
        names += [f"{name}[{', '.join(map(str, place))}]" if place else str(name) for place in product(*others)]
        parts.append(turned.values.reshape(*turned.shape[:2], -1))
    return names, np.concatenate(parts, axis=2).astype(float)


def given(draws: xr.Dataset) -> np.ndarray:
    """Return which quantities, in the order of :func:`quantities`, are constant by the definition of their matrix.

    The diagonal of a correlation matrix and the zeros of a Cholesky factor or of blocks are, up to rounding, whatever
    the draws, as long as another element varies.

    Examples
    --------
    >>> one, r = np.ones((4, 10)), np.random.default_rng(0).normal(size=(4, 10))
    >>> corr = (("chain", "draw", "a", "b"), np.moveaxis(np.array([[one, r], [r, one]]), (0, 1), (2, 3)))
    >>> given(xr.Dataset({"corr": corr, "always": (("chain", "draw"), one)})).tolist()
    [True, False, False, True, False]
    """
    return np.concatenate([_given(values) for values in draws.data_vars.values()])


def _given(values: xr.DataArray) -> np.ndarray:
    turned = values.transpose("chain", "draw", ...).values
    shape = turned.shape[2:]
    if len(shape) < 2 or shape[-1] != shape[-2]:
        return np.zeros(int(np.prod(shape)), dtype=bool)
    turned = turned.astype(float)
    # An element computed from others that vary may be one but for the last digits.
    rounding = 64 * np.finfo(values.dtype if values.dtype.kind == "f" else float).eps
    level = np.abs(turned).max(axis=(0, 1))
    constant = np.ptp(turned, axis=(0, 1)) <= rounding * level
    by_definition = constant & (np.eye(shape[-1], dtype=bool) | (level == 0))
    return np.asarray(by_definition & ~constant.all()).ravel()


def rhat(values: np.ndarray) -> np.ndarray:
    """Return the rank-normalised, folded split R-hat (Vehtari et al. 2021, Bayesian Analysis 16:2) of each quantity.

    It equals ``arviz_stats.rhat(..., method="rank")`` to rounding, and takes a fraction of its time.

    Parameters
    ----------
    values : numpy.ndarray
        ``(chain, draw, quantity)``.

    Returns
    -------
    numpy.ndarray
        ``(quantity,)``; NaN where a quantity does not vary.

    Examples
    --------
    >>> draws = np.random.default_rng(0).normal(size=(4, 500, 2))
    >>> draws[0, :, 1] += 2.0
    >>> rhat(draws).round(1).tolist()
    [1.0, 1.3]
    """
    half = values.shape[1] // 2
    blocks = [values[..., start : start + BLOCK] for start in range(0, values.shape[2], BLOCK)]
    return np.concatenate([_rhat(np.concatenate([block[:, :half], block[:, -half:]])) for block in blocks])


def folded(values: np.ndarray) -> np.ndarray:
    """Return the distances of draws ``(chain, draw, quantity)`` from the median of their quantity.

    Examples
    --------
    >>> folded(np.array([[[1.0], [2.0], [5.0]]])).ravel().tolist()
    [1.0, 0.0, 3.0]
    """
    return np.abs(values - np.median(values, axis=(0, 1)))


def rhat_within(values: np.ndarray) -> np.ndarray:
    """Return the split R-hat of each chain alone: its halves compared as two chains.

    Parameters
    ----------
    values : numpy.ndarray
        ``(chain, draw, quantity)``.

    Returns
    -------
    numpy.ndarray
        ``(chain, quantity)`` rank-normalised split R-hat, each half split again; NaN where a quantity does not vary.

    Examples
    --------
    >>> draws = np.random.default_rng(0).normal(size=(2, 400, 1))
    >>> draws[1] += np.linspace(0, 5, 400)[:, None]
    >>> (rhat_within(draws) > 1.3).ravel().tolist()
    [False, True]
    """
    half = values.shape[1] // 2
    if not values.shape[2]:
        return np.empty((len(values), 0))
    return np.stack([rhat(np.stack([chain[:half], chain[-half:]])) for chain in values])


def _rhat(split: np.ndarray) -> np.ndarray:
    """Return the larger R-hat of the normal scores of split chains, and of their distances from the median."""
    turned = np.moveaxis(split, 2, 0)
    folded = np.abs(turned - np.median(turned, axis=(1, 2), keepdims=True))
    bulk, tail = (_classic(_scores(part)) for part in (turned, folded))
    return np.where(np.isnan(bulk), np.nan, np.fmax(bulk, tail))


def _scores(values: np.ndarray) -> np.ndarray:
    """Return normal scores of the ranks of each quantity; ``(quantity, chain, draw)``."""
    flat = values.reshape(len(values), -1)
    return special.ndtri((ranks(flat) - 0.375) / (flat.shape[1] + 0.25)).reshape(values.shape)


def ranks(values: np.ndarray) -> np.ndarray:
    """Return the ranks of each row, ties averaged, in less time than SciPy takes where there are none.

    Examples
    --------
    >>> ranks(np.array([[3.0, 1.0, 2.0], [5.0, 5.0, 1.0]])).tolist()
    [[3.0, 1.0, 2.0], [2.5, 2.5, 1.0]]
    """
    order = values.argsort(axis=1)
    found = np.empty(values.shape)
    np.put_along_axis(found, order, np.arange(1.0, values.shape[1] + 1)[None], axis=1)
    tied = (np.diff(np.take_along_axis(values, order, axis=1), axis=1) == 0).any(axis=1)
    if tied.any():
        found[tied] = stats.rankdata(values[tied], axis=1)
    return found


def _classic(z: np.ndarray) -> np.ndarray:
    between, within = z.mean(axis=2).var(axis=1, ddof=1), z.var(axis=2, ddof=1).mean(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.sqrt(
            np.where(within > 0, between / within + 1 - 1 / z.shape[2], np.where(between > 0, np.inf, np.nan))
        )


def effective_within(values: np.ndarray) -> np.ndarray:
    """Return the effective sample size of the chains for the mean, each measured about its own mean, ``(quantity,)``.

    Geyer's initial monotone sequence of the mean autocorrelation of the chains (Geyer 1992, Statistical Science 7:4).
    Unlike the one of ArviZ it does not fall when chains disagree. It is never more than the number of draws.

    Examples
    --------
    >>> draws = np.random.default_rng(0).normal(size=(4, 500, 1))
    >>> bool(effective_within(draws) == effective_within(draws + 10.0 * np.arange(4)[:, None, None]))
    True
    """
    found = [_effective(values[..., start : start + BLOCK]) for start in range(0, values.shape[2], BLOCK)]
    return np.concatenate(found)


def _effective(values: np.ndarray) -> np.ndarray:
    n = values.shape[1]
    power = np.abs(np.fft.rfft(values - values.mean(axis=1, keepdims=True), 2 * n, axis=1)) ** 2
    covariance = np.fft.irfft(power, axis=1)[:, :n].mean(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        pairs = (covariance / covariance[0])[: n // 2 * 2].reshape(n // 2, 2, -1).sum(axis=1)
    kept = np.minimum.accumulate(np.where(np.isfinite(pairs), pairs, 0.0), axis=0).clip(0.0)
    return len(values) * n / np.maximum(2 * kept.sum(axis=0) - 1, 1.0)
