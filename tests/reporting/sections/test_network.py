import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

from bayesgeo.reporting.facts import gather

from ..reading import read
from ..samples import MCLMC, Evidences, as_network


@pytest.mark.slow
def test_a_network_is_shown_by_what_it_says_of_rows(regression: Evidences, tmp_path: Path) -> None:
    page = read(regression | {"network": as_network(regression["ridge"])}, tmp_path)
    facts = json.loads((tmp_path / "report.json").read_text())
    network = next(model for model in facts["models"] if model["name"] == "network")
    assert network["network"]["parameters"] == 6
    assert np.argmin(network["network"]["by_chain"]["chains"]) == 3
    assert [quantity["variable"] for quantity in network["posterior"]] == ["scale_0", "relevance", "relevance"]
    assert "A network has no coefficients to read. Its 6 weights are not identifiable" in page.text
    assert "1 of the chains lay far below the others" in page.text
    drawn = page.values("aria-label")
    assert any("of 4 chains over 1500 steps" in label and "All together: " in label for label in drawn)
    assert any(
        "log score on 60 rows" in label and "all draws together" in label and "chain 3" in label for label in drawn
    )


@pytest.mark.slow
def test_disagreement_of_the_chains_of_a_network_is_told_and_not_judged(binary: Evidences, tmp_path: Path) -> None:
    page = read(binary | {"network": as_network(binary["logistic"])}, tmp_path)
    assert "not applicable" in page.parts
    assert "1.40" in page.parts
    assert "The posterior of network is doubtful" in page.text
    assert "Not passed: warmup_growth 0.300 (wanted <= 0.02)" in page.text
    assert "chains_agree 1.4" not in page.text


def network_facts(evidence: xr.DataTree) -> dict[str, Any]:
    return gather({"network": evidence})["models"][0]


@pytest.mark.slow
def test_relevances_are_those_of_the_chains_that_learned_them(regression: Evidences, tmp_path: Path) -> None:
    tree = as_network(regression["ridge"])
    page, model = read({"network": tree}, tmp_path), network_facts(tree)
    assert model["network"]["relevances"] == {"learned": 3, "one": 1}
    means = {item["feature"]: item["mean"] for item in model["posterior"] if item["variable"] == "relevance"}
    learned = tree["posterior"]["relevance"].isel(chain=slice(3)).mean(("chain", "draw"))
    assert means == pytest.approx({"log10_ps": float(learned[0]), "magnitude": float(learned[1])})
    assert page.parts.count("relevance") == 2
    assert "The relevances of inputs are learned in 3 of 4 chains. The others keep them at one" in page.text


@pytest.mark.slow
def test_relevances_that_no_chain_learned_have_no_row(regression: Evidences, tmp_path: Path) -> None:
    tree = as_network(regression["ridge"])
    tree["posterior"]["relevance"] = tree["posterior"]["relevance"] * 0.0 + 1.0
    page = read({"network": tree}, tmp_path)
    assert "All relevances of inputs are one: chains that learned them predicted" in page.text
    assert [item["variable"] for item in network_facts(tree)["posterior"]] == ["scale_0"]
    tree["posterior"] = xr.DataTree(tree["posterior"].to_dataset().drop_vars("relevance"))
    assert network_facts(tree)["network"]["relevances"] is None
    assert "elevances of inputs" not in read({"network": tree}, tmp_path).text


@pytest.mark.slow
@pytest.mark.parametrize("power", [0.1, 1.0])
def test_a_power_of_the_likelihood_below_one_is_told(binary: Evidences, tmp_path: Path, power: float) -> None:
    tree = as_network(binary["logistic"])
    tree.attrs["inference"] = json.dumps(json.loads(MCLMC) | {"likelihood_power": power})
    page = read({"network": tree}, tmp_path)
    told = "Generalised Bayes: the likelihood is raised to the power 0.1, so that each row counts as 0.1 of one."
    assert (told in page.text) == (power < 1)
    assert ("Generalised Bayes" in page.text) == (power < 1)
    assert network_facts(tree)["network"]["power"] == power


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["binary", "regression"])
def test_functions_of_the_prior_stand_beside_the_posterior(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    tree = as_network(request.getfixturevalue(kind)["ridge" if kind == "regression" else "logistic"])
    page, curves = read({"network": tree}, tmp_path), network_facts(tree)["network"]["curves"]
    group = tree["function_curves"].to_dataset()
    assert [along["feature"] for along in curves["along"]] == ["log10_ps", "magnitude"]
    for name in ("mean", "low", "high"):
        np.testing.assert_allclose([along[name] for along in curves["along"]], group[name], rtol=1e-4)
    drawn = [along["prior"] for along in curves["along"]]
    np.testing.assert_allclose(drawn, group["prior"].transpose("feature", "curve", "point"), rtol=1e-4)
    of, label = ("Expected event", "event (km)") if kind == "regression" else ("Probability of class 1", "P(class 1)")
    assert f"{of} along the 2 of 7 inputs that move it most, all others at their median; each" in page.text
    assert "20 functions drawn from the prior" in page.text
    ends = "−16 and 17 km" if kind == "regression" else "0.00 and 1.00"
    assert f"functions between {ends} where all inputs are at their median" in page.text
    said = [text for text in page.values("aria-label") if text.startswith(f"{label} along ")]
    told = "posterior mean 0.300 at −2 to 0.700 at 2, 90\u00a0% band at most 0.200 wide; 20 functions of the prior"
    assert len(said) == 2
    assert all(told in text for text in said)


def test_without_curves_nothing_is_said_of_functions(regression: Evidences) -> None:
    tree = as_network(regression["ridge"])
    del tree["function_curves"]
    assert network_facts(tree)["network"]["curves"] is None
