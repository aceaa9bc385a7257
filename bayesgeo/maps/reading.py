"""Read a grid from a file: netCDF, Zarr, GeoTIFF, GeoPackage, or a table with a row for each cell."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import xarray as xr

from bayesgeo._check import InvalidInput, did_you_mean, invalid, shown
from bayesgeo._files.netcdf import refuse_external
from bayesgeo.datasets.tables.base import unreadable
from bayesgeo.datasets.tables.formats import read_file
from bayesgeo.maps.axes import BY_NAME, DEGREES, PLANE
from bayesgeo.maps.geopackage import POINT, only, raster_tables, read_layers, table_of_points
from bayesgeo.maps.grid import Grid, as_grid
from bayesgeo.maps.locating import crs_of

SPARSEST = 20  # nodes of a lattice for each row of a table, beyond which its cells lie on no lattice
INSTALL = 'Run: pip install "bayesgeo[maps]"'


def read_grid(path: str | Path, *, coordinates: tuple[str, str] | None = None) -> Grid:
    r"""Open a grid; its values are read when they are needed.

    Parameters
    ----------
    path : str or pathlib.Path
        ``.nc``, ``.nc4``; ``.zarr``, a folder; ``.tif``, ``.tiff``, whose bands are variables called by their
        descriptions; ``.gpkg``, whose raster tables are variables called by their names, or whose points are cells with
        their attributes as variables; or a table as :func:`bayesgeo.datasets.tables.formats.read_file` takes it,
        with columns of coordinates and a row for each cell.
    coordinates : tuple of str, optional
        As of :func:`bayesgeo.maps.predict_grid`.

    Raises
    ------
    InvalidInput
        If it is not there, cannot be read, needs a library that is not installed, or is no grid.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "hills.csv"
    ...     _ = path.write_text("lon,lat,slope [deg]\n7,46,1.5\n8,46,2.5\n7,47,3.5\n")
    ...     grid = read_grid(path)
    >>> grid.shape, grid.names, grid.units["slope"]
    ((2, 2), ['slope'], 'deg')
    """
    path = Path(path)
    if not path.exists():
        near = [other.name for other in path.parent.glob("*")] if path.parent.is_dir() else []
        raise invalid("grid", str(path), "There is no such file.", did_you_mean(path.name, near))
    read = READERS.get(path.suffix.lower(), _of_table)
    return as_grid(read(path), coordinates=coordinates)


def _of_netcdf(path: Path) -> xr.Dataset:
    refuse_external(path, "grid")
    return _opened(path, "netCDF", lambda: xr.open_dataset(path, decode_timedelta=False, cache=False))


def _of_zarr(path: Path) -> xr.Dataset:
    _need("zarr", path)
    options: Mapping[str, Any] = {"engine": "zarr", "decode_timedelta": False, "cache": False}
    return _opened(path, "Zarr", lambda: xr.open_dataset(path, **options))


def _of_geotiff(path: Path) -> xr.Dataset:
    return _of_raster(path, str(path), "GeoTIFF")


def _of_geopackage(path: Path) -> xr.Dataset:
    tables = raster_tables(path)
    if not tables:
        layer = only(read_layers(path, "grid"), POINT, path, "grid")
        found = _on_lattice(table_of_points(layer), {}, path)
        crs = crs_of({"crs_wkt": layer.wkt} if layer.wkt else {})
        return found if crs is None else found.assign(crs=((), 0, crs.to_cf()))
    parts = []
    for table in tables:
        part = _of_raster(path, f"GPKG:{path}:{table}", "GeoPackage")
        parts.append(part.rename(dict.fromkeys(part.data_vars, table)) if len(part.data_vars) == 1 else part)
    try:
        return xr.merge(parts, join="exact", compat="no_conflicts", combine_attrs="override")
    except ValueError as error:
        problem = f"Its raster tables {shown(tables)} are not on one grid, or share a name."
        raise invalid("grid", path.name, problem, "Give tables of the same cells.") from error


def _of_raster(path: Path, source: str, kind: str) -> xr.Dataset:
    rioxarray = _need("rioxarray", path)
    read = rioxarray.open_rasterio
    opened = _opened(path, kind, lambda: read(source, band_as_variable=True, mask_and_scale=True, cache=False))
    names = {name: str(opened[name].attrs.get("long_name", name)) for name in opened.data_vars}
    if len({*names.values()}) < len(names):
        raise invalid("grid", path.name, "Two of its bands have one description.", "Describe each band by its feature.")
    return opened.rename(names)


def _of_table(path: Path) -> xr.Dataset:
    table = read_file(path)
    return _on_lattice(table.frame, table.units, path)


def _on_lattice(frame: pd.DataFrame, units: Mapping[str, str], path: Path) -> xr.Dataset:
    """Return a table with a row for each cell as a dataset along two axes."""
    named = {BY_NAME[str(name).lower()]: name for name in frame if str(name).lower() in BY_NAME}
    pair = next((pair for pair in (DEGREES, PLANE) if {*pair} <= named.keys()), None)
    if pair is None:
        problem = "It has no columns of longitude and latitude, or of x and y."
        raise invalid("grid", path.name, problem, "Name them so.")
    east, north = (named[place] for place in pair)
    twice = frame.index[frame.duplicated([north, east])]
    if len(twice):
        raise invalid("grid", path.name, f"Row {twice[0]} is of a cell that was there before.", "Keep one of them.")
    if frame[[north, east]].isna().to_numpy().any():
        raise invalid("grid", path.name, "A coordinate is missing.", "Leave those rows out.")
    nodes = frame[east].nunique() * frame[north].nunique()
    if nodes > max(SPARSEST * len(frame), 1000):
        problem = f"Its {len(frame):,} rows lie on no lattice: their coordinates would make {nodes:,} cells."
        raise invalid("grid", path.name, problem, "For points, use bayesgeo predict.")
    data = frame.set_index([north, east]).to_xarray().rename({north: str(north), east: str(east)})
    for name, unit in units.items():
        data[name].attrs["units"] = unit
    return data


def _opened(path: Path, kind: str, read: Callable[[], xr.Dataset]) -> xr.Dataset:
    try:
        return read()
    except InvalidInput:
        raise
    except Exception as error:  # a damaged file makes the library fail in any way
        raise unreadable(path, kind) from error


def _need(library: str, path: Path) -> Any:
    try:
        return __import__(library)
    except ImportError:
        raise invalid("grid", path.name, f"{library} is not installed, which reads it.", INSTALL) from None


READERS: Mapping[str, Callable[[Path], xr.Dataset]] = {
    ".nc": _of_netcdf,
    ".nc4": _of_netcdf,
    ".zarr": _of_zarr,
    ".tif": _of_geotiff,
    ".tiff": _of_geotiff,
    ".gpkg": _of_geopackage,
}


__all__ = ["read_grid"]
