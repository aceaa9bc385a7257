"""A student of a run: one file that predicts, and scores on held-out rows."""

import json
import sys

import numpy as np
import pytest

from bayesgeo import cli
from bayesgeo.models.students.file import load_student
from bayesgeo.runs.folder import read_manifest, write_manifest
from tests.tables import events, shaking, write_csv


@pytest.fixture
def command(capsys, monkeypatch):
    """Run a command as the terminal would, and return its exit code and what it printed."""

    def run(*tokens):
        tokens = [str(token) for token in tokens]
        monkeypatch.setattr(sys, "argv", ["bayesgeo", *tokens])
        try:
            cli.main(tokens)
            code = 0
        except SystemExit as end:
            code = end.code or 0
        printed = capsys.readouterr()
        return code, printed.out + printed.err

    return run


@pytest.fixture
def run_folder(command, tmp_path):
    table = write_csv(events(), tmp_path / "events.csv")
    arguments = ("--target", "kind", "--group", "site", "--models", "majority,logistic", "--folds", 3)
    code, printed = command("compare", table, *arguments, "--out", tmp_path / "run")
    assert code == 0, printed
    return tmp_path / "run"


@pytest.mark.slow
def test_a_run_yields_a_student_and_its_record(command, run_folder, tmp_path):
    code, printed = command("distill", run_folder, "--teacher", "logistic", "--student", "8,4", "--out", tmp_path / "s")
    assert code == 0, printed
    record = json.loads((tmp_path / "s" / "distillation.json").read_text())
    student = load_student(tmp_path / "s" / "student.safetensors")
    assert student.classes_.tolist() == ["blast", "quake"]
    assert student.hidden == (8, 4)
    assert student.network_.parameters == record["numbers_in_student"]
    assert sum(record["rows"].values()) == 90
    assert f"{record['rows']['tested']} tested" in printed
    assert record["scores"]["agreement"] > 0.9
    assert record["scores"]["epistemic_rank_correlation"] is None  # a logistic regression has one draw
    rows = events(n=12, seed=9)
    assert np.isfinite(student.predict_proba(rows.X)).all()


@pytest.mark.slow
def test_the_scores_are_of_rows_that_neither_has_seen(command, run_folder, tmp_path, monkeypatch):
    seen = {}
    import bayesgeo.runs.distillation as module

    scored = module._of_classes
    monkeypatch.setattr(module, "_of_classes", lambda student, test: seen.update(test=test) or scored(student, test))
    taught = module.StudentClassifier.fit

    def fit(self, X, y, groups=None, **rows):
        seen["groups"] = groups
        return taught(self, X, y, groups, **rows)

    monkeypatch.setattr(module.StudentClassifier, "fit", fit)
    assert command("distill", run_folder, "--teacher", "logistic", "--out", tmp_path / "s")[0] == 0
    assert not set(seen["groups"]) & set(seen["test"].group.values)


@pytest.mark.slow
def test_a_quantity_is_distilled_too(command, tmp_path):
    table = write_csv(shaking(), tmp_path / "shaking.csv")
    arguments = ("--target", "pga", "--group", "site", "--models", "ridge", "--folds", 3)
    assert command("compare", table, *arguments, "--out", tmp_path / "run")[0] == 0
    code, printed = command("distill", tmp_path / "run", "--teacher", "ridge", "--out", tmp_path / "s")
    assert code == 0, printed
    scores = json.loads((tmp_path / "s" / "distillation.json").read_text())["scores"]
    assert scores["student"]["rmse"] == pytest.approx(scores["teacher"]["rmse"], rel=0.05)


@pytest.mark.slow
def test_rows_to_be_predicted_may_be_asked_about_too(command, run_folder, tmp_path, monkeypatch):
    import bayesgeo.runs.distillation as module

    asked = {}
    taught = module.StudentClassifier.fit

    def fit(self, X, y, groups=None, **rows):
        asked.update(rows)
        return taught(self, X, y, groups, **rows)

    monkeypatch.setattr(module.StudentClassifier, "fit", fit)
    new = events(n=7, seed=9)
    table = write_csv(new, tmp_path / "new.csv")
    arguments = ("--teacher", "logistic", "--unlabelled", table, "--out", tmp_path / "s")
    code, printed = command("distill", run_folder, *arguments)
    assert code == 0, printed
    assert json.loads((tmp_path / "s" / "distillation.json").read_text())["rows"]["unlabelled"] == 7
    assert asked["unlabelled"]["feature"].values.tolist() == new.X["feature"].values.tolist()
    np.testing.assert_allclose(asked["unlabelled"].values, new.X.values)


MISTAKES = {
    "a table that lacks a column": (("--teacher", "logistic", "--unlabelled", "{lacking}"), "column"),
    "wrong teacher": (("--teacher", "logistics"), "Did you mean 'logistic'"),
    "wrong widths": (("--teacher", "logistic", "--student", "8,x"), "It must be whole numbers above zero"),
    "no width": (("--teacher", "logistic", "--student", ","), "It must be whole numbers above zero"),
    "a width of zero": (("--teacher", "logistic", "--student", "0"), "It must be whole numbers above zero"),
}


@pytest.mark.slow
@pytest.mark.parametrize(("arguments", "message"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_ends_with_2_and_writes_nothing(command, run_folder, tmp_path, arguments, message):
    (tmp_path / "lacking.csv").write_text("depth_km\n1.0\n")
    arguments = [argument.format(lacking=tmp_path / "lacking.csv") for argument in arguments]
    code, printed = command("distill", run_folder, *arguments, "--out", tmp_path / "s")
    assert code == 2
    assert message in printed
    assert not (tmp_path / "s").exists()


@pytest.mark.slow
def test_a_table_that_has_changed_since_is_refused(command, run_folder, tmp_path):
    write_csv(events(seed=5), tmp_path / "events.csv")
    code, printed = command("distill", run_folder, "--teacher", "logistic", "--out", tmp_path / "s")
    assert code == 2
    assert "has changed since the run" in printed


@pytest.mark.slow
def test_a_run_of_a_script_says_where_else_to_go(command, run_folder, tmp_path):
    write_manifest(run_folder, read_manifest(run_folder) | {"source": None})
    code, printed = command("distill", run_folder, "--teacher", "logistic", "--out", tmp_path / "s")
    assert code == 2
    assert "It was made by a script" in printed
