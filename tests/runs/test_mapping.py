"""A model of a run is mapped as it predicts tables: same columns, same units, same codes."""

import json

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from bayesgeo import cli, read_table, split
from bayesgeo._check import InvalidInput
from bayesgeo.runs.mapping import Area, map_run
from bayesgeo.runs.opened import open_run
from bayesgeo.runs.prediction import predict_table
from bayesgeo.runs.study import study


def samples(n=80, seed=0, east=7.0):
    """Return rows with places in degrees, an elevation in metres, a rock, and lead."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"lon": east + rng.uniform(0, 1, n), "lat": 46 + rng.uniform(0, 1, n)})
    frame["elev [m]"] = rng.normal(900.0, 100.0, n).round(3)
    frame["rock"] = np.where(rng.random(n) < 0.5, "lime", "schist")
    frame["pb"] = (0.02 * frame["elev [m]"] + 2.0 * (frame["rock"] == "lime") + 0.3 * rng.normal(size=n)).round(4)
    return frame


def compared(frame, folder, target="pb", models=("ridge",), by=None, **options):
    frame.to_csv(folder / "table.csv", index=False)
    data = read_table(folder / "table.csv", target=target, **options)
    study(data, list(models), out=folder / "run", by=split(data, by, folds=3))
    return folder / "run"


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return compared(samples(), tmp_path_factory.mktemp("values"))


@pytest.fixture(scope="module")
def class_run(tmp_path_factory):
    return compared(samples(), tmp_path_factory.mktemp("classes"), target="rock", models=("logistic",))


def terrain(shape=(6, 5), unit="km", east=7.1):
    rng = np.random.default_rng(1)
    elev = rng.normal(900.0, 80.0, shape) / (1000.0 if unit == "km" else 1.0)
    rock = (("lat", "lon"), rng.integers(0, 2, shape), {"flag_values": [0, 1], "flag_meanings": "lime schist"})
    places = {"lat": 46.2 + 0.1 * np.arange(shape[0]), "lon": east + 0.1 * np.arange(shape[1])}
    return xr.Dataset({"elev": (("lat", "lon"), elev, {"units": unit}), "rock": rock}, places)


def mapped(run, grid, folder, **options):
    grid.to_netcdf(folder / "grid.nc", engine="h5netcdf")
    done = map_run(run, Area(folder / "grid.nc"), out=folder / "map.nc", **options)
    return done, xr.load_dataset(folder / "map.nc")


def test_a_map_has_the_numbers_that_predict_has_for_the_same_cells(run, tmp_path):
    grid = terrain()
    done, found = mapped(run, grid, tmp_path)
    rock = np.array(["lime", "schist"])[grid["rock"].values]
    rows = pd.DataFrame({"elev [m]": grid["elev"].values.ravel() * 1000.0, "rock": rock.ravel()})
    rows.to_csv(tmp_path / "rows.csv", index=False)
    predict_table(run, tmp_path / "rows.csv", out=tmp_path / "rows_out.csv")
    table = pd.read_csv(tmp_path / "rows_out.csv")
    np.testing.assert_allclose(found["mean"].values.ravel(), table["predicted"], rtol=1e-6)  # single precision
    assert (found["inside"].values.ravel() == table["inside"]).all()
    assert done.outside == int((~table["inside"]).sum())
    assert (done.cells, done.empty, done.model) == (30, 0, "ridge")
    assert "Column 'elev' was converted from km to m." in done.notes
    assert {path.name for path in done.pictures} == {"map.mean.png", "map.sd.png"}
    assert all(path.exists() for path in done.pictures)


def test_codes_for_missing_values_and_unknown_rocks_leave_cells_empty(run, tmp_path):
    grid = terrain(unit="m")
    grid["elev"][0, 0], grid["elev"][3, 3] = -9999.0, np.nan
    grid["rock"].attrs |= {"flag_values": [0, 1, 2], "flag_meanings": "lime schist lava"}
    grid["rock"][5, 4] = 2
    done, found = mapped(run, grid, tmp_path)
    assert np.argwhere(np.isnan(found["mean"].values)).tolist() == [[0, 0], [3, 3], [5, 4]]
    assert (done.cells, done.empty) == (30, 3)


def test_classes_are_mapped_with_their_names(class_run, tmp_path):
    grid = terrain(unit="m")
    _, found = mapped(class_run, grid.assign(pb=grid["elev"] * 0.02), tmp_path)
    assert found["label"].values.tolist() == ["lime", "schist"]
    assert found["predicted"].attrs["flag_meanings"] == "lime schist"
    assert (tmp_path / "map.predicted.png").exists()
    np.testing.assert_allclose(found["probability"].sum("label"), 1.0, rtol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize(("trained", "asked"), [(190.0, -170.0), (-170.0, 190.0)])
def test_longitudes_are_counted_as_the_training_rows_count_them(tmp_path, trained, asked):
    frame = samples(east=trained).drop(columns="rock")
    frame["pb"] = 3.0 * (frame["lon"] - trained) + 0.1 * np.random.default_rng(3).normal(size=len(frame))
    run = compared(frame, tmp_path, features=["lon", "elev"])
    _, found = mapped(run, terrain(unit="m", east=asked + 0.1), tmp_path)
    # 0.3 a cell: by noise off by 0.1 * 0.1 / 0.29 / 9 at one standard error, and drawn a little towards zero.
    np.testing.assert_allclose(found["mean"].diff("lon").mean(), 0.3, atol=0.02)
    assert found["lon"].values[0] == pytest.approx(asked + 0.1)
    assert found["dissimilarity"].max() < 5.0, "of the spread of the rows, not of circles"


@pytest.mark.slow
def test_training_rows_are_drawn_in_the_unit_of_the_grid(tmp_path):
    frame = samples().rename(columns={"lon": "easting [km]", "lat": "northing [km]"})
    run = open_run(compared(frame, tmp_path))
    drawn = run.places_in({"easting": "m", "northing": "km"})
    np.testing.assert_allclose(drawn["easting"], 1000.0 * run.places["easting"], rtol=1e-12)
    np.testing.assert_array_equal(drawn["northing"], run.places["northing"])


@pytest.mark.slow
def test_cells_of_one_size_fill_the_hull_of_the_training_rows_or_a_polygon(tmp_path):
    run = compared(samples()[["lon", "lat", "pb"]], tmp_path, features=["lon", "lat"])
    done = map_run(run, Area(resolution=0.05), out=tmp_path / "hull.nc")
    square = [[7.2, 46.2], [7.8, 46.2], [7.8, 46.5], [7.2, 46.5], [7.2, 46.2]]
    (tmp_path / "area.geojson").write_text(json.dumps({"type": "Polygon", "coordinates": [square]}))
    area = Area(resolution=0.1, polygon=tmp_path / "area.geojson")
    assert map_run(run, area, out=tmp_path / "part.nc").cells in range(10, 29)  # 6 by 3, and those on the edge
    found = xr.load_dataset(tmp_path / "hull.nc")
    assert int(np.isfinite(found["mean"]).sum()) == done.cells < found["mean"].size
    assert done.empty == 0


def test_the_interval_and_the_exceedance_are_those_asked_for(run, tmp_path):
    _, found = mapped(run, terrain(), tmp_path, threshold=19.0, probability=0.5)
    # One draw with normal noise: quartiles at 0.6745 deviations.
    np.testing.assert_allclose(found["high"] - found["mean"], 0.674490 * found["sd"], rtol=1e-4)
    assert (((found["exceedance"] > 0.5) == (found["mean"] > 19.0)) | (np.abs(found["mean"] - 19.0) < 1e-4)).all()
    assert found["exceedance"].attrs["long_name"] == "probability that pb is above 19"


@pytest.fixture(scope="module")
def run_of_places(tmp_path_factory):
    frame = samples().assign(pb=lambda t: 3.0 * t["lon"] - 2.0 * t["lat"])
    return compared(frame[["lon", "lat", "pb"]], tmp_path_factory.mktemp("places"))


@pytest.mark.parametrize("told", ["by its reference system", "by the file", "by the file, to 360"])
def test_cells_of_a_projected_grid_are_where_they_are(run_of_places, tmp_path, told):
    pyproj = pytest.importorskip("pyproj")
    x, y = np.meshgrid(4.0e5 + 2e4 * np.arange(3), 5.1e6 + 2e4 * np.arange(2))
    lon, lat = pyproj.Transformer.from_crs("EPSG:32632", "EPSG:4326", always_xy=True).transform(x, y)
    grid = xr.Dataset(coords={"y": ("y", y[:, 0], {"units": "m"}), "x": ("x", x[0], {"units": "m"})})
    if told == "by its reference system":
        grid = grid.assign(utm=((), 0, pyproj.CRS("EPSG:32632").to_cf()))
    else:
        turns = 360.0 if told.endswith("360") else 0.0
        places = {"nav_lon": (("y", "x"), lon + turns, {"units": "degrees_east"}), "lat": (("y", "x"), lat)}
        grid = grid.assign_coords(places)
    done, found = mapped(run_of_places, grid, tmp_path)
    pd.DataFrame({"lon": lon.ravel(), "lat": lat.ravel()}).to_csv(tmp_path / "rows.csv", index=False)
    predict_table(run_of_places, tmp_path / "rows.csv", out=tmp_path / "out.csv")
    expected = pd.read_csv(tmp_path / "out.csv")["predicted"]
    np.testing.assert_allclose(found["mean"].values.ravel(), expected, rtol=1e-6)
    assert found["x"].attrs["standard_name"] == "projection_x_coordinate"
    assert any("computed from its reference system" in note for note in done.notes)


def test_a_grid_beside_all_rows_is_noted(run, tmp_path):
    done, _ = mapped(run, terrain(east=27.0), tmp_path)
    assert any("longitude 27 to 27.4, all training rows at 7" in note for note in done.notes)


WRONG = {
    "a grid without a feature": (terrain().drop_vars("rock"), {}, "It has no variable 'rock'"),
    "a grid in metres": (terrain().rename(lat="y", lon="x"), {}, "those of the training rows longitude and latitude"),
    "a unit that cannot be converted": (terrain(unit="kg"), {}, "was learned in m, which kg cannot be turned into"),
    "an unknown model": (terrain(), {"model": "rigde"}, "Did you mean 'ridge'"),
}


@pytest.mark.parametrize(("grid", "options", "problem"), WRONG.values(), ids=WRONG)
def test_a_grid_that_does_not_suit_the_run_is_refused(run, tmp_path, grid, options, problem):
    with pytest.raises(InvalidInput, match=problem):
        mapped(run, grid, tmp_path, **options)
    assert not (tmp_path / "map.nc").exists()


def test_an_area_is_a_grid_or_a_resolution(run, tmp_path):
    for area in (Area(), Area("grid.nc", 0.1)):
        with pytest.raises(InvalidInput, match="Give --grid or --resolution"):
            map_run(run, area, out=tmp_path / "map.nc")
    with pytest.raises(InvalidInput, match=r"have only coordinates: hold .* or give a file with --grid"):
        map_run(run, Area(resolution=0.1), out=tmp_path / "map.nc")
    with pytest.raises(InvalidInput, match="is for cells made by a resolution"):
        map_run(run, Area("grid.nc", polygon="area.geojson"), out=tmp_path / "map.nc")


@pytest.mark.slow
def test_a_run_without_places_has_no_hull(tmp_path):
    run = compared(samples()[["elev [m]", "rock", "pb"]], tmp_path)
    with pytest.raises(InvalidInput, match="neither longitude and latitude nor easting and northing"):
        map_run(run, Area(resolution=0.1), out=tmp_path / "map.nc")
    _, found = mapped(run, terrain(), tmp_path)
    assert np.isfinite(found["mean"]).all()


def test_nothing_is_overwritten(run, class_run, tmp_path):
    (tmp_path / "map.sd.png").touch()
    with pytest.raises(InvalidInput, match=r"Pictures of another map lie there: map\.sd\.png"):
        mapped(run, terrain(), tmp_path)
    (tmp_path / "map.nc").touch()
    with pytest.raises(InvalidInput, match="nothing is overwritten"):
        mapped(run, terrain(), tmp_path)
    with pytest.raises(InvalidInput, match="predicts classes"):
        mapped(class_run, terrain(), tmp_path, threshold=1.0)


def test_a_map_names_no_path_of_the_machine(run, tmp_path):
    mapped(run, terrain(), tmp_path)
    content = (tmp_path / "map.nc").read_bytes()
    assert str(tmp_path).encode() not in content
    assert b"table.csv" not in content


def test_the_command_says_what_it_mapped(run, tmp_path, capsys):
    grid = terrain().drop_vars("rock")
    grid["elev"][2, 2] = np.nan
    grid.to_netcdf(tmp_path / "grid.nc", engine="h5netcdf")
    options = ["--grid", tmp_path / "grid.nc", "--hold=rock=lime", "--out", tmp_path / "map.nc", "--threshold", 18]
    with pytest.raises(SystemExit, match=r"^(0|None)?$"):
        cli.main([str(token) for token in ("map", run, *options)])
    printed = capsys.readouterr().out
    assert f"29 of 30 cells predicted by ridge: {tmp_path / 'map.nc'}" in printed
    assert "1 cells lack a feature and are empty." in printed
    assert "map.mean.png, map.sd.png, map.exceedance.png" in printed


@pytest.mark.slow
@pytest.mark.long
def test_a_run_of_places_alone_is_reported_predicts_rows_and_maps_cells_made_by_a_resolution(tmp_path):
    frame = samples().assign(batch=1)[["lon", "lat", "pb", "batch"]]
    run = compared(frame, tmp_path, models=("spatial", "mean"), by="spatial")
    frame.head(5).drop(columns="pb").to_csv(tmp_path / "new.csv", index=False)
    predict_table(run, tmp_path / "new.csv", out=tmp_path / "rows.csv", model="spatial")
    assert cli.write_report(run, None) in (cli.DONE, cli.DIAGNOSTICS_FAILED)
    parts = pd.read_csv(tmp_path / "rows.csv")[["sd within", "sd field", "sd epistemic"]]
    assert (parts > 0).all(axis=None)
    map_run(run, Area(resolution=0.2), out=tmp_path / "map.nc", model="spatial")
    found = xr.load_dataset(tmp_path / "map.nc")
    assert (tmp_path / "map.sd_field.png").exists()
    assert np.isfinite(found["mean"]).any()
    assert (found["sd"] >= parts["sd within"].min()).where(np.isfinite(found["sd"]), True).all()


def test_what_cells_lack_is_held_at_values(run, tmp_path):
    with pytest.raises(
        InvalidInput, match=r"hold the others at values, as --hold elev=[89]\d\d\.?\d*,rock=(lime|schist)"
    ):
        map_run(run, Area(resolution=0.1), out=tmp_path / "map.nc")
    map_run(run, Area(resolution=0.1, hold={"elev": "1000", "rock": "lime"}), out=tmp_path / "map.nc")
    found = xr.load_dataset(tmp_path / "map.nc")
    pd.DataFrame({"elev [m]": [1000.0], "rock": ["lime"]}).to_csv(tmp_path / "row.csv", index=False)
    predict_table(run, tmp_path / "row.csv", out=tmp_path / "row_out.csv")
    expected = pd.read_csv(tmp_path / "row_out.csv")["predicted"][0]
    np.testing.assert_allclose(found["mean"].values[np.isfinite(found["mean"].values)], expected, rtol=1e-6)
    assert found.attrs["comment"] == "In all cells: elev = 1000 m, rock = lime"


def test_a_grid_lends_some_columns_and_the_user_the_others(run, tmp_path):
    part = terrain().drop_vars("rock")
    with pytest.raises(InvalidInput, match=r"Or hold at one value what is not there: --hold rock=(lime|schist)\."):
        mapped(run, part, tmp_path)
    part.to_netcdf(tmp_path / "grid.nc", engine="h5netcdf")
    map_run(run, Area(tmp_path / "grid.nc", hold={"rock": "schist"}), out=tmp_path / "held.nc")
    flat = terrain()
    flat["rock"][:] = 1
    _, whole = mapped(run, flat, tmp_path)
    xr.testing.assert_equal(xr.load_dataset(tmp_path / "held.nc")["mean"], whole["mean"])


HELD = {
    "an unknown column": ({"rokc": "lime"}, "The run has no such column. Did you mean 'rock'"),
    "an unknown category": ({"rock": "lima"}, "not among the categories.*Did you mean 'lime'"),
    "text for a number": ({"elev": "high"}, "elev=high'. It must be a number"),
    "no number": ({"elev": "nan"}, "It must be a number"),
}


@pytest.mark.parametrize(("hold", "problem"), HELD.values(), ids=HELD)
def test_a_value_that_cannot_be_held_is_refused(run, tmp_path, hold, problem):
    with pytest.raises(InvalidInput, match=problem):
        map_run(run, Area(resolution=0.1, hold=hold), out=tmp_path / "map.nc")


def test_what_the_grid_has_is_not_held(run, tmp_path):
    terrain().to_netcdf(tmp_path / "grid.nc", engine="h5netcdf")
    with pytest.raises(InvalidInput, match="The grid has a value of it for each cell"):
        map_run(run, Area(tmp_path / "grid.nc", hold={"elev": 900}), out=tmp_path / "map.nc")


def test_a_held_value_is_no_code_for_a_missing_one(run, tmp_path):
    hold = {"elev": "-9999", "rock": "lime"}
    assert map_run(run, Area(resolution=0.1, hold=hold), out=tmp_path / "map.nc").empty == 0


@pytest.mark.parametrize("text", ["depth", "depth=", "=3", "depth=1,depth=2"])
def test_pairs_that_are_none_are_refused(text):
    with pytest.raises(InvalidInput, match="Each must be a name and a value"):
        cli.pairs(text, "--hold")


@pytest.mark.slow
def test_a_run_of_a_gaussian_process_predicts_rows_and_maps_cells(tmp_path):
    frame = samples().drop(columns="rock")
    run = compared(frame, tmp_path, features=["lon", "lat"], models=("gaussian_process", "ridge"))
    frame.head(5).drop(columns="pb").to_csv(tmp_path / "new.csv", index=False)
    predict_table(run, tmp_path / "new.csv", out=tmp_path / "rows.csv", model="gaussian_process")
    rows = pd.read_csv(tmp_path / "rows.csv")
    # Its own training rows: nearer to them than a plane comes.
    predict_table(run, tmp_path / "new.csv", out=tmp_path / "plane.csv", model="ridge")
    plane, truth = pd.read_csv(tmp_path / "plane.csv"), frame["pb"].head(5)
    assert np.abs(rows["predicted"] - truth).mean() < np.abs(plane["predicted"] - truth).mean()
    map_run(run, Area(resolution=0.2), out=tmp_path / "map.nc", model="gaussian_process")
    found = xr.load_dataset(tmp_path / "map.nc")
    assert np.isfinite(found["mean"]).any()
    assert float(found["sd"].max()) > float(found["sd"].min()) > 0
