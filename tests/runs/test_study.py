"""A run keeps what it has finished, goes on where it stopped, and touches no folder that is not its own."""

import json
import subprocess
import sys

import numpy as np
import pytest

from bayesgeo import BayesianLinearRegression, catalog, split
from bayesgeo.evaluation.evaluate import fit_and_score
from bayesgeo.models.networks.mlp import MLPRegressor
from bayesgeo.models.storage import load_model
from bayesgeo.runs.folder import load_study, read_manifest
from bayesgeo.runs.manifest import RUN_SCHEMA
from bayesgeo.runs.study import study
from tests.evaluation.test_evidence import same_numbers
from tests.fake import FakePosterior
from tests.models.small import perceptron
from tests.pickles import is_pickled
from tests.tables import events, shaking


def begin(out, models=("majority", "logistic"), data=None, **options):
    data = data or events()
    return study(data, models, out=out, by=split(data, folds=3), **options)


def snapshot(folder):
    return {file.relative_to(folder): (file.stat().st_mtime_ns, file.read_bytes())
            for file in folder.rglob("*") if file.is_file()}  # fmt: skip


@pytest.mark.slow
def test_a_run_writes_evidence_models_and_manifest(tmp_path):
    evidences = begin(tmp_path / "run")
    again, manifest = load_study(tmp_path / "run")
    assert manifest["status"] == "complete"
    assert list(evidences) == ["majority", "logistic"]
    assert all(same_numbers(evidences[name], again[name]) for name in evidences)
    assert sorted(path.name for path in (tmp_path / "run" / "models").iterdir()) == ["logistic", "majority"]


@pytest.mark.slow
def test_nothing_in_a_run_is_pickled(tmp_path):
    data = shaking()
    models = {"bayes": BayesianLinearRegression(), "boosting": catalog.model("boosting", data.task)}
    begin(tmp_path / "run", models, data)
    files = [file for file in (tmp_path / "run").rglob("*") if file.is_file()]
    assert len(files) > 5
    assert not [file for file in files if is_pickled(file)]


PREDICT = """
import numpy as np
from bayesgeo.evaluation.evaluate import fit_and_score
from bayesgeo.models.networks.mlp import MLPRegressor
from bayesgeo.models.storage import load_model
from tests.tables import shaking
X = shaking(seed=5).X
for name in ("bayesian_linear", "boosting"):
    model = load_model(f"{run}/models/{{name}}")
    np.save(f"{run}/{{name}}.npy", model.predict_draws(X, kind="response").values)
"""


@pytest.mark.slow
def test_a_saved_model_predicts_bit_for_bit_in_a_fresh_process(tmp_path, repository):
    run = tmp_path / "run"
    models = {name: catalog.model(name, "regression") for name in ("bayesian_linear", "boosting")}
    begin(run, models, shaking())
    found = {name: fit_and_score(model, shaking(), split(shaking(), folds=3)).model for name, model in models.items()}
    subprocess.run([sys.executable, "-c", PREDICT.format(run=run)], cwd=repository, check=True)
    for name, model in found.items():
        here = model.predict_draws(shaking(seed=5).X, kind="response").values
        assert np.array_equal(np.load(run / f"{name}.npy"), here)
        assert np.array_equal(load_model(run / "models" / name).predict(shaking().X), model.predict(shaking().X))


class Stopped(FakePosterior):
    """An inference that the user interrupts before any draw was kept."""

    def run(self, problem, seed):
        raise KeyboardInterrupt


@pytest.mark.slow
def test_an_interrupted_run_keeps_finished_models_and_goes_on(tmp_path, monkeypatch):
    run, data = tmp_path / "run", shaking()
    models = {"mean": catalog.model("mean", data.task), "bayes": BayesianLinearRegression()}
    with monkeypatch.context() as patch:
        patch.setattr("bayesgeo.inference.exact.Exact.run", Stopped.run)
        with pytest.raises(KeyboardInterrupt, match=r"^$"):
            begin(run, models, data)
    evidences, manifest = load_study(run)
    assert (list(evidences), manifest["status"]) == (["mean"], "running")
    kept = snapshot(run / "models" / "mean") | snapshot(run / "evidence")
    resumed = begin(run, {"mean": catalog.model("mean", data.task), "bayes": BayesianLinearRegression()}, data)
    assert (snapshot(run / "models" / "mean") | snapshot(run / "evidence")).items() >= kept.items()
    assert read_manifest(run)["status"] == "complete"
    straight = begin(tmp_path / "straight", models, data)
    assert all(same_numbers(resumed[name], straight[name]) for name in models)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("data", "model"),
    [
        (shaking(), perceptron(MLPRegressor, max_epochs=4)),
        (events(), catalog.model("bayesian_logistic", "classification", inference=FakePosterior(draws=20))),
    ],
    ids=["values", "classes"],
)
def test_a_run_interrupted_between_folds_fits_only_the_others_and_ends_the_same(tmp_path, monkeypatch, data, model):
    import bayesgeo.evaluation.evaluate as module

    fitted = []

    def until(last):
        def run(*args, place, **settings):
            if place[0] > last:
                raise KeyboardInterrupt
            fitted.append(place[0])
            return run_fold(*args, place=place, **settings)

        return run

    run_fold, run = module.run_fold, tmp_path / "run"
    settings = {"by": split(data, "random", folds=3, seed=0), "seeds": 2}
    for last in (2, 9):
        with monkeypatch.context() as patch:
            for where in ("evaluate", "seeds"):
                patch.setattr(f"bayesgeo.evaluation.{where}.run_fold", until(last))
            if last == 2:
                with pytest.raises(KeyboardInterrupt, match=r"^$"):
                    study(data, {"m": model}, out=run, **settings)
                assert sorted(path.name for path in (run / "unfinished" / "m").iterdir()) == [
                    "fold_1.nc",
                    "fold_2.nc",
                ]
            else:
                resumed = study(data, {"m": model}, out=run, **settings)
    assert fitted == [1, 2, 3, 1, 2, 3]  # the folds, each once, and again under the other seed
    assert not (run / "unfinished").exists()
    straight = study(data, {"m": model}, out=tmp_path / "straight", **settings)
    assert same_numbers(resumed["m"], straight["m"])


@pytest.mark.slow
def test_a_model_stopped_half_way_is_kept_stops_the_run_and_is_fitted_anew(tmp_path, monkeypatch):
    from bayesgeo import Exact

    def half_way(self, problem, seed):
        tree = run(self, problem, seed)
        tree.attrs["interrupted"] = int(len(problem.data["X"]) == data.n_rows)
        return tree

    run, data = Exact.run, shaking()
    with monkeypatch.context() as patch:
        patch.setattr(Exact, "run", half_way)
        with pytest.raises(KeyboardInterrupt, match=r"^$"):
            begin(tmp_path / "run", ("bayesian_linear", "mean"), data)
    evidences, manifest = load_study(tmp_path / "run")
    assert evidences["bayesian_linear"]["diagnostics"].attrs["verdict"] == "doubtful"
    assert manifest["status"] == "running"
    resumed = begin(tmp_path / "run", ("bayesian_linear", "mean"), data)
    assert resumed["bayesian_linear"]["diagnostics"].attrs["verdict"] == "sound"


@pytest.mark.slow
def test_a_finished_run_is_not_computed_again(tmp_path, monkeypatch):
    first = begin(tmp_path / "run")
    monkeypatch.setattr("bayesgeo.runs.study.fit_and_score", lambda *_, **__: 1 / 0)
    again = begin(tmp_path / "run")
    assert all(same_numbers(first[name], again[name]) for name in first)


@pytest.mark.slow
def test_models_can_be_added_to_a_run(tmp_path):
    begin(tmp_path / "run", ("majority",))
    begin(tmp_path / "run", ("logistic",))
    assert sorted(load_study(tmp_path / "run")[0]) == ["logistic", "majority"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"data": events(seed=1)}, "dataset, split"),
        ({"seed": 1}, "seed"),
        ({"seeds": 2}, "seeds"),
        ({"models": {"majority": catalog.model("logistic", "classification")}}, "model 'majority'"),
    ],
)
def test_a_folder_with_another_run_is_refused_and_untouched(tmp_path, change, what):
    begin(tmp_path / "run", ("majority",))
    before = snapshot(tmp_path / "run")
    with pytest.raises(ValueError, match=rf"Invalid out .* It holds a run with another .*{what.split(', ')[0]}"):
        begin(tmp_path / "run", **{"models": ("majority",)} | change)
    assert snapshot(tmp_path / "run") == before


def test_no_seed_at_all_is_refused_before_anything_is_written(tmp_path):
    with pytest.raises(ValueError, match=r"Invalid seeds 0\. It must be a whole number above zero"):
        begin(tmp_path / "run", seeds=0)
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_other_folds_are_another_run(tmp_path):
    begin(tmp_path / "run", ("majority",))
    data = events()
    with pytest.raises(ValueError, match=r"Invalid out .* It holds a run with another split"):
        study(data, ("majority",), out=tmp_path / "run", by=split(data, folds=4))


def test_a_folder_that_is_no_run_is_refused_and_untouched(tmp_path):
    (tmp_path / "thesis.tex").write_text("years of work")
    before = snapshot(tmp_path)
    with pytest.raises(ValueError, match=r"Invalid out .* It exists and is not a run\. Give a new folder"):
        begin(tmp_path)
    with pytest.raises(ValueError, match=r"Invalid out .* It exists and is not a run\. Give a new folder"):
        begin(tmp_path / "thesis.tex")
    assert snapshot(tmp_path) == before


def test_an_unknown_model_leaves_no_folder(tmp_path):
    with pytest.raises(ValueError, match=r"Invalid model 'majorty'\. .* Did you mean 'majority'"):
        begin(tmp_path / "run", ("majorty",))
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("name", ["../outside", "a/b", "", ".hidden"])
def test_a_model_name_that_is_a_path_is_refused(tmp_path, name):
    with pytest.raises(ValueError, match=r"Invalid model name.* It becomes the name of a file"):
        begin(tmp_path / "run", {name: catalog.model("majority", "classification")})
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_a_run_without_a_finished_model_is_refused(tmp_path):
    begin(tmp_path / "run", ("majority",))
    (tmp_path / "run" / "evidence" / "majority.nc").unlink()
    with pytest.raises(ValueError, match=r"Invalid run .* No model of it is finished"):
        load_study(tmp_path / "run")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{", "cannot be read"),
        (json.dumps({"schema_version": 0}), f"schema is not {RUN_SCHEMA}"),
        ("[]", "cannot be read: it is not a mapping"),
    ],
)
def test_a_manifest_of_another_kind_is_refused(tmp_path, text, problem):
    (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(ValueError, match=f"Invalid run .* {problem}"):
        read_manifest(tmp_path)


def test_a_folder_without_a_manifest_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"Invalid run .* It has no manifest\.json\. Give the --out folder"):
        read_manifest(tmp_path)


def test_the_audit_can_refuse_a_data_set(tmp_path):
    data = shaking()
    leaky = data.X.values.copy()
    leaky[:, 2] = data.y.values
    from dataclasses import replace

    data = replace(data, X=data.X.copy(data=leaky))
    with pytest.raises(ValueError, match=r"Feature c is the target pga by another name\. Leave it out"):
        begin(tmp_path / "run", ("mean",), data)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_the_default_models_are_there_and_hold_one_that_ignores_the_features(task):
    known = catalog.models(task)
    kinds = [known[name].kind for name in catalog.DEFAULT_MODELS[task]]
    assert kinds.count("baseline") == 1
    assert {"Bayesian", "deterministic"} <= set(kinds)


@pytest.mark.parametrize(
    ("models", "message"),
    [
        (("ridge", "spatial:smoothness=0.5", "spatial:prior_scale=0.5"), "'spatial_0-5'. Two models would have"),
        (("spatial:smoothness",), "'smoothness'. It has no value. Write spatial:smoothness=VALUE"),
        (("spatial:smothness=0.5",), "'smothness'. The model spatial has no such setting. Did you mean 'smoothness'"),
    ],
)
def test_settings_that_are_no_settings_or_would_hide_a_model_are_refused(tmp_path, models, message):
    with pytest.raises(ValueError, match=message):
        study(shaking(), models, out=tmp_path / "run")
    assert not (tmp_path / "run").exists()
