from pathlib import Path

import pytest

from ..reading import facts_of, read
from ..samples import Evidences


@pytest.mark.slow
def test_what_predictions_are_worth_is_drawn_and_told(binary: Evidences, tmp_path: Path) -> None:
    page = read(binary, tmp_path)
    drawn = page.values("aria-label")
    assert sum(label.startswith("Observed frequency by predicted probability") for label in drawn) == len(binary)
    assert any(label.startswith("relative economic value by cost / loss: ") for label in drawn)
    assert any(label.startswith("error rate by share of rows kept: ") for label in drawn)
    calibration = binary["logistic"]["calibration"].to_dataset().sel(score="brier_score")
    p = float(calibration["p_calibrated"])
    rho = calibration.attrs["correlation"]
    assert f"chance (p = {p:.3f}; correlation of outcomes of one site {rho:.2f})" in page.text
    assert "The band lets outcomes of one site go together as far as those observed may." in page.text
    assert f"{float(calibration['miscalibration']):.4f}" in page.parts


def test_evidence_without_what_predictions_are_worth_is_reported_too(binary: Evidences, tmp_path: Path) -> None:
    tree = binary["logistic"].copy(deep=True)
    for name in ("calibration", "selective", "decision"):
        del tree[name]
    page = read({"logistic": tree}, tmp_path)
    assert "relative economic value" not in " ".join(page.values("aria-label"))


@pytest.mark.slow
def test_the_posterior_of_a_score_of_ranks_is_drawn_and_called_one(binary: Evidences, tmp_path: Path) -> None:
    page = read(binary, tmp_path)
    assert "Posterior of the ROC area for these rows: a stroke for each draw" in page.text
    ranking = {model["name"]: model["ranking"] for model in facts_of(tmp_path)["models"]}
    assert len(ranking["bayesian"]["roc_auc"]) == 50
    assert ranking["logistic"] is None
    assert sum(label.startswith("ROC area: bayesian") for label in page.values("aria-label")) == 1
