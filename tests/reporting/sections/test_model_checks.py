from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from bayesgeo.diagnostics.model import checks
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


@pytest.mark.parametrize("observed", [0.3, 0.34, 0.36, 0.5], ids=str)
def test_a_statistic_lies_where_the_table_says_it_is_accepted_if_and_only_if_the_check_passed(
    binary: Evidences, observed: float
) -> None:
    tree = binary["bayesian"].copy(deep=True)
    # Outside its 90 % interval, which ends at .31, are the last three; four deviations reach .349.
    column = {"observed": observed, "median": 0.25, "low": 0.2, "high": 0.25 + 0.0247 * 1.6449, "below": 0.9}
    table = xr.Dataset({name: ("statistic", [value]) for name, value in column.items()})
    table = table.assign(margin=("statistic", [0.05])).assign_coords(statistic=["spread of shares between groups"])
    tree["posterior_predictive"] = xr.DataTree(table)
    (row,) = of_model(tree, ["quake", "blast"])["posterior_predictive"]
    (check,) = [check for check in checks(tree) if check.code == "posterior_predictive"]
    assert (row["accepted_low"] <= observed <= row["accepted_high"]) == (check.status == "passed")
    assert (check.status == "passed") == (observed < 0.25 + 4 * 0.0247)
    assert np.isclose(row["accepted_low"], 0.25 - 4 * 0.05 / 1.6449, atol=1e-4)
