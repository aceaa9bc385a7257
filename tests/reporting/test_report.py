import csv
import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pandas as pd
import pytest
import xarray as xr

from bayesgeo._check import InvalidInput
from bayesgeo.datasets.audit import Finding
from bayesgeo.reporting import report
from bayesgeo.reporting.facts import gather
from bayesgeo.reporting.guidelines import ITEMS
from bayesgeo.reporting.numbers import DASH, clean, number
from bayesgeo.reporting.of_model import of_model
from bayesgeo.reporting.page import render
from bayesgeo.reporting.places import places

from .hostile import poisoned
from .reading import Page
from .samples import Evidences, as_bayesian, as_network, as_trained, evidences, table, with_seeds

HOSTILE = "<img src=x onerror=alert(1)>\"'&$x_1$ \u202e\x07 #010205 http://a.example"


def read(scored: Evidences, out: Path, **options: object) -> Page:
    return Page(report(scored, out, **options).read_text(encoding="utf-8"))


def test_report_json_has_every_key_of_its_schema(binary: Evidences, tmp_path: Path) -> None:
    report(binary, tmp_path)
    facts = json.loads((tmp_path / "report.json").read_text())
    assert {"schema_version", "dataset", "verdict", "models", "comparisons", "decision"} <= set(facts)
    assert {"name", "rows", "sha256", "group", "split"} <= set(facts["dataset"])
    for model in facts["models"]:
        assert {"name", "kind", "metrics", "diagnostics", "seconds"} <= set(model)
        assert set(model["seconds"]) == {"compile", "fit", "predict"}
        assert set(model["diagnostics"]) == {"verdict", "checks"}
        assert {"log_loss", "brier_score", "accuracy", "precision", "recall", "f1"} <= set(model["metrics"])
        assert all({"value", "low", "high", "prob"} <= set(metric) for metric in model["metrics"].values())


def test_metrics_csv_has_one_row_for_each_model_and_metric(binary: Evidences, tmp_path: Path) -> None:
    report(binary, tmp_path)
    scores = pd.read_csv(tmp_path / "metrics.csv")
    assert len(scores) == 3 * binary["logistic"]["metrics"].sizes["metric"]
    assert not scores.duplicated(["model", "metric"]).any()
    assert {"value", "low", "high", "prob", "resampled", "random_rows"} <= set(scores.columns)


@pytest.mark.parametrize("name", ["=1+1", "+cmd|x", "-2+3", "@sum(a)", "\tx", "\r=x", " =1", "\uff1d1"])
def test_metrics_csv_holds_no_formula(binary: Evidences, tmp_path: Path, name: str) -> None:
    report({name: binary["logistic"]}, tmp_path)
    with (tmp_path / "metrics.csv").open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    assert {row["model"] for row in rows} == {"'" + name.replace("\r", " ")}
    assert all(float(row["value"]) <= 0 for row in rows if row["metric"] == "log_score")


def test_a_name_that_is_a_number_stays_one(binary: Evidences, tmp_path: Path) -> None:
    report({"-1": binary["logistic"]}, tmp_path)
    assert set(pd.read_csv(tmp_path / "metrics.csv")["model"]) == {-1}


@pytest.mark.parametrize("kind", ["binary", "failed", "multiclass", "regression"])
def test_report_json_follows_its_published_schema(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    scored = request.getfixturevalue(kind)
    first = next(iter(scored.values()))
    scored = scored | {"network": as_network(first), "trained": with_seeds(as_trained(first))}
    reproduce = {"command": "c", "versions": {"python": "3.12"}, "seed": 0, "platform": Path("somewhere")}
    report(scored, tmp_path, reproduce=reproduce, findings=[Finding("imbalance", "note", "One class is rare.")])
    facts = json.loads((tmp_path / "report.json").read_text())
    schema = json.loads((files("bayesgeo.reporting") / "report.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.Draft202012Validator(schema).validate(facts)
    assert facts == json.loads(json.dumps(facts))
    for broken, says in (("more", 1), "Additional"), (("verdict", "fine"), "'fine'"), (("models", []), "non-empty"):
        with pytest.raises(jsonschema.ValidationError, match=says):
            jsonschema.Draft202012Validator(schema).validate(facts | dict([broken]))


def test_a_notebook_shows_the_page_in_a_frame_that_can_do_nothing(binary: Evidences, tmp_path: Path) -> None:
    written = report({"<script>x</script>": binary["logistic"]}, tmp_path)
    ((tag, attrs),) = Page(written._repr_html_()).tags
    assert (tag, attrs["sandbox"]) == ("iframe", "")
    assert attrs["srcdoc"] == written.read_text(encoding="utf-8")


def test_a_prior_that_the_report_does_not_know_is_named(regression: Evidences, tmp_path: Path) -> None:
    tree = regression["bayesian_linear"].copy(deep=True)
    tree.attrs["parameters"] = json.dumps({"prior": "spike", "prior_scale": 0.5})
    assert {"spike, scale 0.5σ", "Chosen by the caller."} <= set(read({"linear": tree}, tmp_path).parts)


def test_a_page_made_from_its_json_is_the_same_page(binary: Evidences, tmp_path: Path) -> None:
    page = report(binary, tmp_path, reproduce={"command": "c"})
    assert render(json.loads((tmp_path / "report.json").read_text())) == page.read_text(encoding="utf-8")


def test_the_sections_stand_in_the_order_of_their_weight(binary: Evidences, tmp_path: Path) -> None:
    page = read(binary, tmp_path)
    sections = [attrs["id"] for tag, attrs in page.tags if tag == "section" and "id" in attrs]
    assert sections == [
        *("decision", "data", "model", "computation", "posterior", "checks", "sensitivity", "predictions"),
        *("comparison", "reproduce", "guidelines", "limits"),
    ]
    assert page.text.index("OK to use") < page.text.index("Scores, best log score first")


def test_every_item_of_the_guidelines_is_answered_or_says_why_not(binary: Evidences, tmp_path: Path) -> None:
    page = read(binary, tmp_path, reproduce={"command": "bayesgeo compare"})
    items = json.loads((tmp_path / "report.json").read_text())["guidelines"]
    sizes = {step: sum(item["code"][0] == step for item in items) for step in "P123456"}
    assert sizes == {"P": 2, "1": 5, "2": 4, "3": 3, "4": 5, "5": 5, "6": 6}
    assert all(item["answer"] for item in items)
    targets = set(page.values("id"))
    assert all(item["section"] in targets for item in items if item["status"] in ("reported", "in part"))


def guideline(scored: Evidences, out: Path, code: str, **options: object) -> str:
    report(scored, out, **options)
    items = json.loads((out / "report.json").read_text())["guidelines"]
    return next(item["status"] for item in items if item["code"] == code)


def test_the_guidelines_follow_what_the_evidence_holds(regression: Evidences, tmp_path: Path) -> None:
    linear = regression["bayesian_linear"].copy(deep=True)
    for name in {"prior_predictive", "sensitivity"} & set(linear.children):
        del linear[name]
    assert guideline({"linear": linear}, tmp_path, "1C") == "reported"
    assert guideline({"linear": linear}, tmp_path, "2D") == "reported"  # a closed form is not MCMC
    assert guideline({"linear": linear}, tmp_path, "6E") == "not reported"
    assert guideline({"linear": linear}, tmp_path, "6E", reproduce={"command": "c"}) == "reported"
    assert guideline({"linear": linear}, tmp_path, "5C") == "not reported"
    more = linear.copy(deep=True)
    drawn = {name: ("statistic", [0.1]) for name in ("observed", "median", "low", "high")}
    more["prior_predictive"] = xr.DataTree(xr.Dataset(drawn, {"statistic": ["mean"]}))
    moved = {"prior": ("variable", [0.01]), "likelihood": ("variable", [0.1])}
    more["sensitivity"] = xr.DataTree(xr.Dataset(moved, {"variable": ["constant"]}))
    assert guideline({"linear": more}, tmp_path, "5C") == "reported"
    assert guideline({"linear": linear}, tmp_path, "1E") == "not reported"
    assert guideline({"linear": more}, tmp_path, "1E") == "reported"
    assert guideline({"linear": more, "again": linear}, tmp_path, "1E") == "in part"
    assert guideline({"ridge": regression["ridge"]}, tmp_path, "1C") == "not applicable"


def test_the_prior_in_the_report_is_that_of_the_model(regression: Evidences, tmp_path: Path) -> None:
    tree = regression["bayesian_linear"].copy(deep=True)
    assert "Normal(0, (10σ)²)" in read({"linear": tree}, tmp_path).parts
    tree.attrs["parameters"] = json.dumps({"prior": "laplace", "prior_scale": 0.5, "noise": "student-t"})
    page = read({"linear": tree}, tmp_path)
    assert {"Laplace(0, 0.5σ)", "Gamma(2, 0.1)"} <= set(page.parts)
    assert any("y depends on α + xᵀβ, σ², ν" in label for label in page.values("aria-label"))


def test_what_predictions_are_worth_is_drawn_and_told(binary: Evidences, tmp_path: Path) -> None:
    page = read(binary, tmp_path)
    drawn = page.values("aria-label")
    assert sum(label.startswith("Observed frequency by predicted probability") for label in drawn) == len(binary)
    assert any(label.startswith("relative economic value by cost / loss: ") for label in drawn)
    assert any(label.startswith("error rate by share of rows kept: ") for label in drawn)
    calibration = binary["logistic"]["calibration"].to_dataset().sel(score="brier_score")
    p = float(calibration["p_calibrated"])
    assert f"chance (p = {p:.3f})" in page.text
    assert f"{float(calibration['miscalibration']):.4f}" in page.parts


def test_evidence_without_what_predictions_are_worth_is_reported_too(binary: Evidences, tmp_path: Path) -> None:
    tree = binary["logistic"].copy(deep=True)
    for name in ("calibration", "selective", "decision"):
        del tree[name]
    page = read({"logistic": tree}, tmp_path)
    assert "relative economic value" not in " ".join(page.values("aria-label"))


def test_optimism_is_how_much_closer_to_its_nominal_a_coverage_seems(regression: Evidences, tmp_path: Path) -> None:
    report(regression, tmp_path)
    facts = json.loads((tmp_path / "report.json").read_text())
    metric = facts["models"][0]["metrics"]["coverage_90"]
    assert metric["optimism"] == pytest.approx(abs(metric["same_rows"] - 0.9) - abs(metric["random_rows"] - 0.9))


def test_the_second_opinion_stands_beside_the_first(binary: Evidences, tmp_path: Path) -> None:
    page = read(binary, tmp_path)
    first = json.loads((tmp_path / "report.json").read_text())["comparisons"][0]
    assert f"Over the {first['folds']} folds: " in page.text


def test_the_same_evidence_gives_the_same_bytes(binary: Evidences, tmp_path: Path) -> None:
    for folder in ("first", "second"):
        report(binary, tmp_path / folder, reproduce={"command": "bayesgeo compare", "versions": {"python": "3.12"}})
    for name in ("report.html", "report.json", "metrics.csv"):
        assert (tmp_path / "first" / name).read_bytes() == (tmp_path / "second" / name).read_bytes()


def test_page_needs_no_script_and_nothing_from_outside(binary: Evidences, tmp_path: Path) -> None:
    page = read(binary, tmp_path)
    assert not page.names & {"script", "iframe", "object", "embed", "link", "base", "form", "img"}
    assert not [name for _, attrs in page.tags for name in attrs if name.startswith("on")]
    assert all(link.startswith("#") for link in page.values("href", "src", "xlink:href", "srcset", "action"))
    (policy,) = [a["content"] for _, a in page.tags if a.get("http-equiv") == "Content-Security-Policy"]
    assert policy == "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
    html = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "://" not in html
    assert "@import" not in html


def test_identifiers_are_unique_and_references_to_them_hold(binary: Evidences, tmp_path: Path) -> None:
    page = read(binary, tmp_path)
    identifiers = page.values("id")
    assert len(identifiers) == len(set(identifiers))
    assert {link.removeprefix("#") for link in page.values("href", "xlink:href")} <= set(identifiers)
    assert set(page.values("aria-labelledby")) <= set(identifiers)


def test_every_figure_says_what_it_shows(binary: Evidences, tmp_path: Path) -> None:
    page = read(binary, tmp_path)
    drawn = [attrs for _, attrs in page.tags if attrs.get("role") == "img"]
    assert len(drawn) == sum(tag == "svg" for tag, _ in page.tags) > 0
    assert all(len(attrs["aria-label"]) > 20 for attrs in drawn)


def test_hostile_names_are_shown_and_do_nothing(tmp_path: Path) -> None:
    slots = ("name", "feature", "unit", "target", "label", "group", "row", "source")
    scored = evidences(table(**dict.fromkeys(slots, HOSTILE)), "majority", "logistic")
    named = {f"{HOSTILE} {name}": tree for name, tree in scored.items()}
    named[HOSTILE] = as_bayesian(scored["logistic"], label=HOSTILE)
    findings = [{"code": HOSTILE, "level": "note", "message": HOSTILE}]
    page = read(named, tmp_path, findings=findings, reproduce={HOSTILE: HOSTILE, "command": HOSTILE})
    assert not page.names & {"script", "img"}
    assert not [name for _, attrs in page.tags for name in attrs if name.startswith("on")]
    assert "<img src=x onerror=alert(1)>\"'&$x_1$ \\u202e\\x07 #010205" in page.text
    assert not {"\u202e", "\x07"} & set((tmp_path / "report.html").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    "name",
    [
        "m" * 300,
        "a/b\\..\\c",
        "発破 💥",
        "$x_1$ \\frac",
        "_hidden",
        "%s {0} {{ x }}",
        "a\x00b",
        "\u2066a\u2069 \u202eb",
        "\x1b[31m",
    ],
)
def test_odd_names_survive_in_every_slot(binary: Evidences, tmp_path: Path, name: str) -> None:
    facts = gather(binary, findings=[{"code": "c", "level": "warn", "message": "m"}], reproduce={"command": "c"})
    page = render(poisoned(facts, name))
    assert not [character for character in page if not (character.isprintable() or character in "\n\u00a0")]
    assert Page(page).text.count(clean(name)) > 100


def test_names_without_a_glyph_and_very_long_names_are_drawn(tmp_path: Path) -> None:
    scored = evidences(table(label="発破 💥", feature="m" * 300), "majority", "logistic")
    page = read({"地震" + "x" * 300: scored["logistic"], "majority": scored["majority"]}, tmp_path)
    assert "発破 💥 1" in page.text


def test_optimism_gap_and_distance_to_the_exact_posterior_are_printed(binary: Evidences, tmp_path: Path) -> None:
    page = read(binary, tmp_path)
    facts = json.loads((tmp_path / "report.json").read_text())
    metric = facts["models"][0]["metrics"]["log_loss"]
    assert metric["optimism"] == pytest.approx(metric["same_rows"] - metric["random_rows"])
    assert "Optimism gap: with a random split logistic would claim" in page.text
    assert "mean |p - p_exact| is 0." in page.text
    assert f"its own log loss is {facts['dataset']['exact']['log_loss']:.4f}" in page.text


def test_a_gap_that_was_not_asked_for_is_not_named(binary: Evidences, tmp_path: Path) -> None:
    tree = binary["logistic"].copy(deep=True)
    tree["metrics"] = xr.DataTree(tree["metrics"].to_dataset().drop_vars("random_rows"))
    assert "Optimism gap" not in read({"logistic": tree}, tmp_path).text


def test_models_that_predict_alike_are_not_called_different(binary: Evidences, tmp_path: Path) -> None:
    page = read(binary, tmp_path)
    assert "There is no detectable difference between it and bayesian" in page.text
    assert "logistic is better than majority by" in page.text


def test_a_failed_posterior_cannot_be_overlooked(failed: Evidences, tmp_path: Path) -> None:
    page = read(failed, tmp_path)
    facts = json.loads((tmp_path / "report.json").read_text())
    assert facts["verdict"] == "failed"
    assert facts["decision"]["level"] == "stop"
    assert page.text.count("Do not use bayesian") >= 2
    assert ("section", "banner stop") in [(tag, attrs.get("class")) for tag, attrs in page.tags]
    assert "rhat" in facts["decision"]["reasons"][0]["text"]


def test_a_posterior_of_broken_draws_is_reported_as_failed(binary: Evidences, tmp_path: Path) -> None:
    tree = as_bayesian(binary["logistic"], chains_apart=float("nan"))
    page = read(binary | {"bayesian": tree}, tmp_path)
    assert "Do not use bayesian" in page.text
    assert "not computed" in page.text
    assert " nan" not in page.text


def test_a_sound_posterior_that_beats_the_baseline_may_be_used(binary: Evidences, tmp_path: Path) -> None:
    report(binary, tmp_path)
    decision = json.loads((tmp_path / "report.json").read_text())["decision"]
    assert decision["level"] == "ok"
    assert decision["title"].startswith("OK to use")


def test_a_model_without_a_baseline_is_to_be_used_with_care(binary: Evidences, tmp_path: Path) -> None:
    page = read({"bayesian": binary["bayesian"]}, tmp_path)
    assert "Use with care: bayesian" in page.text
    assert "Only bayesian was scored" in page.text
    assert "there is nothing to compare" in page.text


def test_a_baseline_that_nothing_beats_calls_for_care(binary: Evidences, tmp_path: Path) -> None:
    page = read({"majority": binary["majority"]}, tmp_path)
    assert "No model beats majority" in page.text


def test_findings_of_the_audit_weigh_on_the_decision(binary: Evidences, tmp_path: Path) -> None:
    note = Finding("imbalance", "note", "One class is rare.")
    leak = {"code": "copied-target", "level": "refuse", "message": "Column answer is the target."}
    page = read(binary, tmp_path, findings=[note, leak])
    assert "Do not use these scores" in page.text
    assert "copied-target: Column answer is the target." in page.text
    assert "imbalance" in page.text


def test_several_classes_are_reported(multiclass: Evidences, tmp_path: Path) -> None:
    page = read(multiclass, tmp_path)
    assert "precision, recall and F1 are averages over the classes" in page.text
    assert {"class 0", "class 1", "class 2"} <= set(page.parts)


def test_regression_is_reported_with_its_coefficients_and_units(regression: Evidences, tmp_path: Path) -> None:
    page = read(regression, tmp_path)
    facts = json.loads((tmp_path / "report.json").read_text())
    model = next(model for model in facts["models"] if model["name"] == "bayesian_linear")
    assert {quantity["variable"] for quantity in model["posterior"]} == {"constant", "coefficient", "noise_sd"}
    assert {"RMSE", "CRPS", "90 % coverage"} <= set(page.parts)
    assert "event (km)" in page.text
    assert "Confusion" not in page.text
    assert "Predicted and observed" in page.text


def test_evidence_on_other_rows_is_refused(binary: Evidences, multiclass: Evidences, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="scored on other rows or folds"):
        report({"one": binary["logistic"], "other": multiclass["logistic"]}, tmp_path)


def test_nothing_to_report_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="nothing to compare"):
        report({}, tmp_path)


def test_the_widest_optimism_gap_is_named_even_if_another_model_is_best(binary: Evidences, tmp_path: Path) -> None:
    tree = binary["bayesian"].copy(deep=True)
    metrics = tree["metrics"].to_dataset()
    better = xr.where(metrics["metric"] == "log_score", -0.01, metrics["random_rows"])
    tree["metrics"] = xr.DataTree(metrics.assign(random_rows=better, log_score_by_row=metrics["log_score_by_row"] - 1))
    page = read({"logistic": binary["logistic"], "bayesian": tree}, tmp_path)
    assert "The gap is widest for bayesian: " in page.text


def test_a_page_without_an_interval_says_so(binary: Evidences, tmp_path: Path) -> None:
    tree = binary["logistic"].copy(deep=True)
    metrics = tree["metrics"].to_dataset()
    tree["metrics"] = xr.DataTree(
        metrics.assign(low=metrics["low"] * float("nan"), high=metrics["high"] * float("nan"))
    )
    assert "not computed" in read({"logistic": tree}, tmp_path).text


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


def test_disagreement_of_the_chains_of_a_network_is_told_and_not_judged(binary: Evidences, tmp_path: Path) -> None:
    page = read(binary | {"network": as_network(binary["logistic"])}, tmp_path)
    assert "not applicable" in page.parts
    assert "1.40" in page.parts
    assert "The posterior of network is doubtful" in page.text
    assert "Not passed: warmup_growth 0.300 (wanted <= 0.02)" in page.text
    assert "chains_agree 1.4" not in page.text


@pytest.mark.parametrize(
    ("inference", "named"),
    [
        ('{"inference": "ADVI", "rank": "full"}', "full Gaussian (ADVI)"),
        ('{"inference": "Laplace", "subset": "last layer"}', "Gaussian at a peak (Laplace), last layer"),
    ],
)
def test_an_approximation_is_called_one_wherever_its_model_is_judged(
    binary: Evidences, tmp_path: Path, inference: str, named: str
) -> None:
    page = read(binary | {"network": as_network(binary["logistic"], inference=inference)}, tmp_path)
    assert f"The approximation of the posterior of network, {named}, is doubtful" in page.text
    assert page.parts.count("approximation") == 2
    assert "of an approximation" in page.text
    assert "An approximation that passes its checks" in page.text
    assert "evidence lower bound" in "".join(page.values("aria-label"))


def test_doubts_about_another_model_say_nothing_against_the_best(binary: Evidences, tmp_path: Path) -> None:
    page = read({"logistic": binary["logistic"], "majority": binary["majority"]}, tmp_path)
    assert "OK to use: logistic" in page.parts
    worse = as_network(binary["majority"])
    page = read({"logistic": binary["logistic"], "majority": binary["majority"], "network": worse}, tmp_path)
    assert "OK to use: logistic. With care: network" in page.parts


def test_an_infinite_variance_is_a_dash_and_does_not_rank_rows(regression: Evidences, tmp_path: Path) -> None:
    tree = regression["bayesian_linear"].copy(deep=True)
    predictions = tree["predictions"].to_dataset()
    width = np.ones(predictions.sizes["obs"])
    width[7] = 9.0
    predictions["aleatoric"] = predictions["aleatoric"] * np.inf
    tree["predictions"] = xr.DataTree(predictions.assign(high=predictions["low"] + xr.DataArray(width, dims="obs")))
    page = read({"linear": tree, "mean": regression["mean"]}, tmp_path)
    facts = json.loads((tmp_path / "report.json").read_text())
    rows = next(model for model in facts["models"] if model["name"] == "linear")["rows"]["uncertain"]
    assert rows[0]["row"] == str(predictions["obs"].values[7])
    assert rows[0]["aleatoric"] is None
    assert page.parts.count(DASH) == 16


def test_members_of_an_ensemble_make_no_posterior_interval(binary: Evidences, tmp_path: Path) -> None:
    tree = binary["logistic"].copy(deep=True)
    metrics = tree["metrics"].to_dataset()
    tree["metrics"] = xr.DataTree(metrics.assign(posterior_low=metrics["low"], confusion_low=metrics["confusion"]))
    report({"ensemble": tree}, tmp_path)
    (model,) = json.loads((tmp_path / "report.json").read_text())["models"]
    assert "posterior_low" not in model["metrics"]["accuracy"]
    assert model["confusion"]["low"] is None


def facts_of(out: Path) -> dict[str, Any]:
    return json.loads((out / "report.json").read_text())


@pytest.mark.parametrize("status", ["passed", "issue", "tip", "not applicable", "skipped", "ignored"])
def test_the_status_of_a_check_is_shown_by_its_word_and_its_link_as_text(
    binary: Evidences, tmp_path: Path, status: str
) -> None:
    tree = binary["bayesian"].copy(deep=True)
    checks = tree["diagnostics"].to_dataset()
    n = checks.sizes["check"]
    checks = checks.assign(status=("check", [status] * n), link=("check", [f"docs/checks.md#{k}" for k in range(n)]))
    tree["diagnostics"] = xr.DataTree(checks)
    page = read({"bayesian": tree}, tmp_path)
    assert page.parts.count(status) >= n
    assert "docs/checks.md#0" in page.parts
    assert all(link.startswith("#") for link in page.values("href"))


def test_checks_without_a_link_are_reported_too(binary: Evidences, tmp_path: Path) -> None:
    tree = binary["bayesian"].copy(deep=True)
    tree["diagnostics"] = xr.DataTree(tree["diagnostics"].to_dataset().drop_vars("link", errors="ignore"))
    assert "rhat" in " ".join(read({"bayesian": tree}, tmp_path).parts)


def test_the_curves_of_a_network_are_drawn_thinned_and_told(binary: Evidences, tmp_path: Path) -> None:
    words = ("fits", "fits", "overfitting")
    page = read(binary | {"mlp": as_trained(binary["logistic"], words=words)}, tmp_path)
    model = next(model for model in facts_of(tmp_path)["models"] if model["name"] == "mlp")
    fits = model["training"]["fits"]
    assert [fit["word"] for fit in fits] == list(words)
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


def test_a_model_without_a_curve_shows_none(binary: Evidences, tmp_path: Path) -> None:
    assert "Training curves" not in read(binary, tmp_path).parts
    assert all(model["training"] is None for model in facts_of(tmp_path)["models"])


def test_rows_are_drawn_on_a_map_and_the_worst_are_named(binary: Evidences, tmp_path: Path) -> None:
    page = read({"logistic": binary["logistic"], "majority": binary["majority"]}, tmp_path)
    facts = facts_of(tmp_path)
    known, (shown, *_) = facts["dataset"]["places"], [model["map"] for model in facts["models"]]
    assert (known["known"], known["unknown"], len(known["x"])) == (119, 1, 119)
    assert known["aspect"] == pytest.approx(1 / np.cos(np.radians(60)), rel=0.02)
    tree = binary[facts["models"][0]["name"]]
    p, y = tree["predictions"]["probability"].values, tree["observed_data"]["y"].values
    placed = np.isfinite(tree["observed_data"]["longitude"].values)
    error = np.where(placed, 1 - p[np.arange(120), y], -1)
    assert shown["error"]["largest"][0]["row"] == str(tree["predictions"]["obs"].values[error.argmax()])
    np.testing.assert_allclose(shown["error"]["values"], error[placed], rtol=1e-4)
    drawn = [label for label in page.values("aria-label") if label.startswith("Map of ")]
    assert len(drawn) == 2
    assert all("longitude (°E)" in label and "latitude (°N)" in label for label in drawn)
    assert "119 of 119 rows with a place are drawn; rows without one: 1." in page.text


def test_at_most_2000_rows_are_drawn_at_random_and_the_page_says_so(multiclass: Evidences, tmp_path: Path) -> None:
    scored = evidences(table(rows=2400), "majority")
    page = read(scored, tmp_path)
    known = facts_of(tmp_path)["dataset"]["places"]
    assert len(known["x"]) == len(facts_of(tmp_path)["models"][0]["map"]["error"]["values"]) == 2000
    assert "2000 of 2399 rows with a place are drawn, chosen at random (seed 0)" in page.text
    assert (tmp_path / "report.html").stat().st_size < 3_000_000


def test_kilometres_replace_many_metres_and_degrees_go_on_over_the_date_line(binary: Evidences) -> None:
    tree = binary["logistic"].copy(deep=True)
    observed = tree["observed_data"].to_dataset()
    metres = observed.drop_vars(["longitude", "latitude"]).assign(
        easting=("obs", np.linspace(5e5, 6e5, 120), {"units": "m"}), northing=("obs", np.full(120, 4e6), {"units": "m"})
    )
    tree["observed_data"] = xr.DataTree(metres)
    found = places(tree)
    assert found is not None
    assert (found["axes"], found["units"], found["aspect"]) == (["easting", "northing"], ["km", "km"], 1.0)
    assert found["x"][-1] == pytest.approx(600.0)
    for unit in ("km", "ft", ""):
        for name in ("easting", "northing"):
            metres[name].attrs["units"] = unit
        tree["observed_data"] = xr.DataTree(metres)
        found = places(tree)
        assert found is not None
        assert found["units"] == [unit, unit]
        assert found["x"][-1] == pytest.approx(6e5)
    west = np.where(np.arange(120) % 2, 179.0, -179.0)
    tree["observed_data"] = xr.DataTree(observed.assign(longitude=("obs", west)))
    found = places(tree)
    assert found is not None
    assert sorted(set(found["x"])) == [179.0, 181.0]


def test_rows_without_places_make_no_map(regression: Evidences, tmp_path: Path) -> None:
    tree = regression["ridge"].copy(deep=True)
    tree["observed_data"] = xr.DataTree(tree["observed_data"].to_dataset().drop_vars(["longitude", "latitude"]))
    assert "On the map" not in read({"ridge": tree}, tmp_path).parts
    assert facts_of(tmp_path)["dataset"]["places"] is None


def test_seeds_that_were_not_measured_are_said_to_be_so(binary: Evidences, tmp_path: Path) -> None:
    assert "Seed variance was not measured" in read(binary, tmp_path).text
    assert all(item["seed_sd"] is None for item in facts_of(tmp_path)["comparisons"])


def test_seeds_that_were_measured_widen_the_differences_and_are_told(binary: Evidences, tmp_path: Path) -> None:
    scored = {"logistic": with_seeds(binary["logistic"], sd=0.2), "majority": with_seeds(binary["majority"], sd=0.0)}
    page = read(scored, tmp_path)
    assert "Each fold was fitted under 3 seeds where the fit depends on one." in page.text
    assert "The interval holds what other seeds would change, sd 0.20." in page.text
    assert "0.20000" in page.parts
    (item,) = facts_of(tmp_path)["comparisons"]
    assert item["seed_sd"] == pytest.approx(0.2)
    assert item["high"] - item["low"] > 2 * 0.2 * 1.96
    assert "Not measured for bayesian" in read(scored | {"bayesian": binary["bayesian"]}, tmp_path).text


def test_another_preprocessing_is_named(binary: Evidences, tmp_path: Path) -> None:
    other = binary["majority"].copy(deep=True)
    other.attrs["preprocessing_sha256"] = "0" * 64
    page = read({"logistic": binary["logistic"], "majority": other}, tmp_path)
    assert "Other features or another preprocessing than logistic saw: majority." in page.text
    assert "The two saw other features or another preprocessing." in page.text
    assert "saw the same features, prepared alike" in read(binary, tmp_path).text


def test_the_posterior_of_a_score_of_ranks_is_drawn_and_called_one(binary: Evidences, tmp_path: Path) -> None:
    page = read(binary, tmp_path)
    assert "Posterior of the ROC area for these rows: a stroke for each draw" in page.text
    ranking = {model["name"]: model["ranking"] for model in facts_of(tmp_path)["models"]}
    assert len(ranking["bayesian"]["roc_auc"]) == 50
    assert ranking["logistic"] is None
    assert sum(label.startswith("ROC area: bayesian") for label in page.values("aria-label")) == 1


def test_every_item_of_the_guidelines_has_the_code_of_its_step() -> None:
    order = [code[0] for code in ITEMS]
    assert order == sorted(order, key="P123456".index)
    assert len({asks for asks, *_ in ITEMS.values()}) == len(ITEMS) == 30


def test_what_the_model_says_of_its_own_rows_is_reported(regression: Evidences, tmp_path: Path) -> None:
    page = read({"linear": regression["bayesian_linear"]}, tmp_path)
    found = facts_of(tmp_path)["models"][0]["of_model"]
    assert found["prior_predictive"]
    assert found["posterior_predictive"]
    assert found["sensitivity"]
    assert f"density (LOO) of the rows learnt from: {clean(str(number(found['loo']['elpd'], digits=4)))}" in page.text
    assert "Rows drawn from the model" in page.parts
    assert {"log_likelihood", "cdf"}.isdisjoint(regression["bayesian_linear"].children)


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


def test_the_prior_lies_behind_the_effects_where_it_is_known(regression: Evidences, tmp_path: Path) -> None:
    tree = regression["bayesian_linear"].copy()
    prior = tree["prior"].to_dataset()
    prior["weight"] = prior["weight"] * 0 + xr.DataArray(np.linspace(-5.0, 5.0, prior.sizes["draw"]), dims="draw")
    tree["prior"] = xr.DataTree(prior)
    facts = gather({"known": tree, "without": regression["ridge"]})
    (model,) = [model for model in facts["models"] if model["name"] == "known"]
    ends = [(effect["prior_low"], effect["prior_high"]) for effect in model["effects"]]
    np.testing.assert_allclose(ends, [(-4.5, 4.5)] * len(ends))
    pale = "Pale: as much of the prior"
    report({"known": tree}, tmp_path / "known")
    assert pale in (tmp_path / "known" / "report.html").read_text(encoding="utf-8")
    unknown = tree.copy()
    del unknown["prior"]
    report({"unknown": unknown}, tmp_path / "unknown")
    assert pale not in (tmp_path / "unknown" / "report.html").read_text(encoding="utf-8")
