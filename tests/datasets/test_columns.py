"""New rows become the features of the training rows, or are refused by name."""

import numpy as np
import pytest

from bayesgeo._check import InvalidInput
from bayesgeo.datasets.columns import encode
from bayesgeo.datasets.tables.read import read_table
from tests.datasets.tables.changing import change, save


def test_new_rows_become_the_same_features(tmp_path, wells):
    data = read_table(save(tmp_path / "t.csv", wells), target="rock")
    again = encode(wells, data.columns)
    assert np.array_equal(again.values, data.X.values)
    assert again["unit"].equals(data.X["unit"])


@pytest.mark.parametrize(("breaks", "message"), [
    (lambda t: t.drop(columns="GR"), r"column 'GR'\. The table has no such column"),
    (lambda t: t.assign(well="E"), r"column 'well'\. Category 'E' at row 0 is not in the training data"),
    (change(5, "RHOB", np.nan), r"column 'RHOB'\. 1 of 40 values are missing: row 5"),
    (change(5, "RHOB", "2,4"), r"column 'RHOB'\. Text among its numbers: '2,4' at row 5"),
])  # fmt: skip
def test_new_rows_that_were_not_learnt_are_refused(tmp_path, wells, breaks, message):
    data = read_table(save(tmp_path / "t.csv", wells), target="rock")
    with pytest.raises(InvalidInput, match=message):
        data.encode(breaks(wells))
