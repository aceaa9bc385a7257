"""Conformal sets have the requested coverage, for any model inside."""

import numpy as np
import pytest
from scipy import stats
from sklearn.dummy import DummyRegressor
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LinearRegression
from sklearn.naive_bayes import GaussianNB

from bayesgeo.models.baselines import MajorityClassifier
from bayesgeo.models.networks.ensemble import DeepEnsembleRegressor
from bayesgeo.models.wrappers.conformal import ConformalClassifier, ConformalRegressor
from bayesgeo.models.wrappers.sklearn import SklearnClassifier, SklearnModelRegressor
from tests.models.small import ensemble

REPEATS, N = 100, 60


class Line(SklearnModelRegressor):
    def _build(self):
        return LinearRegression()

    def _learn(self, rows):
        self.estimator_, self.sigma_ = self._build().fit(rows.X, rows.y), 1.0


class Constant(Line):
    def _build(self):
        return DummyRegressor()


METHODS = pytest.mark.parametrize("method", ["least", "adaptive"])


def classes(rng, n):
    X = rng.normal(size=(n, 2))
    logits = np.c_[X, -X.sum(axis=1)]
    return X, np.array(["sand", "shale", "tuff"])[(logits + rng.gumbel(size=logits.shape)).argmax(axis=1)]


def values(rng, n):
    X = rng.normal(size=(n, 2))
    return X, 50 + 5 * X[:, 0] ** 2 + 3 * rng.standard_t(3, size=n)


def band(coverage, n_scores, hits):
    """Assert that hits are what exchangeable rows give: one new row a repetition, 99 % binomial band."""
    # The rank of a new score among n + 1 is uniform: exactly this often, if no two scores are equal.
    exact = np.ceil(round((n_scores + 1) * coverage, 9)) / (n_scores + 1)
    low, high = stats.binom.interval(0.99, len(hits), exact)
    assert exact >= coverage
    assert low <= np.sum(hits) <= high


@pytest.mark.slow
@pytest.mark.parametrize("coverage", [0.5, 0.9])
@pytest.mark.parametrize("inside", [Line, Constant])
def test_intervals_hold_the_value_as_often_as_asked_though_the_model_is_wrong(inside, coverage):
    rng, hits = np.random.default_rng(0), []
    for seed in range(REPEATS):
        X, y = values(rng, N + 1)
        model = ConformalRegressor(inside(), holdout=0.5, random_state=seed).fit(X[:N], y[:N])
        low, high = model.predict_interval(X[N:], coverage)[0]
        hits.append(low <= y[N] <= high)
    band(coverage, len(model.scores_), hits)


@pytest.mark.slow
@METHODS
def test_sets_hold_the_class_as_often_as_asked(method):
    rng, hits, sizes = np.random.default_rng(1), [], []
    for seed in range(REPEATS):
        X, y = classes(rng, N + 1)
        model = ConformalClassifier(SklearnClassifier(GaussianNB()), method=method, holdout=0.5, random_state=seed)
        held = model.fit(X[:N], y[:N]).predict_set(X[N:], 0.8)[0]
        hits.append(held[model.classes_ == y[N]].item())
        sizes.append(held.sum())
    # The score of the least probable class is one whatever the row: equal scores only ever add.
    if method == "least":
        band(0.8, len(model.scores_), hits)
    assert np.sum(hits) >= stats.binom.ppf(0.005, REPEATS, 0.8)
    assert 1 < np.mean(sizes) < 3


def test_adaptive_sets_are_larger_where_classes_are_less_sure():
    rng = np.random.default_rng(2)
    X, y = classes(rng, 2000)
    model = ConformalClassifier(SklearnClassifier(GaussianNB()), method="adaptive", random_state=0).fit(X, y)
    p, size = model.predict_proba(X).max(axis=1), model.predict_set(X, 0.8).sum(axis=1)
    assert size[p < 0.5].mean() > size[p > 0.8].mean() + 0.5
    # A more probable class is never left out for a less probable one.
    order = np.argsort(-model.predict_proba(X), axis=1)
    held = np.take_along_axis(model.predict_set(X, 0.8), order, axis=1).astype(int)
    assert (np.diff(held, axis=1) <= 0).all()


@METHODS
def test_sets_grow_with_the_coverage(method):
    X, y = classes(np.random.default_rng(3), 300)
    model = ConformalClassifier(SklearnClassifier(GaussianNB()), method=method, random_state=0).fit(X, y)
    few, many = (model.predict_set(X, coverage) for coverage in (0.6, 0.95))
    assert few.shape == (300, 3)
    assert few.dtype == bool
    assert (few <= many).all()
    assert few.sum() < many.sum()


@pytest.mark.slow
def test_intervals_are_wider_where_the_draws_are():
    rng = np.random.default_rng(4)
    X, y = values(rng, 300)
    model = ConformalRegressor(
        ensemble(DeepEnsembleRegressor, hidden=(16,), members=4, max_epochs=40), random_state=0
    ).fit(X, y)
    inside, outside = (np.diff(model.predict_interval(rows, 0.9)).mean() for rows in (X, 4 * X))
    assert outside > 1.2 * inside
    ends = model.predict_interval(X, 0.9)
    np.testing.assert_allclose(ends.mean(axis=1), model.predict(X), rtol=1e-9)


def test_draws_are_those_of_the_estimator_inside():
    X, y = values(np.random.default_rng(5), 100)
    model = ConformalRegressor(Line(), random_state=0).fit(X, y)
    np.testing.assert_allclose(model.predict_draws(X), model.estimator_.predict_draws(X), rtol=1e-12)


def test_too_few_rows_set_aside_promise_nothing():
    rng = np.random.default_rng(6)
    X, y = values(rng, 20)
    model = ConformalRegressor(Line(), holdout=0.25, random_state=0).fit(X, y)
    assert len(model.scores_) == 5
    assert np.isinf(model.predict_interval(X, 0.9)).all()
    assert np.isfinite(model.predict_interval(X, 5 / 6)).all()
    X, y = classes(rng, 20)
    assert ConformalClassifier(MajorityClassifier(), random_state=0).fit(X, y).predict_set(X, 0.99).all()


@pytest.mark.parametrize("coverage", [0.0, 1.0, 90])
def test_a_coverage_that_is_no_probability_is_refused(coverage):
    X, y = values(np.random.default_rng(7), 40)
    model = ConformalRegressor(Line(), random_state=0).fit(X, y)
    with pytest.raises(ValueError, match=r"Invalid coverage .*\. It must be in \(0, 1\)\. Give coverage=0\.9"):
        model.predict_interval(X, coverage)


def test_an_unknown_method_and_a_model_not_fitted_are_refused():
    X, y = classes(np.random.default_rng(8), 40)
    with pytest.raises(ValueError, match=r"Invalid method 'lac'\. It is not known"):
        ConformalClassifier(method="lac").fit(X, y)
    with pytest.raises(NotFittedError, match="not fitted yet"):
        ConformalClassifier().predict_set(X)
