"""A column that holds the answer carries the score, one that does not carries nothing."""

import numpy as np
import pandas as pd
import pytest

from bayesgeo.datasets.assembly import assemble
from bayesgeo.datasets.base import Column
from bayesgeo.datasets.split import split
from bayesgeo.evaluation.leaks import carried_by_suspects


def events(n=240):
    rng = np.random.default_rng(0)
    kind = np.resize(["quake", "blast"], n)
    frame = pd.DataFrame({
        "ratio": rng.normal(size=n) + (kind == "blast"),
        "depth": np.where(kind == "blast", 0.0, rng.uniform(0, 20, n)),
        "hour": rng.uniform(0, 24, n),
    })  # fmt: skip
    columns = [Column("ratio"), Column("depth", "km"), Column("hour", "h")]
    return assemble("events", frame, columns=columns, target=pd.Series(kind, name="kind"), labels=("quake", "blast"))


@pytest.mark.slow
def test_a_depth_fixed_by_the_analyst_carries_the_score_and_an_idle_hour_does_not():
    data = events()
    depth, hour = carried_by_suspects(data, split(data, folds=3))
    assert (depth.name, hour.name) == ("depth", "hour")
    # The depth tells every event, at a log score near zero; ratio alone, one deviation apart, leaves 0.3 nats.
    assert depth.with_it > -0.1
    assert depth.difference > 0.3
    assert depth.low > 0.2
    assert abs(hour.difference) < 0.1


@pytest.mark.slow
def test_without_its_only_feature_a_model_is_blind():
    data = events().with_features(["depth"])
    (depth,) = carried_by_suspects(data, split(data, folds=3))
    # The entropy of two equal classes; the share of a class in training parts is off by a row or two.
    assert depth.without_it == pytest.approx(-np.log(2), abs=1e-3)


def test_nothing_is_fitted_without_a_suspect():
    data = events().with_features(["ratio"])
    assert carried_by_suspects(data, split(data, folds=3)) == []
