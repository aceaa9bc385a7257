"""Paired comparison: the sign of a difference, the courage to find none, and only like with like."""

import json

import arviz_stats as az
import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from bayesgeo import BayesianLinearRegression, catalog, compare, evaluate, split
from bayesgeo._check import InvalidInput
from bayesgeo.diagnostics import loo
from bayesgeo.evaluation.baseline import against_baseline
from bayesgeo.evaluation.compare import NO_DIFFERENCE, TOO_FEW
from bayesgeo.evaluation.evaluate import fit_and_score
from bayesgeo.evaluation.leaderboard import leaderboard
from bayesgeo.evaluation.loo import compare_loo
from bayesgeo.evaluation.seeds import with_seed_variance
from bayesgeo.metrics.paired import joint_sign_flip_p
from tests.tables import events, shaking


def evidence(scores, groups=None, *, rows="a", folds="b", n_folds=2, features="c", kind="deterministic"):
    """Return the least Evidence that can be compared."""
    fold = np.arange(len(scores)) * n_folds // len(scores)
    observed = xr.Dataset({"y": ("obs", np.zeros(len(scores)))})
    labels = np.arange(len(scores)) if groups is None else groups
    observed["block"] = ("obs", np.unique(labels, return_inverse=True)[1])
    metrics = xr.Dataset({"log_score_by_row": ("obs", np.asarray(scores, dtype=float))})
    predictions = xr.Dataset({"fold": ("obs", fold)})
    tree = xr.DataTree.from_dict({"observed_data": observed, "metrics": metrics, "predictions": predictions})
    tree.attrs = {"rows_sha256": rows, "split_sha256": folds, "kind": kind}
    tree.attrs |= {"preprocessing_sha256": features, "dataset_description": json.dumps({"task": "classification"})}
    return tree


def seeded(tree, values):
    """Say what the mean log score is under each seed."""
    values = np.asarray(values, dtype=float)
    sd = [values.std(ddof=1) if len(values) > 1 else 0.0]
    group = {"value": (("seed", "metric"), values[:, None]), "sd": ("metric", sd)}
    tree["seeds"] = xr.DataTree(xr.Dataset(group, coords={"metric": ["log_score"]}))
    return tree


def only(table):
    (row,) = table.to_dict("records")
    return row


@pytest.mark.slow
def test_models_are_ranked_by_leave_one_out_as_arviz_ranks_their_posteriors():
    data = shaking()
    models = {"wide": BayesianLinearRegression(prior_scale=10.0), "tight": BayesianLinearRegression(prior_scale=0.01)}
    by = split(data, folds=2)
    scored = {name: fit_and_score(model, data, by) for name, model in models.items()}
    evidences = {name: found.evidence for name, found in scored.items()}
    table = compare_loo(evidences | {"mean": evaluate(catalog.model("mean", data.task), data, by)})
    theirs = az.compare({name: loo(found.model.posterior_).result for name, found in scored.items()}, round_to="none")
    assert table["model"].tolist() == theirs.index.tolist() == ["wide", "tight"]
    for column in ("elpd_diff", "weight"):
        np.testing.assert_allclose(table[column], theirs[column].to_numpy(float), atol=1e-6)
    first, second = (evidences[name]["loo"].to_dataset()["elpd"].values for name in table["model"])
    of_sites = [(second - first)[k::9].mean() for k in range(9)]
    np.testing.assert_allclose(table["dse"], [0.0, 90 * np.std(of_sites, ddof=1) / 3], rtol=1e-6)
    assert table["elpd_diff"][1] < -10
    assert compare_loo({"wide": evidences["wide"]}).empty
    other = evidences["tight"].copy()
    other["loo"] = xr.DataTree(other["loo"].to_dataset().isel(obs=slice(5)))
    with pytest.raises(InvalidInput, match=r"Invalid evidence 'tight'\. It was fitted to other rows than 'wide'"):
        compare_loo({"wide": evidences["wide"], "tight": other})


@given(seed=st.integers(0, 1000), n=st.integers(2, 80))
@settings(deadline=None, max_examples=30)
def test_identical_models_differ_by_exactly_nothing(seed, n):
    scores = np.random.default_rng(seed).normal(size=n)
    row = only(compare({"a": evidence(scores), "b": evidence(scores)}, seed=seed))
    assert (row["difference"], row["low"], row["high"]) == (0.0, 0.0, 0.0)
    assert (row["fold_low"], row["fold_high"], row["p"]) == (0.0, 0.0, 1.0)
    assert row["conclusion"] == NO_DIFFERENCE


def test_identical_models_do_not_differ_even_on_one_group():
    row = only(compare({"a": evidence([1.0, 2.0], ["x", "x"]), "b": evidence([1.0, 2.0], ["x", "x"])}))
    assert (row["low"], row["high"], row["conclusion"]) == (0.0, 0.0, NO_DIFFERENCE)


def test_identical_models_do_not_differ_even_on_one_fold():
    row = only(compare({"a": evidence([1.0, 2.0], n_folds=1), "b": evidence([1.0, 2.0], n_folds=1)}))
    assert (row["fold_low"], row["fold_high"], row["conclusion"]) == (0.0, 0.0, NO_DIFFERENCE)


@given(seed=st.integers(0, 1000), gap=st.floats(0.3, 5))
@settings(deadline=None, max_examples=30)
def test_a_model_made_worse_on_every_row_is_found_out(seed, gap):
    scores = np.random.default_rng(seed).normal(size=50)
    row = only(compare({"worse": evidence(scores - gap), "model": evidence(scores)}, seed=seed))
    assert (row["a"], row["b"], row["conclusion"]) == ("model", "worse", "better")
    assert row["difference"] == pytest.approx(gap, abs=1e-10)
    assert row["low"] == pytest.approx(gap, abs=1e-10)


def test_the_best_model_comes_first_and_differences_are_never_negative():
    rng = np.random.default_rng(0)
    trees = {f"m{k}": evidence(rng.normal(size=40) - k / 5) for k in (3, 1, 0, 2)}
    table = compare(trees)
    assert len(table) == 6
    assert (table["difference"] >= 0).all()


def test_rows_of_one_group_count_once():
    # A gain in 2 of 20 groups of 50 rows each: as rows it is certain, as groups it is not.
    gain = np.repeat(np.tile(np.r_[2.0, np.zeros(9)], 2), 50) - 0.05
    zero, groups = np.zeros(1000), np.repeat(np.arange(20), 50)
    by_row = only(compare({"a": evidence(gain), "b": evidence(zero)}))
    by_group = only(compare({"a": evidence(gain, groups), "b": evidence(zero, groups)}))
    assert (by_row["conclusion"], by_row["blocks"]) == ("better", 1000)
    assert (by_group["conclusion"], by_group["blocks"]) == (NO_DIFFERENCE, 20)


def test_one_group_allows_no_conclusion():
    row = only(compare({"a": evidence([1.0, 2.0], ["x", "x"]), "b": evidence([0.0, 0.0], ["x", "x"])}))
    assert np.isnan([row["low"], row["high"]]).all()
    assert row["conclusion"] == TOO_FEW


@pytest.mark.parametrize("n_groups", [2, 3, 4, 5])
def test_with_fewer_than_six_groups_no_gap_however_wide_is_called_a_difference(n_groups):
    groups = np.repeat(np.arange(n_groups), 10)
    gap = 5.0 + np.random.default_rng(0).normal(size=n_groups)[groups]
    row = only(compare({"a": evidence(gap, groups), "b": evidence(0 * gap, groups)}))
    assert (row["conclusion"], row["blocks"], row["p"]) == (TOO_FEW, n_groups, 2.0 ** (1 - n_groups))


def test_six_groups_that_all_agree_are_enough():
    groups = np.repeat(np.arange(6), 10)
    gap = 5.0 + np.random.default_rng(0).normal(size=6)[groups]
    row = only(compare({"a": evidence(gap, groups), "b": evidence(0 * gap, groups)}))
    assert (row["conclusion"], row["p"]) == ("better", 2.0**-5)


@pytest.mark.slow
@pytest.mark.parametrize("n_groups", [6, 12])
def test_exchangeable_models_are_called_different_no_more_often_than_stated(n_groups):
    # 200 sets at 5 %: at most 22 false differences but once in 1,000 times (binomial).
    rng, groups, false = np.random.default_rng(n_groups), np.repeat(np.arange(n_groups), 5), 0
    zero = evidence(np.zeros(len(groups)), groups)
    for seed in range(200):
        gap = rng.normal(size=n_groups)[groups] + rng.normal(size=len(groups))
        false += only(compare({"a": evidence(gap, groups), "b": zero}, seed=seed))["conclusion"] != NO_DIFFERENCE
    assert false <= 22


def test_folds_that_differ_more_than_their_groups_widen_the_interval():
    rng, groups = np.random.default_rng(1), np.repeat(np.arange(30), 4)
    of_fold = np.repeat([0.9, 0.1, 0.5, 0.8, 0.2], 24)
    gap = of_fold + 0.05 * rng.normal(size=120)
    unstable = only(compare({"a": evidence(gap, groups, n_folds=5), "b": evidence(0 * gap, groups, n_folds=5)}))
    mixed = rng.permutation(30)
    order = np.concatenate([np.flatnonzero(groups == g) for g in mixed])
    steady = only(compare({k: evidence(v, groups, n_folds=5) for k, v in (("a", gap[order]), ("b", 0 * gap))}))
    assert unstable["folds_differ"]
    assert not steady["folds_differ"]
    assert (unstable["low"], unstable["high"]) == (unstable["fold_low"], unstable["fold_high"])
    assert steady["high"] - steady["low"] < 0.5 * (unstable["high"] - unstable["low"])


def test_folds_are_compared_where_rows_are_too_many_for_single_signs():
    # Above 2,000 blocks the flips see joined ones; folds of single rows differ here by far.
    rng, of_fold = np.random.default_rng(2), np.repeat([0.9, -0.7, 0.5, 0.8, -0.2], 600)
    row = only(
        compare({k: evidence(v, n_folds=5) for k, v in (("a", of_fold + rng.normal(size=3000)), ("b", 0 * of_fold))})
    )
    assert (row["blocks"], row["folds_differ"], row["conclusion"]) == (3000, True, NO_DIFFERENCE)
    assert row["p"] < 0.01


def test_features_are_shown_to_help_only_where_a_model_beats_the_baseline():
    rng, groups = np.random.default_rng(0), np.repeat(np.arange(12), 5)
    base = evidence(np.zeros(60), groups, kind="baseline")
    good, noise = (evidence(level + rng.normal(size=60), groups) for level in (1.0, -0.1))
    found = against_baseline({"mean": base, "good": good, "noise": noise})
    assert (found["baseline"], found["shown"], found["conclusion"]) == ("mean", ["good"], "better")
    assert found["p"]["good"] <= 0.01 < found["p"]["noise"]
    found = against_baseline({"mean": base, "noise": noise})
    assert (found["shown"], found["conclusion"]) == ([], NO_DIFFERENCE)
    few = {
        name: evidence(scores, groups[:20], kind=kind)
        for name, scores, kind in (("mean", np.zeros(20), "baseline"), ("good", np.ones(20), "deterministic"))
    }
    found = against_baseline(few)
    assert (found["shown"], found["conclusion"], found["blocks"], found["needed"]) == ([], TOO_FEW, 4, 7)
    assert against_baseline({"good": good, "noise": noise}) is None
    assert against_baseline({"mean": base}) is None


def test_looking_at_many_models_does_not_make_features_help():
    # 20 exchangeable models against one baseline, 200 sets: unadjusted, most sets have one below 2.5 %.
    rng, groups, helped, bare = np.random.default_rng(3), np.repeat(np.arange(8), 3), 0, 0
    for seed in range(200):
        gains = rng.normal(size=(8, 20))[groups]
        p = joint_sign_flip_p(gains, groups, seed=seed)
        helped += p.min() <= 0.025
        bare += min(joint_sign_flip_p(column[:, None], groups)[0] for column in gains.T) <= 0.025
    assert bare > 40
    assert helped <= 13  # binomial(200, 0.025) exceeds 13 less than once in 1,000 times


@pytest.mark.slow
def test_the_interval_covers_a_true_difference_as_often_as_it_says():
    # 200 experiments at 95 %: the number of misses is binomial(200, 0.05), at most 22 but once in 1,000 times.
    rng, misses = np.random.default_rng(0), 0
    for seed in range(200):
        difference = 0.2 + rng.normal(size=40)
        row = only(compare({"a": evidence(difference), "b": evidence(np.zeros(40))}, seed=seed))
        sign = 1 if row["a"] == "a" else -1
        misses += not row["low"] <= sign * 0.2 <= row["high"]
    assert misses <= 22


@pytest.mark.parametrize("change", [{"rows": "z"}, {"folds": "z"}])
def test_other_rows_or_folds_are_refused(change):
    trees = {"a": evidence([1.0, 2.0]), "b": evidence([1.0, 2.0], **change)}
    with pytest.raises(ValueError, match=r"Invalid evidence 'b'\. It was scored on other rows or folds than 'a'"):
        compare(trees)


def test_real_evidence_on_other_folds_is_refused():
    data, model = events(), catalog.model("majority", "classification")
    trees = {f"{k} folds": evaluate(model, data, split(data, folds=k)) for k in (3, 4)}
    with pytest.raises(ValueError, match=r"Invalid evidence '4 folds'\. It was scored on other rows or folds"):
        compare(trees)


@pytest.mark.slow
def test_a_real_model_beats_the_majority():
    data = events()
    by = split(data, folds=3)
    trees = {name: evaluate(catalog.model(name, data.task), data, by) for name in ("majority", "logistic")}
    row = only(compare(trees))
    assert (row["a"], row["conclusion"]) == ("logistic", "better")


def test_the_interval_over_folds_is_that_of_student_over_their_means():
    scores = np.random.default_rng(0).normal(0.3, 1.0, size=60)
    row = only(compare({"a": evidence(scores, n_folds=5), "b": evidence(np.zeros(60), n_folds=5)}))
    sign = 1 if row["a"] == "a" else -1
    by_fold = sign * scores.reshape(5, 12).mean(axis=1)
    expected = stats.ttest_1samp(by_fold, 0.0).confidence_interval(0.95)
    assert row["folds"] == 5
    np.testing.assert_allclose([row["fold_low"], row["fold_high"]], expected, atol=1e-12)


def test_one_fold_has_no_interval_over_folds():
    row = only(compare({"a": evidence([1.0, 2.0, 3.0], n_folds=1), "b": evidence([0.0] * 3, n_folds=1)}))
    assert np.isnan([row["fold_low"], row["fold_high"]]).all()
    assert not row["folds_differ"]


def real():
    data = events()
    by = split(data, folds=3)
    return {name: evaluate(catalog.model(name, data.task), data, by) for name in ("majority", "logistic", "forest")}


@pytest.mark.slow
def test_another_proper_score_ranks_by_itself():
    trees = real()
    table = compare(trees, metric="brier_score")
    brier = {name: float(tree["metrics"]["value"].sel(metric="brier_score")) for name, tree in trees.items()}
    assert table["a"][0] == min(brier, key=brier.get)
    for row in table.to_dict("records"):
        assert row["difference"] == pytest.approx(brier[row["b"]] - brier[row["a"]], abs=1e-12)


@pytest.mark.slow
def test_the_leaderboard_ranks_says_against_the_best_and_shows_the_rest():
    trees = real()
    table = leaderboard(trees)
    pairs = {row["b"]: row for row in compare(trees).to_dict("records") if row["a"] == table["model"][0]}
    assert list(table["score"]) == sorted(table["score"], reverse=True)
    assert table["conclusion"][0] == "best"
    assert table.set_index("model")["conclusion"]["majority"] == "worse"
    for line in table.to_dict("records")[1:]:
        told = {"better": "worse", NO_DIFFERENCE: NO_DIFFERENCE}[pairs[line["model"]]["conclusion"]]
        assert line["conclusion"] == told
    shown = {"accuracy", "recall", "miscalibration", "p_calibrated", "aurc", "fit_seconds", "size_bytes"}
    assert shown <= set(table.columns)
    assert (table["size_bytes"] > 0).all()
    assert not table.isna().any(axis=None)


def test_the_leaderboard_of_values_shows_their_scores():
    data = shaking()
    by = split(data, folds=3)
    table = leaderboard({name: evaluate(catalog.model(name, data.task), data, by) for name in ("mean", "ridge")})
    assert list(table["model"]) == ["ridge", "mean"]
    assert {"crps", "rmse", "coverage_90", "pit_deviation"} <= set(table.columns)


def test_a_score_that_is_not_proper_or_not_there_is_refused():
    tree = evidence([1.0, 2.0])
    with pytest.raises(
        ValueError, match=r"Invalid metric 'accuracy'\. It is not known\. Known: brier_score, log_score"
    ):
        compare({"a": tree}, metric="accuracy")
    with pytest.raises(ValueError, match=r"Invalid metric 'brier_score'\. 'a' was not scored by it"):
        compare({"a": tree}, metric="brier_score")


def test_nothing_to_compare_is_refused():
    with pytest.raises(ValueError, match=r"Invalid evidences .* There is nothing to compare"):
        compare({})


def test_one_model_makes_an_empty_table():
    assert list(compare({"a": evidence([1.0])}).columns)[:4] == ["a", "b", "metric", "difference"]
    assert compare({"a": evidence([1.0])}).empty


def test_another_preprocessing_is_told_and_not_refused():
    trees = {"a": evidence([1.0, 2.0]), "b": evidence([1.0, 2.0]), "c": evidence([1.0, 2.0], features="z")}
    table = compare(trees).set_index(["a", "b"])["same_preprocessing"]
    assert table.to_dict() == {("a", "b"): True, ("a", "c"): False, ("b", "c"): False}


def test_without_seeds_nothing_is_added_and_nothing_claimed():
    scores = np.random.default_rng(0).normal(0.3, 1.0, size=60)
    plain = only(compare({"a": evidence(scores), "b": evidence(np.zeros(60))}))
    half = only(compare({"a": seeded(evidence(scores), [0.3, 0.1]), "b": evidence(np.zeros(60))}))
    assert np.isnan([plain["seed_sd"], half["seed_sd"]]).all()
    assert (plain["low"], plain["high"]) == (half["low"], half["high"])


def test_seeds_widen_the_interval_by_both_variances():
    scores = np.random.default_rng(0).normal(0.3, 0.5, size=200)
    zeros, by_seed = np.zeros(200), ([0.3, 0.1, 0.2], [0.0, 0.1, -0.1])
    plain = only(compare({"a": evidence(scores), "b": evidence(zeros)}))
    row = only(compare({"a": seeded(evidence(scores), by_seed[0]), "b": seeded(evidence(zeros), by_seed[1])}))
    variance = np.var(by_seed, axis=1, ddof=1)
    assert row["seed_sd"] == pytest.approx(np.sqrt(variance.sum()), abs=1e-12)
    # Equal variances of two seeds' degrees of freedom each make four (Welch and Satterthwaite).
    added = stats.t.ppf(0.975, 4) * np.sqrt(variance.sum())
    assert row["high"] - row["difference"] == pytest.approx(np.hypot(plain["high"] - plain["difference"], added))
    assert plain["conclusion"] == "better"
    assert row["conclusion"] == NO_DIFFERENCE


def test_a_model_whose_fit_does_not_depend_on_the_seed_adds_nothing():
    scores = np.random.default_rng(0).normal(0.3, 0.5, size=200)
    plain = only(compare({"a": evidence(scores), "b": evidence(np.zeros(200))}))
    row = only(compare({"a": seeded(evidence(scores), [0.3]), "b": seeded(evidence(np.zeros(200)), [0.0])}))
    assert row["seed_sd"] == 0.0
    assert (row["low"], row["high"]) == (plain["low"], plain["high"])


@pytest.mark.slow
def test_seeds_keep_two_copies_of_one_stochastic_model_from_being_called_different():
    # A model whose score moves by 0.05 from seed to seed, over rows that hardly differ: by rows alone every pair
    # differs, with the variance over 5 seeds at most about one in twenty does. 200 repeats, 99.9 % binomial bound 22.
    rng, rows_alone, with_seeds = np.random.default_rng(0), 0, 0
    for seed in range(200):
        by_seed = rng.normal(-1.0, 0.05, size=(2, 5))
        rows = 0.01 * rng.normal(size=60)
        trees = {name: evidence(rows + means[0]) for name, means in zip("ab", by_seed, strict=True)}
        rows_alone += only(compare(trees, seed=seed))["conclusion"] != NO_DIFFERENCE
        trees = {name: seeded(trees[name], means) for name, means in zip("ab", by_seed, strict=True)}
        with_seeds += only(compare(trees, seed=seed))["conclusion"] != NO_DIFFERENCE
    assert rows_alone > 150
    assert with_seeds <= 22


@given(h=st.floats(1e-3, 1), s=st.floats(1e-4, 1), d=st.floats(-1, 1))
@settings(deadline=None, max_examples=30)
def test_an_interval_with_seeds_holds_the_one_without(h, s, d):
    low, high = with_seed_variance(d, (d - h, d + 2 * h), np.array([s**2, 0.0]), np.array([4, 0]), prob=0.95)
    assert low < d - h
    assert high > d + 2 * h
