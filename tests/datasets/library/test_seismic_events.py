"""The embedded events against their generator."""

from pathlib import Path

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from bayesgeo.datasets import load
from bayesgeo.datasets.library.seismic_events import _path, table
from bayesgeo.datasets.simulation.event_physics import draw_table, exact_probability
from bayesgeo.datasets.split import split


def test_shipped_table_is_drawn_again_bit_for_bit():
    assert _path().read_text(encoding="utf-8") == table()


def test_readme_of_the_data_states_the_hash_of_the_shipped_table():
    readme = Path(__file__).parents[3] / "data" / "README.md"
    assert load("seismic_events").attrs["sha256"] in readme.read_text(encoding="utf-8")


def test_shipped_table_is_below_a_megabyte():
    assert _path().stat().st_size < 1_000_000


def test_exact_probabilities_are_stored_to_nine_digits():
    events = load("seismic_events")
    assert events.exact.sum("label").values == pytest.approx(1.0)
    drawn = draw_table(3000, seed=int(events.attrs["seed"]))
    assert events.exact.sel(label="blast").values == pytest.approx(exact_probability(drawn), rel=1e-8, abs=0)


def test_logistic_on_the_features_comes_close_to_the_exact_log_loss():
    events = load("seismic_events")
    y, p = events.y.values, np.empty(events.n_rows)
    for train, test in split(events).folds:
        model = make_pipeline(StandardScaler(), LogisticRegression())
        p[test] = model.fit(events.X.values[train], y[train]).predict_proba(events.X.values[test])[:, 1]
    assert 0 < log_loss(y, p) - log_loss(y, events.exact.values[:, 1]) < 0.02


def test_depth_repeats_the_answer_and_is_no_feature():
    events = load("seismic_events")
    assert "depth" not in events.features
    assert "depth" in events.leaks
    assert ((events.coordinates["depth"] == 0) == (events.y == 1)).mean() > 0.99
