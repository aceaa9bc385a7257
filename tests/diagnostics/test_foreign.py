"""What other libraries computed is judged by what it states: missing statements are named and do not count."""

import json

import numpy as np
import pytest
import xarray as xr

from bayesgeo import diagnose
from bayesgeo.testing import layouts, shapes
from bayesgeo.testing.case import unsound
from bayesgeo.testing.unmatched import observed
from tests.diagnostics.test_broken import found


def hierarchical(layout):
    rng = np.random.default_rng(0)
    return layout(shapes.hierarchical(rng), rng)


@pytest.mark.parametrize("layout", layouts.LAYOUTS.values(), ids=layouts.LAYOUTS)
def test_what_is_not_stated_is_named_and_does_not_count(layout):
    tree = hierarchical(layout)
    check = found(tree, "complete")
    assert (check.status, "does not state" in check.advice) == ("not applicable", True)
    assert diagnose(tree).verdict == "sound"


def test_the_same_draws_are_held_to_more_once_they_state_their_kind():
    tree = hierarchical(layouts.plain)
    tree.attrs["kind"] = "chains"
    judged = diagnose(tree)
    assert judged.verdict == "failed"
    assert {check.code for check in unsound(judged)} == {"complete", "divergences", "tree_depth", "energy"}


@pytest.mark.parametrize(("asked", "status"), [(1000, "not applicable"), (1001, "tip")])
def test_settings_that_nutpie_keeps_tell_how_many_draws_were_asked_for(asked, status):
    tree = hierarchical(layouts.nutpie)
    settings = {"settings": {"num_chains": 4, "num_draws": asked}}
    tree["sample_stats"].attrs["inference_library_settings"] = json.dumps(settings)
    assert found(tree, "complete").status == status


@pytest.mark.parametrize("settings", ["", "{", "[]", '{"settings": 3}', '{"settings": {"num_draws": "many"}}', 7])
def test_settings_that_cannot_be_read_state_nothing(settings):
    tree = hierarchical(layouts.nutpie)
    tree["sample_stats"].attrs["inference_library_settings"] = settings
    assert found(tree, "complete").status == "not applicable"


def test_our_own_runs_state_how_many_draws_they_were_asked_for():
    tree = hierarchical(layouts.plain)
    tree.attrs |= {"kind": "exact", "interrupted": 0, "chains": 4, "draws": 1500}
    check = found(tree, "complete")
    assert check.status == "tip"
    assert "1000 of 1500 draws" in check.advice


@pytest.mark.parametrize(
    ("layout", "name", "code"),
    [
        (layouts.pymc, "diverging", "divergences"),
        (layouts.pymc, "reached_max_treedepth", "tree_depth"),
        (layouts.nutpie, "maxdepth_reached", "tree_depth"),
        (layouts.numpyro, "reached_max_tree_depth", "tree_depth"),
    ],
)
def test_statistics_are_read_under_the_names_of_each_library(layout, name, code):
    tree = hierarchical(layout)
    tree["sample_stats"][name].values[0, 0] = True
    assert found(tree, code).status == "tip"


@pytest.mark.parametrize("name", ["posterior_predictive", "prior_predictive", "prior", "log_prior", "cdf", "loo"])
def test_groups_of_other_libraries_under_our_names_are_left_in_peace(name):
    tree = observed(np.random.default_rng(0))
    tree[name] = xr.DataTree(tree["posterior"].to_dataset().rename(mean="other").isel(draw=slice(0, 200)))
    assert unsound(diagnose(tree)) == []


def test_the_leave_one_out_check_reads_the_likelihood_of_other_libraries():
    assert found(observed(np.random.default_rng(0)), "loo_pareto_k").status == "passed"


@pytest.mark.slow
def test_a_plain_model_sampled_by_nutpie_is_sound():
    import pymc as pm

    rng = np.random.default_rng(0)
    with pm.Model():
        mean, sigma = pm.Normal("mean"), pm.HalfNormal("sigma")
        pm.Deterministic("corr", pm.math.stack([[1.0, pm.math.tanh(mean)], [pm.math.tanh(mean), 1.0]]))
        pm.Normal("y", mean, sigma, observed=rng.normal(size=30))
        tree = pm.sample(
            500, tune=500, chains=4, cores=1, random_seed=0, nuts_sampler="nutpie", progressbar=False, quiet=True
        )
        pm.compute_log_likelihood(tree, progressbar=False)
    judged = diagnose(tree)
    assert judged.verdict == "sound", unsound(judged)
    assert {check.code for check in judged.checks if check.status == "passed"} >= {"divergences", "energy", "of_draws"}
