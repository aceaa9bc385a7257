import json
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from bayesgeo.models.specification import Specification
from bayesgeo.reporting import report
from bayesgeo.reporting.facts import gather
from bayesgeo.reporting.sections.posterior import effects, quantities

from ..reading import facts_of, read
from ..samples import Evidences, stating


@pytest.mark.slow
def test_regression_is_reported_with_its_coefficients_and_units(regression: Evidences, tmp_path: Path) -> None:
    page = read(regression, tmp_path)
    facts = json.loads((tmp_path / "report.json").read_text())
    model = next(model for model in facts["models"] if model["name"] == "bayesian_linear")
    assert {quantity["variable"] for quantity in model["posterior"]} == {"constant", "coefficient", "noise_sd"}
    assert {"RMSE", "CRPS", "90 % coverage"} <= set(page.parts)
    assert "event (km)" in page.text
    assert "Confusion" not in page.text
    assert "Predicted and observed" in page.text


@pytest.mark.slow
def test_the_prior_lies_behind_the_effects_where_it_is_known(regression: Evidences, tmp_path: Path) -> None:
    tree = regression["bayesian_linear"].copy()
    prior = tree["prior"].to_dataset()
    prior["weight"] = prior["weight"] * 0 + xr.DataArray(np.linspace(-5.0, 5.0, prior.sizes["draw"]), dims="draw")
    tree["prior"] = xr.DataTree(prior)
    facts = gather({"known": tree, "without": regression["ridge"]})
    (model,) = [model for model in facts["models"] if model["name"] == "known"]
    ends = [(effect["prior_low"], effect["prior_high"]) for effect in model["effects"]]
    np.testing.assert_allclose(ends, [(-4.5, 4.5)] * len(ends))
    pale = "Pale: as much of the prior"
    report({"known": tree}, tmp_path / "known")
    assert pale in (tmp_path / "known" / "report.html").read_text(encoding="utf-8")
    unknown = tree.copy()
    del unknown["prior"]
    report({"unknown": unknown}, tmp_path / "unknown")
    assert pale not in (tmp_path / "unknown" / "report.html").read_text(encoding="utf-8")


@pytest.mark.slow
def test_a_variable_has_the_name_and_the_unit_that_its_model_states(regression: Evidences, tmp_path: Path) -> None:
    page = read({"linear": regression["bayesian_linear"]}, tmp_path)
    units = {item["variable"]: item["unit"] for item in facts_of(tmp_path)["models"][0]["posterior"]}
    assert units["noise_sd"] == "km"
    assert units["constant"] == ""
    assert "sd of the noise" in page.parts


@pytest.mark.slow
def test_elements_are_told_apart_by_every_coordinate(binary: Evidences, tmp_path: Path) -> None:
    tree = binary["bayesian"].copy(deep=True)
    draws = xr.DataArray(np.random.default_rng(0).normal(size=(4, 100, 2)), dims=("chain", "draw", "site"))
    tree["posterior"] = xr.DataTree(xr.Dataset({"offset": draws}, coords={"site": ["north", "south"]}))
    tree = stating(tree, Specification("", quantities=("offset",), effects="offset"))
    page = read({"sites": tree}, tmp_path)
    assert page.parts.count("offset") == 2
    assert {"north", "south"} <= set(page.parts)
    assert any("effect of one sd of the feature: " in label and "north" in label for label in page.values("aria-label"))


def test_a_model_that_states_nothing_has_no_summary(binary: Evidences) -> None:
    tree = stating(binary["bayesian"], Specification(""))
    assert quantities(tree) == effects(tree) == []
