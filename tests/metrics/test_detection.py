"""Detection of foreign rows: against scikit-learn's curve, and baselines that know what is far away."""

import numpy as np
import pytest
import sklearn.metrics as skl
from hypothesis import given, settings
from hypothesis import strategies as st

from bayesgeo.metrics.detection import distance_to_training, lack_of_confidence, ood_detection


@given(seed=st.integers(0, 2**32 - 1), shift=st.floats(-2, 2))
@settings(deadline=None, max_examples=40)
def test_both_figures_are_those_of_scikit_learn(seed, shift):
    rng = np.random.default_rng(seed)
    familiar, foreign = rng.normal(size=40).round(1), rng.normal(shift, size=25).round(1)
    found = ood_detection(familiar, foreign)
    is_familiar = np.r_[np.ones(40), np.zeros(25)]
    passed, kept, _ = skl.roc_curve(is_familiar, -np.r_[familiar, foreign], drop_intermediate=False)
    assert found.auroc == pytest.approx(skl.roc_auc_score(1 - is_familiar, np.r_[familiar, foreign]), abs=1e-10)
    assert found.fpr95 == pytest.approx(passed[kept >= 0.95 - 1e-12].min(), abs=1e-10)


def test_rows_apart_are_all_found_and_the_same_rows_are_not():
    assert ood_detection([1, 2, 3], [4, np.inf]) == ood_detection([0.1], [0.2])
    assert ood_detection([1, 2, 3], [4, 5]).fpr95 == 0.0
    assert ood_detection([1, 2, 3], [1, 2, 3]).auroc == 0.5


def test_distance_finds_rows_far_from_training_whatever_the_units():
    rng = np.random.default_rng(0)
    scale = np.array([1.0, 1e6])
    training, near = rng.normal(size=(200, 2)) * scale, rng.normal(size=(50, 2)) * scale
    far = near + np.array([8.0, 0.0])
    found = ood_detection(distance_to_training(training, near), distance_to_training(training, far))
    assert found.auroc > 0.99
    assert not distance_to_training(training, training).any()


def test_a_feature_that_is_constant_in_training_still_tells():
    assert distance_to_training([[0.0, 7.0], [2.0, 7.0]], [[0.0, 9.0]]).tolist() == [2.0]


def test_confidence_is_that_of_the_most_probable_class():
    np.testing.assert_allclose(lack_of_confidence([[0.2, 0.5, 0.3], [1.0, 0.0, 0.0]]), [0.5, 0.0])


@pytest.mark.parametrize("rows", [[], [np.nan, 1.0]])
def test_nothing_to_detect_is_refused(rows):
    with pytest.raises(ValueError, match=r"Invalid uncertainty_out \(\d,\)\. It is empty or holds a NaN"):
        ood_detection([1.0], rows)
