from pathlib import Path

import pytest
import xarray as xr

from bayesgeo.reporting.sections.model_checks import of_model
from bayesgeo.reporting.text import clean, number

from ..reading import facts_of, read
from ..samples import Evidences


@pytest.mark.slow
def test_what_the_model_says_of_its_own_rows_is_reported(regression: Evidences, tmp_path: Path) -> None:
    page = read({"linear": regression["bayesian_linear"]}, tmp_path)
    found = facts_of(tmp_path)["models"][0]["of_model"]
    assert found["prior_predictive"]
    assert found["posterior_predictive"]
    assert found["sensitivity"]
    assert f"density (LOO) of the rows learnt from: {clean(str(number(found['loo']['elpd'], digits=4)))}" in page.text
    assert "Rows drawn from the model" in page.parts
    assert {"log_likelihood", "cdf"}.isdisjoint(regression["bayesian_linear"].children)


@pytest.mark.slow
def test_shares_of_classes_are_named_and_weights_that_stand_there_as_coefficients_left_out(binary: Evidences) -> None:
    tree = binary["bayesian"].copy(deep=True)
    drawn = {name: ("statistic", [0.1, 0.2]) for name in ("observed", "median", "low", "high")}
    names = ["share of 1", "spread of shares between groups"]
    tree["prior_predictive"] = xr.DataTree(xr.Dataset(drawn, {"statistic": names}))
    variables = ["weight[a]", "coefficient[a]", "weight[b]"]
    tree["sensitivity"] = xr.DataTree(xr.Dataset({"prior": ("variable", [0.1] * 3)}, {"variable": variables}))
    found = of_model(tree, ["quake", "blast"])
    assert [row["statistic"] for row in found["prior_predictive"]] == ["share of blast", names[1]]
    assert [row["variable"] for row in found["sensitivity"]] == variables[1:]
    assert [row["likelihood"] for row in found["sensitivity"]] == [None, None]
