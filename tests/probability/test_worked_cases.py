"""Worked cases with known answers: textbook results, the lectures' definitions, scipy."""

import math

import numpy as np
import pytest
import xarray as xr
from scipy import integrate, stats

from bayesgeo.probability import (
    Density,
    Discrete,
    Draws,
    Experiment,
    Gaussian,
    Independent,
    LinearGaussian,
    bayes,
    change_of_prior,
    distribution,
    entropy,
    entropy_split,
    exponential,
    from_pdf,
    from_pmf,
    importance,
    independence_test,
    kullback_leibler,
    mutual_information,
    normal,
    poisson,
    rejection,
    uniform,
    where,
)

CLOSED = 1e-10

dice = Experiment.product(first=range(1, 7), second=range(1, 7))
total = Discrete(dice.table(total=lambda v: v["first"] + v["second"]))
coins = Experiment.product(one="HT", two="HT", three="HT")
die = from_pmf(range(1, 7), [1 / 6] * 6)

# A test that finds 99 of 100 blasts and raises 5 false alarms in 100 quakes; 1 event in 100 is a blast.
screening = bayes(
    Discrete(xr.DataArray([0.99, 0.01], {"event": ["quake", "blast"]})),
    xr.DataArray([[0.95, 0.05], [0.01, 0.99]], {"event": ["quake", "blast"], "alarm": [False, True]}),
    alarm=True,
)

# Pearl's sprinkler: rain, sprinkler given rain, wet grass given both.
rain = Discrete(xr.DataArray([0.8, 0.2], {"rain": [0, 1]}))
sprinkler = xr.DataArray([[0.6, 0.4], [0.99, 0.01]], {"rain": [0, 1], "sprinkler": [0, 1]})
wet = xr.DataArray(
    [[[1.0, 0.0], [0.1, 0.9]], [[0.2, 0.8], [0.01, 0.99]]],
    {"rain": [0, 1], "sprinkler": [0, 1], "wet": [0, 1]},
)
lawn = rain.extend(sprinkler).extend(wet)

pair = Gaussian({"x": 1.0, "y": -2.0}, [[4.0, 1.2], [1.2, 1.0]])
weather = Discrete(xr.DataArray([[0.25, 0.25], [0.5, 0.0]], {"sky": ["clear", "cloud"], "rain": ["no", "yes"]}))

CLOSED_FORM = {
    "seven is thrown once in six": (dice.probability(lambda v: v["first"] + v["second"] == 7), 1 / 6),
    "a double six is thrown once in 36": (dice.probability(where(first=6, second=6)), 1 / 36),
    "at least one head among three coins": (coins.probability(~where(one="T", two="T", three="T")), 7 / 8),
    "two dice expect seven": (total.expectation("total"), 7.0),
    "two dice vary by 35/6": (total.variance("total"), 35 / 6),
    "a die expects 3.5": (die.expectation(), 3.5),
    "a die varies by 35/12": (die.variance(), 35 / 12),
    "a die is even half the time": (die.measure(lambda n: n % 2 == 0), 0.5),
    "a rare blast behind an alarm": (screening.probability({"event": "blast"}), 0.0099 / 0.0594),
    "rain behind wet grass": (lawn.condition(wet=1).probability({"rain": 1}), 0.16038 / 0.44838),
    "sprinkler explains the rain away": (
        lawn.condition(wet=1, sprinkler=1).probability({"rain": 1}),
        0.2 * 0.01 * 0.99 / (0.2 * 0.01 * 0.99 + 0.8 * 0.4 * 0.9),
    ),
    "wet grass by total probability": (lawn.probability({"wet": 1}), 0.44838),
    "entropy of a biased coin": (
        Discrete(xr.DataArray([0.25, 0.75], {"coin": ["H", "T"]})).entropy(),
        stats.entropy([0.25, 0.75]),
    ),
    "divergence of two coins": (
        kullback_leibler(
            Discrete(xr.DataArray([0.25, 0.75], {"coin": ["H", "T"]})),
            Discrete(xr.DataArray([0.5, 0.5], {"coin": ["H", "T"]})),
        ),
        stats.entropy([0.25, 0.75], [0.5, 0.5]),
    ),
    "information of the sky about rain": (
        mutual_information(weather, "sky", "rain"),
        stats.entropy([0.5, 0.5]) + stats.entropy([0.75, 0.25]) - stats.entropy([0.25, 0.25, 0.5]),
    ),
    "Normal within one standard deviation": (normal(5, 2).probability(3, 7), math.erf(1 / math.sqrt(2))),
    "Normal in its far tail": (normal().probability(10, np.inf) / stats.norm.sf(10), 1.0),
    "Uniform mean square": (uniform(0, 3).expectation(lambda y: y**2), 3.0),
    "Uniform variance": (uniform(2, 8).variance(), 3.0),
    "Exponential forgets": (
        exponential(rate=0.5).probability(3, np.inf) / exponential(rate=0.5).probability(1, np.inf),
        math.exp(-1),
    ),
    "no event of a Poisson process": (poisson(rate=2.5).probability(0, 0), math.exp(-2.5)),
    "an even Poisson count": (poisson(rate=2.5).measure(lambda n: n % 2 == 0), (1 + math.exp(-5)) / 2),
    "at least one event by the exponential wait": (
        1 - poisson(rate=0.3 * 4).probability(0, 0),
        exponential(rate=0.3).probability(0, 4),
    ),
    "Gamma by its scipy name": (distribution("gamma", a=3.0, scale=2.0).variance(), 12.0),
    "Binomial mean": (distribution("binom", n=10, p=0.3).expectation(), 3.0),
    "a triangle of one's own": (from_pdf(lambda y: 2 * y, low=0, high=1).variance(), 1 / 18),
    "Gaussian conditional mean": (pair.condition(y=-1.0).expectation("x"), 2.2),
    "Gaussian conditional variance": (pair.condition(y=-1.0).variance("x"), 4 - 1.44),
    "Gaussian sum varies with its covariance": (pair.linear(s={"x": 1, "y": 1}).variance("s"), 7.4),
    "Gaussian fourth moment": (Gaussian({"x": 0}, [[4.0]]).expectation(lambda v: v["x"] ** 4), 48.0),
    "Gaussian characteristic function": (
        Gaussian({"x": 0}, [[1.0]]).expectation(lambda v: np.cos(v["x"])),
        math.exp(-0.5),
    ),
    "Gaussian density": (
        float(pair.log_density({"x": xr.DataArray(0.0), "y": xr.DataArray(0.5)})),
        stats.multivariate_normal([1, -2], [[4, 1.2], [1.2, 1]]).logpdf([0, 0.5]),
    ),
    "Gaussian entropy": (pair.entropy(), 0.5 * math.log((2 * math.pi * math.e) ** 2 * 2.56)),
    "Gaussian divergence": (
        kullback_leibler(Gaussian({"x": 0}, [[1.0]]), Gaussian({"x": 1}, [[4.0]])),
        math.log(2) + 2 / 8 - 0.5,
    ),
    "Gaussian upper tail": (
        Gaussian({"x": 0}, [[1.0]]).probability({"x": slice(12, None)}) / stats.norm.sf(12),
        1.0,
    ),
    "a degenerate Gaussian is where its mean is": (
        Gaussian({"x": 2.0}, [[0.0]]).probability({"x": slice(1, 3)}),
        1.0,
    ),
    "Kalman gain of one half": (
        bayes(
            Gaussian({"depth": 8.0}, [[1.0]]),
            LinearGaussian({"pick": {"depth": 1.0}}, noise={"pick": 1.0}),
            pick=10.0,
        ).expectation("depth"),
        9.0,
    ),
    "prevalence falls tenfold": (
        float(
            change_of_prior(
                xr.DataArray([0.2, 0.8], {"label": ["quake", "blast"]}),
                trained=xr.DataArray([0.5, 0.5], {"label": ["quake", "blast"]}),
                known=xr.DataArray([0.95, 0.05], {"label": ["quake", "blast"]}),
            ).sel(label="blast")
        ),
        0.8 * 0.1 / (0.8 * 0.1 + 0.2 * 1.9),
    ),
    "draws that contradict each other are epistemic": (
        float(entropy_split(xr.DataArray(np.eye(2)[None], dims=("chain", "draw", "label")))["epistemic"]),
        math.log(2),
    ),
}


@pytest.mark.parametrize("case", CLOSED_FORM)
def test_closed_form_agrees_to_rounding(case):
    found, expected = CLOSED_FORM[case]
    assert found == pytest.approx(expected, abs=CLOSED)


def test_independence_test_agrees_with_scipy_on_each_stratum():
    counts = xr.DataArray(
        [[[20, 5], [10, 30]], [[15, 25], [12, 9]]],
        {"event": ["quake", "blast"], "hour": ["night", "day"], "site": ["a", "b"]},
    )
    tests = [
        stats.chi2_contingency(counts.sel(site=s).values, correction=False, lambda_="log-likelihood") for s in "ab"
    ]
    found = independence_test(counts, "event", "hour", given="site")
    assert found.statistic == pytest.approx(sum(t.statistic for t in tests), abs=CLOSED)
    assert found.degrees_of_freedom == 2
    assert found.p_value == pytest.approx(stats.chi2.sf(found.statistic, 2), abs=CLOSED)


x = np.linspace(0, 1, 2001)
beta = Density.from_log_density(
    lambda v: np.log(np.maximum(v["p"], 1e-300)) * 2 + np.log(np.maximum(1 - v["p"], 1e-300)) * 4, p=x
)

QUADRATURE = {
    "Beta(3, 5) mean": (beta, "p", 3 / 8),
    "Beta(3, 5) variance": (beta, lambda v: (v["p"] - 3 / 8) ** 2, 15 / 576),
    "Beta(3, 5) log odds": (
        beta.condition(p=slice(1e-6, 1 - 1e-6)),
        lambda v: v["p"] / (1 - v["p"]),
        3 / 4,
    ),
    "Exponential mean on a stretched grid": (
        Density.from_log_density(lambda v: -v["t"], t=np.linspace(0, 6, 1501) ** 2),
        "t",
        1.0,
    ),
}


@pytest.mark.parametrize("case", QUADRATURE)
def test_quadrature_agrees_within_its_stated_error(case):
    density, f, expected = QUADRATURE[case]
    error = density.quadrature_error(f)
    assert abs(density.expectation(f) - expected) <= error + CLOSED
    assert error < 1e-4


def test_gridded_interval_agrees_with_the_beta_distribution():
    assert beta.probability({"p": slice(0.2, 0.5)}) == pytest.approx(
        np.diff(stats.beta(3, 5).cdf([0.2, 0.5]))[0], abs=(1 / 2000) ** 2 * 10
    )


def test_gridded_posterior_agrees_with_the_conjugate_one():
    rate = Density.from_log_density(lambda v: -v["rate"], rate=np.linspace(0, 40, 8001))
    posterior = rate.update(lambda v: v["rate"] ** 7 * np.exp(-3 * v["rate"]))
    exact = stats.gamma(8, scale=1 / 4)
    assert posterior.expectation("rate") == pytest.approx(exact.mean(), abs=1e-8)
    assert posterior.entropy() == pytest.approx(exact.entropy(), abs=1e-6)


def test_rejection_draws_have_the_moments_and_evidence_of_the_target():
    def log_target(v):
        with np.errstate(divide="ignore", invalid="ignore"):
            inside = (v["p"] > 0) & (v["p"] < 1)
            return xr.where(inside, 2 * np.log(v["p"]) + 4 * np.log1p(-v["p"]), -np.inf)

    log_peak = 2 * math.log(1 / 3) + 4 * math.log(2 / 3) + 1e-12
    found = rejection(log_target, Independent(p=uniform(0, 1)), log_envelope=log_peak, n=4000, seed=3)
    exact = stats.beta(3, 5)
    draws = found.draws["p"]
    assert abs(float(draws.mean()) - 3 / 8) < 4 * exact.std() / math.sqrt(4000)
    assert stats.kstest(draws.values.ravel(), exact.cdf).pvalue > 1e-3
    evidence = math.exp(found.log_evidence)
    area = math.gamma(3) * math.gamma(5) / math.gamma(8)
    rate = area / math.exp(log_peak)
    assert evidence == pytest.approx(area, rel=4 * math.sqrt((1 - rate) / (rate * found.proposals)))
    assert found.acceptance_rate == 4000 / found.proposals


def test_rejection_gives_the_same_draws_for_the_same_seed():
    arguments = {"log_envelope": math.log(4.0), "n": 50, "seed": 9}
    log_target = normal(0, 0.5).log_density
    proposal = Independent(x=normal(0, 1))
    one, other = (rejection(lambda v: log_target(v["x"]), proposal, **arguments) for _ in range(2))
    assert one.draws.identical(other.draws)


def test_importance_weights_agree_with_quadrature():
    def log_target(v):
        return -0.25 * v["x"] ** 4 + v["x"]

    def moment(k):
        return integrate.quad(lambda x: x**k * math.exp(-0.25 * x**4 + x), -8, 8, epsabs=1e-12)[0]

    found = importance(log_target, Gaussian({"x": 0.5}, [[2.0]]), n=20_000, seed=4)
    draws = Draws(found.draws, found.weights)
    assert abs(draws.expectation("x") - moment(1) / moment(0)) < 4 * draws.mcse("x")
    assert math.exp(found.log_evidence) == pytest.approx(moment(0), rel=0.05)
    assert found.reliable


def test_importance_from_too_narrow_a_proposal_is_not_reliable():
    found = importance(lambda v: stats.t(2).logpdf(v["x"]) + 0 * v["x"], Gaussian({"x": 0.0}, [[0.04]]), n=4000, seed=1)
    assert not found.reliable


def test_importance_survives_a_bounded_target():
    def log_target(v):
        return xr.where(v["x"] > 0, -v["x"], -np.inf)

    found = importance(log_target, Gaussian({"x": 1.0}, [[9.0]]), n=8000, seed=2)
    draws = Draws(found.draws, found.weights)
    assert abs(draws.expectation("x") - 1) < 5 * draws.mcse("x")


def test_mcse_of_correlated_draws_is_that_of_arviz():
    from arviz_stats.base import array_stats

    noise = np.random.default_rng(0).normal(size=(4, 500))
    walk = np.zeros_like(noise)
    for t in range(1, 500):
        walk[:, t] = 0.8 * walk[:, t - 1] + noise[:, t]
    draws = Draws(xr.Dataset({"x": (("chain", "draw"), walk)}))
    expected = array_stats.mcse(walk, chain_axis=0, draw_axis=1)
    assert draws.mcse("x") == pytest.approx(float(expected), rel=1e-9)


def test_weights_follow_their_names_not_their_order():
    values = xr.Dataset({"x": (("chain", "draw"), np.arange(6.0).reshape(2, 3))})
    weights = xr.DataArray(np.array([[1.0, 0, 0], [0, 0, 0]]), dims=("chain", "draw"))
    for given in (weights, weights.T):
        assert float(Draws(values, given).sample(5, seed=1)["x"].max()) == 0


def test_draws_of_a_tree_are_read_from_its_posterior():
    posterior = xr.Dataset({"b": (("chain", "draw", "event"), np.arange(12.0).reshape(2, 3, 2))})
    draws = Draws(xr.DataTree.from_dict({"posterior": posterior}))
    np.testing.assert_allclose(draws.expectation("b"), [5.0, 6.0])
    assert draws.mcse("b").dims == ("event",)


def test_table_of_a_dataset_counts_its_labels():
    from bayesgeo.datasets.base import Dataset

    data = Dataset(
        name="events",
        X=xr.DataArray([[0.0], [1.0], [1.0]], dims=["obs", "feature"], coords={"feature": ["night"]}),
        y=xr.DataArray([0, 1, 0], dims="obs"),
        labels=("quake", "blast"),
    )
    joint = Discrete.from_rows(data, "y", "night")
    assert joint.probability({"y": "quake", "night": 1.0}) == pytest.approx(1 / 3, abs=CLOSED)


def test_entropy_of_named_variables_is_that_of_their_marginal():
    assert entropy(lawn, "rain") == pytest.approx(stats.entropy([0.8, 0.2]), abs=CLOSED)
