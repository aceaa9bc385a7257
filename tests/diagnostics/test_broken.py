"""Every way to break a posterior is found for its own reason, and healthy ones of every kind are left in peace."""

import numpy as np
import pytest
import xarray as xr

from bayesgeo import diagnose
from bayesgeo._check import InvalidInput
from bayesgeo.diagnostics import CODES, Check, Diagnosis, explain
from bayesgeo.diagnostics.draws import quantities
from bayesgeo.testing.broken import edited
from bayesgeo.testing.broken_cases import BROKEN, OURS
from bayesgeo.testing.case import flagged_by_arviz, unsound
from bayesgeo.testing.draws import independent, sampled
from bayesgeo.testing.posteriors import HEALTHY


def named(cases):
    """Name cases; those of a thousand quantities take seconds each."""
    return [
        pytest.param(case, id=case.name, marks=[pytest.mark.long] if "1,000" in case.name else []) for case in cases
    ]


def healthy(seed=0):
    rng = np.random.default_rng(seed)
    return sampled(independent(rng), rng)


def found(tree, code, **settings):
    (check,) = [check for check in diagnose(tree, **settings).checks if check.code == code]
    return check


def explained(judged):
    codes = [check.code for check in judged.checks]
    return set(codes) <= set(CODES) and len(set(codes)) == len(codes)


@pytest.mark.slow
@pytest.mark.parametrize("case", named(BROKEN))
def test_what_is_broken_is_not_sound_and_the_check_for_it_says_so(case):
    judged = case.diagnosis()
    assert judged.verdict != "sound"
    assert case.code in {check.code for check in unsound(judged)}
    assert explained(judged)


@pytest.mark.slow
@pytest.mark.parametrize("case", named(HEALTHY))
def test_what_is_healthy_is_sound(case):
    judged = case.diagnosis()
    assert judged.verdict == "sound", unsound(judged)
    assert explained(judged)


def test_there_are_enough_cases_of_each_kind():
    assert min(len(BROKEN), len(HEALTHY)) >= 60
    assert len({case.name for case in (*BROKEN, *HEALTHY)}) == len(BROKEN) + len(HEALTHY)


@pytest.mark.slow
def test_the_verdict_finds_what_arviz_alone_does_not():
    assert sum(flagged_by_arviz(case.tree()) == "flagged" for case in OURS) < len(OURS) / 2


def test_each_code_has_a_section_that_its_link_leads_to(repository):
    text = (repository / "docs/checks.md").read_text(encoding="utf-8")
    sections = [line.removeprefix("## ").strip() for line in text.splitlines() if line.startswith("## ")]
    assert sorted(sections) == sorted(CODES)
    assert all(f"## {code}\n\n{explain(code)}\n" in text for code in CODES)
    assert {Check(code, "passed", 0.0, "", "").link for code in CODES} == {f"docs/checks.md#{code}" for code in CODES}


def test_an_ignored_check_keeps_its_value_and_does_not_count():
    tree = edited(lambda arrays, rng: arrays["diverging"].__setitem__((0, 0), True))(np.random.default_rng(0))
    assert diagnose(tree).verdict == "doubtful"
    check = found(tree, "divergences", ignore=["divergences"])
    assert (check.status, check.value) == ("ignored", 1 / 4000)
    assert diagnose(tree, ignore=["divergences"]).verdict == "sound"


def test_what_rests_on_an_ignored_failure_still_counts():
    tree = healthy()
    tree["posterior"]["intercept"].values[0, 0] = np.nan
    judged = diagnose(tree, ignore=["finite"])
    assert judged.verdict == "failed"
    assert {check.status for check in judged.checks if check.code in ("rhat", "loo_pit")} == {"skipped"}


def test_a_mistyped_code_is_refused_before_anything_is_computed():
    with pytest.raises(InvalidInput, match=r"Invalid ignore 'r_hat'\. It is not known\. Did you mean 'rhat'"):
        diagnose(xr.DataTree(), ignore=["r_hat"])


def test_what_was_skipped_never_counts_as_passed():
    checks = (Check("draws", "passed", 1.0, "", ""), Check("rhat", "skipped", np.nan, "", ""))
    assert Diagnosis(checks).verdict == "failed"


@pytest.mark.parametrize(("given", "status"), [("a" * 64, "passed"), ("b" * 64, "issue"), (None, "not applicable")])
def test_data_are_compared_where_a_hash_is_given(given, status):
    assert found(healthy(), "data", data_sha256=given).status == status


def test_a_posterior_that_does_not_say_of_what_data_it_is_fails():
    tree = healthy()
    del tree.attrs["data_sha256"]
    assert found(tree, "data", data_sha256="a" * 64).status == "issue"


def test_statistics_of_another_run_are_noticed_by_the_labels_of_their_draws():
    tree = healthy()
    other = tree["sample_stats"].to_dataset().assign_coords(draw=np.arange(1000, 2000))
    tree["sample_stats"] = xr.DataTree(other)
    assert found(tree, "statistics").status == "issue"


def test_divergences_say_where():
    tree = healthy()
    far = tree["posterior"]["weight"].values[..., 1] > 8.0
    tree["sample_stats"]["diverging"].values[:] = far
    advice = found(tree, "divergences").advice
    assert f"{far.sum()} draws" in advice
    assert "weight[x1] lies 2." in advice


def test_slow_energy_says_in_which_chain():
    tree = healthy()
    tree["sample_stats"]["energy"].values[2] = np.cumsum(0.1 * np.random.default_rng(0).normal(size=1000))
    values = found(tree, "energy").advice.removeprefix("By chain: ").split(". ")[0].split(", ")
    assert int(np.argmin([float(value) for value in values])) == 2


def test_modes_are_told_from_chains_that_have_not_settled():
    tree, drifting = healthy(), healthy()
    tree["posterior"]["intercept"].values[:2] += 8.0
    drifting["posterior"]["intercept"].values[:2] += np.linspace(0.0, 16.0, 1000)
    assert "several modes" in found(tree, "modes").advice
    assert "not all of them are stationary" in found(drifting, "modes").advice


@pytest.mark.parametrize(("shift", "status"), [(0.5, "passed"), (1.5, "tip"), (4.0, "issue")])
def test_chains_apart_are_graded_by_how_far(shift, status):
    tree = healthy()
    tree["posterior"]["intercept"].values[:2] += shift
    assert found(tree, "modes").status == status


def test_a_copy_in_another_order_is_still_a_copy():
    tree, rng = healthy(), np.random.default_rng(1)
    order = rng.permutation(1000)
    for name in ("intercept", "weight"):
        values = tree["posterior"][name].values
        values[2] = values[0][order]
    assert "chains 0 and 2" in found(tree, "distinct").advice


def test_a_chain_that_repeats_its_own_draws_is_no_copy():
    tree = healthy()
    for name in ("intercept", "weight"):
        values = tree["posterior"][name].values
        values[:, 1::2] = values[:, ::2]
    assert found(tree, "distinct").status == "passed"


def test_which_names_were_exchanged_is_told():
    tree = healthy()
    weight = tree["posterior"]["weight"].values
    weight[3] = weight[3][:, [2, 1, 0]]
    check = found(tree, "swapped")
    assert (check.status, check.value) == ("issue", 1)
    assert "chain 3 (weight[x0], weight[x2])" in check.advice


def test_a_chain_in_another_place_has_no_exchanged_names():
    tree = healthy()
    tree["posterior"]["weight"].values[3] += 20.0
    assert found(tree, "swapped").status == "passed"


def test_parameters_of_two_chains_exchanged_leave_every_margin_alone_and_are_noticed():
    rng = np.random.default_rng(0)
    first = rng.normal(size=(4, 1000, 1))
    draws = np.concatenate([first, 0.9 * first + np.sqrt(1 - 0.81) * rng.normal(size=first.shape)], axis=2)
    draws[:2, :, 1] = draws[1::-1, :, 1].copy()
    tree = sampled(draws, rng)
    assert {check.code for check in unsound(diagnose(tree))} == {"dependence"}


@pytest.mark.parametrize(("held", "status"), [(1, "passed"), (80, "tip"), (250, "issue")])
def test_the_monte_carlo_error_of_a_mean_is_one_over_the_root_of_the_effective_draws(held, status):
    tree = healthy(3)
    values = tree["posterior"]["intercept"].values
    values[:] = values[:, np.arange(1000) // held]
    check = found(tree, "mcse_mean")
    # 4,000 draws, each held so many steps; so few effective ones are counted to within a factor of two.
    assert check.value == pytest.approx(np.sqrt(held / 4000), rel=0.35)
    assert check.status == status


def test_a_quantity_in_another_unit_is_judged_once_and_a_broken_copy_of_it_is_not_lost():
    tree = healthy()
    posterior = tree["posterior"].to_dataset()
    metres = posterior["intercept"] * 1000.0 + 5.0
    tree["posterior"] = xr.DataTree(posterior.assign(metres=metres))
    assert diagnose(tree).verdict == "sound"
    tree["posterior"]["metres"].values[0, 7] += 1e9
    assert diagnose(tree).verdict != "sound"


def test_quantities_are_named_by_their_labels():
    names, values = quantities(healthy()["posterior"].to_dataset().transpose("feature", "draw", "chain"))
    assert names == ["intercept", "weight[x0]", "weight[x1]", "weight[x2]"]
    assert values.shape == (4, 1000, 4)
