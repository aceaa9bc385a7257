"""The quarries near Istanbul against their publication."""

import numpy as np
import pytest
from sklearn.metrics import log_loss

from bayesgeo.datasets import load
from tests.datasets.library.scoring import held_out, logistic


@pytest.mark.usefixtures("real_data")
def test_rows_and_classes_are_as_published():
    data = load("istanbul_quarry")
    assert data.n_rows == 179
    assert np.bincount(data.y.values).tolist() == [29, 150]


@pytest.mark.usefixtures("real_data")
def test_logistic_reaches_the_published_scores_on_istanbul_quarries():
    y, p = held_out(load("istanbul_quarry"), logistic())
    assert (p.argmax(1) == y).mean() >= 0.96
    assert log_loss(y, p) <= 0.10
