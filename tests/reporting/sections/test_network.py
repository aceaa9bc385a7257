import json
from pathlib import Path

import numpy as np
import pytest

from ..reading import read
from ..samples import Evidences, as_network


@pytest.mark.slow
def test_a_network_is_shown_by_what_it_says_of_rows(regression: Evidences, tmp_path: Path) -> None:
    page = read(regression | {"network": as_network(regression["ridge"])}, tmp_path)
    facts = json.loads((tmp_path / "report.json").read_text())
    network = next(model for model in facts["models"] if model["name"] == "network")
    assert network["network"]["parameters"] == 6
    assert np.argmin(network["network"]["by_chain"]["chains"]) == 3
    assert [quantity["variable"] for quantity in network["posterior"]] == ["scale_0"]
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
