"""Checks of the errors of held-out rows: whether they are alike within groups, among neighbours, or in time.

They apply to every model, with a posterior or without. A finding is a tip: predictions stay what they are, and
standard deviations that take rows as independent are too small.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import xarray as xr

from bayesgeo.diagnostics.base import OF_RESIDUALS, Check, Status, not_applicable

# Of groups as many tables without effects are flagged as one in thirty: benchmarks/group_likeness.py.
LEVEL = {"group": 0.03, "place": 0.02, "order": 0.02}
# A 90 % interval that takes rows as independent covers 85 % where the variance is (1.645 / 1.440)^2 times as large.
MATERIAL = 1.3
ALIKE = {"group": "within {}", "place": "among neighbours on the map", "order": "one after another in {}"}
MEASURE = {"group": "correlation", "place": "Moran's I", "order": "correlation"}
REMEDY = {
    "group": (
        "Intervals of a model that takes rows as independent are too narrow. Use the hierarchical model (--effects {0} "
        "or HierarchicalRegression(effects=[{0!r}]), of classes HierarchicalClassifier); until then believe "
        "cluster-robust standard deviations."
    ),
    "place": (
        "Predictions between the rows leave out what their neighbours tell, and intervals that take rows as "
        "independent are too narrow. Use a spatial model, or the coordinates as features, and split by blocks of "
        "the map."
    ),
    "order": "Add features of what came before, or a model of the series; do not count rows as independent.",
}
JOINT = "The model has effects of groups: it expects the errors of a group that it never saw to be alike."


def checks(table: xr.Dataset, *, joint: bool = False) -> Iterable[Check]:
    """Yield one check for each way in which residuals may be alike.

    Parameters
    ----------
    table : xarray.Dataset
        Of :func:`bayesgeo.metrics.residuals.dependence`; ``name (by)`` names the key of the groups, and the order.
    joint : bool
        Whether the model itself predicts that rows of one group are alike.

    Examples
    --------
    >>> values = {"value": 0.4, "low": 0.3, "high": 0.5, "p": 0.001, "design_effect": 4.6, "effective_rows": 88.0}
    >>> values |= {"chance_low": -0.1, "chance_high": 0.1}
    >>> values |= {"name": "event", "reason": ""}
    >>> table = xr.Dataset({k: ("by", [v] * 3) for k, v in values.items()}, {"by": ["group", "place", "order"]})
    >>> [check.status for check in checks(table.assign_attrs(rows=400, prob=0.9), joint=True)]
    ['not applicable', 'tip', 'tip']
    """
    for by, code in OF_RESIDUALS.items():
        row = table.sel(by=by)
        reason = JOINT if joint and by == "group" else str(row["reason"].values)
        yield not_applicable(code, _sentence(reason)) if reason else _graded(code, row, table.attrs)


def _graded(code: str, row: xr.Dataset, attrs: Mapping[str, Any]) -> Check:
    by, name = str(row["by"].values), str(row["name"].values)
    p, effect, effective = (float(row[key]) for key in ("p", "design_effect", "effective_rows"))
    found = p <= LEVEL[by] and effect > MATERIAL
    status: Status = "tip" if found else "passed"
    at_most = "" if by == "group" else "at most "
    alike = f"Errors of held-out rows are alike {ALIKE[by].format(name)}"
    advice = f"{alike} ({_measured(row, attrs['prob'])}, p = {p:.3f}): "
    advice += f"{attrs['rows']} rows count as {at_most}about {effective:.0f}. {REMEDY[by].format(name)}"
    threshold = f"design effect <= {MATERIAL}, or p > {LEVEL[by]}"
    return Check(code, status if np.isfinite(effect) else "issue", effect, threshold, advice)


def _measured(row: xr.Dataset, prob: float) -> str:
    value = f"{MEASURE[str(row['by'].values)]} {row['value']:.2f}"
    if row["by"] == "group":
        return f"{value}, {prob:.0%} interval {row['low']:.2f} to {row['high']:.2f}"
    return f"{value}, by chance {row['chance_low']:.2f} to {row['chance_high']:.2f}"


def _sentence(reason: str) -> str:
    return f"{reason[0].upper()}{reason[1:].rstrip('.')}."
