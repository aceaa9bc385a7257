"""The area of applicability: definitions by loops, laws, published figures, grids in any chunks, bad input."""

import itertools
import math
import pickle
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from bayesgeo._check import InvalidInput
from bayesgeo.maps import applicability, area_of_applicability, training

ROUNDING = 1e-12  # sums of some thousand terms of double precision

# The training dissimilarity of 30 points that the tests of R's CAST print, to 8 digits, and its threshold, to 5.
CAST = """
0.09043580 0.14046341 0.16584582 0.57617177 0.26840303 0.14353894 0.19768329 0.24022059 0.06832037 0.29150668
0.18471625 0.57617177 0.12344463 0.09043580 0.14353894 0.26896008 0.22713731 0.24022059 0.20388725 0.06832037
0.23604264 0.20388725 0.91513568 0.09558666 0.14046341 0.16214832 0.37107762 0.16214832 0.18471625 0.12344463
"""


def drawn(rows, features=3, seed=0):
    return np.random.default_rng(seed).normal(size=(rows, features)) * np.arange(1, features + 1) ** 2 + 7


def defined(X, new, folds, weights):
    """Compute everything by loops, as the paper writes it."""
    points = (X - X.mean(0)) / X.std(0, ddof=1) * weights
    new = (new - X.mean(0)) / X.std(0, ddof=1) * weights
    n = len(points)
    mean = sum(math.dist(points[i], points[j]) for i, j in itertools.combinations(range(n), 2)) / (n * (n - 1) / 2)
    held = [min(math.dist(points[i], points[j]) for j in range(n) if folds[j] != folds[i]) / mean for i in range(n)]
    low, high = np.quantile(held, [0.25, 0.75])
    limit = max(value for value in held if value <= high + 1.5 * (high - low))
    apart = np.array([[math.dist(row, point) / mean for point in points] for row in new])
    return held, limit, apart.min(axis=1), apart.min(axis=1) <= limit, (apart < limit).sum(axis=1)


@pytest.mark.parametrize("weights", [[1.0, 1.0, 1.0], [0.2, 3.0, 0.0]])
@pytest.mark.parametrize("grouped", [True, False])
def test_every_figure_is_that_of_its_definition(grouped, weights):
    X, new = drawn(40), drawn(60, seed=1) * 1.5
    folds = np.arange(40) // 8 if grouped else np.arange(40)
    held, limit, index, inside, near = defined(X, new, folds, weights)
    area = area_of_applicability(X, folds=folds if grouped else None, weights=weights)
    np.testing.assert_allclose(area.training_dissimilarity, held, rtol=ROUNDING)
    np.testing.assert_allclose(area.threshold, limit, rtol=ROUNDING)
    np.testing.assert_allclose(area.dissimilarity(new), index, rtol=ROUNDING)
    assert area.inside(new).values.tolist() == inside.tolist()
    assert area.local_point_density(new).values.tolist() == near.tolist()
    assert 0 < inside.sum() < len(new)


def test_the_threshold_is_that_of_published_dissimilarities():
    published = np.array(CAST.split(), float)
    assert training.threshold(published, "whisker") == 0.37107762
    assert round(training.threshold(published, "fence"), 5) == 0.38986


@given(st.lists(st.floats(0.01, 100), min_size=2, max_size=40))
def test_the_threshold_is_a_training_value_and_the_fence_lies_between_it_and_the_largest(values):
    whisker, fence = training.threshold(values), training.threshold(values, "fence")
    assert whisker in values
    assert whisker * (1 - ROUNDING) <= fence <= max(values)


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 1000), st.floats(0.01, 100), st.floats(-50, 50))
def test_units_and_the_size_of_weights_change_nothing(seed, factor, shift):
    X, new, weights = drawn(20, seed=seed), drawn(30, seed=seed + 1), np.array([0.5, 1.0, 2.0])
    area = area_of_applicability(X, weights=weights)
    other = area_of_applicability(X * factor + shift, weights=weights * factor)
    # Shifts up to 50 times the smallest features lose two digits or three.
    np.testing.assert_allclose(
        other.dissimilarity(new * factor + shift), area.dissimilarity(new), rtol=1e-8, atol=1e-10
    )


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 1000))
def test_a_row_has_neighbours_exactly_where_it_is_nearer_than_the_threshold(seed):
    area = area_of_applicability(drawn(25, seed=seed))
    found = area.summary(drawn(50, seed=seed + 1) * 1.5)
    assert (found["inside"] == (found["local_point_density"] > 0)).all()
    assert found["local_point_density"].max() <= 25


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 1000))
def test_leaving_out_whole_folds_never_brings_training_rows_nearer(seed):
    X = drawn(30, seed=seed)
    alone, grouped = area_of_applicability(X), area_of_applicability(X, folds=np.arange(30) % 4)
    assert (grouped.training_dissimilarity >= alone.training_dissimilarity).all()
    assert (alone.dissimilarity(X) == 0).all()


def test_pairs_of_positions_are_the_same_folds_as_labels():
    X, labels = drawn(30), np.array(["a", "b", "c"] * 10)
    pairs = [(np.flatnonzero(labels != label), np.flatnonzero(labels == label)) for label in "abc"]
    expected = area_of_applicability(X, folds=labels)
    for folds in (pairs, tuple(pairs), iter(pairs), pd.Series(labels), pd.Series(labels, dtype=object), list(labels)):
        found = area_of_applicability(X, folds=folds)
        np.testing.assert_array_equal(found.training_dissimilarity, expected.training_dissimilarity)


def test_rows_that_no_fold_tests_do_not_move_the_threshold():
    X = np.array([[0.0], [1.0], [3.0], [4.0], [100.0]])
    area = area_of_applicability(X, folds=[([0, 1], [2, 3]), ([2, 3], [0, 1])])
    assert np.isnan(area.training_dissimilarity.values).tolist() == [False] * 4 + [True]
    assert area.threshold == area.training_dissimilarity[:4].max()


def test_a_training_row_may_be_left_out_of_every_other_row_of_its_fold():
    area = area_of_applicability([[0.0], [1.0], [3.0], [9.0]], folds=[([3], [0, 1]), ([0], [2, 3])])
    distances = area.training_dissimilarity.values * area.mean_distance / area.scale[0]
    np.testing.assert_allclose(distances, [9.0, 8.0, 3.0, 9.0], rtol=ROUNDING)


def test_at_the_threshold_a_row_is_inside_and_no_training_row_counts_as_near():
    # Thirds make distances that are equal differ by rounding.
    area = area_of_applicability(np.arange(6)[:, None] / 3)
    assert area.inside([[-1 / 3], [2.0], [2.01]]).values.tolist() == [True, True, False]
    assert area.local_point_density([[-1 / 3], [2.0], [1.9], [0.5]]).values.tolist() == [0, 0, 1, 2]
    assert area.local_point_density(np.arange(6)[:, None] / 3).values.tolist() == [1] * 6


def test_where_all_rows_were_measured_twice_only_their_doubles_are_inside():
    area = area_of_applicability([[0.0], [0.0], [5.0], [5.0], [9.0], [9.0]])
    assert area.threshold == 0
    assert area.inside([[5.0], [5.1]]).values.tolist() == [True, False]
    assert area.local_point_density([[5.0], [5.1]]).values.tolist() == [0, 0]


def test_negative_weights_count_as_zero():
    X, new = drawn(20), drawn(20, seed=1)
    found, expected = (area_of_applicability(X, weights=[1.0, last, 2.0]) for last in (-3.0, 0.0))
    np.testing.assert_array_equal(found.dissimilarity(new), expected.dissimilarity(new))


def test_a_constant_feature_without_weight_changes_nothing():
    X, new = drawn(20), drawn(20, seed=1)
    constant = np.full((20, 1), 0.1)
    area = area_of_applicability(np.hstack([X, constant]), weights=[1, 1, 1, 0])
    expected = area_of_applicability(X).dissimilarity(new)
    np.testing.assert_allclose(area.dissimilarity(np.hstack([new, constant + 5])), expected, rtol=ROUNDING)


def test_features_are_matched_by_name():
    X, new = (pd.DataFrame(drawn(20, seed=seed), columns=["a", "b", "c"]) for seed in (0, 1))
    area = area_of_applicability(X, weights=pd.Series({"c": 3.0, "a": 1.0, "b": 2.0}))
    expected = area_of_applicability(X.to_numpy(), weights=[1.0, 2.0, 3.0]).dissimilarity(new.to_numpy())
    shuffled = new.assign(other="text")[["c", "other", "a", "b"]]
    labelled = xr.DataArray(new[["b", "a", "c"]], dims=("row", "feature"), coords={"feature": ["b", "a", "c"]})
    grid = xr.Dataset({name: ("row", new[name]) for name in ("b", "c", "a")}).assign(spatial_ref=0)
    for rows in (new, shuffled, labelled, grid, new.to_numpy()):
        np.testing.assert_array_equal(area.dissimilarity(rows), expected)


def test_weights_with_labels_are_matched_by_name():
    X = xr.DataArray(drawn(20), dims=("obs", "feature"), coords={"feature": ["a", "b", "c"]})
    weights = xr.DataArray([3.0, 2.0, 1.0], dims="feature", coords={"feature": ["c", "b", "a"]})
    found, expected = area_of_applicability(X, weights=weights), area_of_applicability(X, weights=[1.0, 2.0, 3.0])
    np.testing.assert_array_equal(found.points, expected.points)


def grid_of(seed=3):
    """Return a grid of three features, one of them along one dimension only, with two missing cells."""
    values = drawn(12 * 17, seed=seed).reshape(12, 17, 3) * 1.3
    values[2, 3, 0] = values[5, 6, 1] = np.nan
    coords = {"y": np.arange(12.0), "x": np.arange(17.0)}
    parts = {"a": (("y", "x"), values[..., 0]), "b": (("y", "x"), values[..., 1]), "c": ("x", values[0, :, 2])}
    return xr.Dataset(parts, coords)


@pytest.fixture(scope="module")
def area():
    return area_of_applicability(pd.DataFrame(drawn(50), columns=["a", "b", "c"]), folds=np.arange(50) // 10)


def test_a_grid_keeps_its_labels_and_equals_its_cells_as_rows(area):
    grid = grid_of()
    found = area.summary(grid)
    cells = grid.to_dataframe().reset_index()
    assert found["dissimilarity"].dims == ("y", "x")
    xr.testing.assert_equal(found["x"], grid["x"])
    for name, part in area.summary(cells[["a", "b", "c"]]).items():
        np.testing.assert_array_equal(found[name].values.ravel(), part.values)


def test_a_cell_that_misses_a_feature_is_not_inside_and_has_no_neighbours(area):
    found = area.summary(grid_of())
    missing = np.isnan(found["dissimilarity"])
    assert list(zip(*np.nonzero(missing.values), strict=True)) == [(2, 3), (5, 6)]
    assert not found["inside"].where(missing, False).any()
    assert (found["local_point_density"].where(missing, 0) == 0).all()
    assert found["local_point_density"].dtype.kind == "i"


CHUNKS = [{"y": 2, "x": 5}, {"y": 5, "x": 17}, {"y": (1, 11), "x": (8, 9)}, {"x": 4}, {}]


@pytest.mark.parametrize("chunks", CHUNKS, ids=str)
def test_any_chunks_give_the_same_bits(area, chunks):
    pytest.importorskip("dask.array")
    found = area.summary(grid_of().chunk(chunks))
    assert all(part.chunks for part in found.values())
    xr.testing.assert_identical(found.compute(scheduler="threads"), area.summary(grid_of()))


def test_features_in_unlike_chunks_and_features_chunked_along_their_dimension_give_the_same_bits(area):
    pytest.importorskip("dask.array")
    grid = grid_of()
    unlike = grid.assign(a=grid["a"].chunk({"y": 5}), b=grid["b"].chunk({"y": 3, "x": 2}))
    stacked = grid.to_dataarray("feature").chunk({"feature": 1, "y": 7})
    for rows in (unlike, stacked):
        xr.testing.assert_identical(area.summary(rows).compute(), area.summary(grid))


def test_rows_in_small_blocks_give_the_same_bits(area, monkeypatch):
    expected = area.summary(grid_of())
    monkeypatch.setattr(applicability, "BUDGET", 40)
    xr.testing.assert_identical(area.summary(grid_of()), expected)


def test_single_precision_is_measured_in_double(area):
    rows = drawn(20, seed=5).astype(np.float32)
    np.testing.assert_array_equal(area.dissimilarity(rows), area.dissimilarity(rows.astype(float)))


def test_pairs_in_blocks_have_the_same_mean_and_many_points_are_sampled(monkeypatch):
    points = drawn(300)
    exact = training.mean_distance(points)
    monkeypatch.setattr(training, "BUDGET", 300 * 7)
    np.testing.assert_allclose(training.mean_distance(points), exact, rtol=ROUNDING)
    monkeypatch.setattr(training, "MOST", 150)
    sampled = training.mean_distance(points)
    assert sampled == training.mean_distance(points)
    # The mean of distances from one point varies by about a third: four standard errors of 150 of them, twice over.
    assert 0 < abs(sampled / exact - 1) < 4 * 2 / 3 / math.sqrt(150)


def test_an_area_can_be_pickled(area):
    again = pickle.loads(pickle.dumps(area))
    xr.testing.assert_identical(again.summary(grid_of()), area.summary(grid_of()))


WITHOUT = np.array([[0.0, 1.0], [1.0, 2.0], [2.0, 5.0]])
TRAINING = {
    "missing": (np.array([[0.0], [np.nan], [1.0]]), {}, "Rows 1 are missing or infinite"),
    "infinite": (np.array([[0.0], [1.0], [np.inf]]), {}, "Rows 2 are missing or infinite"),
    "one row": (WITHOUT[:1], {}, "Two training rows are the least"),
    "one dimension": (WITHOUT[0], {}, "two-dimensional"),
    "no feature": (WITHOUT[:, :0], {}, "no features"),
    "text": (pd.DataFrame({"a": ["x", "y"]}), {}, "'a'.*does not hold numbers"),
    "twice": (pd.DataFrame(WITHOUT, columns=["a", "a"]), {}, "More than one column"),
    "grid": (xr.DataArray(np.zeros((2, 2, 2)), dims=("y", "x", "feature")), {}, "one value for each training row"),
    "no feature dimension": (xr.DataArray(WITHOUT, dims=("obs", "name")), {}, "no dimension 'feature'"),
    "constant": (pd.DataFrame({"a": [0.1] * 3, "b": [1, 2, 4]}), {}, "features 'a'.*one value.*weight 0"),
    "all constant": (np.ones((3, 2)), {}, "features '0, 1'.*one value"),
    "too large": (np.array([[0.0], [1e200], [-1e200]]), {}, "no standard deviation"),
    "short weights": (WITHOUT, {"weights": [1.0]}, "There are 2 features"),
    "no weight": (WITHOUT, {"weights": [0.0, -1.0]}, "None is above zero"),
    "missing weight": (WITHOUT, {"weights": [1.0, np.nan]}, "must be finite"),
    "unnamed weight": (pd.DataFrame(WITHOUT, columns=["ab", "b"]), {"weights": {"aa": 1, "b": 1}}, "'ab' has none"),
    "one fold": (WITHOUT, {"folds": ["a"] * 3}, "All rows are in one fold"),
    "number of folds": (WITHOUT, {"folds": 5}, "one label for each"),
    "short folds": (WITHOUT, {"folds": [0, 1]}, "There are 3 rows"),
    "missing label": (WITHOUT, {"folds": [0, 1, np.nan]}, "A label is missing"),
    "no label": (WITHOUT, {"folds": pd.Series(["a", "b", None])}, "A label is missing"),
    "empty training part": (WITHOUT, {"folds": [([], [0, 1])]}, "no training rows"),
    "far position": (WITHOUT, {"folds": [([0, 1], [3])]}, "positions from 0 to 2"),
    "mask": (WITHOUT, {"folds": [([True, False, True], [1])]}, "positions from 0 to 2"),
    "overlap": (WITHOUT, {"folds": [([0, 1], [1, 2])]}, "in training and in test"),
    "tested twice": (WITHOUT, {"folds": [([0], [1, 2]), ([1], [0, 2])]}, "Rows 2 are tested more than once"),
    "rule": (WITHOUT, {"rule": "wisker"}, "Did you mean 'whisker'"),
}


@pytest.mark.parametrize(("X", "options", "message"), TRAINING.values(), ids=TRAINING)
def test_what_cannot_be_learned_from_is_told(X, options, message):
    with pytest.raises(InvalidInput, match=message):
        area_of_applicability(X, **options)


ROWS = {
    "missing feature": (pd.DataFrame({"a": [1.0], "bb": [1.0], "c": [1.0]}), "'b' is missing. Did you mean 'bb'"),
    "too few": (np.zeros((2, 2)), "3 are known from training"),
    "text": (pd.DataFrame({"a": [1.0], "b": ["x"], "c": [1.0]}), "'b'.*does not hold numbers"),
    "infinite": (np.array([[0.0, np.inf, 1.0]]), "A feature is infinite"),
}


@pytest.mark.parametrize(("rows", "message"), ROWS.values(), ids=ROWS)
def test_rows_that_cannot_be_measured_are_told(area, rows, message):
    with pytest.raises(InvalidInput, match=message):
        area.dissimilarity(rows)


@pytest.mark.slow
def test_the_area_of_applicability_imports_nothing_heavy():
    heavy = {"pymc", "torch", "jax", "arviz", "sklearn", "matplotlib", "dask"}
    code = f"import sys, bayesgeo.maps.applicability; sys.exit(', '.join({heavy} & set(sys.modules)) or 0)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
