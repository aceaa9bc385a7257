"""What a reader of Evidence computes again never contradicts what our own checks say."""

import numpy as np
import pytest
import xarray as xr

from bayesgeo.evaluation.integrity import checksum, keeps, load_sealed, write_sealed
from bayesgeo.testing.posteriors import BROKEN, HEALTHY


@pytest.mark.long
def test_a_check_that_passed_keeps_its_own_threshold():
    checks = [check for case in (*BROKEN, *HEALTHY) for check in case.diagnosis().checks if check.status == "passed"]
    assert len({check.code for check in checks}) > 15
    assert not [check for check in checks if not keeps(check.value, check.threshold)]


@pytest.mark.parametrize(
    "values",
    [[0, 1], [0.1, np.nan], [True, False], ["a", "ß"], np.array([1, 2], "u1"), np.array([1.5], "f4"), [], ["a", ""]],
    ids=repr,
)
def test_a_checksum_is_that_of_what_comes_back_from_the_file(values, tmp_path):
    attrs = {"text": "ß", "none": "", "whole": 3, "real": 0.1, "list": [1.0, 2.0], "missing": np.nan}
    group = xr.Dataset({"x": ("obs", np.asarray(values), {"unit": ""})}, coords={"scalar": 1.0}, attrs=attrs)
    tree = xr.DataTree.from_dict({"a/b": group, "c": xr.Dataset()})
    again = load_sealed(write_sealed(tree, tmp_path / "t.nc"), "tree")
    assert checksum(again) == checksum(tree)
    assert "sha256" not in again.attrs


def test_every_name_dimension_value_and_attribute_counts():
    tree = xr.DataTree.from_dict({"a": xr.Dataset({"x": ("obs", [1.0, 2.0], {"unit": "m"})}, attrs={"kind": "b"})})
    others = {
        "a group": {"b": tree["a"].to_dataset()},
        "a name": {"a": tree["a"].to_dataset().rename(x="y")},
        "a dimension": {"a": tree["a"].to_dataset().rename(obs="row")},
        "a type": {"a": tree["a"].to_dataset().astype("f4")},
        "an attribute": {"a": tree["a"].to_dataset().assign_attrs(kind="c")},
        "a unit": {"a": xr.Dataset({"x": ("obs", [1.0, 2.0], {"unit": "km"})}, attrs={"kind": "b"})},
        "a shape": {"a": tree["a"].to_dataset().expand_dims("draw")},
    }
    sums = {what: checksum(xr.DataTree.from_dict(groups)) for what, groups in others.items()}
    assert len({checksum(tree), *sums.values()}) == len(sums) + 1
