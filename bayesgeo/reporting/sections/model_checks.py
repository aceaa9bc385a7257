"""Checks of a model on its own rows: draws of its prior and posterior, leave-one-out, sensitivity to the prior."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from bayesgeo.diagnostics.model import accepted
from bayesgeo.reporting.sections.sensitivity import sensitivity

Facts = dict[str, Any]
COLUMNS = ("observed", "median", "low", "high")
ENDS = ("accepted_low", "accepted_high")
SHARE = "share of "


def of_model(evidence: xr.DataTree, labels: Sequence[str]) -> Facts:
    """Return the small tables of :func:`bayesgeo.diagnostics.model_evidence` as plain values.

    Parameters
    ----------
    evidence : xarray.DataTree
        Evidence of one model.
    labels : sequence of str
        Names of the classes, in the order of their codes; empty for values.

    Returns
    -------
    dict
        ``prior_predictive`` and ``posterior_predictive``: ``statistic`` of the target, its ``observed`` value, and the
        ``median`` and 90 % interval (``low``, ``high``) of it in rows drawn from the model, and the ends between which
        the check of the posterior accepts it (``accepted_low``, ``accepted_high``; None of the prior); ``sensitivity``:
        how far each ``variable`` moves by power-scaling ``prior`` and ``likelihood``; ``loo``: ``elpd``, its ``se``,
        ``p_loo`` and ``by``, the key whose whole groups are left out, or empty. Empty or None without such Evidence.
    """
    loo = evidence["loo"].attrs if "loo" in evidence.children else {}
    known = {"elpd", "se", "p_loo"} <= loo.keys()
    return {
        "prior_predictive": _predictive(evidence, "prior_predictive", labels),
        "posterior_predictive": _predictive(evidence, "posterior_predictive", labels),
        "sensitivity": sensitivity(evidence),
        "loo": {name: float(loo[name]) for name in ("elpd", "se", "p_loo")} | {"by": str(loo.get("by", ""))}
        if known
        else None,
    }


def _predictive(evidence: xr.DataTree, name: str, labels: Sequence[str]) -> list[Facts]:
    table = evidence[name].to_dataset() if name in evidence.children else xr.Dataset()
    if not {"statistic", *COLUMNS} <= set(table.variables):
        return []
    judged = name == "posterior_predictive" and "margin" in table
    ends = np.transpose(accepted(table)).tolist() if judged else [(None, None)] * table.sizes["statistic"]
    return [
        {"statistic": _named(str(table["statistic"].values[k]), labels)}
        | {column: float(table[column][k]) for column in COLUMNS}
        | dict(zip(ENDS, ends[k], strict=True))
        for k in range(table.sizes["statistic"])
    ]


def _named(statistic: str, labels: Sequence[str]) -> str:
    code = statistic.removeprefix(SHARE)
    return f"{SHARE}{labels[int(code)]}" if code != statistic and code.isdecimal() and labels else statistic


__all__ = ["of_model"]
