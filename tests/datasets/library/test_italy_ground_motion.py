"""The records of ground motion in Italy against their publication."""

import numpy as np
import pandas as pd
import pytest

from bayesgeo.datasets import load, prepare
from bayesgeo.datasets.library.italy_ground_motion import FILE, FOLDS
from bayesgeo.datasets.split import split


@pytest.mark.usefixtures("real_data")
def test_records_events_and_stations_are_as_published():
    data = load("italy_ground_motion")
    assert data.n_rows == 4_784
    assert {key: len(set(labels)) for key, labels in data.group_labels().items()} == {"event": 137, "station": 923}
    assert (data.y.name, data.attrs["target_unit"]) == ("log_pga", "log10(cm/s2)")


def test_folds_of_events_are_as_published(real_data):
    published = pd.read_csv(real_data / "italy_ground_motion" / "kuehn2021_cv_folds_by_event.csv")
    assert "".join(map(str, published["fold"])) == FOLDS
    data = load("italy_ground_motion")
    by, event = split(data), data.group.values.astype(int)
    assert (by.kind, by.group, len(by.folds)) == ("published", "event", 5)
    for number, (train, test) in enumerate(by.folds, start=1):
        assert set(event[test]) == set(published["EQID"][published["fold"] == number])
        assert np.array_equal(np.sort([*train, *test]), np.arange(data.n_rows))


@pytest.mark.usefixtures("real_data")
def test_without_effects_the_published_error_of_the_fixed_part_is_reached():
    data = load("italy_ground_motion")
    X, y, error = np.column_stack([data.X.values, np.ones(data.n_rows)]), data.y.values, np.empty(data.n_rows)
    for train, test in split(data).folds:
        error[test] = y[test] - X[test] @ np.linalg.lstsq(X[train], y[train])[0]
    assert np.sqrt(np.mean(error**2)) == pytest.approx(0.3524, abs=5e-4)


@pytest.mark.usefixtures("real_data")
def test_each_group_has_one_place_and_rows_are_placed_at_their_station():
    data = load("italy_ground_motion")
    for key in data.groups:
        for place in ("longitude", "latitude"):
            values = data.coordinates[f"{key}_{place}"].groupby(data.groups[key])
            assert (values.max() == values.min()).all()
    assert data.coordinates["longitude"].equals(data.coordinates["station_longitude"])


def test_new_records_become_the_same_features(real_data):
    data, records = load("italy_ground_motion"), pd.read_csv(real_data / "italy_ground_motion" / FILE)
    few = prepare("italy_ground_motion", records.iloc[:9])
    assert np.array_equal(data.encode(few), data.X[:9])
    assert few["station"].tolist() == data.groups["station"].values[:9].tolist()


def test_new_records_need_neither_groups_nor_places():
    frame = prepare("italy_ground_motion", pd.DataFrame({"mag": [5.0], "JB_complete": [10.0], "vs30": [3000.0]}))
    assert frame["log_vs30"].item() == pytest.approx(np.log10(1500 / 800))
    assert not {"event", "station", "longitude"} & set(frame)
