"""Calibration on rows set aside: overconfidence is found and mended, for any estimator."""

import numpy as np
import pytest
from scipy import optimize, special
from sklearn.naive_bayes import GaussianNB

from bayesgeo import catalog
from bayesgeo.models.baselines import RidgeRegressor
from bayesgeo.models.networks.bayesian_mlp import BayesianMLPRegressor
from bayesgeo.models.networks.ensemble import DeepEnsembleClassifier, DeepEnsembleRegressor
from bayesgeo.models.networks.mlp import MLPClassifier, MLPRegressor
from bayesgeo.models.rows import Rows
from bayesgeo.models.wrappers.base import mean_and_sd
from bayesgeo.models.wrappers.calibrated import CalibratedClassifier, CalibratedRegressor
from bayesgeo.models.wrappers.sklearn import SklearnModelClassifier
from bayesgeo.models.wrappers.temperature import scale_of, temperature_of, tempered
from tests.fake import FakePosterior
from tests.models.small import ensemble, perceptron


def classes(n=400, seed=0, labels=3):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 2))
    logits = np.c_[X, -X.sum(axis=1)][:, :labels]
    return X, np.array(["sand", "shale", "tuff"])[(logits + rng.gumbel(size=logits.shape)).argmax(axis=1)]


def values(n=400, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 2))
    return X, 50 + 5 * X[:, 0] + 3 * rng.normal(size=n)


class NaiveBayes(SklearnModelClassifier):
    def _build(self):
        return GaussianNB()


class TooSure(NaiveBayes):
    """A good classifier whose logits are three times too large."""

    def _expected(self, rows):
        return tempered(super()._expected(rows), 1 / 3)


class TooNarrow(RidgeRegressor):
    """A good regressor that claims a third of its error."""

    @property
    def noise_(self):
        return super().noise_ / 3


def rows_of(X):
    return Rows(X, np.arange(len(X)))


def log_loss(model, X, y):
    return -np.log(model.predict_proba(X)[np.arange(len(y)), np.searchsorted(model.classes_, y)]).mean()


@pytest.mark.parametrize("T", [0.4, 1.0, 3.0])
def test_the_temperature_of_sampled_classes_is_the_one_they_were_sampled_with(T):
    rng = np.random.default_rng(0)
    logits = 2 * rng.normal(size=(20_000, 3))
    codes = (logits / T + rng.gumbel(size=logits.shape)).argmax(axis=1)
    found = temperature_of(special.softmax(logits, axis=1), codes)
    # Its standard error: the inverse of the information that each row has about log T, the variance of its logit.
    p = special.softmax(logits / T, axis=1)
    mean = (p * logits / T).sum(axis=1, keepdims=True)
    error = ((p * (logits / T - mean) ** 2).sum()) ** -0.5
    assert abs(np.log(found / T)) < 4 * error


def test_the_temperature_is_that_of_another_optimiser():
    rng = np.random.default_rng(1)
    p, codes = rng.dirichlet(np.ones(4), size=200), rng.integers(4, size=200)
    loss = lambda T: -np.log(tempered(p, T[0])[np.arange(200), codes]).mean()  # noqa: E731
    found = optimize.minimize(loss, [1.0], method="Nelder-Mead", options={"xatol": 1e-8, "fatol": 1e-14}).x[0]
    assert temperature_of(p, codes) == pytest.approx(min(found, 100.0), rel=1e-3)


def test_the_temperature_of_draws_is_chosen_for_their_mean():
    rng = np.random.default_rng(2)
    draws = special.softmax(4 * rng.normal(size=(5, 300, 2)), axis=-1)
    codes = (rng.random(300) < draws.mean(axis=0)[:, 1]).astype(int)
    grid = np.exp(np.linspace(-2, 3, 2001))
    losses = [-np.log(tempered(draws, T).mean(axis=0)[np.arange(300), codes]).mean() for T in grid]
    assert temperature_of(draws, codes) == pytest.approx(grid[np.argmin(losses)], rel=5e-3)


def test_what_was_impossible_and_seen_costs_much_but_not_everything():
    p = np.tile([1.0, 0.0], (50, 1))
    assert np.isfinite(temperature_of(p, np.r_[np.zeros(49, int), 1]))
    assert tempered(p, 2.0)[0].tolist() == [1.0, 0.0]


def test_the_factor_maximises_the_gaussian_log_score():
    z = np.random.default_rng(0).normal(size=100) * 2.5
    found = optimize.minimize_scalar(lambda s: np.log(s) + np.mean(z**2) / (2 * s**2), bounds=(0.1, 10)).x
    assert scale_of(z) == pytest.approx(found, rel=1e-4)


def test_an_estimator_that_is_too_sure_is_cooled_down():
    model = CalibratedClassifier(TooSure(), random_state=0).fit(*classes(1500))
    # 300 rows know the logarithm of a temperature to about .1.
    assert model.temperature_ == pytest.approx(3.0, rel=0.35)
    X, y = classes(3000, seed=1)
    assert log_loss(model, X, y) < log_loss(model.estimator_, X, y) - 0.1
    assert np.array_equal(model.predict(X), model.estimator_.predict(X))


def test_an_estimator_that_is_too_narrow_is_widened():
    model = CalibratedRegressor(TooNarrow(), random_state=0).fit(*values(1500))
    assert model.factor_ == pytest.approx(3.0, rel=0.2)
    X, y = values(3000, seed=1)
    predictive = model.predictive(X)
    z = (y - predictive["expected"].mean(("chain", "draw"))) / predictive["sigma"].values.item()
    assert float((z**2).mean()) == pytest.approx(1.0, abs=0.25)
    assert np.array_equal(model.predict(X), model.estimator_.predict(X))


def test_the_spread_of_draws_is_scaled_with_the_noise():
    X, y = values()
    members = ensemble(DeepEnsembleRegressor, max_epochs=10)
    model = CalibratedRegressor(members, folds=None, random_state=0).fit(X, y)
    ours, theirs = model.predictive(X), model.estimator_.predictive(X)
    sample, s = ("chain", "draw"), model.factor_
    np.testing.assert_allclose(ours["sigma"], s * theirs["sigma"])
    np.testing.assert_allclose(ours["expected"].std(sample), s * theirs["expected"].std(sample), rtol=1e-9)
    np.testing.assert_allclose(ours["expected"].mean(sample), theirs["expected"].mean(sample), rtol=1e-12)
    # On the rows set aside the mean and standard deviation are right on average.
    mean, sd = mean_and_sd(model.estimator_, rows_of(X[model.holdout_rows_]))
    assert np.mean(((y[model.holdout_rows_] - mean) / (s * sd)) ** 2) == pytest.approx(1.0)


@pytest.mark.slow
def test_every_draw_of_classes_is_tempered():
    X, y = classes()
    model = CalibratedClassifier(ensemble(DeepEnsembleClassifier, max_epochs=10), random_state=0).fit(X, y)
    theirs = model.estimator_.predict_draws(X).values
    np.testing.assert_allclose(model.predict_draws(X), tempered(theirs, model.temperature_), rtol=1e-12)
    assert model.predict_draws(X).sizes["draw"] == 3


def test_calibration_sees_no_row_the_estimator_learned_from(monkeypatch):
    seen = []
    learn = MLPRegressor._learn

    def listening(self, rows, **others):
        seen.append(rows.X)
        return learn(self, rows, **others)

    monkeypatch.setattr(MLPRegressor, "_learn", listening)
    X, y = values()
    groups = np.repeat(np.arange(20), 20)
    model = CalibratedRegressor(perceptron(MLPRegressor, (4,), max_epochs=3), folds=None, random_state=0).fit(
        X, y, groups
    )
    assert len(seen) == 1
    assert len(seen[0]) + len(model.holdout_rows_) == 400
    assert not (seen[0][:, None] == X[model.holdout_rows_]).all(axis=2).any()
    assert not set(groups[model.holdout_rows_]) & set(np.delete(groups, model.holdout_rows_))


def test_a_class_only_among_the_rows_set_aside_gets_no_probability():
    X, y = classes(200)
    groups = np.where(y == "tuff", "far", np.where(X[:, 0] > 0, "east", "west"))
    for seed in range(10):
        model = CalibratedClassifier(NaiveBayes(), folds=None, random_state=seed).fit(X, y, groups)
        if "tuff" not in model.estimator_.classes_:
            break
    p = model.predict_proba(X)
    assert model.classes_.tolist() == ["sand", "shale", "tuff"]
    assert (p[:, 2] == 0).all()
    np.testing.assert_allclose(p.sum(axis=1), 1.0)


@pytest.mark.slow
def test_the_search_for_the_temperature_holds_few_draws(monkeypatch):
    X, y = classes()
    model = CalibratedClassifier(NaiveBayes(), random_state=0).fit(X, y)
    members = ensemble(DeepEnsembleClassifier, members=6, max_epochs=5)
    monkeypatch.setattr("bayesgeo._arrays.BUDGET", 40_000)
    thin = CalibratedClassifier(members, random_state=0).fit(X, y)
    assert thin._thinned(thin.estimator_, rows_of(X[:80]), 80).shape == (1, 3, 80, 3)
    assert thin._thinned(thin.estimator_, rows_of(X[:80]), 160).shape == (1, 2, 80, 3)
    assert model._thinned(model.estimator_, rows_of(X[:3]), 3).shape == (1, 1, 3, 3)


def test_the_kind_is_that_of_the_estimator_inside():
    assert CalibratedClassifier.kind == "deterministic"
    X, y = values(60)
    bayesian = BayesianMLPRegressor((4,), inference=FakePosterior(draws=20))
    model = CalibratedRegressor(bayesian, random_state=0)
    assert model.kind == "Bayesian"
    assert model.fit(X, y).kind == "Bayesian"
    assert model.predict_draws(X).sizes["draw"] == 20
    assert catalog.model("calibrated", "regression").kind == "deterministic"


@pytest.mark.slow
def test_the_default_is_a_perceptron_with_the_seed_of_the_whole():
    X, y = classes(100)
    models = [CalibratedClassifier(random_state=4).fit(X, y) for _ in range(2)]
    assert type(models[0].estimator_) is MLPClassifier
    assert np.array_equal(models[0].predict_proba(X), models[1].predict_proba(X))


@pytest.mark.parametrize(
    ("calibrated", "inside", "data", "learned"),
    [
        (CalibratedClassifier, TooSure, classes, "temperature_"),
        (CalibratedRegressor, TooNarrow, values, "factor_"),
    ],
)
def test_every_row_is_judged_and_learned_from_by_default(calibrated, inside, data, learned):
    X, y = data(600)
    groups = np.repeat(np.arange(30), 20)
    model = calibrated(inside(), random_state=0).fit(X, y, groups)
    assert model.holdout_rows_.tolist() == list(range(600))
    assert getattr(model, learned) == pytest.approx(3.0, rel=0.25)
    whole = inside(random_state=model.seed_).fit(X, y, groups)
    np.testing.assert_allclose(model.estimator_.predict_draws(X), whole.predict_draws(X), rtol=1e-12)


@pytest.mark.slow
def test_folds_know_the_temperature_better_than_one_part():
    parts, folds = [], []
    for seed in range(12):
        data = classes(300, seed)
        for found, settings in ((parts, {"folds": None}), (folds, {})):
            found.append(
                np.log(CalibratedClassifier(TooSure(), random_state=0, **settings).fit(*data).temperature_ / 3)
            )
    # Five times the rows: 2.2 times nearer.
    assert np.mean(np.square(folds)) < 0.5 * np.mean(np.square(parts))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"holdout": 0.0}, r"Invalid holdout 0\.0\. It must be in \(0, 1\)"),
        ({"folds": 1}, r"Invalid folds 1\. At least two folds are needed"),
        ({"folds": 2.5}, r"Invalid folds 2\.5\. It must be a whole number above zero"),
        ({"holdout": 1.5}, r"Invalid holdout 1\.5\. It must be in \(0, 1\)"),
        ({"estimator": MLPClassifier()}, r"Invalid estimator 'MLPClassifier'\. It is not a regressor"),
        ({"estimator": "mlp"}, r"Invalid estimator 'str'\. It is neither a model of bayesgeo nor"),
    ],
)
def test_a_setting_that_cannot_be_used_is_refused_in_fit(settings, message):
    model = CalibratedRegressor(**settings)
    with pytest.raises(ValueError, match=message):
        model.fit(*values(50))
