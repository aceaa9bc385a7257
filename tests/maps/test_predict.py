"""A map is the model's prediction for the rows that its cells are."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from sklearn.linear_model import Ridge

from bayesgeo import HierarchicalRegression
from bayesgeo._check import InvalidInput
from bayesgeo.datasets.columns import Column
from bayesgeo.maps import grid as grids
from bayesgeo.maps import predict_grid
from bayesgeo.maps.grid import as_grid
from bayesgeo.models import Regressor
from tests.fake import FakePosterior
from tests.maps.small import FEATURES, bayesian, classifier, hills, ridge, table_of, training


class Tilted(Regressor):
    """A model of places alone: northing minus twice easting, whatever the features."""

    name, kind = "tilted", "deterministic"

    def __init__(self, random_state=None):
        self.random_state = random_state

    def _learn(self, rows):
        pass

    def _predictive(self, rows):
        east, north = (rows.coordinates[name] for name in ("easting", "northing"))
        return {"expected": (north - 2 * east)[None, None], "sigma": np.ones((1, 1))}


@pytest.mark.parametrize("make", [ridge, bayesian, lambda: bayesian(noise="student-t")])
def test_the_mean_of_a_cell_is_what_predict_says_of_its_row(make):
    model, grid = make(), hills(empty=())
    found = predict_grid(model, grid, features=FEATURES)
    np.testing.assert_allclose(found["mean"].values.ravel(), model.predict(table_of(grid)), rtol=1e-12)


def test_the_interval_of_a_cell_holds_as_many_responses_as_asked():
    model, grid = bayesian(), hills(empty=())
    found = predict_grid(model, grid, features=FEATURES, probability=0.8, threshold=2.0)
    y = model.predict_draws(table_of(grid), "response").values.reshape(-1, grid["slope"].size).T
    low, high, above = (found[name].values.reshape(-1, 1) for name in ("low", "high", "exceedance"))
    # Four standard errors of a share among the draws.
    assert (np.abs(((low <= y) & (y <= high)).mean(axis=1) - 0.8) < 4 * np.sqrt(0.16 / y.shape[1])).all()
    share = (y > 2.0).mean(axis=1)
    assert (np.abs(share - above[:, 0]) <= 4 * np.sqrt(0.25 / y.shape[1])).all()


def test_classes_of_a_cell_are_those_that_predict_says_of_its_row():
    model, grid = classifier(), hills(empty=())
    found = predict_grid(model, grid, features=FEATURES)
    assert found["probability"].dims == ("label", "lat", "lon")
    rows = found["probability"].values.reshape(3, -1).T
    np.testing.assert_allclose(rows, model.predict_proba(table_of(grid)), rtol=1e-12)
    assert (model.classes_[found["predicted"].values.astype(int).ravel()] == model.predict(table_of(grid))).all()
    total = -(rows * np.log(rows)).sum(axis=1)
    np.testing.assert_allclose((found["aleatoric"] + found["epistemic"]).values.ravel(), total, rtol=1e-10)


@pytest.mark.parametrize("chunks", [{"lat": 1, "lon": 2}, {"lat": 3}, {"lat": 13, "lon": 1}])
def test_the_chunks_of_a_grid_change_no_bit(monkeypatch, chunks):
    monkeypatch.setattr(grids, "STRIP", 20)
    model, grid = bayesian(), hills((13, 6))
    whole, parts = (predict_grid(model, one, features=FEATURES) for one in (grid, grid.chunk(chunks)))
    for name, array in whole.data_vars.items():
        assert array.values.tobytes() == parts[name].values.tobytes()


def test_strips_of_another_height_change_rounding_at_most(monkeypatch):
    model, grid = bayesian(), hills((13, 6))
    whole = predict_grid(model, grid, features=FEATURES)
    monkeypatch.setattr(grids, "STRIP", 12)
    xr.testing.assert_allclose(predict_grid(model, grid, features=FEATURES), whole, rtol=1e-12)


def test_a_cell_without_a_feature_is_empty_and_no_other():
    found = predict_grid(ridge(), hills(empty=((2, 3), (6, 0))), features=FEATURES)
    for name in ("mean", "sd", "low", "high"):
        assert np.argwhere(np.isnan(found[name].values)).tolist() == [[2, 3], [6, 0]]


def test_a_grid_without_a_full_cell_becomes_an_empty_map():
    grid = hills((2, 2), empty=((0, 0), (0, 1), (1, 0), (1, 1)))
    assert np.isnan(predict_grid(classifier(), grid, features=FEATURES)["probability"]).all()


def test_columns_with_levels_and_fills_are_read_as_from_a_table():
    X, y = training()
    X = X.assign(missing=0.0, schist=(np.arange(len(X)) % 3 == 0).astype(float))
    X.columns = ["elevation", "slope", "slope missing", "rock=schist"]
    from bayesgeo.models import RidgeRegressor

    model = RidgeRegressor().fit(X, y)
    flags = {"flag_values": np.array([1, 2, 3]), "flag_meanings": "sand schist lava"}
    grid = hills((2, 2), empty=((0, 1),)).assign(rock=(("lat", "lon"), [[1, 2], [2, 3]], flags))
    columns = [Column("elevation"), Column("slope", fill=0.25), Column("rock", levels=("sand", "schist"))]
    found = predict_grid(model, grid, features=columns)["mean"].values
    filled = X.iloc[:1].assign(elevation=grid["elevation"][0, 1].item(), slope=0.25)
    filled[["slope missing", "rock=schist"]] = 1.0
    np.testing.assert_allclose(found[0, 1], model.predict(filled)[0], rtol=1e-12)
    assert np.isnan(found[1, 1]), "a category that training never saw"


def test_a_variable_along_one_axis_or_none_counts_for_all_cells():
    grid = hills((3, 2), empty=())
    grid = grid.assign(elevation=grid["elevation"][:, 0], slope=0.5)
    full = grid.assign({name: grid[name].broadcast_like(hills((3, 2), empty=())["slope"]) for name in FEATURES})
    one, other = (predict_grid(ridge(), given, features=FEATURES) for given in (grid, full))
    xr.testing.assert_equal(one, other)


def test_a_model_gets_the_places_of_the_cells():
    X, y = training()
    grid = hills((3, 4), empty=()).rename(lat="y", lon="x")
    found = predict_grid(Tilted().fit(X, y), grid, features=FEATURES)["mean"]
    np.testing.assert_allclose(found, grid["y"] - 2 * grid["x"], rtol=1e-14)


def test_effects_of_unknown_groups_make_no_speckle():
    X, y = training()
    model = HierarchicalRegression(effects=["site"], noise="student-t", inference=FakePosterior(), random_state=0)
    model.fit(X, y, groups=pd.DataFrame({"site": [f"s{k % 8}" for k in range(len(X))]}))
    flat = hills(empty=()).map(np.zeros_like)
    found = predict_grid(model, flat, features=FEATURES)
    # Effects drawn for each cell would differ by 1e-4 and more.
    assert max(np.ptp(found[name].values) for name in ("mean", "sd", "low", "high")) < 1e-12


def test_axes_may_fall_and_lie_in_another_order():
    grid = hills(empty=())
    turned = grid.isel(lat=slice(None, None, -1)).transpose("lon", "lat")
    one, other = (predict_grid(ridge(), given, features=FEATURES) for given in (grid, turned))
    assert other["mean"].dims == ("lat", "lon")
    xr.testing.assert_allclose(other.sortby("lat"), one, rtol=1e-12)


def test_attributes_follow_the_cf_conventions():
    found = predict_grid(ridge(), hills(), features=FEATURES, threshold=2.0)
    assert found.attrs["Conventions"] == "CF-1.11"
    assert found["lat"].attrs["standard_name"] == "latitude"
    assert (found["lon"].attrs["units"], found["lat"].attrs["units"]) == ("degrees_east", "degrees_north")
    assert found[found["mean"].attrs["grid_mapping"]].attrs["grid_mapping_name"] == "latitude_longitude"
    assert found["exceedance"].attrs["threshold"] == 2.0
    assert all(found[name].attrs["long_name"] for name in found.data_vars if name != "crs")


def test_a_stated_projection_is_kept_and_none_is_made_up():
    plane = hills().rename(lat="y", lon="x")
    assert "crs" not in predict_grid(ridge(), plane, features=FEATURES)
    stated = plane.assign(utm=((), 0, {"grid_mapping_name": "transverse_mercator", "false_easting": 5e5}))
    found = predict_grid(ridge(), stated, features=FEATURES)
    assert found["crs"].attrs["false_easting"] == 5e5
    assert found["x"].attrs["standard_name"] == "projection_x_coordinate"


WRONG = {
    "a feature that is missing": (hills().drop_vars("slope"), {}, "It has no variable 'slope', which the model needs"),
    "a feature of many times": (
        hills().assign(slope=hills()["slope"].expand_dims(time=3)),
        {},
        r"Invalid variable 'slope'. It has more than the two axes: time \(3\)",
    ),
    "no axes": (hills().rename(lat="row", lon="column"), {}, "No two of its dimensions"),
    "a latitude beyond the pole": (hills().assign_coords(lat=85.0 + np.arange(7)), {}, "91 is outside -90 to 90"),
    "an axis to and fro": (hills().assign_coords(lat=[0, 1, 2, 1, 4, 5, 6]), {}, "neither rises nor falls"),
    "a threshold that is none": (hills(), {"threshold": np.nan}, "must be a finite number"),
    "a probability that is none": (hills(), {"probability": 1.0}, r"It must be in \(0, 1\)"),
    "an unknown axis": (hills(), {"coordinates": ("lon", "north")}, "called 'north'"),
}


@pytest.mark.parametrize(("grid", "options", "problem"), WRONG.values(), ids=WRONG)
def test_what_cannot_be_mapped_is_named(grid, options, problem):
    with pytest.raises(InvalidInput, match=problem):
        predict_grid(ridge(), grid, features=FEATURES, **options)


def test_a_threshold_for_classes_and_a_foreign_model_are_refused():
    with pytest.raises(InvalidInput, match="predicts classes, which are not above or below anything"):
        predict_grid(classifier(), hills(), features=FEATURES, threshold=1.0)
    with pytest.raises(InvalidInput, match=r"Wrap it: bayesgeo\.SklearnRegressor"):
        predict_grid(Ridge().fit(*training()), hills(), features=FEATURES)


def test_axes_are_found_by_attributes_too():
    grid = hills().rename(lat="r", lon="c")
    grid["r"].attrs["standard_name"], grid["c"].attrs["units"] = "latitude", "degrees_east"
    axes = as_grid(grid).axes
    assert (axes.x, axes.y, axes.geographic) == ("c", "r", True)


@pytest.mark.parametrize("large", [1, 10**9])
def test_a_sample_of_cells_is_the_same_row_by_row(monkeypatch, large):
    monkeypatch.setattr(grids, "LARGE", large)
    grid = hills((13, 7), empty=())
    found = as_grid(grid).sample(["slope"], 4)
    np.testing.assert_array_equal(found["slope"], grid["slope"].values[::4, ::2].ravel())
