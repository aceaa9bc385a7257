"""Compare Bayesian models by leave-one-out cross-validation, where a likelihood by row exists."""

from collections.abc import Mapping

import arviz_stats as az
import numpy as np
import pandas as pd
import xarray as xr
from arviz_stats.utils import ELPDDataLOO

from bayesgeo._check import invalid
from bayesgeo.diagnostics.model import PARETO_K
from bayesgeo.metrics.paired import mean_error


def compare_loo(evidences: Mapping[str, xr.DataTree]) -> pd.DataFrame:
    """Rank Bayesian models by their leave-one-out predictive density, with ``az.compare``.

    Complements :func:`bayesgeo.evaluation.compare.compare` for models with a likelihood by row: nothing is held out,
    rows of one group inform each other, and no other model is included.

    Parameters
    ----------
    evidences : mapping of str to xarray.DataTree
        Evidence by model name; those with the group ``loo`` are compared, of those that leave out other things
        (single rows, whole groups) the largest set.

    Returns
    -------
    pandas.DataFrame
        A row for each ``model``, the best first: ``elpd``, the expected log pointwise predictive density of all rows,
        its difference to the best, ``elpd_diff``, with standard error ``dse``, over the blocks that the split keeps
        together where it tests every row, else over what was left out, ``p_loo``, the stacking ``weight`` (Yao
        et al. 2018, Bayesian Analysis 13:917) and ``bad_k``, how many rows have a Pareto k above 0.7. Empty where fewer
        than two models have it.

    Raises
    ------
    InvalidInput
        If the models were fitted to different rows.
    """
    tables = _alike({name: tree["loo"].to_dataset() for name, tree in evidences.items() if "loo" in tree.children})
    columns = ["model", "elpd", "elpd_diff", "dse", "p_loo", "weight", "bad_k"]
    if len(tables) < 2:
        return pd.DataFrame([], columns=columns)
    first = next(iter(tables))
    for name, table in tables.items():
        if not np.array_equal(table["obs"], tables[first]["obs"]):
            raise invalid("evidence", name, f"It was fitted to other rows than {first!r}.", "Fit both on one data set.")
    found, observed = _by_arviz(tables), evidences[first]["observed_data"].to_dataset()
    best = tables[str(found.index[0])]
    of_rows = tables[first].attrs
    # Sums over a part of the rows are scaled to all rows.
    scale = of_rows["of"] / of_rows["rows"]
    lines = [
        {
            "model": name,
            "elpd": float(tables[name].attrs["elpd"]),
            "elpd_diff": scale * float(row["elpd_diff"]),
            "dse": scale * _error(tables[str(name)]["elpd"] - best["elpd"], observed, float(row["dse"])),
            "p_loo": float(tables[name].attrs["p_loo"]),
            "weight": float(row["weight"]),
            "bad_k": int((tables[name]["pareto_k"] > PARETO_K).sum()),
        }
        for name, row in found.iterrows()
    ]
    return pd.DataFrame(lines, columns=columns)


def _error(differences: xr.DataArray, observed: xr.Dataset, of_rows: float) -> float:
    """Return the standard error of the sum of differences over whole blocks, where the block of each is known."""
    tested = pd.Index(observed["obs"].values)
    rows = tested.get_indexer(differences["obs"].values)
    if (rows < 0).any() or not tested.is_unique:
        return of_rows
    codes = np.unique(observed["block"].values[rows], return_inverse=True)[1]
    return len(rows) * mean_error(differences.values, codes)


def _alike(tables: dict[str, xr.Dataset]) -> dict[str, xr.Dataset]:
    """Keep the largest set of models that leave the same out: single rows, or whole groups of one key."""
    left_out = [table.attrs.get("by", "") for table in tables.values()]
    most = max(left_out, key=left_out.count, default="")
    return {name: table for name, table in tables.items() if table.attrs.get("by", "") == most}


def _by_arviz(tables: Mapping[str, xr.Dataset]) -> pd.DataFrame:
    known = {
        name: ELPDDataLOO(
            elpd=float(table["elpd"].sum()),
            se=float(table["elpd"].std() * np.sqrt(table.sizes["obs"])),
            p=float(table.attrs["p_loo"]),
            n_samples=1,  # only printed
            n_data_points=table.sizes["obs"],
            scale="log",
            warning=False,
            good_k=PARETO_K,
            elpd_i=table["elpd"],
            pareto_k=table["pareto_k"],
        )
        for name, table in tables.items()
    }
    return az.compare(known, round_to="none")
