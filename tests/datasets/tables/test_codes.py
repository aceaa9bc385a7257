"""Codes for missing values are found, named and refused or dropped; healthy columns are never accused."""

import numpy as np
import pandas as pd
import pytest

from bayesgeo._check import InvalidInput
from bayesgeo.datasets.tables.codes import missing_codes
from bayesgeo.datasets.tables.read import read_table
from tests.datasets.tables.changing import change, save

CODES = [
    *(-32768, -9999.25, -999.25, 999.25, 9999, 1e30, -1e30, 9.96921e36, -99, -999, -9999, 99999, -99999, -2147483648),
    *(1e20, 1e36, -999.9, -999.99, 9999.99, 1.70141e38, -3.4028235e38),
]


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("column", ["GR", "RHOB"])
def test_a_code_is_refused_by_name_or_its_rows_are_dropped(tmp_path, wells, column, code):
    wells.loc[[9, 20], column] = code
    path = save(tmp_path / "t.csv", wells)
    with pytest.raises(
        InvalidInput, match=rf"column '{column}'\. 2 values of .* far from all others, row 10, 21: codes"
    ):
        read_table(path, target="rock")
    data = read_table(path, target="rock", missing="drop")
    assert data.n_rows == 38
    assert not {10, 21} & {*data.X["obs"].values}
    assert f"Column '{column}': 2 values of" in data.attrs["notes"]
    assert "count as missing, row 10, 21." in data.attrs["notes"]


@pytest.mark.parametrize(("column", "role"), [
    ("GR", {"target": "GR"}),
    ("rock", {"target": "rock"}),
    ("well", {"target": "rock", "group": "well"}),
    ("easting", {"target": "rock"}),
])  # fmt: skip
def test_a_code_is_no_target_no_class_no_group_and_no_place(tmp_path, wells, column, role):
    wells = change(4, column, -9999)(wells.assign(easting=np.arange(40.0), northing=0.5 * np.arange(40)))
    data = read_table(save(tmp_path / "t.csv", wells), missing="drop", **role)
    assert f"Column '{column}': 1 values of -9999 count as missing, row 5." in data.attrs["notes"]
    assert column == "easting" or 5 not in data.X["obs"]


def test_two_codes_of_one_column_are_found_beside_each_other(tmp_path, wells):
    wells.loc[[1, 2, 3], "GR"] = [-999.25, -9999, 9999]
    with pytest.raises(InvalidInput, match=r"column 'GR'\. 1 values of .* and 1 values of .* and 1 values of"):
        read_table(save(tmp_path / "t.csv", wells), target="rock")


def test_declared_codes_replace_the_search(tmp_path, wells):
    wells.loc[[1, 2], "GR"] = [-999.25, -1.0]
    path = save(tmp_path / "t.csv", wells)
    assert -999.25 in read_table(path, target="rock", codes=()).X.sel(feature="GR")
    data = read_table(path, target="rock", group="well", codes=[-1], missing="drop")
    assert data.n_rows == 39
    assert {column.name: column.codes for column in data.columns} == {"depth": (), "GR": (-1.0,), "RHOB": ()}


def test_gaps_and_codes_are_told_apart(tmp_path, wells):
    wells.loc[[1, 2], "GR"] = [np.nan, -999.25]
    with pytest.raises(
        InvalidInput, match=r"1 values of -999\.25 .* row 3: codes for missing ones\. 1 more are missing"
    ):
        read_table(save(tmp_path / "t.csv", wells), target="rock")


RNG = np.random.default_rng(0)
HEALTHY = {
    "depths with 9999": np.r_[np.arange(0.0, 20000.0, 50.0), 9999.0],
    "depths that end at 9999": np.arange(0.0, 10000.0, 9.0),
    "pressures around 9999": [*RNG.uniform(9900, 10100, 50).round(), 9999.0],
    "pressures below 9999": [*RNG.uniform(5000, 9990, 80).round(1), 9999.0],
    "years before common era": np.arange(-9999.0, 2000.0, 100.0),
    "longitudes with -99": np.r_[RNG.uniform(-110, -90, 40).round(2), -99.0],
    "longitudes from -99": np.r_[-99.0, RNG.uniform(-98.5, -90, 40).round(2)],
    "temperatures with -99": np.r_[RNG.uniform(-130, 20, 60).round(), -99.0],
    "temperatures from -99": np.r_[-99.0, np.linspace(-95.0, 20.0, 40)],
    "elevations with -99": np.r_[RNG.uniform(-400, 3000, 200).round(), -99.0],
    "elevations from -999": np.r_[-999.0, np.linspace(-950.0, 3000.0, 80)],
    "few elevations from -99": np.r_[-99.0, np.linspace(0.0, 3000.0, 40)],
    "bathymetry with -9999": np.r_[np.linspace(-11000.0, 0.0, 100), -9999.0],
    "16-bit samples": np.r_[np.linspace(-32768, 32767, 300).round(), 0.0],
    "32-bit samples": np.linspace(-2147483648, 2147483647, 300).round(),
    "postal codes": np.r_[RNG.integers(10000, 99999, 300), 99999].astype(float),
    "counts up to 9999": np.r_[RNG.integers(0, 9990, 300), 9999].astype(float),
    "masses of stars": np.r_[RNG.uniform(0.5, 30, 50) * 1e30, 1e30],
    "ages in years": np.r_[RNG.uniform(1e3, 1e5, 60).round(), 99999.0],
    "two values with -99": np.array([-99.0, -98.0] * 20),
    "one value": np.full(20, 9999.0),
    "gravity from -99": np.r_[-99.0, np.linspace(-70.0, 60.0, 40)],
    "no code at all": RNG.normal(0, 1e4, 500),
    "resistivities over decades": np.r_[10 ** RNG.uniform(-1, 4.3, 300), 9999.0],
    "isotope shares near -99": np.linspace(-140.0, -60.0, 81),
}


@pytest.mark.parametrize("values", HEALTHY.values(), ids=HEALTHY)
def test_a_healthy_column_is_not_accused(values):
    assert missing_codes(pd.Series(values)) == ()
