import json
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from bayesgeo.reporting.text import DASH

from ..reading import read
from ..samples import Evidences


@pytest.mark.slow
def test_an_infinite_variance_is_a_dash_and_does_not_rank_rows(regression: Evidences, tmp_path: Path) -> None:
    tree = regression["bayesian_linear"].copy(deep=True)
    predictions = tree["predictions"].to_dataset()
    width = np.ones(predictions.sizes["obs"])
    width[7] = 9.0
    predictions["aleatoric"] = predictions["aleatoric"] * np.inf
    tree["predictions"] = xr.DataTree(predictions.assign(high=predictions["low"] + xr.DataArray(width, dims="obs")))
    page = read({"linear": tree, "mean": regression["mean"]}, tmp_path)
    facts = json.loads((tmp_path / "report.json").read_text())
    rows = next(model for model in facts["models"] if model["name"] == "linear")["rows"]["uncertain"]
    assert rows[0]["row"] == str(predictions["obs"].values[7])
    assert rows[0]["aleatoric"] is None
    assert page.parts.count(DASH) == 16
