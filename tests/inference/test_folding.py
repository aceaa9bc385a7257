"""Folded proposals are densities between bounds, and chains that use them keep a density that is even about these."""

from itertools import pairwise

import numpy as np
import pytest
from scipy import integrate, stats

from bayesgeo.inference.folding import Folded, folded, inside, unbounded
from bayesgeo.inference.proposals import DEGREES, Mixture

BOUNDS = np.array([[0.0, 6.0], [-np.inf, np.inf]])


def proposal(mean, sd):
    return Mixture(np.ones(1), np.array([mean]), np.diag(sd)[None].astype(float))


@pytest.mark.parametrize("mean", [0.3, 3.0, 5.8])
def test_a_folded_proposal_draws_from_its_density(mean):
    one = Folded(proposal([mean, 0.0], [1.5, 1.0]), BOUNDS)
    drawn = one.sample(20_000, np.random.default_rng(0))
    assert drawn.min(axis=0)[0] >= 0
    assert drawn.max(axis=0)[0] <= 6
    t = np.linspace(0, 6, 121)
    v = np.linspace(-12, 12, 481)
    grid = np.stack(np.meshgrid(t, v, indexing="ij"), axis=-1).reshape(-1, 2)
    density = integrate.simpson(np.exp(one.log_density(grid)).reshape(121, 481), v, axis=1)
    mass = integrate.simpson(density, t)
    within_reach = np.diff(stats.t(DEGREES, mean, 1.5).cdf([-3.0, 9.0])).item()
    assert mass == pytest.approx(within_reach, abs=1e-3)
    edges = t[::12]
    expected = [integrate.simpson(density[12 * k : 12 * k + 13], t[12 * k : 12 * k + 13]) / mass for k in range(10)]
    seen = [np.sum((a <= drawn[:, 0]) & (drawn[:, 0] < b)) for a, b in pairwise(edges)]
    assert stats.chisquare(seen, np.array(expected) / np.sum(expected) * np.sum(seen)).pvalue > 1e-3


def test_far_inside_a_folded_proposal_is_itself():
    plain = proposal([3.0, 0.0], [0.01, 1.0])
    points = np.array([[3.0, 0.2], [3.01, -1.0]])
    np.testing.assert_allclose(Folded(plain, BOUNDS).log_density(points), plain.log_density(points), atol=1e-6)


def test_points_inside_stay_and_others_are_mirrored():
    points = np.array([[0.0, -100.0], [6.0, 3.0], [2.5, 0.0], [-0.5, 1.0], [6.5, 1.0], [-7.0, 0.0]])
    np.testing.assert_allclose(folded(points, BOUNDS)[:, 0], [0.0, 6.0, 2.5, 0.5, 5.5, 5.0])
    np.testing.assert_array_equal(folded(points, BOUNDS)[:, 1], points[:, 1])
    np.testing.assert_array_equal(folded(points, unbounded(2)), points)
    assert inside(np.array([7.0, 9.0]), BOUNDS).tolist() == [5.8, 9.0]
