"""Estimators of scikit-learn go where models go, and stay as the caller gave them."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.ensemble import BaggingRegressor, RandomForestClassifier, RandomForestRegressor
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeRegressor
from sklearn.utils.validation import check_is_fitted

from bayesgeo import evaluate, split
from bayesgeo.evaluation.evaluate import fit_and_score
from bayesgeo.models.wrappers.calibrated import CalibratedClassifier
from bayesgeo.models.wrappers.conformal import ConformalRegressor
from bayesgeo.models.wrappers.sklearn import SklearnClassifier, SklearnRegressor, as_model, seeded
from tests.tables import events, shaking


def scored(estimator, data):
    return evaluate(estimator, data, split(data, folds=3))


def test_a_forest_is_evaluated_and_stays_unfitted_with_its_own_seed():
    forest = RandomForestClassifier(10, random_state=3)
    metrics = scored(forest, events())["metrics"].to_dataset()["value"]
    assert float(metrics.sel(metric="log_loss")) < np.log(2)
    assert forest.random_state == 3
    with pytest.raises(NotFittedError, match="is not fitted yet"):
        check_is_fitted(forest)


def test_the_seed_that_an_estimator_has_is_the_one_it_is_fitted_with():
    data = events()
    found = fit_and_score(RandomForestClassifier(10, random_state=3), data, split(data, folds=3))
    inner = RandomForestClassifier(10, random_state=3).fit(data.X.values, data.y.values)
    assert found.model.estimator_.random_state == 3
    assert np.array_equal(found.model.predict_proba(data.X), inner.predict_proba(data.X.values))


@pytest.mark.slow
def test_an_estimator_without_a_seed_gets_one_and_gives_the_same_scores_again():
    first, second = (scored(RandomForestClassifier(10), events())["metrics"].to_dataset() for _ in range(2))
    assert first.identical(second)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("estimator", "data"),
    [
        (make_pipeline(StandardScaler(), LogisticRegression()), events()),
        (make_pipeline(StandardScaler(), LogisticRegression()), events(n_labels=3)),
        (make_pipeline(StandardScaler(), Ridge()), shaking()),
        (RandomForestRegressor(10), shaking()),
    ],
    ids=["classifying pipeline", "of three classes", "regressing pipeline", "regressor"],
)
def test_pipelines_and_regressors_are_evaluated(estimator, data):
    tree = scored(estimator, data)
    assert np.isfinite(tree["metrics"]["value"].sel(metric="log_score"))
    assert tree["diagnostics"].attrs["verdict"] == "not applicable"


def test_the_noise_of_a_regressor_is_its_error_on_rows_held_out():
    data = shaking(n=400)
    model = SklearnRegressor(LinearRegression(), random_state=0).fit(data.X, data.y.values)
    # The simulated noise is 0.5; its standard deviation is known to 1 / sqrt(2 n) = 3.5 %.
    assert model.sigma_ == pytest.approx(0.5, rel=4 * 0.036)


def test_parts_without_a_seed_get_one_and_the_others_keep_theirs():
    pipeline = make_pipeline(StandardScaler(), BaggingRegressor(DecisionTreeRegressor(random_state=4)))
    found = seeded(clone(pipeline), 9).get_params()
    assert found["baggingregressor__random_state"] == 9
    assert found["baggingregressor__estimator__random_state"] == 4


def test_predictions_of_a_seeded_pipeline_are_repeated_by_the_same_random_state():
    data = shaking()
    model = SklearnRegressor(make_pipeline(StandardScaler(), BaggingRegressor(DecisionTreeRegressor(), 3)))
    first, second, other = (
        clone(model).set_params(random_state=seed).fit(data.X, data.y.values).predict(data.X) for seed in (0, 0, 1)
    )
    assert np.array_equal(first, second)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize(
    ("wrapper", "inside", "data"),
    [(CalibratedClassifier, LogisticRegression(), events()), (ConformalRegressor, Ridge(), shaking())],
    ids=["calibrated", "conformal"],
)
def test_what_wraps_models_wraps_estimators_of_scikit_learn(wrapper, inside, data):
    model = wrapper(inside, random_state=0).fit(data.X, data.y.values, data.groups)
    assert type(model.estimator_.estimator_) is type(inside)
    assert model.score(data.X, data.y.values) > 0.7


def test_a_model_of_bayesgeo_is_taken_as_it_is():
    model = SklearnClassifier()
    assert as_model(model) is model


def test_a_classifier_without_probabilities_is_refused_with_the_remedy():
    with pytest.raises(
        ValueError, match=r"'LinearSVC'\. It has no predict_proba\. Give one with it, .*CalibratedClass"
    ):
        scored(LinearSVC(), events())


@pytest.mark.parametrize(
    ("estimator", "name"),
    [(RandomForestClassifier, "RandomForestClassifier"), (StandardScaler(), "StandardScaler"), ("forest", "str")],
    ids=["a class", "a transformer", "text"],
)
def test_what_is_no_instance_of_a_classifier_or_regressor_is_refused(estimator, name):
    message = rf"Invalid estimator '{name}'\. It is neither a model .* Give an instance such as RandomForestClassifier"
    with pytest.raises(ValueError, match=message):
        scored(estimator, events())


def test_an_estimator_for_the_other_task_is_refused():
    with pytest.raises(ValueError, match=r"Invalid estimator 'Ridge'\. The data set is for classification"):
        scored(Ridge(), events())
