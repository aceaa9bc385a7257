"""Write a map to the format that its ending names, whole or not at all."""

import shutil
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np
import xarray as xr

from bayesgeo._check import invalid
from bayesgeo._files.writing import atomic_file, atomic_folder
from bayesgeo.maps.axes import Axes, axes_of
from bayesgeo.maps.geotiff import GeoTIFF
from bayesgeo.maps.layers import Layer
from bayesgeo.maps.writers import NetCDF, Strips, Writer, Zarr

BYTES = 4  # of a number, before compression


def writer_of(out: str | Path, frame: xr.Dataset, axes: Axes, layers: Sequence[Layer]) -> Writer:
    """Return the writer for the ending of a path, and refuse what it cannot write before anything is predicted.

    Raises
    ------
    InvalidInput
        If the ending is not known, the path is taken, a library is not installed, there is too little room, or the
        format cannot hold the map.
    """
    out = Path(out)
    if out.suffix.lower() not in WRITERS:
        raise invalid("out", str(out), f"Its ending is not one of {', '.join(WRITERS)}.", "Give map.nc.")
    if out.exists():
        raise invalid("out", str(out), "It exists, and nothing is overwritten.", "Give a new name, or remove it.")
    writer = WRITERS[out.suffix.lower()](frame, axes, layers)
    writer.check(out)
    _refuse_room(out, sum(int(np.prod(writer.shape(layer))) for layer in layers) * BYTES)
    return writer


def save(writer: Writer, out: str | Path, strips: Strips) -> Path:
    """Write all strips; the path has the whole map, or nothing."""
    out = Path(out)
    whole: AbstractContextManager[Path] = atomic_folder(out) if writer.folder else atomic_file(out)
    with whole as temporary:
        writer.write(temporary, strips)
    return out


def write_map(found: xr.Dataset, out: str | Path) -> Path:
    """Write what :func:`bayesgeo.maps.predict_grid` returned, numbers in single precision.

    Parameters
    ----------
    found : xarray.Dataset
        A map.
    out : path
        ``.nc``, ``.zarr`` or ``.tif``; it must not exist.

    Raises
    ------
    InvalidInput
        As :func:`writer_of`.

    Examples
    --------
    >>> import tempfile
    >>> place = {"y": ("y", [0.0, 1.0]), "x": ("x", [0.0, 1.0])}
    >>> found = xr.Dataset({"mean": (("y", "x"), np.eye(2), {"long_name": "mean"})}, place)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     xr.load_dataset(write_map(found, Path(folder) / "map.nc"))["mean"].values.tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    axes = axes_of(found)
    layers = [layer_of(str(name), found[name]) for name in found.data_vars if axes.y in found[name].dims]
    frame = found.drop_vars([layer.name for layer in layers])
    whole = slice(0, found.sizes[axes.y])
    writer = writer_of(out, frame, axes, layers)
    return save(writer, out, [(whole, {layer.name: found[layer.name].values for layer in layers})])


def layer_of(name: str, array: xr.DataArray) -> Layer:
    """Return what a variable of a map is, from its attributes.

    Examples
    --------
    >>> layer_of("sd", xr.DataArray(0.0, attrs={"long_name": "spread", "units": "g"})).unit
    'g'
    """
    own = ("long_name", "units", "flag_values", "flag_meanings", "grid_mapping")
    attrs = {key: value for key, value in array.attrs.items() if key not in own}
    words = tuple(str(array.attrs.get("flag_meanings", "")).split())
    title, unit = str(array.attrs.get("long_name", name)), str(array.attrs.get("units", ""))
    return Layer(name, title, unit, words, "label" in array.dims, attrs)


def _refuse_room(out: Path, needed: int) -> None:
    """Refuse where the disk is too full: HDF5 that runs out of room can end the process by a signal."""
    place = next((folder for folder in out.absolute().parents if folder.exists()), None)
    free = shutil.disk_usage(place).free if place else needed
    if free < needed:
        problem = f"The map may take {needed / 1e9:.1f} GB, and {free / 1e9:.1f} GB are free."
        raise invalid("out", str(out), problem, "Make room, or give another place.")


WRITERS: Mapping[str, type[Writer]] = {".nc": NetCDF, ".nc4": NetCDF, ".zarr": Zarr, ".tif": GeoTIFF, ".tiff": GeoTIFF}


__all__ = ["write_map"]
