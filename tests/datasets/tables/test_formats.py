"""One table in many formats, and files that cannot be read."""

import contextlib

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from bayesgeo._check import InvalidInput
from bayesgeo.datasets.tables.read import read_table
from tests.datasets.tables.changing import save


def test_units_come_from_a_first_row_of_text(tmp_path, wells):
    units = pd.DataFrame([["name", "m", "API", "g/cm3", "name"]], columns=wells.columns)
    data = read_table(save(tmp_path / "t.csv", pd.concat([units, wells])), target="rock", group="well")
    assert data.units == {"depth": "m", "GR": "API", "RHOB": "g/cm3"}
    assert data.n_rows == 40


def test_units_come_from_headers_parquet_fields_and_netcdf_attributes(tmp_path, wells):
    table = wells.drop(columns=["well", "depth"])
    headers = save(tmp_path / "t.csv", table.rename(columns={"GR": "GR [API]"}))
    fields = [
        pa.field("GR", "f8", metadata={"unit": "API"}),
        pa.field("RHOB", "f8"),
        pa.field("rock", "string"),
    ]
    parquet.write_table(pa.Table.from_pandas(table, pa.schema(fields)), tmp_path / "t.parquet")
    data = table.rename_axis("obs").to_xarray().drop_vars("obs")
    data["GR"].attrs["units"] = "API"
    data.to_netcdf(tmp_path / "t.nc", engine="h5netcdf")
    read = [read_table(path, target="rock") for path in (headers, tmp_path / "t.parquet", tmp_path / "t.nc")]
    assert [item.units for item in read] == [{"GR": "API", "RHOB": ""}] * 3
    assert len({item.sha256 for item in read}) == 1


@pytest.mark.parametrize("options", [
    {"sep": ";"}, {"sep": "\t"}, {"sep": ";", "decimal": ","}, {"encoding": "utf-8-sig"},
    {"encoding": "latin-1"}, {"lineterminator": "\r\n"},
], ids=str)  # fmt: skip
def test_separators_and_encodings_do_not_change_the_data(tmp_path, wells, options):
    table = wells.replace("shale", "Ölschiefer")
    plain = read_table(save(tmp_path / "plain.csv", table), target="rock")
    other = read_table(save(tmp_path / "other.csv", table, **options), target="rock")
    assert other.sha256 == plain.sha256
    assert ("latin-1" in other.attrs["notes"]) == (options.get("encoding") == "latin-1")


def test_grid_file_becomes_one_row_a_node(tmp_path):
    rng = np.random.default_rng(0)
    axes = {"easting": np.arange(5.0), "northing": np.arange(4.0)}
    grid = xr.Dataset({name: (("northing", "easting"), rng.normal(size=(4, 5))) for name in ("g", "h")}, axes)
    grid.to_netcdf(tmp_path / "grid.nc", engine="h5netcdf")
    data = read_table(tmp_path / "grid.nc", target="g")
    assert (data.n_rows, data.features, set(data.coordinates)) == (20, ["h"], {"easting", "northing"})


FILES = {
    "empty file": ("t.csv", b"", r"file 't\.csv'\. It is empty"),
    "blank file": ("t.csv", b"\n\n", r"file 't\.csv'\. It has no header"),
    "null bytes": ("t.csv", b"a,rock\n1,\0", r"It is not text: it holds null bytes"),
    "short last row": (
        "t.csv",
        b"a,b,rock\n1,2,s\n3,4",
        r"Line 3 has 2 fields, the header has 3\. .*truncated",
    ),
    "long row": ("t.csv", b"a,rock\n1,2,s\n3,t\n", r"Line 2 has 3 fields, the header has 2\. Correct"),
    "nameless column": ("t.csv", b"a,,rock\n1,2,s\n3,4,t\n", r"header 't\.csv'\. Column 2 has no name"),
    "cut Parquet": (
        "t.parquet",
        b"PAR1\x15\x04",
        r"file 't\.parquet'\. It cannot be read as Parquet: it is trunc",
    ),
    "cut netCDF": (
        "t.nc",
        b"\x89HDF\r\n\x1a\n\0\0",
        r"file 't\.nc'\. It cannot be read as netCDF: it is trunc",
    ),
    "spreadsheet": ("t.xlsx", b"PK", r"Its ending '\.xlsx' is not known\. Save the table as one of \.csv"),
}


@pytest.mark.parametrize(("name", "content", "message"), FILES.values(), ids=FILES)
def test_broken_file_is_refused_by_name(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InvalidInput, match=message):
        read_table(tmp_path / name, target="rock")


def test_absent_file_is_refused_with_the_nearest_name(tmp_path, wells):
    save(tmp_path / "wells.csv", wells)
    with pytest.raises(InvalidInput, match=r"no such file\. Did you mean 'wells\.csv'\?"):
        read_table(tmp_path / "well.csv", target="rock")


@pytest.mark.parametrize("cut", [0.2, 0.5, 0.9, 0.99])
@pytest.mark.parametrize("ending", ["parquet", "nc"])
def test_truncated_binary_file_is_refused(tmp_path, wells, ending, cut):
    path = tmp_path / f"t.{ending}"
    if ending == "nc":
        wells.to_xarray().to_netcdf(path, engine="h5netcdf")
    else:
        wells.to_parquet(path)
    path.write_bytes(path.read_bytes()[: int(cut * path.stat().st_size)])
    with pytest.raises(InvalidInput, match="it is truncated"):
        read_table(path, target="rock")


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200), st.sampled_from([".csv", ".parquet", ".nc"]))
def test_any_bytes_are_read_or_refused(tmp_path_factory, content, ending):
    path = tmp_path_factory.mktemp("fuzz") / f"t{ending}"
    path.write_bytes(content)
    with contextlib.suppress(InvalidInput):
        read_table(path, target="rock")
