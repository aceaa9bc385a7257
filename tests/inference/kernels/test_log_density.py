"""The density in JAX against PyMC's own graph of the model, and what weights, padding and blocks leave unchanged."""

import os
import subprocess
import sys
from functools import partial

import numpy as np
import pymc as pm
import pytensor
import pytest

from bayesgeo import BayesianLinearRegression, BayesianLogisticRegression
from bayesgeo.inference import base
from bayesgeo.inference.base import Problem
from bayesgeo.inference.kernels import log_density as module
from bayesgeo.inference.kernels.device import import_jax, single_precision
from bayesgeo.inference.kernels.log_density import log_density
from bayesgeo.inference.kernels.target import target_of
from bayesgeo.models.networks.bayesian_mlp import BayesianMLPClassifier, BayesianMLPRegressor
from tests.problems import problem_of

network = partial(BayesianMLPRegressor, hidden=(4,), activation="tanh")
VALUES = {
    "linear": BayesianLinearRegression(),
    "network, constant noise": network(noise="constant"),
    "network, student-t": network(noise="student-t"),
    "network, heteroscedastic": network(hidden=(4, 3)),
    "network, equal relevances": network(relevance="equal", prior_scale=(1.0, 0.5)),
}
LABELS = {
    "logistic, whitened": BayesianLogisticRegression(),
    "logistic, laplace": BayesianLogisticRegression("laplace"),
    "network": BayesianMLPClassifier((4,)),
}
MODELS = VALUES | {f"{name}, {k} classes": model for name, model in LABELS.items() for k in (2, 3)}
EVERY = pytest.mark.parametrize("name", MODELS)
EPS = float(np.finfo(np.float32).eps)


def rows(name, n=70):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, 3))
    signal = X @ [1.0, -2.0, 0.0] + 0.5 * rng.normal(size=n)
    if "classes" not in name:
        return X, signal
    return X, np.digitize(signal, [0.0] if "2 classes" in name else [-1.0, 1.0])


def stated(name, n=70):
    return problem_of(MODELS[name], *rows(name, n))


def points(density, how_many=3):
    """Return unconstrained values near where a chain starts, by number."""
    rng = np.random.default_rng(1)
    middle = density.flat({})
    return [(middle + 0.5 * rng.normal(size=density.size)).astype(np.float32) for _ in range(how_many)]


def weight_of(target):
    return np.asarray(target.everything)


class ByPyMC:
    """The prior and the likelihood by row of a problem, in double precision and without a compiler."""

    def __init__(self, problem):
        self.model = problem.build()
        with self.model:
            pm.set_data(problem.data)
        outcome = self.model["outcome"]
        others = [*self.model.free_RVs, *(term for term in self.model.potentials if term is not outcome)]
        plain = pytensor.compile.mode.Mode(linker="py", optimizer="fast_compile")
        terms = [*self.model.logp(vars=others, sum=False), *self.model.logp(vars=[outcome], sum=False)]
        self.terms = self.model.compile_fn(terms, mode=plain)

    def __call__(self, density, theta):
        values = [np.asarray(part, dtype=float) for part in density._split(theta)]
        point = dict(zip(density.shapes, values, strict=True))
        *prior, outcome = self.terms(point)
        return np.concatenate([np.ravel(part) for part in prior]), outcome


@pytest.fixture
def single():
    with single_precision():
        yield


@pytest.mark.slow
@EVERY
def test_the_density_is_that_of_pymc_to_single_precision(name, single):
    problem = stated(name)
    density, target, reference = log_density(problem), target_of(problem), ByPyMC(problem)
    jax, n = import_jax(), len(problem.data["y"])
    whole = partial(density.total, weight=target.everything)
    functions = [jax.jit(function) for function in (density.rows, density.prior, whole)]
    for theta in points(density):
        prior, by_row = reference(density, theta)
        found = [np.asarray(function(theta, target.data)) for function in functions]
        # Each number goes through some ten operations in single precision, and those of a row start from a sum of
        # products: 100 roundings of the largest row bound the error of each, and of the sum the same part of all.
        assert by_row.shape == (n,)
        np.testing.assert_allclose(found[0][:n], by_row, rtol=0, atol=100 * EPS * np.abs(by_row).max())
        assert found[1] == pytest.approx(prior.sum(), abs=100 * EPS * np.abs(prior).sum())
        size = np.abs(prior).sum() + np.abs(by_row).sum()
        assert found[2] == pytest.approx(prior.sum() + by_row.sum(), abs=100 * EPS * size)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["logistic, whitened, 2 classes", "network, heteroscedastic"])
def test_rows_of_weight_zero_do_not_count(name, single):
    problem = stated(name)
    density, target = log_density(problem), target_of(problem)
    theta, weight = points(density, 1)[0], weight_of(target).copy()
    weight[::3] = 0.0
    wild = {key: np.array(values) for key, values in target.data.items()}
    wild["X"][::3] = 30.0
    first, second = (float(density.total(theta, data, weight)) for data in (target.data, wild))
    # Sums of the same numbers, in the same order.
    assert first == second


@pytest.mark.slow
@pytest.mark.parametrize("n", [63, 70, 1023])
def test_padded_rows_do_not_count(n, single):
    problem = stated("network, constant noise", n)
    density, target = log_density(problem), target_of(problem)
    theta = points(density, 1)[0]
    assert len(weight_of(target)) >= n == weight_of(target).sum() == target.n_rows
    unpadded = {name: np.float32(values) for name, values in problem.data.items()}
    by_row = np.asarray(density.rows(theta, unpadded))
    plain = by_row.sum(dtype=float) + float(density.prior(theta, target.data))
    found = float(density.total(theta, target.data, target.everything))
    assert found == pytest.approx(plain, abs=np.sqrt(n) * EPS * np.abs(by_row).sum())


@pytest.mark.slow
def test_folds_of_nearly_equal_size_are_padded_to_one_size(single):
    targets = [target_of(stated("network, constant noise", n)) for n in (1009, 1013, 1024)]
    assert {len(weight_of(target)) for target in targets} == {1024}
    assert {len(target.held_out["y"]) for target in targets} == {152}


@pytest.mark.slow
def test_held_out_rows_are_those_of_the_problem(single):
    problem = stated("network, constant noise")
    target = target_of(problem)
    held = problem.held_out
    assert np.flatnonzero(np.asarray(target.training) != weight_of(target)).tolist() == sorted(held)
    assert 0.9 * len(held) <= len(target.held_out["X"]) <= len(held)
    kept = held[: len(target.held_out["X"])]
    np.testing.assert_array_equal(target.held_out["X"], np.float32(problem.data["X"][kept]))


@pytest.mark.slow
def test_many_rows_in_blocks_have_the_plain_sum_and_gradient(single):
    jax = import_jax()
    n = module.IN_BLOCKS
    problem = stated("network, constant noise", n)
    density, target = log_density(problem), target_of(problem)
    weight = np.float32(np.random.default_rng(2).integers(0, 2, len(weight_of(target))))
    assert len(weight) % module.BLOCK_ROWS == 0

    def plain(theta):
        return density.prior(theta, target.data) + (weight * density.rows(theta, target.data)).sum()

    theta = points(density, 1)[0]
    blocks = lambda theta: density.total(theta, target.data, weight)  # noqa: E731
    (value, gradient), (wanted, slope) = (jax.jit(jax.value_and_grad(f))(theta) for f in (blocks, plain))
    # Sums of n numbers in another order: their roundings add up like a walk of as many steps.
    scale = float(np.abs(weight * np.asarray(density.rows(theta, target.data))).sum())
    assert float(value) == pytest.approx(float(wanted), abs=10 * EPS * scale)
    assert float(blocks(theta)) == pytest.approx(float(wanted), abs=10 * EPS * scale)
    np.testing.assert_allclose(gradient, slope, rtol=0, atol=np.sqrt(n) * EPS * np.abs(slope).max())


def test_data_of_another_size_reuse_the_density():
    small, large = (stated("linear", n) for n in (20, 90))
    assert log_density(small) is log_density(large)


def test_only_a_few_densities_are_remembered(monkeypatch):
    monkeypatch.setattr(module, "_densities", type(module._densities)())
    monkeypatch.setattr(module, "LogDensity", lambda problem: object())
    problems = [problem_of(BayesianLinearRegression(prior_scale=scale), *rows("linear")) for scale in range(1, 12)]
    first = [log_density(problem) for problem in problems]
    assert len(module._densities) == base.KEPT
    assert log_density(problems[-1]) is first[-1]
    assert log_density(problems[0]) is not first[0]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["linear", "logistic, laplace, 3 classes", "network, heteroscedastic"])
def test_draws_are_the_variables_of_the_problem(name, single):
    problem = stated(name)
    density, target = log_density(problem), target_of(problem)
    theta = np.stack([points(density, 3), points(density, 3)])
    draws = density.draws(theta, target.data)
    assert list(draws) == list(problem.dims)
    sizes = {name: len(labels) for name, labels in problem.coords.items()}
    for variable, dims in problem.dims.items():
        assert draws[variable].ndim == 2 + len(dims)
        assert draws[variable].shape[:2] == (2, 3)
        for axis, dim in enumerate(dims, 2):
            assert draws[variable].shape[axis] == sizes.get(dim, draws[variable].shape[axis])
        np.testing.assert_array_equal(draws[variable][0], draws[variable][1])


def test_deterministic_variables_follow_from_the_unconstrained_ones(single):
    problem = stated("network, constant noise")
    density, target = log_density(problem), target_of(problem)
    theta = density.flat({}) + np.float32(0.3)
    above = float(theta[density.positions(("above_floor_log__",))[0]])
    sigma = density.draws(theta[None, None], target.data)["sigma"].item()
    assert sigma == pytest.approx(np.exp(above) + float(problem.data["floor"]), rel=10 * EPS)


def test_flat_puts_each_value_where_positions_says():
    density = log_density(stated("network, constant noise"))
    weight = np.arange(4.0)[:, None]
    theta = density.flat({"unit_weight_1": weight})
    np.testing.assert_array_equal(theta[density.positions(("unit_weight_1",))], weight.ravel())
    others = np.setdiff1d(np.arange(density.size), density.positions(("unit_weight_1",)))
    np.testing.assert_array_equal(theta[others], density.flat({})[others])
    assert theta.dtype == np.float32
    assert density.positions(()).tolist() == list(range(density.size))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            {"unit_weight_0": np.zeros((2, 4))},
            r"Invalid start 'unit_weight_0'\. It has shape \(2, 4\); the model's is \(3, 4\)",
        ),
        ({"weight_7": np.zeros(3)}, r"Invalid start 'weight_7'\. .* the model's is None\. Start from a network of"),
        ({"sigma": np.array(0.5)}, r"Invalid start 'sigma'\. .* the model's is None"),
    ],
)
def test_values_that_the_model_does_not_have_are_refused(values, message):
    with pytest.raises(ValueError, match=message):
        log_density(stated("network, constant noise")).flat(values)


def test_an_outcome_that_is_one_number_for_all_rows_is_refused():
    def build():
        with pm.Model() as model:
            X, y = pm.Data("X", np.zeros((2, 1))), pm.Data("y", np.zeros(2))
            slope = pm.Normal("slope", 0, 1)
            pm.Potential("outcome", (-((y - slope * X[:, 0]) ** 2)).sum())
        return model

    problem = Problem(build, {"X": np.zeros((5, 1)), "y": np.zeros(5)}, {"slope": ()})
    with pytest.raises(ValueError, match=r"Its log likelihood has 0 dimensions\. Give one value for each row"):
        log_density(problem)


ALONE = """
import os, sys
os.environ.pop("XLA_FLAGS", None)
from bayesgeo.inference.kernels.device import import_jax
jax = import_jax()
print(len(jax.devices()), jax.numpy.zeros(1).dtype, os.environ["XLA_FLAGS"])
"""


@pytest.mark.slow
def test_importing_jax_leaves_the_devices_and_the_precision_of_the_process(repository):
    environment = os.environ | {"JAX_PLATFORMS": "cpu"}
    command = [sys.executable, "-c", ALONE]
    found = subprocess.run(command, cwd=repository, env=environment, capture_output=True, text=True, check=True).stdout
    assert found.split() == ["1", "float32", "--xla_cpu_multi_thread_eigen=false"]
