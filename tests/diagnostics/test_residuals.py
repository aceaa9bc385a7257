import numpy as np
import pytest
import xarray as xr

from bayesgeo.diagnostics import Check, Diagnosis
from bayesgeo.diagnostics.residuals import MATERIAL, checks


def table(p: float = 0.001, effect: float = 4.6, reason: str = "") -> xr.Dataset:
    columns = {"value": 0.4, "low": 0.3, "high": 0.5, "p": p, "design_effect": effect}
    columns |= {"effective_rows": 400 / effect, "reason": reason, "chance_low": -0.05, "chance_high": 0.04}
    names = {"name": ("by", ["event", "longitude, latitude", "time"])}
    variables = {name: ("by", [column] * 3) for name, column in columns.items()}
    return xr.Dataset(variables | names, {"by": ["group", "place", "order"]}, attrs={"rows": 400, "prob": 0.9})


def of_group(found: xr.Dataset, *, joint: bool = False) -> Check:
    return next(iter(checks(found, joint=joint)))


@pytest.mark.parametrize(
    ("p", "effect", "statuses"),
    [
        (0.001, 4.6, ["tip"] * 3),
        (0.02, MATERIAL + 0.01, ["tip"] * 3),
        (0.03, 4.6, ["tip", "passed", "passed"]),
        (0.001, MATERIAL, ["passed"] * 3),
        (0.04, 4.6, ["passed"] * 3),
        (0.001, np.nan, ["issue"] * 3),
    ],
)
def test_likeness_matters_where_it_is_neither_chance_nor_small(p: float, effect: float, statuses: list[str]) -> None:
    assert [check.status for check in checks(table(p, effect))] == statuses


def test_an_interval_that_takes_rows_as_independent_covers_85_percent_at_the_bound() -> None:
    from scipy import stats

    covered = 1 - 2 * stats.norm.sf(stats.norm.ppf(0.95) / np.sqrt(MATERIAL))
    assert covered == pytest.approx(0.85, abs=0.002)


def test_a_finding_says_how_many_rows_are_left_and_what_to_do() -> None:
    by_group, by_place, in_order = checks(table())
    said = "alike within event (correlation 0.40, 90% interval 0.30 to 0.50, p = 0.001): 400 rows count as about 87."
    assert said in by_group.advice
    assert "Intervals of a model that takes rows as independent are too narrow." in by_group.advice
    assert "--effects event or HierarchicalRegression(effects=['event'])" in by_group.advice
    assert "among neighbours on the map (Moran's I 0.40, by chance -0.05 to 0.04, p = 0.001)" in by_place.advice
    assert "at most about 87" in by_place.advice
    assert "Use a spatial model, or the coordinates as features" in by_place.advice
    assert "one after another in time" in in_order.advice
    assert Diagnosis((by_group,)).verdict == "not applicable"  # there is no posterior
    assert Diagnosis((Check("rhat", "passed", 1.0, "<= 1.01", ""), by_group)).verdict == "doubtful"


def test_a_model_with_effects_of_groups_expects_them_to_be_alike() -> None:
    assert of_group(table(), joint=True).status == "not applicable"
    assert [check.status for check in checks(table(), joint=True)][1:] == ["tip", "tip"]


def test_what_was_not_measured_does_not_apply_and_says_why() -> None:
    found = of_group(table(np.nan, np.nan, "there are no groups"))
    assert (found.status, found.advice) == ("not applicable", "There are no groups.")
