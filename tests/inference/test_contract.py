"""The contract of an inference is tested by ``check_inference``: ours keep it, and every broken rule is found."""

import json
from dataclasses import dataclass

import numpy as np
import pytest
import xarray as xr

import bayesgeo.testing
from bayesgeo import ADVI, MCLMC, NUTS, Collapsed, Exact, Laplace
from bayesgeo.inference.base import Problem
from bayesgeo.testing import check_inference
from bayesgeo.testing.inference import linear_problem


@dataclass(frozen=True)
class Honest:
    """Draws from the closed form, by way of the seed alone."""

    draws: int = 250

    def run(self, problem, seed):
        tree = Exact(draws=self.draws).run(problem, seed)
        tree.attrs["inference"] = type(self).__name__
        self.spoil(tree, problem, seed)
        return tree

    def spoil(self, tree, problem, seed):
        """Leave everything as it should be."""


def test_the_closed_form_keeps_the_contract():
    check_inference(Exact())
    check_inference(Collapsed())
    check_inference(Honest())


@pytest.mark.long
@pytest.mark.parametrize(
    "inference",
    [
        NUTS(cores=1),
        MCLMC(draws=250, cores=1),
        MCLMC(draws=2000, chains=4, adjusted=True, cores=1),
        ADVI(cores=1),
        Laplace(cores=1),
    ],
    ids=str,
)
def test_our_inferences_keep_the_contract(inference):
    check_inference(inference)


def spoiled(name, **spoils):
    """Return an inference that breaks one rule."""
    return dataclass(frozen=True)(type(name, (Honest,), spoils))()


def edit(**attributes):
    def spoil(self, tree, problem, seed):
        tree.attrs |= attributes

    return spoil


def without(attribute):
    def spoil(self, tree, problem, seed):
        del tree.attrs[attribute]

    return spoil


def posterior(change):
    def spoil(self, tree, problem, seed):
        tree["posterior"] = xr.DataTree(change(tree["posterior"].to_dataset()))

    return spoil


def uses_the_global_state(self, tree, problem, seed):
    np.random.normal()  # noqa: NPY002


def changes_the_data(self, tree, problem, seed):
    problem.data["X"][0] = 0.0


def reports_statistics_of_other_draws(self, tree, problem, seed):
    tree["sample_stats"] = xr.DataTree(xr.Dataset({"lp": (("chain", "draw"), np.zeros((4, 7)))}))


BROKEN = {
    "dims": (posterior(lambda draws: draws.transpose("draw", "chain", ...)), "Broken rule 'dims'"),
    "a variable is missing": (posterior(lambda draws: draws.drop_vars("sigma")), "Broken rule 'dims'"),
    "labels": (posterior(lambda draws: draws.drop_vars("feature")), "Broken rule 'coords'"),
    "infinite": (posterior(lambda draws: draws.where(draws.draw > 0, np.inf)), "Broken rule 'finite'"),
    "another name": (edit(inference="Another"), "Broken rule 'attribute inference'. It is 'Another'"),
    "no kind": (without("kind"), "Broken rule 'attribute kind'. It is None"),
    "unknown kind": (edit(kind="sampler"), "Broken rule 'attribute kind'. It is 'sampler'"),
    "no title": (edit(title=" "), "Broken rule 'attribute title'"),
    "another seed": (edit(seed=7), "Broken rule 'attribute seed'. It is 7"),
    "no time": (without("sampling_seconds"), "Broken rule 'attribute sampling_seconds'"),
    "impossible time": (edit(compile_seconds=np.nan), "Broken rule 'attribute compile_seconds'"),
    "interrupted": (edit(interrupted=1), "Broken rule 'attribute interrupted'"),
    "no file holds it": (edit(settings={"draws": 250}), "Broken rule 'attributes'. \\['settings'\\]"),
    "global state": (uses_the_global_state, "Broken rule 'global state'"),
    "data": (changes_the_data, "Broken rule 'data'. run changed the arrays \\['X'\\]"),
    "mean": (posterior(lambda draws: draws + 0.1), "Broken rule 'posterior'. The mean of intercept"),
    "width": (posterior(lambda draws: draws.mean() + 1.5 * (draws - draws.mean())), "The standard deviation of"),
    "only the noise": (
        posterior(lambda draws: draws.assign(sigma=1.5 * draws["sigma"])),
        "Broken rule 'posterior'. The mean of sigma",
    ),
    "no statistics": (edit(kind="chains"), "Broken rule 'check divergences'. It cannot be computed"),
    "no closeness": (edit(kind="approximation"), "Broken rule 'check pareto_k'. It cannot be computed"),
    "unknown check": (edit(checks=json.dumps(["pareto"])), "Broken rule 'check inference'. .* Unknown check 'pareto'"),
    "checks are no list": (edit(checks="pareto_k"), "Broken rule 'check inference'. .* not a JSON list"),
    "other draws": (reports_statistics_of_other_draws, "Broken rule 'check statistics'"),
}


@pytest.mark.slow
@pytest.mark.parametrize(("spoil", "message"), BROKEN.values(), ids=BROKEN)
def test_a_broken_rule_is_named(spoil, message):
    with pytest.raises(AssertionError, match=message):
        check_inference(spoiled("Spoiled", spoil=spoil))


class _IgnoresTheSeed(Honest):
    def run(self, problem, seed):
        tree = Exact().run(problem, 0)
        tree.attrs |= {"inference": type(self).__name__, "seed": seed}
        return tree


class _HasRandomnessOfItsOwn(Honest):
    def run(self, problem, seed):
        tree = Exact().run(problem, int(np.random.default_rng().integers(2**31)))
        tree.attrs |= {"inference": type(self).__name__, "seed": seed}
        return tree


class _Returns(Honest):
    def run(self, problem, seed):
        return Exact().run(problem, seed)["posterior"].to_dataset()


class _Thawed:
    def run(self, problem, seed):
        raise AssertionError


@dataclass(frozen=True)
class _HoldsAnArray(Honest):
    weights: tuple = (1.0, 2.0)


@dataclass(frozen=True)
class _CannotBeDiagnosed(Honest):
    def spoil(self, tree, problem, seed):
        words = np.full((4, 250), "never")
        tree["sample_stats"] = xr.DataTree(xr.Dataset({"diverging": (("chain", "draw"), words)}))
        tree.attrs["kind"] = "chains"


@pytest.mark.parametrize(
    ("inference", "message"),
    [
        (_IgnoresTheSeed(), "Broken rule 'other seed'"),
        (_HasRandomnessOfItsOwn(), "Broken rule 'same seed'"),
        (_Returns(), "Broken rule 'groups'"),
        (object(), "Broken rule 'protocol'"),
        (_Thawed(), "Broken rule 'settings'. It is not a frozen dataclass"),
        (_HoldsAnArray(), "Broken rule 'settings'. Not all of"),
        (Honest(draws=50), r"Broken rule 'diagnosis'. The verdict is failed: draws \(Too few"),
        (_CannotBeDiagnosed(), "Broken rule 'diagnosis'. bayesgeo.diagnose raised"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_broken_rule_of_another_kind_is_named(inference, message):
    with pytest.raises(AssertionError, match=message):
        check_inference(inference)


def test_an_approximation_may_be_off_by_half_a_deviation_and_chains_may_not():
    shift = posterior(lambda draws: draws.assign(intercept=draws["intercept"] + 0.3 * draws["intercept"].std()))

    def close(self, tree, problem, seed):
        shift(self, tree, problem, seed)
        ratio = 0.3 * np.random.default_rng(seed).normal(size=(4, 250))
        tree["approximation"] = xr.DataTree(xr.Dataset({"log_ratio": (("chain", "sample"), ratio)}))
        tree.attrs["kind"] = "approximation"

    check_inference(spoiled("Close", spoil=close))
    with pytest.raises(AssertionError, match="Broken rule 'posterior'"):
        check_inference(spoiled("Shifted", spoil=shift))


def test_the_problem_has_the_closed_form_that_it_states():
    problem = linear_problem()
    assert isinstance(problem, Problem)
    assert problem.conjugate.update(problem.data["X"], problem.data["y"]).shape == 0.5 + 60 / 2


def test_only_what_is_public_is_there():
    assert bayesgeo.testing.__all__ == ["check_inference", "check_model"]
    with pytest.raises(AttributeError, match="no attribute 'check_inferences'"):
        _ = bayesgeo.testing.check_inferences
