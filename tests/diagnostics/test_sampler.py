"""What an inference reports of itself: broken, missing or not computable is never sound."""

import json

import numpy as np
import pytest
import xarray as xr

from bayesgeo import diagnose
from bayesgeo.diagnostics.base import OF_SAMPLERS
from bayesgeo.diagnostics.sampler import CHECKS, DEFAULTS
from bayesgeo.inference.base import KINDS
from bayesgeo.inference.mclmc import ADJUSTED
from tests.diagnostics.test_functions import check, network, statuses


@pytest.mark.slow
@pytest.mark.parametrize(
    ("error", "status"), [(0.3, "passed"), (9.9, "passed"), (20.0, "tip"), (60.0, "issue"), (np.inf, "issue")]
)
def test_steps_that_are_too_long_are_noticed_in_one_chain(error, status):
    tree = network()
    tree["sample_stats"]["energy_error"].values[2] = error
    assert statuses(tree)["energy_error"] == status


@pytest.mark.slow
@pytest.mark.parametrize(("error", "status"), [(600.0, "passed"), (np.inf, "passed"), (np.nan, "issue")])
def test_one_rare_error_is_forgiven_however_large_but_not_if_it_is_unknown(error, status):
    tree = network()
    tree["sample_stats"]["energy_error"].values[2, 40] = error
    assert statuses(tree)["energy_error"] == status


@pytest.mark.slow
@pytest.mark.parametrize(("rate", "status"), [(0.85, "passed"), (0.4, "tip"), (0.1, "issue"), (np.nan, "issue")])
def test_the_adjusted_sampler_must_accept(rate, status):
    tree = network()
    tree.attrs |= {"kind": "chains", "checks": ADJUSTED["checks"]}
    statistics = tree["sample_stats"].to_dataset().rename(energy_error="acceptance_rate")
    statistics["acceptance_rate"].values[:] = 0.9
    statistics["acceptance_rate"].values[1] = rate
    tree["sample_stats"] = xr.DataTree(statistics)
    found = statuses(tree)
    assert found["acceptance"] == status
    assert "energy_error" not in found


@pytest.mark.slow
@pytest.mark.parametrize(("climb", "status"), [(1.0, "passed"), (6.0, "tip"), (20.0, "issue")])
def test_a_log_posterior_that_climbs_is_noticed(climb, status):
    tree = network()
    tree["sample_stats"]["lp"].values[:] += climb * np.linspace(0, 1, 100)
    assert statuses(tree)["lp_drift"] == status


@pytest.mark.slow
@pytest.mark.parametrize(
    ("score", "status"),
    [
        ([-1.0, -0.5, -0.4, -0.4, -0.4, -0.4], "passed"),
        ([-1.0, -0.5, -0.45, -0.44, -0.42, -0.4], "passed"),
        ([-1.0, -0.9, -0.8, -0.7, -0.6, -0.5], "tip"),
        ([-1.0, -0.9, -0.8, -0.7, -0.6, np.nan], "issue"),
        ([-1.0, -0.5], "issue"),
    ],
    ids=["settled", "nearly settled", "growing", "no number", "too short"],
)
def test_a_warm_up_must_have_settled(score, status):
    tree = network()
    tree["warmup"] = xr.DataTree(xr.Dataset({"log_score": ("step", np.array(score))}))
    assert statuses(tree)["warmup_growth"] == status


@pytest.mark.parametrize(
    ("engine", "group", "codes"),
    [
        ("MCLMC", "sample_stats", {"energy_error", "lp_drift"}),
        ("MCLMC", "warmup", {"warmup_growth"}),
        ("ADVI", "approximation", {"pareto_k"}),
    ],
)
def test_a_missing_group_fails(engine, group, codes):
    tree = network(engine)
    del tree[group]
    assert {check.code for check in diagnose(tree).checks if check.status == "issue"} == codes


@pytest.mark.parametrize("attributes", [{}, {"kind": "chains"}], ids=["no kind", "chains"])
def test_chains_must_report_what_nuts_reports_unless_they_state_other_checks(attributes):
    tree = network()
    tree.attrs = {"inference": "NUTS", "interrupted": 0} | attributes
    issues = {check.code for check in diagnose(tree).checks if check.status == "issue"}
    assert issues == {"divergences", "tree_depth", "energy"}


@pytest.mark.slow
@pytest.mark.parametrize("code", OF_SAMPLERS)
def test_a_stated_check_whose_statistic_is_missing_fails(code):
    tree = network()
    del tree["sample_stats"], tree["warmup"]
    tree.attrs |= {"kind": "chains", "checks": json.dumps([code])}
    assert {check.code for check in diagnose(tree).checks if check.status == "issue"} == {code}


@pytest.mark.slow
@pytest.mark.parametrize("code", OF_SAMPLERS)
def test_a_statistic_of_another_shape_fails(code):
    tree = network()
    names = ("diverging", "reached_max_treedepth", "energy", "acceptance_rate", "energy_error", "lp")
    tree["sample_stats"] = xr.DataTree(xr.Dataset({name: ("chain", np.zeros(4)) for name in names[2:]}))
    tree["warmup"] = xr.DataTree(xr.Dataset({"log_score": (("chain", "step"), np.zeros((4, 5)))}))
    tree["approximation"] = xr.DataTree(xr.Dataset({"log_ratio": ("sample", np.zeros(100))}))
    tree.attrs |= {"kind": "chains", "checks": json.dumps([code])}
    assert statuses(tree)[code] == "issue"


def test_the_checks_that_an_inference_states_are_asked_and_no_others():
    tree = network()
    tree.attrs |= {"kind": "chains", "checks": json.dumps(["lp_drift"])}
    asked = {check.code for check in diagnose(tree).checks} & {*OF_SAMPLERS, "inference"}
    assert asked == {"lp_drift"}
    assert diagnose(tree).verdict == "sound"


@pytest.mark.slow
def test_the_name_of_an_inference_decides_nothing():
    tree = network()
    before = diagnose(tree)
    for name in ("Exact", "NUTS", "ADVI", "Unheard"):
        tree.attrs["inference"] = name
        assert diagnose(tree) == before


@pytest.mark.slow
@pytest.mark.parametrize(
    ("attributes", "advice"),
    [
        ({"kind": "chain"}, "Unknown kind 'chain'. Did you mean 'chains'?"),
        ({"kind": 3}, "Unknown kind '3'."),
        ({"checks": '["energy", "divergence"]'}, "Unknown check 'divergence'. Did you mean 'divergences'?"),
        ({"checks": '["rhat"]'}, "Unknown check 'rhat'."),
        ({"checks": "energy"}, "not a JSON list of texts"),
        ({"checks": "[1]"}, "not a JSON list of texts"),
        ({"checks": 3}, "not a JSON list of texts"),
        ({"checks": "[]"}, "No check measures how far the draws are"),
        ({"kind": "approximation", "checks": "[]"}, "No check measures how far the draws are"),
    ],
    ids=str,
)
def test_an_inference_that_does_not_state_what_it_is_fails(attributes, advice):
    tree = network()
    tree.attrs |= attributes
    found = check(tree, "inference")
    assert found.status == "issue"
    assert advice in found.advice
    assert diagnose(tree).verdict == "failed"


def test_every_kind_has_checks_and_every_check_is_listed():
    assert set(DEFAULTS) == set(KINDS)
    assert set(CHECKS) == set(OF_SAMPLERS)
    assert {code for codes in DEFAULTS.values() for code in codes} <= set(CHECKS)


@pytest.mark.slow
@pytest.mark.parametrize(("k", "status"), [(0.4, "passed"), (1.2, "tip")])
def test_heavy_importance_ratios_of_one_chain_are_told(k, status):
    tree = network("ADVI", draws=4000)
    # Powers of uniform numbers have a Pareto tail of exactly this shape.
    tree["approximation"]["log_ratio"].values[1] = -k * np.log(np.random.default_rng(0).uniform(size=4000))
    found = check(tree, "pareto_k")
    assert found.status == status
    # Three standard errors of the estimate from the 189 draws of the tail.
    assert found.value == pytest.approx(k, abs=3 * (1 + k) / np.sqrt(189))


@pytest.mark.parametrize(("share", "status"), [(1e-4, "passed"), (1e-2, "tip")])
def test_the_tail_of_ratios_that_are_nearly_alike_says_nothing(share, status):
    tree = network("ADVI", draws=1000)
    tail = ((np.random.default_rng(0).permutation(1000) + 0.5) / 1000) ** -1.2
    tree["approximation"]["log_ratio"].values[:] = np.log1p(share * tail)
    assert check(tree, "pareto_k").status == status


@pytest.mark.parametrize("ratios", [np.nan, -np.inf, 3.0])
def test_ratios_without_a_shape_fail(ratios):
    tree = network("ADVI")
    tree["approximation"]["log_ratio"].values[0] = ratios
    assert statuses(tree)["pareto_k"] == "issue"


def test_too_few_ratios_fail():
    tree = network("ADVI")
    tree["approximation"] = xr.DataTree(tree["approximation"].to_dataset().isel(sample=slice(20)))
    assert statuses(tree)["pareto_k"] == "issue"
