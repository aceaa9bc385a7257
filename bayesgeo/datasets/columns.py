"""How the columns of a table become features, for training rows and for new ones."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr

from bayesgeo._check import did_you_mean, invalid, shown

NO_NUMBERS = {"M": "dates", "m": "time spans", "c": "complex numbers"}
LARGEST = 1e100  # sums of squares stay finite
WHOLE = 2.0**53  # from here on floats skip whole numbers


@dataclass(frozen=True)
class Column:
    """How one column of a table becomes features.

    Parameters
    ----------
    name : str
        The column's name in the table.
    unit : str
        Its unit; empty when unknown or dimensionless.
    levels : tuple of str
        Categories of a text column, one 0/1 feature each but the first; empty for numbers.
    fill : float, optional
        Value that replaces missing numbers; an extra feature ``<name> missing`` marks them. Without it a missing
        value is refused.
    codes : tuple of float
        Numbers that stand for a missing value in this column.

    Examples
    --------
    >>> Column("rock", levels=("basalt", "granite", "schist")).features
    ('rock=granite', 'rock=schist')
    """

    name: str
    unit: str = ""
    levels: tuple[str, ...] = ()
    fill: float | None = None
    codes: tuple[float, ...] = ()

    @property
    def features(self) -> tuple[str, ...]:
        """Names of the features that the column becomes."""
        if self.levels:
            return tuple(f"{self.name}={level}" for level in self.levels[1:])
        return (self.name,) if self.fill is None else (self.name, f"{self.name} missing")

    @property
    def units(self) -> tuple[str, ...]:
        """Unit of each feature; an indicator has none."""
        if self.levels:
            return ("",) * len(self.features)
        return (self.unit,) if self.fill is None else (self.unit, "")


def encode(frame: pd.DataFrame, columns: Sequence[Column]) -> xr.DataArray:
    """Turn a table into features; refuse a missing column, a missing value or an unknown category.

    Parameters
    ----------
    frame : pandas.DataFrame
        One row per case; its index names the rows. Other columns are ignored.
    columns : sequence of Column
        The columns of the training data.

    Returns
    -------
    xarray.DataArray
        ``(obs, feature)`` floats with the ``unit`` of each feature.

    Raises
    ------
    InvalidInput
        If a column is missing, or holds text among numbers, a missing or infinite number, or a
        category absent from the training data.

    Examples
    --------
    >>> wells = pd.DataFrame({"GR": [71.0, 43.5], "rock": ["shale", "sand"]})
    >>> encode(wells, [Column("GR", "API"), Column("rock", levels=("sand", "shale"))]).values
    array([[71. ,  1. ],
           [43.5,  0. ]])
    """
    parts = [_features(_pick(frame, column), column) for column in columns]
    names = [name for column in columns for name in column.features]
    units = [unit for column in columns for unit in column.units]
    values = np.column_stack(parts) if parts else np.empty((len(frame), 0))
    coords = {"obs": frame.index.to_numpy(), "feature": names, "unit": ("feature", units)}
    return xr.DataArray(values, dims=("obs", "feature"), coords=coords, name="X")


def numbers(values: pd.Series) -> pd.Series:
    """Return a column as floats, refusing text and infinities by row.

    Parameters
    ----------
    values : pandas.Series
        Named column; missing values stay missing.

    Returns
    -------
    pandas.Series
        Floats on the same index.

    Raises
    ------
    InvalidInput
        If an entry is not a number, or is infinite or beyond 1e100.

    Examples
    --------
    >>> numbers(pd.Series(["1.5", "high"], name="GR"))
    Traceback (most recent call last):
    ...
    bayesgeo._check.InvalidInput: Invalid column 'GR'. Text among its numbers: 'high' at row 1. ...
    """
    if values.dtype.kind in NO_NUMBERS:
        problem = f"It holds {NO_NUMBERS[values.dtype.kind]}, not numbers."
        raise invalid("column", values.name, problem, "Leave it out with drop, or turn it into numbers.")
    if values.dtype.kind in "iuf" and not (np.abs(values.to_numpy(float, na_value=np.nan)) > LARGEST).any():
        return values.astype(float)
    found = pd.to_numeric(values, errors="coerce").astype(float)
    text = values[found.isna() & values.notna()]
    if len(text):
        where = shown(f"{entry!r} at row {row}" for row, entry in text.items())
        remedy = "Correct the entries, leave them empty, or leave the column out with drop."
        raise invalid("column", values.name, f"Text among its numbers: {where}.", remedy)
    infinite = found.index[np.isinf(found)]
    if len(infinite):
        problem = f"It is infinite at row {shown(infinite)}."
        raise invalid("column", values.name, problem, "Correct or empty those entries.")
    large = found.index[found.abs() > LARGEST]
    if len(large):
        problem = f"{found[large[0]]:g} at row {large[0]} is beyond {LARGEST:g}: its square overflows."
        raise invalid("column", values.name, problem, "Correct it, or choose another unit.")
    return found


def texts(values: pd.Series) -> pd.Series:
    """Return labels as text: a whole number without a point, every other with all its digits; missing stays missing.

    So neither 1000001 and 1000002 become one label, nor does a gap in the column turn 7 into 7.0.

    Examples
    --------
    >>> texts(pd.Series([7.0, 1000001.0, 0.1])).tolist(), texts(pd.Series([7, None])).tolist()
    (['7', '1000001', '0.1'], ['7', nan])
    """
    known = values.notna()
    if pd.api.types.is_float_dtype(values):
        values = values.astype(float)
        whole = (values[known] % 1 == 0) & (values[known].abs() < WHOLE)
        labels = values[known].astype(str).where(~whole, values[known].where(whole, 0).astype("int64").astype(str))
    else:
        labels = values[known].astype(str)
    return labels.astype(object).reindex(values.index)


def _pick(frame: pd.DataFrame, column: Column) -> pd.Series:
    if column.name not in frame.columns:
        remedy = did_you_mean(column.name, frame.columns)
        raise invalid("column", column.name, "The table has no such column.", remedy)
    return frame[column.name]


def _features(values: pd.Series, column: Column) -> np.ndarray:
    if column.levels:
        return _indicators(values, column)
    found = numbers(values)
    missing = found.isna().to_numpy()
    if column.fill is not None:
        return np.column_stack([found.fillna(column.fill), missing])
    if missing.any():
        _refuse_missing(values, missing)
    return found.to_numpy()


def _indicators(values: pd.Series, column: Column) -> np.ndarray:
    missing = values.isna().to_numpy()
    if missing.any():
        _refuse_missing(values, missing)
    text = texts(values)
    unknown = text[~text.isin(column.levels)]
    if len(unknown):
        problem = f"Category {unknown.iloc[0]!r} at row {unknown.index[0]} is not in the training data."
        remedy = f"{did_you_mean(unknown.iloc[0], column.levels)} Or train again with such rows."
        raise invalid("column", column.name, problem, remedy)
    return (text.to_numpy()[:, None] == np.array(column.levels[1:])).astype(float)


def _refuse_missing(values: pd.Series, missing: np.ndarray) -> None:
    rows = values.index[missing]
    if len(rows) == len(values):
        problem, remedy = "All its values are missing.", "Give a table that has them."
    else:
        problem = f"{len(rows)} of {len(values)} values are missing: row {shown(rows)}."
        remedy = "Fill them, or leave those rows out."
    raise invalid("column", values.name, problem, remedy)


__all__ = ["Column", "encode", "numbers", "texts"]
