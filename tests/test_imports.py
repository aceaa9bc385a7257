"""Opening the package and its light floors costs neither PyMC nor torch."""

import json
import subprocess
import sys

import pytest

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


@pytest.mark.parametrize("code", LIGHT.values(), ids=LIGHT)
def test_what_should_be_light_imports_nothing_heavy(code):
    assert imported_by(code) == []


def test_the_search_for_heavy_imports_finds_one():
    assert "torch" in imported_by("import sys; sys.modules['torch'] = sys")


def test_every_public_name_is_there():
    import bayesgeo

    assert len(bayesgeo.__all__) <= 20
    for name in bayesgeo.__all__:
        assert getattr(bayesgeo, name).__name__ == name
    with pytest.raises(AttributeError, match="module 'bayesgeo' has no attribute 'loda'"):
        _ = bayesgeo.loda
