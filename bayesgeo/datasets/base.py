"""A Dataset: labelled arrays, what they mean, and where they come from."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
import pandas as pd
import xarray as xr

from bayesgeo._check import did_you_mean, invalid, shown
from bayesgeo.datasets.columns import Column, encode

Task = Literal["classification", "regression"]


@dataclass(frozen=True, eq=False)
class Dataset:
    """Rows to learn from, with labels, units, groups and origin.

    Parameters
    ----------
    name : str
        Short name, used for files and titles.
    X : xarray.DataArray
        ``(obs, feature)``, finite floats. The ``obs`` coordinate names rows, ``feature`` names columns,
        and the ``unit`` coordinate along ``feature`` gives units.
    y : xarray.DataArray
        ``(obs,)``: codes into ``labels`` (classification) or floats with ``attrs["unit"]`` (regression).
    task : {"classification", "regression"}
        What ``y`` is.
    labels : tuple of str
        Class names in the order of their codes; with two, the last is the positive class.
    groups : xarray.DataArray, optional
        ``(obs,)`` names of what must not be split: well, site, event, station.
    coordinates : xarray.Dataset
        Other variables along ``obs``: ``time``, ``longitude``/``latitude`` or ``easting``/``northing``.
    exact : xarray.DataArray, optional
        ``(obs, label)`` the true probabilities, when rows come from a known process.
    columns : tuple of Column
        How to turn a new table into ``X``.
    leaks : mapping of str to str
        Columns that carry the answer, with the reason; never features unless asked for.
    split : mapping
        The split that this data set is published with, as keywords of :func:`bayesgeo.split`.
    attrs : mapping
        ``source``, ``licence``, ``sha256`` and free notes.

    Raises
    ------
    InvalidInput
        If dimensions, lengths or names disagree, or a value is not finite.

    Examples
    --------
    >>> from bayesgeo.datasets.simulation.events import draw_seismic_events
    >>> events = draw_seismic_events(100, seed=0)
    >>> events.rows([0, 1]).with_features(["magnitude", "log10_ps"]).X.shape
    (2, 2)
    >>> events.with_coordinate("depth").features[-1]
    'depth'
    """

    name: str
    X: xr.DataArray
    y: xr.DataArray
    task: Task
    labels: tuple[str, ...] = ()
    groups: xr.DataArray | None = None
    coordinates: xr.Dataset = field(default_factory=xr.Dataset)
    exact: xr.DataArray | None = None
    columns: tuple[Column, ...] = ()
    leaks: Mapping[str, str] = field(default_factory=dict)
    split: Mapping[str, Any] = field(default_factory=dict)
    attrs: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _refuse_shapes(self)
        _refuse_non_finite(self.X)
        if not np.isfinite(self.y.values.astype(float)).all():
            raise invalid("y", "", "Some of its values are missing or infinite.", "Drop those rows.")
        if self.task == "classification" and not np.isin(self.y, range(len(self.labels))).all():
            raise invalid("y", self.y.values, f"Codes must be below {len(self.labels)}, the number of labels.")

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return self.X.sizes["obs"]

    @property
    def features(self) -> list[str]:
        """Names of the features."""
        return [str(name) for name in self.X["feature"].values]

    @property
    def units(self) -> dict[str, str]:
        """Unit of each feature, empty where unknown."""
        if "unit" not in self.X.coords:
            return dict.fromkeys(self.features, "")
        return dict(zip(self.features, self.X["unit"].values.tolist(), strict=True))

    @property
    def sha256(self) -> str:
        """Hash of every number the models see, whatever file it came from."""
        digest = hashlib.sha256()
        for part in (self.X, self.y):
            digest.update(np.ascontiguousarray(part.values).tobytes())
        digest.update("\x1f".join([*self.features, *self.labels]).encode())
        if self.groups is not None:
            digest.update("\x1f".join(map(str, self.groups.values)).encode())
        return digest.hexdigest()

    def rows(self, index: Any) -> "Dataset":
        """Return the data set with only the rows at these positions."""
        keep = {"obs": index}
        return replace(
            self,
            X=self.X.isel(keep),
            y=self.y.isel(keep),
            groups=None if self.groups is None else self.groups.isel(keep),
            coordinates=self.coordinates.isel(keep) if self.coordinates else self.coordinates,
            exact=None if self.exact is None else self.exact.isel(keep),
        )

    def encode(self, frame: pd.DataFrame) -> xr.DataArray:
        """Turn a new table into the same features, in the same order.

        Raises
        ------
        InvalidInput
            If the table lacks a column, or holds what was not learnt.
        """
        return encode(frame, self.columns).sel(feature=self.features)

    def with_features(self, names: Sequence[str]) -> "Dataset":
        """Return the data set with only these features, in this order.

        Raises
        ------
        InvalidInput
            If a name is unknown.
        """
        for name in names:
            if name not in self.features:
                remedy = did_you_mean(name, self.features)
                raise invalid("feature", name, "The data set has none of that name.", remedy)
        kept = tuple(column for column in self.columns if set(column.features) & set(names))
        return replace(self, X=self.X.sel(feature=list(names)), columns=kept)

    def with_coordinate(self, name: str) -> "Dataset":
        """Return the data set with a coordinate among the features, even one that leaks.

        Raises
        ------
        InvalidInput
            If there is no coordinate of that name, or it is no finite number.
        """
        if name not in self.coordinates:
            remedy = did_you_mean(name, map(str, self.coordinates))
            raise invalid("coordinate", name, "The data set has none of that name.", remedy)
        column = (Column(name),)
        table = self.coordinates[[name]].to_dataframe()
        X = xr.concat([self.X, encode(table, column)], dim="feature", join="override")
        return replace(self, X=X, columns=self.columns + column)


def assemble(name: str, frame: pd.DataFrame, *, columns: Sequence[Column], target: pd.Series, **fields: Any) -> Dataset:
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
        Class names, if ``labels`` is among the fields, else numbers.
    **fields
        Other fields of :class:`Dataset`; ``groups`` may be a column, ``coordinates`` a table
        with ``attrs["units"]`` by name.

    Returns
    -------
    Dataset
        Classification when there are ``labels``, else regression.

    Raises
    ------
    InvalidInput
        If the table does not hold what the columns say, or a class is not among the labels.

    Examples
    --------
    >>> table = pd.DataFrame({"GR": [71.0, 43.5], "rock": ["shale", "sand"]})
    >>> data = assemble("wells", table, columns=[Column("GR", "API")], target=table["rock"],
    ...                 labels=("sand", "shale"))
    >>> data.y.values
    array([1, 0])
    """
    labels = fields.get("labels", ())
    rows = {"obs": frame.index.to_numpy()}
    codes = _codes(target, labels) if labels else target.to_numpy(float)
    for key in ("groups", "coordinates"):
        if isinstance(fields.get(key), (pd.Series, pd.DataFrame)):
            fields[key] = _along_rows(fields[key], rows)
    return Dataset(
        name=name,
        X=encode(frame, columns),
        y=xr.DataArray(codes, dims="obs", coords=rows, name=str(target.name)),
        task="classification" if labels else "regression",
        columns=tuple(columns),
        **fields,
    )


def _codes(target: pd.Series, labels: Sequence[str]) -> np.ndarray:
    known = {label: code for code, label in enumerate(labels)}
    strange = target[~target.isin(list(known))]
    if len(strange):
        problem = f"Class {strange.iloc[0]!r} at row {strange.index[0]} is not among the labels."
        raise invalid("target", target.name, problem, did_you_mean(strange.iloc[0], labels))
    return target.map(known).to_numpy(int)


def _along_rows(table: pd.Series | pd.DataFrame, rows: Mapping[str, np.ndarray]) -> xr.DataArray | xr.Dataset:
    if isinstance(table, pd.Series):
        return xr.DataArray(table.to_numpy(), dims="obs", coords=rows, name=table.name)
    units = table.attrs.get("units", {})
    attrs = {name: {"units": units[name]} if name in units else {} for name in table.columns}
    return xr.Dataset({str(name): ("obs", table[name].to_numpy(), attrs[name]) for name in table.columns}, coords=rows)


def _refuse_shapes(data: Dataset) -> None:
    if data.X.dims != ("obs", "feature") or data.y.dims != ("obs",):
        raise invalid("dimensions", (data.X.dims, data.y.dims), "X is (obs, feature) and y is (obs,).")
    others = [data.y, data.groups, data.exact, data.coordinates or None]
    lengths = [data.X.sizes["obs"], *(part.sizes["obs"] for part in others if part is not None)]
    if len(set(lengths)) > 1:
        raise invalid("lengths", lengths, "X, y, groups, exact and coordinates must have the same rows.")
    names = data.X["feature"].to_index()
    if names.has_duplicates:
        twice = shown(sorted(set(names[names.duplicated()])))
        raise invalid("features", twice, "The names occur more than once.", "Rename or drop one of each.")


def _refuse_non_finite(X: xr.DataArray) -> None:
    bad = ~np.isfinite(X.values)
    if not bad.any():
        return
    row, column = np.argwhere(bad)[0]
    where = f"row {X['obs'].values[row]}, feature {X['feature'].values[column]!r}"
    problem = f"{int(bad.sum())} values are missing or infinite, the first at {where}."
    raise invalid("X", float(X.values[row, column]), problem, "Drop the rows or the column.")


__all__ = ["Column", "Dataset", "Task", "assemble"]
