import json
from importlib.resources import files
from pathlib import Path

import jsonschema
import numpy as np
import pytest
import xarray as xr

from bayesgeo.reporting.facts import gather
from bayesgeo.reporting.maps import around_zero
from bayesgeo.reporting.sections.effects import estimate, shares, shrunk
from bayesgeo.reporting.sections.group_effects import group_effects, variance_components
from bayesgeo.reporting.sections.question import question
from bayesgeo.reporting.text import DASH

from ..hostile import PAYLOADS
from ..reading import facts_of, read
from ..samples import Evidences, with_groups


def plain(text: str) -> str:
    return text.replace("\xa0", " ")


@pytest.mark.slow
def test_the_report_shows_components_effects_and_the_levels_that_stand_out(
    regression: Evidences, tmp_path: Path
) -> None:
    page = read({"hierarchical": with_groups(regression["ridge"]), "mean": regression["mean"]}, tmp_path)
    text = plain(page.text)
    assert {"Effects of groups", "Effect of event", "Effect of station", "Slope of log10_ps by station"} <= set(
        page.parts
    )
    assert {"HalfNormal(0.42)", "LKJ(2)", "station: corr(1, log10_ps)", "90 % interval"} <= {
        plain(p) for p in page.parts
    }
    # .09 + .0009, .16 + .0004 and .25 + .0001 of their sum.
    assert "18 % lies between levels of event, 32 % between levels of station and 50 % between rows" in text
    assert "60 of 90 levels are shown, sorted: the ten at each end" in text
    assert "12 of 12 levels are shown, sorted. Lines" in text
    assert "Levels without a place: 1." in text
    drawn = [label for label in page.values("aria-label") if label.startswith("Map of effect of ")]
    assert len(drawn) == 2
    assert all("longitude (°E)" in label and "Lowest: " in label for label in drawn)
    facts = facts_of(tmp_path)
    schema = json.loads((files("bayesgeo.reporting") / "report.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator(schema).validate(facts)


@pytest.mark.slow
def test_confidence_intervals_of_a_deterministic_model_may_lack_ends_and_deviations(
    regression: Evidences, tmp_path: Path
) -> None:
    page = read({"mixed": with_groups(regression["ridge"], bayesian=False)}, tmp_path)
    assert plain(page.text).count("90 % confidence interval") > 3
    section = page.text[page.text.index("Effects of groups") : page.text.index("Predicted and observed")]
    assert "not computed" not in section
    assert "prior" not in page.parts


@pytest.mark.slow
def test_log_odds_have_the_variance_of_the_logistic_noise_beside_them(binary: Evidences, tmp_path: Path) -> None:
    page = read({"hierarchical": with_groups(binary["logistic"])}, tmp_path)
    assert "is chance of the single row, on the scale of log odds" in page.text
    assert any("effect of event (log odds), 60 sorted" in label for label in page.values("aria-label"))


@pytest.mark.slow
def test_hostile_names_of_keys_and_levels_are_shown_as_text(regression: Evidences, tmp_path: Path) -> None:
    tree = with_groups(regression["ridge"], levels=len(PAYLOADS), name=PAYLOADS[0])
    effects = tree["group_effects"].to_dataset()
    levels = effects["level"].values.astype(object)
    levels[: len(PAYLOADS)] = PAYLOADS
    tree["group_effects"] = xr.DataTree(effects.assign(level=("group", levels.astype(str))))
    page = read({"hierarchical": tree}, tmp_path)
    assert not page.names & {"script", "img", "iframe", "video", "object", "body onload"}
    assert PAYLOADS[0] in page.text


@pytest.mark.slow
def test_without_effects_of_groups_there_is_no_section(regression: Evidences, tmp_path: Path) -> None:
    page = read({"ridge": regression["ridge"]}, tmp_path)
    assert "Effects of groups" not in page.parts
    model = facts_of(tmp_path)["models"][0]
    assert (model["variance_components"], model["group_effects"]) == (None, [])


def test_facts_of_effects_are_those_of_the_evidence(regression: Evidences) -> None:
    tree = with_groups(regression["ridge"])
    events, stations, slopes = group_effects(tree)
    table = tree["group_effects"].to_dataset()
    at = table["key"].values == "event"
    mean, sd = table["mean"].values[at], table["sd"].values[at]
    assert (events["levels"], len(events["drawn"]), stations["levels"], len(stations["drawn"])) == (90, 60, 12, 12)
    drawn = [row["mean"] for row in events["drawn"]]
    assert drawn == sorted(drawn)
    assert drawn[:10] + drawn[-10:] == np.sort(mean)[[*range(10), *range(-10, 0)]].tolist()
    apart = np.abs(mean) > 1.645 * sd
    expected = np.argsort(-np.abs(mean) / sd * apart)[: min(8, apart.sum())]
    assert [row["level"] for row in events["named"]] == [f"event {k}" for k in expected]
    assert events["shrinkage"]["few"]["median"] > events["shrinkage"]["median"] > events["shrinkage"]["many"]["median"]
    rows = table["rows"].values[at]
    assert events["shrinkage"]["median"] == pytest.approx(np.median(1 - 0.09 / (0.09 + 0.25 / rows)))
    assert (slopes["shrinkage"], slopes["places"], events["places"]["unknown"]) == (None, None, 1)
    assert len(events["places"]["x"]) == 89


def test_shares_leave_out_slopes_and_correlations(regression: Evidences, multiclass: Evidences) -> None:
    found = variance_components(with_groups(regression["ridge"]))
    assert found is not None
    known = {row["component"]: row["share"] for row in found["components"]}
    assert known["station:log10_ps"] is None
    assert known["station: corr(1, log10_ps)"] is None
    assert sum(share for share in known.values() if share) == pytest.approx(1.0)
    several = variance_components(with_groups(multiclass["logistic"]))
    assert several is not None
    assert shares(several["components"]) == ""


def test_levels_that_cannot_be_told_apart_are_not_named(regression: Evidences, tmp_path: Path) -> None:
    tree = with_groups(regression["ridge"], levels=1)
    effects = tree["group_effects"].to_dataset()
    tree["group_effects"] = xr.DataTree(effects.assign(low=effects["low"] * 0 - 9, high=effects["high"] * 0 + 9))
    page = read({"hierarchical": tree}, tmp_path)
    assert plain(page.text).count("No level stands out: every 90 % interval holds zero.") == 3


def test_equal_groups_are_drawn_towards_zero_alike() -> None:
    same = {"rows": 10, "median": 0.2}
    text = shrunk({"key": "event", "shrinkage": {"median": 0.2, "levels": 9, "few": same, "many": same}})
    assert plain(text).endswith("drawn towards zero by 20 % (median of 9).")
    few = shrunk({"key": "event", "shrinkage": {"median": 0.2, "levels": 9, "few": same | {"rows": 1}, "many": same}})
    assert "where there is one row" in few


def test_an_estimate_without_interval_is_still_shown() -> None:
    assert estimate({"mean": 0.25, "sd": None, "low": None, "high": None}) == {
        "mean": "0.250",
        "sd": DASH,
        "interval": DASH,
    }


@pytest.mark.parametrize("values", [[0.0, 0.0], [3e-7, -1e-7], [950.0, -20.0]])
def test_classes_of_a_map_lie_evenly_around_zero(values: list[float]) -> None:
    edges = around_zero(np.array(values))
    np.testing.assert_allclose(edges, -edges[::-1])
    np.testing.assert_allclose(np.diff(edges), edges[-1] / 2.5)
    assert 0.4 < edges[-1] / (2.5 * (max(np.abs(values)) / 3 or 1.0)) < 2.5


@pytest.mark.slow
def test_the_question_is_that_of_the_split(regression: Evidences) -> None:
    facts = gather({"hierarchical": with_groups(regression["bayesian_linear"]), "ridge": regression["ridge"]})
    assert question(facts) == (
        "The scores are for a new site: no row of it is among those that the models learned from. They say nothing of "
        "further rows of a known site. hierarchical predicts a site never seen by integrating its effect over the "
        "population of effects. For ridge groups play no part."
    )
    within = facts | {"dataset": facts["dataset"] | {"split_kind": "within-group", "split_group": None}}
    assert question(within).startswith("The scores are for new rows of a known site")
    assert "say nothing of a new site. For ridge" in question(within)
    by_chance = facts | {"dataset": facts["dataset"] | {"split_kind": "random", "split_group": None}}
    assert "rows drawn without regard to groups: a site may be new or known" in question(by_chance)
    without = facts | {"dataset": facts["dataset"] | {"group": None, "split_group": None}}
    assert question(without) == ""
