"""A deep ensemble is its members, side by side as draws."""

import numpy as np
import pytest

from bayesgeo._progress import listening
from bayesgeo.models.networks.ensemble import DeepEnsembleClassifier, DeepEnsembleRegressor
from bayesgeo.models.networks.mlp import MLPClassifier, MLPRegressor
from tests.models.small import ensemble, perceptron

QUICK = {"hidden": (8,), "max_epochs": 15, "random_state": 3}
MEMBERS = 3
BOTH = pytest.mark.parametrize(
    ("kind", "single"),
    [(DeepEnsembleClassifier, MLPClassifier), (DeepEnsembleRegressor, MLPRegressor)],
    ids=["classification", "regression"],
)


def rows(kind, n=80):
    rng = np.random.default_rng(0)
    X = rng.uniform(-1, 1, size=(n, 2))
    y = 10.0 + 3.0 * np.sin(3 * X[:, 0]) + 0.3 * rng.normal(size=n)
    return X, np.where(y > 10, "shale", "sand") if kind is DeepEnsembleClassifier else y


@pytest.fixture(scope="module")
def ensembles():
    kinds = (DeepEnsembleClassifier, DeepEnsembleRegressor)
    return {kind: ensemble(kind, members=MEMBERS, **QUICK).fit(*rows(kind)) for kind in kinds}


@BOTH
def test_each_draw_is_a_member_trained_from_its_own_seed(kind, single, ensembles):
    X, y = rows(kind)
    draws = ensembles[kind].predict_draws(X)
    assert (draws.sizes["chain"], draws.sizes["draw"]) == (1, MEMBERS)
    seeds = np.random.SeedSequence(ensembles[kind].seed_).generate_state(MEMBERS)
    for k, seed in enumerate(seeds):
        member = perceptron(single, **QUICK | {"random_state": int(seed)}).fit(X, y)
        assert all(
            np.array_equal(values, ensembles[kind].weights_[name][0, k]) for name, values in member.weights_.items()
        )
        # Products of stacked matrices may round otherwise.
        np.testing.assert_allclose(draws.isel(draw=[k]), member.predict_draws(X), rtol=1e-12)
        if kind is DeepEnsembleRegressor:
            sigma = ensembles[kind].predictive(X)["sigma"].isel(draw=[k])
            np.testing.assert_allclose(sigma, member.predictive(X)["sigma"], rtol=1e-12)
            assert ensembles[kind].sigma_[k] == pytest.approx(member.sigma_[0], rel=1e-12)


@pytest.mark.parametrize("noise", ["constant", "student-t"])
def test_the_noise_of_a_draw_is_that_of_its_member(noise):
    X, y = rows(DeepEnsembleRegressor)
    several = ensemble(DeepEnsembleRegressor, members=2, noise=noise, **QUICK).fit(X, y)
    for k, seed in enumerate(np.random.SeedSequence(several.seed_).generate_state(2)):
        member = perceptron(MLPRegressor, noise=noise, **QUICK | {"random_state": int(seed)}).fit(X, y)
        assert all(np.array_equal(values, several.weights_[name][0, k]) for name, values in member.weights_.items())
        for name in member.noise_:
            np.testing.assert_allclose(several.noise_[name][:, [k]], member.noise_[name], rtol=1e-12)


@BOTH
def test_members_differ_and_more_where_there_are_no_rows(kind, single, ensembles):
    X, _ = rows(kind)
    inside, outside = (ensembles[kind].predict_draws(4 * scale * X).std("draw") for scale in (0.25, 2.0))
    assert (inside.values > 0).all()
    if kind is DeepEnsembleRegressor:
        assert float(outside.mean()) > 2 * float(inside.mean())


@BOTH
def test_the_first_members_of_a_larger_ensemble_are_the_smaller_one(kind, single, ensembles):
    X, y = rows(kind)
    smaller = ensemble(kind, members=2, **QUICK).fit(X, y)
    for name, weights in smaller.weights_.items():
        assert np.array_equal(weights, ensembles[kind].weights_[name][:, :2])


@BOTH
def test_weights_and_losses_are_stacked_by_member(kind, single, ensembles):
    model = ensembles[kind]
    assert model.weights_["weight_1"].shape == (1, MEMBERS, 8, 2)
    assert model.weights_["bias_0"].shape == (1, MEMBERS, 8)
    assert dict(model.curve_.sizes) == {"draw": MEMBERS, "epoch": QUICK["max_epochs"]}
    assert model.curve_["validation"].notnull().all()


def test_losses_of_a_member_that_stopped_early_are_missing_not_made_up():
    rng = np.random.default_rng(1)
    X = rng.normal(size=(60, 2))
    model = ensemble(DeepEnsembleRegressor, hidden=(4,), members=3, max_epochs=300, random_state=0).fit(
        X, rng.normal(size=60)
    )
    n_epochs = model.curve_["training"].notnull().sum("epoch").values
    assert model.curve_.sizes["epoch"] == n_epochs.max() < 300
    assert len(set(n_epochs)) > 1


def test_the_response_is_a_mixture_of_the_members_noises(ensembles):
    X, _ = rows(DeepEnsembleRegressor, n=20)
    model = ensembles[DeepEnsembleRegressor]
    expected, response = (model.predict_draws(X, kind=kind) for kind in ("expected", "response"))
    n_draws = response.sizes["chain"] * response.sizes["draw"]
    assert n_draws >= 1000
    total = expected.var(("chain", "draw")) + (model.predictive(X)["sigma"] ** 2).mean(("chain", "draw"))
    # A variance of n draws of nearly normal values is known to one part in sqrt(n / 2); 20 rows at 5 of these.
    ratio = (response.var(("chain", "draw")) / total).values
    assert (np.abs(ratio - 1) < 5 * np.sqrt(2 / n_draws)).all()


@BOTH
def test_whole_groups_decide_when_a_member_stops(kind, single):
    X, y = rows(kind)
    groups = np.repeat(["a", "b", "c", "d"], 20)
    with_groups, without = (ensemble(kind, members=2, **QUICK).fit(X, y, part) for part in (groups, None))
    assert not np.array_equal(with_groups.weights_["weight_0"], without.weights_["weight_0"])


def test_members_are_trained_at_once():
    heard = []
    with listening(lambda phase, numbers: heard.append(numbers["epoch"])):
        ensemble(DeepEnsembleRegressor, members=3, noise="constant", **QUICK).fit(*rows(DeepEnsembleRegressor))
    assert heard == list(range(1, QUICK["max_epochs"] + 1))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"members": 0}, r"Invalid members 0\. It must be a whole number above zero"),
        ({"members": 2.5}, r"Invalid members 2\.5\. It must be a whole number above zero"),
        ({"activation": "sliu"}, r"Invalid activation 'sliu'\. It is not known\. Did you mean 'silu'"),
        ({"hidden": (0,)}, r"Invalid hidden 0\. It must be a whole number above zero"),
        ({"dropout": 0.1, "draws": 3}, r"Invalid draws 3\. The members are the draws"),
        ({"norm": "btach"}, r"Invalid norm 'btach'\. .* Did you mean 'batch'"),
    ],
)
def test_a_setting_that_cannot_be_used_is_refused_in_fit_not_before(settings, message):
    model = ensemble(DeepEnsembleRegressor, **settings)
    with pytest.raises(ValueError, match=message):
        model.fit(*rows(DeepEnsembleRegressor))
