"""What a sound table becomes, and what is noted on the way."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bayesgeo._check import InvalidInput
from bayesgeo.datasets.audit import audit
from bayesgeo.datasets.split import split
from bayesgeo.datasets.tables.read import read_table
from tests.datasets.tables.changing import change, save


def test_sound_table_becomes_classes_groups_and_features(tmp_path, wells):
    data = read_table(save(tmp_path / "wells.csv", wells), target="rock", group="well")
    assert (data.name, data.task, data.labels) == ("wells", "classification", ("sand", "shale"))
    assert data.features == ["depth", "GR", "RHOB"]
    assert data.group.name == "well"
    assert data.X["obs"].values[:2].tolist() == [1, 2]
    assert split(data).kind == "leave-one-group-out"


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
        "are no features: 'label' (is different in every row)",
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


def test_a_column_that_looks_like_a_group_is_remarked_upon_only_when_no_group_is_named(tmp_path):
    path = tmp_path / "logs.csv"
    rows = [f"{k * 0.7:.2f},{'sand' if k % 3 else 'shale'},W{k % 4}" for k in range(40)]
    path.write_text("\n".join(["GR,rock,well", *rows]))
    assert "name it as the group" in read_table(path, target="rock").attrs["notes"]
    assert "name it as the group" not in read_table(path, target="rock", group="well").attrs.get("notes", "")


def test_first_of_several_group_columns_is_the_one_that_a_split_keeps_together(tmp_path, wells):
    path = save(tmp_path / "t.csv", wells.assign(line=np.resize(["x", "y"], 40)))
    one, two = (read_table(path, target="rock", group=group) for group in ("well", ["well", "line"]))
    assert list(two.groups) == ["well", "line"]
    assert two.features == ["depth", "GR", "RHOB"]
    assert two.group.name == "well"
    assert split(two).sha256 == split(one).sha256
    assert one.group.identical(two.group)


@pytest.mark.parametrize(("groups", "message"), [
    (["well", "wel"], r"group 'wel'\. .*Did you mean 'well'\?"),
    (["well", "well"], r"group \('well', 'well'\)\. A column occurs more than once\. Name each"),
    (["well", "rock"], r"group 'rock'\. It is the target"),
    (["well", "id"], r"group 'id'\. Every one of its 40 groups has one"),
])  # fmt: skip
def test_each_group_column_is_checked(tmp_path, wells, groups, message):
    path = save(tmp_path / "t.csv", wells.assign(id=[f"s{k}" for k in range(40)]))
    with pytest.raises(InvalidInput, match=message):
        read_table(path, target="rock", group=groups)


@pytest.mark.slow
def test_reading_a_table_imports_neither_pymc_nor_torch():
    imports = "import sys, bayesgeo.datasets.tables.read, bayesgeo.datasets.audit"
    code = f"{imports}; print({{'pymc', 'torch'}} & set(sys.modules))"
    root = Path(__file__).parents[3]
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=root, check=True)
    assert done.stdout.strip() == "set()"
