"""Variants of a posterior within one run, the power of the likelihood, and the scales that the warm-up learns."""

from functools import partial

import numpy as np
import pytest

from bayesgeo.inference.base import Problem, Start, Variant
from bayesgeo.inference.mclmc import MCLMC, log_scales

N = 100


def offset_graph(prior_mean, prior_sd):
    """Build ``y ~ Normal(offset, sigma^2)`` in three dimensions."""
    import pymc as pm
    import pytensor.tensor as pt

    with pm.Model() as model:
        y = pm.Data("y", np.zeros((2, 3)))
        offset = pm.Normal("offset", prior_mean, prior_sd, shape=3)
        sigma = pm.HalfNormal("sigma", 1)
        pm.Potential("outcome", pt.sum(pm.logp(pm.Normal.dist(offset, sigma), y), axis=1))
    return model


def problem(*variants, prior_mean=0.0, prior_sd=10.0):
    rng = np.random.default_rng(0)
    return Problem(
        partial(offset_graph, prior_mean, prior_sd),
        {"y": rng.normal(size=(N, 3))},
        {"offset": ("part",), "sigma": ()},
        start=Start(lambda rng, chain: {"offset": np.full(3, 0.1)}),
        held_out=np.arange(0, N, 5),
        variants=variants,
    )


def run(stated, **settings):
    return MCLMC(**{"draws": 100, "chains": 4, "max_steps": 2000, "cores": 1} | settings).run(stated, 0)


@pytest.mark.slow
def test_a_variant_that_the_held_out_rows_reject_is_given_up():
    # The prior holds the offset at 5, where no row is; the second variant leaves it at 0.1, where it starts.
    tree = run(problem(Variant(), Variant(("offset",)), prior_mean=5.0, prior_sd=0.01))
    assert tree["sample_stats"]["variant"].values.tolist() == [1] * 4
    np.testing.assert_allclose(tree["posterior"]["offset"], 0.1, rtol=1e-6)
    assert (tree["posterior"]["sigma"].std("draw") > 0).all()
    # A chain given up for its variant is no chain that failed.
    assert tree.attrs["restarted_chains"] == 0
    assert tree.attrs["likelihood_power"] == 1.0


@pytest.mark.slow
def test_variants_that_the_held_out_rows_do_not_tell_apart_stay(monkeypatch):
    # One standard error tells equals apart in a third of all runs; ten never do.
    monkeypatch.setattr("bayesgeo.inference.variants.CLEAR", 10.0)
    tree = run(problem(Variant(), Variant(("offset",))))
    assert tree["sample_stats"]["variant"].values.tolist() == [0, 1, 0, 1]
    moved = tree["posterior"]["offset"].std("draw").max("part").values > 1e-6
    assert moved.tolist() == [True, False, True, False]


@pytest.mark.slow
@pytest.mark.parametrize("power", [1.0, 0.25])
@pytest.mark.parametrize("adjusted", [False, True])
def test_a_power_of_the_likelihood_counts_each_row_as_that_much_of_one(power, adjusted):
    stated = problem(Variant(power=power))
    tree = run(stated, adjusted=adjusted, draws=500, max_steps=4000)
    assert tree.attrs["likelihood_power"] == power
    y, sigma = stated.data["y"], float(tree["posterior"]["sigma"].mean())
    offset = tree["posterior"]["offset"]
    # A prior of 10 is nothing against rows worth 25; the noise is known to one part in ten.
    sd = sigma / np.sqrt(power * N)
    np.testing.assert_allclose(offset.std(("chain", "draw")), sd, rtol=0.1)
    np.testing.assert_allclose(offset.mean(("chain", "draw")), y.mean(axis=0), atol=0.15 * sd)


@pytest.mark.slow
def test_of_rows_that_are_independent_the_whole_likelihood_is_kept():
    tree = run(problem(Variant(), Variant(power=0.3), Variant(power=0.1)), chains=6)
    assert tree["sample_stats"]["variant"].values.tolist() == [0] * 6
    assert tree.attrs["likelihood_power"] == 1.0


def normal_draws(sd, n=4000):
    """Return independent draws of a normal and the gradients of its log density there, ``(chain, draw, size)``."""
    draws = np.random.default_rng(0).normal(size=(2, n, len(sd))) * sd
    return draws, -draws / np.square(sd)


def test_scales_are_those_of_the_values_up_to_a_common_factor():
    sd = np.array([0.01, 1.0, 1.0, 30.0])
    scale = log_scales(*normal_draws(sd))
    # A variance of n draws is known to sqrt(2 / n) of itself: a quarter of two logarithms of them, at 4 errors.
    np.testing.assert_allclose(scale, [np.log(sd) - np.log(sd).mean()] * 2, atol=4 * 0.5 * np.sqrt(2 / 4000))
    np.testing.assert_allclose(scale.mean(axis=1), 0.0, atol=1e-12)


def test_values_that_never_move_leave_the_scales_of_the_others_alone():
    sd = np.array([0.01, 1.0, 30.0])
    position, gradient = normal_draws(sd)
    still = np.full((2, 4000, 2), 0.1)
    scale = log_scales(np.concatenate([still, position], axis=2), np.concatenate([still, gradient], axis=2))
    assert (scale[:, :2] == 0).all()
    np.testing.assert_allclose(scale[:, 2:], log_scales(position, gradient), rtol=1e-12)


def test_a_chain_that_never_moves_has_scales_of_one():
    assert (log_scales(np.ones((1, 50, 3)), np.zeros((1, 50, 3))) == 0).all()
