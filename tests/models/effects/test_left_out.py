"""Groups left out and covariances of effects agree with dense algebra."""

import numpy as np
import pytest
from scipy import linalg, stats

from bayesgeo._check import InvalidInput
from bayesgeo.models.effects import elimination
from bayesgeo.models.effects.gaussian import MixedEquations
from bayesgeo.models.effects.left_out import GroupsLeftOut
from bayesgeo.models.effects.levels import Members
from bayesgeo.models.effects.spread import effect_covariances

N, SIGMA, PENALTY = 60, 0.7, np.array([0.01, 0.3])


@pytest.fixture(params=[(2, 1), (1, 2), (2, 2), (1, 1)], ids=str)
def crossed(request):
    """Equations of two crossed keys, one solution, its factors, the codes, and the dense designs."""
    rng = np.random.default_rng(0)
    codes = [np.r_[np.arange(k), rng.integers(k, size=N - k)] for k in (8, 5)]
    X = np.c_[np.ones(N), rng.normal(size=N)]
    y = rng.normal(size=N) + X[:, 1]
    groups = [Members(own, X[:, :width]) for own, width in zip(codes, request.param, strict=True)]
    equations = MixedEquations(X, y, groups, [8, 5], PENALTY)
    roots = [rng.normal(size=(width, width)) for width in request.param]
    factors = [np.linalg.cholesky(root @ root.T + 0.3 * np.eye(len(root))) for root in roots]
    _, solved = next(equations.solve([factor[None] for factor in factors]))
    dense = [np.einsum("ol,ot->olt", np.eye(k)[own.codes], own.z).reshape(N, -1)
             for own, k in zip(groups, (8, 5), strict=True)]  # fmt: skip
    return equations, solved, factors, codes, dense, X, y


@pytest.mark.parametrize("key", [0, 1])
def test_rows_of_a_group_given_the_others_have_the_dense_density(crossed, key):
    equations, solved, factors, codes, dense, X, y = crossed
    found = GroupsLeftOut(equations, codes[key], most_rows=N).density(solved, factors, SIGMA)
    V = np.eye(N) + X @ np.diag(1 / PENALTY) @ X.T
    for Z, factor in zip(dense, factors, strict=True):
        V += Z @ np.kron(np.eye(Z.shape[1] // len(factor)), factor @ factor.T) @ Z.T
    V *= SIGMA**2
    for group in range(codes[key].max() + 1):
        own, rest = np.flatnonzero(codes[key] == group), np.flatnonzero(codes[key] != group)
        gain = V[np.ix_(own, rest)] @ np.linalg.inv(V[np.ix_(rest, rest)])
        mean, covariance = gain @ y[rest], V[np.ix_(own, own)] - gain @ V[np.ix_(rest, own)]
        expected = stats.multivariate_normal.logpdf(y[own], mean, covariance)
        np.testing.assert_allclose(found.log_density[group], expected, rtol=1e-8)
        expected = stats.norm.cdf(y[own].mean(), mean.mean(), np.sqrt(covariance.mean()))
        np.testing.assert_allclose(found.cdf[group], expected, rtol=1e-8)


def test_covariances_of_effects_are_blocks_of_the_dense_inverse(crossed):
    equations, solved, factors, _, dense, X, _ = crossed
    design = np.hstack([*dense, X])
    prior = [np.kron(np.eye(Z.shape[1] // len(factor)), np.linalg.inv(factor @ factor.T))
             for Z, factor in zip(dense, factors, strict=True)]  # fmt: skip
    inverse = np.linalg.inv(design.T @ design + linalg.block_diag(*prior, np.diag(PENALTY)))
    start = 0
    for found, Z in zip(effect_covariances(equations, solved, factors), dense, strict=True):
        width = found.shape[1]
        for level in range(len(found)):
            block = slice(start + level * width, start + (level + 1) * width)
            np.testing.assert_allclose(found[level], inverse[block, block], rtol=1e-8)
        start += Z.shape[1]


def test_pairs_and_dense_products_eliminate_alike(crossed, monkeypatch):
    equations, solved, factors, _, _, X, y = crossed
    monkeypatch.setattr(elimination, "MOST_PAIRS", 0)
    dense = MixedEquations(X, y, equations.groups, equations.sizes, PENALTY)
    _, found = next(dense.solve([factor[None] for factor in factors]))
    np.testing.assert_allclose(found.factor, solved.factor, rtol=1e-9, atol=1e-12)
    monkeypatch.setattr(elimination, "MOST_DENSE", 0)
    with pytest.raises(InvalidInput, match="Too many groups of several keys share rows"):
        MixedEquations(X, y, equations.groups, equations.sizes, PENALTY)


def test_few_rows_are_left_out_of_groups_evenly_spaced():
    codes = np.repeat(np.arange(20), 3)
    equations = MixedEquations(
        np.ones((N, 1)), np.arange(float(N)), [Members(codes, np.ones((N, 1)))], [20], np.ones(1)
    )
    assert GroupsLeftOut(equations, codes, most_rows=15).groups.tolist() == [0, 5, 10, 14, 19]
