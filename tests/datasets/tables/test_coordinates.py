"""Places and times are found by name."""

import numpy as np
import pandas as pd
import pytest

from bayesgeo._check import InvalidInput
from bayesgeo.datasets.split import split
from bayesgeo.datasets.tables.read import read_table
from tests.datasets.tables.changing import save


def test_places_keep_the_units_of_the_table(tmp_path, wells):
    placed = wells.assign(x=np.arange(len(wells)), y=0.5)
    units = pd.DataFrame([["name", "m", "API", "g/cm3", "name", "km", ""]], columns=placed.columns)
    data = read_table(save(tmp_path / "t.csv", pd.concat([units, placed])), target="rock", group="well")
    assert data.coordinates["easting"].attrs == {"units": "km"}
    assert data.coordinates["northing"].attrs == {}


def test_places_and_times_are_coordinates_and_no_features(tmp_path, wells):
    table = wells.assign(lon=-122.0 + wells.GR / 100, lat=46.0, time=pd.date_range("2020-01-01", periods=40))
    data = read_table(save(tmp_path / "t.csv", table), target="rock", group="well")
    assert set(data.coordinates) == {"longitude", "latitude", "depth", "time"}
    assert data.features == ["depth", "GR", "RHOB"]
    assert split(data, "temporal", test="2020-01-31").folds[0][1].size == 10


def of_wells(wells, **columns):
    crew = np.resize(["red", "blue", "green"], len(wells))
    return wells.assign(crew=crew, well_lon=-122.0, Well_Latitude=np.arange(len(wells)) % 4, **columns)


def test_places_of_groups_are_coordinates_and_no_features(tmp_path, wells):
    path = save(tmp_path / "t.csv", of_wells(wells, crew_easting=1.5))
    data = read_table(path, target="rock", group=["well", "crew"])
    assert list(data.place_values()) == ["depth", "well_longitude", "well_latitude", "crew_easting"]
    assert data.features == ["depth", "GR", "RHOB"]
    assert "crew_easting" not in read_table(path, target="rock", group="well").coordinates


def test_impossible_places_of_groups_are_refused_by_column(tmp_path, wells):
    path = save(tmp_path / "t.csv", of_wells(wells).assign(well_lon=500.0))
    with pytest.raises(InvalidInput, match=r"column 'well_lon'\. 500 at row 1 is outside -180 to 360 degrees"):
        read_table(path, target="rock", group="well")


def test_where_no_other_column_is_left_the_places_are_the_features(tmp_path, wells):
    bare = wells[["rock"]].assign(x=np.arange(len(wells)) ** 1.5, y=np.sqrt(np.arange(len(wells))), level=3.0)
    found = read_table(save(tmp_path / "wells.csv", bare), target="rock")
    assert (found.features, [*found.place_values()]) == (["x", "y"], ["easting", "northing"])
    assert "No other column is left to learn from: x and y are the features." in found.attrs["notes"]
    kept = read_table(save(tmp_path / "more.csv", bare.assign(GR=wells["GR"])), target="rock")
    assert kept.features == ["GR"]
    with pytest.raises(InvalidInput, match="No column is left to learn from"):
        read_table(tmp_path / "wells.csv", target="rock", drop=["x", "y"])
