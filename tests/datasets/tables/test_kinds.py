"""Columns of typed files: numbers, text and dates are read, others are left out by name; packed text is unpacked."""

import bz2
import datetime
import gzip
import lzma
import zipfile
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from bayesgeo._check import InvalidInput
from bayesgeo.datasets.tables import content
from bayesgeo.datasets.tables.read import read_table
from tests.datasets.tables.changing import change, save


def forty(make):
    return [make(k) for k in range(40)]


READ = {
    "decimal numbers": [Decimal(k) / 7 for k in range(40)],
    "small integers": np.arange(40, dtype="int16") * 7 % 100,
    "half precision": np.arange(40, dtype="float16") / 4,
    "unsigned": np.arange(40, dtype="uint64") * 13 % 29,
    "truth values": np.arange(40) % 3 == 0,
    "nullable integers": pd.array(np.arange(40) * 7 % 100, dtype="Int64"),
}
TEXT = {
    "categories": pd.Categorical(np.resize(["x", "y"], 40)),
    "bytes": [b"x", b"y"] * 20,
    "arrow strings": pd.array(["x", "y"] * 20, dtype="string"),
}
LEFT_OUT = {
    "lists": (forty(lambda k: [k, k + 1]), r"ndarray"),
    "structures": (forty(lambda k: {"a": k}), r"dict"),
    "time spans": (pd.to_timedelta(np.arange(40), unit="s"), r"time spans"),
    "times of day": (forty(lambda k: datetime.time(k % 24)), r"time"),
}


@pytest.mark.parametrize("values", READ.values(), ids=READ)
def test_a_typed_column_of_numbers_is_a_feature(tmp_path, wells, values):
    wells.assign(new=values).to_parquet(tmp_path / "t.parquet")
    data = read_table(tmp_path / "t.parquet", target="rock", group="well", drop="depth")
    assert data.features == ["GR", "RHOB", "new"]
    assert data.X.sel(feature="new").values == pytest.approx(np.array([float(value) for value in values]))


@pytest.mark.parametrize("values", TEXT.values(), ids=TEXT)
def test_a_typed_column_of_text_becomes_categories(tmp_path, wells, values):
    wells.assign(new=values).to_parquet(tmp_path / "t.parquet")
    assert read_table(tmp_path / "t.parquet", target="rock", group="well").features[-1] == "new=y"


@pytest.mark.parametrize(("values", "kind"), LEFT_OUT.values(), ids=LEFT_OUT)
def test_a_column_of_another_kind_is_left_out_by_name_and_refused_where_it_is_asked_for(tmp_path, wells, values, kind):
    path = tmp_path / "t.parquet"
    wells.assign(new=values).to_parquet(path)
    data = read_table(path, target="rock", group="well")
    assert data.features == ["depth", "GR", "RHOB"]
    assert f"Columns were left out: 'new' ({kind}" in data.attrs["notes"]
    for role in ({"target": "new"}, {"target": "rock", "features": ["GR", "new"]}, {"target": "rock", "group": "new"}):
        with pytest.raises(InvalidInput, match=rf"'new'\. It holds {kind}.* Give numbers, text or dates"):
            read_table(path, **role)


@pytest.mark.parametrize("ending", ["parquet", "nc"])
def test_dates_are_no_features(tmp_path, wells, ending):
    table = wells.assign(drilled=pd.date_range("2020-01-01", periods=40), new=1.0)
    path = tmp_path / f"t.{ending}"
    table.to_parquet(path) if ending == "parquet" else table.to_xarray().to_netcdf(path, engine="h5netcdf")
    data = read_table(path, target="rock", group="well")
    assert data.features == ["depth", "GR", "RHOB"]
    assert "Columns of dates are no features: 'drilled'." in data.attrs["notes"]
    with pytest.raises(InvalidInput, match=r"column 'drilled'\. It holds dates, not numbers"):
        read_table(path, target="rock", features=["GR", "drilled"])
    with pytest.raises(InvalidInput, match=r"column 'drilled'\. It holds dates, not numbers"):
        read_table(path, target="drilled")
    assert read_table(path, target="rock", time="drilled").coordinates["time"].size == 40


def test_complex_numbers_of_netcdf_are_left_out_by_name(tmp_path, wells):
    data = wells.to_xarray().assign(Z=("index", np.arange(40) + 1j))
    with pytest.warns(UserWarning, match="invalid netcdf features"):
        data.to_netcdf(tmp_path / "t.nc", engine="h5netcdf", invalid_netcdf=True)
    found = read_table(tmp_path / "t.nc", target="rock", group="well")
    assert found.features == ["depth", "GR", "RHOB"]
    assert "'Z' (complex numbers)" in found.attrs["notes"]


def test_seconds_of_netcdf_are_numbers(tmp_path, wells):
    data = wells.to_xarray()
    data["GR"].attrs["units"] = "seconds"
    data.to_netcdf(tmp_path / "t.nc", engine="h5netcdf")
    found = read_table(tmp_path / "t.nc", target="rock", group="well")
    assert found.X.sel(feature="GR").values == pytest.approx(wells["GR"].to_numpy())
    assert found.units["GR"] == "seconds"


def test_the_fill_value_of_netcdf_is_missing(tmp_path, wells):
    data = change(3, "GR", np.nan)(wells).astype({"GR": float}).to_xarray()
    data.to_netcdf(tmp_path / "t.nc", engine="h5netcdf", encoding={"GR": {"_FillValue": -1.0}})
    with pytest.raises(InvalidInput, match=r"column 'GR'\. 1 of 40 values are missing: row 4"):
        read_table(tmp_path / "t.nc", target="rock")


def test_an_index_of_parquet_is_a_column_when_it_has_a_name(tmp_path, wells):
    wells.set_index("well").to_parquet(tmp_path / "t.parquet")
    assert list(read_table(tmp_path / "t.parquet", target="rock", group="well").groups) == ["well"]


def test_parquet_text_that_is_not_utf_8_is_refused(tmp_path, wells):
    path = tmp_path / "t.parquet"
    wells.to_parquet(path, compression=None)
    path.write_bytes(path.read_bytes().replace(b"shale", b"sh\xffle"))
    with pytest.raises(InvalidInput, match="cannot be read as Parquet"):
        read_table(path, target="rock")


def test_dimensions_that_multiply_to_no_table_are_refused_before_they_are_loaded(tmp_path):
    axes = {name: (name, np.zeros(20_000, "i1")) for name in ("a", "b", "c")}
    xr.Dataset(axes).to_netcdf(tmp_path / "t.nc", engine="h5netcdf")
    with pytest.raises(InvalidInput, match=r"make 8,000,000,000,000 rows; 50,000,000 at most"):
        read_table(tmp_path / "t.nc", target="a")


def zipped(path, text, names=("t.csv",)):
    with zipfile.ZipFile(path, "w") as archive:
        for name in names:
            archive.writestr(name, text)


PACKED = {
    "csv.gz": lambda path, raw: path.write_bytes(gzip.compress(raw)),
    "csv.bz2": lambda path, raw: path.write_bytes(bz2.compress(raw)),
    "csv.xz": lambda path, raw: path.write_bytes(lzma.compress(raw)),
    "csv.zip": zipped,
    "TSV.GZ": lambda path, raw: path.write_bytes(gzip.compress(raw.replace(b",", b"\t"))),
}


@pytest.mark.parametrize("ending", PACKED)
def test_packed_text_is_the_same_table(tmp_path, wells, ending):
    plain = save(tmp_path / "plain.csv", wells)
    path = tmp_path / f"t.{ending}"
    PACKED[ending](path, plain.read_bytes())
    options = {"target": "rock", "group": "well"}
    assert read_table(path, **options).sha256 == read_table(plain, **options).sha256


BROKEN = {
    "cut": ("t.csv.gz", lambda path, raw: path.write_bytes(gzip.compress(raw)[:-20]), "cannot be read as .gz of a"),
    "not packed": ("t.csv.gz", lambda path, raw: path.write_bytes(raw), "cannot be read as .gz of a table"),
    "cut bz2": ("t.csv.bz2", lambda path, raw: path.write_bytes(bz2.compress(raw)[:50]), "cannot be read as .bz2"),
    "not xz": ("t.csv.xz", lambda path, raw: path.write_bytes(raw), "cannot be read as .xz"),
    "not zip": ("t.csv.zip", lambda path, raw: path.write_bytes(raw), "cannot be read as .zip"),
    "two in one": ("t.csv.zip", lambda path, raw: zipped(path, raw, ("a", "b")), r"It holds 2 files\. Give an archive"),
    "packed Parquet": ("t.parquet.gz", lambda path, raw: path.write_bytes(raw), r"Its ending '\.gz' is not known"),
    "bomb": ("t.csv.gz", lambda path, raw: path.write_bytes(gzip.compress(bytes(2**21))), "It unpacks to more than 1"),
}  # fmt: skip


@pytest.mark.parametrize(("name", "write", "message"), BROKEN.values(), ids=BROKEN)
def test_what_cannot_be_unpacked_is_refused(tmp_path, wells, monkeypatch, *, name, write, message):
    monkeypatch.setattr(content, "LARGEST", 2**20)
    raw = save(tmp_path / "plain.csv", wells).read_bytes()
    write(tmp_path / name, raw)
    with pytest.raises(InvalidInput, match=message):
        read_table(tmp_path / name, target="rock")
