"""Read the cells of a grid as a run reads the rows of a table."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import pandas as pd

from bayesgeo._check import did_you_mean, invalid
from bayesgeo.datasets.columns import texts
from bayesgeo.datasets.registry import prepare
from bayesgeo.datasets.tables.base import Table
from bayesgeo.datasets.tables.codes import KNOWN, among, as_far_as_numbers, missing_codes
from bayesgeo.maps.axes import COMPASS, DEGREES, PLANE, turned
from bayesgeo.maps.cells import Cells, cells_of
from bayesgeo.maps.grid import Grid
from bayesgeo.maps.locating import beside, on_axes
from bayesgeo.runs.held import example
from bayesgeo.runs.opened import OpenedRun
from bayesgeo.runs.reading import converted, coordinates_in

DERIVED = "Longitude and latitude of the cells are those that the grid states, or computed from its reference system."
SAMPLED = 300  # rows and columns of cells in which codes for missing values are looked for


@dataclass(eq=False)
class CellReader:
    """Reads the strips of a grid: same columns, same units, no codes; cells that lack something stay empty.

    Parameters
    ----------
    run : OpenedRun
        The run.
    grid : Grid
        Its cells.
    held : collection of str
        Variables that the user gave a value, in which no code for a missing one is looked for.

    Attributes
    ----------
    cells, empty : int
        Cells that count, and those among them that lack a feature, as far as they were read.
    notes : list of str
        What was decided while reading.
    """

    run: OpenedRun
    grid: Grid
    held: Collection[str] = ()
    cells: int = 0
    empty: int = 0
    notes: list[str] = field(default_factory=list)

    def check(self) -> None:
        """Refuse a grid whose axes are not those of the training rows, or that lacks a feature."""
        wanted, axes = self.run.manifest["coordinates"], self.grid.axes
        pairs = [pair for pair in (DEGREES, PLANE) if {*pair} <= {*wanted}]
        if pairs and axes.places not in pairs and not (DEGREES in pairs and self.grid.degrees):
            problem = f"Its axes are {' and '.join(axes.places)}, those of the training rows {' and '.join(pairs[0])}."
            remedy = "Project it to the same coordinates"
            remedy += ", or state its reference system (crs_wkt)." if DEGREES in pairs else "."
            raise invalid("grid", f"{axes.x}, {axes.y}", problem, remedy)
        far = beside(self.grid, on_axes(self.grid, self.run.places_in(self.grid.units)))
        self.notes += [note for note in (DERIVED if self.grid.degrees else "", far) if note]
        if not self.run.library:  # of a data set by name, features are derived, and what lacks is told by that
            needed = [column.name for column in self.run.columns]
            self.grid.refuse_missing(needed, remedy=self._remedy([name for name in needed if not self.grid.has(name)]))

    def _remedy(self, lacking: Sequence[str]) -> str:
        if not lacking:
            return ""
        hold = example(self.run, lacking)
        if not {*self.grid.names} - {*self.held}:
            made = "Cells made by --resolution have only coordinates"
            return f"{made}: hold the others at values, as {hold}, or give a file with --grid."
        return f"{did_you_mean(lacking[0], self.grid.names)} Or hold at one value what is not there: {hold}."

    @property
    def needed(self) -> list[str]:
        """Names that a strip is read with: features, groups, places; for a data set by name all that there are."""
        manifest = self.run.manifest
        names = [*self.run.wanted, *manifest["groups"], *manifest["coordinates"], *self.grid.axes.places]
        names += self.grid.names if self.run.library else []
        return [name for name in dict.fromkeys(names) if self.grid.has(name)]

    def __call__(self, frame: pd.DataFrame, counted: np.ndarray) -> Cells:
        """Return the cells of a strip that can be predicted."""
        run = self.run
        read = converted(Table(self._uncoded(self._turned(frame)), self.grid.units), run.wanted)
        table = prepare(run.library, read.frame) if run.library else read.frame
        cells = cells_of(table, run.columns, run.manifest["features"], counted)
        self.notes += [note for note in read.notes if note not in self.notes]
        self.cells, self.empty = self.cells + int(counted.sum()), self.empty + int(counted.sum()) - len(cells.at)
        table = table.iloc[cells.at]
        # Degrees are degrees, however a table writes them.
        units = {name: unit for name, unit in read.units.items() if unit not in COMPASS}
        places = coordinates_in(table, units, run.manifest)
        return replace(cells, groups=self._groups(table), coordinates=places)

    def _turned(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Count longitudes as the training rows do: to 360 degrees where one of theirs is above 180, else around 0."""
        names = [str(name) for name in frame if self.grid.place_of(str(name)) == "longitude"]
        centre = 180.0 if np.nanmax(self.run.places.get("longitude", [0.0])) > 180 else 0.0
        return frame.assign(**{name: turned(frame[name].to_numpy(float), centre) for name in names})

    def _uncoded(self, frame: pd.DataFrame) -> pd.DataFrame:
        held = {name: among(as_far_as_numbers(frame[name]).to_numpy(), codes) for name, codes in self._codes.items()}
        return frame.assign(**{name: frame[name].mask(where) for name, where in held.items() if where.any()})

    @cached_property
    def _codes(self) -> dict[str, Sequence[float]]:
        """The numbers that stand for a missing value, by looking at some of the cells, the same for every strip."""
        there = {*self.grid.names} - {*self.held}
        numeric = [column for column in self.run.columns if not column.levels and column.name in there]
        sample = self.grid.sample([column.name for column in numeric], SAMPLED)
        known = dict(zip(self.run.manifest["features"], self.run.reference.rows.T, strict=True))
        found: dict[str, Sequence[float]] = {}
        for column in numeric:
            same = self.grid.units.get(column.name, column.unit) == column.unit
            looked = pd.Series([*KNOWN, *as_far_as_numbers(sample[column.name])])
            found[column.name] = (*missing_codes(looked, known.get(column.name) if same else None), *column.codes)
        return found

    def _groups(self, table: pd.DataFrame) -> dict[str, np.ndarray]:
        """Return the labels by key; for a model that asks for each key, an empty one where the grid has none."""
        keys = self.run.manifest["groups"]
        found = {key: texts(table[key]).fillna("").to_numpy(str) for key in keys if key in table}
        asked = self.run.estimator.unseen_groups == "population"
        return {key: found.get(key, np.full(len(table), "")) for key in keys if asked or key in found}


__all__ = ["CellReader"]
