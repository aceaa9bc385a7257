"""Whether the errors of held-out rows are alike within a group, among neighbours on the map, or one after another.

The p of :mod:`bayesgeo.metrics.likeness` is of flips of the signs of the residuals. Where rows have groups, those of
places and of time flip whole groups, so that what is alike within a group is not taken for more.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import xarray as xr
from scipy import stats
from threadpoolctl import threadpool_limits

from bayesgeo._arrays import spaced
from bayesgeo.metrics.intraclass import LEAST_VARIANCE, PROB, Design, intraclass
from bayesgeo.metrics.likeness import LEAST_UNITS, Pairs, Residuals, means, of_pairs
from bayesgeo.metrics.spatial import NEIGHBOURS, nearest, points

ROWS = 20_000  # rows, or pairs of rows, that are tested at most
SEARCHED = 64  # nearest rows among which those of other groups are looked for
LONG = 20  # rows of a group from which on their order within it is looked at
LARGEST = 1e-3  # of a probability integral transform, on both sides: it is a share of some thousand draws
DEPENDENCE = ("group", "place", "order")


def standard_residuals(predictions: xr.Dataset, y: np.ndarray) -> np.ndarray:
    r"""Return residuals of held-out rows, ``(obs, part)``, of mean about zero if the predictions are right.

    Of values :math:`\Phi^{-1}(u)`, where :math:`u` is the probability integral transform, bounded at 0.001 and 0.999:
    one column. Of classes :math:`1[y_i = k] - p_{ik}`, one column for each label.

    Parameters
    ----------
    predictions : xarray.Dataset
        Of :func:`bayesgeo.metrics.summarise_values` or :func:`bayesgeo.metrics.summarise_classes`.
    y : numpy.ndarray
        ``(obs,)`` values, or codes of classes.

    Examples
    --------
    >>> standard_residuals(xr.Dataset({"pit": ("obs", [0.5, 1.0])}), np.zeros(2)).ravel().round(2).tolist()
    [0.0, 3.09]
    """
    if "pit" in predictions:
        return stats.norm.ppf(predictions["pit"].values.clip(LARGEST, 1 - LARGEST))[:, None]
    probability = predictions["probability"].transpose("obs", "label").values
    return np.eye(probability.shape[1])[y.astype(int)] - probability


def shared_error(predictions: xr.Dataset, probability: np.ndarray) -> np.ndarray:
    r"""Return the posterior deviation of what a model predicts, in the units of its residuals, ``(obs, part)``.

    Of values the root of the epistemic share of the variance, of classes the deviation of the probability over draws.
    Zero for a model with one draw.

    Parameters
    ----------
    predictions : xarray.Dataset
        As of :func:`standard_residuals`.
    probability : numpy.ndarray
        ``(draw, obs, label)`` of some draws; not read for values.

    Examples
    --------
    >>> values = xr.Dataset({"pit": ("obs", [0.5]), "epistemic": ("obs", [1.0]), "aleatoric": ("obs", [3.0])})
    >>> shared_error(values, np.empty(0)).tolist()
    [[0.5]]
    """
    if "pit" not in predictions:
        return probability.std(axis=0)
    epistemic, total = predictions["epistemic"], predictions["epistemic"] + predictions["aleatoric"]
    return np.sqrt((epistemic / total.where(total > 0, np.inf)).values)[:, None]


def design_of(features: np.ndarray, predictions: xr.Dataset) -> Design:
    """Return what the error of the parameters of a model linear in the features would follow.

    Parameters
    ----------
    features : numpy.ndarray
        ``(obs, feature)``; missing values count as the mean of their feature.
    predictions : xarray.Dataset
        As of :func:`standard_residuals`, with the ``fold`` of each row.

    Examples
    --------
    >>> predictions = xr.Dataset({"pit": ("obs", [0.5, 0.2]), "fold": ("obs", [0, 1])})
    >>> design_of(np.array([[1.0], [3.0]]), predictions).features.tolist()
    [[-1.0], [1.0]]
    """
    known = np.isfinite(features)
    centre = np.where(known, features, 0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    centred = np.where(known, features - centre, 0)
    size = np.sqrt(np.mean(centred**2, axis=0))
    if "pit" in predictions:
        variance = np.ones((len(features), 1))
    else:
        probability = predictions["probability"].transpose("obs", "label").values
        variance = (probability * (1 - probability)).clip(LEAST_VARIANCE, None)
    return Design(centred / np.where(size > 0, size, 1), variance, predictions["fold"].values)


# One thread: the order of sums, and so their rounding, would depend on the number of cores.
@threadpool_limits.wrap(limits=1)
def dependence(
    residuals: np.ndarray,
    shared: np.ndarray | None = None,
    design: Design | None = None,
    *,
    group: np.ndarray | None = None,
    places: Mapping[str, np.ndarray] | None = None,
    order: np.ndarray | None = None,
    seed: int = 0,
) -> xr.Dataset:
    r"""Measure how far residuals are alike within groups, among neighbours, and one after another.

    Parameters
    ----------
    residuals : numpy.ndarray
        ``(obs, part)``, of :func:`standard_residuals`; each part is centred.
    shared : numpy.ndarray, optional
        ``(obs, part)``, of :func:`shared_error`: the deviation of the error of the parameters, taken as the same for
        the rows of a group, or without groups for neighbours; by default zero.
    design : Design, optional
        Features of the rows, variances of the residuals and folds that were left out together: within groups, what a
        model linear in the features errs is no likeness. By default a constant alone.
    group : numpy.ndarray, optional
        ``(obs,)`` labels.
    places : mapping of str to numpy.ndarray, optional
        ``(obs,)`` numbers: ``longitude`` and ``latitude`` in degrees, or two others in one unit; NaN where unknown.
    order : numpy.ndarray, optional
        ``(obs,)`` times or depths as numbers; NaN where unknown.
    seed : int
        Seed of the flips.

    Returns
    -------
    xarray.Dataset
        Along ``by``, ``group``, ``place`` and ``order``:

        - ``value``: intraclass correlation (analysis of variance; Donner 1986, International Statistical Review 54:1);
          mean product of the residuals of a row and its eight nearest neighbours of other groups, over their variance
          (Moran's I, as :func:`bayesgeo.metrics.morans_i`, the parts added up); the same of consecutive rows: within
          groups of 20 rows or more, of their deviations from the group's mean, else of the means of consecutive groups.
        - ``p``: of the hypothesis that none are alike, one-sided; NaN where ``reason`` says why.
        - ``design_effect``: how many times the variance of a mean is that of independent rows:
          :math:`1 + (\sum m^2 / n - 1) \rho` for groups of :math:`m` rows, :math:`1 + 8 \rho` at least for neighbours,
          :math:`(1 + \rho) / (1 - \rho)` for consecutive rows.
        - ``effective_rows``: the rows divided by it.
        - ``low`` and ``high`` of the intraclass correlation: the ends of its 90 % interval.
        - ``expected``, of neighbours: :math:`-1 / (n - 1)`, what is expected of rows in random order.
        - ``chance_low`` and ``chance_high``, of neighbours and of consecutive rows: the ends between which 90 % of the
          values of flipped residuals lie.

    Notes
    -----
    No more than 20,000 rows, or pairs of rows, are tested, evenly spaced.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> event = np.repeat(np.arange(40), 10)
    >>> found = dependence(0.5 * rng.normal(size=40)[event, None] + rng.normal(size=(400, 1)), group=event)
    >>> float(found["p"].sel(by="group")), str(found["reason"].sel(by="order").values)
    (0.001, 'there are no times or depths')
    """
    codes = None if group is None else np.unique(np.asarray(group).astype(str), return_inverse=True)[1]
    centred = residuals - residuals.mean(axis=0)
    rows = Residuals(centred, np.zeros_like(centred) if shared is None else shared, codes)
    as_they_are = replace(rows, values=residuals)  # the constant is among what a design takes out
    rng, n = np.random.default_rng(seed), len(centred)
    plain = Design(np.empty((n, 0)), np.ones_like(centred), np.zeros(n, dtype=int))
    found = [
        _within_groups(as_they_are, plain if design is None else design, rng),
        _among_neighbours(rows, places or {}, rng),
        _one_after_another(rows, order, rng),
    ]
    names = ("value", "p", "design_effect", "reason", "low", "high", "expected", "chance_low", "chance_high")
    columns = {name: ("by", [getattr(one, name) for one in found]) for name in names}
    table = xr.Dataset(columns, coords={"by": list(DEPENDENCE)}, attrs={"prob": PROB})
    return table.assign(effective_rows=len(centred) / table["design_effect"])


@dataclass(frozen=True)
class Found:
    """What was found of one way in which residuals may be alike: an interval of groups, what chance makes of others."""

    value: float
    p: float
    design_effect: float
    reason: str = ""
    low: float = np.nan
    high: float = np.nan
    expected: float = np.nan
    chance_low: float = np.nan
    chance_high: float = np.nan


def _missing(reason: str) -> Found:
    return Found(np.nan, np.nan, np.nan, reason)


def _within_groups(rows: Residuals, design: Design, rng: np.random.Generator) -> Found:
    if rows.codes is None:
        return _missing("there are no groups")
    sizes = np.bincount(rows.codes)
    if len(sizes) < 2 or sizes.max() < 2:
        return _missing("the groups are all of one row, or there is only one")
    found, typical = intraclass(rows, design, rng), float(np.sum(sizes**2) / len(rows.codes))
    return Found(found.value, found.p, 1.0 + (typical - 1.0) * max(found.value, 0.0), low=found.low, high=found.high)


def _among_neighbours(rows: Residuals, places: Mapping[str, np.ndarray], rng: np.random.Generator) -> Found:
    if not places:
        return _missing("there are no places on a map")
    known = np.flatnonzero(np.isfinite(list(places.values())).all(axis=0))
    if len(known) < LEAST_UNITS:
        return _missing("few rows have a place")
    unit = np.arange(len(rows.values)) if rows.codes is None else rows.codes
    at, apart = points(places)[known], unit[known]
    one, other = nearest(at, NEIGHBOURS, rng=rng, units=apart, searched=SEARCHED, most=ROWS // NEIGHBOURS)
    found = of_pairs(rows, Pairs(known[one], known[other], unit), rng, prob=PROB)
    if np.isnan(found.p):
        return _missing("there are fewer than 8 groups, or their neighbours are all of the same group")
    effect, expected = 1.0 + NEIGHBOURS * max(found.value, 0.0), -1 / (len(known) - 1)
    return Found(found.value, found.p, effect, expected=expected, chance_low=found.low, chance_high=found.high)


def _one_after_another(rows: Residuals, order: np.ndarray | None, rng: np.random.Generator) -> Found:
    if order is None:
        return _missing("there are no times or depths")
    known = np.flatnonzero(np.isfinite(order))
    rows, when = rows.part(known), order[known]
    if rows.codes is not None and len(known):
        if np.median(np.bincount(rows.codes)) < LONG:
            when, rows = means(when[:, None], rows.codes)[:, 0], rows.means()
        else:
            rows = replace(rows, values=rows.values - rows.means().values[rows.codes])
    found = of_pairs(rows, _consecutive(when, rows.codes), rng, prob=PROB)
    if np.isnan(found.p):
        return _missing("too few rows, or groups, differ in time or depth")
    rho = min(max(found.value, 0.0), 0.999)
    effect = (1 + rho) / (1 - rho)
    return Found(found.value, found.p, effect, chance_low=found.low, chance_high=found.high)


def _consecutive(when: np.ndarray, codes: np.ndarray | None) -> Pairs:
    """Pair each row with the next one of its group, where that is a later one."""
    within = np.zeros(len(when), dtype=int) if codes is None else codes
    turn = np.lexsort((when, within))
    at = np.flatnonzero((np.diff(within[turn]) == 0) & (np.diff(when[turn]) > 0))
    at = at[spaced(len(at), ROWS)] if len(at) else at
    return Pairs(turn[at], turn[at + 1], np.arange(len(when)))
