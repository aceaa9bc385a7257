"""Members trained at once are the members trained one by one, with the requested settings."""

import numpy as np
import pytest
from scipy import special
from sklearn.linear_model import Lasso, Ridge

from bayesgeo._progress import listening
from bayesgeo.models.architecture import ACTIVATIONS, Network
from bayesgeo.models.training.loop import LEAST_GAIN, cross_entropy, squared_error
from bayesgeo.models.training.members import Members
from bayesgeo.models.training.pruning import magnitude_masks
from bayesgeo.models.training.recipe import OPTIMISERS, Recipe
from tests.models.training.training import N, parted, rows, trained


def same(found, wanted):
    return all(np.array_equal(values, wanted[name]) for name, values in found.items())


RECIPES = {
    "plain": {},
    "batch normalisation": {"how": {"batch_normalisation": True}},
    "dropout": {"dropout": 0.3},
    "momentum, l1, cosine": {"optimiser": "momentum", "l1": 0.01, "schedule": "cosine", "learning_rate": 0.01},
    "rmsprop": {"optimiser": "rmsprop"},
}


@pytest.mark.slow
@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
@pytest.mark.parametrize("activation", ["silu", "tanh"])
@pytest.mark.parametrize("hidden", [(8,), (5, 3)], ids=str)
def test_the_first_members_of_a_larger_set_are_the_set_of_that_many(hidden, activation, recipe):
    network = Network(3, hidden, 1, activation)
    # The second member trains on more rows than the first, the third on fewer.
    parts = parted(4, sizes=(60, 70, 50))
    whole = trained(4, network, parts, **recipe)
    for n_members in (1, 3):
        part = trained(n_members, network, parts[:n_members], **recipe)
        assert same(part.weights, {name: values[:n_members] for name, values in whole.weights.items()})


def test_a_member_is_the_same_alone_and_in_company_until_no_more_than_a_quarter_go_on():
    # Noise alone: members stop after different numbers of epochs.
    data = rows() | {"y": np.random.default_rng(1).normal(size=N)}
    long = {"data": data, "max_epochs": 200, "patience": 5, "learning_rate": 0.02}
    together = trained(5, **long)
    alone = [trained(parts=parted(5)[k : k + 1], seeds=[k], **long) for k in range(5)]
    epochs = np.array([one.curve.sizes["epoch"] for one in alone])
    last = int(epochs.argmax())
    # Of five one would go on: it ends with the last but one.
    ends = np.minimum(epochs, np.sort(epochs)[-2])
    assert ends.min() < ends[last] < epochs[last]
    for name in ("training", "validation"):
        assert together.curve[name].notnull().sum("epoch").values.tolist() == ends.tolist()
    assert together.curve["stopped"].values.tolist() == [int(k != last) for k in range(5)]
    for k, one in enumerate(alone):
        np.testing.assert_array_equal(together.curve["validation"][k, : ends[k]], one.curve["validation"][0, : ends[k]])
        if k != last:
            assert same(one.weights, {name: values[k : k + 1] for name, values in together.weights.items()})
            assert ends[k] == int(together.curve["best_epoch"][k]) + 6


@pytest.mark.slow
@pytest.mark.parametrize("norm", [None, "layer", "batch"])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_the_weights_are_those_of_the_best_epoch_in_the_shared_forward_pass(activation, norm):
    network = Network(3, (8, 4), 1, activation, "layer" if norm == "layer" else None)
    data, parts = rows(), parted(2)
    found = trained(2, network, parts, max_epochs=8, how={"batch_normalisation": norm == "batch"})
    for k, (_, aside) in enumerate(parts):
        p = {name: values[k] for name, values in found.weights.items()}
        error = (network.forward(data["X"][aside], p, np)[:, 0] - data["y"][aside]) ** 2
        # Training is in single precision.
        losses, best = found.curve["validation"].values[k], int(found.curve["best_epoch"][k])
        assert error.mean() == pytest.approx(losses[best], rel=1e-5)
        assert losses[best] <= np.nanmin(losses) + LEAST_GAIN


def test_batch_normalisation_is_folded_exactly():
    import torch

    network, data = Network(3, (8, 4), 2, "tanh"), rows()
    settings = {"start": None, "frozen": (), "keep": None, "batch_normalisation": True, "device": "cpu"}
    members = Members(torch, network, Recipe(), [0, 1], **settings)
    X = torch.as_tensor(data["X"], dtype=torch.float32).expand(2, -1, -1)
    y = {"y": torch.as_tensor(data["y"], dtype=torch.float32).expand(2, -1)}
    for begin in range(0, 80, 20):
        members.step(X[:, begin : begin + 20], {"y": y["y"][:, begin : begin + 20]}, squared_error)
    p = {name: values.detach().numpy().astype(float) for name, values in members.weights().items()}
    h = np.broadcast_to(data["X"].T, (2, 3, N))
    for k in range(2):
        mean, var = (moment.numpy().astype(float) for moment in members.moments[k])
        z = (p[f"weight_{k}"].swapaxes(1, 2) @ h - mean) / np.sqrt(var + 1e-5)
        h = np.tanh(p[f"gain_{k}"][..., None] * z + p[f"bias_{k}"][..., None])
    wanted = (p["weight_2"].swapaxes(1, 2) @ h + p["bias_2"][..., None]).swapaxes(1, 2)
    folded = {name: values.numpy().astype(float) for name, values in members.folded().items()}
    assert set(folded) == set(network.shapes)
    # Folded in single precision.
    np.testing.assert_allclose(network.forward(data["X"], folded, np), wanted, rtol=0, atol=2e-6)


def test_cross_entropy_is_the_textbook_one_and_of_two_classes_the_binary_one():
    import torch

    rng = np.random.default_rng(0)
    outputs, y, weight = rng.normal(size=(2, 7, 2)), rng.integers(2, size=(2, 7)), rng.random((2, 7))
    part = {"y": torch.as_tensor(y)}
    found = cross_entropy(torch.as_tensor(outputs), part).numpy()
    p = special.expit(outputs[..., 1] - outputs[..., 0])
    np.testing.assert_allclose(found, -(y * np.log(p) + (1 - y) * np.log(1 - p)), rtol=1e-12)
    weighted = cross_entropy(torch.as_tensor(outputs), part | {"weight": torch.as_tensor(weight)}).numpy()
    np.testing.assert_allclose(weighted, weight * found, rtol=1e-12)
    three = rng.normal(size=(2, 7, 3))
    chosen = np.take_along_axis(special.log_softmax(three, axis=-1), y[..., None], -1)[..., 0]
    np.testing.assert_allclose(cross_entropy(torch.as_tensor(three), part).numpy(), -chosen, rtol=1e-12)


def linear(optimiser, **recipe):
    """Train a linear map on all rows at once until it rests; return its weights and bias."""
    data = rows(noise=1.0)
    everything = [(np.arange(N), np.arange(N))]
    recipe = {"learning_rate": 0.02, "schedule": "cosine", "weight_decay": 0.0, "batch_size": N} | recipe
    recipe |= {"max_epochs": 600, "patience": 600}
    found = trained(1, Network(3, (), 1), everything, data, optimiser=optimiser, **recipe).weights
    return np.r_[found["weight_0"][0, :, 0], found["bias_0"][0]], data


@pytest.mark.slow
@pytest.mark.parametrize("optimiser", OPTIMISERS)
def test_every_optimiser_finds_the_least_squares_fit(optimiser):
    found, data = linear(optimiser)
    design = np.c_[data["X"], np.ones(N)]
    wanted = np.linalg.lstsq(design, data["y"])[0]
    # Epochs that gain less than 1e-5 are no better: the error in the weights is of the order of its root.
    np.testing.assert_allclose(found, wanted, atol=5e-3)


@pytest.mark.slow
def test_weight_decay_of_gradient_descent_is_the_ridge_penalty():
    found, data = linear("sgd", weight_decay=0.5, learning_rate=0.1)
    design = np.c_[data["X"], np.ones(N)]
    # The gradient of the mean square plus 0.25 |w|^2 is zero.
    wanted = Ridge(alpha=0.25 * N, fit_intercept=False).fit(design, data["y"]).coef_
    np.testing.assert_allclose(found, wanted, atol=1e-2)
    assert np.linalg.norm(found) < 0.9 * np.linalg.norm(np.linalg.lstsq(design, data["y"])[0])


@pytest.mark.slow
def test_the_l1_penalty_is_that_of_the_lasso_and_spares_the_bias():
    data = rows(noise=1.0)
    start = {"weight_0": np.full((1, 3, 1), 0.3), "bias_0": np.zeros((1, 1))}
    recipe = {"optimiser": "sgd", "learning_rate": 0.05, "schedule": "cosine", "weight_decay": 0.0, "batch_size": N}
    everything = [(np.arange(N), np.arange(N))]
    # The epoch that is kept is the best without the penalty: judge where the descent came to rest.
    lasso = Lasso(alpha=0.15).fit(data["X"], data["y"])
    losses = []
    for l1 in (0.0, 0.3):
        found = trained(
            1, Network(3, (), 1), everything, data, how={"start": start}, l1=l1, max_epochs=400, patience=400, **recipe
        )
        losses.append(float(found.curve["training"][0, -1]))
    error = np.mean((data["y"] - lasso.predict(data["X"])) ** 2)
    assert losses[1] == pytest.approx(error, rel=1e-3)
    assert losses[0] < 0.98 * error


@pytest.mark.parametrize("optimiser", OPTIMISERS)
def test_what_is_pruned_or_frozen_stays_so(optimiser):
    network = Network(3, (8, 8), 1)
    start = trained(2, network).weights
    keep = magnitude_masks(start, 0.6, ["weight_0"])
    how = {"start": start, "keep": keep, "frozen": ["weight_0", "bias_0"]}
    found = trained(2, network, how=how, optimiser=optimiser, l1=0.01, weight_decay=0.1).weights
    assert same({name: found[name] for name in how["frozen"]}, start)
    for name, mask in keep.items():
        assert (found[name][mask == 0] == 0).all()
        assert (found[name][mask == 1] != start[name][mask == 1]).all()
    assert (found["bias_1"] != start["bias_1"]).all()


def test_watched_rows_are_recorded_and_change_nothing():
    data = rows()
    watched = {name: values[:20] for name, values in rows(seed=9).items()}
    found = trained(2, data=data, how={"watched": watched})
    assert same(found.weights, trained(2, data=data).weights)
    assert set(found.curve) == {"training", "validation", "test", "best_epoch", "stopped"}
    k, best = 1, int(found.curve["best_epoch"][1])
    p = {name: values[k] for name, values in found.weights.items()}
    error = np.mean((Network(3, (8,), 1).forward(watched["X"], p, np)[:, 0] - watched["y"]) ** 2)
    assert float(found.curve["test"][k, best]) == pytest.approx(error, rel=1e-5)


def test_threads_change_nothing_and_are_left_as_they_were():
    import torch

    before, results = torch.get_num_threads(), []
    try:
        for n_threads in (1, 2):
            torch.set_num_threads(n_threads)
            results.append(trained(3, Network(3, (32, 32), 1), batch_size=60).weights)
            assert torch.get_num_threads() == n_threads
    finally:
        torch.set_num_threads(before)
    assert same(*results)


def test_the_random_state_of_torch_and_numpy_is_not_touched():
    import torch

    before = torch.random.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    trained(2, dropout=0.5)
    assert torch.equal(torch.random.get_rng_state(), before[0])
    assert np.array_equal(np.random.get_state()[1], before[1])  # noqa: NPY002


def test_rows_are_gathered_in_parts_without_changing_the_result(monkeypatch):
    whole = trained(2, batch_size=16)
    monkeypatch.setattr("bayesgeo._arrays.BUDGET", 400)
    part = trained(2, batch_size=16)
    np.testing.assert_allclose(part.curve["validation"], whole.curve["validation"], rtol=1e-6)
    assert same(part.weights, whole.weights)


def test_every_epoch_is_told():
    heard = []
    with listening(lambda phase, numbers: heard.append((phase, numbers["epoch"], numbers["total"]))):
        trained(2)
    assert heard == [("training", epoch, 6) for epoch in range(1, 7)]


def test_a_loss_that_is_never_finite_is_an_error_not_a_network():
    data = rows() | {"y": np.full(N, np.nan)}
    with pytest.raises(ValueError, match=r"Invalid learning_rate 0\.003\. The loss is not finite after any epoch"):
        trained(2, data=data)
