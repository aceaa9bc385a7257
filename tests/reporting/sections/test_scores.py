import json
from dataclasses import replace
from pathlib import Path

import pytest
import xarray as xr

from bayesgeo import catalog
from bayesgeo.reporting import report
from bayesgeo.reporting.sections import scores

from ..reading import read
from ..samples import Evidences


@pytest.mark.slow
def test_optimism_is_how_much_closer_to_its_nominal_a_coverage_seems(regression: Evidences, tmp_path: Path) -> None:
    report(regression, tmp_path)
    facts = json.loads((tmp_path / "report.json").read_text())
    metric = facts["models"][0]["metrics"]["coverage_90"]
    assert metric["optimism"] == pytest.approx(abs(metric["same_rows"] - 0.9) - abs(metric["random_rows"] - 0.9))


@pytest.mark.slow
def test_optimism_gap_and_distance_to_the_exact_posterior_are_printed(binary: Evidences, tmp_path: Path) -> None:
    page = read(binary, tmp_path)
    facts = json.loads((tmp_path / "report.json").read_text())
    metric = facts["models"][0]["metrics"]["log_loss"]
    assert metric["optimism"] == pytest.approx(metric["same_rows"] - metric["random_rows"])
    assert "Optimism gap: with a random split logistic would claim" in page.text
    assert "mean |p - p_exact| is 0." in page.text
    assert f"its own log loss is {facts['dataset']['exact']['log_loss']:.4f}" in page.text


@pytest.mark.slow
def test_a_gap_that_was_not_asked_for_is_not_named(binary: Evidences, tmp_path: Path) -> None:
    tree = binary["logistic"].copy(deep=True)
    tree["metrics"] = xr.DataTree(tree["metrics"].to_dataset().drop_vars("random_rows"))
    assert "Optimism gap" not in read({"logistic": tree}, tmp_path).text


@pytest.mark.slow
def test_the_widest_optimism_gap_is_named_even_if_another_model_is_best(binary: Evidences, tmp_path: Path) -> None:
    tree = binary["bayesian"].copy(deep=True)
    metrics = tree["metrics"].to_dataset()
    better = xr.where(metrics["metric"] == "log_score", -0.01, metrics["random_rows"])
    tree["metrics"] = xr.DataTree(metrics.assign(random_rows=better, log_score_by_row=metrics["log_score_by_row"] - 1))
    page = read({"logistic": binary["logistic"], "bayesian": tree}, tmp_path)
    assert "The gap is widest for bayesian: " in page.text


@pytest.mark.slow
def test_a_page_without_an_interval_says_so(binary: Evidences, tmp_path: Path) -> None:
    tree = binary["logistic"].copy(deep=True)
    metrics = tree["metrics"].to_dataset()
    tree["metrics"] = xr.DataTree(
        metrics.assign(low=metrics["low"] * float("nan"), high=metrics["high"] * float("nan"))
    )
    assert "not computed" in read({"logistic": tree}, tmp_path).text


@pytest.mark.slow
def test_members_of_an_ensemble_make_no_posterior_interval(binary: Evidences, tmp_path: Path) -> None:
    tree = binary["logistic"].copy(deep=True)
    metrics = tree["metrics"].to_dataset()
    tree["metrics"] = xr.DataTree(metrics.assign(posterior_low=metrics["low"], confusion_low=metrics["confusion"]))
    report({"ensemble": tree}, tmp_path)
    (model,) = json.loads((tmp_path / "report.json").read_text())["models"]
    assert "posterior_low" not in model["metrics"]["accuracy"]
    assert model["confusion"]["low"] is None


@pytest.mark.slow
def test_several_classes_are_reported(multiclass: Evidences, tmp_path: Path) -> None:
    page = read(multiclass, tmp_path)
    assert "precision, recall and F1 are averages over the classes" in page.text
    assert {"class 0", "class 1", "class 2"} <= set(page.parts)


def test_a_metric_states_its_column_and_title(monkeypatch: pytest.MonkeyPatch) -> None:
    known = catalog.metrics("regression")
    extra = replace(known["mae"], name="foreign", title="Foreign score", column=2, best=0.5)
    monkeypatch.setattr(catalog, "metrics", lambda task: known | {"foreign": extra})
    assert scores.column_names("regression") == ["log_score", "foreign", "rmse", "crps", "coverage_90"]
    assert scores.metric_name("foreign", "regression") == "Foreign score"
    assert scores.better("foreign", "regression") == "closer to 0.5 is better"
    assert scores.metric_name("of_an_older_run", "regression") == "of an older run"
