"""Public data sets: the files as published, found on a mirror or refused, and what they become."""

import hashlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pooch
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from bayesgeo._check import InvalidInput
from bayesgeo.datasets import load, prepare, titles
from bayesgeo.datasets.download import REGISTRY, Origin, fetch
from bayesgeo.datasets.library.seg2016_facies import load_blind
from bayesgeo.datasets.split import split


def held_out(data, model):
    """Return labels and probabilities of the rows that the published split tests."""
    parts = [
        (test, model.fit(data.X.values[train], data.y.values[train]).predict_proba(data.X.values[test]))
        for train, test in split(data).folds
    ]
    tested = np.concatenate([test for test, _ in parts])
    return data.y.values[tested], np.vstack([p for _, p in parts])


def logistic():
    return make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000))


@pytest.mark.parametrize("name", titles())
def test_every_data_set_keeps_the_contract(name, request):
    if name != "seismic_events":
        request.getfixturevalue("real_data")
    data = load(name)
    assert data.name == name
    assert {"source", "licence", "sha256"} <= data.attrs.keys()
    assert sum((column.features for column in data.columns), ()) == tuple(data.features)
    assert not set(data.leaks) & set(data.features)
    assert np.bincount(data.y.values).min() > 0
    assert data.sha256 == load(name).sha256
    assert split(data).folds


@pytest.mark.parametrize(("name", "rows", "counts"), [
    ("istanbul_quarry", 179, [29, 150]),
    ("pnsn_catalogue", 13_926, [11_262, 2_664]),
    ("seg2016_facies", 4_149, [268, 940, 780, 271, 296, 582, 141, 686, 185]),
])  # fmt: skip
@pytest.mark.usefixtures("real_data")
def test_rows_and_classes_are_as_published(name, rows, counts):
    data = load(name)
    assert data.n_rows == rows
    assert np.bincount(data.y.values).tolist() == counts


@pytest.mark.usefixtures("real_data")
def test_logistic_reaches_the_published_scores_on_istanbul_quarries():
    y, p = held_out(load("istanbul_quarry"), logistic())
    assert (p.argmax(1) == y).mean() >= 0.96
    assert log_loss(y, p) <= 0.10


@pytest.mark.usefixtures("real_data")
def test_logistic_and_trees_reach_the_published_scores_on_the_catalogue():
    data = load("pnsn_catalogue")
    trees = HistGradientBoostingClassifier(max_iter=150, learning_rate=0.05, max_leaf_nodes=15, random_state=0)
    assert log_loss(*held_out(data, logistic())) <= 0.205
    assert log_loss(*held_out(data, trees)) <= 0.197


@pytest.mark.usefixtures("real_data")
def test_catalogue_is_tested_on_its_last_year():
    data = load("pnsn_catalogue")
    ((train, test),) = split(data).folds
    years = data.coordinates["time"].dt.year.values
    assert set(years[train]) == {2018, 2019, 2020, 2021}
    assert set(years[test]) == {2022}


def test_catalogue_clock_follows_daylight_saving():
    noon = {"2021-01-15T20:00": 1.0, "2021-07-15T19:00": 1.0, "2021-07-15T20:00": np.cos(np.pi / 12)}
    seconds = pd.to_datetime(pd.Series(list(noon))).astype("datetime64[s]").astype("int64")
    table = pd.DataFrame({"timestamp": seconds, "magnitude": 1.0, "number_of_pick": 9})
    assert prepare("pnsn_catalogue", table)["hour_cos"].tolist() == pytest.approx(list(noon.values()))


@pytest.mark.usefixtures("real_data")
def test_blind_wells_have_features_and_no_labels():
    data, blind = load("seg2016_facies"), load_blind()
    assert not {"Facies", "facies"} & set(blind)
    assert data.encode(blind).shape == (830, len(data.features))


@pytest.mark.usefixtures("real_data")
def test_missing_photoelectric_effect_is_marked():
    data = load("seg2016_facies")
    marked = data.X.sel(feature="PE missing").values == 1
    assert marked.sum() == 917
    assert {"ALEXANDER D", "KIMZEY A"} <= set(data.groups.values[marked])


def test_registry_pins_every_address_to_a_commit_and_a_hash():
    for key, origin in REGISTRY.items():
        assert len(origin.sha256) == 64
        assert len(origin.url.split("/")[5]) == 40
        assert origin.url.endswith(key.split("/")[-1])


def test_mirror_file_with_another_hash_is_refused(tmp_path, monkeypatch):
    (tmp_path / "istanbul_quarry").mkdir()
    (tmp_path / "istanbul_quarry" / "eqdata2.csv").write_text("c,sr,sp,t,y\n")
    monkeypatch.setenv("BAYESGEO_DATA", str(tmp_path))
    with pytest.raises(InvalidInput, match=r"SHA-256 is [0-9a-f]{64}, not the published 5f647.*fresh copy of https"):
        fetch("istanbul_quarry", "eqdata2.csv")


def test_mirror_file_with_its_hash_is_read_without_a_download(tmp_path, monkeypatch):
    (tmp_path / "wells").mkdir()
    (tmp_path / "wells" / "a.csv").write_text("a\n1\n")
    sha256 = hashlib.sha256(b"a\n1\n").hexdigest()
    monkeypatch.setitem(REGISTRY, "wells/a.csv", Origin("https://example.org/a.csv", sha256))
    monkeypatch.setattr(pooch, "retrieve", None)
    monkeypatch.setenv("BAYESGEO_DATA", str(tmp_path))
    assert fetch("wells", "a.csv") == tmp_path / "wells" / "a.csv"


@pytest.mark.parametrize("mirror", [None, "empty"])
def test_file_that_cannot_be_downloaded_names_the_mirror(tmp_path, monkeypatch, mirror):
    def refuse(*_):
        raise ConnectionError

    monkeypatch.setattr(pooch, "retrieve", refuse)
    monkeypatch.delenv("BAYESGEO_DATA", raising=False)
    if mirror:
        monkeypatch.setenv("BAYESGEO_DATA", str(tmp_path))
    with pytest.raises(InvalidInput, match=r"could not be downloaded from https://raw.*set BAYESGEO_DATA to a folder"):
        load("istanbul_quarry")


def test_unknown_data_set_is_refused_with_the_nearest_name():
    with pytest.raises(InvalidInput, match=r"data set 'pnsn'\. Unknown data set\."):
        load("pnsn")
    with pytest.raises(InvalidInput, match=r"Did you mean 'pnsn_catalogue'\?"):
        load("pnsn_catalog")


def test_column_that_a_derived_one_needs_is_named():
    with pytest.raises(
        InvalidInput,
        match=r"column 'local_hour'\. The table has no such column\. Did you mean 'local_hours'",
    ):
        prepare("seismic_events", pd.DataFrame({"magnitude": [1.0], "local_hours": [3.0]}))


def test_listing_imports_neither_pandas_nor_any_data_set():
    code = "import sys; from bayesgeo.datasets import titles; titles(); print('pandas' in sys.modules)"
    root = Path(__file__).parents[3]
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=root, check=True)
    assert done.stdout.strip() == "False"


def test_reading_a_table_imports_neither_pymc_nor_torch():
    imports = "import sys, bayesgeo.datasets.tables.read, bayesgeo.datasets.audit"
    code = f"{imports}; print({{'pymc', 'torch'}} & set(sys.modules))"
    root = Path(__file__).parents[3]
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=root, check=True)
    assert done.stdout.strip() == "set()"
