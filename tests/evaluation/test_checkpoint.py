"""The fit of a fold comes back from its file as it was."""

import numpy as np
import pytest
import xarray as xr

from bayesgeo import catalog, split
from bayesgeo.evaluation.checkpoint import kept
from bayesgeo.evaluation.fold import run_fold
from bayesgeo.models.networks.mlp import MLPRegressor
from tests.fake import FakePosterior
from tests.models.small import perceptron
from tests.tables import events, shaking

MODELS = {
    "classes": (events(), catalog.model("bayesian_logistic", "classification", inference=FakePosterior(draws=20))),
    "values": (shaking(), catalog.model("bayesian_linear", "regression", inference=FakePosterior(draws=20))),
    "curve": (shaking(), perceptron(MLPRegressor, max_epochs=3)),
}


@pytest.mark.slow
@pytest.mark.parametrize(("data", "model"), MODELS.values(), ids=MODELS)
def test_a_part_comes_back_as_it_was_and_is_not_made_again(data, model, tmp_path):
    made = []

    def run():
        made.append(run_fold(model, data, *split(data, folds=3).folds[0], seed=0, place=(1, 1)))
        return made[0]

    for _ in range(2):
        part = kept(tmp_path, "fold_1", run)
    (first,) = made
    xr.testing.assert_identical(part.predictions, first.predictions)
    assert np.array_equal(part.confusion, first.confusion)
    assert np.array_equal(part.probability, first.probability)
    assert part.probability.shape == first.probability.shape
    assert repr(part.diagnosis) == repr(first.diagnosis)  # as text: missing values differ from themselves
    assert part.seconds == first.seconds
    assert (part.curve is None) == (first.curve is None)
    if part.curve is not None:
        xr.testing.assert_identical(part.curve, first.curve)


def test_without_a_folder_nothing_is_kept(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert kept(None, "fold_1", lambda: "part") == "part"
    assert not list(tmp_path.iterdir())
