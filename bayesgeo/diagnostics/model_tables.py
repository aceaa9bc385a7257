"""Leave-one-out, predictive and prior checks of a model on its training rows, as small tables.

A model stores, in the groups of its posterior (see :mod:`bayesgeo.models.criticism`),

==================== =========================================================================================
log_likelihood       ``outcome (chain, draw, obs)``: log density of each row, some draws and rows; or, with an
                     attribute ``by`` that names the key, of the rows of each group given all others
cdf                  ``outcome (chain, draw, obs)``: distribution function of each draw at the target; of values
log_prior            ``prior (chain, draw)``: log prior to scale by a power, every draw
prior                draws of the prior of the posterior's variables
posterior_predictive statistics of rows drawn from the posterior, along ``statistic``
prior_predictive     the same of the prior
==================== =========================================================================================

and lists their names in the attribute ``criticism_groups``, in JSON.
"""

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import arviz_stats as az
import numpy as np
import xarray as xr

from bayesgeo._check import invalid
from bayesgeo.diagnostics.draws import quantities

# Tables, and a column by which to know them.
COLUMNS = {
    "loo": "elpd",
    "loo_pit": "transform",
    "sensitivity": "prior",
    "posterior_predictive": "observed",
    "prior_predictive": "observed",
}
LEAST_DRAWS = 100  # in all: the tail of importance weights is fitted to a fifth of them


@dataclass(frozen=True, eq=False)
class Loo:
    """Hold the leave-one-out predictive accuracy of a model.

    Attributes
    ----------
    elpd, se, p_loo : float
        Expected log density of all rows, summed, its standard error, and the effective number of parameters.
    elpd_by_row, pareto_k : xarray.DataArray
        ``(obs,)``; the estimate of a row with k above 0.7 is unreliable.
    result : arviz_stats.ELPDDataLOO
        Input of ``az.compare({"name": loo.result, ...})``.
    rows, of : int
        Number of rows used, evenly spaced, and number of rows in all.

    Examples
    --------
    >>> from scipy import stats
    >>> rng = np.random.default_rng(0)
    >>> y, mean = rng.normal(size=50), rng.normal(0, 50**-0.5, size=(4, 100, 1))
    >>> outcome = (("chain", "draw", "obs"), stats.norm.logpdf(y, mean))
    >>> found = loo(xr.DataTree.from_dict({"log_likelihood": xr.Dataset({"outcome": outcome})}))
    >>> found.rows, bool(np.isclose(found.elpd, found.elpd_by_row.sum()))
    (50, True)
    """

    elpd: float
    se: float
    p_loo: float
    elpd_by_row: xr.DataArray
    pareto_k: xr.DataArray
    result: Any
    rows: int
    of: int


def loo(tree: xr.DataTree, labels: Sequence[Any] | None = None) -> Loo:
    """Estimate leave-one-out predictions by Pareto smoothed importance sampling (Vehtari et al. 2017, 2024).

    Parameters
    ----------
    tree : xarray.DataTree
        A posterior with the group ``log_likelihood``.
    labels : sequence, optional
        Names of the rows used, ``(obs,)``; None keeps those of the group.

    Raises
    ------
    InvalidInput
        If the tree has no log likelihood or fewer than 100 draws of it, or there are not as many labels as rows.

    Examples
    --------
    >>> from scipy import stats
    >>> rng = np.random.default_rng(0)
    >>> y, mean = rng.normal(size=200), rng.normal(0, 200**-0.5, size=(4, 100, 1))
    >>> outcome = (("chain", "draw", "obs"), stats.norm.logpdf(y, mean))
    >>> found = loo(xr.DataTree.from_dict({"log_likelihood": xr.Dataset({"outcome": outcome})}))
    >>> round(found.p_loo, 1), int((found.pareto_k > 0.7).sum())
    (1.0, 0)
    """
    if "log_likelihood" not in tree.children:
        raise invalid(
            "tree", "", "It has no group log_likelihood.", "Fit a model that stores one, such as a linear one."
        )
    found = _by_row(tree)
    if found is None:
        raise invalid("tree", "", "Its log likelihood is of several variables.", "Keep one of them.")
    group = found.astype(float)
    if not _enough(group):
        raise invalid("tree", "", "It has fewer than 100 draws of the log likelihood.", "Ask for more draws.")
    if labels is not None:
        if len(labels) != group.sizes["obs"]:
            raise invalid(
                "labels", len(labels), f"There are {group.sizes['obs']} rows.", "Give one label for each row."
            )
        group = group.assign_coords(obs=np.asarray(labels))
    size = float(az.ess(group["outcome"].sum("obs"), method="mean"))
    efficiency = min(size / (group.sizes["chain"] * group.sizes["draw"]), 1.0) if np.isfinite(size) else 1.0
    with _quiet():
        found = az.loo(xr.DataTree.from_dict({"log_likelihood": group}), pointwise=True, reff=efficiency)
    rows = group.sizes["obs"]
    of = int(group.attrs.get("rows", rows))
    scale = of / rows
    # From a part of the rows, the sum and its error are scaled to all rows.
    elpd, se, p_loo = (float(value) * scale for value in (found.elpd, found.se, found.p))
    return Loo(elpd, se, p_loo, found.elpd_i, found.pareto_k, found, rows=rows, of=of)


def _by_row(tree: xr.DataTree) -> xr.Dataset | None:
    """Return the log likelihood as ``outcome (chain, draw, obs)``; None if it is of several variables.

    What others computed has the name and the dimensions of its observed variable.
    """
    group = tree["log_likelihood"].to_dataset()
    if "outcome" in group:
        return group
    if len(group.data_vars) != 1 or not {"chain", "draw"} <= set(group.dims):
        return None
    (values,) = (group[name].transpose("chain", "draw", ...) for name in group.data_vars)
    rows = values.values.reshape(*values.shape[:2], -1)
    return xr.Dataset({"outcome": (("chain", "draw", "obs"), rows)}, {"obs": np.arange(rows.shape[2])})


def _enough(group: xr.Dataset) -> bool:
    return group.sizes["chain"] * group.sizes["draw"] >= LEAST_DRAWS


@contextmanager
def _quiet() -> Iterator[None]:
    """Suppress warnings that the checks report themselves."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        yield


def model_evidence(tree: xr.DataTree) -> dict[str, xr.Dataset]:
    """Return small tables of how a model fits its training rows, for the groups that it stored.

    Parameters
    ----------
    tree : xarray.DataTree
        A posterior with some of the groups above; tables that it holds already are not computed again, and of fewer
        than 100 draws only the last two are given.

    Returns
    -------
    dict of str to xarray.Dataset
        - ``loo``: ``elpd``, ``pareto_k`` ``(obs,)``; attributes ``elpd``, ``se``, ``p_loo``, ``rows``, ``of``
          and ``by``, the key whose whole groups are left out; empty where it is rows.
        - ``loo_pit``: ``transform (obs,)``, where the target lies in its leave-one-out prediction; values only.
        - ``sensitivity``: ``prior`` and ``likelihood`` ``(variable,)``, how far a variable moves when either is raised
          to a power (Kallioinen et al. 2024).
        - ``posterior_predictive``, ``prior_predictive``: ``observed``, ``median``, ``low``, ``high`` (5 % and 95 %),
          ``below``, the share of draws below the observed one, and ``margin``, a difference too small to matter,
          ``(statistic,)``.

    Examples
    --------
    >>> from scipy import stats
    >>> rng = np.random.default_rng(0)
    >>> y, mean = rng.normal(size=50), rng.normal(0, 50**-0.5, size=(4, 100, 1))
    >>> outcome = (("chain", "draw", "obs"), stats.norm.logpdf(y, mean))
    >>> tree = xr.DataTree.from_dict({"log_likelihood": xr.Dataset({"outcome": outcome})})
    >>> {name: list(table.data_vars) for name, table in model_evidence(tree).items()}
    {'loo': ['elpd', 'pareto_k']}
    """
    tables = {name: tree[name].to_dataset() for name, column in COLUMNS.items() if _holds(tree, name, column)}
    by_draw = {"log_prior": tree["log_prior"].to_dataset()} if _holds(tree, "log_prior", "prior") else {}
    by_row = _by_row(tree) if "log_likelihood" in tree.children else None
    by_draw |= {} if by_row is None else {"log_likelihood": by_row}
    enough = {name for name, group in by_draw.items() if _enough(group)}
    if "log_likelihood" in enough and not {"loo", "loo_pit"} <= set(tables):
        found = loo(tree)
        tables["loo"] = xr.Dataset({"elpd": found.elpd_by_row, "pareto_k": found.pareto_k})
        tables["loo"].attrs = {name: getattr(found, name) for name in ("elpd", "se", "p_loo", "rows", "of")}
        tables["loo"].attrs["by"] = str(tree["log_likelihood"].attrs.get("by", ""))
        if _holds(tree, "cdf", "outcome"):
            tables["loo_pit"] = _transforms(tree["cdf"].to_dataset()["outcome"], found)
    if "log_prior" in enough and "sensitivity" not in tables:
        tables["sensitivity"] = _sensitivity(tree)
    return tables


def _holds(tree: xr.DataTree, name: str, variable: str) -> bool:
    """Return whether a group is there and ours: other libraries put other things into groups of these names."""
    return name in tree.children and variable in tree[name].data_vars


def _transforms(cdf: xr.DataArray, found: Loo) -> xr.Dataset:
    """Average the distribution functions under the weights that leave each row out."""
    place = np.searchsorted(found.elpd_by_row["row"].values, cdf["row"].values)
    log_weights = found.result.log_weights.transpose("chain", "draw", "obs").values[..., place]
    weights = np.exp(log_weights - log_weights.max(axis=(0, 1)))
    values = cdf.transpose("chain", "draw", "obs").values.astype(float)
    transform = (weights * values).sum(axis=(0, 1)) / weights.sum(axis=(0, 1))
    return xr.Dataset({"transform": ("obs", transform.clip(0.0, 1.0))}, coords=cdf["obs"].coords)


def _sensitivity(tree: xr.DataTree) -> xr.Dataset:
    posterior = tree["posterior"].to_dataset()
    found = {"prior": _moved(posterior, tree["log_prior"].to_dataset()["prior"])}
    if "log_likelihood" in tree.children:
        group = tree["log_likelihood"].to_dataset()
        scale = group.attrs.get("rows", group.sizes["obs"]) / group.sizes["obs"]
        total = group["outcome"].astype(float).sum("obs") * scale
        found["likelihood"] = _moved(posterior.sel(chain=total["chain"], draw=total["draw"]), total)
    variables = {name: ("variable", values) for name, values in found.items()}
    return xr.Dataset(variables, coords={"variable": quantities(posterior)[0]})


def _moved(posterior: xr.Dataset, log_density: xr.DataArray) -> np.ndarray:
    """Return the power-scaling sensitivity of every quantity."""
    _, values = quantities(posterior)
    if not (np.isfinite(values).all() and np.isfinite(log_density).all()):
        return np.full(values.shape[2], np.nan)
    draws = xr.Dataset({"q": (("chain", "draw", "quantity"), values)})
    density = xr.Dataset({"density": (("chain", "draw"), log_density.transpose("chain", "draw").values)})
    with _quiet():
        found = az.psense(xr.DataTree.from_dict({"posterior": draws, "log_prior": density}), group="prior")
    return found["q"].values
