"""The task and its classes follow from the target column."""

import pytest

from bayesgeo.datasets.tables.read import read_table
from tests.datasets.tables.changing import save


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
