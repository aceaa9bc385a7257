"""Opening the package and its light floors costs neither PyMC nor torch."""

import importlib
import json
import subprocess
import sys
from types import ModuleType

import pytest

import bayesgeo

HEAVY = ("pymc", "pytensor", "torch", "nutpie", "arviz", "jax", "blackjax", "optax")
LIGHT = {
    "the package": "import bayesgeo",
    "help": "import bayesgeo.cli; bayesgeo.cli.app(['--help'], result_action='return_value')",
    # All in one process, because opening SciPy, pandas and xarray takes seconds.
    "the floors below models": "from bayesgeo.datasets import load; load('seismic_events')\n"
    "import bayesgeo.datasets.tables.read, bayesgeo.datasets.audit, bayesgeo.probability, bayesgeo.linalg\n"
    "import bayesgeo.metrics.classification, bayesgeo.metrics.regression",
}


def imported_by(code):
    code += f"\nimport json, sys; print(json.dumps([name for name in {HEAVY} if name in sys.modules]))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.slow
@pytest.mark.parametrize("code", LIGHT.values(), ids=LIGHT)
def test_what_should_be_light_imports_nothing_heavy(code):
    assert imported_by(code) == []


def test_the_search_for_heavy_imports_finds_one():
    assert "torch" in imported_by("import sys; sys.modules['torch'] = sys")


PACKAGES = (
    "",
    ".datasets",
    ".diagnostics",
    ".inference",
    ".linalg",
    ".maps",
    ".metrics",
    ".models",
    ".probability",
    ".testing",
)


@pytest.mark.parametrize("package", PACKAGES)
def test_every_public_name_is_there(package):
    module = importlib.import_module(f"bayesgeo{package}")
    assert module.__doc__
    for name in module.__all__:
        assert not isinstance(getattr(module, name), ModuleType)


def test_a_name_that_is_not_there_is_told():
    with pytest.raises(AttributeError, match="loda"):
        _ = bayesgeo.loda


def test_an_editor_lists_the_public_names():
    assert set(bayesgeo.__all__) <= set(dir(bayesgeo))
