"""Conformal intervals by place and by group hold what they promise, and equal weights are the plain ones."""

import numpy as np
import pytest
from scipy import stats
from sklearn.dummy import DummyRegressor
from sklearn.naive_bayes import GaussianNB

from bayesgeo._check import InvalidInput
from bayesgeo.models.wrappers.conformal import ConformalClassifier, ConformalRegressor
from bayesgeo.models.wrappers.sklearn import SklearnClassifier, SklearnModelRegressor
from bayesgeo.models.wrappers.weighting import limits_by_distance, weighted_limits


class Constant(SklearnModelRegressor):
    """The mean of the training values, with a stated deviation of one."""

    def _build(self):
        return DummyRegressor()

    def _learn(self, rows):
        self.estimator_, self.sigma_ = self._build().fit(rows.X, rows.y), 1.0


@pytest.mark.parametrize("coverage", [0.3, 0.5, 0.9, 10 / 11, 0.95])
def test_equal_weights_are_the_rank_of_plain_conformal_prediction(coverage: float) -> None:
    scores = np.sort(np.random.default_rng(0).random(10))
    rank = int(np.ceil(round(11 * coverage, 9)))
    expected = scores[rank - 1] if rank <= 10 else np.inf
    assert float(weighted_limits(scores, np.ones(10), coverage)) == expected
    # Weights of whole numbers are rows counted as often, but for the new row, which counts once.
    twice = weighted_limits(np.repeat(scores, 2), np.ones(20), coverage)
    assert float(weighted_limits(scores, np.full(10, 2.0), coverage)) == float(twice)


def test_the_nearest_rows_alone_count_and_all_where_they_are_few() -> None:
    rng = np.random.default_rng(1)
    places, scores, asked = rng.random((40, 2)), np.sort(rng.random(40)), rng.random((25, 2))
    found = limits_by_distance(scores, places, asked, neighbours=9, coverage=0.8)
    near = np.argsort(np.linalg.norm(asked[:, None] - places, axis=2), axis=1)[:, :9]
    assert found.tolist() == np.sort(scores[near], axis=1)[:, 7].tolist()  # eight of nine and the new one
    whole = limits_by_distance(scores, places, asked, neighbours=100, coverage=0.8)
    assert whole.tolist() == [float(weighted_limits(scores, np.ones(40), 0.8))] * 25
    assert np.isinf(limits_by_distance(scores, places, asked, neighbours=3, coverage=0.8)).all()


def test_many_places_are_asked_for_in_parts(monkeypatch) -> None:
    rng = np.random.default_rng(2)
    given = rng.random(40), rng.random((40, 2)), rng.random((25, 2))
    whole = limits_by_distance(*given, neighbours=10, coverage=0.8)
    monkeypatch.setattr("bayesgeo.models.wrappers.weighting.BUDGET", 100)
    assert limits_by_distance(*given, neighbours=10, coverage=0.8).tolist() == whole.tolist()


def field(rng, n):
    """Return rows of which those in the east err five times as much."""
    places = {"easting": rng.uniform(0, 10, n), "northing": rng.uniform(0, 10, n)}
    sd = np.where(places["easting"] > 5, 5.0, 1.0)
    return rng.normal(size=(n, 1)), sd * rng.normal(size=n), places


def test_intervals_by_distance_cover_each_half_of_a_field_whose_noise_differs() -> None:
    rng = np.random.default_rng(3)
    (X, y, places), (new, true, at) = field(rng, 1500), field(rng, 4000)
    east, covered = at["easting"] > 5, {}
    for weighting in ("none", "distance"):
        model = ConformalRegressor(Constant(), weighting=weighting, holdout=0.5, random_state=0)
        low, high = model.fit(X, y, coordinates=places).predict_interval(new, 0.9, coordinates=at).T
        held = (low <= true) & (true <= high)
        covered[weighting] = held[east].mean(), held[~east].mean()
    # 46 of 51 is .902; a limit of 50 rows covers with a deviation of .042, half of it averaged out over 15
    # neighbourhoods in each half: .01; along the border, a seventh of each half, the other half's rows count too.
    assert covered["distance"] == pytest.approx((0.9, 0.9), abs=0.045)
    assert covered["none"][0] < 0.85
    assert covered["none"][1] > 0.99


@pytest.mark.slow
def test_intervals_by_group_hold_rows_of_new_groups_as_often_as_asked() -> None:
    # Large groups err more: rows of the many small ones alone would not tell.
    hits = {"none": [], "group": []}
    for seed in range(120):
        rng = np.random.default_rng(seed)
        sizes = rng.choice([2, 60], size=30, p=[0.7, 0.3])
        spread = np.where(sizes > 2, 1.0, 4.0)
        codes = np.repeat(np.arange(30), sizes)
        y = spread[codes] * rng.normal(size=30)[codes] + 0.3 * rng.normal(size=len(codes))
        new = rng.choice([1.0, 4.0], p=[0.3, 0.7]) * rng.normal() + 0.3 * rng.normal()
        X = np.zeros((len(codes), 1))
        for weighting, found in hits.items():
            model = ConformalRegressor(Constant(), weighting=weighting, holdout=0.5, random_state=seed)
            low, high = model.fit(X, y, codes).predict_interval(np.zeros((1, 1)), 0.8)[0]
            found.append(low <= new <= high)
    assert np.sum(hits["group"]) >= stats.binom.ppf(0.005, 120, 0.8)
    assert np.sum(hits["none"]) < np.sum(hits["group"]) - 10


def test_too_few_groups_promise_nothing() -> None:
    rng = np.random.default_rng(4)
    codes = np.repeat(np.arange(10), 20)
    model = ConformalRegressor(Constant(), weighting="group", holdout=0.5, random_state=0)
    model.fit(np.zeros((200, 1)), rng.normal(size=200), codes)
    assert np.isinf(model.predict_interval(np.zeros((1, 1)), 0.9)).all()
    assert np.isfinite(model.predict_interval(np.zeros((1, 1)), 0.8)).all()


def test_sets_by_distance_follow_the_neighbourhood() -> None:
    rng = np.random.default_rng(5)
    easting = rng.uniform(0, 10, 1200)
    X = rng.normal(size=(1200, 1))
    sure = rng.random(1200) < np.where(easting > 5, 0.6, 0.98)
    y = np.where(sure, X[:, 0] > 0, X[:, 0] <= 0).astype(int)
    places = {"easting": easting, "northing": np.zeros(1200)}
    model = ConformalClassifier(SklearnClassifier(GaussianNB()), weighting="distance", holdout=0.5, random_state=0)
    held = model.fit(X, y, coordinates=places).predict_set(X, 0.9, coordinates=places)
    assert held[easting > 6].sum(axis=1).mean() > held[easting < 4].sum(axis=1).mean() + 0.3


def test_weightings_that_lack_what_they_need_are_refused_before_any_fit() -> None:
    X, y = np.zeros((40, 1)), np.arange(40.0)
    with pytest.raises(InvalidInput, match=r"Invalid weighting 'group'\. The rows have no groups"):
        ConformalRegressor(Constant(), weighting="group").fit(X, y)
    with pytest.raises(InvalidInput, match=r"Invalid weighting 'distance'\. The rows have no places on a map"):
        ConformalRegressor(Constant(), weighting="distance").fit(X, y)
    with pytest.raises(
        InvalidInput, match=r"Invalid weighting 'distances'\. It is not known\. Did you mean 'distance'"
    ):
        ConformalRegressor(Constant(), weighting="distances").fit(X, y)
    with pytest.raises(InvalidInput, match="Invalid neighbours 0"):
        ConformalRegressor(Constant(), neighbours=0).fit(X, y)
    places = {"easting": np.r_[np.nan, np.arange(39.0)], "northing": np.zeros(40)}
    with pytest.raises(InvalidInput, match=r"Invalid coordinates \('easting', 'northing'\)\. 1 rows have none"):
        ConformalRegressor(Constant(), weighting="distance").fit(X, y, coordinates=places)
