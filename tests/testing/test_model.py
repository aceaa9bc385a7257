"""Each rule of the contract of a model is broken once, and ``check_model`` names it."""

import numpy as np
import pytest

from bayesgeo.models.baselines import LogisticClassifier, RidgeRegressor
from bayesgeo.models.regression.linear import BayesianLinearRegression
from bayesgeo.models.specification import Prior, Specification
from bayesgeo.testing.model import Broken, check_model


class WithoutName(RidgeRegressor):
    name = "two words"


class OfUnknownKind(RidgeRegressor):
    kind = "clever"


class BayesianWithoutPosterior(RidgeRegressor):
    kind = "Bayesian"


class WithoutRule(RidgeRegressor):
    unseen_groups = "guessed"


class OffTheMean(RidgeRegressor):
    def predict(self, X, groups=None, *, coordinates=None):
        return super().predict(X) + 1.0


class Unnormalised(LogisticClassifier):
    def _expected(self, rows):
        return 0.9 * super()._expected(rows)


class ShiftedResponse(RidgeRegressor):
    def respond(self, predictive, rng):
        return super().respond(predictive, rng) + 3.0 * self.sigma_


class Unseeded(RidgeRegressor):
    def _learn(self, rows):
        super()._learn(rows)
        self.shift_ = np.random.default_rng().normal()

    def _expected(self, rows):
        return super()._expected(rows) + self.shift_


class OfGlobalState(RidgeRegressor):
    def _learn(self, rows):
        super()._learn(rows)
        np.random.random()  # noqa: NPY002


class CentredOnItsRows(RidgeRegressor):
    def _expected(self, rows):
        return super()._expected(rows) - rows.X.mean()


class SecretlyGrouped(RidgeRegressor):
    def _expected(self, rows):
        return super()._expected(rows) + (rows.group is not None)


class PopulationInNameOnly(RidgeRegressor):
    unseen_groups = "population"


class RefusesInNameOnly(RidgeRegressor):
    unseen_groups = "refused"


class WithoutLikelihood(RidgeRegressor):
    def specification(self, labels=()):
        return Specification("")


class WithoutPriors(BayesianLinearRegression):
    def specification(self, labels=()):
        return Specification("y ~ Normal(xb, s)", quantities=("coefficient",))


class OfVariablesThatAreNotThere(BayesianLinearRegression):
    def specification(self, labels=()):
        return Specification("y ~ Normal(xb, s)", priors=(Prior("b", "Normal(0, 1)", "Unit."),), effects="slope")


class NotRegistered(RidgeRegressor):
    """Right in all but that no package registers it."""


BROKEN = {
    RidgeRegressor: r"^class: Give an instance",
    WithoutName(): r"^name: .* found 'two words'",
    OfUnknownKind(): r"^kind: .* found 'clever'",
    BayesianWithoutPosterior(): r"^kind: A model derives from Bayesian",
    WithoutRule(): r"^unseen_groups: .* found 'guessed'",
    OffTheMean(): r"^draws: The prediction must be the mean",
    Unnormalised(): r"^draws: Probabilities must add up to one",
    ShiftedResponse(): r"^response: Response draws must have the mean",
    Unseeded(): r"^seeds: The same random_state must give the same draws",
    OfGlobalState(): r"^seeds: NumPy's global random state was changed",
    CentredOnItsRows(): r"^parts: Draws of a row must be the same",
    SecretlyGrouped(): r"^groups: unseen_groups is 'ignored', but predictions depend",
    PopulationInNameOnly(): r"^groups: unseen_groups is 'population', but a known group",
    RefusesInNameOnly(): r"^groups: unseen_groups is 'refused', but a group",
    WithoutLikelihood(): r"^specification: .* with a likelihood",
    WithoutPriors(): r"^specification: A Bayesian model states its priors",
    OfVariablesThatAreNotThere(): r"^specification: specification\(\) names \['slope'\]",
    NotRegistered(): r"^storage: NotRegistered cannot be loaded again",
}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("model", "message"), BROKEN.items(), ids=[getattr(m, "__name__", type(m).__name__) for m in BROKEN]
)
def test_a_broken_rule_is_named(model, message):
    with pytest.raises(Broken, match=message):
        check_model(model, sklearn=False)


@pytest.mark.slow
def test_a_fitted_attribute_without_an_underscore_is_lost_on_disk_and_named(monkeypatch):
    learn, expected = RidgeRegressor._learn, RidgeRegressor._expected

    def _learn(self, rows):
        learn(self, rows)
        self.shift = 1.0

    monkeypatch.setattr(RidgeRegressor, "_learn", _learn)
    monkeypatch.setattr(
        RidgeRegressor, "_expected", lambda self, rows: expected(self, rows) + vars(self).get("shift", 0)
    )
    with pytest.raises(Broken, match=r"^storage: A loaded model must predict bit for bit"):
        check_model(RidgeRegressor(), sklearn=False)


@pytest.mark.slow
@pytest.mark.parametrize("model", [RidgeRegressor(), LogisticClassifier(), BayesianLinearRegression()])
def test_our_models_keep_the_contract(model):
    check_model(model, sklearn=False)
