"""The verdict fails closed: what is broken, missing or not computable is never sound."""

import numpy as np
import pytest
import xarray as xr

from bayesgeo import diagnose
from bayesgeo.diagnostics.base import Check, Diagnosis, graded
from tests.fake import healthy_statistics

DIMS = ("chain", "draw")


def healthy(seed=0, chains=4, draws=1000):
    rng = np.random.default_rng(seed)
    posterior = xr.Dataset(
        {
            "intercept": (DIMS, rng.normal(size=(chains, draws))),
            "weight": ((*DIMS, "feature"), rng.normal(size=(chains, draws, 2))),
        }
    )
    statistics = healthy_statistics(rng, (chains, draws))
    tree = xr.DataTree.from_dict({"posterior": posterior, "sample_stats": statistics})
    tree.attrs = {"kind": "chains", "interrupted": 0}
    return tree


def statuses(tree):
    return {check.code: check.status for check in diagnose(tree).checks}


@pytest.mark.parametrize("seed", range(10))
def test_independent_draws_are_sound(seed):
    assert diagnose(healthy(seed)).verdict == "sound"


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("where", [(0, 0), (3, 999)])
def test_one_draw_that_is_no_number_fails(value, where):
    tree = healthy()
    tree["posterior"]["weight"].values[(*where, 1)] = value
    diagnosis = diagnose(tree)
    assert diagnosis.verdict == "failed"
    assert statuses(tree)["finite"] == "issue"
    assert diagnosis.checks[0].value == 1


@pytest.mark.parametrize(
    ("chains", "draws", "verdict", "code"),
    [
        (1, 1000, "failed", "chains"),
        (2, 1000, "doubtful", "chains"),
        (4, 3, "failed", "draws"),
        (4, 99, "failed", "draws"),
        (4, 200, "doubtful", "draws"),
    ],
)
def test_too_few_chains_or_draws_are_never_sound(chains, draws, verdict, code):
    tree = healthy(chains=chains, draws=draws)
    assert diagnose(tree).verdict == verdict
    assert statuses(tree)[code] != "passed"


def test_a_stuck_chain_fails():
    tree = healthy()
    tree["posterior"]["intercept"].values[2] = 0.3
    assert diagnose(tree).verdict == "failed"


def test_a_constant_parameter_fails_because_nothing_can_be_computed():
    tree = healthy()
    tree["posterior"]["intercept"].values[:] = 0.3
    assert statuses(tree)["rhat"] == "issue"
    advice = {check.code: check.advice for check in diagnose(tree).checks}
    assert advice["rhat"].startswith("It could not be computed.")


def test_chains_in_two_modes_fail_by_rhat():
    tree = healthy()
    tree["posterior"]["weight"].values[:2, :, 0] += 8.0
    assert statuses(tree)["rhat"] == "issue"


def test_a_random_walk_fails_by_effective_size():
    tree = healthy()
    walk = np.cumsum(np.random.default_rng(1).normal(size=(4, 1000)), axis=1)
    tree["posterior"]["intercept"].values[:] = walk
    found = statuses(tree)
    assert found["rhat"] == found["ess_bulk"] == found["ess_tail"] == "issue"


def test_chains_of_different_spread_are_noticed():
    # Equal means: the classic R-hat is blind to it, the rank-normalised and folded one is not.
    tree = healthy()
    tree["posterior"]["intercept"].values[0] *= 5.0
    assert statuses(tree)["rhat"] == "issue"


@pytest.mark.parametrize(("divergent", "status"), [(0, "passed"), (1, "tip"), (20, "tip"), (21, "issue")])
def test_one_divergence_is_doubtful_and_more_than_one_in_200_fail(divergent, status):
    tree = healthy()
    tree["sample_stats"]["diverging"].values.ravel()[:divergent] = True
    assert statuses(tree)["divergences"] == status


@pytest.mark.parametrize(("period", "status"), [(20.0, "issue"), (12.5, "tip"), (3.0, "passed")])
def test_slow_energy_is_noticed(period, status):
    # A cosine has E-BFMI 2 (1 - cos(2 pi / period)): 0.10, 0.25 and 3.
    tree = healthy()
    tree["sample_stats"]["energy"].values[:] = np.cos(2 * np.pi * np.arange(1000) / period)
    assert statuses(tree)["energy"] == status


def test_an_infinite_statistic_counts_as_not_computed():
    check = graded("energy", np.inf, 0.3, 0.2, "", threshold="")
    assert (check.status, check.advice.strip()) == ("issue", "It could not be computed.")


def test_cut_trajectories_make_it_doubtful():
    tree = healthy()
    tree["sample_stats"]["reached_max_treedepth"].values[0, 0] = True
    assert diagnose(tree).verdict == "doubtful"


@pytest.mark.parametrize("name", ["diverging", "energy", "reached_max_treedepth"])
def test_a_missing_statistic_fails(name):
    tree = healthy()
    tree["sample_stats"] = xr.DataTree(tree["sample_stats"].to_dataset().drop_vars(name))
    assert diagnose(tree).verdict == "failed"


@pytest.mark.parametrize("name", ["energy", "diverging"])
def test_a_statistic_that_is_no_number_fails(name):
    tree = healthy()
    statistics = tree["sample_stats"].to_dataset().astype(float)
    statistics[name].values[1, 5] = np.nan
    tree["sample_stats"] = xr.DataTree(statistics)
    assert diagnose(tree).verdict == "failed"


def test_missing_sampler_statistics_fail():
    tree = healthy()
    del tree["sample_stats"]
    assert diagnose(tree).verdict == "failed"


@pytest.mark.parametrize("tree", [xr.DataTree(), xr.DataTree.from_dict({"posterior": xr.Dataset()})])
def test_without_draws_it_fails(tree):
    assert diagnose(tree).verdict == "failed"


def test_a_variable_without_chain_and_draw_fails():
    tree = healthy()
    tree["posterior"] = xr.DataTree(tree["posterior"].to_dataset().assign(mean=("feature", [0.0, 1.0])))
    first, *others = diagnose(tree).checks
    assert (first.code, first.status) == ("dimensions", "issue")
    assert {check.status for check in others} == {"skipped"}


def test_coefficients_of_no_feature_are_nothing_to_check_unless_there_is_nothing_else():
    tree, nothing = healthy(), ("chain", "draw", "none")
    posterior = tree["posterior"].to_dataset()
    sizes = [posterior.sizes["chain"], posterior.sizes["draw"], 0]
    tree["posterior"] = xr.DataTree(posterior.assign(weight=(nothing, np.empty(sizes))))
    assert diagnose(tree).verdict == diagnose(healthy()).verdict == "sound"
    tree["posterior"] = xr.DataTree(tree["posterior"].to_dataset()[["weight"]])
    assert diagnose(tree).verdict == "failed"


def test_dimensions_in_another_order_make_no_difference():
    tree, turned = healthy(), healthy()
    turned["posterior"] = xr.DataTree(turned["posterior"].to_dataset().transpose("feature", "draw", "chain"))
    assert statuses(turned) == statuses(tree)


@pytest.mark.parametrize("interrupted", [1, None])
def test_a_run_that_did_not_end_is_never_sound(interrupted):
    tree = healthy()
    tree.attrs["interrupted"] = interrupted
    if interrupted is None:
        del tree.attrs["interrupted"]
    assert statuses(tree)["complete"] == "tip"
    assert diagnose(tree).verdict == "doubtful"


def test_an_exact_posterior_needs_no_sampler_statistics_but_all_else():
    tree = healthy()
    del tree["sample_stats"]
    tree.attrs["kind"] = "exact"
    assert diagnose(tree).verdict == "sound"
    tree["posterior"]["intercept"].values[0, 0] = np.nan
    assert diagnose(tree).verdict == "failed"


def test_only_not_applicable_checks_are_no_verdict():
    assert Diagnosis((Check("posterior", "not applicable", np.nan, "", ""),)).verdict == "not applicable"
