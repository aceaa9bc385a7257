"""Read the rows of a new table as a run read its own: same columns, same units, no codes for missing values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from bayesgeo._check import invalid, shown
from bayesgeo.datasets.columns import Column, encode, numbers, texts
from bayesgeo.datasets.registry import prepare, raw_units
from bayesgeo.datasets.tables.base import Table
from bayesgeo.datasets.tables.codes import among, as_far_as_numbers, count, missing_codes
from bayesgeo.datasets.tables.coordinates import coordinates_of
from bayesgeo.datasets.tables.formats import read_file
from bayesgeo.datasets.units import in_unit
from bayesgeo.runs.folder import read_manifest
from bayesgeo.runs.manifest import columns_of
from bayesgeo.runs.reference import Reference, load_reference


@dataclass(frozen=True, eq=False)
class NewRows:
    """Rows of a new table as a run reads them.

    Parameters
    ----------
    X : xarray.DataArray
        ``(obs, feature)``.
    groups, coordinates : dict of numpy.ndarray
        ``(obs,)`` labels and numbers by name, as far as the run and the table have them.
    reference : Reference
        The training rows from which their distance is measured.
    notes : tuple of str
        What was decided while reading: units, columns left out.
    """

    X: xr.DataArray
    groups: dict[str, np.ndarray]
    coordinates: dict[str, np.ndarray]
    reference: Reference
    notes: tuple[str, ...] = ()

    @property
    def labels(self) -> dict[str, Any]:
        """Groups and coordinates, as keywords of a prediction."""
        return {"groups": self.groups, "coordinates": self.coordinates}


def new_rows(run: str | Path, table: str | Path) -> NewRows:
    """Read the rows of a table as a run read its own.

    Numbers in another unit than the run's are converted; a column without a unit is taken to be in the run's, which is
    noted.

    Raises
    ------
    InvalidInput
        If a column is missing, its unit cannot be turned into the run's, or a value is missing, a code for a missing
        one, or cannot be used.
    """
    manifest, read = read_manifest(run), read_file(table)
    if not len(read.frame):
        raise invalid("table", Path(table).name, "It has no rows.", "Give rows to predict.")
    columns = columns_of(manifest)
    reference = load_reference(run, len(manifest["features"]))
    library = manifest["dataset"]["library"]
    wanted = {**(raw_units(library) if library else {}), **{column.name: column.unit for column in columns}}
    known = dict(zip(manifest["features"], reference.rows.T, strict=True))
    read = _uncoded(read, columns, wanted, known)
    read = converted(read, wanted)
    frame = prepare(library, read.frame) if library else read.frame
    X = encode(frame, columns).sel(feature=manifest["features"])
    groups = {key: texts(frame[key]).fillna("").to_numpy(str) for key in manifest["groups"] if key in frame}
    return NewRows(X, groups, coordinates_in(frame, read.units, manifest), reference, read.notes)


def _uncoded(
    read: Table, columns: Sequence[Column], wanted: Mapping[str, str], known: Mapping[str, np.ndarray]
) -> Table:
    """Empty codes where gaps are filled, and refuse them elsewhere."""
    learned = {column.name: column for column in columns}
    emptied = {}
    for name in [name for name in wanted if name in read.frame]:
        column = learned.get(name, Column(name))
        values = as_far_as_numbers(read.frame[name])
        same_unit = read.units.get(name, column.unit) == column.unit
        found = missing_codes(values, known.get(name) if same_unit else None)
        held = pd.Series(among(values.to_numpy(), (*found, *column.codes)), index=values.index)
        if held.any() and column.fill is None:
            problem = f"{count(values[held])} stand for missing ones, row {shown(values.index[held])}."
            raise invalid("column", name, problem, "Fill them, or leave those rows out.")
        emptied[name] = read.frame[name].mask(held)
    return replace(read, frame=read.frame.assign(**emptied))


def converted(read: Table, wanted: Mapping[str, str]) -> Table:
    """Turn columns into the units of the run, and note what was taken for granted."""
    stated = {name: read.units[name] for name in wanted if name in read.units and name in read.frame}
    turned, notes = {}, list(read.notes)
    for name, unit in stated.items():
        if not wanted[name]:
            notes.append(f"Column {name!r} is in {unit} here and without a unit in the training table: left as it is.")
        elif unit != wanted[name]:
            turned[name] = in_unit(numbers(read.frame[name]), unit, wanted[name])
            notes.append(f"Column {name!r} was converted from {unit} to {wanted[name]}.")
    bare = [f"{name} [{unit}]" for name, unit in wanted.items() if unit and name in read.frame and name not in stated]
    if bare:
        notes.append(f"The table states no unit for {shown(bare, most=10)}: taken to be as in the training table.")
    units = read.units | {name: wanted[name] for name in turned}
    return replace(read, frame=read.frame.assign(**turned), units=units, notes=tuple(notes))


def coordinates_in(frame: pd.DataFrame, units: dict[str, str], manifest: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Return those coordinates of the run that a table has, in the run's units."""
    wanted: Mapping[str, str] = manifest["coordinates"]
    if not wanted:
        return {}
    places = coordinates_of(frame, notes=[], units=units, keys=manifest["groups"])
    stated = places.attrs["units"]
    return {
        name: in_unit(places[name], stated.get(name) or unit, unit or stated.get(name, "")).to_numpy(float)
        for name, unit in wanted.items()
        if name in places
    }
