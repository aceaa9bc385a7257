"""Evidence and manifests that someone changed are refused in a sentence, and the same command makes them again."""

import json
import os
import shutil

import h5py
import numpy as np
import pytest
import xarray as xr

from bayesgeo import BayesianLinearRegression, Exact, catalog, split
from bayesgeo._check import InvalidInput
from bayesgeo.evaluation.evidence import load_evidence
from bayesgeo.evaluation.integrity import checksum, load_sealed, problems, write_sealed
from bayesgeo.models.storage import load_model
from bayesgeo.runs.finished import load_finished, to_evaluate
from bayesgeo.runs.folder import MANIFEST, claim, read_manifest, write_manifest
from bayesgeo.runs.prediction import predict_table
from bayesgeo.runs.study import study
from tests.evaluation.test_evidence import same_numbers
from tests.tables import shaking, write_csv

pytestmark = pytest.mark.slow
MODELS = {"mean": catalog.model("mean", "regression"), "bayes": BayesianLinearRegression(inference=Exact(draws=250))}
SETTINGS = {"by": split(shaking(), folds=3), "seed": 0}


def few(cases, *quick):
    """Return the cases as parameters; those that are not named are for make test-long."""
    return [pytest.param(case, id=k, marks=() if k in quick else pytest.mark.long) for k, case in cases.items()]


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """Return the folder of a finished run; it is copied before it is changed."""
    out = tmp_path_factory.mktemp("finished") / "run"
    study(shaking(), MODELS, out=out, **SETTINGS)
    return out


@pytest.fixture
def run(finished, tmp_path):
    return shutil.copytree(finished, tmp_path / "run")


@pytest.fixture
def bayes(run):
    return run / "evidence" / "bayes.nc"


def content(change):
    """Alter the bytes of a file."""
    return lambda file: file.write_bytes(change(file.read_bytes()))


def opened(change):
    """Alter a file through HDF5, which leaves its checksum as it was."""

    def apply(file):
        with h5py.File(file, "r+") as handle:
            change(handle)

    return apply


def sealed(change):
    """Alter Evidence and give it the checksum of what it then holds, as a forger would."""

    def apply(file):
        tree = load_sealed(file, "evidence")
        changed = change(tree)
        write_sealed(tree if changed is None else changed, file)

    return apply


def attrs(**values):
    def change(tree):
        kept = {name: value for name, value in (tree.attrs | values).items() if value is not None}
        tree.attrs = kept

    return sealed(change)


def group(name, change):
    """Alter a group of Evidence."""

    def apply(tree):
        data = tree[name].to_dataset().copy(deep=True)
        tree[name] = xr.DataTree(change(data))

    return sealed(apply)


def value(variable, place, number):
    def change(data):
        data[variable][place] = number
        return data

    return change


def failed_but_sound(data):
    data["value"][data["code"].values.tolist().index("rhat")] = 1.7
    return data


def instead(make):
    def change(file):
        file.unlink()
        make(file)

    return change


def replaced(name, link):
    def change(handle):
        del handle[name]
        handle[name] = link

    return opened(change)


def huge(handle):
    del handle["metrics/value"]
    handle.create_dataset("metrics/value", (10**11,), "f8", chunks=(1000,))


def virtual(handle):
    layout = h5py.VirtualLayout((3,), "f8")
    layout[:] = h5py.VirtualSource("other.nc", "x", (3,))
    del handle["metrics/value"]
    handle.create_virtual_dataset("metrics/value", layout)


EVIDENCE = {
    "empty": content(lambda _: b""),
    "text": content(lambda _: b"no evidence"),
    "cut": content(lambda raw: raw[:-100]),
    "cut in the header": content(lambda raw: raw[:60]),
    "zeros in the middle": content(lambda raw: raw[: len(raw) // 2] + bytes(100) + raw[len(raw) // 2 + 100 :]),
    "a folder": instead(lambda file: file.mkdir()),
    "a pipe": instead(os.mkfifo),
    "a link to nothing": instead(lambda file: file.symlink_to("nowhere")),
    "an external link": replaced("metrics/value", h5py.ExternalLink("other.nc", "/x")),
    "a soft link": replaced("metrics/value", h5py.SoftLink("/metrics/low")),
    "a virtual dataset": opened(virtual),
    "800 GB declared": opened(huge),
    "edited verdict": opened(lambda handle: handle["diagnostics"].attrs.update(verdict="failed")),
    "edited score": opened(lambda handle: handle["metrics/value"].__setitem__(0, 9.0)),
    "edited prediction": opened(lambda handle: handle["predictions/mean"].__setitem__(0, 9.0)),
    "edited hash of the data": opened(lambda handle: handle.attrs.update(dataset_sha256="0" * 64)),
    "another schema": attrs(schema_version=4),
    "forged verdict": group("diagnostics", lambda data: data.assign_attrs(verdict="failed")),
    "forged status": group("diagnostics", failed_but_sound),
    "forged status of another kind": group("diagnostics", value("status", 0, "fine")),
    "forged score": group("metrics", value("value", 0, 9.0)),
    "forged score of a row": group("metrics", value("log_score_by_row", 0, 9.0)),
    "forged prediction": group("predictions", value("mean", 0, 99.0)),
    "forged observation": group("observed_data", value("y", 0, 99.0)),
    "rows in another order": group("observed_data", lambda data: data.isel(obs=slice(None, None, -1))),
    "a fold that does not exist": group("predictions", value("fold", 0, 77)),
    "no predictions": sealed(lambda tree: tree.drop_nodes("predictions")),
    "no scores by row": group("metrics", lambda data: data.drop_vars("log_score_by_row")),
    "no attribute": attrs(split_sha256=None),
    "an attribute of another kind": attrs(seed="none"),
    "an attribute that is no JSON": attrs(parameters="{"),
    "a task that does not exist": attrs(dataset_description=json.dumps({"task": "alchemy"})),
}


@pytest.mark.parametrize("change", few(EVIDENCE, "edited verdict", "an external link", "a pipe", "forged status"))
def test_changed_evidence_is_refused(change, bayes):
    change(bayes)
    with pytest.raises(InvalidInput, match=r"^Invalid evidence .*\. [A-Z]"):
        load_evidence(bayes)


@pytest.mark.parametrize("what", few({k: k for k in ("dataset_sha256", "split_sha256", "seed", "run_model")}, "seed"))
def test_evidence_of_another_run_is_refused_and_not_replaced(what, run, bayes):
    attrs(**{what: 7 if what == "seed" else "another"})(bayes)
    with pytest.raises(ValueError, match=r"Invalid evidence .* It is of another \w+ than the run\. Move it away"):
        load_finished(run, "bayes", read_manifest(run))
    assert not to_evaluate(run, "bayes")


def text(change):
    """Alter the text of a manifest."""
    return lambda run: (run / MANIFEST).write_bytes(change((run / MANIFEST).read_bytes()))


def entry(**values):
    """Alter a manifest and seal it again."""

    def change(run):
        manifest = read_manifest(run) | values
        write_manifest(run, {name: value for name, value in manifest.items() if value is not ...})

    return change


def moved(make):
    def change(run):
        (run / MANIFEST).unlink()
        make(run / MANIFEST)

    return change


COLUMN = {"name": "a", "unit": "m", "levels": [], "fill": None}
MANIFESTS = {
    "empty": text(lambda _: b""),
    "a list": text(lambda _: b"[]"),
    "cut": text(lambda raw: raw[:-30]),
    "not UTF-8": text(lambda raw: raw.replace(b"shaking", b"\xff\xfe")),
    "endless levels": text(lambda _: b'{"a": ' + b"[" * 100_000),
    "a name twice": text(lambda raw: raw.replace(b'"seed"', b'"seed": 0, "seed"')),
    "a number that is none": text(lambda raw: raw.replace(b'"seed": 0', b'"seed": NaN')),
    "another seed": text(lambda raw: raw.replace(b'"seed": 0', b'"seed": 1')),
    "other features": text(lambda raw: raw.replace(b'"b"', b'"d"')),
    "a folder": moved(lambda path: path.mkdir()),
    "a pipe": moved(os.mkfifo),
    "a link to itself": moved(lambda path: path.symlink_to(path)),
    "gone": moved(lambda path: None),
    "forged: another schema": entry(schema_version=2),
    "forged: no models": entry(models=...),
    "forged: models of another kind": entry(models=["mean"]),
    "forged: a model out of the folder": entry(models={"../../secret": "MeanRegressor()"}),
    "forged: a seed that is a text": entry(seed="0"),
    "forged: columns of another kind": entry(columns=[{"name": "a"}]),
    "forged: columns that are no mappings": entry(columns=[7]),
    "forged: columns without features": entry(columns=[COLUMN]),
    "forged: features that are numbers": entry(features=[1, 2, 3]),
    "forged: findings of another kind": entry(findings=[{"level": 3}]),
    "forged: a data set without a hash": entry(dataset={"name": "x"}),
    "forged: a source of another kind": entry(source={"rows": {"data": 7}}),
    "forged: versions of another kind": entry(versions={"numpy": 2}),
}


@pytest.mark.parametrize("change", MANIFESTS.values(), ids=MANIFESTS)
def test_a_changed_manifest_is_refused(change, finished, tmp_path):
    shutil.copy(finished / MANIFEST, tmp_path)
    change(tmp_path)
    with pytest.raises(InvalidInput, match=r"^Invalid (run|manifest) .*\. [A-Z]"):
        read_manifest(tmp_path)


def test_there_are_enough_files():
    assert len(EVIDENCE) + len(MANIFESTS) >= 25


def remove(run, *parts):
    for part in parts:
        target = run / part
        shutil.rmtree(target) if target.is_dir() else target.unlink()


LOST = {
    "the folder of a model": lambda run: remove(run, "models/bayes"),
    "a part of a model": lambda run: remove(run, "models/bayes/posterior_.nc"),
    "a description": lambda run: (run / "models/mean/model.json").write_text("{"),
    "Evidence": lambda run: remove(run, "evidence/bayes.nc"),
    "a byte of Evidence": lambda run: EVIDENCE["edited score"](run / "evidence/bayes.nc"),
    "everything but the manifest": lambda run: remove(run, "evidence", "models"),
}


@pytest.mark.parametrize("lose", few(LOST, "the folder of a model"))
def test_the_same_command_recovers(lose, run, finished, monkeypatch):
    lose(run)
    if (run / "evidence" / "bayes.nc").exists() and lose is not LOST["a byte of Evidence"]:  # its model alone is fitted
        monkeypatch.setattr("bayesgeo.runs.study.fit_and_score", lambda *_, **__: 1 / 0)
    after = study(shaking(), MODELS, out=run, **SETTINGS)
    assert read_manifest(run)["status"] == "complete"
    for name, evidence in after.items():
        assert same_numbers(load_evidence(finished / "evidence" / f"{name}.nc"), evidence)
        here, there = (load_model(out / "models" / name).predict(shaking(seed=3).X) for out in (run, finished))
        assert np.array_equal(here, there)


def test_a_model_of_another_name_does_not_predict(run, tmp_path):
    shutil.rmtree(run / "models" / "bayes")
    shutil.copytree(run / "models" / "mean", run / "models" / "bayes")
    table = write_csv(shaking(n=12, seed=3), tmp_path / "new.csv", target=False)
    with pytest.raises(ValueError, match=r"Invalid model .* It is not the one that the run saved"):
        predict_table(run, table, out=tmp_path / "p.csv", model="bayes")


def test_other_versions_of_libraries_are_named_and_refused(run):
    manifest = read_manifest(run)
    write_manifest(run, manifest | {"versions": manifest["versions"] | {"numpy": "1.0"}})
    with pytest.raises(ValueError, match=r"Invalid out .* It was begun with numpy 1\.0, now \d.*Give a new folder"):
        study(shaking(), MODELS, out=run, **SETTINGS)


def test_files_of_the_user_stay_where_they_are(run):
    for name in ("notes.txt", "unfinished/notes.txt"):
        (run / name).parent.mkdir(exist_ok=True)
        (run / name).write_text("mine")
    study(shaking(), MODELS, out=run, **SETTINGS)
    assert all((run / name).read_text() == "mine" for name in ("notes.txt", "unfinished/notes.txt"))


def test_a_run_killed_while_it_wrote_its_first_manifest_begins(finished, tmp_path):
    (tmp_path / ".manifest.json.12ab34cd.json").write_text("{")
    claim(tmp_path, read_manifest(finished))
    assert (tmp_path / MANIFEST).read_bytes() == (finished / MANIFEST).read_bytes()


def test_predictions_overwrite_nothing(run, tmp_path):
    table = write_csv(shaking(n=12, seed=3), tmp_path / "new.csv", target=False)
    before = table.read_bytes()
    for out in (table, tmp_path):
        with pytest.raises(ValueError, match=r"Invalid out .* It exists, and nothing is overwritten"):
            predict_table(run, table, out=out)
    assert table.read_bytes() == before


@pytest.mark.long
def test_evidence_that_nobody_changed_has_no_problem_and_a_checksum_of_all(bayes):
    tree = load_evidence(bayes)
    assert not list(problems(tree))
    before = checksum(tree)
    for node in tree.subtree:
        for name, variable in node.to_dataset(inherit=False).variables.items():
            if variable.dtype.kind == "f" and variable.size:
                changed = tree.copy(deep=True)
                data = changed[node.path].to_dataset(inherit=False)
                values = np.array(variable.values)
                values.flat[-1] = 123.25
                data[name] = variable.dims, values, variable.attrs
                changed[node.path].dataset = data
                assert checksum(changed) != before, f"{node.path} {name}"
