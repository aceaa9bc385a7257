"""A data set carries groups of any number of keys, weights, places and its origin, row by row."""

from dataclasses import fields, replace

import numpy as np
import pytest
import xarray as xr

from bayesgeo._check import InvalidInput
from bayesgeo.datasets import load
from bayesgeo.datasets.base import Dataset
from tests.tables import events, shaking


def with_keys(data, *keys):
    labels = {key: ("obs", [f"{key} {k % (4 + i)}" for k in range(data.n_rows)]) for i, key in enumerate(keys)}
    return replace(data, groups=xr.Dataset(labels, {"obs": data.X["obs"].values}))


def weighed(data, values):
    return replace(data, weights=xr.DataArray(values, dims="obs"))


def test_task_follows_from_the_labels():
    assert (events().task, shaking().task) == ("classification", "regression")


def test_constructor_takes_ten_arguments_at_most():
    assert len(fields(Dataset)) <= 10


def test_group_is_the_first_key_and_none_without_groups():
    data = with_keys(events(), "well", "line")
    assert data.group.name == "well"
    assert data.group.equals(data.groups["well"])
    assert replace(data, groups=xr.Dataset()).group is None


def test_labels_of_every_key_are_text():
    data = events()
    numbered = replace(data, groups=xr.Dataset({"well": ("obs", np.arange(90) % 3), "line": ("obs", ["a"] * 90)}))
    labels = numbered.group_labels()
    assert list(labels) == ["well", "line"]
    assert labels["well"][:4].tolist() == ["0", "1", "2", "0"]
    assert replace(data, groups=xr.Dataset()).group_labels() == {}


def test_places_are_the_numeric_coordinates_as_floats():
    coordinates = {
        "northing": ("obs", np.arange(90)),
        "longitude": ("obs", np.linspace(0, 1, 90)),
        "depth": ("obs", ["shallow"] * 90),
        "local_hour": ("obs", np.ones(90)),
    }
    places = replace(events(), coordinates=xr.Dataset(coordinates)).place_values()
    assert list(places) == ["longitude", "northing"]
    assert places["northing"].dtype == float
    assert events().place_values() == {}


def test_hash_of_the_embedded_data_set_is_what_it_always_was():
    assert load("seismic_events").sha256 == "bbc62bc483102f8d27782970797f1bfcc409ba4e0cae815360cf39e7598cd7bb"


def test_hash_knows_groups_further_keys_and_weights():
    data = events()
    one, two, swapped = (with_keys(data, *keys) for keys in (["well"], ["well", "line"], ["line", "well"]))
    renamed = replace(two, groups=two.groups.rename(line="row"))
    light, heavy = weighed(one, np.ones(90)), weighed(one, np.r_[2.0, np.ones(89)])
    bare = replace(data, groups=xr.Dataset())
    assert len({item.sha256 for item in (bare, one, two, swapped, renamed, light, heavy)}) == 7


def test_hash_knows_neither_the_name_of_the_only_key_nor_the_origin():
    one = with_keys(events(), "well")
    renamed = replace(one, groups=one.groups.rename(well="hole"), origin=replace(one.origin, library="wells"))
    assert renamed.sha256 == one.sha256


def test_places_of_groups_are_those_of_its_keys():
    names = ("site_longitude", "site_latitude", "site_depth", "well_easting", "easting")
    coordinates = xr.Dataset({name: ("obs", np.arange(90.0)) for name in names})
    data = replace(events(), coordinates=coordinates)
    assert list(data.place_values()) == ["easting", "site_longitude", "site_latitude"]


def test_rows_take_groups_weights_and_coordinates_along():
    data = weighed(with_keys(events(), "well", "line"), np.arange(90.0))
    data = replace(data, coordinates=xr.Dataset({"depth": ("obs", np.arange(90.0))}))
    part = data.rows([5, 2])
    assert part.weights.values.tolist() == part.place_values()["depth"].tolist() == [5.0, 2.0]
    assert part.group_labels()["line"].tolist() == ["line 0", "line 2"]
    assert part.X["obs"].values.tolist() == part.groups["obs"].values.tolist() == [5, 2]


def test_rows_of_a_data_set_without_groups_have_none():
    bare = replace(events(), groups=xr.Dataset(), coordinates=xr.Dataset())
    assert bare.rows(range(3)).group is None


def test_chosen_features_keep_their_columns_and_the_rest_of_the_origin():
    data = load("seismic_events")
    part = data.with_features(["weekend", "magnitude"])
    assert {column.name for column in part.columns} == {"weekend", "magnitude"}
    assert (part.leaks, part.split, part.attrs) == (data.leaks, data.split, data.attrs)
    assert part.origin.library == "seismic_events"


@pytest.mark.parametrize(("make", "message"), [
    (lambda d: replace(d, groups=d.group), r"Invalid groups\. It is a DataArray, not an xarray\.Dataset\. Give one"),
    (lambda d: replace(d, groups=None), r"Invalid groups\. It is a NoneType"),
    (lambda d: replace(d, groups=d.rows([0]).groups), r"Invalid group 'site'\. It has 1 rows, X has 90\. Give as many"),
    (lambda d: replace(d, groups=xr.Dataset({"site": 1})), r"Invalid group 'site' \(\)\. Its dimensions must be"),
    (lambda d: replace(d, y=d.y[:3]), r"Invalid y\. It has 3 rows, X has 90\."),
    (lambda d: weighed(d, np.r_[-1.0, np.ones(89)]), r"weights -1\.0\. 1 of 90 weights .*row 0\. Give finite weights"),
    (lambda d: weighed(d, np.r_[1.0, np.nan, np.ones(88)]), r"weights nan\. 1 of 90 weights .*row 1\."),
    (lambda d: weighed(d, np.zeros(90)), r"weights 0\. All weights are zero\. Give a positive"),
    (lambda d: d.with_features(["aa"]), r"feature 'aa'\. Unknown feature\. Did you mean 'a'\?"),
    (lambda d: d.with_coordinate("depth"), r"coordinate 'depth'\. Unknown coordinate\."),
])  # fmt: skip
def test_what_cannot_be_a_data_set_is_refused_by_name(make, message):
    with pytest.raises(InvalidInput, match=message):
        make(events())
