"""Compiled code on disk: where it is kept, what damage to it does, and who may decline it."""

import os
import subprocess
import sys

import pytest

COMPILE = """
import numpy as np
from bayesgeo.inference.kernels.device import each_chain, jax, single_precision
with single_precision():
    print(each_chain(jax.jit(lambda x: (x * x + 1).sum()), np.ones((2, 3), np.float32)).tolist())
"""


def compiled(home, **settings):
    """Compile in a fresh process whose cache is in ``home``; return what it printed, and the files there."""
    env = os.environ | {"XDG_CACHE_HOME": str(home), "HOME": str(home)} | settings
    done = subprocess.run([sys.executable, "-c", COMPILE], env=env, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return done.stdout, sorted(home.glob("**/compiled/jax-*/*-cache"))


@pytest.mark.slow
def test_code_is_kept_and_damage_to_it_changes_nothing(tmp_path):
    first, kept = compiled(tmp_path)
    assert first == "[6.0, 6.0]\n"
    assert kept
    for number, file in enumerate(kept):
        whole = file.read_bytes()
        file.write_bytes(whole[: len(whole) // 2] if number % 2 else whole[::-1])
    again, still = compiled(tmp_path)
    assert again == first
    assert still == kept


@pytest.mark.slow
def test_who_wants_no_cache_gets_none(tmp_path):
    assert compiled(tmp_path, JAX_ENABLE_COMPILATION_CACHE="false") == ("[6.0, 6.0]\n", [])
