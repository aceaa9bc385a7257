"""Data sets by name: the contract of each, and data sets of other packages."""

import subprocess
import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bayesgeo import _registry
from bayesgeo._check import InvalidInput
from bayesgeo.datasets import load, prepare, titles
from bayesgeo.datasets.download import RAW, RemoteFile
from bayesgeo.datasets.registry import LIBRARY
from bayesgeo.datasets.simulation.events import draw_seismic_events
from bayesgeo.datasets.split import split
from bayesgeo.datasets.tables.read import read_table
from tests.tables import events, write_csv

BASIN = """
import pandas as pd
from tests.tables import events

TITLE = "Events of a basin"


def load():
    return events()


def prepare(table):
    return table.assign(c=table["a"] + table["b"])
"""


@pytest.mark.parametrize("name", titles())
def test_every_data_set_keeps_the_contract(name, request):
    if name != "seismic_events":
        request.getfixturevalue("real_data")
    data = load(name)
    assert data.name == data.origin.library == name
    assert {"source", "licence", "sha256"} <= data.attrs.keys()
    assert sum((column.features for column in data.columns), ()) == tuple(data.features)
    assert not set(data.leaks) & set(data.features)
    assert np.isfinite(data.y.values).all() if data.task == "regression" else np.bincount(data.y.values).min() > 0
    assert data.sha256 == load(name).sha256
    assert split(data).folds


@pytest.mark.parametrize("name", titles())
def test_every_address_is_pinned_to_a_commit_and_a_hash(name):
    module = _registry.importlib.import_module(f"{LIBRARY}.{name}")
    for remote in (value for value in vars(module).values() if isinstance(value, RemoteFile)):
        assert len(remote.sha256) == 64
        assert remote.url.startswith(f"{RAW}/")
        assert len(remote.url.split("/")[5]) == 40


def test_only_loading_by_name_makes_a_data_set_part_of_the_library(tmp_path):
    path = write_csv(events(), tmp_path / "seismic_events.csv")
    table = read_table(path, target="kind", group="site")
    assert (table.name, table.origin.library) == ("seismic_events", "")
    assert draw_seismic_events(60, seed=0).origin.library == ""
    assert load("seismic_events").origin.library == "seismic_events"


@pytest.fixture
def register(tmp_path, monkeypatch):
    """Register a module of another package under a name."""
    (tmp_path / "basin_events.py").write_text(BASIN)
    monkeypatch.syspath_prepend(tmp_path)

    def registered(name, module="basin_events"):
        entry = EntryPoint(name, module, "bayesgeo.datasets")
        monkeypatch.setattr(_registry, "plugins", lambda kind: {name: entry} if kind == "datasets" else {})

    yield registered
    sys.modules.pop("basin_events", None)


def test_data_set_of_another_package_is_listed_loaded_and_prepared(register):
    register("basin")
    assert titles()["basin"] == "Events of a basin"
    assert "seismic_events" in titles()
    data = load("basin")
    assert (data.n_rows, data.origin.library) == (90, "basin")
    assert prepare("basin", pd.DataFrame({"a": [1.0], "b": [2.0]}))["c"].item() == 3.0


def test_data_set_of_another_package_cannot_take_the_name_of_ours(register):
    register("seismic_events")
    with pytest.raises(
        InvalidInput, match=r"data set 'seismic_events'\. Another package registers .* Rename its entry"
    ):
        load("seismic_events")


def test_data_set_whose_package_is_broken_is_refused_by_name(register):
    register("basin", "no_such_module")
    with pytest.raises(InvalidInput, match=r"entry point 'basin'\. Importing 'no_such_module' failed"):
        titles()


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
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=root, check=True)
    assert done.stdout.strip() == "False"
