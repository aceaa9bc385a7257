"""Grids are read from every format, and maps come back from every format as they were written."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from bayesgeo._check import InvalidInput
from bayesgeo.maps import geotiff, predict_grid, read_grid, write_map, writers
from bayesgeo.maps.axes import axes_of
from bayesgeo.maps.writing import layer_of, save, writer_of
from tests.maps.small import FEATURES, classifier, hills, ridge

# The library that reads GeoTIFF multiplies in a way that its own dependency will give up.
pytestmark = pytest.mark.filterwarnings("ignore:Use `@` matmul:PendingDeprecationWarning")


@pytest.fixture
def mapped():
    return predict_grid(ridge(), hills(), features=FEATURES, threshold=2.0)


def parted(found):
    """Return what a writer wants of a map: its frame, its axes and its layers."""
    layers = [layer_of(str(name), found[name]) for name in found.data_vars if name != "crs"]
    return found.drop_vars([layer.name for layer in layers]), axes_of(found), layers


@pytest.mark.parametrize("ending", ["nc", "zarr"])
def test_a_map_comes_back_as_it_was_written(tmp_path, mapped, ending):
    if ending == "zarr":
        pytest.importorskip("zarr")
    back = xr.load_dataset(write_map(mapped, tmp_path / f"map.{ending}"), chunks=None)
    for name in ("mean", "sd", "low", "high", "exceedance"):
        np.testing.assert_array_equal(back[name].values, mapped[name].values.astype("f4"))
        assert back[name].attrs == mapped[name].attrs
    assert back.attrs == mapped.attrs
    assert back["crs"].attrs == mapped["crs"].attrs
    np.testing.assert_array_equal(back["lat"], mapped["lat"])


@pytest.mark.parametrize("ending", ["nc", "zarr"])
def test_classes_come_back_as_codes_with_their_meanings(tmp_path, ending):
    if ending == "zarr":
        pytest.importorskip("zarr")
    found = predict_grid(classifier(), hills(), features=FEATURES)
    path = write_map(found, tmp_path / f"map.{ending}")
    raw = xr.open_dataset(path, mask_and_scale=False)["predicted"].load()
    assert raw.dtype == np.int16
    assert raw.values[2, 3] == raw.attrs["_FillValue"] == -1
    assert raw.attrs["flag_meanings"] == "0 1 2"
    back = xr.load_dataset(path)
    np.testing.assert_array_equal(back["predicted"], found["predicted"])
    np.testing.assert_array_equal(back["probability"], found["probability"].astype("f4"))


def test_a_geotiff_lies_north_up_where_the_cells_are(tmp_path, mapped):
    rasterio = pytest.importorskip("rasterio")
    with rasterio.open(write_map(mapped, tmp_path / "map.tif")) as file:
        assert file.descriptions[0] == "mean"
        assert file.crs.to_epsg() == 4326
        assert file.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        row, column = file.index(7.1, 46.4)  # the cell whose centre this is
        assert file.read(1)[row, column] == np.float32(mapped["mean"].sel(lon=7.1, lat=46.4, method="nearest"))
        assert np.isnan(file.read(1)).sum() == 1


def test_a_geotiff_of_a_grid_that_falls_is_the_same(tmp_path, mapped):
    rasterio = pytest.importorskip("rasterio")
    paths = [tmp_path / "up.tif", tmp_path / "down.tif"]
    for path, one in zip(paths, (mapped, mapped.isel(lat=slice(None, None, -1))), strict=True):
        write_map(one, path)
    up, down = (rasterio.open(path).read() for path in paths)
    np.testing.assert_array_equal(up, down)


def test_bands_of_a_geotiff_are_features_by_their_descriptions(tmp_path):
    rasterio, _ = pytest.importorskip("rasterio"), pytest.importorskip("rioxarray")
    grid, path = hills(empty=()), tmp_path / "hills.tif"
    place = rasterio.transform.from_origin(6.95, 46.65, 0.1, 0.1)
    made = {"driver": "GTiff", "count": 2, "dtype": "float64", "crs": "EPSG:4326", "transform": place, "nodata": -9.0}
    with rasterio.open(path, "w", height=7, width=5, **made) as file:
        file.write(np.stack([grid[name].values[::-1] for name in FEATURES]))
        file.descriptions = FEATURES
    found = read_grid(path)
    assert (found.axes.places, found.names) == (("longitude", "latitude"), FEATURES)
    one, other = (predict_grid(ridge(), data, features=FEATURES)["mean"].values for data in (found.data, grid))
    np.testing.assert_allclose(one[::-1], other, rtol=1e-12)


def test_a_table_of_cells_is_a_grid_and_those_it_lacks_are_empty(tmp_path):
    path = tmp_path / "cells.csv"
    pd.DataFrame({"x": [1, 2, 1], "y": [5, 5, 6], "slope": [0.1, 0.2, 0.3]}).to_csv(path, index=False)
    found = read_grid(path)
    np.testing.assert_array_equal(found.data["slope"], [[0.1, 0.2], [0.3, np.nan]])


def test_a_netcdf_grid_is_read_when_it_is_needed(tmp_path):
    hills().to_netcdf(tmp_path / "hills.nc", engine="h5netcdf")
    found = read_grid(tmp_path / "hills.nc")
    assert not found.data["slope"].variable._in_memory
    np.testing.assert_array_equal(found.frame(slice(1, 3), ["slope"])["slope"], hills()["slope"][1:3].values.ravel())
    assert not found.data["slope"].variable._in_memory


def test_a_map_is_written_strip_by_strip_as_at_once(tmp_path, mapped):
    writer = writers.NetCDF(*parted(mapped))
    rows = (slice(0, 3), slice(3, 4), slice(4, 7))
    strips = [(part, {layer.name: mapped[layer.name].values[part] for layer in writer.layers}) for part in rows]
    parts = xr.load_dataset(save(writer, tmp_path / "parts.nc", strips))
    xr.testing.assert_identical(parts, xr.load_dataset(write_map(mapped, tmp_path / "whole.nc")))


def test_a_geotiff_is_written_strip_by_strip_as_at_once(tmp_path, mapped):
    rasterio = pytest.importorskip("rasterio")
    writer = geotiff.GeoTIFF(*parted(mapped))
    rows = (slice(0, 3), slice(3, 7))
    strips = [(part, {layer.name: mapped[layer.name].values[part] for layer in writer.layers}) for part in rows]
    paths = (save(writer, tmp_path / "parts.tif", strips), write_map(mapped, tmp_path / "whole.tif"))
    parts, whole = (rasterio.open(path).read() for path in paths)
    np.testing.assert_array_equal(parts, whole)


@pytest.mark.parametrize("ending", ["nc", "zarr", "tif"])
def test_chunks_of_few_rows_change_nothing(tmp_path, mapped, monkeypatch, ending):
    for library in ("zarr", "rasterio", "rioxarray"):
        pytest.importorskip(library)
    monkeypatch.setattr(writers, "GATHERED", 2 * mapped.sizes["lon"])
    writer = writer_of(tmp_path / f"map.{ending}", *parted(mapped))
    assert writer.height == 2
    strips = [(slice(k, k + 1), {n.name: mapped[n.name].values[k : k + 1] for n in writer.layers}) for k in range(7)]
    save(writer, tmp_path / f"map.{ending}", strips)
    found = read_grid(tmp_path / f"map.{ending}").data.sortby(read_grid(tmp_path / f"map.{ending}").axes.y)
    for layer in writer.layers:
        np.testing.assert_array_equal(found[layer.name].values, mapped[layer.name].values.astype("f4"))


@pytest.mark.parametrize("size", [(1, 5), (5, 1), (1, 1)])
def test_a_row_of_cells_is_a_grid_whatever_its_axes_are_called(size):
    grid = hills(size, empty=()).rename(lat="north", lon="east")
    grid["north"].attrs["units"], grid["east"].attrs["standard_name"] = "degrees_north", "longitude"
    assert predict_grid(ridge(), grid, features=FEATURES)["mean"].shape == size


def test_a_geotiff_of_one_row_has_no_size(tmp_path):
    pytest.importorskip("rasterio")
    with pytest.raises(InvalidInput, match="has one value, which does not tell the size of a cell"):
        write_map(predict_grid(ridge(), hills((1, 5), empty=()), features=FEATURES), tmp_path / "a.tif")


def test_what_fails_while_it_is_written_leaves_nothing(tmp_path, mapped):
    frame, axes, layers = parted(mapped)

    def strips():
        yield slice(0, 3), {layer.name: mapped[layer.name].values[:3] for layer in layers}
        raise InvalidInput("no more")

    for name in ("map.nc", "map.zarr"):
        writer = writer_of(tmp_path / name, frame, axes, layers)
        with pytest.raises(InvalidInput, match="no more"):
            save(writer, tmp_path / name, strips())
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_written_is_refused_before(tmp_path, mapped, monkeypatch):
    (tmp_path / "there.nc").touch()
    with pytest.raises(InvalidInput, match="nothing is overwritten"):
        write_map(mapped, tmp_path / "there.nc")
    with pytest.raises(InvalidInput, match=r"Its ending is not one of \.nc"):
        write_map(mapped, tmp_path / "map.png")
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("usage", (), {"free": 10}))
    with pytest.raises(InvalidInput, match="are free"):
        write_map(mapped, tmp_path / "map.nc")


def test_a_library_that_is_not_installed_is_named(tmp_path, mapped, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "rasterio", None)
    with pytest.raises(InvalidInput, match=r'rasterio is not installed.*pip install "bayesgeo\[maps\]"'):
        write_map(mapped, tmp_path / "map.tif")


def test_a_geotiff_wants_even_steps(tmp_path, mapped):
    pytest.importorskip("rasterio")
    with pytest.raises(InvalidInput, match="not evenly spaced"):
        geotiff.GeoTIFF(*parted(mapped.assign_coords(lat=np.arange(7.0) ** 2))).check(tmp_path / "a")


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        ("none.csv", None, "There is no such file"),
        ("bare.csv", "slope\n1\n2\n", "no columns of longitude and latitude"),
        ("twice.csv", "x,y,slope\n1,1,2\n1,1,3\n", "Row 2 is of a cell that was there before"),
        ("broken.nc", "CDF\x01 and no more", "cannot be read as netCDF"),
    ],
)
def test_a_file_that_is_no_grid_is_refused(tmp_path, name, text, problem):
    if text is not None:
        (tmp_path / name).write_text(text)
    with pytest.raises(InvalidInput, match=problem):
        read_grid(tmp_path / name)


def test_points_that_lie_on_no_lattice_are_for_predict(tmp_path):
    rng = np.random.default_rng(0)
    pd.DataFrame(rng.random((200, 3)), columns=["x", "y", "slope"]).to_csv(tmp_path / "wells.csv", index=False)
    with pytest.raises(InvalidInput, match="For points, use bayesgeo predict"):
        read_grid(tmp_path / "wells.csv")
