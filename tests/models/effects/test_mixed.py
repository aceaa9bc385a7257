"""Mixed models by maximum likelihood: published estimates, units, limits, and predictions by group."""

import warnings

import mixedlm.datasets
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bayesgeo._check import InvalidInput
from bayesgeo.models.effects.mixed import MixedRegression
from bayesgeo.models.effects.terms import Effect
from bayesgeo.models.storage import load_model, save_model

SHIFTS = st.sampled_from([-100.0, 0.0, 7.0])
FACTORS = st.sampled_from([1e-3, 0.5, 4.0, 1e3])


def classic(name):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # they are read by a deprecated option of pandas
        return getattr(mixedlm.datasets, f"load_{name}")()


def sleepstudy():
    table = classic("sleepstudy")
    return table[["Days", "Subject"]], table["Reaction"]


def records(n=240, seed=0, tau=0.6, slope=0.3):
    """Draw records of 12 events at 20 stations, which lie in 4 regions."""
    rng = np.random.default_rng(seed)
    event, station = rng.integers(12, size=n), rng.integers(20, size=n)
    x = rng.normal(size=(n, 2)) * [2.0, 0.1] + [3.0, -1.0]
    of_station = rng.normal(size=20) + np.outer(x[:, 0], slope * rng.normal(size=20))
    y = 1 + x @ [0.5, 4.0] + tau * rng.normal(size=12)[event] + of_station[np.arange(n), station]
    table = pd.DataFrame(x, columns=["m", "log_r"])
    labels = {"event": np.char.add("e", event.astype(str)), "station": station, "region": station % 4}
    return table.assign(**labels), y + 0.3 * rng.normal(size=n)


def fit(effects=("event", "station"), **options):
    table, y = records()
    return MixedRegression(effects, **options).fit(
        table[["m", "log_r"]], y, groups=table[["event", "station", "region"]]
    )


# Published with lme4 (Bates et al. 2015, Journal of Statistical Software 67:1, and the documentation of its tables).
def test_sleepstudy_by_maximum_likelihood_is_as_published():
    model = MixedRegression(formula="Reaction ~ Days + (1 + Days | Subject)", method="ml").fit(*sleepstudy())
    sd = model.variance_components()["mean"]
    np.testing.assert_allclose(model.criterion_, 1751.9393, atol=1e-4)
    np.testing.assert_allclose([model.intercept_, *model.coef_], [251.4051, 10.4673], atol=1e-4)
    np.testing.assert_allclose(sd[["Subject", "Subject:Days"]], [23.781, 5.717], atol=1e-3)


@pytest.mark.parametrize(("method", "criterion"), [("ml", 1751.9393), ("reml", 1743.6283)])
def test_sleepstudy_has_the_published_criterion_by_terms_too(method, criterion):
    X, y = sleepstudy()
    model = MixedRegression([Effect("Subject", ("Days",))], method=method).fit(X, y)
    np.testing.assert_allclose(model.criterion_, criterion, atol=1e-4)


def test_penicillin_without_features_is_as_published():
    table = classic("penicillin")
    model = MixedRegression(["plate", "sample"], method="ml").fit(table[["plate", "sample"]], table["diameter"])
    np.testing.assert_allclose([model.criterion_, model.intercept_], [332.1883, 22.9722], atol=1e-4)


@pytest.mark.slow
@given(factor=FACTORS, shift=SHIFTS, target=FACTORS, of_target=SHIFTS)
@settings(deadline=None, max_examples=10)
def test_another_unit_rescales_estimates_and_leaves_predictions_alone(factor, shift, target, of_target):
    table, y = records()
    other = table.assign(m=factor * (table["m"] + shift))
    effects = ["event", Effect("station", ("m",))]
    before = MixedRegression(effects).fit(table[["m", "log_r"]], y, groups=table)
    after = MixedRegression(effects).fit(other[["m", "log_r"]], target * (y + of_target), groups=other)
    # The climb ends where the criterion is flat to some 1e-9, its root in a deviation; a shift of 50 costs 2 digits.
    np.testing.assert_allclose(after.coef_, target * before.coef_ / [factor, 1.0], rtol=1e-4)
    ours, theirs = after.variance_components()["mean"], before.variance_components()["mean"]
    np.testing.assert_allclose(ours[["event", "residual"]], target * theirs[["event", "residual"]], rtol=1e-3)
    np.testing.assert_allclose(ours["station:m"], target / factor * theirs["station:m"], rtol=1e-3)
    expected = target * (before.predict(table[["m", "log_r"]], groups=table) + of_target)
    found = after.predict(other[["m", "log_r"]], groups=other)
    np.testing.assert_allclose(found, expected, atol=1e-3 * target)


def test_rows_in_another_order_give_the_same_estimates():
    table, y = records()
    order = np.random.default_rng(1).permutation(len(y))
    one, other = (
        MixedRegression(["event", "station"]).fit(part[["m", "log_r"]], values, groups=part)
        for part, values in ((table, y), (table.iloc[order], y[order]))
    )
    np.testing.assert_allclose(one.coef_, other.coef_, rtol=1e-6)
    np.testing.assert_allclose(one.criterion_, other.criterion_, rtol=1e-9)


def test_a_nested_key_is_the_pair_of_its_labels():
    table, y = records()
    pairs = table.assign(city=table["region"].astype(str) + "/" + table["station"].astype(str))
    by_pair = MixedRegression(["region", "region:station"]).fit(table[["m", "log_r"]], y, groups=table)
    by_name = MixedRegression(["region", "city"]).fit(pairs[["m", "log_r"]], y, groups=pairs)
    by_formula = MixedRegression(formula="y ~ m + log_r + (1 | region/station)").fit(table, y)
    for other in (by_name, by_formula):
        np.testing.assert_allclose(by_pair.criterion_, other.criterion_, rtol=1e-9)
        np.testing.assert_allclose(by_pair.coef_, other.coef_, rtol=1e-5)


def test_effects_that_explain_nothing_leave_least_squares():
    rng = np.random.default_rng(3)
    x = rng.normal(size=120)
    noise = rng.normal(size=120).reshape(12, 10)
    # Groups whose means are alike, to the last digit: the estimated variance between them is zero.
    x, y = x.reshape(12, 10), noise - noise.mean(axis=1, keepdims=True)
    x = x - x.mean(axis=1, keepdims=True)
    X, y = x.reshape(-1, 1), 2 + 0.5 * x.ravel() + y.ravel()
    model = MixedRegression(["well"]).fit(X, y, groups={"well": np.repeat(np.arange(12), 10)})
    constant, slope = np.linalg.lstsq(np.c_[np.ones(120), X], y)[0]
    # The climb ends where the criterion gains nothing more that could be seen: at a thousandth of the noise.
    np.testing.assert_allclose([model.intercept_, model.coef_[0]], [constant, slope], rtol=1e-6)
    assert model.variance_components().loc["well", "mean"] < 1e-3 * model.sigma_


def test_without_effects_the_estimates_are_those_of_least_squares():
    table, y = records()
    model = MixedRegression([]).fit(table[["m", "log_r"]], y)
    constant, *slopes = np.linalg.lstsq(np.c_[np.ones(len(y)), table[["m", "log_r"]]], y)[0]
    np.testing.assert_allclose([model.intercept_, *model.coef_], [constant, *slopes], rtol=1e-9)


def test_a_correlation_of_one_is_no_obstacle():
    rng = np.random.default_rng(5)
    group, x = np.repeat(np.arange(8), 15), rng.normal(size=120)
    b = rng.normal(size=8)[group]
    y = b + 0.5 * b * x + 0.1 * rng.normal(size=120)  # slopes are half of the intercepts
    model = MixedRegression([Effect("well", ("x",))]).fit(pd.DataFrame({"x": x}), y, groups={"well": group})
    frame = model.variance_components()
    assert np.isfinite(frame["mean"]).all()
    np.testing.assert_allclose(frame.loc["well:x", "mean"] / frame.loc["well", "mean"], 0.5, atol=0.05)


def test_a_known_group_has_its_own_effect_and_another_that_of_the_population():
    model = fit()
    x = pd.DataFrame({"m": [3.0] * 3, "log_r": [-1.0] * 3})
    labels = {"event": ["e3", "e999", ""], "station": [5, 5, 5]}
    mean = model.predict(x, groups=labels)
    sd = model.predictive(x, groups=labels)["sigma"].values.squeeze()
    own = model.group_effects_[0][list(model.levels_[0]).index("e3"), 0]
    np.testing.assert_allclose(mean[0] - mean[1], own, rtol=1e-9)
    assert mean[1] == mean[2]
    between = model.variance_components().loc["event", "mean"]
    np.testing.assert_allclose(sd, [model.sigma_, *[np.hypot(model.sigma_, between)] * 2], rtol=1e-9)


def test_effects_are_shrunk_towards_the_population():
    group = np.repeat(np.arange(6), [1, 2, 4, 8, 16, 32])
    rng = np.random.default_rng(7)
    y = rng.normal(size=6)[group] + rng.normal(size=len(group))
    model = MixedRegression(["well"]).fit(np.empty((len(y), 0)), y, groups={"well": group})
    alone = np.bincount(group, y) / np.bincount(group) - model.intercept_
    # In closed form, given the two variances.
    between, within = model.variance_components()["mean"][["well", "residual"]] ** 2
    share = between / (between + within / np.bincount(group))
    np.testing.assert_allclose(model.group_effects_[0][:, 0], share * alone, rtol=1e-9)


def test_new_groups_can_be_refused():
    model = fit(new_groups="refuse")
    x = pd.DataFrame({"m": [3.0], "log_r": [-1.0]})
    with pytest.raises(InvalidInput, match=r"(?s)e999.*new_groups=\"population\""):
        model.predict(x, groups={"event": ["e999"], "station": [5]})


@pytest.mark.slow
def test_a_saved_model_predicts_the_same_bits(tmp_path):
    model = fit(("event", Effect("station", ("m",))))
    save_model(model, tmp_path / "model")
    table, _ = records()
    again = load_model(tmp_path / "model")
    groups = table[["event", "station"]].astype(str).mask(table.index.to_series() % 5 == 0, "elsewhere")
    for name in ("expected", "sigma"):
        one, other = (m.predictive(table[["m", "log_r"]], groups=groups)[name].values for m in (model, again))
        np.testing.assert_array_equal(one, other)
    pd.testing.assert_frame_equal(model.variance_components(), again.variance_components())
