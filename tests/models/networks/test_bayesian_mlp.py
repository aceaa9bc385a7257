"""Predictions of a Bayesian network, its initial points, and the input that it refuses."""

from copy import copy

import numpy as np
import pandas as pd
import pytest
from scipy import linalg, special
from sklearn.linear_model import LogisticRegression

from bayesgeo.inference.advi import ADVI
from bayesgeo.inference.mclmc import MCLMC
from bayesgeo.models.architecture import Network
from bayesgeo.models.networks.bayesian_mlp import BayesianMLPClassifier, BayesianMLPRegressor
from bayesgeo.models.networks.ensemble import DeepEnsembleRegressor
from bayesgeo.models.networks.graph import LEAST_SD, RELEVANCE, linear_coordinates, noise_sd, unit_values
from bayesgeo.models.networks.mlp import MLPClassifier, MLPRegressor
from bayesgeo.models.regression.linear import BayesianLinearRegression
from bayesgeo.models.storage import load_model, save_model
from tests.models.small import ensemble, perceptron
from tests.problems import problem_of

NOISES = ("heteroscedastic", "constant", "student-t")
# A trained network with a little width around it: enough where the quality of the posterior does not matter.
QUICK = ADVI(draws=20, chains=2, max_steps=200)
CLASSES = ("classes", "two classes")
FITTED = (*NOISES, *CLASSES)


def table(kind="constant", n=90):
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"depth": rng.uniform(-1, 1, n), "age": 100 + 20 * rng.normal(size=n)})
    signal = np.sin(3 * X["depth"]) + 0.02 * (X["age"] - 100)
    y = 50 + 10 * (signal + 0.2 * rng.normal(size=n)).to_numpy()
    if kind == "classes":
        return X, np.array(["sand", "silt", "shale"])[np.digitize(y, [46.0, 54.0])]
    return (X, np.where(y > 50, 7, 3)) if kind == "two classes" else (X, y)


def probabilities(outputs):
    """Return the probabilities of classes from the outputs, one of which is the log odds of the second."""
    return special.softmax(outputs if outputs.shape[1] > 1 else np.c_[np.zeros(len(outputs)), outputs], axis=-1)


def quick(kind, **parameters):
    parameters = {"hidden": (4,), "activation": "tanh", "inference": QUICK, "random_state": 0} | parameters
    if kind in CLASSES:
        return BayesianMLPClassifier(**parameters)
    return BayesianMLPRegressor(noise=kind, **parameters)


@pytest.fixture(scope="module")
def fits():
    """Return a fitted model of each kind, one of them with equal relevances."""
    equal = {"student-t": "equal"}
    return {kind: quick(kind, relevance=equal.get(kind)).fit(*table(kind)) for kind in FITTED}


EVERY = pytest.mark.parametrize("kind", FITTED)


@pytest.mark.slow
@EVERY
def test_a_draw_in_pytorch_says_what_predict_says(kind, fits):
    import torch

    model, (X, _) = fits[kind], table(kind)
    with torch.no_grad():
        scaled = torch.as_tensor(((X.to_numpy() - model.center_) / model.scale_).astype(np.float32))
        outputs = model.torch_network(chain=1, draw=3)(scaled).numpy()
    expected = model.predict_draws(X).isel(chain=1, draw=3).values
    if kind in CLASSES:
        np.testing.assert_allclose(probabilities(outputs), expected, rtol=0, atol=1e-6)
    else:
        found = model.target_center_ + outputs[:, 0] * model.target_scale_
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6 * np.abs(expected).max())


@pytest.mark.slow
@EVERY
def test_the_posterior_tells_what_the_networks_say_of_the_rows_held_out(kind, fits):
    model, (X, y) = fits[kind], table(kind)
    shown = model.posterior_["functions"].to_dataset()
    rows = model.holdout_rows_
    again = model.functions(X.iloc[rows], y[rows])
    np.testing.assert_allclose(shown["log_density"], again["log_density"], rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(
        shown["expected"], model.predict_draws(X.iloc[rows]).transpose("chain", "draw", "obs", ...), rtol=1e-5
    )
    assert dict(shown.sizes)["point"] == len(rows)
    if kind in CLASSES:
        codes = np.searchsorted(model.classes_, y[rows])
        mine = np.log(np.take_along_axis(shown["expected"].values, codes[None, None, :, None], -1)[..., 0])
    else:
        mine = model.log_density(model.predictive(X.iloc[rows]), y[rows])
    np.testing.assert_allclose(shown["log_density"], mine, rtol=1e-4, atol=1e-5)
    assert "warmup" in model.posterior_.children


@pytest.mark.slow
def test_rows_of_a_class_never_seen_are_left_out(fits):
    X, y = table("classes")
    y = np.where(np.arange(len(y)) < 3, "basalt", y)
    assert fits["classes"].functions(X, y).sizes["point"] == len(y) - 3


@pytest.mark.slow
@EVERY
def test_a_loaded_network_predicts_bit_for_bit_as_before(kind, fits, tmp_path):
    model, (X, _) = fits[kind], table(kind)
    again = load_model(save_model(model, tmp_path / "model"))
    for draws in ("expected", "response"):
        assert again.predict_draws(X, kind=draws).identical(model.predict_draws(X, kind=draws))
    assert again.posterior_["functions"].to_dataset().identical(model.posterior_["functions"].to_dataset())
    assert again.get_params() | {"inference": None} == model.get_params() | {"inference": None}


@pytest.mark.slow
def test_a_model_is_saved_with_its_start_but_without_the_fit_of_it(fits, tmp_path):
    X, _ = table()
    model = copy(fits["constant"]).set_params(start=trained())
    again = load_model(save_model(model, tmp_path / "model"))
    assert type(again.start) is MLPRegressor
    assert not hasattr(again.start, "weights_")
    assert np.array_equal(again.predict(X), model.predict(X))


@pytest.mark.slow
def test_one_row_and_many_are_predicted_alike_by_name(fits):
    X, _ = table()
    for kind in ("heteroscedastic", "classes"):
        model = fits[kind]
        one, many = (model.predict_draws(rows) for rows in (X.iloc[:1], X))
        np.testing.assert_allclose(one.isel(obs=0), many.isel(obs=0), rtol=1e-5)
        assert model.posterior_["posterior"]["feature"].values.tolist() == ["depth", "age"]
        assert model.feature_names_in_.tolist() == ["depth", "age"]
    with pytest.raises(ValueError, match="feature names should match"):
        fits["constant"].predict(X.rename(columns={"age": "time"}))


@pytest.mark.slow
def test_classes_keep_their_names_and_probabilities_add_up(fits):
    X, y = table("classes")
    assert set(fits["classes"].predict(X)) == {"sand", "shale", "silt"}
    most_frequent = np.unique(y, return_counts=True)[1].max() / len(y)
    assert (fits["classes"].predict(X) == y).mean() > most_frequent + 0.2
    draws = fits["classes"].predict_draws(X)
    assert draws["label"].values.tolist() == ["sand", "shale", "silt"]
    np.testing.assert_allclose(draws.sum("label"), 1.0, rtol=1e-5)


@pytest.mark.slow
def test_relevances_belong_to_the_features_unless_all_are_equal(fits):
    relevance = fits["constant"].posterior_["posterior"]["relevance"]
    assert relevance.dims == ("chain", "draw", "feature")
    assert (relevance > 0).all()
    assert relevance["feature"].values.tolist() == ["depth", "age"]
    assert "relevance" not in fits["student-t"].posterior_["posterior"]


@pytest.mark.slow
def test_no_noise_is_below_the_resolution_of_the_target(fits):
    X, y = table()
    coarse = 5.0 * np.round(y / 5.0)
    for kind in NOISES:
        model = quick(kind).fit(X, coarse)
        # Rounded to steps of 5: a uniform error of 5 / sqrt(12), in units of the standardised target.
        assert model.noise_floor_ == pytest.approx(5.0 / np.sqrt(12) / coarse.std())
        assert float(model.predictive(X)["sigma"].min()) >= 5.0 / np.sqrt(12) * (1 - 1e-6)
    assert fits["constant"].noise_floor_ == LEAST_SD


@pytest.mark.slow
def test_the_noise_is_that_of_its_kind(fits):
    X, _ = table()
    dims = {kind: fits[kind].predictive(X)["sigma"].dims for kind in NOISES}
    assert dims == {"heteroscedastic": ("chain", "draw", "obs"), **dict.fromkeys(NOISES[1:], ("chain", "draw"))}
    assert "nu" in fits["student-t"].predictive(X)
    for kind in NOISES[1:]:
        assert (fits[kind].posterior_["posterior"]["noise_sd"] == fits[kind].predictive(X)["sigma"]).all()
        # Simulated with 2; a rough fit only has to find its size.
        assert 1.0 < float(fits[kind].predictive(X)["sigma"].mean()) < 5.0


@pytest.mark.slow
def test_networks_disagree_more_away_from_the_rows():
    rng = np.random.default_rng(0)
    X = rng.uniform(-1, 1, size=(80, 1))
    y = np.sin(3 * X[:, 0]) + 0.1 * rng.normal(size=80)
    model = BayesianMLPRegressor((6,), activation="tanh", inference=MCLMC(draws=50, chains=4), random_state=0).fit(X, y)
    inside, outside = (
        model.predict_draws(at).std(("chain", "draw")) for at in (np.linspace(-0.9, 0.9, 9)[:, None], [[-3.0], [3.0]])
    )
    # Three times as far from the middle as any row.
    assert (outside > 3 * inside.max()).all()
    truth = np.sin(3 * np.linspace(-0.9, 0.9, 9))
    assert np.abs(model.predict(np.linspace(-0.9, 0.9, 9)[:, None]) - truth).max() < 0.15


def elsewhere(kind):
    """Return rows of another standardisation."""
    X, y = table(kind)
    keep = X["age"] > 95
    return X[keep], y[keep]


def started(model, kind, chain=0):
    """Return the outputs of a chain's initial network for raw rows, and its standardised problem."""
    X, y = table(kind)
    problem = problem_of(model, X, y)
    network, scales, _ = problem.build.args
    values = problem.start(np.random.default_rng(0), chain)
    p = weights(values, network, scales, problem.data)
    assert {name: value.shape for name, value in p.items()} == network.shapes
    return network.forward(problem.data["X"], p, np), (y if kind in CLASSES else (y.mean(), y.std()))


def weights(values, network, scales, data):
    """Return the weights of the network at unconstrained values, layer by layer as the documentation states them."""
    p, last = {}, network.layers - 1
    for k, scale in enumerate(scales):
        sd = np.full(network.sizes[k + 1], scale)
        if k == last and "noise_bias" in values:
            sd[1] = 1.0
        p[f"weight_{k}"] = values[f"unit_weight_{k}"] * sd / np.sqrt(network.sizes[k])
        p[f"bias_{k}"] = values.get(f"bias_{k}")
    p["weight_0"] = p["weight_0"] * values.get(RELEVANCE, np.ones(network.features))[:, None]
    theta = (data["center"] + data["factor"] @ values["z"]).reshape(network.features + 1, -1)
    if "noise_bias" in values:
        theta = np.c_[theta, np.r_[values["noise_bias"], np.zeros(network.features)]]
    if theta.shape[1] < network.outputs:
        theta = theta @ linalg.helmert(network.outputs)
    return p | {f"bias_{last}": theta[0], "linear": theta[1:]}


@pytest.mark.parametrize("kind", FITTED)
def test_a_chain_starts_at_the_function_of_the_network_it_is_given(kind):
    single = MLPClassifier if kind in CLASSES else MLPRegressor
    fitted = perceptron(single, (4,), activation="tanh", max_epochs=20, random_state=0).fit(*elsewhere(kind))
    X, _ = table(kind)
    outputs, scale = started(quick(kind, start=fitted), kind)
    if kind in CLASSES:
        np.testing.assert_allclose(probabilities(outputs), fitted.predict_proba(X), rtol=0, atol=1e-10)
        return
    center, spread = scale
    np.testing.assert_allclose(center + outputs[:, 0] * spread, fitted.predict(X), rtol=1e-10)
    if kind == "heteroscedastic":
        # A scale 5 % off, and noise a tenth off what is typical, leave what is of second order in the latter.
        wanted = fitted.predictive(X)["sigma"].squeeze()
        np.testing.assert_allclose(noise_sd(outputs[:, 1], LEAST_SD, np) * spread, wanted, rtol=0.05 * 0.1**2)


@pytest.mark.parametrize("noise", NOISES)
def test_a_chain_starts_at_the_noise_of_a_network_fitted_to_the_same_rows(noise):
    X, y = table()
    settings = {"activation": "tanh", "max_epochs": 20, "random_state": 0}
    fitted = perceptron(MLPRegressor, (4,), noise=noise, **settings).fit(X, y)
    outputs, (_, spread) = started(quick("heteroscedastic", start=fitted), "heteroscedastic")
    wanted = np.broadcast_to(fitted.predictive(X)["sigma"].values.ravel(), len(y))
    np.testing.assert_allclose(noise_sd(outputs[:, 1], LEAST_SD, np) * spread, wanted, rtol=1e-10)


@pytest.mark.parametrize("kind", NOISES)
def test_chains_start_at_the_members_of_an_ensemble_in_turn(kind):
    X, y = elsewhere(kind)
    fitted = ensemble(
        DeepEnsembleRegressor, hidden=(4,), members=2, activation="tanh", max_epochs=10, random_state=0
    ).fit(X, y)
    members = fitted.predict_draws(table()[0])
    for chain in range(3):
        outputs, (center, spread) = started(quick(kind, start=fitted), kind, chain)
        np.testing.assert_allclose(center + outputs[:, 0] * spread, members.isel(chain=0, draw=chain % 2), rtol=1e-10)
        if kind == "heteroscedastic":
            found = noise_sd(outputs[:, 1], LEAST_SD, np) * spread
            wanted = fitted.predictive(table()[0])["sigma"].isel(chain=0, draw=chain % 2)
            np.testing.assert_allclose(found, wanted, rtol=0.05 * 0.1**2)


@pytest.mark.parametrize("kind", NOISES[1:])
def test_the_noise_starts_at_that_of_the_network_too(kind):
    X, y = table()
    fitted = perceptron(MLPRegressor, (4,), activation="tanh", max_epochs=20, random_state=0).fit(X, y)
    values = problem_of(quick(kind, start=fitted), X, y).start(np.random.default_rng(0), 0)
    assert np.exp(values["above_floor_log__"]) + LEAST_SD == pytest.approx(fitted.sigma_ / y.std())


@pytest.mark.parametrize("kind", FITTED)
def test_a_chain_without_a_start_begins_near_the_linear_model(kind):
    X, y = table(kind)
    problem = problem_of(quick(kind), X, y)
    assert not problem.start.trained
    codes = np.searchsorted(np.unique(y), y)
    scaled = codes if kind in CLASSES else (y - y.mean()) / y.std()
    network, scales, _ = problem.build.args
    for chain in range(2):
        values = problem.start(np.random.default_rng(chain), chain)
        assert (values[RELEVANCE] == 1).all()
        p = weights(values, network, scales, problem.data)
        outputs = network.forward(problem.data["X"], p, np)
        if kind in CLASSES:
            fit = LogisticRegression(C=1.0).fit(problem.data["X"], scaled)
            assert np.abs(probabilities(outputs) - fit.predict_proba(problem.data["X"])).max() < 0.1
        else:
            line = np.c_[np.ones(len(X)), problem.data["X"]]
            wanted = line @ np.linalg.lstsq(line, scaled, rcond=None)[0]
            assert np.abs(outputs[:, 0] - wanted).max() < 0.3


@pytest.mark.parametrize("kind", FITTED)
def test_unit_values_and_weights_are_each_other_s_inverse(kind):
    rng = np.random.default_rng(0)
    outputs = {"heteroscedastic": 2, "classes": 3}.get(kind, 1)
    network = Network(2, (4, 3), outputs, linear=True)
    p = {name: rng.normal(size=shape) for name, shape in network.shapes.items()}
    noise = "classes" if kind in CLASSES else kind
    if kind == "heteroscedastic":
        p["linear"][:, 1] = 0.0
    X, y = table(kind)
    y = np.searchsorted(np.unique(y), y) if kind in CLASSES else y
    coordinates = linear_coordinates(X.to_numpy() / [1.0, 100.0], y, len(np.unique(y)) if kind in CLASSES else 0)
    values = unit_values(p, network, (2.0, 3.0, 4.0), noise, coordinates)
    again = weights(values, network, (2.0, 3.0, 4.0), coordinates)
    if outputs == 3:
        # Softmax knows differences of classes only: the mean over classes is free.
        for name in ("linear", "bias_2"):
            p[name] = p[name] - p[name].mean(axis=-1, keepdims=True)
    for name, value in p.items():
        np.testing.assert_allclose(again[name], value, rtol=0, atol=1e-10)


def test_a_start_that_is_not_fitted_learns_from_the_rows_of_the_model():
    X, y = table()
    start = perceptron(MLPRegressor, (4,), activation="tanh", max_epochs=3, random_state=0)
    outputs, (center, spread) = started(quick("constant", start=start), "constant")
    assert not hasattr(start, "weights_")
    np.testing.assert_allclose(center + outputs[:, 0] * spread, start.fit(X, y).predict(X), rtol=1e-6)


def test_starting_leaves_the_given_network_as_it_was():
    X, y = table()
    fitted = perceptron(MLPRegressor, (4,), activation="tanh", max_epochs=3, random_state=0).fit(X, y)
    before = {name: values.copy() for name, values in fitted.weights_.items()}
    for _ in range(2):
        started(quick("constant", start=fitted), "constant")
    assert all(np.array_equal(values, before[name]) for name, values in fitted.weights_.items())


def trained(single=MLPRegressor, kind="constant", features=2, **settings):
    X, y = table(kind)
    settings = {"hidden": (4,), "activation": "tanh", "max_epochs": 2, "random_state": 0} | settings
    return perceptron(single, **settings).fit(X.iloc[:, :features], y)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("start", "message"),
    [
        (lambda: trained(hidden=(5,)), r"Invalid start .*\. Its features, hidden layers .* \(5,\).* model's .*\(4,\)"),
        (lambda: trained(hidden=(4, 4)), r"Invalid start .* Start from a network of the same architecture"),
        (lambda: trained(activation="relu"), r"Invalid start .* 'relu'.* Start from a network of the same"),
        (lambda: trained(features=1), r"Invalid start .* Start from a network of the same architecture"),
        (lambda: trained(MLPClassifier, "two classes"), r"Invalid start 'MLPClassifier'\. It is for classes"),
        (
            lambda: perceptron(MLPRegressor, (5,), max_epochs=2),
            r"Invalid start 'MLPRegressor'\. Its features, hidden layers",
        ),
        (BayesianLinearRegression, r"Invalid start 'BayesianLinear.*'\. It has no weights\. Give a fitted MLP"),
        (lambda: BayesianLinearRegression(random_state=0).fit(*table()), r"Invalid start .* It has no weights"),
        (lambda: "mlp", r"Invalid start 'str'\. It has no weights"),
    ],
    ids=[
        "width",
        "depth",
        "activation",
        "features",
        "classes",
        "not fitted",
        "unfitted regression",
        "regression",
        "text",
    ],
)
@pytest.mark.parametrize("noise", ["constant", "heteroscedastic"])
def test_a_start_that_does_not_fit_is_refused_before_compiling(start, message, noise):
    with pytest.raises(ValueError, match=message):
        problem_of(quick(noise, start=start()), *table())


def test_a_start_of_other_classes_is_refused():
    X, y = table("classes")
    fitted = trained(MLPClassifier, "two classes")
    for target in (y, y == "sand"):
        with pytest.raises(ValueError, match=r"Invalid start 'MLPClassifier'\. Its classes are 3, 7; the model's"):
            problem_of(quick("classes", start=fitted), X, target)


@pytest.mark.slow
def test_each_layer_has_a_prior_scale_of_its_own():
    X, y = table()
    same, each = (problem_of(quick("constant", prior_scale=scale), X, y) for scale in (0.5, (0.5, 2.0)))
    assert (same.build.args[1], each.build.args[1]) == ((0.5, 0.5), (0.5, 2.0))
    assert same.key != each.key


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"noise": "normal"}, r"Invalid noise 'normal'\. It is not known\. Known: heteroscedastic, constant"),
        ({"relevance": "learnt"}, r"Invalid relevance 'learnt'\. It is not known\. Did you mean 'learned'"),
        ({"activation": "sliu"}, r"Invalid activation 'sliu'\. It is not known\. Did you mean 'silu'"),
        ({"hidden": 8}, r"Invalid hidden 8\. It must be a tuple of ints\. Give hidden=\(8,\)"),
        ({"hidden": (4, 0)}, r"Invalid hidden 0\. It must be a whole number above zero"),
        ({"prior_scale": 0.0}, r"Invalid prior_scale 0\.0\. It must be a finite number above zero"),
        ({"prior_scale": (1.0, 1.0, 1.0)}, r"Invalid prior_scale .*\. It has 3 values for 2 layers\. Give one"),
        ({"inference": "mclmc"}, r"Invalid inference 'mclmc'\. It has no run"),
    ],
)
def test_a_setting_that_cannot_be_used_is_refused_before_compiling(settings, message):
    with pytest.raises(ValueError, match=message):
        BayesianMLPRegressor(**{"hidden": (4,), "inference": QUICK} | settings).fit(*table())


def test_whole_groups_are_held_out():
    X, y = table()
    groups = np.repeat(["a", "b", "c"], 30)
    model = BayesianMLPRegressor((4,), inference=Stop(), random_state=0)
    with pytest.raises(ZeroDivisionError, match="stop"):
        model.fit(X, y, groups)
    assert len(model.holdout_rows_) == 30
    assert len(set(groups[model.holdout_rows_])) == 1


class Stop:
    """An inference that fails."""

    def run(self, problem, seed):
        raise ZeroDivisionError("stop")
