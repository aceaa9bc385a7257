"""Units are converted by factor and offset, or refused; the head of a table says which they are."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bayesgeo._check import InvalidInput
from bayesgeo.datasets.tables.formats import read_file
from bayesgeo.datasets.tables.read import read_table
from bayesgeo.datasets.units import in_unit, is_unit
from tests.datasets.tables.changing import save

# Factors by definition: foot .3048 m, pound-force per square inch from .45359237 kg, 9.80665 m/s2 and .0254 m.
CONVERTED = [
    ("km", "m", 1.0, 1000.0), ("ft", "m", 1.0, 0.3048), ("FT", "M", 1.0, 0.3048), ("degC", "K", 15.0, 288.15),
    ("degF", "degC", 212.0, 100.0), ("°C", "K", 0.0, 273.15), ("g/cm3", "kg/m3", 2.65, 2650.0),
    ("G/C3", "kg m-3", 2.65, 2650.0), ("us/ft", "us/m", 100.0, 100 / 0.3048), ("US/F", "us/m", 100.0, 100 / 0.3048),
    ("%", "v/v", 12.0, 0.12), ("cm/s^2", "m/s2", 981.0, 9.81), ("mGal", "m/s^2", 1.0, 1e-5), ("h", "s", 1.0, 3600.0),
    ("psi", "Pa", 1.0, 0.45359237 * 9.80665 / 0.0254**2), ("degree", "rad", 180.0, np.pi), ("nT", "T", 1.0, 1e-9),
    ("ohm.m", "ohm m", 3.0, 3.0), ("ug/g", "ppm", 5.0, 5.0), ("degC/km", "K/m", 30.0, 0.03),
]  # fmt: skip
REFUSED = [
    ("m", "s"), ("g", "cm/s2"), ("Hz", "rad/s"), ("dB", "v/v"), ("log10 m", "m"), ("log10 km", "log10 m"), ("ML", "Mw"),
    ("API", "cps"), ("MV", "mV"), ("MD", "mD"), ("9**9**9**9", "m"), ("m**9**9**9", "m"), ("(9)^9^9^9", "m"),
    ("C", "K"),
    ("__import__('os')", "m"), ("m" * 60, "m"), ("degree", "1"), ("mD", "m2"),
]  # fmt: skip


@pytest.mark.parametrize(("have", "want", "value", "expected"), CONVERTED)
def test_a_unit_is_converted_and_back(have, want, value, expected):
    found = in_unit(pd.Series([value]), have, want)
    # Half a dozen rounded factors of pint, and an offset that is a hundred times the value.
    assert found[0] == pytest.approx(expected, rel=1e-13)
    assert in_unit(found, want, have)[0] == pytest.approx(value, rel=1e-11, abs=1e-11)


@pytest.mark.parametrize(("have", "want"), REFUSED)
def test_what_measures_something_else_is_refused(have, want):
    with pytest.raises(InvalidInput, match=r"which .* cannot be turned into"):
        in_unit(pd.Series([1.0], name="x"), have, want)


@settings(max_examples=50, deadline=None)
@given(st.text(max_size=50))
def test_any_text_is_a_unit_or_none(text):
    assert is_unit(text) in (True, False)


HEADS = {
    "row": ("depth,GR,rock\nm,API,name\n1,2.5,a\n3,4.5,b\n", {"depth": "m", "GR": "API", "rock": "name"}),
    "row with gaps": ("depth,GR,rock\nm,,\n1,2.5,a\n3,4.5,b\n", {"depth": "m"}),
    "row above one data row": ("depth,GR,rock\nkm,API,name\n1,2.5,a\n", {"depth": "km", "GR": "API", "rock": "name"}),
    "square brackets": ("depth [m],GR [API],rock\n1,2.5,a\n3,4.5,b\n", {"depth": "m", "GR": "API"}),
    "round brackets": ("depth (m),GR (API),rock\n1,2.5,a\n3,4.5,b\n", {"depth": "m", "GR": "API"}),
    "round brackets of no unit": ("depth (m),GR (corrected),rock\n1,2.5,a\n3,4.5,b\n", {"depth": "m"}),
    "the same name twice without them": ("GR [API],GR [cps],rock\n1,2.5,a\n3,4.5,b\n", {
        "GR [API]": "API", "GR [cps]": "cps",
    }),
    "semicolons": ("depth;GR;rock\nm;API;name\n1;2,5;a\n3;4,5;b\n", {"depth": "m", "GR": "API", "rock": "name"}),
    "tabs": ("depth\tGR\trock\nm\tAPI\tname\n1\t2,5\ta\n3\t4,5\tb\n", {"depth": "m", "GR": "API", "rock": "name"}),
    "none": ("depth,GR,rock\n1,2.5,a\n3,4.5,b\n", {}),
}  # fmt: skip


@pytest.mark.parametrize(("text", "units"), HEADS.values(), ids=HEADS)
def test_the_head_of_a_table_says_its_units(tmp_path, text, units):
    path = tmp_path / "t.csv"
    path.write_text(text)
    table = read_file(path)
    assert table.units == units
    assert table.frame.iloc[0, :2].tolist() == [1.0, 2.5]


@pytest.mark.parametrize("row", ["high,low,a", "broken,?,a", "not measured,x,a"])
def test_a_first_row_of_words_is_no_row_of_units(tmp_path, row):
    path = tmp_path / "t.csv"
    path.write_text("depth,GR,rock\n" + row + "\n" + "".join(f"{k},{k / 7:.2f},{'ab'[k % 2]}\n" for k in range(20)))
    with pytest.raises(InvalidInput, match=r"column 'depth'\. Text among its numbers: '.*' at row 1"):
        read_table(path, target="rock")


def test_two_columns_of_one_name_in_two_units_stay_apart(tmp_path, wells):
    table = wells.assign(raw=wells.GR * 1.5 + wells.RHOB).rename(columns={"GR": "GR [API]", "raw": "GR [cps]"})
    data = read_table(save(tmp_path / "t.csv", table), target="rock", group="well")
    assert data.features == ["depth", "GR [API]", "RHOB", "GR [cps]"]
    assert data.units["GR [cps]"] == "cps"
