"""Check that the arrays of a Dataset fit together and hold usable values."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from bayesgeo._check import invalid, shown
from bayesgeo.datasets.columns import LARGEST

if TYPE_CHECKING:
    from bayesgeo.datasets.base import Dataset


def refuse_shapes(data: "Dataset") -> None:
    """Refuse arrays whose dimensions, lengths or feature names disagree."""
    if data.X.dims != ("obs", "feature") or data.y.dims != ("obs",):
        raise invalid("dimensions", (data.X.dims, data.y.dims), "X is (obs, feature) and y is (obs,).")
    if not isinstance(data.groups, xr.Dataset):
        problem = f"It is a {type(data.groups).__name__}, not an xarray.Dataset."
        raise invalid("groups", "", problem, "Give one variable (obs,) for each key, or xarray.Dataset() for none.")
    labels = {f"group {key!r}": part for key, part in data.groups.data_vars.items()}
    for name, part in (labels | {"weights": data.weights}).items():
        if part is not None and part.dims != ("obs",):
            raise invalid(name, part.dims, "Its dimensions must be ('obs',).", "Give one value for each row.")
    _refuse_lengths(data, labels)
    names = data.X["feature"].to_index()
    if names.has_duplicates:
        twice = shown(sorted(set(names[names.duplicated()])))
        raise invalid("features", twice, "The names occur more than once.", "Rename or drop one of each.")


def _refuse_lengths(data: "Dataset", labels: Mapping[str, xr.DataArray]) -> None:
    others = {"y": data.y, "weights": data.weights, "exact": data.exact, "coordinates": data.coordinates or None}
    for name, part in {**labels, **others}.items():
        if part is not None and part.sizes["obs"] != data.n_rows:
            problem = f"It has {part.sizes['obs']} rows, X has {data.n_rows}."
            raise invalid(name, "", problem, "Give as many rows as X has.")


def refuse_values(data: "Dataset") -> None:
    """Refuse values and weights that are missing or infinite, and codes without a label."""
    _refuse_non_finite(data.X)
    _refuse_extreme(data)
    if not np.isfinite(data.y.values.astype(float)).all():
        raise invalid("y", "", "Some of its values are missing or infinite.", "Drop those rows.")
    if data.labels and not np.isin(data.y, range(len(data.labels))).all():
        raise invalid("y", data.y.values, f"Codes must be below {len(data.labels)}, the number of labels.")
    if data.weights is not None:
        _refuse_weights(data.weights, data.X["obs"].values)


def _refuse_non_finite(X: xr.DataArray) -> None:
    bad = ~np.isfinite(X.values)
    if not bad.any():
        return
    row, column = np.argwhere(bad)[0]
    where = f"row {X['obs'].values[row]}, feature {X['feature'].values[column]!r}"
    problem = f"{int(bad.sum())} values are missing or infinite, the first at {where}."
    raise invalid("X", float(X.values[row, column]), problem, "Drop the rows or the column.")


def _refuse_extreme(data: "Dataset") -> None:
    """Refuse numbers whose squares overflow or vanish: no variance can be computed of them."""
    columns = {"target": (str(data.y.name or "y"), data.y.values)} if not data.labels else {}
    largest = np.abs(data.X.values).max(axis=0, initial=0.0)
    odd = np.flatnonzero((largest > LARGEST) | ((largest > 0) & (largest < 1 / LARGEST)))
    if odd.size:
        columns["feature"] = (str(data.X["feature"].values[odd[0]]), data.X.values[:, odd[0]])
    for role, (name, values) in columns.items():
        most = float(np.abs(values).max(initial=0.0))
        if most > LARGEST or 0 < most < 1 / LARGEST:
            row = data.X["obs"].values[np.abs(values).argmax()]
            problem = f"Its largest number, {most:g} at row {row}, is outside {1 / LARGEST:g} to {LARGEST:g}."
            raise invalid(role, name, problem, "Correct it, or choose another unit.")


def _refuse_weights(weights: xr.DataArray, rows: np.ndarray) -> None:
    values = weights.values.astype(float)
    bad = np.flatnonzero(~(np.isfinite(values) & (values >= 0)))
    if bad.size:
        problem = f"{bad.size} of {values.size} weights are negative, missing or infinite: row {shown(rows[bad])}."
        raise invalid("weights", float(values[bad[0]]), problem, "Give finite weights of at least zero.")
    if not values.any():
        raise invalid("weights", 0, "All weights are zero.", "Give a positive weight to some rows.")
