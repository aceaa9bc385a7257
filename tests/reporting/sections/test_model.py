from pathlib import Path

import pytest

from bayesgeo.models.specification import Specification
from bayesgeo.reporting.sections.model import specification

from ..reading import facts_of, read
from ..samples import BARE, Evidences, stating


@pytest.mark.slow
def test_the_formula_priors_and_graph_are_those_that_the_model_states(regression: Evidences, tmp_path: Path) -> None:
    page = read({"linear": regression["bayesian_linear"]}, tmp_path)
    assert {"yᵢ ~ Normal(α + xᵢᵀβ, σ²)", "Normal(0, (10σ)²)", "Laplace(0, 0.5σ)", "Wide."} <= set(page.parts)
    assert any("y depends on α + xᵀβ, σ², ν" in label for label in page.values("aria-label"))
    assert facts_of(tmp_path)["models"][0]["specification"]["scale"] == "features and target standardised"


@pytest.mark.slow
def test_a_model_without_priors_has_no_specification(regression: Evidences, tmp_path: Path) -> None:
    tree = regression["bayesian_linear"]
    for spec in (BARE, Specification("least squares")):
        assert specification(stating(tree, spec)) is None
    page = read({"linear": stating(tree, BARE)}, tmp_path)
    assert "The report has no formula for BayesianLinearRegression" in page.text


@pytest.mark.slow
def test_evidence_that_states_nothing_has_no_specification(regression: Evidences) -> None:
    tree = regression["ridge"].copy(deep=True)
    tree.attrs.pop("specification", None)
    assert specification(tree) is None
    tree.attrs["specification"] = "null"
    assert specification(tree) is None
