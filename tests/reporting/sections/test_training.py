from pathlib import Path

import pytest

from ..reading import facts_of, read
from ..samples import Evidences, as_trained


@pytest.mark.slow
def test_the_curves_of_a_network_are_drawn_thinned_and_told(binary: Evidences, tmp_path: Path) -> None:
    words = ("fits", "fits", "overfitting")
    page = read(binary | {"mlp": as_trained(binary["logistic"], words=words)}, tmp_path)
    model = next(model for model in facts_of(tmp_path)["models"] if model["name"] == "mlp")
    fits = model["training"]["fits"]
    assert [fit["verdict"] for fit in fits] == list(words)
    assert [len(fit["epoch"]) for fit in fits] == [150, 200, 200]
    assert (fits[1]["epoch"][0], fits[1]["epoch"][-1]) == (0, 299)
    assert (
        "Trained 3 times, for each fold and on every row: 2 without over- or underfitting, 1 overfitting." in page.text
    )
    (drawn,) = [label for label in page.values("aria-label") if label.startswith("Loss by epoch")]
    assert "fold 0: training" in drawn
    assert "every row: training" in drawn
    assert drawn.count("without over- or underfitting") == 2
    # The losses span more than a decade: the ticks of that axis are numbers too.
    assert "mathdefault" not in page.text
    assert {"0.1", "0.2", "0.5", "1"} <= set(page.parts)


@pytest.mark.slow
def test_a_model_without_a_curve_shows_none(binary: Evidences, tmp_path: Path) -> None:
    assert "Training curves" not in read(binary, tmp_path).parts
    assert all(model["training"] is None for model in facts_of(tmp_path)["models"])
