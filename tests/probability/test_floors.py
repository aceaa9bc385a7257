"""The probability and linear-algebra floors stay light."""

import subprocess
import sys

import pytest


@pytest.mark.slow
def test_probability_and_linalg_import_neither_pymc_nor_torch():
    code = (
        "import sys, bayesgeo.probability, bayesgeo.linalg\n"
        "heavy = {'pymc', 'pytensor', 'torch', 'jax', 'arviz', 'sklearn'} & set(sys.modules)\n"
        "sys.exit(', '.join(sorted(heavy)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
