"""A run states where its rows come from as data, so that no command line is ever parsed again."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from bayesgeo import catalog
from bayesgeo._check import InvalidInput
from bayesgeo.runs.folder import read_manifest
from bayesgeo.runs.grouping import Grouping
from bayesgeo.runs.source import Rows, Source, source_of
from bayesgeo.runs.study import _models, study, usual_models
from tests.tables import events, shaking, write_csv


@pytest.fixture
def source(tmp_path):
    write_csv(shaking(), tmp_path / "table.csv")
    rows = Rows(str(tmp_path / "table.csv"), target="pga", grouping=Grouping(("site",)), drop=("c",))
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


@pytest.mark.parametrize("change", [
    {"more": 1},
    {"rows": {"data": "x"}},
    {"rows": Source(Rows("x")).to_dict()["rows"] | {"grouping": {"group": []}}},
], ids=["an entry more", "fewer entries", "fewer of groups"])  # fmt: skip
def test_a_source_of_another_version_is_refused(source, change):
    with pytest.raises(InvalidInput, match=r"Its source is of another version\. Run the comparison again"):
        source_of({"source": source.to_dict() | change}, "run")


@pytest.fixture
def shaken(tmp_path):
    """Return a table of records with two crossed keys, one of them a pair of columns."""
    rng = np.random.default_rng(0)
    table = pd.DataFrame(rng.normal(size=(60, 3)), columns=["pga", "m", "log_r"])
    table["event"], table["region"] = [f"e{k // 6}" for k in range(60)], np.resize(["north", "south"], 60)
    table["station"] = [f"st{k}" for k in rng.integers(7, size=60)]
    table.to_csv(tmp_path / "shaken.csv", index=False)
    return str(tmp_path / "shaken.csv")


@pytest.mark.parametrize(("options", "keys"), [
    ({"group": ("event", "station")}, ["event", "station"]),
    ({"effects": ("station", "event")}, ["station", "event"]),
    ({"group": ("event",), "effects": ("station", "event")}, ["event", "station"]),
    ({"effects": ("region:station", "event")}, ["region", "station", "event"]),
], ids=str)  # fmt: skip
def test_keys_of_effects_become_groups_after_the_key_of_the_split(shaken, options, keys):
    grouping = Grouping(**options)
    data = Rows(shaken, target="pga", drop=("region",) if "region" not in keys else (), grouping=grouping).dataset()
    assert list(data.groups) == keys
    assert grouping.asked == ({"effects": list(grouping.effects)} if grouping.effects else {})


def test_a_formula_names_target_features_and_keys(shaken):
    text = "pga ~ m + (1 | event) + (1 + log_r | region:station)"
    data = Rows(shaken, grouping=Grouping(formula=text)).dataset()
    assert (data.y.name, data.features) == ("pga", ["m", "log_r"])
    assert list(data.groups) == ["event", "region", "station"]
    first = Rows(shaken, target="pga", grouping=Grouping(("station",), formula=text)).dataset()
    assert list(first.groups) == ["station", "event", "region"]


@pytest.mark.usefixtures("real_data")
def test_effects_and_formulas_of_a_data_set_by_name_are_of_its_own_keys_and_features():
    formula = "log_pga ~ m1 + log_r + (1 | event) + (1 + log_r | station)"
    data = Rows("italy_ground_motion", grouping=Grouping(formula=formula)).dataset()
    assert (data.features, list(data.groups)) == (["m1", "log_r"], ["event", "station"])
    whole = Rows("italy_ground_motion", grouping=Grouping(effects=("station",)))
    assert list(whole.dataset().groups) == ["event", "station"]
    assert Source(whole).folds_of(whole.dataset()).kind == "published"


@pytest.mark.usefixtures("real_data")
def test_another_key_first_is_split_by_that_key_and_not_as_published():
    rows = Rows("italy_ground_motion", grouping=Grouping(("station",)))
    by = Source(rows).folds_of(rows.dataset())
    assert (by.kind, by.group) == ("group", "station")


def asked(data, target="", features=(), **grouping):
    return Rows(data, target=target, features=features, grouping=Grouping(**grouping))


REFUSED = {
    "another target": ({"target": "m", "formula": "pga ~ log_r"}, r"--target 'm'\. The target of --formula is 'pga'"),
    "no target": ({"formula": "m + log_r"}, r"--formula 'm \+ log_r'\. It names no target\. Write \"target ~"),
    "features twice": (
        {"features": ("m",), "formula": "pga ~ log_r"},
        r"--features 'm'\. --formula names the features",
    ),
    "effects twice": (
        {"effects": ("event",), "formula": "pga ~ m"},
        r"--effects 'event'\. --formula says already what varies",
    ),
    "unknown key": ({"target": "pga", "effects": ("evnt",)}, r"group 'evnt'\. .*Did you mean 'event'"),
    "unknown feature": ({"formula": "pga ~ m + logr"}, r"column 'logr'\. .*Did you mean 'log_r'"),
    "no formula": ({"formula": "pga ~ (m |"}, r"formula 'pga ~ \(m \|'"),
}


@pytest.mark.parametrize(("options", "message"), REFUSED.values(), ids=REFUSED)
def test_effects_that_contradict_the_table_are_refused(shaken, options, message):
    with pytest.raises(InvalidInput, match=message):
        asked(shaken, **options).dataset()


@pytest.mark.parametrize(("options", "message"), [
    ({"effects": ("event",)}, r"--effects 'event'\. seismic_events has no groups of that name\. Known: site"),
    ({"group": ("sit",)}, r"--group 'sit'\. seismic_events has no groups of that name\. Did you mean 'site'"),
    ({"formula": "pga ~ magnitude + (1 | site)"}, r"The target of seismic_events is 'event'\. Begin it with event ~"),
], ids=str)  # fmt: skip
def test_effects_that_a_data_set_lacks_are_refused(options, message):
    with pytest.raises(InvalidInput, match=message):
        asked("seismic_events", **options).dataset()


def test_a_manifest_keeps_effects_and_formula(shaken):
    for rows in (asked(shaken, target="pga", effects=("event",)), asked(shaken, formula="pga ~ m + (1 | event)")):
        stated = json.loads(json.dumps(Source(rows).to_dict()))
        assert source_of({"source": stated}, "run").rows == rows


@pytest.mark.parametrize("options", [{"formula": "pga ~ a + (1 | site)"}, {"effects": ["site"]}], ids=str)
def test_models_with_effects_get_them_and_come_first_when_none_is_named(options):
    names = usual_models(shaking(), options)
    assert names == ("hierarchical", "mixed", *catalog.DEFAULT_MODELS["regression"])
    chosen = _models(names[:2], "regression", options)
    assert [chosen["mixed"].get_params()[name] for name in options] == list(options.values())
    assert repr(_models(["ridge"], "regression", options)["ridge"]) == "RidgeRegressor()"


def test_values_with_groups_are_compared_with_the_hierarchical_model_and_other_rows_are_not():
    usual = catalog.DEFAULT_MODELS
    assert usual_models(shaking(), {}) == ("hierarchical", *usual["regression"])
    assert usual_models(replace(shaking(), groups=xr.Dataset()), {}) == usual["regression"]
    assert usual_models(events(), {}) == usual["classification"]
