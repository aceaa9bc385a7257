"""Extreme tables are answered or refused within seconds, never with a traceback or a silent change."""

import time

import numpy as np
import pandas as pd
import pytest

from bayesgeo._check import InvalidInput
from bayesgeo.datasets.audit import audit
from bayesgeo.datasets.split import split
from bayesgeo.datasets.tables.read import read_table
from tests.datasets.tables.changing import change, save
from tests.tables import shaking

SECONDS = 10.0
REFUSED = {
    "a feature of 1e308": (change(6, "GR", 1e308), {}, r"column 'GR'\. 1e\+308 at row 7 is beyond 1e\+100"),
    "a feature of -1e200": (change(6, "GR", -1e200), {}, r"column 'GR'\. -1e\+200 at row 7 is beyond"),
    "a feature of 1e400": (change(6, "GR", "1e400"), {}, r"column 'GR'\. It is infinite at row 7"),
    "tiny features": (lambda t: t.assign(GR=t.GR * 1e-150), {}, r"feature 'GR'\. Its largest number, .*e-14\d at row"),
    "a target of 1e160": (lambda t: t.assign(y=t.GR * 1e160), {"target": "y"}, r"column 'y'\. .* is beyond 1e\+100"),
    "a target of 1e12": (lambda t: t.assign(y=t.GR * 1e12), {"target": "y"}, r"target 'y'\. .* choose a larger unit"),
    "thousands with commas": (
        lambda t: t.assign(n=[f"{k % 9 + 1},{k:03d}" for k in range(40)]),
        {},
        r"column 'n'\. Its numbers are written as text: '1,000' at row 1\. Write plain numbers",
    ),
    "per cent signs": (lambda t: t.assign(n=[f"{k % 9} %" for k in range(40)]), {}, r"written as text: '0 %' at row 1"),
    "below detection": (lambda t: t.assign(n=[f"<{k % 9}" for k in range(40)]), {}, r"written as text: '<0' at row 1"),
    "a target below detection": (lambda t: t.assign(n=["<1", "<2"] * 20), {"target": "n"}, r"written as text: '<1'"),
    "dates as a target": (lambda t: t.assign(n=[f"2020-01-{k % 28 + 1:02d}" for k in range(40)]), {
        "target": "n", "task": "regression",
    }, r"column 'n'\. Text among its numbers: '2020-01-01'"),
    "100,000 columns": (lambda t: pd.DataFrame(1, range(3), [f"c{k}" for k in range(100_000)]), {},
        r"It has 100,000 columns; 5,000 at most"),
}  # fmt: skip


@pytest.mark.parametrize(("breaks", "options", "message"), REFUSED.values(), ids=REFUSED)
def test_an_extreme_table_is_refused_in_time(tmp_path, wells, breaks, options, message):
    path = save(tmp_path / "t.csv", breaks(wells))
    begun = time.process_time()
    with pytest.raises(InvalidInput, match=message):
        read_table(path, **{"target": "rock"} | options)
    assert time.process_time() - begun < SECONDS


@pytest.mark.parametrize("change", [
    lambda d: {"y": d.y * 1e160}, lambda d: {"y": d.y * 1e-200}, lambda d: {"X": d.X * 1e200},
], ids=["huge target", "tiny target", "huge features"])  # fmt: skip
def test_a_data_set_in_memory_is_refused_where_variances_overflow_or_vanish(change):
    from dataclasses import replace

    data = shaking()
    with pytest.raises(
        InvalidInput, match=r"Its largest number, .* at row \d+, is outside 1e-100 to 1e\+100\. Correct"
    ):
        replace(data, **change(data))


@pytest.mark.slow
def test_four_thousand_columns_are_read_and_audited_in_time(tmp_path):
    rng = np.random.default_rng(0)
    table = pd.DataFrame(rng.normal(size=(60, 4000)).round(3), columns=[f"c{k}" for k in range(4000)])
    path = save(tmp_path / "t.csv", table.assign(rock=np.resize(["a", "b", "c"], 60)))
    begun = time.process_time()
    data = read_table(path, target="rock")
    found = audit(data, split(data))
    assert time.process_time() - begun < SECONDS
    assert len(data.features) == 4000
    assert "4,000 features for 60 rows" in next(finding.message for finding in found if finding.code == "wide")


CLASSES = {
    "a million and one": ([1000001, 1000002] * 20, ("1000001", "1000002")),
    "twelve digits": ([999999999998, 999999999999] * 20, ("999999999998", "999999999999")),
    "twenty digits": ([f"{10**19 + k % 2}" for k in range(40)], (f"{10**19}", f"{10**19 + 1}")),
    "with points": ([1.0, 2.0] * 20, ("1", "2")),
    "text with zeros": (["a01", "a1"] * 20, ("a01", "a1")),
}  # fmt: skip


@pytest.mark.parametrize(("values", "labels"), CLASSES.values(), ids=CLASSES)
def test_class_codes_keep_all_their_digits(tmp_path, wells, values, labels):
    data = read_table(save(tmp_path / "t.csv", wells.assign(y=values)), target="y", group="well", drop="rock")
    assert data.labels == labels
    assert np.bincount(data.y.values).tolist() == [20, 20]


def test_fractions_as_classes_stay_apart(tmp_path, wells):
    table = wells.assign(y=[0.1234567, 0.1234568] * 20)
    assert read_table(save(tmp_path / "t.csv", table), target="y", task="classification").labels == (
        "0.1234567",
        "0.1234568",
    )


def test_groups_of_numbers_are_named_alike_with_and_without_gaps(tmp_path, wells):
    numbered = wells.assign(well=np.resize([7.0, 8.0, 9.0], 40))
    whole = read_table(save(tmp_path / "t.csv", numbered.astype({"well": int})), target="rock", group="well")
    gap = read_table(
        save(tmp_path / "t.csv", change(0, "well", None)(numbered)), target="rock", group="well", missing="drop"
    )
    assert set(whole.group_labels()["well"]) == set(gap.group_labels()["well"]) == {"7", "8", "9"}


@pytest.mark.parametrize("years", [[2020.0, 2020.5], [2020, 2021]], ids=["fractions", "whole"])
def test_years_with_fractions_and_gaps_are_times_in_order(tmp_path, wells, years):
    table = wells.assign(year=np.resize(years, 40))
    table.loc[0, "year"] = np.nan
    times = read_table(save(tmp_path / "t.csv", table), target="rock", time="year").coordinates["time"].values
    assert np.isnat(times[0])
    assert times[1] != times[2]
    assert str(times[2])[:4] == "2020"
