"""A Dataset: labelled arrays with units, groups, coordinates, weights and origin."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
import pandas as pd
import xarray as xr

from bayesgeo._check import did_you_mean, invalid
from bayesgeo.datasets.columns import Column, encode
from bayesgeo.datasets.consistency import refuse_shapes, refuse_values
from bayesgeo.datasets.origin import Origin

Task = Literal["classification", "regression"]
ON_MAP = ("longitude", "latitude", "easting", "northing")
PLACES = (*ON_MAP, "depth")


@dataclass(frozen=True, eq=False)
class Dataset:
    """Rows with a target, class labels, units, groups, coordinates, weights and origin.

    Parameters
    ----------
    name : str
        Short name, used for files and titles.
    X : xarray.DataArray
        ``(obs, feature)``, finite floats. The ``obs`` coordinate names rows, ``feature`` names columns,
        and the ``unit`` coordinate along ``feature`` gives units.
    y : xarray.DataArray
        ``(obs,)``: codes into ``labels`` (classification) or floats (regression).
    labels : tuple of str
        Class names in the order of their codes; with two, the last is the positive class. Empty for regression.
    groups : xarray.Dataset
        One variable of labels ``(obs,)`` for each key (well, site, event, station); a split keeps together the
        groups of the first. Empty without groups.
    coordinates : xarray.Dataset
        Other variables along ``obs``: ``time``, ``longitude``/``latitude`` or ``easting``/``northing``, and those of
        groups, as ``event_longitude``.
    weights : xarray.DataArray, optional
        ``(obs,)`` finite weights of the rows, none below zero; without them all rows weigh the same.
    exact : xarray.DataArray, optional
        ``(obs, label)`` the true probabilities, when rows come from a known process.
    origin : Origin
        Columns, leaks, published split, source and licence.

    Raises
    ------
    InvalidInput
        If dimensions, lengths or names disagree, a value is not finite, or a weight is negative.

    Examples
    --------
    >>> from bayesgeo.datasets.simulation.events import draw_seismic_events
    >>> events = draw_seismic_events(100, seed=0)
    >>> events.task, list(events.groups), events.origin.library
    ('classification', ['site'], '')
    >>> events.rows([0, 1]).with_features(["magnitude", "log10_ps"]).X.shape
    (2, 2)
    >>> events.with_coordinate("depth").features[-1]
    'depth'
    """

    name: str
    X: xr.DataArray
    y: xr.DataArray
    labels: tuple[str, ...] = ()
    groups: xr.Dataset = field(default_factory=xr.Dataset)
    coordinates: xr.Dataset = field(default_factory=xr.Dataset)
    weights: xr.DataArray | None = None
    exact: xr.DataArray | None = None
    origin: Origin = field(default_factory=Origin)

    def __post_init__(self) -> None:
        refuse_shapes(self)
        refuse_values(self)

    @property
    def task(self) -> Task:
        """``"classification"`` where there are labels, else ``"regression"``."""
        return "classification" if self.labels else "regression"

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
    def group(self) -> xr.DataArray | None:
        """Labels ``(obs,)`` of the first key of ``groups``, which a split keeps together; None without groups."""
        return next(iter(self.groups.data_vars.values()), None)

    @property
    def columns(self) -> tuple[Column, ...]:
        """How a new table becomes the features."""
        return self.origin.columns

    @property
    def leaks(self) -> Mapping[str, str]:
        """Columns that leak the target, with the reason."""
        return self.origin.leaks

    @property
    def split(self) -> Mapping[str, Any]:
        """The published split, as keywords of :func:`bayesgeo.split`."""
        return self.origin.split

    @property
    def attrs(self) -> Mapping[str, str]:
        """Source, licence, hash of the file and notes."""
        return self.origin.attrs

    @property
    def sha256(self) -> str:
        """Hash of the data that models are fitted to: features, target, groups and weights, from whatever file."""
        digest = hashlib.sha256()
        for part in _hashed(self):
            digest.update(part)
        return digest.hexdigest()

    def group_labels(self) -> dict[str, np.ndarray]:
        """Return the group labels ``(obs,)`` of each key as text; empty without groups.

        Examples
        --------
        >>> from bayesgeo.datasets import load
        >>> load("seismic_events").group_labels()["site"][:2].tolist()
        ['district 03', 'district 33']
        """
        return {str(key): labels.values.astype(str) for key, labels in self.groups.data_vars.items()}

    def place_values(self) -> dict[str, np.ndarray]:
        """Return the numeric places ``(obs,)`` as floats, in the units of ``coordinates``; NaN where unknown.

        These are ``longitude``, ``latitude``, ``easting``, ``northing`` and ``depth``, and the places of groups, such
        as ``event_longitude`` where ``event`` is a key of the groups, as far as the data set has them as numbers.

        Examples
        --------
        >>> from bayesgeo.datasets import load
        >>> list(load("seismic_events").place_values())
        ['easting', 'northing', 'depth']
        """
        of_groups = [f"{key}_{name}" for key in self.groups for name in ON_MAP]
        found = {name: self.coordinates[name].values for name in (*PLACES, *of_groups) if name in self.coordinates}
        return {name: values.astype(float) for name, values in found.items() if values.dtype.kind in "iuf"}

    def rows(self, index: Any) -> "Dataset":
        """Return the data set with only the rows at these positions."""
        return replace(
            self,
            X=self.X.isel(obs=index),
            y=self.y.isel(obs=index),
            groups=self.groups.isel(obs=index, missing_dims="ignore"),
            coordinates=self.coordinates.isel(obs=index, missing_dims="ignore"),
            weights=None if self.weights is None else self.weights.isel(obs=index),
            exact=None if self.exact is None else self.exact.isel(obs=index),
        )

    def encode(self, frame: pd.DataFrame) -> xr.DataArray:
        """Turn a new table into the same features, in the same order.

        Raises
        ------
        InvalidInput
            If the table lacks a column, or holds a category absent from the training data.
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
                raise invalid("feature", name, "Unknown feature.", did_you_mean(name, self.features))
        kept = tuple(column for column in self.columns if set(column.features) & set(names))
        return replace(self, X=self.X.sel(feature=list(names)), origin=replace(self.origin, columns=kept))

    def with_coordinate(self, name: str) -> "Dataset":
        """Return the data set with a coordinate among the features, even one that leaks the target.

        Raises
        ------
        InvalidInput
            If the coordinate is unknown, or not all its values are finite numbers.
        """
        if name not in self.coordinates:
            remedy = did_you_mean(name, map(str, self.coordinates))
            raise invalid("coordinate", name, "Unknown coordinate.", remedy)
        column = Column(name)
        table = self.coordinates[[name]].to_dataframe()
        X = xr.concat([self.X, encode(table, [column])], dim="feature", join="override")
        return replace(self, X=X, origin=replace(self.origin, columns=(*self.columns, column)))


def _hashed(data: Dataset) -> Iterator[bytes]:
    for part in (data.X, data.y):
        yield np.ascontiguousarray(part.values).tobytes()
    yield "\x1f".join([*data.features, *data.labels]).encode()
    for position, (key, labels) in enumerate(data.groups.data_vars.items()):
        # The name of the first key is not hashed, so that renaming the column does not change the hash.
        yield "\x1f".join([f"\x1e{key}"] * (position > 0) + [str(label) for label in labels.values]).encode()
    if data.weights is not None:
        yield b"\x1eweights" + np.ascontiguousarray(data.weights.values, dtype=float).tobytes()


__all__ = ["PLACES", "Column", "Dataset", "Origin", "Task"]
