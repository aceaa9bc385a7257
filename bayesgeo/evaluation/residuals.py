"""How far the errors of test rows are alike, as a group of the Evidence."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
import xarray as xr

from bayesgeo.datasets.base import Dataset
from bayesgeo.metrics.residuals import LONG, dependence, design_of, shared_error, standard_residuals

HINT = 0.2  # p-value of likeness within groups
MAPS = (("longitude", "latitude"), ("easting", "northing"))


def residuals_group(tested: Dataset, predictions: xr.Dataset, *, probability: np.ndarray, seed: int) -> xr.Dataset:
    """Measure how far the errors of test rows are alike, by :func:`bayesgeo.metrics.residuals.dependence`.

    The groups are those of the first key, which a split keeps together; the order is that of the times of a data set,
    else, within its groups, that of its depths.

    Parameters
    ----------
    tested : Dataset
        The test rows.
    predictions : xarray.Dataset
        Their predictions, in the same order, with their ``fold``.
    probability : numpy.ndarray
        ``(draw, obs, label)`` probabilities of some draws; empty for values.
    seed : int
        Seed of the flips.

    Returns
    -------
    xarray.Dataset
        With ``name (by)`` beside what ``dependence`` returns: the key of the groups, the coordinates, the order.
    """
    places = tested.place_values()
    pair = next((names for names in MAPS if set(names) <= set(places)), ())
    order, ordered_by = _order(tested)
    group = None if tested.group is None else tested.group.values
    residuals, shared = standard_residuals(predictions, tested.y.values), shared_error(predictions, probability)
    on_map = {name: places[name] for name in pair}
    design = design_of(tested.X.values.astype(float), predictions)
    found = dependence(residuals, shared, design, group=group, places=on_map, order=order, seed=seed)
    key = "" if tested.group is None else str(tested.group.name or "group")
    found["name"] = ("by", [key, ", ".join(pair), ordered_by])
    return found.assign_attrs(rows=tested.n_rows)


def _order(tested: Dataset) -> tuple[np.ndarray | None, str]:
    if "time" in tested.coordinates:
        when = pd.to_datetime(pd.Series(tested.coordinates["time"].values))
        return when.astype("int64").where(when.notna(), np.nan).to_numpy(dtype=float), "time"
    long = tested.group is not None and np.median(np.unique(tested.group.values, return_counts=True)[1]) >= LONG
    if long and "depth" in tested.place_values():
        return tested.place_values()["depth"], "depth"
    return None, ""


def believed(posterior: Mapping[str, xr.Dataset], residuals: xr.Dataset) -> dict[str, xr.Dataset]:
    """State in the group ``cluster_robust`` which standard deviations of coefficients to believe.

    Those of the posterior only where nothing hints that rows of a group are alike: cluster-robust ones also hold where
    they are not, so a p-value of 0.2 is enough to leave the others. How often the intervals so chosen hold the truth is
    measured by ``benchmarks/cluster_robust.py``.

    Parameters
    ----------
    posterior : mapping of str to xarray.Dataset
        Groups of a posterior; without ``cluster_robust`` they are returned as they are.
    residuals : xarray.Dataset
        ``p (by)`` of :func:`residuals_group`.

    Examples
    --------
    >>> residuals = xr.Dataset({"p": ("by", [0.1])}, coords={"by": ["group"]})
    >>> believed({"cluster_robust": xr.Dataset()}, residuals)["cluster_robust"].attrs
    {'believe': 'cluster-robust'}
    """
    if "cluster_robust" not in posterior:
        return dict(posterior)
    found = bool(residuals["p"].sel(by="group") <= HINT)
    table = posterior["cluster_robust"].assign_attrs(believe="cluster-robust" if found else "posterior")
    return {**posterior, "cluster_robust": table}
