"""The command line: one exit code for each ending, a message for each mistake, never a traceback."""

import subprocess
import sys

import pandas as pd
import pytest
import xarray as xr

from bayesgeo import cli
from bayesgeo.runs.folder import load_study
from tests.tables import events, shaking, write_csv


@pytest.fixture
def command(capsys):
    """Run a command and return its exit code and what it printed."""

    def run(*tokens):
        try:
            cli.main([str(token) for token in tokens])
            code = 0
        except SystemExit as end:
            code = end.code or 0
        printed = capsys.readouterr()
        assert "Traceback" not in printed.out + printed.err
        return code, printed.out + printed.err

    return run


@pytest.fixture
def table(tmp_path):
    return write_csv(events(), tmp_path / "events.csv")


@pytest.fixture
def run_folder(command, table, tmp_path):
    out = tmp_path / "run"
    arguments = ("--target", "kind", "--group", "site", "--models", "majority,logistic", "--folds", 3)
    code, printed = command("compare", table, *arguments, "--out", out)
    assert code == 0, printed
    return out


def test_data_sets_are_listed(command):
    code, printed = command("datasets")
    assert code == 0
    assert "seismic_events" in printed


def test_check_says_what_was_read_and_how_it_is_split(command, table):
    code, printed = command("check", table, "--target", "kind", "--group", "site")
    assert code == 0
    assert "events: 90 rows, 3 features, 2 classes. 5 folds of whole groups: no site is on both sides." in printed


def test_check_ends_with_2_on_a_table_that_gives_the_answer_away(command, table):
    frame = pd.read_csv(table)
    frame.assign(copy=frame["kind"].map({"quake": 0, "blast": 1})).to_csv(table, index=False)
    code, printed = command("check", table, "--target", "kind", "--group", "site")
    assert code == 2
    assert "refuse" in printed
    assert "copy" in printed


@pytest.mark.slow
def test_check_says_what_a_fixed_depth_carries(command, table):
    frame = pd.read_csv(table)
    depth = (frame["kind"] == "quake") * (1.0 + frame["a"].abs())
    frame.assign(depth=depth.round(2)).to_csv(table, index=False)
    code, printed = command("check", table, "--target", "kind", "--group", "site", "--leaks")
    assert code == 0, printed
    assert "Feature depth may hold the answer" in printed
    assert "leak? depth carries 0." in printed


def test_check_drops_declared_codes(command, table):
    frame = pd.read_csv(table)
    frame.loc[[2, 5], "a"] = -1.5
    frame.to_csv(table, index=False)
    code, printed = command("check", table, "--target", "kind", "--codes=-1.5,77", "--missing", "drop")
    assert code == 0
    assert "Column 'a': 2 values of -1.5 count as missing, row 3, 6." in printed
    assert ": 88 rows" in printed


@pytest.mark.slow
def test_compare_writes_a_report(run_folder):
    assert (run_folder / "report.html").read_text().startswith("<!")
    assert (run_folder / "report.json").is_file()
    assert list(load_study(run_folder)[0]) == ["majority", "logistic"]


@pytest.mark.slow
def test_compare_measures_what_seeds_do(command, table, tmp_path):
    arguments = ("--target", "kind", "--group", "site", "--models", "majority,boosting", "--folds", 3, "--seeds", 2)
    code, printed = command("compare", table, *arguments, "--out", tmp_path / "run")
    assert code == 0, printed
    evidences, manifest = load_study(tmp_path / "run")
    assert manifest["seeds"] == 2
    assert {name: tree.attrs["seeds"] for name, tree in evidences.items()} == {"majority": 2, "boosting": 2}
    assert evidences["majority"]["seeds"].attrs["stochastic"] == 0
    assert "Each fold was fitted under 2 seeds" in (tmp_path / "run" / "report.html").read_text()


@pytest.mark.slow
def test_compare_again_goes_on_and_report_writes_the_same_again(command, run_folder):
    code, printed = command("report", run_folder)
    assert code == 0
    assert "Report:" in printed


MISTAKES = {
    "unknown data": (("check", "seismic_event"), r"Did you mean 'seismic_events'"),
    "no target": (("check", "TABLE"), r"Invalid --target. A table needs a column to predict"),
    "wrong target": (("check", "TABLE", "--target", "kid"), r"Did you mean 'kind'"),
    "target of a data set": (("check", "seismic_events", "--target", "a"), r"--target is for tables"),
    "wrong split": (("check", "TABLE", "--target", "kind", "--split", "grup"), r"Did you mean 'group'"),
    "wrong effects": (("check", "seismic_events", "--effects", "sites"), r"Did you mean 'site'"),
    "wrong formula": (("check", "TABLE", "--formula", "kind ~ a + (1 | sit)"), r"group 'sit'.*Did you mean 'site'"),
    "wrong feature": (("check", "seismic_events", "--features", "magntude"), r"Did you mean 'magnitude'"),
    "wrong missing": (("check", "TABLE", "--target", "kind", "--missing", "keep"), r"Invalid missing 'keep'"),
    "wrong model": (("compare", "TABLE", "--target", "kind", "--models", "majorty", "--out", "OUT"), r"'majority'"),
    "wrong option": (("check", "TABLE", "--tagret", "kind"), r"tagret"),
    "wrong type": (("check", "TABLE", "--target", "kind", "--folds", "many"), r"folds"),
    "negative seed": (("check", "TABLE", "--target", "kind", "--seed", "-1"), r"seed -1\. It must be a whole number"),
    "huge seed": (("check", "TABLE", "--target", "kind", "--seed", "9" * 30), r"seed 9+\. It must be .* to 4294967295"),
    "no jobs": (
        ("compare", "TABLE", "--target", "kind", "--jobs", "0", "--out", "OUT"),
        r"jobs 0\. It must be a whole",
    ),
    "many folds": (("check", "TABLE", "--target", "kind", "--split", "random", "--folds", "91"), r"only 90 rows"),
    "negative folds": (("check", "TABLE", "--target", "kind", "--split", "random", "--folds", "-2"), r"folds -2"),
    "no codes": (("check", "TABLE", "--target", "kind", "--codes", "low"), r"--codes 'low'\. .*--codes none"),
    "codes of a data set": (("check", "seismic_events", "--codes", "9"), r"--codes is for tables"),
    "year beyond calendars": (
        ("check", "TABLE", "--target", "kind", "--split", "temporal", "--time", "a", "--test", "99999999999999999999"),
        r"Invalid",
    ),
    "superscript year": (("check", "TABLE", "--target", "kind", "--split", "temporal", "--test", "²"), r"Invalid"),
    "wrong command": (("compair", "TABLE"), r"compair"),
    "missing option": (("compare", "TABLE", "--target", "kind"), r"--out"),
    "no run": (("report", "OUT"), r"It has no manifest\.json"),
    "no run to predict by": (("predict", "OUT", "TABLE", "--out", "OUT/p.csv"), r"It has no manifest\.json"),
}


@pytest.mark.parametrize(("tokens", "message"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_ends_with_2_and_a_way_out(command, table, tmp_path, tokens, message):
    places = {"TABLE": str(table), "OUT": str(tmp_path / "out"), "OUT/p.csv": str(tmp_path / "p.csv")}
    code, printed = command(*(places.get(token, token) for token in tokens))
    assert code == 2, printed
    assert pd.Series([printed.replace("\n", " ")]).str.contains(message).all(), printed
    assert not (tmp_path / "out").exists()


def test_a_refused_table_ends_with_2(command, table):
    frame = pd.read_csv(table)
    frame.loc[3, "a"] = None
    frame.to_csv(table, index=False)
    code, printed = command("check", table, "--target", "kind")
    assert code == 2
    assert "column 'a'" in printed
    assert "row 4" in printed


@pytest.mark.slow
def test_diagnostics_that_fail_end_with_3_and_name_the_model(command, run_folder):
    fail(run_folder, "logistic")
    code, printed = command("report", run_folder)
    assert code == 3
    assert "Diagnostics failed: logistic. The report says why." in printed


@pytest.mark.slow
def test_predictions_by_a_posterior_that_failed_end_with_3(command, run_folder, table, tmp_path):
    fail(run_folder, "logistic")
    code, printed = command("predict", run_folder, table, "--out", tmp_path / "p.csv", "--model", "logistic")
    assert code == 3
    assert "Do not use these predictions" in printed


def fail(run, name):
    """Let the Evidence of a model say that its diagnostics failed."""
    from bayesgeo.evaluation.evidence import load_evidence, save_evidence

    tree = load_evidence(run / "evidence" / f"{name}.nc")
    diagnostics = tree["diagnostics"].to_dataset()
    diagnostics["status"] = "check", ["issue", *diagnostics["status"].values[1:]]
    diagnostics.attrs["verdict"] = "failed"
    tree["diagnostics"] = xr.DataTree(diagnostics)
    save_evidence(tree, run / "evidence" / f"{name}.nc")


def test_an_interrupt_ends_with_130_and_says_how_to_go_on(command, table, tmp_path, monkeypatch):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("bayesgeo.runs.study.fit_and_score", interrupt)
    code, printed = command("compare", table, "--target", "kind", "--models", "majority", "--out", tmp_path / "run")
    assert code == 130
    assert "the same command goes on" in printed


@pytest.mark.slow
def test_new_rows_get_the_probabilities_of_the_fitted_model(command, run_folder, tmp_path):
    new = write_csv(events(n=12, seed=9), tmp_path / "new.csv", target=False)
    code, printed = command("predict", run_folder, new, "--out", tmp_path / "p.csv")
    assert code == 0
    assert "12 rows predicted by logistic" in printed
    from bayesgeo.models.storage import load_model

    said = pd.read_csv(tmp_path / "p.csv")
    p = load_model(run_folder / "models" / "logistic").predict_proba(events(n=12, seed=9).X)
    # The table is alphabetical, so the classes of the run are blast and quake; CSV keeps 15 digits at least.
    assert list(said)[:4] == ["row", "predicted", "probability of blast", "probability of quake"]
    assert list(said)[-3:] == ["distance", "far", "inside"]
    assert said["probability of quake"].to_numpy() == pytest.approx(p[:, 1], abs=1e-12)
    assert (said["predicted"] == pd.Series(["blast", "quake"])[p.argmax(axis=1)].to_numpy()).all()


@pytest.mark.slow
def test_an_unknown_model_is_refused_by_predict(command, run_folder, table, tmp_path):
    code, printed = command("predict", run_folder, table, "--out", tmp_path / "p.csv", "--model", "logistics")
    assert code == 2
    assert "Did you mean 'logistic'?" in printed
    assert not (tmp_path / "p.csv").exists()


@pytest.mark.slow
def test_a_table_that_lacks_a_column_is_refused_by_predict(command, run_folder, table, tmp_path):
    pd.read_csv(table).drop(columns="b").to_csv(table, index=False)
    code, printed = command("predict", run_folder, table, "--out", tmp_path / "p.csv")
    assert code == 2
    assert "'b'" in printed


@pytest.mark.slow
def test_a_quantity_is_predicted_with_the_ends_of_its_interval(command, tmp_path):
    table, out = write_csv(shaking(), tmp_path / "shaking.csv"), tmp_path / "run"
    arguments = ("--target", "pga", "--group", "site", "--models", "mean,bayesian_linear", "--folds", 3)
    code, printed = command("compare", table, *arguments, "--out", out)
    assert code == 0, printed
    code, printed = command("predict", out, table, "--out", tmp_path / "p.csv")
    assert code == 0
    assert "90 rows predicted by bayesian_linear" in printed
    said, truth = pd.read_csv(tmp_path / "p.csv"), pd.read_csv(table)["pga"]
    inside = ((said["low"] <= truth) & (truth <= said["high"])).mean()
    # Binomial standard error of 90 rows at 0.9 is 0.032; four of them.
    assert inside == pytest.approx(0.9, abs=0.126)
    assert (said["low"] < said["predicted"]).all()


def test_the_terminal_obeys_no_name_in_a_table(command, table):
    pd.read_csv(table).rename(columns={"kind": "kind\x1b[2J"}).to_csv(table, index=False)
    _, printed = command("check", table, "--target", "kid")
    assert "\x1b" not in printed


def test_the_package_runs_as_a_module_too(repository):
    command = [sys.executable, "-m", "bayesgeo", "datasets"]
    done = subprocess.run(command, cwd=repository, capture_output=True, text=True, check=True)
    assert "seismic_events" in done.stdout
