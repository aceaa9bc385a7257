"""Each example of CONTRIBUTING.md works as it stands: its files, put into a copy of the package, are found and used."""

import json
import os
import re
import shutil
import subprocess
import sys

import pytest

BLOCK = re.compile(r"```(?:python|jinja)\n(?:# |\{# )(bayesgeo/\S+)(?: #\})?\n(.*?)```", re.DOTALL)
FILES = {
    "metric": ["bayesgeo/metrics/bias.py"],
    "data set": ["bayesgeo/datasets/library/two_layers.py"],
    "model": ["bayesgeo/models/nearest.py"],
    "inference": ["bayesgeo/inference/random_walk.py"],
    "report section": [f"bayesgeo/reporting/sections/sizes.{end}" for end in ("html.j2", "py")],
}


@pytest.fixture(scope="module")
def examples(repository):
    return dict(BLOCK.findall((repository / "CONTRIBUTING.md").read_text()))


def test_a_kind_of_thing_takes_one_file_and_a_report_section_two(examples):
    assert sorted(examples) == sorted(name for names in FILES.values() for name in names)


@pytest.fixture(scope="module")
def copy(examples, repository, tmp_path_factory):
    """Put every example into one copy of the package."""
    folder = tmp_path_factory.mktemp("copy")
    shutil.copytree(repository / "bayesgeo", folder / "bayesgeo", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(repository / "data", folder / "data")
    for name, text in examples.items():
        assert not (folder / name).exists()
        (folder / name).write_text(text)
    return folder


def python(copy, *arguments):
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=copy,
        env=os.environ | {"PYTHONPATH": str(copy)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
def test_the_examples_are_found_and_used_by_one_command(copy):
    python(copy, "-m", "bayesgeo", "compare", "two_layers", "--models", "nearest,ridge,mean", "--out", "run")
    facts = json.loads((copy / "run" / "report.json").read_text())
    assert {model["name"] for model in facts["models"]} == {"nearest", "ridge", "mean"}
    assert all("bias" in model["metrics"] for model in facts["models"])
    assert set(facts["sections"]["sizes"]["bytes"]) == {"nearest", "ridge", "mean"}
    assert "<h2>Sizes</h2>" in (copy / "run" / "report.html").read_text()


@pytest.mark.long
def test_the_model_and_the_inference_keep_their_contracts(copy):
    python(
        copy,
        "-c",
        "from bayesgeo.testing import check_inference, check_model; from bayesgeo import inference, models;"
        "check_model(models.NearestRegressor()); check_inference(inference.RandomWalk())",
    )
