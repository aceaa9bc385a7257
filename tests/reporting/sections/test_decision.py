import json
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from bayesgeo._check import InvalidInput
from bayesgeo.datasets.audit import Finding
from bayesgeo.reporting import report
from bayesgeo.reporting.sections.errors import errors, errors_reason

from ..reading import facts_of, read
from ..samples import Evidences, as_bayesian, as_network, evidences, table


def described(labels: list[str]) -> xr.DataTree:
    return xr.DataTree(xr.Dataset(attrs={"dataset_description": json.dumps({"labels": dict.fromkeys(labels, 1)})}))


@pytest.mark.slow
def test_models_that_predict_alike_are_not_called_different(binary: Evidences, tmp_path: Path) -> None:
    page = read(binary, tmp_path)
    assert "There is no detectable difference between it and bayesian" in page.text
    assert "logistic is better than majority by" in page.text


@pytest.mark.slow
def test_a_failed_posterior_cannot_be_overlooked(failed: Evidences, tmp_path: Path) -> None:
    page = read(failed, tmp_path)
    facts = json.loads((tmp_path / "report.json").read_text())
    assert facts["verdict"] == "failed"
    assert facts["decision"]["level"] == "stop"
    assert page.text.count("Do not use bayesian") >= 2
    assert ("section", "banner stop") in [(tag, attrs.get("class")) for tag, attrs in page.tags]
    assert "rhat" in facts["decision"]["reasons"][0]["text"]


@pytest.mark.slow
def test_a_posterior_of_broken_draws_is_reported_as_failed(binary: Evidences, tmp_path: Path) -> None:
    tree = as_bayesian(binary["logistic"], chains_apart=float("nan"))
    page = read(binary | {"bayesian": tree}, tmp_path)
    assert "Do not use bayesian" in page.text
    assert "not computed" in page.text
    assert " nan" not in page.text


@pytest.mark.slow
def test_a_sound_posterior_that_beats_the_baseline_may_be_used(binary: Evidences, tmp_path: Path) -> None:
    report(binary, tmp_path)
    decision = json.loads((tmp_path / "report.json").read_text())["decision"]
    assert decision["level"] == "ok"
    assert decision["title"].startswith("OK to use")


@pytest.mark.slow
def test_a_model_without_a_baseline_is_to_be_used_with_care(binary: Evidences, tmp_path: Path) -> None:
    page = read({"bayesian": binary["bayesian"]}, tmp_path)
    assert "Use with care: bayesian" in page.text
    assert "Only bayesian was scored" in page.text
    assert "there is nothing to compare" in page.text


@pytest.mark.slow
def test_where_nothing_beats_the_baseline_nothing_is_to_be_used(binary: Evidences, tmp_path: Path) -> None:
    page = read({"majority": binary["majority"]}, tmp_path)
    assert "Do not use: nothing here predicts the target" in page.text
    assert "no model beats majority, which ignores them" in page.text
    as_good = binary["majority"].copy(deep=True)
    as_good.attrs["kind"] = "deterministic"
    page = read({"majority": binary["majority"], "copy": as_good}, tmp_path)
    assert facts_of(tmp_path)["decision"]["level"] == "stop"
    assert "The features do not help: no model" in page.text


@pytest.mark.slow
def test_few_groups_are_told_to_be_too_few(tmp_path: Path) -> None:
    scored = evidences(table(rows=60, groups=3), "majority", "logistic")
    page = read(scored, tmp_path)
    assert "Do not use: nothing here predicts the target, as far as 3 whole groups (site) can tell" in page.text
    assert "3 whole groups (site) are too few to show that they do, it takes 7" in page.text
    assert "Whether logistic is better than majority cannot be told from 3 groups, too few" in page.text


@pytest.mark.slow
def test_the_errors_of_a_decision_are_named_at_the_usual_threshold_and_at_the_users(tmp_path: Path) -> None:
    scored = evidences(table(event_share=0.1), "majority", "logistic")
    page = read(scored, tmp_path, cost_ratio=0.2)
    usual, own = facts_of(tmp_path)["models"][0]["errors"]["events"]
    predictions, y = (scored["logistic"][name].to_dataset() for name in ("predictions", "observed_data"))
    acts, event = predictions["probability"].values[:, 1] >= 0.2, y["y"].values == 1
    assert (usual["threshold"], own["threshold"]) == (0.5, 0.2)
    assert own["recall"] == acts[event].mean() > usual["recall"]
    assert own["false_alarms"] == acts[~event].mean()
    assert "At your cost ratio 0.2, acting from that probability on, it finds" in page.text


@pytest.mark.slow
def test_a_decision_that_misses_most_of_a_rare_class_is_not_called_ok(binary: Evidences, tmp_path: Path) -> None:
    timid = binary["logistic"].copy(deep=True)
    metrics = timid["metrics"].to_dataset()
    metrics["confusion"].values[1] = metrics["confusion"].values[1].sum() * np.array([0.7, 0.3])
    timid["metrics"] = xr.DataTree(metrics)
    page = read({"majority": binary["majority"], "logistic": timid}, tmp_path)
    assert "Use with care: logistic" in page.text
    assert "logistic misses most of class 1" in page.text


@pytest.mark.parametrize("ratio", [0.0, 1.0, float("nan"), -3.0])
def test_a_cost_ratio_outside_0_to_1_is_refused(ratio: float) -> None:
    with pytest.raises(InvalidInput, match=r"Invalid cost_ratio .* Give a number between 0 and 1"):
        errors(described(["no", "yes"]), ratio)


def test_a_cost_ratio_is_for_two_classes() -> None:
    with pytest.raises(InvalidInput, match=r"Invalid cost_ratio 0\.1\. There are 3 classes"):
        errors(described(["a", "b", "c"]), 0.1)


def test_many_classes_of_which_most_are_missed_are_named_worst_first() -> None:
    parts = zip("abc", (10, 20, 30), (0.4, 0.1, 0.9), strict=True)
    classes = [{"label": label, "rows": n, "share": n / 60, "recall": recall} for label, n, recall in parts]
    level, text = errors_reason({"name": "mlp", "errors": {"classes": classes, "events": []}}) or ("", "")
    assert level == "care"
    assert "misses most of 2 of 3 classes: it finds of b 10\xa0% (of 20 rows) and a 40\xa0% (of 10 rows)." in text


@pytest.mark.slow
def test_findings_of_the_audit_weigh_on_the_decision(binary: Evidences, tmp_path: Path) -> None:
    note = Finding("imbalance", "note", "One class is rare.")
    leak = {"code": "copied-target", "level": "refuse", "message": "Column answer is the target."}
    page = read(binary, tmp_path, findings=[note, leak])
    assert "Do not use these scores" in page.text
    assert "copied-target: Column answer is the target." in page.text
    assert "imbalance" in page.text


@pytest.mark.slow
def test_doubts_about_another_model_say_nothing_against_the_best(binary: Evidences, tmp_path: Path) -> None:
    page = read({"logistic": binary["logistic"], "majority": binary["majority"]}, tmp_path)
    assert "OK to use: logistic" in page.parts
    worse = as_network(binary["majority"])
    page = read({"logistic": binary["logistic"], "majority": binary["majority"], "network": worse}, tmp_path)
    assert "OK to use: logistic. With care: network" in page.parts
