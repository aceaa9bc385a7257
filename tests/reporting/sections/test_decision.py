import json
from pathlib import Path

import pytest

from bayesgeo.datasets.audit import Finding
from bayesgeo.reporting import report

from ..reading import read
from ..samples import Evidences, as_bayesian, as_network


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
def test_a_baseline_that_nothing_beats_calls_for_care(binary: Evidences, tmp_path: Path) -> None:
    page = read({"majority": binary["majority"]}, tmp_path)
    assert "No model beats majority" in page.text


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
