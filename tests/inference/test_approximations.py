"""Gaussian approximations against the closed form, and against what they are by definition."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from bayesgeo import BayesianLinearRegression
from bayesgeo._progress import listening
from bayesgeo.inference import advi, laplace
from bayesgeo.inference.advi import ADVI
from bayesgeo.inference.kernels import target as on_device
from bayesgeo.inference.kernels.target import checked_draws
from bayesgeo.inference.laplace import Laplace
from bayesgeo.models.networks.bayesian_mlp import BayesianMLPClassifier, BayesianMLPRegressor
from bayesgeo.models.regression.linear import conjugate_prior
from tests.problems import problem_of

DRAWS, CHAINS = 1000, 4
MEAN_FIELD, FULL = ADVI(draws=DRAWS), ADVI(draws=DRAWS, rank="full")
IN_BATCHES = replace(FULL, batch=64)
LAPLACE = Laplace(draws=DRAWS, subset="full")
# Of the draws alone: 12 comparisons at 4 standard errors.
MEAN_ERROR, SD_ERROR = 4 / np.sqrt(DRAWS * CHAINS), 4 / np.sqrt(2 * DRAWS * CHAINS)


def table(n=200):
    """Return rows whose features are correlated, so that a posterior of independent values is not the true one."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, 3)) @ (np.eye(3) + 0.5)
    return X, 4.0 + X @ [1.5, -1.0, 0.0] + 0.7 * rng.normal(size=n)


def exact():
    X, y = table()
    return conjugate_prior("normal", 10.0, 3).update((X - X.mean(axis=0)) / X.std(axis=0), (y - y.mean()) / y.std())


def coefficients(tree):
    draws = tree["posterior"]
    return np.concatenate([draws["intercept"].values[..., None], draws["weight"].values], -1).reshape(-1, 4)


@pytest.fixture(scope="module")
def linear():
    return problem_of(BayesianLinearRegression(), *table())


@pytest.fixture(scope="module")
def fits(linear):
    return {inference: inference.run(linear, 0) for inference in (MEAN_FIELD, FULL, IN_BATCHES, LAPLACE)}


@pytest.fixture(scope="module")
def network():
    rng = np.random.default_rng(0)
    X = rng.uniform(-2, 2, size=(80, 1))
    return problem_of(
        BayesianMLPRegressor((4,), activation="tanh", random_state=0),
        X,
        np.sin(2 * X[:, 0]) + 0.2 * rng.normal(size=80),
    )


@pytest.mark.slow
@pytest.mark.parametrize("inference", [MEAN_FIELD, FULL, IN_BATCHES, LAPLACE], ids=str)
def test_the_coefficients_have_the_mean_of_the_conjugate_posterior(inference, fits):
    belief, draws = exact(), coefficients(fits[inference])
    sd = np.sqrt(np.diag(np.linalg.inv(belief.precision)) * belief.rate / (belief.shape - 1))
    np.testing.assert_array_less(np.abs(draws.mean(axis=0) - belief.location), 0.1 * sd + MEAN_ERROR * sd)


@pytest.mark.slow
@pytest.mark.parametrize("inference", [FULL, IN_BATCHES, LAPLACE], ids=str)
def test_a_full_covariance_is_that_of_the_conjugate_posterior(inference, fits):
    belief, draws = exact(), coefficients(fits[inference])
    covariance = np.linalg.inv(belief.precision) * belief.rate / (belief.shape - 1)
    unit = np.linalg.solve(np.linalg.cholesky(covariance), (draws - belief.location).T)
    # In coordinates in which the posterior is a unit normal.
    np.testing.assert_allclose(np.cov(unit), np.eye(4), atol=0.15)


@pytest.mark.slow
def test_independent_values_are_never_wider_than_the_true_ones(fits):
    belief, draws = exact(), coefficients(fits[MEAN_FIELD])
    precision = belief.precision / (belief.rate / (belief.shape - 1))
    marginal, conditional = np.sqrt(np.diag(np.linalg.inv(precision))), np.diag(precision) ** -0.5
    assert (draws.std(axis=0) <= marginal * (1 + SD_ERROR)).all()
    # The best Gaussian of independent values is as wide as each value given all others.
    np.testing.assert_allclose(draws.std(axis=0), conditional, rtol=0.1)


@pytest.mark.slow
def test_laplace_is_the_normal_at_the_joint_mode(fits):
    # In (theta, log variance) the density is v^-(a + p / 2) exp(-b / v) times a normal of theta, p coefficients.
    belief, tree = exact(), fits[LAPLACE]
    a = belief.shape + 4 / 2
    mode = belief.rate / a
    log_variance = 2 * np.log(tree["posterior"]["sigma"].values.ravel())
    assert log_variance.mean() == pytest.approx(np.log(mode), abs=MEAN_ERROR * a**-0.5)
    assert log_variance.std() == pytest.approx(a**-0.5, rel=SD_ERROR)
    draws, sd = coefficients(tree), np.sqrt(np.diag(np.linalg.inv(belief.precision)) * mode)
    np.testing.assert_array_less(np.abs(draws.mean(axis=0) - belief.location), MEAN_ERROR * sd)
    np.testing.assert_allclose(draws.std(axis=0), sd, rtol=SD_ERROR)


@pytest.mark.slow
@pytest.mark.parametrize("inference", [MEAN_FIELD, FULL, LAPLACE], ids=str)
def test_ratios_are_those_of_the_two_densities(inference, fits):
    belief, tree = exact(), fits[inference]
    ratio = tree["approximation"]["log_ratio"].values
    assert ratio.shape == (CHAINS, checked_draws(200, DRAWS))
    theta, v = coefficients(tree), tree["posterior"]["sigma"].values.ravel() ** 2
    shifted = theta - belief.location
    square = np.einsum("di,ij,dj->d", shifted, belief.precision, shifted)
    log_p = -(belief.shape + 2) * np.log(v) - (belief.rate + square / 2) / v
    unconstrained = np.c_[theta, np.log(v)].reshape(CHAINS, DRAWS, 5)
    for chain in range(CHAINS):
        # The approximation is a normal: 20 moments in five dimensions, each known to a part in sqrt(DRAWS).
        drawn = unconstrained[chain]
        log_q = stats.multivariate_normal(drawn.mean(axis=0), np.cov(drawn.T)).logpdf(drawn)
        gap = ratio[chain] - (log_p.reshape(CHAINS, DRAWS)[chain] - log_q)
        assert gap.std() < 2 * np.sqrt(20 / DRAWS)


@pytest.mark.slow
def test_full_rank_is_closer_to_the_posterior_than_independent_values(fits):
    spread = {name: fits[name]["approximation"]["log_ratio"].values.std(axis=1) for name in (MEAN_FIELD, FULL, LAPLACE)}
    assert (spread[FULL] < 0.5 * spread[MEAN_FIELD]).all()
    assert (spread[LAPLACE] < 0.5 * spread[MEAN_FIELD]).all()


@pytest.mark.slow
@pytest.mark.parametrize(
    "inference",
    [ADVI(draws=50, max_steps=400), ADVI(draws=50, max_steps=400, rank="full"), Laplace(draws=50)],
    ids=str,
)
def test_the_same_seed_gives_the_same_draws_whatever_the_cores(inference, network):
    first, second, third = (
        replace(inference, chains=3, cores=cores).run(network, seed) for cores, seed in ((1, 0), (2, 0), (1, 1))
    )
    for group in first.children:
        assert first[group].to_dataset().identical(second[group].to_dataset())
        assert all(np.isfinite(values).all() for values in first[group].data_vars.values())
    assert not np.isclose(first["posterior"]["weight_1"], third["posterior"]["weight_1"]).any()
    assert dict(first["posterior"].sizes) | {"chain": 3, "draw": 50} == dict(first["posterior"].sizes)
    assert first.attrs["inference"] == type(inference).__name__
    assert (first.attrs["kind"], first.attrs["interrupted"]) == ("approximation", 0)
    titles = {"ADVI": "{rank} Gaussian (ADVI)", "Laplace": "Gaussian at a peak (Laplace), {subset}"}
    assert first.attrs["title"] == titles[first.attrs["inference"]].format(**vars(inference))


@pytest.mark.slow
def test_over_the_last_layer_the_rest_stays_as_trained(network):
    tree = Laplace(draws=50, chains=3).run(network, 0)["posterior"]
    assert (tree["weight_0"] == tree["weight_0"].isel(draw=0)).all()
    assert (tree["weight_0"].isel(chain=0) != tree["weight_0"].isel(chain=1)).all()
    assert (tree["weight_1"].std("draw") > 0).all()


@pytest.mark.slow
def test_an_interrupt_keeps_the_whole_parts_of_advi(network):
    inference = ADVI(draws=20, chains=2, max_steps=400, cores=1)
    tree = interrupted_after(2, "fitting", inference, network)
    assert tree.attrs["interrupted"] == 1
    assert tree["warmup"]["step"].values.tolist() == [20, 40]
    assert tree["posterior"].sizes["draw"] == 20
    with pytest.raises(KeyboardInterrupt, match=r"^$"):
        interrupted_after(1, "training", inference, network)


def interrupted_after(times, phase, inference, problem):
    heard = []

    def interrupt(name, numbers):
        heard.append(name)
        if heard.count(phase) == times:
            raise KeyboardInterrupt

    with listening(interrupt):
        return inference.run(problem, 0)


@pytest.mark.slow
def test_an_interrupt_of_laplace_goes_on(linear):
    with pytest.raises(KeyboardInterrupt, match=r"^$"):
        interrupted_after(1, "climbing", LAPLACE, linear)


@pytest.mark.slow
def test_laplace_refuses_more_values_than_fit_in_a_full_curvature(network, monkeypatch):
    monkeypatch.setattr(laplace, "FULL_SIZE", 10)
    with pytest.raises(ValueError, match=r"Invalid subset 'full'\. The model has 20 values; at most 10 .* or ADVI"):
        Laplace(subset="full").run(network, 0)


def test_many_rows_are_seen_in_batches():
    assert [ADVI()._batch(n) for n in (100, advi.FULL_BATCH, advi.FULL_BATCH + 1)] == [0, 0, advi.BATCH]
    assert [ADVI(batch=64)._batch(n) for n in (50, 64, 65)] == [0, 0, 64]


def test_a_bound_has_settled_when_its_last_third_has_stopped_growing():
    flat, growing = np.zeros(12), np.arange(12.0)
    assert advi._settled(flat)
    assert not advi._settled(flat[: advi.FLOOR - 1])
    assert not advi._settled(growing)
    assert advi._settled(-growing)


@pytest.mark.parametrize(
    ("n_rows", "draws", "checked"), [(10, 5, 5), (1_000, 250, 250), (50_000, 250, 200), (10**9, 250, 100)]
)
def test_fewer_draws_are_checked_of_more_rows_but_a_hundred_always(n_rows, draws, checked):
    assert checked_draws(n_rows, draws) == checked
    assert on_device.CHECKED_ROWS == 10_000_000


@pytest.mark.parametrize(
    ("inference", "message"),
    [
        (ADVI(rank="low"), r"Invalid rank 'low'\. It is not known"),
        (ADVI(draws=0), r"Invalid draws 0\. It must be a whole number above zero"),
        (ADVI(batch=0), r"Invalid batch 0\. It must be a whole number above zero"),
        (ADVI(max_steps=1.5), r"Invalid max_steps 1\.5\. It must be a whole number above zero"),
        (Laplace(subset="last"), r"Invalid subset 'last'\. It is not known\. Known: last layer, full"),
        (Laplace(chains=-1), r"Invalid chains -1\. It must be a whole number above zero"),
    ],
    ids=str,
)
def test_a_setting_that_cannot_be_used_is_refused_before_compiling(inference, message):
    X, y = table(20)
    with pytest.raises(ValueError, match=message):
        BayesianMLPClassifier(inference=inference).fit(X, y > 4)
