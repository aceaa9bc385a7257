"""Groups, weights and coordinates of a table become arrays along its rows."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from bayesgeo._check import InvalidInput
from bayesgeo.datasets.assembly import assemble
from bayesgeo.datasets.base import Column, Origin

TABLE = pd.DataFrame(
    {"GR": [70.0, 40.0, 60.0], "rock": ["shale", "sand", "sand"], "well": ["A", "A", "B"], "line": [1, 2, 2]},
    index=["r1", "r2", "r3"],
)


def assembled(**fields):
    target = {"target": TABLE["rock"], "labels": ("sand", "shale")}
    return assemble("wells", TABLE, columns=[Column("GR")], **target | fields)


@pytest.mark.parametrize(("groups", "keys"), [
    (None, []),
    (TABLE["well"], ["well"]),
    (TABLE["well"].rename(None), ["group"]),
    (TABLE[["well", "line"]], ["well", "line"]),
    (xr.DataArray(TABLE["well"].to_numpy(), dims="obs", name="well"), ["well"]),
    (xr.DataArray(TABLE["well"].to_numpy(), dims="obs"), ["group"]),
    (xr.Dataset({"line": ("obs", [1, 2, 2])}), ["line"]),
], ids=["none", "column", "nameless column", "columns", "array", "nameless array", "dataset"])  # fmt: skip
def test_groups_are_taken_in_every_form(groups, keys):
    data = assembled(groups=groups)
    assert list(data.groups) == keys
    if keys and keys[0] != "line":
        assert data.group.values.tolist() == ["A", "A", "B"]


def test_parts_are_named_by_the_rows_of_the_table():
    weights = pd.Series([1.0, 2.0, 0.0], index=TABLE.index)
    data = assembled(groups=TABLE["well"], weights=weights, coordinates=TABLE[["GR"]].rename(columns={"GR": "depth"}))
    for part in (data.X, data.y, data.group, data.weights, data.coordinates["depth"]):
        assert part["obs"].values.tolist() == ["r1", "r2", "r3"]
    assert data.weights.values.tolist() == [1.0, 2.0, 0.0]


def test_origin_gets_the_columns_and_keeps_the_rest():
    origin = Origin(leaks={"depth": "fixed"}, split={"kind": "random"}, attrs={"licence": "CC0-1.0"})
    data = assembled(origin=origin)
    assert data.columns == (Column("GR"),)
    assert (data.leaks, data.split, data.attrs) == (origin.leaks, origin.split, origin.attrs)


def test_target_without_labels_is_a_quantity():
    data = assembled(target=TABLE["line"], labels=())
    assert data.task == "regression"
    assert np.array_equal(data.y.values, [1.0, 2.0, 2.0])


def test_class_that_is_no_label_is_refused_with_its_row():
    with pytest.raises(InvalidInput, match=r"target 'rock'\. Class 'shale' at row r1 is not among the labels"):
        assembled(labels=("sand", "salt"))


def test_key_with_the_name_of_the_rows_is_refused():
    with pytest.raises(InvalidInput, match=r"group 'obs'\. It is the name of the rows\. Rename the column\."):
        assembled(groups=TABLE["well"].rename("obs"))
