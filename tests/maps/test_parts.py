"""A map splits a standard deviation as the model does, and the squares of the parts add up."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from bayesgeo import HierarchicalRegression, SpatialRegression
from bayesgeo.maps import predict_grid
from bayesgeo.maps.parts import part_layers
from tests.fake import FakePosterior
from tests.maps.small import FEATURES, hills, ridge, training

PARTS = ("sd_epistemic", "sd_aleatoric", "sd_field")


def grid():
    return hills((4, 3), empty=()).rename(lat="y", lon="x")


def cells(grid):
    y, x = np.meshgrid(grid["y"], grid["x"], indexing="ij")
    frame = pd.DataFrame({name: grid[name].values.ravel() for name in FEATURES})
    return frame, {"easting": x.ravel(), "northing": y.ravel()}


def spatial():
    X, y = training()
    places = np.random.default_rng(4).uniform([7.0, 46.0], [7.4, 46.4], (len(X), 2))
    model = SpatialRegression(inference=FakePosterior(), random_state=0)
    return model.fit(X, y, coordinates=dict(zip(("easting", "northing"), places.T, strict=True)))


def grouped(**options):
    X, y = training()
    rows = np.arange(len(X))
    labels = {"site": np.char.add("s", (rows % 8).astype(str)), "sd x": np.char.add("t", (rows % 5).astype(str))}
    model = HierarchicalRegression(effects=[*labels], inference=FakePosterior(), random_state=0, **options)
    return model.fit(X, y, groups=pd.DataFrame(labels))


def test_the_parts_of_a_spatial_model_are_those_of_predict_sd():
    model = spatial()
    found, (frame, places) = predict_grid(model, grid(), features=FEATURES), cells(grid())
    expected = model.predict_sd(frame, coordinates=places)
    columns = {"sd": "total", "sd_epistemic": "epistemic", "sd_aleatoric": "within", "sd_field": "field"}
    for name, column in columns.items():
        np.testing.assert_allclose(found[name].values.ravel(), expected[column], rtol=1e-9)
    assert np.ptp(found["sd_field"].values) > 0, "more is known near samples"
    np.testing.assert_allclose(sum(found[name] ** 2 for name in PARTS), found["sd"] ** 2, rtol=1e-9)
    assert "more samples nearby would reduce" in found["sd_field"].attrs["long_name"]


@pytest.mark.parametrize("noise", ["normal", "student-t"])
def test_the_parts_of_a_model_with_groups_are_those_of_predict_sd(noise):
    model = grouped(noise=noise)
    found, (frame, _) = predict_grid(model, grid(), features=FEATURES), cells(grid())
    nowhere = pd.DataFrame({key: np.full(len(frame), "") for key in ("site", "sd x")})
    expected = model.predict_sd(frame, nowhere)
    own = {"sd_site": "site", "sd_sd_x": "sd x"}
    for name, column in ({"sd": "total", "sd_aleatoric": "within", "sd_epistemic": "epistemic"} | own).items():
        np.testing.assert_allclose(found[name].values.ravel(), expected[column], rtol=1e-9)
    squares = sum(found[name] ** 2 for name in (*PARTS[:2], *own))
    np.testing.assert_allclose(squares, found["sd"] ** 2, rtol=1e-9)


def test_keys_never_share_a_name_nor_take_one_that_is_taken():
    names = [layer.name for layer in part_layers(["a b", "a_b", "a.b", "epistemic"], "pga", "g")]
    assert names == ["sd_a_b", "sd_a_b_", "sd_a_b__", "sd_epistemic_"]


def test_other_models_have_two_parts():
    found = predict_grid(ridge(), hills(), features=FEATURES)
    assert {str(name) for name in found if str(name).startswith("sd")} == {"sd", "sd_epistemic", "sd_aleatoric"}
    np.testing.assert_allclose(found["sd_epistemic"] ** 2 + found["sd_aleatoric"] ** 2, found["sd"] ** 2, rtol=1e-12)
    assert isinstance(found, xr.Dataset)
