"""The tuned perceptron takes what did best on rows its candidates did not see."""

import numpy as np
import pytest

from bayesgeo.models.networks.mlp import MLPClassifier, MLPRegressor
from bayesgeo.models.networks.tuned import TunedMLPClassifier, TunedMLPRegressor
from bayesgeo.models.preparation import held_out_folds
from tests.models.small import perceptron

QUICK = {"max_epochs": 30, "random_state": 3}


def bend(n=300, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.uniform(-2, 2, size=(n, 2))
    return X, 7 * np.sin(2 * X[:, 0]) + X[:, 1] ** 2 + 0.5 * rng.normal(size=n)


def classes(n=300, seed=0):
    X, y = bend(n, seed)
    return X, np.where(y > 1, "up", "down")


@pytest.mark.slow
def test_what_was_tried_is_a_table_and_the_least_loss_was_fitted_again():
    X, y = bend()
    model = TunedMLPRegressor((4, 16), depths=(1, 2), weight_decays=(0.01,), **QUICK).fit(X, y)
    results = model.results_
    assert dict(results.sizes) == {"candidate": 4, "fold": 3}
    tried = list(zip(results["width"].values.tolist(), results["depth"].values.tolist(), strict=True))
    assert tried == [(4, 1), (4, 2), (16, 1), (16, 2)]
    np.testing.assert_allclose(results["mean_loss"], results["loss"].mean("fold"))
    width, depth = tried[int(results["mean_loss"].values.argmin())]
    assert model.estimator_.hidden == (width,) * depth
    again = perceptron(MLPRegressor, (width,) * depth, max_epochs=30, random_state=model.seed_).fit(X, y)
    assert np.array_equal(model.predict(X), again.predict(X))
    assert model.predictive(X).identical(again.predictive(X))


@pytest.mark.slow
def test_the_loss_of_a_candidate_is_that_of_rows_it_did_not_see():
    X, y = classes(200)
    y[:] = np.random.default_rng(0).permutation(y)
    # Without a signal, rows that were learned by heart would look better than the coin's log 2.
    model = TunedMLPClassifier((64,), depths=(2,), weight_decays=(0.0,), folds=4, **QUICK | {"max_epochs": 60})
    losses = model.fit(X, y).results_["loss"].values
    assert losses.shape == (1, 4)
    assert losses.mean() > np.log(2) - 0.02


@pytest.mark.slow
def test_the_losses_are_in_the_unit_of_the_target():
    X, y = bend()
    small, large = (
        TunedMLPRegressor((8,), depths=(1,), weight_decays=(0.01,), **QUICK).fit(X, scale * y) for scale in (1, 1000)
    )
    np.testing.assert_allclose(large.results_["loss"], 1e6 * small.results_["loss"], rtol=1e-3)
    assert float(small.results_["mean_loss"][0]) < np.var(y)


@pytest.mark.parametrize("noise", ["constant", "student-t"])
def test_candidates_and_the_chosen_one_have_the_noise_that_was_asked_for(noise):
    X, y = bend(60)
    model = TunedMLPRegressor((4,), noise=noise, depths=(1,), weight_decays=(0.01,), **QUICK).fit(X, y)
    assert model.estimator_.noise == noise
    assert model.noise_.identical(model.estimator_.noise_)
    assert ("nu" in model.predictive(X)) == (noise == "student-t")


@pytest.mark.slow
def test_a_network_that_can_bend_is_taken_over_one_that_cannot():
    X, y = bend(600)
    model = TunedMLPRegressor((1, 32), depths=(1,), weight_decays=(0.01,), max_epochs=80, random_state=0).fit(X, y)
    assert model.estimator_.hidden == (32,)
    test = bend(600, seed=1)
    assert model.score(*test) > 0.9


@pytest.mark.slow
def test_whole_groups_are_held_out():
    X, y = classes(240)
    groups = np.repeat(np.arange(8), 30)
    model = TunedMLPClassifier((4,), depths=(1,), weight_decays=(0.01,), **QUICK)
    model.fit(X, y, groups)
    for rows, held in held_out_folds(y, groups, 3, model.seed_, stratify=True):
        assert not set(groups[rows]) & set(groups[held])
    assert type(model.estimator_) is MLPClassifier
    without = TunedMLPClassifier((4,), depths=(1,), weight_decays=(0.01,), **QUICK).fit(X, y)
    assert not np.array_equal(model.results_["loss"], without.results_["loss"])


@pytest.mark.slow
def test_a_class_that_a_fold_lacks_is_no_error():
    X, y = classes(90)
    y[:2] = "odd"
    model = TunedMLPClassifier((4,), depths=(1,), **QUICK).fit(X, y)
    assert np.isfinite(model.results_["loss"]).all()
    assert model.classes_.tolist() == ["down", "odd", "up"]
    assert model.predict_proba(X).shape == (90, 3)


def test_too_few_rows_to_choose_by_take_the_first_candidate():
    X, y = bend(5)
    model = TunedMLPRegressor((4, 8), **QUICK).fit(X, y)
    assert model.estimator_.hidden == (4,)
    assert model.results_["loss"].isnull().all()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"folds": 1}, r"Invalid folds 1\. At least two folds are needed"),
        ({"folds": 2.5}, r"Invalid folds 2\.5\. It must be a whole number above zero"),
        ({"widths": ()}, r"Invalid widths \(\)\. It must have at least one value"),
        ({"widths": (0,)}, r"Invalid widths 0\. It must be a whole number above zero"),
        ({"depths": (1.5,)}, r"Invalid depths 1\.5\. It must be a whole number above zero"),
        ({"weight_decays": (-1.0,)}, r"Invalid weight_decay -1\.0\. It must be finite and not negative"),
    ],
)
def test_a_setting_that_cannot_be_used_is_refused_in_fit(settings, message):
    model = TunedMLPRegressor(**settings)
    with pytest.raises(ValueError, match=message):
        model.fit(*bend(50))
