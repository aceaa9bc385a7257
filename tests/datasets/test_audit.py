"""Each planted fault is found, and sound data give no finding."""

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr

from bayesgeo.datasets import load
from bayesgeo.datasets.audit import audit
from bayesgeo.datasets.base import Column
from bayesgeo.datasets.simulation.events import draw_seismic_events
from bayesgeo.datasets.split import Split, split


@pytest.fixture(scope="module")
def events():
    return draw_seismic_events(400, seed=3, n_sites=20)


def with_feature(data, name, values):
    new = xr.DataArray(np.asarray(values, float)[:, None], dims=("obs", "feature"), coords={"feature": [name]})
    X = xr.concat([data.X.drop_vars("unit", errors="ignore"), new.assign_coords(obs=data.X["obs"])], dim="feature")
    return replace(data, X=X, origin=replace(data.origin, columns=(*data.columns, Column(name))))


def as_quantity(data):
    y = xr.DataArray(data.X.values[:, 0] + data.X.values[:, 5] ** 2, dims="obs", name="y")
    return replace(data, y=y, labels=(), exact=None)


def levels(findings):
    return {finding.code: finding.level for finding in findings}


def message(findings, code):
    return next(finding.message for finding in findings if finding.code == code)


def test_sound_data_split_by_group_give_no_finding(events):
    assert audit(events, split(events, "group")) == ()


def test_embedded_data_set_gives_no_finding():
    data = load("seismic_events")
    assert audit(data, split(data)) == ()


def test_same_row_on_both_sides_is_refused_and_named(events):
    again = events.rows(np.r_[0:400, 0:400])
    found = audit(again, split(again, "random"))
    assert levels(found)["same-row"] == "refuse"
    assert "ev000001" in message(found, "same-row")


def test_few_repeats_are_a_warning(events):
    again = events.rows(np.r_[0:400, 7])
    assert levels(audit(again, split(again, "leave-one-out")))["same-row"] == "warn"


def test_repeats_up_to_rounding_are_noticed(events):
    X = events.X.values
    near = replace(events.rows(np.r_[0:400, 0:400]), groups=xr.Dataset())
    near = replace(near, X=near.X.copy(data=np.vstack([X, X + 1e-6])))
    assert levels(audit(near, split(near, "random")))["near-row"] == "warn"


def test_group_on_both_sides_is_named_and_refused_where_the_split_promised_otherwise(events):
    parts = split(events, "random")
    assert levels(audit(events, parts))["same-group"] == "warn"
    lying = Split("group", parts.folds, "site", "")
    found = audit(events, lying)
    assert levels(found)["same-group"] == "refuse"
    assert "district 01" in message(found, "same-group")


@pytest.mark.parametrize("copy", [lambda y: y, lambda y: 1 - y, lambda y: 7.0 * y - 3], ids=["same", "not", "scaled"])
def test_target_among_the_features_is_refused_by_name(events, copy):
    found = audit(with_feature(events, "verdict", copy(events.y.values)))
    assert levels(found)["target-copy"] == "refuse"
    assert "Feature verdict is the target event" in message(found, "target-copy")


@pytest.mark.parametrize("copy", [np.exp, np.negative, lambda y: y**3], ids=["exp", "negative", "cube"])
def test_monotone_copy_of_a_quantity_is_refused(events, copy):
    data = as_quantity(events)
    assert levels(audit(with_feature(data, "twin", copy(data.y.values))))["target-copy"] == "refuse"


def test_category_that_renames_the_classes_is_refused(events):
    column = Column("kind", levels=("a", "b", "c"))
    codes = np.arange(400) % 3
    X = xr.DataArray(np.eye(3)[codes][:, 1:], dims=("obs", "feature"), coords={"feature": list(column.features)})
    y = xr.DataArray(codes, dims="obs", name="y")
    origin = replace(events.origin, columns=(column,))
    data = replace(events, X=X.assign_coords(obs=range(400)), y=y, labels=("x", "y", "z"), origin=origin)
    assert levels(audit(data))["target-copy"] == "refuse"


def test_feature_that_tells_the_classes_apart_alone_is_a_warning(events):
    rng = np.random.default_rng(0)
    found = audit(with_feature(events, "fixed", events.y.values + rng.uniform(0, 0.5, 400)))
    assert levels(found)["separates"] == "warn"


def test_declared_leak_among_the_features_is_a_warning_with_its_reason(events):
    found = audit(events.with_coordinate("depth"))
    assert levels(found)["leak"] == "warn"
    assert "fixes blasts at 0 km" in message(found, "leak")


@pytest.mark.parametrize(("make", "code", "names"), [
    (lambda X: np.full(len(X), 2.0), "constant", "new"),
    (lambda X: X[:, 5], "duplicate-column", "log10_ps = new"),
    (lambda X: 2 * X[:, 5] - X[:, 8], "collinear", "log10_ps, ml_minus_mc, new; rank 10 of 11"),
    (lambda X: X[:, 5] + 1e-3 * X[:, 8] ** 2, "condition", "log10_ps and new"),
], ids=["constant", "copy", "sum", "nearly"])  # fmt: skip
def test_idle_and_tied_columns_are_named(events, make, code, names):
    found = audit(with_feature(events, "new", make(events.X.values)))
    text = message(found, code)
    assert all(name in text for name in names.split(" and "))


def test_rare_and_lost_classes_are_named(events):
    keep = np.r_[np.flatnonzero(events.y.values == 0), np.flatnonzero(events.y.values == 1)[:2]]
    data = events.rows(keep)
    fold = (np.flatnonzero(data.y.values == 0)[10:], np.r_[0:10, len(keep) - 2, len(keep) - 1])
    found = audit(data, Split("holdout", (fold,), None, ""))
    assert levels(found)["imbalance"] == "warn"
    assert "blast (fold 1)" in message(found, "lost-class")


def test_few_tiny_and_confining_groups_are_named(events):
    names = np.where(events.y.values == 1, "north", "south")
    names[0] = "alone"
    data = replace(events, groups=xr.Dataset({"region": ("obs", names)}))
    found = levels(audit(data))
    assert found["few-groups"] == "warn"
    assert found["tiny-groups"] == "note"
    assert found["confined-class"] == "warn"


def test_impossible_places_are_refused(events):
    rows = xr.Dataset({"longitude": ("obs", np.full(400, 46.0)), "latitude": ("obs", np.full(400, -122.0))})
    assert levels(audit(replace(events, coordinates=rows)))["places"] == "refuse"


def test_few_rows_are_a_warning(events):
    assert levels(audit(events.rows(range(20))))["few-rows"] == "warn"


def test_quantity_of_few_values_is_named_with_the_option_for_classes(events):
    data = as_quantity(events)
    for many, found in {6: True, 20: True, 21: False}.items():
        grades = data.y.copy(data=np.arange(400) % many + 3.0)
        findings = audit(replace(data, y=grades))
        assert ("few-values" in levels(findings)) == found
        if found:
            assert levels(findings)["few-values"] == "warn"
            assert f"only {many} different values" in message(findings, "few-values")
            assert "--task classification" in message(findings, "few-values")
    # Nine rows to each of twenty values are no grades.
    assert "few-values" not in levels(audit(replace(data, y=data.y.copy(data=np.arange(400) % 20.0)).rows(range(180))))


def test_gravest_finding_comes_first(events):
    data = with_feature(with_feature(events, "k", np.ones(400)), "verdict", events.y.values)
    assert [finding.level for finding in audit(data)][:2] == ["refuse", "warn"]


def test_copied_rows_of_the_pseudo_well_are_found_in_the_contest_wells(real_data):
    data = load("seg2016_facies")
    found = audit(data, split(data))
    assert "148 test rows" in message(found, "same-row")


def with_columns(data, **columns):
    for name, values in columns.items():
        data = with_feature(data, name, values)
    return data


def test_levels_of_a_second_key_on_both_sides_are_named(events):
    stations = np.resize([f"st{k}" for k in range(7)], 400)
    crossed = replace(events, groups=events.groups.assign(station=("obs", stations)))
    found = audit(crossed, split(crossed, "group"))
    assert levels(found)["crossed-group"] == "warn"
    assert "7 groups (station) are on both sides of a fold: st0" in message(found, "crossed-group")
    assert "same-group" not in levels(found)


def test_rows_held_out_within_groups_are_no_leak_but_another_question(events):
    found = audit(events, split(events, "within-group"))
    assert levels(found)["known-group"] == "note"
    assert "new rows of known groups. For a new site, split by group." in message(found, "known-group")
    assert not {"same-group", "crossed-group"} & set(levels(found))


@pytest.mark.parametrize(("make", "reason"), [
    (lambda y, rng: np.where(rng.random(len(y)) < 0.3, 10.0, rng.uniform(1, 30, len(y))), "% of its values are 10, as"),
    (lambda y, rng: y + rng.normal(0, 0.4, len(y)), "alone it nearly tells the target"),
], ids=["fixed", "telling"])  # fmt: skip
def test_depths_that_may_hold_the_answer_are_named(events, make, reason):
    data = with_feature(events, "source_depth", make(events.y.values, np.random.default_rng(0)))
    found = audit(data)
    assert levels(found)["possible-leak"] == "note"
    assert reason in message(found, "possible-leak")
    assert "bayesgeo check --leaks" in message(found, "possible-leak")


def test_depths_that_were_measured_are_not_accused(events):
    depth = np.random.default_rng(0).gamma(2, 5, 400).round(1)
    assert audit(with_feature(events, "source_depth", depth), split(events)) == ()


def test_more_features_than_rows_are_a_warning(events):
    rng = np.random.default_rng(0)
    data = with_columns(events.rows(range(0, 400, 20)), **{f"n{k}": rng.normal(size=20) for k in range(15)})
    assert levels(audit(data))["wide"] == "warn"
