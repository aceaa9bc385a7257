"""One architecture, four libraries: the same numbers from NumPy, PyTensor, JAX and PyTorch."""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special

from bayesgeo.models.architecture import ACTIVATIONS, LEAK, Network

# Written as the textbooks do, each by another way than ours.
TEXTBOOK = {
    "identity": lambda z: z,
    "sigmoid": special.expit,
    "tanh": lambda z: 2 * special.expit(2 * z) - 1,
    "relu": lambda z: np.maximum(z, 0),
    "leaky_relu": lambda z: np.maximum(z, 0) + LEAK * np.minimum(z, 0),
    "softplus": lambda z: np.logaddexp(z, 0),
    "silu": lambda z: z * special.expit(z),
    "gelu": lambda z: z * special.ndtr(z),
}
LIBRARIES = ("pytensor", "jax", "torch")
# Forward passes of a few layers of width below 8 add that many rounding errors to numbers of order one.
TOLERANCE = {np.float64: 1e-12, np.float32: 1e-6}


def by_pytensor(network, X, p):
    import pytensor
    import pytensor.tensor as pt

    plain = pytensor.compile.mode.Mode(linker="py", optimizer=None)
    p = {name: pt.as_tensor(values) for name, values in p.items()}
    return network.forward(pt.as_tensor(X), p, pt).eval(mode=plain)


def by_jax(network, X, p):
    jax = pytest.importorskip("jax")
    with jax.enable_x64(X.dtype == np.float64):
        p = {name: jax.numpy.asarray(values) for name, values in p.items()}
        return np.asarray(network.forward(jax.numpy.asarray(X), p, jax.numpy))


def by_torch(network, X, p):
    import torch

    p = {name: torch.from_numpy(values) for name, values in p.items()}
    return network.forward(torch.from_numpy(X), p, torch).numpy()


BY = {"pytensor": by_pytensor, "jax": by_jax, "torch": by_torch}


def drawn(network, seed, sample=(), dtype=np.float64):
    """Return rows and weights with leading dimensions ``sample``."""
    rng = np.random.default_rng(seed)
    p = {name: rng.normal(size=sample + shape).astype(dtype) for name, shape in network.shapes.items()}
    return rng.normal(size=(5, network.features)).astype(dtype), p


WIDTHS = st.integers(1, 7)
ARCHITECTURES = st.builds(
    Network,
    WIDTHS,
    st.lists(WIDTHS, max_size=3).map(tuple),
    WIDTHS,
    st.sampled_from(list(ACTIVATIONS)),
    st.sampled_from([None, "layer"]),
    st.booleans(),
)


def assert_agree(found, wanted, tolerance):
    assert found.shape == wanted.shape
    np.testing.assert_allclose(found, wanted, rtol=tolerance, atol=tolerance * np.abs(wanted).max())


@pytest.mark.slow
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("library", LIBRARIES)
def test_each_library_gives_the_numbers_of_numpy(library, dtype, activation):
    network = Network(3, (4, 5), 2, activation, linear=activation != "identity")
    X, p = drawn(network, 0, sample=(2, 3), dtype=dtype)
    assert_agree(BY[library](network, X, p), network.forward(X, p, np), TOLERANCE[dtype])


@pytest.mark.slow
@given(network=ARCHITECTURES, seed=st.integers(0, 99))
@settings(deadline=None, max_examples=10)
@pytest.mark.parametrize("library", ["pytensor", "torch"])  # JAX would compile each shape anew
def test_any_architecture_gives_the_numbers_of_numpy(library, network, seed):
    X, p = drawn(network, seed)
    assert_agree(BY[library](network, X, p), network.forward(X, p, np), TOLERANCE[np.float64])


@given(network=ARCHITECTURES, seed=st.integers(0, 99))
@settings(deadline=None, max_examples=50)
def test_a_forward_pass_is_the_textbook_one(network, seed):
    X, p = drawn(network, seed)
    h = X
    for k in range(network.layers):
        h = h @ p[f"weight_{k}"] + p[f"bias_{k}"]
        if k < network.layers - 1:
            if network.norm == "layer":
                h = (h - h.mean(axis=1, keepdims=True)) / np.sqrt(h.var(axis=1, keepdims=True) + 1e-5)
                h = p[f"gain_{k}"] * h + p[f"shift_{k}"]
            h = TEXTBOOK[network.activation](h)
    if network.linear:
        h = h + X @ p["linear"]
    assert_agree(network.forward(X, p, np), h, TOLERANCE[np.float64])


@given(network=ARCHITECTURES, seed=st.integers(0, 99), n_chains=st.integers(1, 3), n_draws=st.integers(1, 3))
@settings(deadline=None, max_examples=50)
def test_all_draws_at_once_are_the_draws_one_by_one(network, seed, n_chains, n_draws):
    X, p = drawn(network, seed, (n_chains, n_draws))
    together = network.forward(X, p, np)
    for chain, draw in np.ndindex(n_chains, n_draws):
        one = network.forward(X, {name: values[chain, draw] for name, values in p.items()}, np)
        assert_agree(together[chain, draw], one, TOLERANCE[np.float64])


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_an_activation_is_finite_and_right_far_out(activation, dtype):
    z = np.concatenate([-np.logspace(4, -8, 200), [0.0], np.logspace(-8, 4, 200)]).astype(dtype)
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        found = ACTIVATIONS[activation](z, np)
    assert found.dtype == dtype
    # Far below zero the difference of two close numbers is left: right on the scale of z, not of itself.
    wanted = TEXTBOOK[activation](z.astype(np.float64))
    assert (np.abs(found - wanted) <= 4 * np.finfo(dtype).eps * np.maximum(1.0, np.abs(z))).all()


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_slopes_are_finite_far_out_and_right_at_zero(activation):
    import torch

    z = torch.tensor([-1e4, -1e2, 0.0, 1e2, 1e4], dtype=torch.float64, requires_grad=True)
    ACTIVATIONS[activation](z, torch).sum().backward()
    slopes = {"identity": (1, 1, 1), "sigmoid": (0, 0.25, 0), "tanh": (0, 1, 0), "relu": (0, 0, 1)}
    slopes |= {"leaky_relu": (LEAK, LEAK, 1), "softplus": (0, 0.5, 1)}
    low, middle, high = slopes.get(activation, (0, 0.5, 1))
    np.testing.assert_allclose(z.grad.numpy(), [low, low, middle, high, high], rtol=1e-12, atol=1e-12)


@given(network=ARCHITECTURES, seed=st.integers(0, 99), dtype=st.sampled_from(list(TOLERANCE)))
@settings(deadline=None, max_examples=30)
def test_weights_survive_the_way_to_torch_and_back(network, seed, dtype):
    _, p = drawn(network, seed, dtype=dtype)
    back = network.from_torch(network.to_torch(p))
    assert list(back) == list(p) == list(network.shapes)
    for name, values in p.items():
        assert back[name].dtype == dtype
        assert back[name].flags.c_contiguous
        assert np.array_equal(back[name], values)


@given(network=ARCHITECTURES, seed=st.integers(0, 99))
@settings(deadline=None, max_examples=30)
def test_the_torch_module_computes_the_forward_pass(network, seed):
    import torch

    X, p = drawn(network, seed)
    found = network.to_torch(p)(torch.from_numpy(X)).detach().numpy()
    # PyTorch takes softplus for the identity above 20, where it is 2e-9 off; layers of width 7 multiply that.
    assert_agree(found, network.forward(X, p, np), 1e-6 if network.activation == "softplus" else 1e-12)


def test_training_the_module_leaves_the_given_weights_alone():
    import torch

    network = Network(2, (3,), 1)
    _, p = drawn(network, 0)
    before = {name: values.copy() for name, values in p.items()}
    module, state = network.to_torch(p), torch.get_rng_state()
    with torch.no_grad():
        for parameter in module.parameters():
            assert parameter.requires_grad
            parameter.zero_()
    assert all(np.array_equal(p[name], before[name]) for name in p)
    network.from_torch(network.to_torch(p))
    assert torch.equal(torch.get_rng_state(), state)


def test_narrow_numbers_come_back_as_float32():
    import torch

    network = Network(2, (3,), 1)
    back = network.from_torch(network.to_torch(network.start(np.random.default_rng(0))).to(torch.bfloat16))
    assert {values.dtype for values in back.values()} == {np.dtype(np.float32)}


@given(network=ARCHITECTURES)
@settings(deadline=None, max_examples=50)
def test_a_start_has_every_weight(network):
    p = network.start(np.random.default_rng(0))
    assert {name: values.shape for name, values in p.items()} == network.shapes
    assert sum(values.size for values in p.values()) == network.parameters
    assert not any(values.any() for name, values in p.items() if name.startswith(("bias", "linear")))


def test_a_start_keeps_the_scale_of_its_inputs():
    p = Network(50, (200,), 1).start(np.random.default_rng(0))
    # The deviation of n draws is known to one part in sqrt(2 n): 10,000 and 200 weights, at 4 standard errors.
    assert abs(p["weight_0"].std() * np.sqrt(50) - 1) < 4 / np.sqrt(2 * 10_000)
    assert abs(p["weight_1"].std() * np.sqrt(200) - 1) < 4 / np.sqrt(2 * 200)


def test_equal_architectures_are_one_value():
    assert Network(2, [3, 4], 1) == Network(2, (3, 4), 1)
    assert len({Network(2, [3], 1), Network(2, (3,), 1), Network(2, (3,), 1, "tanh")}) == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((2, (3,), 1, "sliu"), r"Invalid activation 'sliu'\. It is not known\. Did you mean 'silu'"),
        ((0, (3,), 1), r"Invalid features 0\. It must be a whole number above zero"),
        ((2, (3, -1), 1), r"Invalid hidden -1\. It must be a whole number above zero"),
        ((2, (2.5,), 1), r"Invalid hidden 2\.5\. It must be a whole number above zero"),
        ((2, 8, 1), r"Invalid hidden 8\. It must be a tuple of ints\. Give hidden=\(8,\)"),
        ((2, (3,), 1, "silu", "batch"), r"Invalid norm 'batch'\. It is not known"),
        ((2, (), True), r"Invalid outputs True\. It must be a whole number above zero"),
    ],
)
def test_what_is_no_architecture_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        Network(*arguments)


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        ("weight_1", np.zeros((3, 2)), r"Invalid weight_1 \(3, 2\)\. Its shape must be \(3, 1\)\. Give the weights of"),
        ("bias_0", np.zeros((4, 3)), r"Invalid bias_0 \(4, 3\)\. Its shape must be \(3,\)"),
        ("bias_1", None, r"Invalid bias_1 'missing'\. Its shape must be \(1,\)"),
    ],
)
def test_weights_of_another_architecture_are_refused_by_name(name, values, message):
    network = Network(2, (3,), 1)
    p = network.start(np.random.default_rng(0)) | {name: values}
    p = {name: values for name, values in p.items() if values is not None}
    with pytest.raises(ValueError, match=message):
        network.to_torch(p)


def other_modules():
    from torch import nn

    first, last = nn.Linear(2, 3), nn.Linear(3, 1)
    return {
        "narrower": (nn.Sequential(first, nn.SiLU(), nn.Linear(4, 1)), r"Invalid layer 2 'Linear\(in_features=4"),
        "no bias": (nn.Sequential(nn.Linear(2, 3, bias=False), nn.SiLU(), last), r"Invalid layer 0 .*bias=False"),
        "activation": (nn.Sequential(first, nn.Tanh(), last), r"Invalid layer 1 'Tanh\(\)'\. .* has SiLU\(\) there"),
        "longer": (nn.Sequential(first, nn.SiLU(), last, nn.ReLU()), r"Invalid layer 3 'ReLU\(\)'\. .* has nothing"),
        "shorter": (nn.Sequential(first, nn.SiLU()), r"Invalid layer 2 'nothing'\. This network has Linear"),
        "one layer": (first, r"Invalid module 'Linear'\. It must be a Sequential\. Build it with to_torch"),
    }


@pytest.mark.parametrize("case", ["narrower", "no bias", "activation", "longer", "shorter", "one layer"])
def test_a_module_of_another_architecture_is_refused_by_its_layer(case):
    module, message = other_modules()[case]
    with pytest.raises(ValueError, match=message):
        Network(2, (3,), 1).from_torch(module)


def test_a_module_without_the_linear_map_or_with_another_is_refused():
    nested, plain = (Network(2, (3,), 1, linear=linear) for linear in (True, False))
    with pytest.raises(ValueError, match=r"Invalid module 'Sequential'\. It must be a Nested\. Build it with to_torch"):
        nested.from_torch(plain.to_torch())
    with pytest.raises(ValueError, match=r"Invalid module 'Nested'\. It must be a Sequential"):
        plain.from_torch(nested.to_torch())
    from torch import nn

    module = nested.to_torch()
    module.linear = nn.Linear(2, 1)
    with pytest.raises(ValueError, match=r"Invalid layer 3 'Linear\(in_features=2, out_features=1, bias=True"):
        nested.from_torch(module)


def test_an_activation_of_other_settings_is_refused():
    from torch import nn

    for activation, other in (("leaky_relu", nn.LeakyReLU(0.2)), ("gelu", nn.GELU(approximate="tanh"))):
        module = nn.Sequential(nn.Linear(2, 3), other, nn.Linear(3, 1))
        with pytest.raises(ValueError, match=r"Invalid layer 1 .* This network has .* there"):
            Network(2, (3,), 1, activation).from_torch(module)


def test_a_module_that_computes_in_place_is_the_same_network():
    from torch import nn

    module = nn.Sequential(nn.Linear(2, 3), nn.SiLU(inplace=True), nn.Linear(3, 1)).eval()
    assert list(Network(2, (3,), 1).from_torch(module)) == ["weight_0", "bias_0", "weight_1", "bias_1"]


def test_an_architecture_costs_no_heavy_import():
    code = "import sys, bayesgeo.models.architecture; print({'torch', 'jax', 'pytensor', 'pymc'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
