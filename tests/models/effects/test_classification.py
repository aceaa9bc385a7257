"""Hierarchical classification of simulated sites, whose truth is known."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy import special

from bayesgeo import NUTS, Laplace
from bayesgeo.models import HierarchicalClassifier
from tests.fake import FakePosterior

SITES, ROWS, SD = 20, 1500, 1.5


def table(n_labels=2, rows=ROWS, sites=SITES):
    rng = np.random.default_rng(0)
    site = rng.integers(sites, size=rows)
    frame = pd.DataFrame(rng.normal(5.0, 2.0, (rows, 2)), columns=["a", "b"]).assign(site=[f"s{k}" for k in site])
    effect = SD * rng.standard_normal((sites, n_labels))
    predictor = np.outer((frame["a"] - 5) * 0.5, np.arange(n_labels)) + effect[site]
    if n_labels == 2:
        predictor[:, 0] = 0.0
        effect = effect[:, 1]
    p = special.softmax(predictor, axis=1)
    y = (rng.random(rows)[:, None] > p.cumsum(axis=1)[:, :-1]).sum(axis=1)
    return frame, np.array(["no", "yes", "perhaps"])[y] if n_labels == 3 else np.array(["no", "yes"])[y], effect


@pytest.fixture(scope="module")
def binary():
    frame, y, effect = table()
    inference = NUTS(draws=300, tune=300, chains=2)
    return HierarchicalClassifier(["site"], inference=inference, random_state=0).fit(frame, y), frame, y, effect


@pytest.mark.slow
def test_two_classes_recover_the_truth(binary):
    model, _, _, effect = binary
    posterior = model.posterior_["posterior"].to_dataset()
    assert int(model.posterior_["sample_stats"]["diverging"].sum()) == 0
    # Deviations of the posterior, four of them: fails by chance once in 10,000 for each number.
    for drawn, truth in ((posterior["coefficient"], [0.5, 0.0]), (posterior["site_sd"], [SD])):
        gap = np.abs(drawn.mean(("chain", "draw")) - truth) / drawn.std(("chain", "draw"))
        assert float(gap.max()) < 4
    order = [f"s{k}" for k in range(SITES)]
    drawn = posterior["site_effect"].isel(site_term=0).sel(site=order)
    gap = np.abs(drawn.mean(("chain", "draw")) - effect) / drawn.std(("chain", "draw"))
    assert float(gap.max()) < 4


@pytest.mark.slow
def test_levels_without_rows_are_left_out_of_the_posterior(binary):
    model, frame, _, _ = binary
    posterior = model.posterior_["posterior"].to_dataset()
    assert posterior["site"].values.tolist() == sorted(set(frame["site"]))
    assert "" not in model.posterior_["group_effects"].to_dataset()["level"].values


@pytest.mark.slow
def test_new_groups_are_integrated_over_the_population(binary):
    model, frame, _, _ = binary
    new = frame.iloc[[0]].assign(site="elsewhere", a=8.0, b=5.0)
    found = model.predict_proba(new)[0, 1]
    p = model.posterior_["posterior"].to_dataset().mean(("chain", "draw"))
    at_mean = special.expit(float(p["constant"] + p["coefficient"] @ xr.DataArray([8.0, 5.0], dims="feature")))
    # The mean of expit over N(m, s^2) is near expit(m / sqrt(1 + s^2 / 2.9)), which is nearer one half.
    assert 0.5 < found < at_mean - 0.05


@pytest.mark.slow
def test_rows_of_a_new_group_share_its_effect_and_rows_without_a_label_do_not(binary):
    model, frame, _, _ = binary
    row = frame.iloc[[0]]
    rows = pd.concat([row] * 4, ignore_index=True).assign(site=["new", "new", "", ""])
    draws = model.predict_draws(rows).isel(label=1)
    assert np.array_equal(draws.isel(obs=0), draws.isel(obs=1))
    correlated = np.corrcoef(draws.isel(obs=2).values.ravel(), draws.isel(obs=3).values.ravel())[0, 1]
    # Draws of 600 have correlations of .04 by chance, and those of the intercept add little.
    assert abs(correlated) < 0.2
    alone = model.predict_draws(rows.iloc[[1]]).isel(label=1, obs=0)
    np.testing.assert_allclose(alone, draws.isel(obs=0), rtol=1e-12)  # matrix products of other shapes round otherwise


@pytest.mark.slow
def test_known_groups_are_predicted_better_than_as_new_ones(binary):
    model, frame, y, _ = binary
    known, new = (model.predict_proba(rows)[np.arange(ROWS), (y == "yes").astype(int)].mean()
                  for rows in (frame, frame.assign(site="elsewhere")))  # fmt: skip
    assert known > new + 0.05


@pytest.mark.long
def test_several_classes_have_effects_that_sum_to_zero():
    frame, y, _ = table(3, rows=300, sites=5)
    inference = NUTS(draws=20, tune=50, chains=2)
    model = HierarchicalClassifier(["site"], inference=inference, random_state=0).fit(frame, y)
    effect = model.posterior_["posterior"].to_dataset()["site_effect"]
    assert effect.sizes == {"chain": 2, "draw": 20, "site": 5, "site_term": 1, "label": 3}
    np.testing.assert_allclose(effect.sum("label"), 0.0, atol=1e-9)
    assert model.posterior_["group_effects"].sizes["group"] == 15
    assert model.predict_draws(frame.assign(site="elsewhere")).sizes["label"] == 3
    np.testing.assert_allclose(model.predict_proba(frame).sum(axis=1), 1.0)


@pytest.mark.slow
def test_laplace_is_near_the_posterior_where_groups_have_many_rows(binary):
    model, frame, y, _ = binary
    quick = HierarchicalClassifier(["site"], inference=Laplace(subset="full"), random_state=0).fit(frame, y)
    assert quick.posterior_.attrs["kind"] == "approximation"
    found, truth = (one.variance_components().loc["site"] for one in (quick, model))
    assert abs(found["mean"] - truth["mean"]) < truth["sd"] / 2


def fitted(**settings):
    frame, y, _ = table(rows=60, sites=3)
    model = HierarchicalClassifier(["site"], inference=FakePosterior(draws=20), random_state=0, **settings)
    return model.fit(frame, y), frame


def test_new_groups_are_refused_if_asked():
    model, frame = fitted(new_groups="refuse")
    with pytest.raises(ValueError, match=r"Invalid groups 'site'\. The training rows have no such group: elsewhere"):
        model.predict(frame.assign(site="elsewhere"))


def test_tables_of_components_and_effects_are_of_log_odds():
    model, _ = fitted(group_prior="pc", group_scale=2.0)
    components, effects = (model.posterior_[name].to_dataset() for name in ("variance_components", "group_effects"))
    assert components["component"].values.tolist() == ["site"]
    assert components["prior"].values.tolist() == ["Exponential with P(τ > 2) = 0.01"]
    assert effects["level"].values.tolist() == ["s0", "s1", "s2"]
    assert effects.attrs["scale"] == "log odds"
    assert effects["rows"].values.sum() == 60


def test_the_formula_states_fixed_part_and_effects():
    frame, y, _ = table(rows=60, sites=3)
    formula = "y ~ a + (1 + b || site)"
    model = HierarchicalClassifier(formula=formula, inference=FakePosterior(draws=20), random_state=0).fit(frame, y)
    assert model.coef_.shape == (1, 1)
    assert list(model.variance_components().index) == ["site", "site:b"]
