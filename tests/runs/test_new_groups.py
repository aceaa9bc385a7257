"""New tables bring groups of several keys and their places, or none of them."""

import numpy as np
import pandas as pd
import pytest

from bayesgeo.datasets import load
from bayesgeo.datasets.library.italy_ground_motion import FILE
from bayesgeo.datasets.split import split
from bayesgeo.datasets.tables.read import read_table
from bayesgeo.models.baselines import RidgeRegressor
from bayesgeo.models.effects.regression import HierarchicalRegression
from bayesgeo.runs import prediction
from bayesgeo.runs.prediction import predict_table
from bayesgeo.runs.reading import new_rows
from bayesgeo.runs.study import study


def draw(n, seed):
    rng = np.random.default_rng(seed)
    quake, sensor = rng.integers(9, size=n), rng.integers(30, size=n)
    x = rng.normal(size=n)
    return pd.DataFrame({
        "x": x,
        "quake": [f"q{k}" for k in quake],
        "sensor": sensor + 0.0,
        "sensor_easting [km]": sensor * 2.5,
        "pga": x + rng.normal(size=n),
    })  # fmt: skip


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    draw(200, 0).to_csv(folder / "train.csv", index=False)
    data = read_table(folder / "train.csv", target="pga", group=["quake", "sensor"])
    assert data.features == ["x"]
    study(data, ["ridge"], out=folder / "run", by=split(data))
    return folder / "run"


def read(run, frame):
    frame.to_csv(run.parent / "new.csv", index=False)
    return new_rows(run, run.parent / "new.csv")


@pytest.mark.slow
def test_labels_of_every_key_and_their_places_are_read_in_the_units_of_the_run(run):
    new = draw(20, 1)
    found = read(run, new.rename(columns={"sensor_easting [km]": "sensor_easting [m]"}))
    assert list(found.groups) == ["quake", "sensor"]
    assert found.groups["sensor"].tolist() == new["sensor"].astype(int).astype(str).tolist()
    assert found.coordinates["sensor_easting"] == pytest.approx(new["sensor_easting [km]"].to_numpy() / 1000)


@pytest.mark.slow
def test_a_table_without_groups_and_places_is_predicted_too(run):
    new = draw(20, 1)[["x"]]
    found = read(run, new)
    assert (found.groups, found.coordinates) == ({}, {})
    assert predict_table(run, run.parent / "new.csv", out=run.parent / "out.csv").rows == 20


@pytest.mark.slow
def test_a_label_that_is_missing_is_empty(run):
    assert read(run, draw(3, 1).assign(quake=["q1", None, "new"])).groups["quake"].tolist() == ["q1", "", "new"]


@pytest.mark.slow
def test_a_new_station_is_known_by_its_neighbours(tmp_path):
    rng = np.random.default_rng(0)
    station, place = np.arange(80) % 20, rng.uniform(0, 10, (20, 2))
    frame = pd.DataFrame({"x": rng.normal(size=80), "station": [f"s{k}" for k in station]})
    frame[["station_easting", "station_northing"]] = place[station]
    frame["y"] = frame["x"] + 2 * np.sin(place[station, 0]) + 0.1 * rng.normal(size=80)
    frame.to_csv(tmp_path / "train.csv", index=False)
    data = read_table(tmp_path / "train.csv", target="y", features=["x"], group=["station"])
    model = HierarchicalRegression(formula="y ~ x + matern32(1 | station)", random_state=0)
    study(data, {"hierarchical": model}, out=tmp_path / "run", by=split(data, folds=2))
    near = frame.head(2).drop(columns="y").assign(station="new")
    near.loc[1, "station_easting"] += 1e4
    near.to_csv(tmp_path / "new.csv", index=False)
    summary = predict_table(tmp_path / "run", tmp_path / "new.csv", out=tmp_path / "out.csv")
    found = pd.read_csv(tmp_path / "out.csv")
    assert found["sd station"][0] < 0.8 * found["sd station"][1]
    assert abs(found["predicted"][0] - frame["y"][0]) < 1.5
    assert any("known by its neighbours" in note for note in summary.notes)


@pytest.mark.slow
def test_records_of_italy_are_predicted_from_the_columns_of_their_file(real_data, tmp_path):
    data = load("italy_ground_motion").rows(slice(None, None, 10))
    study(data, ["ridge"], out=tmp_path / "run", by=split(data))
    records = pd.read_csv(real_data / "italy_ground_motion" / FILE).iloc[:50]
    records.to_csv(tmp_path / "new.csv", index=False)
    found = new_rows(tmp_path / "run", tmp_path / "new.csv")
    assert found.groups["station"].tolist() == records["STATID"].astype(str).tolist()
    assert found.coordinates["event_longitude"].tolist() == records["ev_longitude"].tolist()
    records[["mag", "JB_complete", "vs30"]].to_csv(tmp_path / "bare.csv", index=False)
    assert predict_table(tmp_path / "run", tmp_path / "bare.csv", out=tmp_path / "out.csv").rows == 50


class OfGroups(RidgeRegressor):
    """A model that knows the quakes q0 to q4, and no sensor."""

    unseen_groups = "population"

    def group_status(self, groups):
        def status(labels):
            return np.where(
                labels == "", "unknown", np.where(np.isin(labels, [f"q{k}" for k in range(5)]), "known", "new")
            )

        return pd.DataFrame({key: status(labels) for key, labels in groups.items()})

    def predict_sd(self, X, *, groups, coordinates=None):
        return pd.DataFrame(dict.fromkeys(["within", *groups, "epistemic", "total"], np.arange(len(X)) + 1.0))


@pytest.fixture
def of_groups(monkeypatch):
    """Give every run a model with effects of groups."""
    load = prediction.load_fitted

    def fitted(*arguments):
        model = OfGroups()
        vars(model).update(vars(load(*arguments)))
        return model

    monkeypatch.setattr(prediction, "load_fitted", fitted)


@pytest.mark.slow
@pytest.mark.usefixtures("of_groups")
def test_groups_and_parts_of_the_deviation_are_written_and_new_groups_counted(run, tmp_path):
    new = draw(4, 1).assign(quake=["q1", "q9", None, "q9"], row=1).drop(columns="sensor")
    new.to_csv(tmp_path / "new.csv", index=False)
    done = predict_table(run, tmp_path / "new.csv", out=tmp_path / "out.csv")
    found = pd.read_csv(tmp_path / "out.csv", keep_default_na=False)
    assert found["quake group"].tolist() == ["known", "new", "unknown", "new"]
    assert set(found["sensor group"]) == {"unknown"}
    parts = [name for name in found if name.startswith("sd ")]
    assert parts == ["sd within", "sd quake", "sd sensor", "sd epistemic"]
    assert found["sd quake"].tolist() == [1.0, 2.0, 3.0, 4.0]
    notes = " ".join(done.notes)
    assert "2 of 4 rows: quake is absent from the training rows" in notes
    assert "1 of 4 rows: quake is not stated" in notes
    assert "4 of 4 rows: sensor is not stated" in notes


@pytest.mark.slow
def test_a_model_without_effects_says_nothing_of_groups(run, tmp_path):
    draw(4, 1).to_csv(tmp_path / "new.csv", index=False)
    predict_table(run, tmp_path / "new.csv", out=tmp_path / "out.csv")
    names = ["row", "predicted", "low", "high", "distance", "far", "inside"]
    assert pd.read_csv(tmp_path / "out.csv").columns.tolist() == names
