import json
from dataclasses import replace
from pathlib import Path
from typing import Literal

import pytest
import xarray as xr

from bayesgeo.reporting import report
from bayesgeo.reporting.sections.guidelines import ITEMS

from ..reading import facts_of, read
from ..samples import LINE, Evidences, stating


@pytest.mark.slow
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


@pytest.mark.slow
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


def test_every_item_of_the_guidelines_has_the_code_of_its_step() -> None:
    order = [code[0] for code in ITEMS]
    assert order == sorted(order, key="P123456".index)
    assert len({asks for asks, *_ in ITEMS.values()}) == len(ITEMS) == 30


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "code"), [("broad", "5A"), ("informed", "5B"), ("default", "5C")])
def test_sensitivity_is_asked_for_the_kind_of_prior_that_a_model_states(
    regression: Evidences, tmp_path: Path, kind: Literal["broad", "informed", "default"], code: str
) -> None:
    scored = {"linear": stating(regression["bayesian_linear"], replace(LINE, prior_kind=kind))}
    found = {code: guideline(scored, tmp_path, code) for code in ("5A", "5B", "5C")}
    assert found.pop(code) == "reported"
    assert set(found.values()) == {"not applicable"}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "answer"),
    [
        ("exact", "Every posterior is of a closed form: nothing is approximated."),
        ("chains", "No posterior here is approximated."),
        ("unadjusted chains", "Approximate: linear by Foreign. Its checks stand there."),
        ("approximation", "Approximate: linear by Foreign. Its checks stand there."),
    ],
)
def test_the_accuracy_of_an_inference_follows_its_kind(
    regression: Evidences, tmp_path: Path, kind: str, answer: str
) -> None:
    tree = regression["bayesian_linear"].copy(deep=True)
    tree.attrs["inference"] = json.dumps({"inference": "Foreign", "kind": kind, "title": "foreign"})
    report({"linear": tree}, tmp_path)
    assert {"code": "2D", "answer": answer}.items() <= next(
        item for item in facts_of(tmp_path)["guidelines"] if item["code"] == "2D"
    ).items()
