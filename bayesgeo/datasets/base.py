"""A Dataset: labelled arrays, what they mean, and where they come from."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
import xarray as xr

from bayesgeo._check import InvalidInput, did_you_mean, invalid, shown

Task = Literal["classification", "regression"]


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
        Value that stands for missing numbers, told apart by an extra feature ``<name> missing``;
        without it a missing value is refused.
    """

    name: str
    unit: str = ""
    levels: tuple[str, ...] = ()
    fill: float | None = None

    @property
    def features(self) -> tuple[str, ...]:
        """Names of the features that the column becomes."""
        if self.levels:
            return tuple(f"{self.name}={level}" for level in self.levels[1:])
        return (self.name,) if self.fill is None else (self.name, f"{self.name} missing")


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
        if self.X.dims != ("obs", "feature") or self.y.dims != ("obs",):
            raise invalid("dimensions", (self.X.dims, self.y.dims), "X is (obs, feature) and y is (obs,).")
        if self.X.sizes["obs"] != self.y.sizes["obs"]:
            lengths = (self.X.sizes["obs"], self.y.sizes["obs"])
            raise invalid("lengths", lengths, "X and y must have the same rows.")
        _refuse_non_finite(self.X)
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

    def with_features(self, names: list[str]) -> "Dataset":
        """Return the data set with only these features, in this order.

        Raises
        ------
        InvalidInput
            If a name is unknown.
        """
        for name in names:
            if name not in self.features:
                raise invalid("feature", name, "The data set has none of that name.",
                              did_you_mean(name, self.features))
        kept = tuple(column for column in self.columns if set(column.features) & set(names))
        return replace(self, X=self.X.sel(feature=names), columns=kept)


def _refuse_non_finite(X: xr.DataArray) -> None:
    bad = ~np.isfinite(X.values)
    if not bad.any():
        return
    row, column = np.argwhere(bad)[0]
    where = f"row {X['obs'].values[row]}, feature {X['feature'].values[column]!r}"
    problem = f"{int(bad.sum())} values are missing or infinite, the first at {where}."
    raise invalid("X", float(X.values[row, column]), problem, "Drop the rows or the column.")


__all__ = ["Column", "Dataset", "InvalidInput", "shown"]
