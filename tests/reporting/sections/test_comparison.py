from pathlib import Path

import pytest

from bayesgeo.evaluation.compare import NO_DIFFERENCE
from bayesgeo.reporting.sections.comparison import compared

from ..reading import facts_of, read
from ..samples import Evidences, with_seeds


@pytest.mark.slow
def test_the_number_of_false_differences_to_expect_is_told(binary: Evidences, tmp_path: Path) -> None:
    page = read(binary, tmp_path)
    assert "Of 3 pairs, 0.15 would be called different on average if no two models differed at all." in page.text


def test_an_interval_that_holds_that_over_folds_says_so() -> None:
    item = {"a": "mlp", "b": "ridge", "difference": 0.4, "low": -0.1, "high": 0.9, "prob": 0.95, "p": 0.01}
    item |= {"blocks": 30, "conclusion": NO_DIFFERENCE, "folds": 5, "fold_low": -0.1, "fold_high": 0.9}
    assert "The 5 folds differ more than their rows explain" in compared(item | {"folds_differ": True})
    assert "folds" not in compared(item | {"folds_differ": False})


@pytest.mark.slow
def test_seeds_that_were_not_measured_are_said_to_be_so(binary: Evidences, tmp_path: Path) -> None:
    assert "Seed variance was not measured" in read(binary, tmp_path).text
    assert all(item["seed_sd"] is None for item in facts_of(tmp_path)["comparisons"])


@pytest.mark.slow
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


@pytest.mark.slow
def test_another_preprocessing_is_named(binary: Evidences, tmp_path: Path) -> None:
    other = binary["majority"].copy(deep=True)
    other.attrs["preprocessing_sha256"] = "0" * 64
    page = read({"logistic": binary["logistic"], "majority": other}, tmp_path)
    assert "Other features or another preprocessing than logistic saw: majority." in page.text
    assert "The two saw other features or another preprocessing." in page.text
    assert "saw the same features, prepared alike" in read(binary, tmp_path).text
