"""A grid of cells: variables along two axes, and which of the cells count."""

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from bayesgeo._check import did_you_mean, invalid, shown
from bayesgeo.datasets.tables.coordinates import PLACES
from bayesgeo.maps.axes import DEGREES, PLANE, Axes, axes_of, place_by

STRIP = 2**17  # cells that are read and predicted at once, whatever the chunks of the file
LARGE = 2**22  # cells beyond which not all are read at once
MOST = 10**9


@dataclass(frozen=True, eq=False)
class Grid:
    """Variables along two axes.

    Parameters
    ----------
    data : xarray.Dataset
        Variables along both axes, one of them or none, read when they are asked for.
    axes : Axes
        The axes.
    mask : numpy.ndarray, optional
        ``(y, x)`` of bool, the cells that count; None counts all.
    degrees : callable, optional
        From a part of ``data`` to the ``longitude`` and ``latitude (y, x)`` of its cells, where the axes are others.

    Examples
    --------
    >>> grid = as_grid(xr.Dataset({"slope": (("y", "x"), np.eye(2))}, {"y": [0.0, 1.0], "x": [5.0, 6.0]}))
    >>> grid.shape, grid.names
    ((2, 2), ['slope'])
    """

    data: xr.Dataset
    axes: Axes
    mask: np.ndarray | None = None
    degrees: Callable[[xr.Dataset], Mapping[str, xr.DataArray]] | None = None

    @property
    def x(self) -> np.ndarray:
        """Coordinates ``(x,)`` of the cells' centres."""
        return self.data[self.axes.x].values.astype(float)

    @property
    def y(self) -> np.ndarray:
        """Coordinates ``(y,)`` of the cells' centres."""
        return self.data[self.axes.y].values.astype(float)

    @property
    def shape(self) -> tuple[int, int]:
        """Numbers of cells along y and along x."""
        return self.data.sizes[self.axes.y], self.data.sizes[self.axes.x]

    @property
    def names(self) -> list[str]:
        """Names of the variables that have one value for each cell."""
        kept = [name for name, array in self.data.data_vars.items() if {*array.dims} <= {self.axes.x, self.axes.y}]
        return [str(name) for name in kept if "grid_mapping_name" not in self.data[name].attrs]

    @property
    def units(self) -> dict[str, str]:
        """Units of variables and axes, as far as they are stated."""
        stated = {name: str(self.data[name].attrs.get("units", "")) for name in self.names}
        named = {name: unit for name, place, unit in self._of_axes() for name in (name, *aliases(place))}
        return {name: unit for name, unit in (named | stated).items() if unit}

    def strips(self) -> Iterator[slice]:
        """Yield the rows of cells, as many at once as make a strip."""
        height = max(1, STRIP // self.shape[1])
        for start in range(0, self.shape[0], height):
            yield slice(start, min(start + height, self.shape[0]))

    def frame(self, rows: slice, names: Iterable[str], columns: slice = slice(None)) -> pd.DataFrame:
        """Return the cells of some rows as a table, one row of cells after another.

        A name of an axis, or another spelling of what it is, gives the coordinate; what is not there is left out.
        """
        part, along = self.data.isel({self.axes.y: rows, self.axes.x: columns}), (self.axes.y, self.axes.x)
        cells = xr.DataArray(np.empty([part.sizes[name] for name in along], bool), dims=along)
        held, found = {*self.names}, {}
        for name in names:
            values = _plain(part[name]) if name in held else self._coordinate(part, name)
            if values is not None:
                found[name] = values.broadcast_like(cells).transpose(*along).values.reshape(-1)
        return pd.DataFrame(found, index=pd.RangeIndex(cells.size))

    def sample(self, names: Iterable[str], most: int) -> pd.DataFrame:
        """Return the cells of at most so many rows and columns, evenly spaced, as :meth:`frame` does.

        The rows of a large grid are read one by one: of a file that is read with a stride, some libraries read all.
        """
        down, along = (-(-size // most) for size in self.shape)
        rows = [slice(None, None, down)]
        if self.shape[0] * self.shape[1] > LARGE:
            rows = [slice(at, at + 1) for at in range(0, self.shape[0], down)]
        kept = list(names)
        return pd.concat([self.frame(part, kept, slice(None, None, along)) for part in rows], ignore_index=True)

    def counted(self, rows: slice) -> np.ndarray:
        """Tell which cells of some rows count, one row after another."""
        height = len(range(*rows.indices(self.shape[0])))
        return np.ones(height * self.shape[1], bool) if self.mask is None else self.mask[rows].reshape(-1)

    def has(self, name: str) -> bool:
        """Tell whether there is such a variable, or such a coordinate."""
        return name in self.names or self.place_of(name) != ""

    def refuse_missing(self, names: Iterable[str], *, remedy: str = "") -> None:
        """Refuse a grid that lacks one of the names."""
        lacking = [name for name in names if not self.has(name)]
        for name in lacking:
            self._refuse_more_dimensions(name)
        if lacking:
            problem = f"It has no variable {shown(map(repr, lacking), most=10)}, which the model needs."
            known = [*self.names, self.axes.x, self.axes.y]
            raise invalid("grid", shown(known, most=10), problem, remedy or did_you_mean(lacking[0], known))

    def _refuse_more_dimensions(self, name: str) -> None:
        sizes = self.data[name].sizes if name in self.data else {}
        more = [f"{dim} ({size})" for dim, size in sizes.items() if dim not in (self.axes.x, self.axes.y)]
        if more:
            problem = f"It has more than the two axes: {shown(more)}."
            raise invalid("variable", name, problem, "Give one value for each cell: select one step, or a mean of all.")

    def _of_axes(self) -> list[tuple[str, str, str]]:
        axes = self.axes
        return list(zip((axes.x, axes.y), axes.places, axes.units, strict=True))

    def axis_of(self, name: str) -> str | None:
        """Return which axis a name stands for, in any of its spellings; None where it stands for none."""
        return next(
            (axis for axis, place, _ in self._of_axes() if name == axis or name.lower() in aliases(place)), None
        )

    def place_of(self, name: str) -> str:
        """Return which coordinate a name stands for; empty where it stands for none that the grid tells."""
        axis = self.axis_of(name)
        if axis is not None:
            return self.axes.places[(self.axes.x, self.axes.y).index(axis)]
        spelled = [place for place in DEGREES if name.lower() in aliases(place)]
        return spelled[0] if spelled and self.degrees is not None else ""

    def _coordinate(self, part: xr.Dataset, name: str) -> xr.DataArray | None:
        axis, place = self.axis_of(name), self.place_of(name)
        if axis is not None:
            return part[axis].drop_vars(axis).astype(float)
        return _plain(self.degrees(part)[place]).astype(float) if self.degrees is not None and place else None


def aliases(place: str) -> tuple[str, ...]:
    """Return the names that a coordinate may have in a table.

    Examples
    --------
    >>> aliases("easting")
    ('easting', 'x')
    """
    return (*PLACES[place], "xy"[PLANE.index(place)]) if place in PLANE else PLACES.get(place, ())


def as_grid(data: xr.Dataset, *, coordinates: tuple[str, str] | None = None) -> Grid:
    """Return a dataset as a grid: axes found and checked, dimensions of one value left out.

    Raises
    ------
    InvalidInput
        If the axes are not found or not usable (:func:`bayesgeo.maps.axes.axes_of`), or there are too many cells.
    """
    single = [name for name, size in data.sizes.items() if size == 1]
    data = data.squeeze([name for name in single if name not in (coordinates or ()) and not _is_axis(data, name)])
    axes = axes_of(data, coordinates)
    grid = Grid(data.reset_coords([name for name in data.coords if name not in data.dims]), axes)
    cells = grid.shape[0] * grid.shape[1]
    if cells > MOST:
        raise invalid("grid", f"{cells:,} cells", f"At most {MOST:,} are supported.", "Give a part of it.")
    return grid


def _is_axis(data: xr.Dataset, name: Hashable) -> bool:
    """Tell whether a dimension may be an axis: one row of cells is a grid too."""
    return bool(place_by(name, data[name].attrs if name in data.coords else {}, {}))


def _plain(array: xr.DataArray) -> xr.DataArray:
    """Return a variable without coordinates, its codes turned into the words that it states for them."""
    array = array.drop_vars(list(array.coords))
    words, codes = str(array.attrs.get("flag_meanings", "")).split(), np.atleast_1d(array.attrs.get("flag_values", []))
    if not words or len(words) != len(codes):
        return array
    return array.copy(data=_named(array.values, dict(zip(codes.tolist(), words, strict=True))))


def _named(values: np.ndarray, words: Mapping[Any, str]) -> np.ndarray:
    named = np.full(values.shape, None, dtype=object)
    for code, word in words.items():
        named[values == code] = word
    return named
