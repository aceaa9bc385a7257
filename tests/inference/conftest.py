"""Tests that open JAX and PyMC when collected are none of the fast ones: that takes each worker ten seconds."""

OPEN_JAX = {"kernels", "test_approximations.py", "test_mclmc.py"}


def pytest_ignore_collect(collection_path, config):
    return True if "not slow" in config.option.markexpr and collection_path.name in OPEN_JAX else None
