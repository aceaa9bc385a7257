"""The graph of the nested networks against what the documentation states, term by term."""

import numpy as np
import pytest
from scipy import special, stats

from bayesgeo.models.architecture import Network
from bayesgeo.models.networks.graph import LEAST_SHARE, linear_coordinates, noise_sd, weight_sds
from tests.models.networks.test_bayesian_mlp import CLASSES, FITTED, quick, table, weights
from tests.problems import problem_of

EPS = float(np.finfo(np.float32).eps)


def stated(kind, **settings):
    return problem_of(quick(kind, hidden=(4, 3), prior_scale=(2.0, 0.5, 3.0), **settings), *table(kind))


def drawn(density, seed=0):
    """Return unconstrained values by name, in double precision, and as one vector."""
    theta = np.random.default_rng(seed).normal(scale=0.5, size=density.size).astype(np.float32)
    return {
        name: np.asarray(part, float) for name, part in zip(density.shapes, density._split(theta), strict=True)
    }, theta


def log_likelihood(values, problem, network, noise):
    """Return the log likelihood of each row as the documentation states it."""
    p = weights(values, network, (2.0, 0.5, 3.0), problem.data)
    outputs, y = network.forward(problem.data["X"], p, np), problem.data["y"]
    if noise == "classes":
        both = outputs if network.outputs > 1 else np.c_[np.zeros(len(y)), outputs]
        return special.log_softmax(both, axis=1)[np.arange(len(y)), y], p
    floor = problem.data["floor"]
    if noise == "heteroscedastic":
        return stats.norm.logpdf(y, outputs[:, 0], noise_sd(outputs[:, 1], floor, np)), p
    sigma = np.exp(values["above_floor_log__"]) + floor
    if noise == "constant":
        return stats.norm.logpdf(y, outputs[:, 0], sigma), p
    return stats.t.logpdf(y, np.exp(values["nu_log__"]), outputs[:, 0], sigma), p


def log_prior(values, p):
    """Return the log prior of unconstrained values, up to a constant."""
    last = max(int(name[5:]) for name in p if name.startswith("bias"))
    intercept, linear = p[f"bias_{last}"], p["linear"]
    if "noise_bias" in values:
        intercept, linear = intercept[:1], linear[:, :1]
    found = -0.5 * np.sum((intercept / 10) ** 2) - 0.5 * np.sum(linear**2)
    for name, value in values.items():
        if name in ("above_floor_log__", "nu_log__"):
            law = stats.halfnorm(scale=1) if name[0] == "a" else stats.gamma(2, scale=10)
            found += law.logpdf(np.exp(value)) + value
        elif name != "z":
            found -= 0.5 * np.sum(value**2)
    return found


@pytest.mark.slow
@pytest.mark.parametrize("kind", FITTED)
@pytest.mark.parametrize("relevance", ["learned", "equal"])
def test_the_density_is_the_stated_one(kind, relevance):
    from bayesgeo.inference.kernels.device import single_precision
    from bayesgeo.inference.kernels.target import target_of

    problem = stated(kind, relevance=relevance)
    network, noise = problem.build.args[0], problem.build.args[2]
    with single_precision():
        target, priors = target_of(problem), []
        density = target.density
        for seed in range(3):
            values, theta = drawn(density, seed)
            by_row, p = log_likelihood(values, problem, network, noise)
            found = np.asarray(density.rows(theta, target.data))[: len(by_row)]
            np.testing.assert_allclose(found, by_row, rtol=0, atol=200 * EPS * np.abs(by_row).max())
            priors.append([float(density.prior(theta, target.data)), log_prior(values, p)])
            named = density.draws(theta[None, None], target.data)
            for name, value in p.items():
                np.testing.assert_allclose(named[name][0, 0], value, rtol=0, atol=100 * EPS * (1 + np.abs(value).max()))
        # Up to a constant.
        theirs, mine = np.array(priors).T
        np.testing.assert_allclose(theirs - theirs[0], mine - mine[0], rtol=0, atol=100 * EPS * np.abs(mine).max())


@pytest.mark.slow
def test_of_two_classes_one_logit_has_the_softmax_of_two():
    """A logit f has the likelihood of softmax over (0, f), and so over (c, f + c) for any c."""
    X, y = table("two classes")
    model = quick("two classes").fit(X, y)
    outputs = model._outputs(model._rows(X))
    assert model.network_.outputs == 1
    assert (outputs[..., 0] == 0).all()
    odds = outputs[..., 1].astype(float)
    expected = model.predict_draws(X).transpose("chain", "draw", "obs", "label").values
    np.testing.assert_allclose(expected, special.softmax(np.stack([0.7 + 0 * odds, 0.7 + odds], -1), -1), atol=1e-6)
    shown = model.functions(X, y)["log_density"].values
    right = np.where(np.asarray(y) == model.classes_[1], 1, -1)
    np.testing.assert_allclose(shown, -np.logaddexp(0, -right * odds), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("n_labels", [0, 2, 3])
def test_coordinates_have_the_mode_of_the_linear_part(n_labels):
    X, y = table(FITTED[1] if not n_labels else CLASSES[n_labels == 2])
    X = ((X - X.mean()) / X.std()).to_numpy()
    y = np.searchsorted(np.unique(y), y) if n_labels else (y - y.mean()) / y.std()
    found = linear_coordinates(X, y, n_labels)
    design = np.c_[np.ones(len(X)), X]
    if not n_labels:
        prior = np.diag([0.01, 1.0, 1.0])
        slope = design.T @ (y - design @ found["center"]) - prior @ found["center"]
        np.testing.assert_allclose(slope, 0, atol=1e-9)
        variance = LEAST_SHARE * np.mean((y - design @ found["center"]) ** 2)
        curvature = design.T @ design / variance + prior
        np.testing.assert_allclose(found["factor"] @ found["factor"].T, np.linalg.inv(curvature), rtol=1e-8)
    size = 3 * max(n_labels - 1, 1)
    assert found["center"].shape == (size,)
    assert found["factor"].shape == (size, size)


def test_functions_of_the_prior_keep_their_size_whatever_the_width():
    rng = np.random.default_rng(0)
    sizes = []
    for width in (8, 200):
        network = Network(3, (width, width), 1, "tanh", linear=True)
        sds = weight_sds(network, (3.0, 4.0, 4.0), "constant")
        p = {name: np.zeros((400, *shape)) for name, shape in network.shapes.items()}
        for k, sd in enumerate(sds):
            p[f"weight_{k}"] = sd * rng.normal(size=p[f"weight_{k}"].shape)
        sizes.append(network.forward(rng.normal(size=(5, 3)), p, np).std())
    # Two standard deviations of 2,000 values each; within 400 networks the five rows are alike.
    assert sizes[0] == pytest.approx(sizes[1], rel=4 / np.sqrt(400))
