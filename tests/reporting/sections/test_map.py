from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from bayesgeo.reporting.sections.map import places

from ..reading import facts_of, read
from ..samples import Evidences, evidences, table


@pytest.mark.slow
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


@pytest.mark.slow
def test_at_most_2000_rows_are_drawn_at_random_and_the_page_says_so(multiclass: Evidences, tmp_path: Path) -> None:
    scored = evidences(table(rows=2400), "majority")
    page = read(scored, tmp_path)
    known = facts_of(tmp_path)["dataset"]["places"]
    assert len(known["x"]) == len(facts_of(tmp_path)["models"][0]["map"]["error"]["values"]) == 2000
    assert "2000 of 2399 rows with a place are drawn, chosen at random (seed 0)" in page.text
    assert (tmp_path / "report.html").stat().st_size < 3_000_000


@pytest.mark.slow
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


@pytest.mark.slow
def test_rows_without_places_make_no_map(regression: Evidences, tmp_path: Path) -> None:
    tree = regression["ridge"].copy(deep=True)
    tree["observed_data"] = xr.DataTree(tree["observed_data"].to_dataset().drop_vars(["longitude", "latitude"]))
    assert "On the map" not in read({"ridge": tree}, tmp_path).parts
    assert facts_of(tmp_path)["dataset"]["places"] is None
