"""Each option of the perceptron has its documented effect and no other."""

import numpy as np
import pytest
from scipy import special, stats
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator

from bayesgeo.models.architecture import Network
from bayesgeo.models.networks.bayesian_mlp import BayesianMLPRegressor
from bayesgeo.models.networks.ensemble import DeepEnsembleClassifier, DeepEnsembleRegressor
from bayesgeo.models.networks.mlp import MLPClassifier, MLPRegressor
from bayesgeo.models.storage import load_model, save_model
from bayesgeo.models.training.curves import training_verdict
from tests.fake import FakePosterior
from tests.models.small import ensemble, perceptron

QUICK = {"hidden": (8, 8), "max_epochs": 12, "random_state": 3}
BOTH = pytest.mark.parametrize("kind", [MLPClassifier, MLPRegressor], ids=["classification", "regression"])
OPTIONS = {
    "batch normalisation": {"norm": "batch"},
    "layer normalisation": {"norm": "layer"},
    "dropout": {"dropout": 0.2},
    "thinned networks": {"dropout": 0.2, "draws": 7},
    "another recipe": {"optimiser": "nesterov", "learning_rate": 0.01, "schedule": "cosine", "l1": 1e-4},
    "small batches": {"batch_size": 8, "patience": 3},
    "sparse": {"sparsity": 0.5},
}


def rows(kind, n=120, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.uniform(-1, 1, size=(n, 3)) * [1.0, 10.0, 0.1] + [0.0, 50.0, 0.0]
    y = 100.0 + 30.0 * np.sin(3 * X[:, 0]) + 3.0 * (X[:, 1] - 50) + 3.0 * rng.normal(size=n)
    return X, np.where(y > 100, "shale", "sand") if issubclass(kind, MLPClassifier) else y


@pytest.mark.slow
@BOTH
@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_every_option_learns_and_is_saved_bit_for_bit(kind, options, tmp_path):
    X, y = rows(kind)
    model = perceptron(kind, **QUICK | {"max_epochs": 60} | options).fit(X, y)
    # Constants get at most .6 and 0.
    assert model.score(X, y) > (0.75 if kind is MLPClassifier else 0.5)
    again = load_model(save_model(model, tmp_path / "model"))
    assert again.predict_draws(X).identical(model.predict_draws(X))


@pytest.mark.slow
@BOTH
@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_every_option_changes_the_weights(kind, options):
    X, y = rows(kind)
    plain, other = (perceptron(kind, **QUICK | settings).fit(X, y) for settings in ({}, options))
    shape = plain.weights_["weight_1"].shape
    assert not np.array_equal(other.weights_["weight_1"].reshape(-1, *shape)[0], plain.weights_["weight_1"])


@BOTH
def test_batch_normalisation_leaves_a_plain_network(kind):
    X, y = rows(kind)
    model = perceptron(kind, norm="batch", **QUICK).fit(X, y)
    assert model.network_ == Network(3, (8, 8), 2, "silu")
    assert {name: values.shape for name, values in model.weights_.items()} == model.network_.shapes


@pytest.mark.slow
def test_layer_normalisation_is_the_same_in_every_library():
    import jax.numpy as jnp
    import pytensor
    import pytensor.tensor as pt
    import torch

    model = perceptron(MLPRegressor, norm="layer", **QUICK).fit(*rows(MLPRegressor))
    network, p = model.network_, model.weights_
    assert network.norm == "layer"
    rng = np.random.default_rng(0)
    p = {name: values + 0.1 * rng.normal(size=values.shape) for name, values in p.items()}
    X = rng.normal(size=(6, 3))
    wanted = network.forward(X, p, np)
    h = X
    for k in range(3):
        h = h @ p[f"weight_{k}"] + p[f"bias_{k}"]
        if k < 2:
            z = (h - h.mean(1, keepdims=True)) / np.sqrt(h.var(1, keepdims=True) + 1e-5)
            z = p[f"gain_{k}"] * z + p[f"shift_{k}"]
            h = z * special.expit(z)
    np.testing.assert_allclose(wanted, h, rtol=1e-12)
    plain = pytensor.compile.mode.Mode(linker="py", optimizer=None)
    by_pytensor = network.forward(pt.as_tensor(X), {name: pt.as_tensor(v) for name, v in p.items()}, pt)
    np.testing.assert_allclose(by_pytensor.eval(mode=plain), wanted, rtol=1e-12)
    by_jax = network.forward(jnp.asarray(X), {name: jnp.asarray(v) for name, v in p.items()}, jnp)
    np.testing.assert_allclose(by_jax, wanted, rtol=1e-4, atol=1e-5)
    module = network.to_torch(p)
    np.testing.assert_allclose(module(torch.from_numpy(X)).detach().numpy(), wanted, rtol=1e-12)
    back = network.from_torch(module)
    assert list(back) == list(network.shapes)
    assert all(np.array_equal(back[name], p[name]) for name in p)


@BOTH
def test_each_draw_of_dropout_is_a_network_without_some_units(kind):
    X, y = rows(kind)
    thinned, whole = (perceptron(kind, dropout=0.25, draws=draws, **QUICK).fit(X, y) for draws in (400, None))
    assert thinned.predict_draws(X[:5]).sizes["draw"] == 400
    for name, values in whole.weights_.items():
        found = thinned.weights_[name][0]
        assert found.shape == (400, *values.shape)
        if name in ("weight_1", "weight_2"):
            lost = (found == 0).all(axis=2)
            # 3,200 units: the share has a standard error of .008.
            assert lost.mean() == pytest.approx(0.25, abs=0.04)
            np.testing.assert_allclose(found[~lost], np.broadcast_to(values, found.shape)[~lost] / 0.75, rtol=1e-12)
        else:
            assert (found == values).all()
    assert float(thinned.predict_draws(X).std("draw").mean()) > 0
    fewer = perceptron(kind, dropout=0.25, draws=3, **QUICK).fit(X, y)
    assert np.array_equal(fewer.weights_["weight_0"][0, 0], whole.weights_["weight_0"])


@pytest.mark.slow
def test_the_noise_beside_dropout_draws_makes_up_the_error_on_validation_rows():
    X, y = rows(MLPRegressor, n=400)
    settings = QUICK | {"max_epochs": 100, "noise": "constant"}
    model = perceptron(MLPRegressor, dropout=0.1, draws=200, **settings).fit(X, y)
    aside = model.holdout_rows_
    predictive = model.predictive(X[aside])
    variance = predictive["expected"].var(("chain", "draw")) + model.sigma_**2
    error = np.mean((y[aside] - model.predict(X[aside])) ** 2)
    assert float(variance.mean()) == pytest.approx(error, rel=1e-6)


@BOTH
def test_a_start_goes_on_from_its_own_function(kind):
    X, y = rows(kind)
    start = perceptron(kind, **QUICK).fit(X, y)
    elsewhere = X * 2 + 5
    # Steps too short to move anything: what is left is the start.
    model = perceptron(kind, start=start, **QUICK | {"learning_rate": 1e-12, "weight_decay": 0.0}).fit(elsewhere, y)
    np.testing.assert_allclose(model.predict_draws(X), start.predict_draws(X), rtol=1e-5)
    assert np.array_equal(model.center_, start.center_)
    further = perceptron(kind, start=start, **QUICK).fit(X, y)
    fresh = perceptron(kind, **QUICK).fit(X, y)
    assert float(further.curve_["training"][0]) < float(fresh.curve_["training"][0])


@BOTH
def test_frozen_layers_stay_as_the_start_has_them_and_the_start_is_not_touched(kind):
    X, y = rows(kind)
    start = perceptron(kind, norm="layer", **QUICK).fit(X, y)
    before = {name: values.copy() for name, values in start.weights_.items()}
    model = perceptron(kind, norm="layer", start=start, frozen=1, **QUICK).fit(*rows(kind, seed=1))
    for name in ("weight_0", "bias_0", "gain_0", "shift_0"):
        np.testing.assert_array_equal(model.weights_[name], start.weights_[name])
    for name in ("weight_1", "gain_1", "weight_2"):
        assert (model.weights_[name] != start.weights_[name]).any()
    assert all(np.array_equal(values, before[name]) for name, values in start.weights_.items())


@pytest.mark.slow
def test_fine_tuning_on_few_rows_beats_learning_from_them_alone():
    X, y = rows(MLPRegressor, n=1000)
    start = perceptron(MLPRegressor, hidden=(16, 16), max_epochs=200, random_state=0).fit(X, y)
    few, test = rows(MLPRegressor, n=15, seed=5), rows(MLPRegressor, n=400, seed=6)
    scores = []
    for settings in ({"start": start, "frozen": 1}, {}):
        model = perceptron(MLPRegressor, hidden=(16, 16), random_state=0, **settings).fit(few[0], few[1] + 20.0)
        scores.append(model.score(test[0], test[1] + 20.0))
    assert scores[0] > scores[1] + 0.02


def test_a_start_survives_cloning_when_it_is_frozen():
    X, y = rows(MLPRegressor)
    start = perceptron(MLPRegressor, **QUICK).fit(X, y)
    model = clone(perceptron(MLPRegressor, start=FrozenEstimator(start), **QUICK)).fit(X, y)
    plain = perceptron(MLPRegressor, start=start, **QUICK).fit(X, y)
    assert np.array_equal(model.predict(X), plain.predict(X))
    with pytest.raises(ValueError, match=r"Invalid start 'MLPRegressor'\. It has no weights"):
        clone(plain).fit(X, y)


@pytest.mark.slow
@BOTH
@pytest.mark.parametrize("sparsity", [0.5, 0.9])
def test_pruning_leaves_that_share_of_zeros(kind, sparsity):
    X, y = rows(kind)
    model = perceptron(kind, sparsity=sparsity, **QUICK).fit(X, y)
    weights = np.concatenate([values.ravel() for name, values in model.weights_.items() if name.startswith("weight")])
    assert (weights == 0).sum() == round(sparsity * weights.size)
    assert all((values != 0).all() for name, values in model.weights_.items() if name.startswith("bias"))


@pytest.mark.slow
def test_training_between_the_rounds_mends_what_pruning_broke():
    X, y = rows(MLPRegressor, n=600)
    settings = {"hidden": (32, 32), "max_epochs": 150, "random_state": 0}
    dense = perceptron(MLPRegressor, **settings).fit(X, y)
    sparse = perceptron(MLPRegressor, sparsity=0.8, **settings).fit(X, y)
    at_once = clone(dense).fit(X, y)
    flat = np.concatenate([np.abs(values).ravel() for name, values in dense.weights_.items() if "weight" in name])
    least = np.quantile(flat, 0.8)
    for name, values in at_once.weights_.items():
        at_once.weights_[name] = values * (np.abs(values) >= least) if "weight" in name else values
    test = rows(MLPRegressor, n=600, seed=1)
    broken, mended, whole = (model.score(*test) for model in (at_once, sparse, dense))
    assert broken < mended - 0.05
    assert mended > whole - 0.02


@pytest.mark.slow
@pytest.mark.parametrize("kind", [DeepEnsembleClassifier, DeepEnsembleRegressor])
def test_members_of_an_ensemble_take_the_options_too(kind):
    X, y = rows(MLPClassifier if kind is DeepEnsembleClassifier else MLPRegressor)
    single = MLPClassifier if kind is DeepEnsembleClassifier else MLPRegressor
    options = {"norm": "layer", "dropout": 0.1, "sparsity": 0.5, "optimiser": "adam"}
    several = ensemble(kind, members=2, **QUICK, **options).fit(X, y)
    state = np.random.SeedSequence(several.seed_).generate_state(2)[1]
    alone = perceptron(single, **QUICK | options | {"random_state": int(state)}).fit(X, y)
    assert all(np.array_equal(several.weights_[name][0, 1], values) for name, values in alone.weights_.items())


@pytest.mark.slow
def test_class_weights_move_the_prediction_towards_the_rare_class():
    rng = np.random.default_rng(0)
    y = np.repeat(["blast", "quake"], [40, 360])
    X = rng.normal(size=(400, 2)) + (y == "blast")[:, None]
    settings = {"hidden": (8,), "max_epochs": 60, "random_state": 0}
    plain, balanced, named = (
        perceptron(MLPClassifier, class_weight=weight, **settings).fit(X, y)
        for weight in (None, "balanced", {"blast": 9.0, "quake": 1.0})
    )
    assert plain.predict_proba(X)[:, 0].mean() == pytest.approx(0.1, abs=0.03)
    # Weighted to equal parts, the mean probability over the weighted rows is one half.
    p = balanced.predict_proba(X)[:, 0]
    assert (p[:40].mean() + p[40:].mean()) / 2 == pytest.approx(0.5, abs=0.06)
    assert np.array_equal(named.predict_proba(X), balanced.predict_proba(X))


@BOTH
def test_watched_rows_are_on_the_curve_and_change_nothing(kind):
    X, y = rows(kind)
    test = rows(kind, n=50, seed=1)
    watching, plain = perceptron(kind, **QUICK), perceptron(kind, **QUICK).fit(X, y)
    watching.fit(X, y, test=test)
    assert set(watching.curve_) == {"training", "validation", "test", "best_epoch", "stopped", "constant"}
    assert np.array_equal(watching.predict(X), plain.predict(X))
    loss = float(watching.curve_["test"][int(watching.curve_["best_epoch"])])
    if kind is MLPClassifier:
        p = watching.predict_proba(test[0])[np.arange(50), (test[1] == "shale").astype(int)]
        wanted = -np.log(p).mean()
    else:
        density = watching.log_density(watching.predictive(test[0]), test[1])
        # Of the standardised target, whose density is higher.
        wanted = -float(density.mean()) - np.log(y.std())
    assert loss == pytest.approx(wanted, rel=1e-4)


def test_watched_rows_of_an_unknown_class_are_refused():
    X, y = rows(MLPClassifier)
    with pytest.raises(ValueError, match=r"Invalid test 'salt'\. The training rows have no such class"):
        perceptron(MLPClassifier, **QUICK).fit(X, y, test=(X[:1], ["salt"]))


@BOTH
def test_the_constant_loss_is_that_of_a_model_that_ignores_the_features(kind):
    X, y = rows(kind)
    model = perceptron(kind, **QUICK).fit(X, y)
    aside, rest = model.holdout_rows_, np.setdiff1d(np.arange(len(y)), model.holdout_rows_)
    if kind is MLPClassifier:
        share = {name: np.mean(y[rest] == name) for name in model.classes_}
        wanted = -np.mean([np.log(share[name]) for name in y[aside]])
    else:
        errors = (y[aside] - y[rest].mean()) / y.std()
        wanted = -stats.norm.logpdf(errors, scale=np.sqrt(np.mean(errors**2))).mean()
    assert float(model.curve_["constant"]) == pytest.approx(wanted)


@pytest.mark.slow
def test_a_network_on_noise_underfits_and_one_on_a_signal_does_not():
    X, y = rows(MLPRegressor, n=1000)
    noise = np.random.default_rng(0).normal(size=1000)
    for kind in ("constant", "heteroscedastic", "student-t"):
        curves = [perceptron(MLPRegressor, (16,), noise=kind, random_state=0).fit(X, z).curve_ for z in (noise, y)]
        assert [training_verdict(curve) for curve in curves] == ["underfitting", "fits"]


def test_a_network_with_layer_normalisation_cannot_start_a_bayesian_one_without():
    X, y = rows(MLPRegressor)
    fitted = perceptron(MLPRegressor, norm="layer", **QUICK).fit(X, y)
    with pytest.raises(ValueError, match=r"Invalid start 'MLPRegressor'\. Its features, hidden layers .*'layer'"):
        BayesianMLPRegressor((8, 8), start=fitted, inference=FakePosterior()).fit(X, y)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"norm": "btach"}, r"Invalid norm 'btach'\. It is not known\. Did you mean 'batch'"),
        ({"draws": 10}, r"Invalid draws 10\. Without dropout all draws are the same"),
        ({"draws": 0, "dropout": 0.1}, r"Invalid draws 0\. It must be a whole number above zero"),
        ({"sparsity": 1.0}, r"Invalid sparsity 1\.0\. It must be in \[0, 1\)"),
        ({"frozen": 1}, r"Invalid frozen 1\. Without a start there are no layers to freeze"),
        ({"frozen": -1}, r"Invalid frozen -1\. It must be a whole number above zero"),
        ({"noise": "studnet-t"}, r"Invalid noise 'studnet-t'\. It is not known\. Did you mean 'student-t'"),
        ({"start": MLPRegressor()}, r"Invalid start 'MLPRegressor'\. It has no weights"),
        ({"start": "mlp"}, r"Invalid start 'str'\. It has no weights"),
    ],
)
def test_an_option_that_cannot_be_used_is_refused_in_fit(settings, message):
    model = perceptron(MLPRegressor, **QUICK | settings)
    with pytest.raises(ValueError, match=message):
        model.fit(*rows(MLPRegressor))


def test_freezing_every_layer_is_refused():
    X, y = rows(MLPRegressor)
    start = perceptron(MLPRegressor, **QUICK).fit(X, y)
    with pytest.raises(ValueError, match=r"Invalid frozen 3\. No layer would be left to train\. Give 2 at most"):
        perceptron(MLPRegressor, start=start, frozen=3, **QUICK).fit(X, y)
