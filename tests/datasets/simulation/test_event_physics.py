"""The generator against its own closed form."""

import numpy as np
import pytest
from scipy import integrate, stats
from sklearn.metrics import log_loss, roc_auc_score

from bayesgeo._check import InvalidInput
from bayesgeo.datasets.simulation.event_physics import _log_hour, _log_magnitude, draw_table, exact_probability
from bayesgeo.datasets.simulation.events import draw_seismic_events

N = 200_000


@pytest.fixture(scope="module")
def many():
    events = draw_table(N, seed=11, n_sites=20_000)
    return (events["event"] == "blast").to_numpy(), events["p_blast"].to_numpy()


def mean_and_error(values):
    return values.mean(), values.std() / np.sqrt(len(values))


@pytest.mark.slow
def test_mean_of_the_posterior_is_the_prior(many):
    mean, error = mean_and_error(many[1] - 0.20)
    assert abs(mean) < 4 * error


@pytest.mark.slow
def test_log_loss_of_the_posterior_is_its_own_entropy(many):
    blast, p = many
    surprise = -np.where(blast, np.log(np.where(blast, p, 1.0)), np.log1p(-np.where(blast, 0.0, p)))
    entropy = stats.entropy(np.column_stack([p, 1.0 - p]), axis=1)
    mean, error = mean_and_error(surprise - entropy)
    assert abs(mean) < 4 * error


def test_posterior_is_calibrated_in_every_tenth(many):
    blast, p = many
    for low in np.arange(0.0, 1.0, 0.1):
        inside = (p >= low) & (p < low + 0.1)
        spread = np.sqrt((p[inside] * (1 - p[inside])).sum())
        assert abs((blast[inside] - p[inside]).sum()) < 4 * spread


def test_bayes_optimal_scores_are_those_of_the_description(many):
    blast, p = many
    error, error_se = mean_and_error((p > 0.5) != blast)
    loss = log_loss(blast, p)
    assert roc_auc_score(blast, p) == pytest.approx(0.991, abs=0.001)
    assert error == pytest.approx(0.035, abs=4 * error_se)
    assert loss == pytest.approx(0.092, abs=0.002)


def test_densities_of_both_kinds_integrate_to_one_in_magnitude_and_hour():
    for kind in (0, 1):
        for density, ends, breaks in ((_log_magnitude, (0.5, 4.5), [3.0]), (_log_hour, (0.0, 24.0), [13.5])):
            mass, _ = integrate.quad(lambda x, f=density, k=kind: np.exp(f(np.array(x), k)), *ends, points=breaks)
            assert mass == pytest.approx(1.0, abs=1e-8)


def test_knowing_no_site_shift_sharpens_the_posterior():
    events = draw_table(20_000, seed=1, site_sd=0.0)
    blast = events["event"] == "blast"
    assert log_loss(blast, exact_probability(events, site_sd=0.0)) < log_loss(blast, exact_probability(events))


def test_prior_moves_the_log_odds_by_its_own_log_odds():
    events = draw_table(500, seed=2).query("magnitude < 3")
    p, q = (exact_probability(events, prior=prior) for prior in (0.2, 0.02))
    shift = np.log(p / (1 - p)) - np.log(q / (1 - q))
    moderate = (p > 1e-6) & (p < 1 - 1e-6)
    assert shift[moderate] == pytest.approx(np.log(0.25) - np.log(0.02 / 0.98), abs=1e-8)


def test_same_seed_draws_the_same_events_and_another_seed_others():
    first, again, other = (draw_seismic_events(300, seed=seed).sha256 for seed in (5, 5, 6))
    assert first == again != other


def test_site_tells_nothing_of_the_kind_of_event():
    events = draw_table(30_000, seed=3)
    counts = events.groupby("site")["event"].value_counts().unstack()
    assert stats.chi2_contingency(counts).pvalue > 1e-4


@pytest.mark.parametrize(("options", "message"), [
    ({"n": 0, "seed": 0}, "Invalid n 0"),
    ({"n": 10, "seed": 0, "n_sites": 0}, "Invalid n_sites 0"),
    ({"n": 10, "seed": 0, "prior": 1.0}, r"Invalid prior 1\.0"),
])  # fmt: skip
def test_impossible_numbers_are_refused(options, message):
    with pytest.raises(InvalidInput, match=message):
        draw_seismic_events(**options)


def test_magnitude_outside_the_description_is_refused():
    events = draw_table(5, seed=0).assign(magnitude=6.0)
    with pytest.raises(InvalidInput, match=r"Invalid magnitude .* covers 0\.5 to 4\.5"):
        exact_probability(events)
