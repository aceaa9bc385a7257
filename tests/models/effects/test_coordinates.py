"""The quick estimate that decides the coordinates of the sampler."""

import numpy as np
import pytest
from scipy import special

from bayesgeo.models.effects import coordinates as module
from bayesgeo.models.effects.coordinates import Outcome, coordinates, estimate
from bayesgeo.models.effects.covariance import GroupPrior
from bayesgeo.models.effects.layout import Block, block_of
from bayesgeo.models.effects.levels import Members
from bayesgeo.models.effects.terms import Effect

PRIOR, EFFECT = GroupPrior("half-normal", 1.5), Effect("site")


def rows(n=2000, n_levels=50, sd=1.0, seed=0):
    rng = np.random.default_rng(seed)
    X, codes = rng.normal(size=(n, 2)), rng.integers(n_levels, size=n)
    predictor = X @ [1.0, -0.5] + sd * rng.normal(size=n_levels)[codes]
    return X, predictor, Members(codes, np.ones((n, 1))), rng


def test_the_estimate_of_classes_is_near_the_truth():
    X, predictor, members, rng = rows()
    y = (rng.random(len(X)) < special.expit(predictor)).astype(int)
    found = estimate(X, Outcome("classes", y, 2), [Block(EFFECT, 50)], [members], weight_scale=2.5, prior=PRIOR)
    # Coefficients to three standard errors of some .06; penalised quasi-likelihood shrinks the deviation by a tenth.
    np.testing.assert_allclose(found.mode[1:3, 0], [1.0, -0.5], atol=0.2)
    assert 0.7 < float(found.covariances[0][0, 0]) ** 0.5 < 1.2


def test_outliers_do_not_widen_the_estimate_of_student_t_noise():
    X, predictor, members, rng = rows(sd=0.5)
    y = predictor + 0.2 * rng.standard_normal(len(X))
    y[::20] += 10.0
    outcomes = [Outcome(kind, y, 2) for kind in ("normal", "student-t")]
    plain, heavy = (
        estimate(X, outcome, [Block(EFFECT, 50)], [members], weight_scale=10.0, prior=PRIOR) for outcome in outcomes
    )
    # The error of an effect from 40 rows is .35 with outliers of 10 in one of 20 rows, and .03 without.
    truth = np.array([1.0, -0.5])
    assert np.abs(heavy.mode[1:3, 0] - truth).max() < 0.02 < np.abs(plain.mode[1:3, 0] - truth).max()


def test_groups_with_many_rows_are_centred_and_groups_without_rows_are_not():
    X, predictor, members, _ = rows(n_levels=5)
    blocks = (block_of(EFFECT, 5),)
    found = estimate(X, Outcome("normal", predictor, 2), blocks, [members], weight_scale=10.0, prior=PRIOR)
    share = coordinates(found, blocks, [members], 3)["site_share"][:, 0]
    assert share[:5].min() > 0.99
    assert share[5:].max() == 0.0


def test_the_curvature_at_the_center_is_one():
    X, predictor, members, rng = rows(n=300, n_levels=6)
    y = np.digitize(predictor + rng.logistic(size=len(X)), [-1, 1])
    blocks = (Block(EFFECT, 6),)
    found = estimate(X, Outcome("classes", y, 3), blocks, [members], weight_scale=2.5, prior=PRIOR)
    data = coordinates(found, blocks, [members], 3)
    change = np.repeat(found.covariances[0][0, 0] ** (0.5 * (1 - data["site_share"][:, 0])), 2)
    factor = np.r_[np.ones(6), change][:, None] * data["factor"]
    np.testing.assert_allclose(factor.T @ found.curvature @ factor, np.eye(18), atol=1e-9)


def test_many_levels_are_scaled_one_by_one(monkeypatch):
    monkeypatch.setattr(module, "DENSE", 20)
    X, predictor, members, _ = rows(n=300, n_levels=20)
    blocks = (Block(EFFECT, 20),)
    found = estimate(X, Outcome("normal", predictor, 2), blocks, [members], weight_scale=10.0, prior=PRIOR)
    data = coordinates(found, blocks, [members], 3)
    assert data["factor"].shape == (3, 3)
    assert data["spread"].shape == (20,)
    assert data["center"].shape == (23,)


@pytest.mark.parametrize("n", [1, 16, 17])
def test_folds_of_similar_size_have_room_for_the_same_levels(n):
    assert block_of(EFFECT, n).levels == (32 if n == 17 else 16)
