"""What the nested networks find in data that need a line, an input, or fewer rows than there are."""

import numpy as np
import pytest

from bayesgeo.inference.mclmc import MCLMC
from bayesgeo.models.networks.bayesian_mlp import BayesianMLPClassifier, BayesianMLPRegressor
from bayesgeo.models.regression.linear import BayesianLinearRegression
from tests.problems import problem_of

pytestmark = pytest.mark.slow
SHORT = MCLMC(draws=50, chains=4, max_steps=3000)
settings = {"hidden": (8,), "noise": "constant", "inference": SHORT, "random_state": 0}
SEEDS = pytest.mark.parametrize("seed", [0, 1])


@SEEDS
def test_inputs_that_do_not_matter_lose_their_relevance(seed):
    rng = np.random.default_rng(seed)
    X = rng.uniform(-1, 1, size=(200, 4))
    y = np.sin(3 * X[:, 0]) + 0.1 * rng.normal(size=200)
    model = BayesianMLPRegressor(relevance="learned", **settings).fit(X, y)
    relevance = model.posterior_["posterior"]["relevance"].mean(("chain", "draw")).values
    # The prior mean is 0.8; noise of a tenth over 200 rows hides no slope of more than a few hundredths.
    assert relevance[0] > 0.4
    assert (relevance[1:] < 0.2).all()


@SEEDS
def test_linear_data_are_predicted_as_by_linear_regression(seed):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(150, 2))
    y = 1 + X @ [1.0, -0.5] + 0.3 * rng.normal(size=150)
    model = BayesianMLPRegressor(relevance="learned", **settings).fit(X, y)
    nested, line = (m.predict_draws(X) for m in (model, BayesianLinearRegression(random_state=0).fit(X, y)))
    apart = nested.mean(("chain", "draw")) - line.mean(("chain", "draw"))
    # The line lies within what the network leaves open, and far closer on average than the rows' own noise.
    assert (np.abs(apart) < 2 * nested.std(("chain", "draw"))).all()
    assert float(np.sqrt((apart**2).mean())) < 0.3 * 0.3
    # A network costs less than the six parameters of a unit with two inputs: its functions are hardly wider.
    assert float(nested.var(("chain", "draw")).mean()) < 3 * float(line.var(("chain", "draw")).mean())


def alike(seed, *, copies):
    """Return rows of 30 groups: each ten times the same but for little noise, or all independent."""
    rng = np.random.default_rng(seed)
    groups = np.repeat(np.arange(30), 10)
    if not copies:
        X = rng.normal(size=(300, 2))
        return X, X[:, 0] + 0.5 * np.sin(2 * X[:, 1]) + rng.normal(size=300), groups
    once = rng.normal(size=(30, 2))
    value = once[:, 0] + 0.5 * np.sin(2 * once[:, 1]) + rng.normal(size=30)
    return once[groups] + 0.02 * rng.normal(size=(300, 2)), value[groups] + 0.05 * rng.normal(size=300), groups


@SEEDS
@pytest.mark.parametrize("copies", [True, False])
def test_rows_that_copy_their_group_count_as_fewer(seed, copies):
    X, y, groups = alike(seed, copies=copies)
    model = BayesianMLPRegressor(relevance="learned", **settings).fit(X, y, groups)
    power = model.posterior_.attrs["likelihood_power"]
    assert power == (0.3 if copies else 1.0)
    assert ("raised to the power 0.3" in model.specification().likelihood) == copies


def test_classes_that_copy_their_group_count_as_fewer():
    X, y, groups = alike(0, copies=True)
    model = BayesianMLPClassifier((8,), inference=MCLMC(draws=50, chains=6, max_steps=3000), random_state=0)
    model.fit(X, np.where(y > 0, "high", "low"), groups)
    assert model.posterior_.attrs["likelihood_power"] < 1
    assert "generalised Bayes" in model.specification(("high", "low")).likelihood


@pytest.mark.parametrize(
    ("model", "groups", "wanted"),
    [
        (BayesianMLPRegressor(), None, [((), 1.0), (("signed_relevance",), 1.0)]),
        (BayesianMLPRegressor(relevance="learned"), None, [((), 1.0)]),
        (BayesianMLPRegressor(relevance="equal"), np.arange(60) // 2, [((), 1.0), ((), 0.3)]),
        (BayesianMLPRegressor(relevance="equal", tempered=False), np.arange(60) // 2, [((), 1.0)]),
        # Groups of one row each say nothing of rows that are alike.
        (BayesianMLPRegressor(relevance="equal"), np.arange(60), [((), 1.0)]),
        (BayesianMLPClassifier(), np.arange(60) // 2, [((), 1.0), ((), 0.3), ((), 0.1)]),
        (BayesianMLPClassifier(), None, [((), 1.0)]),
    ],
)
def test_the_held_out_rows_choose_among_the_stated_variants(model, groups, wanted):
    X = np.random.default_rng(0).normal(size=(60, 2))
    y = X[:, 0] > 0 if isinstance(model, BayesianMLPClassifier) else X[:, 0]
    found = problem_of(model, X, y, groups).variants
    assert [(variant.fixed, variant.power) for variant in found] == wanted
