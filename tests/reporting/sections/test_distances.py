from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bayesgeo import catalog, evaluate, split
from bayesgeo.datasets.assembly import assemble
from bayesgeo.datasets.base import Column, Dataset
from bayesgeo.reporting.sections.distances import distances

from ..reading import facts_of, read
from ..samples import Evidences


def clustered() -> Dataset:
    """Return rows in nine tight clusters 10 km apart, in metres."""
    rng = np.random.default_rng(0)
    cluster = np.repeat(np.arange(9), 20)
    places = 1e4 * np.column_stack([cluster % 3, cluster // 3]) + rng.normal(0, 50, (180, 2))
    frame = pd.DataFrame({"a": rng.normal(size=180)})
    coordinates = pd.DataFrame({"easting": places[:, 0], "northing": places[:, 1]})
    target, names = pd.Series(rng.normal(size=180), name="z"), pd.Series(cluster, name="cluster")
    columns = [Column("a", "")]
    return assemble("c", frame, columns=columns, target=target, groups=names, coordinates=coordinates)


def test_folds_of_clusters_ask_farther_and_folds_of_rows_nearer_than_a_map() -> None:
    data, asked = clustered(), {}
    for kind in ("spatial", "random"):
        tree = evaluate(catalog.model("mean", "regression"), data, split(data, kind, folds=3))
        found = distances(tree)
        assert found is not None
        asked[kind] = found
    assert {kind: found["asks"] for kind, found in asked.items()} == {"spatial": "farther", "random": "nearer"}
    # Clusters are 10 km apart; the middle of four of them is 7.1 km from each.
    assert asked["spatial"]["to_training"]["median"] == pytest.approx(10_000, rel=0.05)
    assert asked["random"]["to_training"]["median"] < 60
    assert 3000 < asked["random"]["of_map"]["median"] < 5000
    fold = tree["predictions"]["fold"].values
    observed = tree["observed_data"].to_dataset()
    at = np.column_stack([observed["easting"], observed["northing"]])
    far = np.linalg.norm(at[0] - at[fold != fold[0]], axis=1).min()
    assert float(tree["distances"]["to_training"][0]) == pytest.approx(far, rel=1e-12)


@pytest.mark.slow
def test_the_report_says_which_way_the_folds_are_off(binary: Evidences, tmp_path: Path) -> None:
    page = read({"logistic": binary["logistic"]}, tmp_path)
    found = facts_of(tmp_path)["dataset"]["distances"]
    assert found["unit"] == "km"
    assert "Do the folds ask what a map asks?" in page.text
    assert f"the folds ask {'about' if found['asks'] == 'as far' else 'for predictions ' + found['asks']}" in page.text
    assert any(label.startswith("share at most as far by distance (km)") for label in page.values("aria-label"))
