"""Model criticism: what a fitted model and its prior predict for the training rows, as groups for the checks.

The groups are listed in :mod:`bayesgeo.diagnostics.model_tables`. They are computed with NumPy, at no more than
``ROWS`` rows, evenly spaced, from 500 to 4,000 draws, evenly spaced, the fewer the more rows there are, and kept in
single precision: ten megabytes at most, whatever the data. The attributes ``rows`` and ``draws`` of
``log_likelihood`` are the totals before thinning.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from scipy import stats

from bayesgeo import _arrays
from bayesgeo._arrays import spaced
from bayesgeo.models.rows import Rows, TrainingRows
from bayesgeo.models.transformation import Transformation

ROWS, NUMBERS = 4_000, 2_000_000  # rows, and rows times draws
FEWEST_DRAWS, MOST_DRAWS = 500, 4_000
LEFT_OUT_DRAWS = 200  # of a few scales: leaving a group out hardly moves these
CDF_ROWS = 1_000  # enough for a uniformity test to detect every departure that matters
PRIOR_DRAWS = 1_000
TENTHS = 10
LEAST_OF_GROUP = 5  # rows; shares of smaller groups are mostly noise
# Below these, in standard deviations of the target or as shares of rows, a difference does not matter.
MARGINS = {"mean": 0.1, "sd": 0.1, "min": 0.5, "max": 0.5}
SHARE_MARGIN, SPREAD_MARGIN = 0.02, 0.05
DIMS = ("chain", "draw", "obs")
BY_ROW = ("log_likelihood", "cdf")  # groups with a value for each draw and row
Parameters = Mapping[str, np.ndarray]


@dataclass(frozen=True, eq=False)
class PredictiveFunctions:
    """A model as functions of its parameters ``(chain, draw, ...)``, for checks of the model.

    Parameters
    ----------
    predictive : callable
        Maps rows (:class:`bayesgeo.models.rows.Rows`) and parameters to ``expected``, ``sigma`` and perhaps ``nu`` of a
        value, in the unit of the target, or to ``log_probability (chain, draw, obs, label)`` of classes.
    log_prior : callable, optional
        Maps parameters to the log prior ``(chain, draw)`` to be power-scaled, up to a constant; None where it is flat.
    prior : callable, optional
        Draws parameters ``(chain, draw, ...)`` from the prior, given a size and a numpy Generator.
    shown : tuple of str
        Parameters whose prior is kept beside the posterior.
    left_out : callable, optional
        Maps draws to what leaving whole groups out tells, where that is known: :class:`LeftOutGroups`. It replaces the
        densities of single rows.
    transformation : Transformation, optional
        Of the target, where ``expected`` and ``sigma`` are those of its transformed values.
    """

    predictive: Callable[[Rows, Parameters], Mapping[str, np.ndarray]]
    log_prior: Callable[[Parameters], np.ndarray] | None = None
    prior: Callable[[tuple[int, int], np.random.Generator], Parameters] | None = None
    shown: tuple[str, ...] = ()
    left_out: "Callable[[Parameters], LeftOutGroups] | None" = None
    transformation: Transformation | None = None


@dataclass(frozen=True, eq=False)
class LeftOutGroups:
    """The rows of each group given all others and the draws of some parameters, the other parameters integrated out.

    Parameters
    ----------
    key : str
        What the groups are groups of.
    positions, names : numpy.ndarray
        ``(group,)`` their places among all groups, increasing, and their labels.
    of : int
        Number of groups in all.
    log_density, cdf : numpy.ndarray
        ``(chain, draw, group)``: log density of the rows, and where their mean lies in its distribution.
    """

    key: str
    positions: np.ndarray
    names: np.ndarray
    of: int
    log_density: np.ndarray
    cdf: np.ndarray


@dataclass(frozen=True, eq=False)
class _CheckedRows:
    """Some of the training rows, the names of their classes (empty for values), and what transforms their values."""

    rows: TrainingRows
    labels: tuple[str, ...]
    transformation: Transformation | None = None

    @property
    def y(self) -> np.ndarray:
        return self.rows.y

    @property
    def seen(self) -> np.ndarray:
        """The outcomes on the scale on which the model is normal."""
        return self.y if self.transformation is None else self.transformation.forward(self.y)

    @property
    def log_slope(self) -> np.ndarray | float:
        """What log densities on that scale gain in the unit of the outcomes."""
        return 0.0 if self.transformation is None else self.transformation.log_slope(self.y)

    def in_units(self, values: np.ndarray) -> np.ndarray:
        """Return simulated outcomes in the unit of those seen."""
        return values if self.transformation is None else self.transformation.inverse(values)


def criticism_groups(
    model: PredictiveFunctions, posterior: xr.Dataset, rows: TrainingRows, labels: tuple[str, ...], seed: int
) -> dict[str, xr.Dataset]:
    """Return the groups that the checks of a model read.

    Parameters
    ----------
    model : PredictiveFunctions
        The model.
    posterior : xarray.Dataset
        Its draws as sampled.
    rows : TrainingRows
        The training rows.
    labels : tuple of str
        Names of the classes; empty for values.
    seed : int
        Seed of replicated rows and of draws from the prior.
    """
    rng = np.random.default_rng(seed)
    n_chains = posterior.sizes["chain"]
    kept = spaced(len(rows.y), ROWS)
    draws = int(np.clip(NUMBERS // len(kept), FEWEST_DRAWS, MOST_DRAWS))
    thinned = posterior.isel(draw=spaced(posterior.sizes["draw"], -(-draws // n_chains)))
    part = _CheckedRows(rows.part(kept), labels, model.transformation)
    with np.errstate(all="ignore"):  # the checks report draws that are NaN
        p = _by_name(thinned)
        mean = np.empty((0, 0))
        if model.left_out is not None:
            scales = posterior.isel(draw=spaced(posterior.sizes["draw"], -(-LEFT_OUT_DRAWS // n_chains)))
            groups = _by_group(scales, model.left_out(_by_name(scales)))
        else:
            density, mean = _over_rows(model, part, p)
            groups = {"log_likelihood": _by_row(thinned, density, kept)}
            groups["log_likelihood"].attrs = {"rows": len(rows.y)}
            if not labels:
                at = spaced(len(kept), CDF_ROWS)
                groups["cdf"] = _by_row(thinned, _cdf(model.predictive(part.rows.part(at), p), part.seen[at]), kept[at])
        groups["log_likelihood"].attrs["draws"] = posterior.sizes["draw"] * n_chains
        few = _by_name(posterior.isel(draw=spaced(posterior.sizes["draw"], -(-FEWEST_DRAWS // n_chains))))
        groups["posterior_predictive"] = _replicated(model, part, few, rng, parts=_parts(mean, part))
        if model.log_prior is not None:
            density = model.log_prior(_by_name(posterior))
            groups["log_prior"] = xr.Dataset({"prior": (DIMS[:2], density)}, _of_draws(posterior))
        if model.prior is not None:
            groups |= _prior_groups(model, part, posterior, rng)
    return groups


def _over_rows(model: PredictiveFunctions, rows: _CheckedRows, p: Parameters) -> tuple[np.ndarray, np.ndarray]:
    """Return the log density ``(chain, draw, obs)`` and, of classes, mean probabilities ``(obs, label)``."""
    density, mean = [], []
    for at, predicted in _blocks(model, rows, p):
        density.append(_log_density(predicted, rows.seen[at]).astype(np.float32))
        if rows.labels:
            mean.append(np.exp(predicted["log_probability"]).mean(axis=(0, 1)))
    found = np.concatenate(density, axis=2) + np.float32(rows.log_slope)
    return found, np.concatenate(mean) if mean else np.empty((0, 0))


def _blocks(
    model: PredictiveFunctions, rows: _CheckedRows, p: Parameters
) -> Iterator[tuple[slice, Mapping[str, np.ndarray]]]:
    """Yield a few rows at a time and what the model predicts for them, so that memory stays bounded."""
    step = max(1, _arrays.BUDGET // (_draws(p) * max(len(rows.labels), 1)))
    for start in range(0, len(rows.y), step):
        block = slice(start, start + step)
        yield block, model.predictive(rows.rows.part(block), p)


def _prior_groups(
    model: PredictiveFunctions, rows: _CheckedRows, posterior: xr.Dataset, rng: np.random.Generator
) -> dict[str, xr.Dataset]:
    """Return draws of the prior, labelled as those of the posterior, and statistics of rows drawn from them."""
    assert model.prior is not None
    drawn = model.prior((1, PRIOR_DRAWS), rng)
    few = {name: values[:, :FEWEST_DRAWS] for name, values in drawn.items()}
    # The prior predictive is computed over all rows, not by part.
    one = (np.zeros(len(rows.y), dtype=int), "")
    replicated = _replicated(model, rows, few, rng, parts=one)
    groups = {"prior_predictive": replicated.isel(statistic=slice(len(rows.labels) or None))}
    if model.shown:
        named = {name: posterior[name].transpose(*DIMS[:2], ...).dims for name in model.shown}
        coords = {name: values for name, values in posterior.coords.items() if name not in DIMS[:2]}
        groups["prior"] = xr.Dataset({name: (named[name], drawn[name]) for name in model.shown}, coords)
    return groups


def _by_name(posterior: xr.Dataset) -> dict[str, np.ndarray]:
    return {str(name): values.transpose(*DIMS[:2], ...).values for name, values in posterior.data_vars.items()}


def _draws(p: Parameters) -> int:
    """Return the number of draws, over all chains."""
    return int(np.prod(next(iter(p.values())).shape[:2]))


def _of_draws(posterior: xr.Dataset) -> dict[str, Any]:
    return {dim: posterior[dim].values for dim in DIMS[:2]}


def _by_row(posterior: xr.Dataset, values: np.ndarray, rows: np.ndarray) -> xr.Dataset:
    # Labels of rows may repeat; their positions do not.
    coords = _of_draws(posterior) | {"obs": rows, "row": ("obs", rows)}
    return xr.Dataset({"outcome": (DIMS, values.astype(np.float32))}, coords)


def _by_group(posterior: xr.Dataset, found: LeftOutGroups) -> dict[str, xr.Dataset]:
    at = found.positions
    groups = {"log_likelihood": _by_row(posterior, found.log_density, at), "cdf": _by_row(posterior, found.cdf, at)}
    named = {"obs": found.names.astype(str)}
    groups = {name: group.assign_coords(named) for name, group in groups.items()}
    groups["log_likelihood"].attrs = {"rows": found.of, "by": found.key}
    return groups


def _noise(predictive: Mapping[str, np.ndarray]) -> tuple[Any, tuple[np.ndarray, ...]]:
    if "nu" in predictive:
        return stats.t, (predictive["nu"][..., None],)
    return stats.norm, ()


def _sigma(predictive: Mapping[str, np.ndarray]) -> np.ndarray:
    """Return the scale of the noise ``(chain, draw, obs)``; of length one along rows where it is the same for all."""
    sigma = predictive["sigma"]
    return sigma if sigma.ndim == len(DIMS) else sigma[..., None]


def _standardised(predictive: Mapping[str, np.ndarray], y: np.ndarray) -> np.ndarray:
    return (y - predictive["expected"]) / _sigma(predictive)


def _log_density(predictive: Mapping[str, np.ndarray], y: np.ndarray) -> np.ndarray:
    if "log_probability" in predictive:
        return np.take_along_axis(predictive["log_probability"], y[None, None, :, None], axis=-1)[..., 0]
    family, shape = _noise(predictive)
    return family.logpdf(_standardised(predictive, y), *shape) - np.log(_sigma(predictive))


def _cdf(predictive: Mapping[str, np.ndarray], y: np.ndarray) -> np.ndarray:
    family, shape = _noise(predictive)
    return family.cdf(_standardised(predictive, y), *shape)


def _replicated(
    model: PredictiveFunctions,
    rows: _CheckedRows,
    p: Parameters,
    rng: np.random.Generator,
    *,
    parts: tuple[np.ndarray, str],
) -> xr.Dataset:
    """Replicate the rows from each draw of the parameters, and compare statistics with those of the data."""
    if rows.labels:
        counts = _counts(model, rows, p, rng, parts=parts[0])
        seen = np.zeros((1, *counts.shape[1:]))
        np.add.at(seen[0], (parts[0], rows.y), 1)
        names = [*(f"share of {label}" for label in rows.labels), f"spread of shares between {parts[1]}"]
        margins = np.array([*(SHARE_MARGIN,) * len(rows.labels), SPREAD_MARGIN])
        return _summary(names, _shares(counts), _shares(seen)[0], margins)
    predictive = model.predictive(rows.rows, p)
    expected = predictive["expected"].reshape(-1, len(rows.y))
    sigma = _sigma(predictive)
    sigma = sigma.reshape(-1, sigma.shape[2])
    nu = predictive["nu"].ravel() if "nu" in predictive else None
    found = np.empty((len(sigma), len(MARGINS)))
    for k in range(len(sigma)):
        unit = rng.standard_normal(len(rows.y)) if nu is None else rng.standard_t(nu[k], len(rows.y))
        found[k] = _statistics(rows.in_units(expected[k] + sigma[k] * unit))
    margin = np.array(list(MARGINS.values())) * rows.y.std()
    return _summary(list(MARGINS), found, _statistics(rows.y), margin)


def _statistics(y: np.ndarray) -> np.ndarray:
    return np.array([y.mean(), y.std(), y.min(), y.max()])


def _counts(
    model: PredictiveFunctions, rows: _CheckedRows, p: Parameters, rng: np.random.Generator, *, parts: np.ndarray
) -> np.ndarray:
    """Replicate classes, and count them ``(draw, part, label)``."""
    n_draws, n_parts, n_labels = _draws(p), int(parts.max()) + 1, len(rows.labels)
    counts = np.zeros((n_draws, n_parts, n_labels))
    for block, predicted in _blocks(model, rows, p):
        probability = np.exp(predicted["log_probability"]).reshape(n_draws, -1, n_labels)
        edges = probability.cumsum(-1)[..., :-1]
        codes = (rng.random((*edges.shape[:2], 1)) > edges).sum(-1)
        place = (np.arange(n_draws)[:, None] * n_parts + parts[block]) * n_labels + codes
        counts += np.bincount(place.ravel(), minlength=counts.size).reshape(counts.shape)
    return counts


def _parts(mean: np.ndarray, rows: _CheckedRows) -> tuple[np.ndarray, str]:
    """Return the parts of the rows whose shares are compared, and their name: groups, or tenths by probability."""
    if not rows.labels:
        return np.zeros(len(rows.y), dtype=int), ""
    if rows.rows.group is not None:
        names, codes = np.unique(rows.rows.group.astype(str), return_inverse=True)
        if 1 < len(names) <= len(codes) / LEAST_OF_GROUP:
            return codes, "groups"
    label = int(mean.std(axis=0).argmax())
    order = np.argsort(np.argsort(mean[:, label], kind="stable"), kind="stable")
    return order * TENTHS // len(order), f"tenths by probability of {rows.labels[label]}"


def _shares(counts: np.ndarray) -> np.ndarray:
    """Return the share of each label, and the spread of the shares of parts, ``(draw, statistic)``."""
    rows = counts.sum(axis=2)
    share = counts.sum(axis=1) / rows.sum(axis=1)[:, None]
    with np.errstate(invalid="ignore"):
        of_part = np.where(rows[..., None] > 0, counts / rows[..., None], share[:, None])
    apart = ((of_part - share[:, None]) ** 2).sum(axis=2)
    spread = np.sqrt((apart * rows).sum(axis=1) / rows.sum(axis=1))
    return np.c_[share, spread]


def _summary(names: list[str], drawn: np.ndarray, seen: np.ndarray, margin: np.ndarray) -> xr.Dataset:
    """Tabulate statistics ``(draw, statistic)`` beside those of the data."""
    low, median, high = np.quantile(drawn, [0.05, 0.5, 0.95], axis=0)
    # Ties count half on either side: shares come in steps of one row.
    ties = (drawn == seen).mean(axis=0) / 2
    below = (drawn < seen).mean(axis=0) + ties
    found = {"observed": seen, "median": median, "low": low, "high": high, "below": below, "margin": margin}
    finite = np.isfinite(drawn).all()
    variables = {
        name: ("statistic", values if finite or name in ("observed", "margin") else values * np.nan)
        for name, values in found.items()
    }
    return xr.Dataset(variables, coords={"statistic": names}, attrs={"draws": len(drawn), "prob": 0.9})


def training_data_sha256(X: Any, y: Any) -> str:
    """Hash rows ``X (obs, feature)`` and targets ``y (obs,)`` as a posterior records them.

    Examples
    --------
    >>> training_data_sha256([[1, 2]], ["a"]) == training_data_sha256(np.array([[1.0, 2.0]]), np.array(["a"]))
    True
    """
    features, target = np.ascontiguousarray(X, dtype="<f8"), np.asarray(y)
    found = hashlib.sha256(f"{features.shape}".encode())
    found.update(features)
    if target.dtype.kind in "biuf":
        found.update(np.ascontiguousarray(target, dtype="<f8"))
    else:
        found.update("\x1f".join(map(str, target.tolist())).encode())
    return found.hexdigest()
