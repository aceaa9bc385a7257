"""The catalogue of the Pacific Northwest against its publication."""

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import log_loss

from bayesgeo.datasets import load, prepare
from bayesgeo.datasets.split import split
from tests.datasets.library.scoring import held_out, logistic


@pytest.mark.usefixtures("real_data")
def test_rows_and_classes_are_as_published():
    data = load("pnsn_catalogue")
    assert data.n_rows == 13_926
    assert np.bincount(data.y.values).tolist() == [11_262, 2_664]


@pytest.mark.usefixtures("real_data")
def test_logistic_and_trees_reach_the_published_scores_on_the_catalogue():
    data = load("pnsn_catalogue")
    trees = HistGradientBoostingClassifier(max_iter=150, learning_rate=0.05, max_leaf_nodes=15, random_state=0)
    assert log_loss(*held_out(data, logistic())) <= 0.205
    assert log_loss(*held_out(data, trees)) <= 0.197


@pytest.mark.usefixtures("real_data")
def test_catalogue_is_tested_on_its_last_year():
    data = load("pnsn_catalogue")
    ((train, test),) = split(data).folds
    years = data.coordinates["time"].dt.year.values
    assert set(years[train]) == {2018, 2019, 2020, 2021}
    assert set(years[test]) == {2022}


def test_catalogue_clock_follows_daylight_saving():
    noon = {"2021-01-15T20:00": 1.0, "2021-07-15T19:00": 1.0, "2021-07-15T20:00": np.cos(np.pi / 12)}
    seconds = pd.to_datetime(pd.Series(list(noon))).astype("datetime64[s]").astype("int64")
    table = pd.DataFrame({"timestamp": seconds, "magnitude": 1.0, "number_of_pick": 9})
    assert prepare("pnsn_catalogue", table)["hour_cos"].tolist() == pytest.approx(list(noon.values()))
