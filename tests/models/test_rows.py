"""Rows carry what belongs to them: groups by key, coordinates and weights reach the model that asks for them."""

from typing import ClassVar

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from bayesgeo import BayesianLinearRegression, catalog, evaluate, load, split
from bayesgeo.models.base import Regressor, one_draw_noise
from bayesgeo.models.rows import TrainingRows, labels_by_key
from tests.tables import shaking

EVENTS, STATIONS = np.array([1, 1, 2, 2, 3, 3]), np.array(list("abcabc"))
X, Y = np.arange(12.0).reshape(6, 2), np.arange(6.0)


class GroupMeans(Regressor):
    """The mean of each group; zero for a group that was never seen."""

    name = "group_means"
    kind = "deterministic"
    unseen_groups = "population"
    seen: ClassVar = []  # rows of each fit and of each prediction

    def __init__(self, random_state=None):
        self.random_state = random_state

    def _learn(self, rows):
        self.seen.append(rows)
        self.mean_ = {group: rows.y[rows.group == group].mean() for group in np.unique(rows.group)}

    def _expected(self, rows):
        self.seen.append(rows)
        return np.array([self.mean_.get(group, 0.0) for group in rows.group])[None, None]

    @property
    def noise_(self):
        return one_draw_noise(1.0)


class Weighted(GroupMeans):
    """A model that uses weights: the weighted mean of all rows."""

    uses_weights = True

    def _learn(self, rows):
        self.seen.append(rows)
        self.mean_ = float(np.average(rows.y, weights=rows.weights))

    def _expected(self, rows):
        return np.full((1, 1, len(rows)), self.mean_)


@pytest.fixture(autouse=True)
def forget():
    GroupMeans.seen.clear()


@pytest.mark.parametrize(
    ("given", "keys"),
    [
        (None, []),
        (EVENTS, ["group"]),
        (EVENTS.tolist(), ["group"]),
        (pd.Series(EVENTS, name="event"), ["event"]),
        (xr.DataArray(EVENTS, dims="obs", name="event"), ["event"]),
        ({"event": EVENTS, "station": STATIONS}, ["event", "station"]),
        (pd.DataFrame({"event": EVENTS, "station": STATIONS}), ["event", "station"]),
        (xr.Dataset({"event": ("obs", EVENTS), "station": ("obs", STATIONS)}), ["event", "station"]),
    ],
    ids=["none", "array", "list", "Series", "DataArray", "mapping", "DataFrame", "Dataset"],
)
def test_labels_are_found_by_key_whatever_holds_them(given, keys):
    found = labels_by_key(given, 6)
    assert list(found) == keys
    wanted = {"group": EVENTS, "event": EVENTS, "station": STATIONS}
    assert all(np.array_equal(labels, wanted[key]) for key, labels in found.items())


@pytest.mark.parametrize("labels", [[1, 2], [[1]] * 6, 1], ids=["too few", "two dimensions", "no dimension"])
def test_labels_of_another_shape_are_refused_by_their_key(labels):
    with pytest.raises(ValueError, match=r"Invalid groups 'event'\. It has shape .* for 6 rows\. Give one label for"):
        labels_by_key({"event": labels}, 6)


def test_groups_of_two_keys_and_coordinates_reach_a_model_in_fit_and_in_prediction():
    groups, places = {"event": EVENTS, "station": STATIONS}, pd.DataFrame({"longitude": Y, "latitude": -Y})
    model = GroupMeans().fit(X, Y, groups, coordinates=places)
    model.predict(X, groups, coordinates=places)
    assert len(GroupMeans.seen) == 2
    for rows in GroupMeans.seen:
        assert list(rows.groups) == ["event", "station"]
        assert rows.groups["station"].tolist() == STATIONS.tolist()
        assert rows.group.tolist() == EVENTS.tolist()
        assert rows.coordinates["latitude"].tolist() == (-Y).tolist()


@pytest.mark.parametrize("method", ["predict_draws", "predictive"])
def test_groups_at_prediction_follow_their_rows_into_small_parts(method, monkeypatch):
    model = GroupMeans().fit(X, Y, EVENTS)
    monkeypatch.setattr("bayesgeo._arrays.BUDGET", 1)
    found = getattr(model, method)(X, groups=EVENTS)
    expected = found if method == "predict_draws" else found["expected"]
    assert expected.values.ravel().tolist() == [0.5, 0.5, 2.5, 2.5, 4.5, 4.5]
    assert [len(rows) for rows in GroupMeans.seen] == [6, *(1,) * 6]


def test_a_group_that_was_never_seen_gets_what_the_model_states():
    model = GroupMeans().fit(X, Y, EVENTS)
    assert model.predict(X[:2], ["new", "new"]).tolist() == [0.0, 0.0]


def test_evaluate_gives_a_model_the_groups_of_the_rows_it_predicts():
    data = shaking()
    tree = evaluate(GroupMeans(), data, split(data, "random", folds=3))
    trained = [rows for rows in GroupMeans.seen if isinstance(rows, TrainingRows)]
    predicted = [rows for rows in GroupMeans.seen if not isinstance(rows, TrainingRows)]
    assert len(trained) == 4
    assert sum(map(len, predicted)) >= data.n_rows
    labels = data.group.to_series()
    for rows in GroupMeans.seen:
        assert list(rows.groups) == ["site"]
        assert rows.group.tolist() == labels.loc[rows.names].tolist()
    assert np.isfinite(tree["metrics"]["value"].sel(metric="rmse"))


def test_weights_reach_a_model_that_uses_them():
    weights = np.array([0.0, 0.0, 0.0, 0.0, 1.0, 3.0])
    model = Weighted().fit(X, Y, EVENTS, weights=weights)
    assert GroupMeans.seen[0].weights.tolist() == weights.tolist()
    assert model.predict(X[:1]).tolist() == [4.75]


@pytest.mark.parametrize("name", ["ridge", "bayesian_linear", "mlp", "calibrated"])
def test_weights_are_refused_by_a_model_that_does_not_use_them(name):
    model = catalog.model(name, "regression")
    with pytest.raises(
        ValueError, match=rf"Invalid weights\. {type(model).__name__} does not use weights\. Leave them"
    ):
        model.fit(X, Y, weights=np.ones(6))


@pytest.mark.parametrize("weights", [[1.0], [-1.0] * 6, [np.nan] * 6], ids=["too few", "below zero", "missing"])
def test_weights_that_are_none_are_refused(weights):
    with pytest.raises(ValueError, match=r"Invalid weights\. They must be 6 finite numbers, none below zero"):
        Weighted().fit(X, Y, EVENTS, weights=weights)


def test_a_part_of_training_rows_is_cut_alike_in_every_field():
    rows = TrainingRows(X, np.arange(6), {"event": EVENTS}, {"depth": Y}, Y, np.ones(6))
    part = rows.part([4, 0])
    assert (part.y.tolist(), part.names.tolist(), part.group.tolist()) == ([4.0, 0.0], [4, 0], [3, 1])
    assert (part.coordinates["depth"].tolist(), part.weights.tolist()) == ([4.0, 0.0], [1.0, 1.0])
    assert part.X.tolist() == X[[4, 0]].tolist()


def test_groups_that_a_model_ignores_change_no_prediction():
    model = BayesianLinearRegression(random_state=0).fit(X, Y, EVENTS)
    assert np.array_equal(model.predict(X), model.predict(X, STATIONS))


@pytest.mark.parametrize("kind", [np.asarray, pd.DataFrame, xr.DataArray])
def test_a_table_without_features_fits_a_model_of_places_in_any_container(kind):
    data = load("seismic_events").rows(slice(30))
    at, y = data.place_values(), data.coordinates["depth"].values
    bare = data.X[:, :0] if kind is xr.DataArray else kind(np.empty((30, 0)))
    model = catalog.model("gaussian_process", "regression", random_state=0).fit(bare, y, coordinates=at)
    assert model.predict(bare, coordinates=at).shape == (30,)
