import numpy as np
import pytest
import xarray as xr
from scipy import stats

from bayesgeo.metrics import likeness, residuals
from bayesgeo.metrics.residuals import dependence, shared_error, standard_residuals

EVENT = np.repeat(np.arange(40), 10)


def of_events(rng: np.random.Generator, icc: float, noise: np.ndarray | float = 1.0) -> np.ndarray:
    """Draw residuals whose intraclass correlation is ``icc``."""
    own = noise * rng.normal(size=len(EVENT))
    return (np.sqrt(icc) * rng.normal(size=40)[EVENT] + np.sqrt(1 - icc) * own)[:, None]


def test_the_intraclass_correlation_is_that_of_the_analysis_of_variance() -> None:
    values = of_events(np.random.default_rng(0), 0.3)
    f = stats.f_oneway(*np.split(values[:, 0], 40)).statistic
    found = dependence(values, group=EVENT).sel(by="group")
    assert float(found["value"]) == pytest.approx((f - 1) / (f + 9), abs=1e-12)
    assert float(found["design_effect"]) == pytest.approx(1 + 9 * float(found["value"]), abs=1e-12)
    assert float(found["effective_rows"] * found["design_effect"]) == pytest.approx(400)


def test_group_sizes_weigh_by_the_rows_that_share_them() -> None:
    sizes = np.array([1, 2, 37])
    group = np.repeat(["a", "b", "c"], sizes)
    found = dependence(1.0 * (group == "c")[:, None] + np.random.default_rng(0).normal(0, 0.1, (40, 1)), group=group)
    row = found.sel(by="group")
    kish = np.sum(sizes**2) / 40
    assert float(row["design_effect"]) == pytest.approx(1 + (kish - 1) * float(row["value"]))


@pytest.mark.long
@pytest.mark.parametrize("uneven", [0.0, 0.7], ids=["even noise", "noise that differs between events"])
def test_rows_that_are_not_alike_are_called_alike_as_rarely_as_stated(uneven: float, monkeypatch) -> None:
    monkeypatch.setattr(likeness, "FLIPS", 111)
    rng, repeats, level = np.random.default_rng(1), 300, 0.05
    found = np.zeros(3)
    for k in range(repeats):
        places = {name: rng.uniform(0, 5, 40)[EVENT] for name in ("longitude", "latitude")}
        noise = np.exp(uneven * rng.normal(size=40))[EVENT]
        order = rng.random(40)[EVENT]
        table = dependence(of_events(rng, 0.0, noise), group=EVENT, places=places, order=order, seed=k)
        found += (table["p"] <= level).values
    assert (found <= stats.binom.ppf(0.999, repeats, level)).all()


@pytest.mark.slow
def test_event_terms_of_a_tenth_of_the_variance_are_found(monkeypatch) -> None:
    monkeypatch.setattr(likeness, "FLIPS", 333)
    rng = np.random.default_rng(2)
    p = [float(dependence(of_events(rng, 0.1), group=EVENT, seed=k)["p"].sel(by="group")) for k in range(100)]
    # The F test of the same level finds (1 + 10 x .1 / .9) F(39, 360) beyond its quantile in nine sets of ten.
    power = stats.f.sf(stats.f.isf(0.02, 39, 360) / (1 + 1 / 0.9), 39, 360)
    assert np.mean(np.array(p) <= 0.02) >= stats.binom.ppf(0.001, 100, power) / 100


@pytest.mark.slow
def test_what_a_group_shares_is_not_taken_for_likeness_of_neighbours_or_of_times(monkeypatch) -> None:
    monkeypatch.setattr(likeness, "FLIPS", 111)
    rng, found = np.random.default_rng(3), np.zeros(3)
    for k in range(40):
        places = {name: rng.uniform(0, 5, 40)[EVENT] for name in ("easting", "northing")}
        table = dependence(of_events(rng, 0.5), group=EVENT, places=places, order=rng.random(40)[EVENT], seed=k)
        found += (table["p"] <= 0.05).values
    assert found[0] == 40
    assert (found[1:] <= stats.binom.ppf(0.999, 40, 0.05)).all()


def test_neighbours_that_are_alike_are_found_on_the_sphere_across_the_date_line() -> None:
    rng = np.random.default_rng(4)
    longitude = np.concatenate([rng.uniform(179, 180, 150), rng.uniform(-180, -179, 150)])
    east_of_line = (longitude % 360)[:, None] - 180
    values = np.sin(6 * east_of_line) + rng.normal(0, 0.5, (300, 1))
    on_sphere = dependence(values, places={"longitude": longitude, "latitude": np.zeros(300)})
    assert float(on_sphere["p"].sel(by="place")) == 0.001
    assert float(on_sphere["value"].sel(by="place")) > 0.4


def test_consecutive_rows_that_are_alike_are_found_within_long_groups_and_without_groups() -> None:
    rng = np.random.default_rng(5)
    series = np.zeros(400)
    for k in range(1, 400):
        series[k] = 0.6 * series[k - 1] + rng.normal()
    shuffled = rng.permutation(400)
    wells = np.repeat(["a", "b", "c", "d"], 100)
    for group in (None, wells[shuffled]):
        row = dependence(series[shuffled, None], group=group, order=1.0 * shuffled).sel(by="order")
        # Bartlett's standard error of r is sqrt((1 - .36) / 400) = .04; the mean of a group takes off some .02.
        assert float(row["value"]) == pytest.approx(0.6, abs=0.2)
        assert float(row["p"]) == 0.001
        r = float(row["value"])
        assert float(row["design_effect"]) == pytest.approx((1 + r) / (1 - r))


def test_short_groups_are_compared_by_their_means_in_time() -> None:
    rng = np.random.default_rng(6)
    drift = np.sin(np.arange(40) / 4)[EVENT, None] + rng.normal(size=(400, 1))
    assert float(dependence(drift, group=EVENT, order=1.0 * EVENT)["p"].sel(by="order")) <= 0.01
    scattered = rng.permutation(40)[EVENT]
    assert float(dependence(drift, group=EVENT, order=1.0 * scattered)["p"].sel(by="order")) > 0.02


@pytest.mark.slow
def test_the_error_of_the_parameters_that_a_posterior_knows_of_is_no_likeness(monkeypatch) -> None:
    monkeypatch.setattr(likeness, "FLIPS", 111)
    rng, alone, known = np.random.default_rng(7), 0, 0
    shared = np.full((400, 1), 0.3)
    for k in range(60):
        values = rng.normal(size=(400, 1)) + shared * rng.normal(size=40)[EVENT, None]
        alone += float(dependence(values, group=EVENT, seed=k)["p"].sel(by="group")) <= 0.05
        known += float(dependence(values, shared, group=EVENT, seed=k)["p"].sel(by="group")) <= 0.05
    assert known <= stats.binom.ppf(0.999, 60, 0.05)
    assert alone > 30


def test_what_cannot_be_told_says_why() -> None:
    values = np.random.default_rng(8).normal(size=(30, 2))
    few = {"easting": np.repeat([0.0, 1.0, 2.0], 10), "northing": np.zeros(30)}
    nowhere = {"easting": np.full(30, np.nan), "northing": np.zeros(30)}
    three = np.repeat(["a", "b", "c"], 10)
    cases = [
        (dependence(values), "there are no groups", "there are no places on a map", "there are no times or depths"),
        (
            dependence(values, group=np.arange(30), places=nowhere, order=np.zeros(30)),
            "the groups are all of one row, or there is only one",
            "few rows have a place",
            "too few rows, or groups, differ in time or depth",
        ),
        (
            dependence(values, group=three, places=few, order=np.full(30, np.nan)),
            "",
            "there are fewer than 8 groups, or their neighbours are all of the same group",
            "too few rows, or groups, differ in time or depth",
        ),
    ]
    for table, *reasons in cases:
        assert table["reason"].values.tolist() == reasons
        assert (np.isnan(table["p"]) == (table["reason"] != "")).all()


def test_many_rows_are_tested_by_an_even_part_of_them_and_the_same_seed_gives_the_same_numbers(monkeypatch) -> None:
    monkeypatch.setattr(residuals, "ROWS", 200)
    monkeypatch.setattr(likeness, "FLIPS", 111)
    values = of_events(np.random.default_rng(9), 0.5)
    order, places = np.arange(400.0), {"easting": np.arange(400.0), "northing": np.zeros(400)}
    one, again = (dependence(values, group=EVENT, places=places, order=order, seed=3) for _ in range(2))
    xr.testing.assert_identical(one, again)
    assert float(one["p"].sel(by="group")) < 0.02


def test_residuals_of_right_predictions_have_mean_zero_and_their_own_variance() -> None:
    rng = np.random.default_rng(10)
    probability = rng.dirichlet(np.ones(3), 20_000)
    y = (rng.random((20_000, 1)) > probability.cumsum(axis=1)).sum(axis=1)
    found = standard_residuals(xr.Dataset({"probability": (("obs", "label"), probability)}), y)
    np.testing.assert_allclose(found.sum(axis=1), 0, atol=1e-12)
    np.testing.assert_allclose(found.mean(axis=0), 0, atol=4 * 0.5 / np.sqrt(20_000))
    values = standard_residuals(xr.Dataset({"pit": ("obs", rng.random(20_000))}), y)
    assert np.abs(values).max() <= stats.norm.ppf(0.999)
    assert values.std() == pytest.approx(1.0, abs=4 / np.sqrt(40_000))


def test_a_model_with_one_draw_shares_no_error_and_infinite_noise_hides_it() -> None:
    classes = xr.Dataset({"probability": (("obs", "label"), [[0.2, 0.8]])})
    assert (shared_error(classes, np.array([[[0.2, 0.8]]])) == 0).all()
    np.testing.assert_allclose(shared_error(classes, np.array([[[0.1, 0.9]], [[0.3, 0.7]]])), 0.1)
    variances = {"epistemic": ("obs", [1.0, 0.0]), "aleatoric": ("obs", [np.inf, 0.0]), "pit": ("obs", [0.5, 0.5])}
    assert shared_error(xr.Dataset(variances), np.empty(0)).ravel().tolist() == [0.0, 0.0]
