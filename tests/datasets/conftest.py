"""A small table of well logs, made anew for each test."""

import numpy as np
import pandas as pd
import pytest


def draw_wells():
    rng = np.random.default_rng(0)
    gamma, density = rng.normal(60, 20, 40).round(3), rng.normal(2.4, 0.2, 40).round(4)
    return pd.DataFrame({
        "well": np.resize(["A", "B", "C", "D"], 40),
        "depth": 2000.0 + np.arange(40) / 2,
        "GR": gamma,
        "RHOB": density,
        "rock": np.where(gamma + rng.normal(0, 10, 40) > 60, "shale", "sand"),
    })  # fmt: skip


@pytest.fixture
def wells():
    """Return a table of 40 samples in four wells."""
    return draw_wells()
