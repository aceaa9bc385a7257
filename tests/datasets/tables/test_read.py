"""What a sound table becomes, whatever file it comes in, and what is noted on the way."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import xarray as xr
from pyarrow import parquet

from bayesgeo._check import InvalidInput
from bayesgeo.datasets.audit import audit
from bayesgeo.datasets.split import split
from bayesgeo.datasets.tables.read import encode, read_table


def change(row, column, value):
    def make(table):
        table[column] = table[column].astype(object)
        table.loc[row, column] = value
        return table

    return make


def save(path, table, **options):
    table.to_csv(path, index=False, **options)
    return path


def test_sound_table_becomes_classes_groups_and_features(tmp_path, wells):
    data = read_table(save(tmp_path / "wells.csv", wells), target="rock", group="well")
    assert (data.name, data.task, data.labels) == ("wells", "classification", ("sand", "shale"))
    assert data.features == ["depth", "GR", "RHOB"]
    assert data.groups.name == "well"
    assert data.X["obs"].values[:2].tolist() == [1, 2]
    assert split(data).kind == "leave-one-group-out"


def test_units_come_from_a_first_row_of_text(tmp_path, wells):
    units = pd.DataFrame([["name", "m", "API", "g/cm3", "name"]], columns=wells.columns)
    data = read_table(save(tmp_path / "t.csv", pd.concat([units, wells])), target="rock", group="well")
    assert data.units == {"depth": "m", "GR": "API", "RHOB": "g/cm3"}
    assert data.n_rows == 40


def test_places_keep_the_units_of_the_table(tmp_path, wells):
    placed = wells.assign(x=np.arange(len(wells)), y=0.5)
    units = pd.DataFrame([["name", "m", "API", "g/cm3", "name", "km", ""]], columns=placed.columns)
    data = read_table(save(tmp_path / "t.csv", pd.concat([units, placed])), target="rock", group="well")
    assert data.coordinates["easting"].attrs == {"units": "km"}
    assert data.coordinates["northing"].attrs == {}


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


def test_repeated_rows_are_left_out_and_named(tmp_path, wells):
    table = pd.concat([wells, wells.iloc[[4]]])
    data = read_table(save(tmp_path / "t.csv", table), target="rock")
    assert data.n_rows == 40
    assert "1 rows repeat an earlier one in every column and were left out: row 41." in data.attrs["notes"]


def test_idle_columns_are_left_out_and_named(tmp_path, wells):
    table = wells.assign(k=1.0, twin=wells.GR, label=[f"s{i}" for i in range(40)])
    data = read_table(save(tmp_path / "t.csv", table), target="rock", group="well")
    assert data.features == ["depth", "GR", "RHOB"]
    for note in (
        "Column 'k' was left out: it is 1.0 in",
        "Column 'twin' was left out: it repeats",
        "every row, are no",
    ):
        assert note in data.attrs["notes"]


def test_collinear_columns_are_named_by_the_audit(tmp_path, wells):
    table = wells.assign(total=lambda t: t.GR + 2 * t.RHOB)
    data = read_table(save(tmp_path / "t.csv", table), target="rock", group="well", drop=["depth"])
    (finding,) = (finding for finding in audit(data) if finding.code == "collinear")
    assert "GR, RHOB, total; rank 2 of 3" in finding.message


def test_rows_with_gaps_are_left_out_on_request(tmp_path, wells):
    path = save(tmp_path / "t.csv", change(2, "GR", None)(wells))
    data = read_table(path, target="rock", group="well", missing="drop")
    assert 3 not in data.X["obs"]
    assert "1 of 40 rows lack a value" in data.attrs["notes"]


def test_places_and_times_are_coordinates_and_no_features(tmp_path, wells):
    table = wells.assign(lon=-122.0 + wells.GR / 100, lat=46.0, time=pd.date_range("2020-01-01", periods=40))
    data = read_table(save(tmp_path / "t.csv", table), target="rock", group="well")
    assert set(data.coordinates) == {"longitude", "latitude", "depth", "time"}
    assert data.features == ["depth", "GR", "RHOB"]
    assert split(data, "temporal", test="2020-01-31").folds[0][1].size == 10


@pytest.mark.parametrize(("values", "task", "labels"), [
    ([1, 2, 3, 1, 2, 3] * 5, "classification", ("1", "2", "3")),
    ([10, 9, 10, 9, 2, 2] * 5, "classification", ("2", "9", "10")),
    ([True, False] * 15, "classification", ("False", "True")),
    (list(range(30)), "regression", ()),
    ([0.5, 1.5, 2.5] * 10, "regression", ()),
    (["1", "no"] * 15, "classification", ("1", "no")),
], ids=str)  # fmt: skip
def test_task_follows_from_the_target(tmp_path, wells, values, task, labels):
    data = read_table(save(tmp_path / "t.csv", wells.head(30).assign(y=values)), target="y", drop="rock")
    assert (data.task, data.labels) == (task, labels)


def test_positive_class_comes_last(tmp_path, wells):
    data = read_table(save(tmp_path / "t.csv", wells), target="rock", positive="sand")
    assert data.labels == ("shale", "sand")


def test_new_rows_become_the_same_features(tmp_path, wells):
    data = read_table(save(tmp_path / "t.csv", wells), target="rock")
    again = encode(wells, data.columns)
    assert np.array_equal(again.values, data.X.values)
    assert again["unit"].equals(data.X["unit"])


@pytest.mark.parametrize(("breaks", "message"), [
    (lambda t: t.drop(columns="GR"), r"column 'GR'\. The table has none of that name"),
    (lambda t: t.assign(well="E"), r"column 'well'\. Category 'E' at row 0 was never learnt"),
    (change(5, "RHOB", np.nan), r"column 'RHOB'\. 1 of 40 values are missing: row 5"),
    (change(5, "RHOB", "2,4"), r"column 'RHOB'\. Text among its numbers: '2,4' at row 5"),
])  # fmt: skip
def test_new_rows_that_were_not_learnt_are_refused(tmp_path, wells, breaks, message):
    data = read_table(save(tmp_path / "t.csv", wells), target="rock")
    with pytest.raises(InvalidInput, match=message):
        data.encode(breaks(wells))


def test_grid_file_becomes_one_row_a_node(tmp_path):
    rng = np.random.default_rng(0)
    axes = {"easting": np.arange(5.0), "northing": np.arange(4.0)}
    grid = xr.Dataset({name: (("northing", "easting"), rng.normal(size=(4, 5))) for name in ("g", "h")}, axes)
    grid.to_netcdf(tmp_path / "grid.nc", engine="h5netcdf")
    data = read_table(tmp_path / "grid.nc", target="g")
    assert (data.n_rows, data.features, set(data.coordinates)) == (20, ["h"], {"easting", "northing"})


def test_a_column_that_looks_like_a_group_is_remarked_upon_only_when_no_group_is_named(tmp_path):
    path = tmp_path / "logs.csv"
    rows = [f"{k * 0.7:.2f},{'sand' if k % 3 else 'shale'},W{k % 4}" for k in range(40)]
    path.write_text("\n".join(["GR,rock,well", *rows]))
    assert "name it as the group" in read_table(path, target="rock").attrs["notes"]
    assert "name it as the group" not in read_table(path, target="rock", group="well").attrs.get("notes", "")
