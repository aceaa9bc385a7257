"""The soundings off Baja California."""

import numpy as np
import pandas as pd
import pytest

from bayesgeo.datasets import load
from bayesgeo.datasets.library.baja_bathymetry import FILE
from bayesgeo.datasets.split import split


@pytest.fixture
def soundings(real_data):
    return load("baja_bathymetry"), pd.read_csv(real_data / "baja_bathymetry" / FILE)


def test_every_sounding_keeps_its_depth_and_its_place(soundings):
    data, file = soundings
    assert (data.n_rows, data.features, data.task) == (82_970, [], "regression")
    assert (data.y.name, data.attrs["target_unit"]) == ("bathymetry_m", "m")
    np.testing.assert_array_equal(data.y, file["bathymetry_m"])
    for name in ("longitude", "latitude"):
        np.testing.assert_array_equal(data.coordinates[name], file[name])
        assert data.coordinates[name].attrs == {"units": "degrees"}


def test_heights_are_those_of_a_sea_floor_off_baja(soundings):
    data, _ = soundings
    assert data.y.max() < 0
    places = data.place_values()
    assert (places["longitude"].min(), places["longitude"].max()) == pytest.approx((245.0, 254.705))
    assert (places["latitude"].min(), places["latitude"].max()) == pytest.approx((20.0, 29.99131))


def test_blocks_of_the_map_are_held_out_unless_another_split_is_asked_for(soundings):
    by = split(soundings[0])
    assert (by.kind, len(by.folds)) == ("spatial", 5)
