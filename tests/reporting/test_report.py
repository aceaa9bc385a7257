import csv
from pathlib import Path

import pandas as pd
import pytest

from bayesgeo._check import InvalidInput
from bayesgeo.reporting import report

from .reading import Page
from .samples import Evidences


@pytest.mark.slow
def test_metrics_csv_has_one_row_for_each_model_and_metric(binary: Evidences, tmp_path: Path) -> None:
    report(binary, tmp_path)
    scores = pd.read_csv(tmp_path / "metrics.csv")
    assert len(scores) == 3 * binary["logistic"]["metrics"].sizes["metric"]
    assert not scores.duplicated(["model", "metric"]).any()
    assert {"value", "low", "high", "prob", "resampled", "random_rows"} <= set(scores.columns)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["=1+1", "+cmd|x", "-2+3", "@sum(a)", "\tx", "\r=x", " =1", "\uff1d1"])
def test_metrics_csv_holds_no_formula(binary: Evidences, tmp_path: Path, name: str) -> None:
    report({name: binary["logistic"]}, tmp_path)
    with (tmp_path / "metrics.csv").open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    assert {row["model"] for row in rows} == {"'" + name.replace("\r", " ")}
    assert all(float(row["value"]) <= 0 for row in rows if row["metric"] == "log_score")


@pytest.mark.slow
def test_a_name_that_is_a_number_stays_one(binary: Evidences, tmp_path: Path) -> None:
    report({"-1": binary["logistic"]}, tmp_path)
    assert set(pd.read_csv(tmp_path / "metrics.csv")["model"]) == {-1}


@pytest.mark.slow
def test_a_notebook_shows_the_page_in_a_frame_that_can_do_nothing(binary: Evidences, tmp_path: Path) -> None:
    written = report({"<script>x</script>": binary["logistic"]}, tmp_path)
    ((tag, attrs),) = Page(written._repr_html_()).tags
    assert (tag, attrs["sandbox"]) == ("iframe", "")
    assert attrs["srcdoc"] == written.read_text(encoding="utf-8")


@pytest.mark.slow
def test_the_same_evidence_gives_the_same_bytes(binary: Evidences, tmp_path: Path) -> None:
    for folder in ("first", "second"):
        report(binary, tmp_path / folder, reproduce={"command": "bayesgeo compare", "versions": {"python": "3.12"}})
    for name in ("report.html", "report.json", "metrics.csv"):
        assert (tmp_path / "first" / name).read_bytes() == (tmp_path / "second" / name).read_bytes()


@pytest.mark.slow
def test_evidence_on_other_rows_is_refused(binary: Evidences, multiclass: Evidences, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="scored on other rows or folds"):
        report({"one": binary["logistic"], "other": multiclass["logistic"]}, tmp_path)


def test_nothing_to_report_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="nothing to compare"):
        report({}, tmp_path)
