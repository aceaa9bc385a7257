"""A package of its own extends bayesgeo by entry points alone, in every command."""

import json
import os
import shutil
import subprocess
import sys
import tomllib

import pandas as pd
import pytest

NAMES = ("example_plugin", "site_offsets", "SiteOffsets", "Pathfinder", "drawn_shaking")
NEW_ROWS = "magnitude,log_distance,site\n5.0,1.0,S03\n5.0,1.0,S03\n5.0,1.0,never seen\n"


def install(source, folder):
    """Lay a plugin out in a folder as pip does: its package, and its metadata with the entry points."""
    project = tomllib.loads((source / "pyproject.toml").read_text())["project"]
    info = folder / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n")
    groups = project["entry-points"].items()
    lines = [
        f"[{group}]\n" + "".join(f"{name} = {value}\n" for name, value in names.items()) for group, names in groups
    ]
    (info / "entry_points.txt").write_text("\n".join(lines))
    shutil.copytree(source / "example_plugin", folder / "example_plugin", dirs_exist_ok=True)


class Shell:
    """Runs Python in fresh processes that see the plugin."""

    def __init__(self, folder, repository):
        self.folder, self.repository = folder, repository

    def python(self, *arguments, ok=(0,)):
        path = os.pathsep.join([str(self.folder / "site"), str(self.repository)])
        done = subprocess.run(
            [sys.executable, *map(str, arguments)],
            cwd=self.folder,
            env=os.environ | {"PYTHONPATH": path},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode in ok, done.stderr
        return done.stdout

    def bayesgeo(self, *arguments, ok=(0,)):
        return self.python("-m", "bayesgeo", *arguments, ok=ok)


@pytest.fixture(scope="module")
def shell(tmp_path_factory, repository):
    """Compare the plugin's model with ours on the plugin's data set, once for all tests."""
    folder = tmp_path_factory.mktemp("plugin")
    install(repository / "tests" / "plugin", folder / "site")
    shell = Shell(folder, repository)
    shell.bayesgeo(
        "compare", "drawn_shaking", "--models", "site_offsets,ridge,mean", "--folds", 3, "--out", "run", ok=(0, 3)
    )
    return shell


def test_nothing_in_the_package_names_the_plugin(repository):
    text = "".join(path.read_text() for path in (repository / "bayesgeo").rglob("*") if path.suffix in {".py", ".j2"})
    assert not [name for name in NAMES if name in text]


@pytest.mark.long
def test_the_data_set_of_a_plugin_is_listed(shell):
    assert "150 drawn peak accelerations at 15 sites" in shell.bayesgeo("datasets")


@pytest.mark.long
def test_a_report_shows_model_metric_inference_and_section_of_a_plugin(shell):
    for _ in range(2):
        page, facts = (shell.folder / "run" / name for name in ("report.html", "report.json"))
        text, known = page.read_text(), json.loads(facts.read_text())
        assert "Groups with the largest mean residuals" in text
        assert len(known["sections"]["residuals"]["groups"]) == 5
        (model,) = [model for model in known["models"] if model["name"] == "site_offsets"]
        assert model["approximation"] == "Gaussian along an optimiser's path (Pathfinder)"
        assert {row["variable"] for row in model["posterior"]} == {"coefficient", "group_sd", "noise_sd"}
        assert model["specification"]["priors"][0]["prior"] == "Normal(0, 3²)"
        assert "sd between groups" in text
        assert '<th scope="col" class="n">bias' in text
        assert {"bias"} <= set(pd.read_csv(shell.folder / "run" / "metrics.csv")["metric"])
        page.unlink()
        shell.bayesgeo("report", "run", ok=(0, 3))


@pytest.mark.long
def test_a_known_group_and_a_new_one_are_predicted_as_the_model_states(shell):
    (shell.folder / "new.csv").write_text(NEW_ROWS)
    shell.bayesgeo("predict", "run", "new.csv", "--model", "site_offsets", "--out", "out.csv", ok=(0, 3))
    found = pd.read_csv(shell.folder / "out.csv")
    width = (found["high"] - found["low"]).to_numpy()
    assert found["predicted"][0] == found["predicted"][1] != found["predicted"][2]
    assert width[2] > 1.2 * width[0]  # a new site adds the spread between sites, 0.3 beside a noise of 0.2


@pytest.mark.long
def test_a_plugin_model_teaches_a_student(shell):
    shell.bayesgeo("distill", "run", "--teacher", "site_offsets", "--student", "8", "--out", "student")
    assert json.loads((shell.folder / "student" / "distillation.json").read_text())["teacher"] == "site_offsets"


@pytest.mark.long
def test_a_saved_plugin_model_predicts_bit_for_bit_in_fresh_processes(shell):
    code = (
        "import hashlib; from bayesgeo.models import load_model; from bayesgeo import load;"
        "data = load('drawn_shaking'); model = load_model('run/models/site_offsets');"
        "draws = model.predict_draws(data.X, groups=data.group_labels());"
        "print(type(model).__name__, hashlib.sha256(draws.values.tobytes()).hexdigest())"
    )
    first, second = (shell.python("-c", code) for _ in range(2))
    assert first == second
    assert first.startswith("SiteOffsets ")


@pytest.mark.long
def test_a_plugin_model_keeps_the_contract_of_a_model(shell):
    shell.python(
        "-c",
        "from bayesgeo.testing import check_model; from example_plugin.offsets import SiteOffsets;"
        "from example_plugin.pathfinder import Pathfinder;"
        "check_model(SiteOffsets(inference=Pathfinder(draws=100, chains=2)), sklearn=False)",
    )


@pytest.mark.long
def test_a_plugin_model_passes_every_check_of_scikit_learn(shell):
    shell.python(
        "-c",
        "from bayesgeo.testing import check_model; from example_plugin.offsets import SiteOffsets;"
        "from example_plugin.pathfinder import Pathfinder;"
        "check_model(SiteOffsets(inference=Pathfinder(draws=100, chains=2)))",
    )


@pytest.mark.long
def test_a_name_that_is_taken_twice_is_refused(shell, tmp_path):
    install(shell.repository / "tests" / "plugin", tmp_path / "site")
    entries = next((tmp_path / "site").glob("*.dist-info")) / "entry_points.txt"
    entries.write_text("[bayesgeo.models]\nridge = bayesgeo.models.baselines:RidgeRegressor\n")
    other = Shell(tmp_path, shell.repository)
    code = "from bayesgeo import catalog; catalog.models('regression')"
    with pytest.raises(AssertionError, match=r"Invalid name 'ridge'\. Both .* register it in the models"):
        other.python("-c", code)
