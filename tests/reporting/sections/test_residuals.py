import json
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from bayesgeo.diagnostics import Check, Diagnosis
from bayesgeo.evaluation.evidence import diagnostics_group
from bayesgeo.reporting.facts import gather
from bayesgeo.reporting.sections.residuals import cluster_robust

from ..reading import read
from ..samples import Evidences


def alike(tree: xr.DataTree, by: str = "group") -> xr.DataTree:
    """Return Evidence whose errors are alike, a posterior's coefficients with cluster-robust deviations too."""
    tree = tree.copy(deep=True)
    table = tree["residuals"].to_dataset()
    at = table["by"] == by
    changed = {"value": 0.4, "p": 0.001, "design_effect": 4.6, "effective_rows": 26.0}
    table = table.assign({name: table[name].where(~at, value) for name, value in changed.items()})
    tree["residuals"] = xr.DataTree(table.assign(reason=table["reason"].where(~at, "")))
    codes = {"group": "residuals_by_group", "place": "residuals_by_place", "order": "residuals_in_order"}
    checks = tree["diagnostics"].to_dataset()
    status = np.where(checks["code"] == codes[by], "tip", checks["status"])
    tree["diagnostics"] = xr.DataTree(checks.assign(status=("check", status.astype(str))))
    if "cluster_robust" in tree.children:
        tree["cluster_robust"].attrs["believe"] = "cluster-robust" if by == "group" else "posterior"
    return tree


@pytest.mark.slow
def test_the_report_says_which_deviations_to_believe(regression: Evidences, tmp_path: Path) -> None:
    tree = regression["bayesian_linear"]
    page = read(regression | {"bayesian_linear": alike(tree)}, tmp_path)
    assert "Believe the cluster-robust standard deviations and intervals, corrected for 8 groups of site" in page.text
    assert "Of the coefficients of bayesian_linear believe the cluster-robust intervals" in page.text
    assert "120 rows count as about 26." in page.text
    assert {"cluster-robust sd", "Are the errors alike?", "within site"} <= set(page.parts)
    model = next(m for m in json.loads((tmp_path / "report.json").read_text())["models"] if m["cluster_robust"])
    known = tree["cluster_robust"].to_dataset()
    assert [row["sd"] for row in model["cluster_robust"]["coefficients"]] == known["sd"].values.tolist()
    page = read(regression, tmp_path / "sound")
    assert "Believe the posterior" in page.text
    assert "Errors of" not in page.text


@pytest.mark.slow
@pytest.mark.parametrize(("worse", "level"), [("best", "care"), ("second", "ok"), ("baseline", None)])
def test_alike_errors_call_for_care_where_the_best_model_makes_them(
    regression: Evidences, worse: str, level: str | None
) -> None:
    ranked = sorted(regression, key=lambda name: -float(regression[name]["metrics"]["log_score_by_row"].mean()))
    name = dict(zip(("best", "second", "baseline"), ranked, strict=True))[worse]
    reasons = gather(regression | {name: alike(regression[name])})["decision"]["reasons"]
    found = [reason["level"] for reason in reasons if reason["text"].startswith(f"Errors of {name} are alike within")]
    assert found == ([level] if level else [])


@pytest.mark.slow
def test_likeness_of_neighbours_says_nothing_of_coefficients(regression: Evidences) -> None:
    facts = gather({"linear": alike(regression["bayesian_linear"], "place")})
    text = next(reason["text"] for reason in facts["decision"]["reasons"] if reason["text"].startswith("Errors"))
    assert (
        text
        == "Errors of linear are alike among neighbours on the map: for linear the 120 rows count as at most about 26."
    )


@pytest.mark.slow
def test_labels_of_coefficients_are_named(multiclass: Evidences) -> None:
    tree = multiclass["logistic"].copy()
    values = {name: (("feature", "label"), np.ones((2, 3))) for name in ("sd", "df", "low", "high", "ratio")}
    attrs = {"key": "site", "groups": 8, "believe": "posterior", "prob": 0.9}
    coords = {"feature": ["a", "b"], "label": [0, 1, 2]}
    tree["cluster_robust"] = xr.DataTree(xr.Dataset(values, coords, attrs=attrs))
    found = cluster_robust(tree)
    assert found is not None
    assert [row["label"] for row in found["coefficients"][:3]] == ["class 0", "class 1", "class 2"]


def test_checks_of_residuals_do_not_make_a_verdict_without_a_posterior() -> None:
    none, tip = (
        Diagnosis((Check("posterior", "not applicable", np.nan, "", ""),)),
        Check("residuals_by_group", "tip", 4.6, "", ""),
    )
    table = diagnostics_group(none, [none], [tip])
    assert table.attrs["verdict"] == "not applicable"
    assert table["code"].values.tolist() == ["posterior", "residuals_by_group"]
