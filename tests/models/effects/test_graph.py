"""The graph of effects: its density against SciPy, whatever the coordinates and the room for levels."""

import numpy as np
import pytest
from scipy import special, stats

from bayesgeo.models.effects.coordinates import Outcome, coordinates, estimate
from bayesgeo.models.effects.covariance import GroupPrior
from bayesgeo.models.effects.graph import hierarchical_graph
from bayesgeo.models.effects.layout import Block
from bayesgeo.models.effects.levels import Members
from bayesgeo.models.effects.terms import Effect
from bayesgeo.models.regression.graph import contrasts

ROWS, LEVELS, FEATURES, SCALE = 40, 4, 2, 2.5
PRIOR = GroupPrior("half-normal", 1.5)
EFFECTS = {
    "intercept": Effect("site"),
    "slopes": Effect("site", ("x0", "x1"), correlated=False),
    "correlated slopes": Effect("site", ("x0", "x1")),
}


def table(effect, outcome, n_labels):
    rng = np.random.default_rng(0)
    X, codes = rng.normal(size=(ROWS, FEATURES)), rng.integers(LEVELS, size=ROWS)
    y = rng.integers(n_labels, size=ROWS) if outcome == "classes" else rng.normal(size=ROWS)
    z = np.c_[np.ones(ROWS), X][:, : len(effect.terms)]
    return X, y, Members(codes, z)


def graph(effect, outcome, n_labels, *, room=LEVELS + 2):
    """Return the PyMC model with its data, and its free values."""
    import pymc as pm

    X, y, members = table(effect, outcome, n_labels)
    blocks = (Block(effect, room),)
    quick = estimate(X, Outcome(outcome, y, n_labels), blocks, [members], weight_scale=SCALE, prior=PRIOR)
    model = hierarchical_graph((outcome, n_labels), ("normal", SCALE), FEATURES, blocks, PRIOR, dense=quick.dense)
    with model:
        pm.set_data({"X": X, "y": y, **coordinates(quick, blocks, [members], 1 + FEATURES)})
    return model, (X, y, members)


class Evaluated:
    """The log density of a model, and its parameters in their own units, at flat free values."""

    def __init__(self, model, effect, n_labels, noise=()):
        import pytensor

        self.names = ["intercept", "weight", "site_effect", "site_sd", *noise]
        self.names += ["site_correlation"] if effect.correlations else []
        self.inputs, self.C = model.value_vars, contrasts(n_labels)
        start = model.initial_point()
        self.shapes = [np.shape(start[value.name]) for value in self.inputs]
        self.size = sum(int(np.prod(shape)) for shape in self.shapes)
        outputs = [model.logp(sum=True), *model.replace_rvs_by_values([model[name] for name in self.names])]
        self.function = pytensor.function(self.inputs, outputs, mode="FAST_COMPILE", on_unused_input="ignore")

    def __call__(self, x):
        """Return the log density and the parameters by name, of classes along their contrasts."""
        ends = np.cumsum([int(np.prod(shape)) for shape in self.shapes])[:-1]
        parts = [part.reshape(shape) for part, shape in zip(np.split(x, ends), self.shapes, strict=True)]
        density, *found = self.function(*parts)
        named = dict(zip(self.names, map(np.asarray, found), strict=True))
        if len(self.C) > 2:
            named |= {name: named[name] @ self.C for name in ("intercept", "weight", "site_effect")}
        return float(density), named

    def log_jacobian(self, x, step=1e-5):
        """Return the log determinant of the derivative of the parameters, by central differences."""
        flat = [self._flat(x + step * side) - self._flat(x - step * side) for side in np.eye(self.size)]
        return np.linalg.slogdet(np.stack(flat) / (2 * step))[1]

    def _flat(self, x):
        return np.concatenate([value.ravel() for value in self(x)[1].values()])


def reference(effect, n_labels, data, found):
    """Return the log density of parameters in their own units, by SciPy."""
    X, y, members = data
    intercept, weight, sd = np.atleast_1d(found["intercept"]), found["weight"].reshape(FEATURES, -1), found["site_sd"]
    b = found["site_effect"].reshape(-1, len(sd), n_labels - 1)
    R = np.eye(len(sd))
    pairs = [(i, j) for i in range(len(sd)) for j in range(i)] if effect.correlations else []
    for k, (i, j) in enumerate(pairs):
        R[i, j] = R[j, i] = found["site_correlation"][k]
    total = stats.norm.logpdf(intercept, 0, 10).sum() + stats.norm.logpdf(weight, 0, SCALE).sum()
    population = stats.multivariate_normal(np.zeros(len(sd)), np.outer(sd, sd) * R)
    total += sum(np.sum(population.logpdf(b[:, :, f])) for f in range(n_labels - 1))
    total += stats.halfnorm.logpdf(sd, scale=PRIOR.scale).sum() + (effect.lkj - 1) * np.linalg.slogdet(R)[1]
    predictor = intercept + X @ weight + np.einsum("oq,oqf->of", members.z, b[members.codes])
    return total + special.log_softmax(predictor @ contrasts(n_labels).T, axis=1)[np.arange(ROWS), y].sum()


@pytest.mark.slow
@pytest.mark.parametrize("n_labels", [2, 3])
@pytest.mark.parametrize("effect", EFFECTS.values(), ids=EFFECTS)
def test_the_density_is_that_of_the_model_whatever_the_coordinates(effect, n_labels):
    model, data = graph(effect, "classes", n_labels)
    found, rng, gaps = Evaluated(model, effect, n_labels), np.random.default_rng(1), []
    for _ in range(3):
        x = rng.normal(0, 0.5, found.size)
        density, parameters = found(x)
        gaps.append(density - reference(effect, n_labels, data, parameters) - found.log_jacobian(x))
    # Equal up to a constant; central differences are good to 1e-9 for each of some forty values.
    np.testing.assert_allclose(gaps, gaps[0], atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("outcome", ["normal", "student-t"])
def test_the_noise_of_values_is_that_of_the_model(outcome):
    import pymc as pm

    effect, heavy = EFFECTS["intercept"], outcome == "student-t"
    model, (X, y, members) = graph(effect, outcome, 2)
    found = Evaluated(model, effect, 2, noise=("sigma", "nu") if heavy else ("sigma",))
    x = np.random.default_rng(1).normal(0, 0.5, found.size)
    before, p = found(x)
    with model:
        pm.set_data({"y": 2 * y})
    after = found(x)[0]
    mean = p["intercept"] + X @ p["weight"] + p["site_effect"][members.codes, 0]
    family = stats.t(p["nu"], mean, p["sigma"]) if heavy else stats.norm(mean, p["sigma"])
    np.testing.assert_allclose(after - before, np.sum(family.logpdf(2 * y) - family.logpdf(y)), rtol=1e-9)


@pytest.mark.slow
def test_levels_without_rows_never_touch_the_others():
    effect, gaps = EFFECTS["correlated slopes"], []
    narrow, wide = (graph(effect, "classes", 2, room=room)[0] for room in (LEVELS, LEVELS + 3))
    few, more = Evaluated(narrow, effect, 2), Evaluated(wide, effect, 2)
    assert more.size == few.size + 9
    for seed in range(2):
        x = np.random.default_rng(seed).normal(0, 0.5, few.size)
        at = few.shapes[0][0]
        first, p = few(x)
        second, q = more(np.r_[x[:at], np.zeros(9), x[at:]])
        np.testing.assert_allclose(q["site_effect"][:LEVELS], p["site_effect"], atol=1e-12)
        gaps.append(second - first)
    # Levels at the middle of their population add only their own density there, in coordinates scaled by one.
    np.testing.assert_allclose(gaps[0], gaps[1], atol=1e-9)
