"""Peak accelerations that are drawn with effects of their sites."""

import numpy as np
import pandas as pd

from bayesgeo.datasets.assembly import assemble
from bayesgeo.datasets.base import Column, Dataset

TITLE = "150 drawn peak accelerations at 15 sites"
COLUMNS = (Column("magnitude"), Column("log_distance", "log10 km"))


def load() -> Dataset:
    """Draw the data set; the same numbers every time."""
    rng = np.random.default_rng(11)
    frame = pd.DataFrame({"magnitude": rng.uniform(4, 7, 150), "log_distance": rng.uniform(0.5, 2.2, 150)}).round(4)
    site = np.arange(150) % 15
    effect = 0.3 * rng.normal(size=15)[site]
    log_pga = 0.8 * frame["magnitude"] - 1.5 * frame["log_distance"] + effect + 0.2 * rng.normal(size=150)
    return assemble(
        "drawn_shaking",
        frame,
        columns=COLUMNS,
        target=log_pga.round(4).rename("log_pga"),
        groups=pd.Series([f"S{k:02d}" for k in site], name="site"),
    )
