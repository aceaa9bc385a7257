"""Splits keep apart what they promise to keep apart."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from bayesgeo._check import InvalidInput
from bayesgeo.datasets import load
from bayesgeo.datasets.base import Dataset, Origin
from bayesgeo.datasets.split import KINDS, split


def table(n=60, n_groups=12, task="classification", **fields):
    rng = np.random.default_rng(n)
    y = rng.integers(2, size=n) if task == "classification" else rng.normal(size=n)
    rows = xr.Dataset({
        "easting": ("obs", rng.uniform(0, 10, n)),
        "northing": ("obs", rng.uniform(0, 10, n)),
        "time": ("obs", pd.date_range("2020-01-01", periods=n)),
        "fold": ("obs", np.arange(n) % 3 + 1),
    })  # fmt: skip
    X = xr.DataArray(rng.normal(size=(n, 2)), dims=("obs", "feature"), coords={"obs": range(n), "feature": ["a", "b"]})
    groups = xr.DataArray(rng.permutation(np.arange(n) % n_groups), dims="obs", name="well").to_dataset()
    defaults = {
        "groups": groups,
        "coordinates": rows,
        "labels": ("no", "yes") if task == "classification" else (),
    }
    return Dataset("table", X, xr.DataArray(y, dims="obs", name="y"), **defaults | fields)


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(st.sampled_from(KINDS), st.integers(40, 80), st.sampled_from(["classification", "regression"]))
def test_training_and_test_never_share_rows_and_each_row_is_tested_once_at_most(kind, n, task):
    folds = split(table(n, task=task), kind, folds=4).folds
    tested = np.concatenate([test for _, test in folds])
    assert all(np.intersect1d(train, test).size == 0 for train, test in folds)
    assert all(train.size + test.size == n for train, test in folds)
    assert np.unique(tested).size == tested.size
    assert kind in {"temporal", "holdout"} or tested.size == n


@settings(max_examples=30, deadline=None)
@given(st.sampled_from(["group", "leave-one-group-out", "holdout"]), st.integers(5, 20), st.integers(0, 99))
def test_no_group_is_on_both_sides(kind, n_groups, seed):
    data = table(80, n_groups)
    for train, test in split(data, kind, seed=seed).folds:
        assert np.intersect1d(data.group.values[train], data.group.values[test]).size == 0


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 99), st.integers(2, 9), st.lists(st.integers(1, 12), min_size=2, max_size=9))
def test_every_row_tested_within_groups_has_rows_of_its_group_among_the_training_rows(seed, folds, sizes):
    codes = np.random.default_rng(seed).permutation(np.repeat(np.arange(len(sizes)), sizes))
    shared = np.isin(codes, np.flatnonzero(np.array(sizes) > 1))
    assume(shared.sum() >= folds)
    data = table(codes.size, groups=xr.Dataset({"well": ("obs", codes)}))
    by = split(data, "within-group", folds=folds, seed=seed)
    tested = np.concatenate([test for _, test in by.folds])
    assert np.array_equal(np.sort(tested), np.flatnonzero(shared))
    assert all(np.isin(codes[test], codes[train]).all() for train, test in by.folds)
    counts = np.array([np.bincount(codes[test], minlength=len(sizes)) for _, test in by.folds])
    assert (np.ptp(counts, axis=0) <= 1).all()
    assert np.ptp(counts.sum(axis=1)) <= 1


def test_a_split_within_groups_says_which_question_it_answers():
    by = split(table(groups=xr.Dataset({"well": ("obs", [0, *np.arange(59) % 9 + 1])})), "within-group")
    assert "the question is about new rows of known groups (well), not of a new well." in by.sentence
    assert by.sentence.endswith("Rows alone in their group (1) always train.")
    assert (by.group, by.blocks) == (None, None)


def test_published_folds_are_taken_from_the_data_set_as_they_are():
    data = table(origin=Origin(split={"kind": "published"}))
    by = split(data)
    assert [test.tolist() for _, test in by.folds] == [list(range(start, 60, 3)) for start in range(3)]
    assert (by.kind, by.group) == ("published", None)
    kept = split(replace(data, groups=xr.Dataset({"event": ("obs", np.arange(60) % 6)})))
    assert kept.sentence == "The 3 folds published with the data set: no event is on both sides."
    assert kept.group == "event"


def test_training_ends_before_the_temporal_test_begins():
    data = table()
    ((train, test),) = split(data, "temporal").folds
    assert data.coordinates["time"].values[train].max() < data.coordinates["time"].values[test].min()
    assert test.size == 12


def test_a_year_a_date_and_a_text_of_it_cut_at_the_same_place():
    data = table(500)
    cuts = (2021, "2021", "2021-01-01", pd.Timestamp("2021-01-01"))
    assert len({split(data, "temporal", test=cut).sha256 for cut in cuts}) == 1


def test_spatial_blocks_are_wider_than_the_distance_between_rows_at_one_place():
    data = table(300)
    places = np.column_stack([data.coordinates[name].values for name in ("easting", "northing")])
    for train, test in split(data, "spatial").folds:
        same = (places[test][:, None] == places[train]).all(axis=2)
        assert not same.any()


@pytest.mark.parametrize("kind", ["group", "within-group", "spatial", "random", "holdout"])
def test_same_seed_same_folds_and_another_seed_others(kind):
    data = table()
    first, again, other = (split(data, kind, seed=seed).sha256 for seed in (1, 1, 2))
    assert first == again != other


def test_folds_keep_the_share_of_classes():
    data = load("seismic_events")
    shares = [data.y.values[test].mean() for _, test in split(data).folds]
    assert np.ptp(shares) < 0.05


@pytest.mark.parametrize(("fields", "kind"), [
    ({}, "group"),
    ({"n_groups": 3}, "leave-one-group-out"),
    ({"groups": xr.Dataset()}, "random"),
    ({"origin": Origin(split={"kind": "leave-one-out"})}, "leave-one-out"),
], ids=str)  # fmt: skip
def test_default_is_the_published_split_then_groups_then_rows(fields, kind):
    assert split(table(**fields)).kind == kind


@pytest.mark.parametrize(
    ("fields", "options", "message"),
    [
        (
            {"groups": xr.Dataset()},
            {"kind": "group"},
            r"split 'group'\. The data set has no groups\. Name the column",
        ),
        (
            {"n_groups": 3},
            {"kind": "group"},
            r"folds 5\. There are 3 groups \(0, 1, 2\) for 5 folds\. Give fewer",
        ),
        (
            {"coordinates": xr.Dataset()},
            {"kind": "spatial"},
            r"split 'spatial'\. .*no places on a map\. Name two",
        ),
        (
            {"coordinates": xr.Dataset()},
            {"kind": "temporal"},
            r"split 'temporal'\. .*no times\. Name the column",
        ),
        (
            {},
            {"kind": "temporal", "test": 2030},
            r"test '2030'\. One side is empty: the rows run from 2020-01-01 to",
        ),
        ({}, {"kind": "temporal", "test": "soon"}, r"test 'soon'\. It is not a date\. Give a year"),
        ({}, {"kind": "groups"}, r"split 'groups'\. It is not known\. Did you mean 'group'\?"),
        ({}, {"kind": "random", "folds": 61}, r"folds 61\. There are only 60 rows\. Give fewer"),
        ({}, {"kind": "random", "folds": 1}, r"folds 1\. At least 2 are needed"),
        (
            {"groups": xr.Dataset({"well": ("obs", range(60))})},
            {"kind": "within-group"},
            r"split 'within-group'\. No group has two rows\. Split by group",
        ),
        (
            {"groups": xr.Dataset({"well": ("obs", [0, *range(59)])})},
            {"kind": "within-group"},
            r"folds 5\. Groups of two rows or more have 2 rows in all\. Give fewer",
        ),
        (
            {"groups": xr.Dataset()},
            {"kind": "within-group"},
            r"split 'within-group'\. The data set has no groups\. Name the column",
        ),
        (
            {"coordinates": xr.Dataset()},
            {"kind": "published"},
            r"split 'published'\. .*no coordinate fold\. Choose another",
        ),
        (
            {"coordinates": xr.Dataset({"fold": ("obs", np.ones(60))})},
            {"kind": "published"},
            r"split 'published'\. .*fold is no whole number, or the same for all rows\. Give the number",
        ),
        ({"n": 1}, {}, r"table 'table'\. It has one row"),
    ],
    ids=str,
)
def test_impossible_split_is_refused_with_the_fix(fields, options, message):
    with pytest.raises(InvalidInput, match=message):
        split(table(**fields), **options)


def test_rows_without_a_time_are_refused_by_name():
    days = pd.date_range("2020-01-01", periods=60).to_series()
    days.iloc[3] = pd.NaT
    data = table(coordinates=xr.Dataset({"time": ("obs", days.to_numpy())}))
    with pytest.raises(InvalidInput, match=r"Invalid time\. It is missing at row 3\."):
        split(data, "temporal")


def test_leaving_out_each_of_very_many_rows_is_refused():
    with pytest.raises(InvalidInput, match=r"5000 folds of 5000 rows.*Split by group or at random"):
        split(table(5000), "leave-one-out")


def test_row_without_a_place_is_refused_by_name():
    data = table()
    data.coordinates["easting"][7] = np.nan
    with pytest.raises(InvalidInput, match=r"coordinates .*Missing at row 7\. Fill"):
        split(data, "spatial")


def test_rows_at_one_place_cannot_be_split_by_place():
    data = table()
    data.coordinates["easting"][:] = 1.0
    data.coordinates["northing"][:] = 1.0
    with pytest.raises(InvalidInput, match="All rows are at one place"):
        split(data, "spatial")


def test_blocks_of_a_map_lie_in_one_fold_each_and_near_together():
    data = table(n=200)
    by = split(data, "spatial", folds=4)
    assert by.blocks is not None
    for _, test in by.folds:
        assert not set(by.blocks[test]) & set(np.delete(by.blocks, test))
    side = max(np.ptp(data.coordinates[name].values) for name in ("easting", "northing")) / 10
    for block in np.unique(by.blocks):
        for name in ("easting", "northing"):
            assert np.ptp(data.coordinates[name].values[by.blocks == block]) <= side * (1 + 1e-9)


def test_stretches_of_a_temporal_test_follow_each_other_and_keep_one_time_together():
    data = table(n=500)
    times = data.coordinates["time"].values.copy()
    times[-10:] = times[-10]
    coordinates = data.coordinates.assign(time=("obs", times))
    by = split(replace(data, coordinates=coordinates), "temporal")
    ((train, test),) = by.folds
    assert (by.blocks[train] == -1).all()
    in_time = by.blocks[test][np.argsort(times[test], kind="stable")]
    assert (np.diff(in_time) >= 0).all()
    assert 15 <= len(np.unique(in_time)) <= 20
    assert len(set(by.blocks[times == times[-1]])) == 1
    assert split(data, "group").blocks is None
