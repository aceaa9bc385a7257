"""Draws of a network's prior by NumPy, and curves of its prior and posterior functions."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy import stats
from sklearn.exceptions import NotFittedError

from bayesgeo.inference.base import label_posterior
from bayesgeo.models.architecture import Network
from bayesgeo.models.networks.bayesian_mlp import BayesianMLPClassifier, BayesianMLPRegressor
from bayesgeo.models.networks.function_curves import CURVES, INPUTS, POINTS
from bayesgeo.models.networks.graph import INTERCEPT_SCALE, network_graph, unit_values
from bayesgeo.models.networks.prior_draws import prior_draws
from bayesgeo.models.storage import load_model, save_model

ERRORS = 4.5  # standard errors: one false alarm in about 100,000 comparisons
SCALES = (2.0, 3.0, 4.0)
# Noise, classes and outputs of each kind of network.
KINDS = {
    "heteroscedastic": ("heteroscedastic", 0, 2),
    "constant": ("constant", 0, 1),
    "student-t": ("student-t", 0, 1),
    "two classes": ("classes", 2, 1),
    "three classes": ("classes", 3, 3),
}
EVERY = pytest.mark.parametrize("kind", KINDS)


def network_of(kind):
    return Network(2, (3, 4), KINDS[kind][2], "tanh", linear=True)


def drawn(kind, n, *, equal):
    rng = np.random.default_rng(0)
    return prior_draws(network_of(kind), SCALES, KINDS[kind][0], 0.01, equal=np.full(n, equal), rng=rng)


@EVERY
def test_draws_are_unit_normals_in_the_coordinates_of_the_graph(kind):
    n, network = 2_000, network_of(kind)
    p = drawn(kind, n, equal=True)
    free = max(KINDS[kind][1] - 1, 1)
    scales = np.repeat([INTERCEPT_SCALE, 1.0, 1.0], free)
    coordinates = {"center": np.zeros(3 * free), "factor": np.diag(scales)}
    values = []
    for k in range(n):
        one = {name: draws[k] for name, draws in p.items()}
        unit = unit_values(one, network, SCALES, KINDS[kind][0], coordinates)
        values.append(np.concatenate([np.ravel(unit[name]) for name in sorted(unit)]))
    values = np.array(values)
    assert np.abs(values.mean(axis=0)).max() < ERRORS / np.sqrt(n)
    covariance = values.T @ values / n
    assert np.abs(covariance - np.eye(len(covariance))).max() < ERRORS * np.sqrt(2 / n)


def test_the_weights_of_an_input_share_its_relevance_which_is_half_normal():
    p = drawn("constant", 2_000, equal=False)
    unit = p["weight_0"] / (SCALES[0] / np.sqrt(2)) / p["relevance"][..., None]
    square = (unit**2).ravel()
    assert abs(square.mean() - 1) < ERRORS * np.sqrt(2 / len(square))
    for j in range(2):
        assert stats.kstest(p["relevance"][:, j], stats.halfnorm.cdf).pvalue > 1e-4
        assert stats.kstest(unit[:, j, 0], stats.norm.cdf).pvalue > 1e-4


@pytest.mark.slow
@EVERY
def test_functions_of_the_prior_are_those_of_the_graph(kind):
    import pymc as pm

    n, network = 4_000, network_of(kind)
    noise, labels, _ = KINDS[kind]
    mine = drawn(kind, n, equal=False)
    model = network_graph(network, SCALES, noise, n_labels=labels)
    names = [name for name in (*network.shapes, "relevance") if name not in ("linear", "bias_2")]
    theirs = dict(zip(names, pm.draw([model[name] for name in names], n, random_seed=1), strict=True))
    # The graph's linear part is flat with potentials: its density is compared, not its draws.
    assert np.allclose([_linear_prior(model, z) - _linear_prior(model, 0 * z) for z in _points(model)], _stated(model))
    X = np.array([[-2.0, 0.5], [0.0, 0.0], [1.0, 3.0]])
    zero = {"linear": 0 * mine["linear"], "bias_2": 0 * mine["bias_2"]}
    ours, others = (network.forward(X, p | zero, np).reshape(n, -1) for p in (mine, theirs))
    error = np.sqrt((ours.var(axis=0) + others.var(axis=0)) / n)
    assert (np.abs(ours.mean(axis=0) - others.mean(axis=0)) < ERRORS * error).all()
    ours, others = ours - ours.mean(axis=0), others - others.mean(axis=0)
    spread = np.sqrt(((ours**2).var(axis=0) + (others**2).var(axis=0)) / n)
    assert (np.abs(ours.var(axis=0) - others.var(axis=0)) < ERRORS * spread).all()


def _points(model):
    rng = np.random.default_rng(2)
    return rng.normal(size=(3, model["z"].type.shape[0]))


def _linear_prior(model, z):
    return float(sum(model[name].eval({model["z"]: z}) for name in ("weight_prior", "intercept_prior")))


def _stated(model):
    """Return the log density of Normal(0, 1) and Normal(0, 10²) coefficients, relative to zero."""
    # With center zero and factor one, z are the coefficients, intercepts first.
    free = model["z"].type.shape[0] // 3
    return [-0.5 * ((z[:free] / INTERCEPT_SCALE) ** 2).sum() - 0.5 * (z[free:] ** 2).sum() for z in _points(model)]


@pytest.mark.slow
def test_the_noise_of_the_prior_is_that_of_the_graph():
    import pymc as pm

    mine = drawn("student-t", 2_000, equal=False)
    model = network_graph(network_of("student-t"), SCALES, "student-t")
    theirs = pm.draw([model["above_floor"], model["nu"]], 2_000, random_seed=1)
    assert stats.ks_2samp(mine["sigma"] - 0.01, theirs[0]).pvalue > 1e-4
    assert stats.ks_2samp(mine["nu"], theirs[1]).pvalue > 1e-4


@dataclass(frozen=True)
class FromPrior:
    """An inference that learns nothing: its draws are those of the prior, half of the chains with equal relevances."""

    draws: int = 30
    chains: int = 4
    spread: float = 1.0

    def run(self, problem, seed):
        network, scales, noise = problem.build.args
        equal = np.repeat(np.arange(self.chains) % 2 == 1, self.draws)
        p = prior_draws(network, scales, noise, 0.1, equal=equal, rng=np.random.default_rng(seed))
        shaped = {name: values.reshape(self.chains, self.draws, *values.shape[1:]) for name, values in p.items()}
        tree = xr.DataTree.from_dict({"posterior": label_posterior(shaped, problem)})
        tree.attrs = {"inference": "FromPrior", "kind": "exact", "title": "none", "seed": seed, "interrupted": 0}
        return tree


def table(kind, features=6, n=60):
    rng = np.random.default_rng(0)
    half = rng.normal(size=(n // 2, features))
    # Symmetric: the median of each feature is its mean.
    X = pd.DataFrame(np.r_[half, -half], columns=[f"f{j}" for j in range(features)])
    y = 50.0 + 10.0 * rng.normal(size=n)
    if kind == "two classes":
        return X, np.where(np.arange(n) < n // 4, "blast", "quake")
    return (X, np.array(["sand", "silt", "shale"])[np.arange(n) % 3]) if kind == "three classes" else (X, y)


def fitted(kind, **settings):
    settings = {"hidden": (3,), "inference": FromPrior(), "random_state": 0} | settings
    model = BayesianMLPClassifier if KINDS[kind][1] else BayesianMLPRegressor
    noise = {} if KINDS[kind][1] else {"noise": kind}
    return model(**noise, **settings).fit(*table(kind))


@EVERY
def test_curves_of_the_posterior_are_its_predictions_with_other_inputs_at_their_median(kind):
    model, (X, _) = fitted(kind), table(kind)
    curves = model.posterior_["function_curves"].to_dataset()
    assert dict(curves.sizes) == {"feature": INPUTS, "point": POINTS, "curve": CURVES}
    for feature in curves["feature"].values:
        along = curves.sel(feature=feature)
        rows = pd.DataFrame(np.tile(X.median(), (POINTS, 1)), columns=X.columns).assign(**{feature: along["x"].values})
        draws = model.predict_draws(rows)
        if KINDS[kind][1]:
            draws = draws.sel(label=curves.attrs["label"])
        np.testing.assert_allclose(along["mean"], draws.mean(("chain", "draw")), rtol=1e-10)
        ends = draws.quantile([0.05, 0.95], ("chain", "draw"))
        np.testing.assert_allclose([along["low"], along["high"]], ends, rtol=1e-10)


def test_the_inputs_shown_are_those_along_which_the_posterior_mean_moves_most():
    model, (X, _) = fitted("constant"), table("constant")
    moves = {}
    for name in X:
        ends = np.linspace(*X[name].quantile([0.01, 0.99]), POINTS)
        rows = pd.DataFrame(np.tile(X.median(), (POINTS, 1)), columns=X.columns).assign(**{name: ends})
        moves[name] = np.ptp(model.predict(rows))
    curves = model.posterior_["function_curves"].to_dataset()
    assert curves["feature"].values.tolist() == sorted(moves, key=lambda name: -moves[name])[:INPUTS]
    assert curves.attrs["inputs"] == len(moves)


@EVERY
def test_prior_functions_lie_around_the_mean_of_the_target_or_the_shares_of_the_classes(kind):
    # A network of no size leaves the linear part, which is zero where all inputs are at their mean.
    model, (_, y) = fitted(kind, prior_scale=1e-9), table(kind)
    curves = model.posterior_["function_curves"].to_dataset()
    before = curves["prior"].values
    middle = np.array([np.interp(0.0, x, curve) for x, curve in zip(curves["x"].values, before[0], strict=True)])
    level = np.mean(y == curves.attrs["label"]) if KINDS[kind][1] else y.mean()
    assert curves.attrs["label"] in {"two classes": "quake", "three classes": "sand"}.get(kind, "")
    # Interpolated between two of 40 points: exact for lines, to the second order for probabilities.
    np.testing.assert_allclose(middle, level, atol=0.02 if KINDS[kind][1] else 1e-6)
    assert len(np.unique(before[:, 0, 0])) == CURVES
    if not KINDS[kind][1]:
        # The 5 % point of 1,000 draws of Normal(0, 10²) has a standard error of .067 deviations.
        low, high = ((curves.attrs[f"prior_{end}"] - y.mean()) / (10 * y.std()) for end in ("low", "high"))
        assert (low, high) == (pytest.approx(-1.645, abs=ERRORS * 0.067), pytest.approx(1.645, abs=ERRORS * 0.067))


def test_relevances_of_the_prior_are_learned_or_one_as_the_chains_kept_them():
    model = fitted("constant")
    before = model.prior(40).posterior_["posterior"]["relevance"].isel(chain=0)
    one = (before == 1).all("feature").values
    assert one.tolist() == [False, True] * 20
    alone = fitted("constant", relevance="equal").prior(10)
    assert "relevance" not in alone.posterior_["posterior"]


def test_a_model_with_draws_of_its_prior_predicts_responses_and_leaves_the_posterior_alone():
    model, (X, _) = fitted("student-t"), table("student-t")
    after = model.predict_draws(X)
    before = model.prior(50, seed=1)
    response = before.predict_draws(X, "response")
    assert response.std() > before.predict_draws(X).std()
    assert before.posterior_["posterior"]["noise_sd"].sizes == {"chain": 1, "draw": 50}
    assert model.predict_draws(X).identical(after)
    assert model.prior(50, seed=1).predict_draws(X).identical(before.predict_draws(X))
    assert not model.prior(50, seed=2).predict_draws(X).identical(before.predict_draws(X))


def test_an_input_of_few_rows_off_its_usual_value_is_drawn_over_all_of_them_and_a_constant_one_not_at_all():
    X, y = table("constant", features=3, n=400)
    X["f1"] = (np.arange(400) == 7).astype(float)
    X["f2"] = 3.0
    model = BayesianMLPRegressor((3,), noise="constant", inference=FromPrior(), random_state=0).fit(X, y)
    curves = model.posterior_["function_curves"].to_dataset()
    assert sorted(curves["feature"].values) == ["f0", "f1"]
    assert curves["x"].sel(feature="f1").values[[0, -1]].tolist() == [0.0, 1.0]
    assert np.ptp(curves["x"].sel(feature="f0").values) < np.ptp(X["f0"])
    nothing = BayesianMLPRegressor((3,), noise="constant", inference=FromPrior(), random_state=0).fit(X[["f2"]], y)
    assert "function_curves" not in nothing.posterior_.children


def test_curves_are_saved_with_the_model(tmp_path):
    model = fitted("three classes").set_params(inference=None)
    again = load_model(save_model(model, tmp_path / "model"))
    curves = model.posterior_["function_curves"].to_dataset()
    assert again.posterior_["function_curves"].to_dataset().identical(curves)


def test_a_prior_needs_a_fitted_model_a_number_of_draws_and_a_seed():
    with pytest.raises(NotFittedError, match="is not fitted yet"):
        BayesianMLPRegressor().prior()
    with pytest.raises(ValueError, match=r"Invalid draws 0\. It must be a whole number above zero"):
        fitted("constant").prior(0)
    with pytest.raises(ValueError, match=r"Invalid seed -1\. It must be a whole number from 0"):
        fitted("constant").prior(seed=-1)
