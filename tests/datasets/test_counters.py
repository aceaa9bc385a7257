"""Row numbers, identifiers and record counters are no features; measured whole numbers are."""

import numpy as np
import pytest

from bayesgeo.datasets.tables.read import read_table
from tests.datasets.tables.changing import save

RNG = np.random.default_rng(0)
ORDER = RNG.permutation(40)
LEFT_OUT = {
    "id": np.arange(40),
    "record": 1000 + np.arange(40),
    "Row": np.arange(40)[::-1],
    "k": np.arange(1, 41),
    "shuffled": ORDER + 1,
    "EventID": RNG.choice(10**6, 40, replace=False),
    "sample_no": RNG.choice(500, 40, replace=False),
    "Record Nr.": RNG.choice(90, 40, replace=False),
    "UWI": 10**13 + RNG.choice(10**9, 40, replace=False),
    "EQID": RNG.choice(90, 40, replace=False),
    "STATID": np.repeat(RNG.choice(90, 20, replace=False), 2),
    "OBJECTID": np.arange(40.0),
    "index": np.r_[0:20, 0:20],
    "pick": np.r_[np.arange(1, 21), np.arange(1, 21)],
    "fid": np.repeat(np.arange(20), 2),
    "name": [f"sample {k}" for k in range(40)],
    "uuid": [f"{k:08x}" for k in range(40)],
}
KEPT = {
    "depth": np.arange(1000, 1040),
    "depth_m": np.arange(40),
    "MD": np.arange(40),
    "year": 1980 + np.arange(40),
    "elevation": ORDER + 300,
    "dip": np.arange(40) % 90,
    "hour": np.arange(40) % 24,
    "n_stations": RNG.integers(3, 12, 40),
    "count": RNG.integers(0, 500, 40),
    "NO": RNG.uniform(0, 1, 40).round(3),
    "number_of_pick": RNG.choice(90, 40, replace=False),
    "plasticity_index": RNG.choice(90, 40, replace=False),
    "GRID": RNG.choice(900, 40, replace=False),
    "width": RNG.integers(1, 2000, 40),
    "nodule": RNG.integers(1, 9, 40),
    "class_id": np.resize([1, 2, 3], 40),
    "VS30": RNG.choice(range(200, 900), 40, replace=False),
    "flag": np.resize([0, 1], 40),
}


@pytest.mark.parametrize("name", LEFT_OUT)
def test_what_names_or_numbers_the_rows_is_no_feature(tmp_path, wells, name):
    path = save(tmp_path / "t.csv", wells.drop(columns="depth").assign(**{name: LEFT_OUT[name]}))
    data = read_table(path, target="rock", group="well")
    assert data.features == ["GR", "RHOB"]
    assert f"no features: '{name}' (" in data.attrs["notes"]


@pytest.mark.parametrize("name", KEPT)
def test_what_is_measured_in_whole_steps_is_a_feature(tmp_path, wells, name):
    path = save(tmp_path / "t.csv", wells.drop(columns="depth", errors="ignore").assign(**{name: KEPT[name]}))
    assert read_table(path, target="rock", group="well").features == ["GR", "RHOB", name]


def test_a_counter_is_a_feature_on_request_or_with_a_unit(tmp_path, wells):
    path = save(tmp_path / "t.csv", wells.assign(k=np.arange(40)).rename(columns={"k": "k [mm]"}))
    assert read_table(path, target="rock", group="well", drop="depth").features == ["GR", "RHOB", "k"]
    path = save(tmp_path / "t.csv", wells.assign(id=np.arange(40)))
    assert read_table(path, target="rock", features=["GR", "id"]).features == ["GR", "id"]
