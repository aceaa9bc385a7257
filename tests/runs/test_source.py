"""A run states where its rows come from as data, so that no command line is ever parsed again."""

import json

import pytest

from bayesgeo._check import InvalidInput
from bayesgeo.runs.folder import read_manifest
from bayesgeo.runs.source import Rows, Source, source_of
from bayesgeo.runs.study import study
from tests.tables import shaking, write_csv


@pytest.fixture
def source(tmp_path):
    write_csv(shaking(), tmp_path / "table.csv")
    rows = Rows(str(tmp_path / "table.csv"), target="pga", group="site", drop=("c",))
    return Source(rows, "group", folds=3, seed=4)


def run_of(source, folder):
    data = source.rows.dataset()
    study(data, ["mean"], out=folder, by=source.folds_of(data), seed=source.seed, source=source)
    return read_manifest(folder)


@pytest.mark.slow
def test_rows_and_folds_come_back_from_a_manifest_alone(source, tmp_path):
    manifest = run_of(source, tmp_path / "run")
    again = source_of(manifest, tmp_path / "run")
    assert again == source
    data = again.rows.dataset()
    assert data.sha256 == manifest["dataset"]["sha256"]
    assert again.folds_of(data).sha256 == manifest["split"]["sha256"]


@pytest.mark.slow
def test_the_command_of_a_run_is_a_note_that_nothing_reads(source, tmp_path):
    manifest = run_of(source, tmp_path / "run") | {"command": "bayesgeo compare --an-option-of-old"}
    assert source_of(manifest, tmp_path / "run").rows.features == ()


def test_the_path_of_a_table_does_not_depend_on_the_working_directory(source, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    stated = Source(Rows("table.csv", target="pga")).to_dict()
    monkeypatch.chdir("/")
    assert source_of({"source": json.loads(json.dumps(stated))}, "run").rows.dataset().n_rows == 90


@pytest.mark.slow
def test_a_run_of_a_script_says_that_it_has_no_source(tmp_path):
    study(shaking(), ["mean"], out=tmp_path / "run")
    with pytest.raises(InvalidInput, match=r"Invalid run .* It was made by a script, from a data set in memory"):
        source_of(read_manifest(tmp_path / "run"), tmp_path / "run")


@pytest.mark.parametrize("change", [{"more": 1}, {"rows": {"data": "x"}}])
def test_a_source_of_another_version_is_refused(source, change):
    with pytest.raises(InvalidInput, match=r"Its source is of another version\. Run the comparison again"):
        source_of({"source": source.to_dict() | change}, "run")
