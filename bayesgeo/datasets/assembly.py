"""Build a data set from a table, its columns and its target."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
import xarray as xr

from bayesgeo._check import did_you_mean, invalid
from bayesgeo.datasets.base import Dataset
from bayesgeo.datasets.columns import Column, encode
from bayesgeo.datasets.origin import Origin

Rows = Mapping[str, np.ndarray]


def assemble(
    name: str,
    frame: pd.DataFrame,
    *,
    columns: Sequence[Column],
    target: pd.Series,
    labels: Sequence[str] = (),
    groups: pd.Series | pd.DataFrame | xr.DataArray | xr.Dataset | None = None,
    coordinates: pd.DataFrame | xr.Dataset | None = None,
    weights: pd.Series | xr.DataArray | None = None,
    exact: xr.DataArray | None = None,
    origin: Origin | None = None,
) -> Dataset:
    """Build a data set from a table, its columns and its target.

    Parameters
    ----------
    name : str
        Short name of the data set.
    frame : pandas.DataFrame
        One row per case; its index names the rows.
    columns : sequence of Column
        How the table becomes ``X``.
    target : pandas.Series
        Class names, if there are ``labels``, else numbers.
    labels : sequence of str
        Class names in the order of their codes; empty for regression.
    groups : pandas.Series, pandas.DataFrame, xarray.DataArray or xarray.Dataset, optional
        Group labels by row, one column for each key. A split keeps together the groups of the first key.
    coordinates : pandas.DataFrame or xarray.Dataset, optional
        Places, times and other variables by row; ``attrs["units"]`` of a table gives units by column.
    weights : pandas.Series or xarray.DataArray, optional
        Weight of each row.
    exact : xarray.DataArray, optional
        ``(obs, label)`` the true probabilities.
    origin : Origin, optional
        Leaks, published split, source and licence; its ``columns`` are set to the columns given here.

    Returns
    -------
    Dataset
        Classification when there are ``labels``, else regression.

    Raises
    ------
    InvalidInput
        If the table does not fit the columns, a class is not among the labels, or a key of the groups cannot be
        used as a name.

    Examples
    --------
    >>> table = pd.DataFrame({"GR": [71.0, 43.5], "rock": ["shale", "sand"]})
    >>> data = assemble("wells", table, columns=[Column("GR", "API")], target=table["rock"],
    ...                 labels=("sand", "shale"), groups=pd.Series(["A", "B"], name="well"))
    >>> data.y.values, data.group_labels()
    (array([1, 0]), {'well': array(['A', 'B'], dtype='<U1')})
    """
    rows = {"obs": frame.index.to_numpy()}
    codes = _codes(target, labels) if labels else target.to_numpy(float)
    return Dataset(
        name=name,
        X=encode(frame, columns),
        y=xr.DataArray(codes, dims="obs", coords=rows, name=str(target.name)),
        labels=tuple(labels),
        groups=_groups(groups, rows),
        coordinates=_variables(coordinates, rows),
        weights=xr.DataArray(weights, dims="obs", coords=rows) if isinstance(weights, pd.Series) else weights,
        exact=exact,
        origin=replace(origin or Origin(), columns=tuple(columns)),
    )


def _codes(target: pd.Series, labels: Sequence[str]) -> np.ndarray:
    known = {label: code for code, label in enumerate(labels)}
    strange = target[~target.isin(list(known))]
    if len(strange):
        problem = f"Class {strange.iloc[0]!r} at row {strange.index[0]} is not among the labels."
        raise invalid("target", target.name, problem, did_you_mean(strange.iloc[0], labels))
    return target.map(known).to_numpy(int)


def _groups(groups: pd.Series | pd.DataFrame | xr.DataArray | xr.Dataset | None, rows: Rows) -> xr.Dataset:
    if isinstance(groups, xr.DataArray):
        return groups.to_dataset(name=str(groups.name or "group"))
    table = groups.to_frame(groups.name or "group") if isinstance(groups, pd.Series) else groups
    if isinstance(table, pd.DataFrame) and "obs" in table:
        raise invalid("group", "obs", "It is the name of the rows.", "Rename the column.")
    return _variables(table, rows)


def _variables(table: pd.DataFrame | xr.Dataset | None, rows: Rows) -> xr.Dataset:
    if table is None:
        return xr.Dataset()
    if isinstance(table, xr.Dataset):
        return table
    units = table.attrs.get("units", {})
    attrs = {name: {"units": units[name]} if name in units else {} for name in table.columns}
    return xr.Dataset({str(name): ("obs", table[name].to_numpy(), attrs[name]) for name in table.columns}, coords=rows)


__all__ = ["assemble"]
