"""A network is judged by its functions: chains may sit in different modes, but each must move, settle and predict."""

from dataclasses import dataclass

import numpy as np
import pytest
import xarray as xr
from scipy import special, stats

from bayesgeo import catalog, diagnose, evaluate, split
from bayesgeo.diagnostics.functions import stacking_weights
from bayesgeo.evaluation.fold import diagnosis
from tests.fake import FakePosterior
from tests.tables import events, shaking

SIGMA = 0.3


def network(engine="MCLMC", *, labels=0, chains=4, draws=100, seed=0):
    """Return a healthy posterior of a network of one weight: functions that scatter about a trend."""
    rng = np.random.default_rng(seed)
    x = np.linspace(-2, 2, 40)
    # Every draw bends the trend along five directions.
    bends = np.stack([np.sin((k + 1) * x + k) for k in range(5)])
    outputs = np.sin(2 * x) + 0.1 * rng.normal(size=(chains, draws, 5)) @ bends
    if labels:
        logits = np.stack([k * outputs for k in range(labels)], axis=-1)
        seen = rng.integers(labels, size=len(x))
        log_p = special.log_softmax(logits, axis=-1)
        values = np.exp(log_p), np.take_along_axis(log_p, seen[None, None, :, None], axis=-1)[..., 0]
    else:
        seen = np.sin(2 * x) + SIGMA * rng.normal(size=len(x))
        values = outputs, stats.norm.logpdf(seen, outputs, SIGMA)
    tree = xr.DataTree.from_dict(
        {
            "posterior": xr.Dataset({"weight_0": (("chain", "draw"), rng.normal(size=(chains, draws)))}),
            "functions": shown(*values),
            **GROUPS[engine](rng, chains, draws),
        }
    )
    tree.attrs = {"kind": KINDS[engine], "interrupted": 0}
    return tree


def shown(expected, log_density):
    dims = ("chain", "draw", "point", "label")
    return xr.Dataset({"expected": (dims[: expected.ndim], expected), "log_density": (dims[:3], log_density)})


def microcanonical(rng, chains, draws):
    sizes, dims = (chains, draws), ("chain", "draw")
    statistics = {"lp": (dims, rng.normal(size=sizes)), "energy_error": (dims, rng.gamma(0.5, 0.8, sizes))}
    score = ("step", -1.0 + 0.2 * np.minimum(np.arange(9) / 5, 1))
    return {"sample_stats": xr.Dataset(statistics), "warmup": xr.Dataset({"log_score": score})}


def approximation(rng, chains, draws):
    return {"approximation": xr.Dataset({"log_ratio": (("chain", "sample"), 0.3 * rng.normal(size=(chains, draws)))})}


GROUPS = {"MCLMC": microcanonical, "ADVI": approximation}
KINDS = {"MCLMC": "unadjusted chains", "ADVI": "approximation"}


def replace(tree, group, **variables):
    """Set new values of some variables of a group, of the same dimensions."""
    old = tree[group].to_dataset()
    tree[group] = xr.DataTree(old.assign({name: (old[name].dims, values) for name, values in variables.items()}))
    return tree


def values(tree):
    return (tree["functions"][name].values.copy() for name in ("expected", "log_density"))


def check(tree, code):
    (found,) = [check for check in diagnose(tree).checks if check.code == code]
    return found


def statuses(tree):
    return {check.code: check.status for check in diagnose(tree).checks}


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("labels", [0, 2, 3])
def test_independent_functions_are_sound(seed, labels):
    assert diagnose(network(labels=labels, seed=seed)).verdict == "sound"


def test_a_close_approximation_is_sound_and_its_draws_need_not_mix():
    tree = network("ADVI", draws=250)
    assert diagnose(tree).verdict == "sound"
    assert statuses(tree)["function_error"] == "not applicable"


def test_weights_that_disagree_do_not_matter():
    tree = network()
    tree["posterior"]["weight_0"].values[0] += 100.0
    assert diagnose(tree).verdict == "sound"


def in_modes(chains, apart):
    """Return a posterior whose chains stay in one of two modes that explain the rows equally well."""
    tree = network(chains=chains)
    expected, _ = values(tree)
    expected[chains // 2 :] += apart
    return replace(tree, "functions", expected=expected)


def test_chains_in_modes_less_apart_than_these_are_wide_are_sound_and_their_disagreement_is_told():
    tree = in_modes(16, 0.2)
    found = check(tree, "chains_agree")
    assert (found.status, found.value > 1.1) == ("not applicable", True)
    assert diagnose(tree).verdict == "sound"


@pytest.mark.parametrize(("chains", "status"), [(4, "tip"), (8, "tip"), (32, "passed")])
def test_chains_in_modes_far_apart_know_the_mean_only_where_they_are_many(chains, status):
    found = check(in_modes(chains, 20.0), "function_error")
    # Half of the means on either side of the middle, and next to no scatter within a mode.
    assert found.value == pytest.approx(1 / np.sqrt(chains - 1), rel=0.01)
    assert found.status == status


@pytest.mark.parametrize("labels", [0, 2, 3])
def test_the_error_of_independent_draws_is_that_of_their_number(labels):
    found = [check(network(labels=labels, draws=50, seed=seed), "function_error").value for seed in range(20)]
    # The scatter of four means of five directions, in 20 posteriors: its mean is known to some hundredths.
    assert np.mean(found) == pytest.approx(1 / np.sqrt(4 * 50), rel=0.15)


def test_copies_of_a_chain_know_no_more_than_it_does():
    tree = in_modes(8, 20.0)
    apart = check(tree, "function_error").value
    # Two chains, each with its copies: their means lie on either side of the middle, 1.41 deviations from each other.
    assert check(descending(tree, np.repeat([0, 4], 4)), "function_error").value == pytest.approx(1.0, rel=0.01)
    assert check(descending(tree, np.arange(8)), "function_error").value == apart
    assert check(descending(tree, np.zeros(8, int)), "function_error").status == "issue"


def descending(tree, origin):
    """State which chain each descends from."""
    tree["sample_stats"] = xr.DataTree(tree["sample_stats"].to_dataset().assign(origin=("chain", origin)))
    return tree


def test_probabilities_of_exactly_one_are_sound():
    tree = network(labels=2)
    expected, log_density = values(tree)
    expected[:, :, :30], log_density[:, :, :30] = [0.0, 1.0], 0.0
    # Where the other chains say nearly one.
    expected[1:, :, 30:35, 0] *= 1e-6
    expected[..., 1] = 1 - expected[..., 0]
    expected[0, :, 30:35], log_density[:, :, 30:35] = [0.0, 1.0], 0.0
    assert diagnose(replace(tree, "functions", expected=expected, log_density=log_density)).verdict == "sound"


def test_dimensions_in_another_order_change_nothing():
    tree, turned = network(labels=3), network(labels=3)
    turned["functions"] = xr.DataTree(turned["functions"].to_dataset().transpose("label", "point", "draw", "chain"))
    assert diagnose(turned) == diagnose(tree)


@pytest.mark.slow
@pytest.mark.parametrize("wobble", [0.0, 1e-8])
def test_a_frozen_chain_fails_even_if_rounding_moves_it(wobble):
    tree, rng = network(), np.random.default_rng(1)
    expected, log_density = values(tree)
    for array in (expected, log_density):
        array[1] = array[1, :1] + wobble * rng.normal(size=array[1].shape)
    replace(tree, "functions", expected=expected, log_density=log_density)
    assert statuses(tree)["moving"] == "issue"


def test_functions_that_never_vary_fail_because_nothing_can_be_computed():
    tree = network()
    constant = np.zeros_like(tree["functions"]["expected"].values)
    found = statuses(replace(tree, "functions", expected=constant, log_density=constant))
    assert found["moving"] == found["function_error"] == "issue"


def test_a_chain_twice_fails():
    tree = network()
    expected, log_density = values(tree)
    expected[3], log_density[3] = expected[1], log_density[1]
    found = check(replace(tree, "functions", expected=expected, log_density=log_density), "distinct")
    assert (found.status, found.value) == ("issue", 1)


def test_one_point_that_drifts_does_not_decide():
    tree = network()
    expected, log_density = values(tree)
    expected[:, :, 0] += np.linspace(0, 5, 100)
    assert diagnose(replace(tree, "functions", expected=expected, log_density=log_density)).verdict == "sound"


@pytest.mark.parametrize(("held", "status"), [(1, "passed"), (5, "passed"), (50, "tip")])
def test_draws_that_repeat_each_other_are_few(held, status):
    tree = network()
    thinned = [array[:, np.arange(100) // held] for array in values(tree)]
    found = check(replace(tree, "functions", expected=thinned[0], log_density=thinned[1]), "function_error")
    assert found.status == status


@pytest.mark.parametrize(("chains", "verdict"), [(1, "failed"), (2, "doubtful"), (3, "doubtful"), (4, "sound")])
def test_few_chains_are_never_sound(chains, verdict):
    assert diagnose(network(chains=chains)).verdict == verdict


@pytest.mark.parametrize(("draws", "status"), [(2, "issue"), (19, "issue"), (49, "tip"), (50, "passed")])
def test_few_draws_are_never_sound(draws, status):
    assert statuses(network(draws=draws))["draws"] == status


@pytest.mark.parametrize(("loss", "status"), [(0.05, "passed"), (0.3, "tip"), (3.0, "issue")])
def test_a_chain_far_below_the_others_is_lost(loss, status):
    tree = network()
    expected, log_density = values(tree)
    log_density[3] -= loss
    found = check(replace(tree, "functions", expected=expected, log_density=log_density), "chain_scores")
    assert found.status == status
    assert "stacking weights" in found.advice


def test_a_chain_lost_by_more_on_some_rows_than_on_others_is_still_lost():
    # Losses so uneven that their mean lies within four standard errors of zero.
    tree = network()
    expected, log_density = values(tree)
    log_density[3] -= np.geomspace(1.0, 1e15, 40)
    assert statuses(replace(tree, "functions", expected=expected, log_density=log_density))["chain_scores"] == "issue"


def test_later_draws_that_score_better_make_it_doubtful():
    tree = network()
    expected, log_density = values(tree)
    log_density[:, 50:] += 0.3
    replace(tree, "functions", expected=expected, log_density=log_density)
    assert check(tree, "score_growth_draws").status == "tip"


def test_chains_that_each_add_to_the_score_make_it_doubtful():
    tree = network()
    expected, log_density = values(tree)
    # Each chain knows a quarter of the rows, so half of the chains know half of them.
    for chain in range(4):
        log_density[chain] -= np.where(np.arange(40) % 4 == chain, 0.0, 2.0)
    found = check(replace(tree, "functions", expected=expected, log_density=log_density), "score_growth_chains")
    # Of two chains, one knows the row or neither does; of four, one does.
    four, one_of_two = np.log((1 + 3 * np.exp(-2)) / 4), np.log((1 + np.exp(-2)) / 2)
    # The scatter of the draws, which the half pools share, moves it by less than a hundredth.
    assert found.value == pytest.approx(four - (one_of_two - 2) / 2, abs=0.01)
    assert found.status == "tip"


@pytest.mark.parametrize("group", ["posterior", "functions"])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_one_value_that_is_no_number_fails_for_functions_too(group, value):
    tree = network()
    name = {"posterior": "weight_0", "functions": "log_density"}[group]
    tree[group][name].values[1, 7] = value
    assert statuses(tree)[{"posterior": "finite", "functions": "functions"}[group]] == "issue"


@pytest.mark.parametrize(
    "change",
    [
        lambda functions: functions.drop_vars("log_density"),
        lambda functions: functions.drop_vars("expected"),
        lambda functions: functions.isel(draw=slice(50)),
        lambda functions: functions.isel(chain=slice(3)),
        lambda functions: functions.isel(point=slice(0)),
        lambda functions: functions.isel(draw=0),
    ],
    ids=["no log density", "no expectation", "half the draws", "a chain less", "no point", "one draw"],
)
def test_functions_of_other_draws_fail(change):
    tree = network()
    tree["functions"] = xr.DataTree(change(tree["functions"].to_dataset()))
    assert diagnose(tree).verdict == "failed"
    assert statuses(tree)["functions"] == "issue"


@pytest.mark.parametrize("interrupted", [1, None])
def test_a_network_whose_run_did_not_end_is_never_sound(interrupted):
    tree = network()
    tree.attrs["interrupted"] = np.nan if interrupted is None else interrupted
    assert diagnose(tree).verdict == "doubtful"


@pytest.mark.parametrize("seed", range(5))
def test_stacking_weights_cannot_be_improved(seed):
    scores = np.random.default_rng(seed).normal(0, 2, size=(5, 60))
    weights = stacking_weights(scores)
    density = np.exp(scores)
    # At the best mixture, moving weight to any chain gains nothing (Kuhn and Tucker).
    gain = (density / (weights @ density)).mean(axis=1)
    assert weights.sum() == pytest.approx(1)
    assert gain.max() < 1.01


def test_stacking_weights_survive_densities_of_any_size():
    scores = np.zeros((3, 20))
    scores[1], scores[:, 5] = -1e6, -1e5
    np.testing.assert_allclose(stacking_weights(scores), [0.5, 0.0, 0.5], atol=1e-6)


@dataclass(frozen=True)
class SinglePrecision(FakePosterior):
    """Draws in float32, as the samplers in JAX give them."""

    def run(self, problem, seed):
        tree = super().run(problem, seed)
        tree["posterior"] = xr.DataTree(tree["posterior"].to_dataset().astype(np.float32))
        return tree


@pytest.mark.parametrize("offset", [0.0, 1e8])
def test_a_target_far_from_zero_does_not_look_frozen(offset):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 2))
    model = catalog.model("bayesian_mlp", "regression", inference=SinglePrecision(), random_state=0)
    model.fit(X, offset + X[:, 0] + 0.1 * rng.normal(size=60))
    assert diagnose(model.posterior_).verdict == "sound"
    assert model.predict(X).std() == pytest.approx(1.0, abs=0.2)


@pytest.mark.slow
@pytest.mark.parametrize("data", [events, shaking])
def test_a_fold_is_judged_on_its_test_rows(data):
    data = data()
    model = catalog.model("bayesian_mlp", data.task, inference=FakePosterior(), random_state=0)
    train, test = split(data, folds=3).folds[0]
    rows, held = data.rows(train), data.rows(test)
    model.fit(rows.X, rows.y.values)
    on_test = diagnosis(model, held)
    model.posterior_["functions"] = xr.DataTree(model.functions(held.X, held.y.values))
    assert on_test == diagnosis(model)
    assert on_test.verdict == "sound"


def test_a_fold_whose_test_rows_are_of_unknown_classes_is_judged_on_rows_held_out():
    data = events(n_labels=3)
    model = catalog.model("bayesian_mlp", "classification", inference=FakePosterior(), random_state=0)
    known = data.rows(np.flatnonzero(data.y.values < 2))
    model.fit(known.X, known.y.values)
    assert diagnosis(model, data.rows(np.flatnonzero(data.y.values == 2))) == diagnosis(model)


@pytest.mark.slow
def test_evidence_of_a_network_is_sound():
    data = shaking()
    model = catalog.model("bayesian_mlp", "regression", inference=FakePosterior())
    tree = evaluate(model, data, split(data, folds=3))
    assert tree["diagnostics"].attrs["verdict"] == "sound"
