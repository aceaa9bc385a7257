"""Formats that a map is written to strip by strip: netCDF and Zarr."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import xarray as xr

from bayesgeo._check import invalid
from bayesgeo.maps.axes import Axes
from bayesgeo.maps.layers import Layer, variable

CHUNK = 512  # cells of a side of what a file keeps together, at most
GATHERED = 2**20  # cells that wait until they fill the chunks that they are in
INSTALL = 'Run: pip install "bayesgeo[maps]"'

Strips = Iterable[tuple[slice, Mapping[str, np.ndarray]]]


class Writer(ABC):
    """A file that is being written, a strip at a time.

    Parameters
    ----------
    frame : xarray.Dataset
        Coordinates, reference system and attributes, of :func:`bayesgeo.maps.layers.frame_of`.
    axes : Axes
        Its axes.
    layers : sequence of Layer
        Its variables.

    Attributes
    ----------
    library : str
        What must be installed; empty where nothing more must.
    folder : bool
        Whether it writes a folder.
    """

    library: ClassVar[str] = ""
    folder: ClassVar[bool] = False

    def __init__(self, frame: xr.Dataset, axes: Axes, layers: Sequence[Layer]):
        self.frame, self.axes, self.layers = frame, axes, layers

    def check(self, out: Path) -> None:
        """Refuse what the format cannot hold, or what needs a library that is not installed."""
        try:
            __import__(self.library or "bayesgeo")
        except ImportError:
            problem = f"{self.library} is not installed, which writes it."
            raise invalid("out", str(out), problem, INSTALL) from None

    @abstractmethod
    def write(self, out: Path, strips: Strips) -> None:
        """Write all strips to a new file, or a new folder."""

    def shape(self, layer: Layer) -> tuple[int, ...]:
        """Return the shape of a variable."""
        return tuple(self.frame.sizes[dim] for dim in layer.dims(self.axes))

    def chunks(self, layer: Layer) -> tuple[int, ...]:
        """Return the shape of what a file keeps together: part of one class."""
        shape = self.shape(layer)
        return (*(1,) * (len(shape) - 2), self.height, min(shape[-1], CHUNK))

    @property
    def height(self) -> int:
        """Rows of cells of a chunk: fewer of a wide map, whose rows are many cells."""
        rows, width = (self.frame.sizes[name] for name in (self.axes.y, self.axes.x))
        return min(rows, CHUNK, max(1, GATHERED // width))


class NetCDF(Writer):
    """A netCDF-4 file, compressed."""

    def write(self, out: Path, strips: Strips) -> None:
        """Write all strips."""
        import h5netcdf

        self.frame.to_netcdf(out, engine="h5netcdf")
        with h5netcdf.File(out, "a") as file:
            for layer in self.layers:
                self._create(file, layer)
            for rows, values in gathered(strips, self.height):
                for layer in self.layers:
                    file.variables[layer.name][(..., rows, slice(None))] = layer.stored(values[layer.name])

    def _create(self, file: Any, layer: Layer) -> None:
        stored, attrs = layer.encoding, variable(layer, self.axes, np.empty((1,) * len(self.shape(layer)))).attrs
        packed: Any = {"chunks": self.chunks(layer), "compression": "gzip", "compression_opts": 4, "shuffle": True}
        dims, fill = layer.dims(self.axes), stored["_FillValue"]
        made = file.create_variable(layer.name, dims, stored["dtype"], fillvalue=fill, **packed)
        for name, value in attrs.items():
            made.attrs[name] = value


class Zarr(Writer):
    """A Zarr store in a folder."""

    library, folder = "zarr", True

    def write(self, out: Path, strips: Strips) -> None:
        """Write all strips."""
        template: Any = self.frame.assign({layer.name: self._promised(layer) for layer in self.layers})
        template.to_zarr(out, compute=False, zarr_format=2, consolidated=True)
        dims = {dim for layer in self.layers for dim in layer.dims(self.axes)}
        for rows, values in gathered(strips, self.height):
            part = {layer.name: (layer.dims(self.axes), values[layer.name]) for layer in self.layers}
            region: Any = dict.fromkeys(dims, slice(None)) | {self.axes.y: rows}
            xr.Dataset(part).to_zarr(out, region=region, safe_chunks=False, zarr_format=2)

    def _promised(self, layer: Layer) -> xr.Variable:
        """Return a variable that is as large as the map, and holds nothing."""
        import dask.array as da

        values = da.full(self.shape(layer), np.nan, chunks=self.chunks(layer))
        promised = variable(layer, self.axes, values)
        promised.encoding |= {"chunks": self.chunks(layer)}
        return promised


def gathered(strips: Strips, height: int) -> Strips:
    """Yield strips of so many rows each, the last of what is left: no chunk is packed more than once.

    Examples
    --------
    >>> strips = [(slice(k, k + 2), {"mean": np.full((2, 3), k)}) for k in (0, 2, 4)]
    >>> [(rows.start, rows.stop, values["mean"][:, 0].tolist()) for rows, values in gathered(strips, 4)]
    [(0, 4, [0, 0, 2, 2]), (4, 6, [4, 4])]
    """
    start, held = 0, dict[str, np.ndarray]()
    for _, values in strips:
        held = {name: np.concatenate([held[name], new], -2) if held else new for name, new in values.items()}
        while (rows := next(iter(held.values())).shape[-2]) >= height:
            yield slice(start, start + height), {name: array[..., :height, :] for name, array in held.items()}
            start, held = start + height, {name: array[..., height:, :] for name, array in held.items()}
    if held and rows:
        yield slice(start, start + rows), held
