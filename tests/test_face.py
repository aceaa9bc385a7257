"""What a user's type checker and editor see of the package."""

import subprocess
import sys

import pytest

# Strict, from outside: every name is known, and no call returns a bare Any.
SCRIPT = """
from typing import assert_type

import pandas as pd
import xarray as xr
from sklearn.ensemble import RandomForestClassifier

import bayesgeo as bg
from bayesgeo.datasets import load
from bayesgeo.inference import NUTS
from bayesgeo.metrics import Metric, accuracy
from bayesgeo.models import CalibratedClassifier, load_model
from bayesgeo.models.base import Estimator

events = bg.load("seismic_events")
assert_type(events, bg.Dataset)
assert_type(load("seismic_events"), bg.Dataset)
assert_type(bg.evaluate(RandomForestClassifier(), events, bg.split(events)), xr.DataTree)
assert_type(bg.compare({}), pd.DataFrame)
model = bg.BayesianLogisticRegression(prior="laplace", inference=NUTS(draws=10))
assert_type(model.fit(events.X, events.y), bg.BayesianLogisticRegression)
assert_type(model.predict_draws(events.X), xr.DataArray)
assert_type(accuracy, Metric)
assert_type(load_model("model"), Estimator)
CalibratedClassifier(model, holdout=0.3)
"""


def checked(folder, repository, text):
    (folder / "script.py").write_text(text)
    return subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--follow-imports=silent", folder / "script.py"],
        cwd=repository,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.slow
def test_a_strict_type_checker_understands_a_users_script(tmp_path, repository):
    done = checked(tmp_path, repository, SCRIPT)
    assert done.returncode == 0, done.stdout


@pytest.mark.slow
def test_a_strict_type_checker_finds_a_name_that_is_not_there(tmp_path, repository):
    done = checked(tmp_path, repository, "import bayesgeo as bg\n\nbg.evalute()\n")
    assert 'Module has no attribute "evalute"; maybe "evaluate"?' in done.stdout
