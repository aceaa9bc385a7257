"""Coverage inside and outside an area."""

import numpy as np
import pytest
from statsmodels.stats.proportion import proportion_confint

from bayesgeo._check import InvalidInput
from bayesgeo.maps import coverage_inside_outside


def test_counts_and_intervals_are_those_of_each_part():
    rng = np.random.default_rng(0)
    inside, covered = rng.random((7, 30)) < 0.7, rng.random((7, 30)) < 0.9
    found = coverage_inside_outside(inside, covered, level=0.9)
    for where, part in (("inside", covered[inside]), ("outside", covered[~inside])):
        of = found.sel(where=where)
        low, high = proportion_confint(part.sum(), part.size, alpha=0.1, method="wilson")
        assert (int(of["rows"]), int(of["held"])) == (part.size, part.sum())
        np.testing.assert_allclose([of["coverage"], of["low"], of["high"]], [part.mean(), low, high], rtol=1e-12)


def test_a_part_without_rows_has_no_coverage():
    found = coverage_inside_outside([True, True], [1, 1])
    assert found["rows"].values.tolist() == [2, 0]
    assert np.isnan(found[["coverage", "low", "high"]].sel(where="outside").to_array()).all()
    assert float(found["high"][0]) == 1.0


@pytest.mark.parametrize(
    ("inside", "covered", "level", "message"),
    [
        ([True], [True, False], 0.95, "Its shape is"),
        ([True], [np.nan], 0.95, "true or false"),
        ([0.5], [True], 0.95, "true or false"),
        ([True], [True], 95, "between 0 and 1"),
    ],
)
def test_what_cannot_be_counted_is_told(inside, covered, level, message):
    with pytest.raises(InvalidInput, match=message):
        coverage_inside_outside(inside, covered, level=level)
