"""Laws of linear algebra on labelled arrays, over random matrices of any rank."""

import os

import numpy as np
import pytest
import xarray as xr
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from bayesgeo.linalg import (
    collinear_columns,
    cosine_similarity,
    dot,
    eigen,
    independence,
    inverse,
    lasso_path,
    norm,
    normal_equation,
    pca,
    pseudoinverse,
    rank,
    ridge_path,
    svd,
)

LAW = settings.get_profile(os.environ.get("BAYESGEO_LAWS", "laws"))
ROUNDING = 1e-9
ENTRIES = st.integers(-9, 9).map(float)


def labelled(values, rows="obs", columns="feature"):
    names = {
        rows: [f"r{i}" for i in range(values.shape[0])],
        columns: [f"c{i}" for i in range(values.shape[1])],
    }
    return xr.DataArray(values, names)


@st.composite
def matrices(draw, square=False):
    m = draw(st.integers(1, 6))
    n = m if square else draw(st.integers(1, 6))
    values = draw(hnp.arrays(float, (m, n), elements=ENTRIES))
    if draw(st.booleans()) and n > 1:
        values[:, -1] = 2 * values[:, 0]
    assume(np.abs(values).max() > 0)
    return labelled(values)


def close(x, y, tolerance=ROUNDING):
    np.testing.assert_allclose(np.asarray(x), np.asarray(y), rtol=0, atol=tolerance)


@LAW
@given(matrices())
def test_pseudoinverse_meets_the_four_penrose_conditions(A):
    P = pseudoinverse(A)
    assert P.dims == A.dims[::-1]
    a, p = A.values, P.values
    close(a @ p @ a, a, 1e-8)
    close(p @ a @ p, p)
    close(a @ p, (a @ p).T)
    close(p @ a, (p @ a).T)


@pytest.mark.slow
@LAW
@given(matrices(square=True))
def test_inverse_undoes_the_matrix_and_equals_the_pseudoinverse(A):
    assume(np.linalg.cond(A.values) < 1e4)
    close(A.values @ inverse(A).values, np.eye(len(A)))
    close(inverse(A), pseudoinverse(A))
    assert inverse(A).dims == ("feature", "obs")


@LAW
@given(matrices())
def test_svd_rebuilds_the_matrix_from_orthonormal_vectors(A):
    found = svd(A)
    close(xr.dot(found.left * found.values, found.right, dim="component").transpose(*A.dims), A)
    close(found.left.values.T @ found.left.values, np.eye(min(A.shape)))
    close(found.right.values @ found.right.values.T, np.eye(min(A.shape)))
    assert (np.diff(found.values) <= ROUNDING).all()
    assert (found.right.values[np.arange(min(A.shape)), np.abs(found.right.values).argmax(axis=1)] > 0).all()


@LAW
@given(matrices())
def test_truncated_svd_is_off_by_the_values_left_out(A):
    found = svd(A)
    for k in range(1, min(A.shape) + 1):
        error = np.linalg.norm(A.values - found.truncate(k).transpose(*A.dims).values)
        assert error == pytest.approx(np.sqrt((found.values.values[k:] ** 2).sum()), abs=ROUNDING)


@LAW
@given(matrices(square=True))
def test_eigenvectors_keep_their_direction(A):
    symmetric = A.copy(data=A.values + A.values.T)
    found = eigen(symmetric)
    close(symmetric.values @ found.vectors.values, found.vectors.values * found.values.values)
    close(found.vectors.values.T @ found.vectors.values, np.eye(len(A)))
    assert float(found.values.sum()) == pytest.approx(np.trace(symmetric.values), abs=ROUNDING)
    assert (np.diff(found.values) <= ROUNDING).all()


@LAW
@given(matrices())
def test_rank_is_that_of_the_transpose_and_of_the_gram_matrix(A):
    assert rank(A) == rank(A.transpose()) == rank(pseudoinverse(A))
    gram = labelled(A.values.T @ A.values)
    assert rank(gram) == rank(A) == int((svd(A).values > 1e-10).sum())


@LAW
@given(matrices(), st.integers(0, 2**31))
def test_normal_equation_leaves_a_residual_across_every_column(X, seed):
    y = X.isel(feature=0, drop=True).copy(data=np.random.default_rng(seed).normal(size=X.sizes["obs"]))
    theta = normal_equation(X, y)
    close(X.values.T @ (y.values - X.values @ theta.values), 0)
    close(theta, pseudoinverse(X).values @ y.values)


@LAW
@given(matrices(), st.integers(0, 2**31), st.floats(0.1, 10))
def test_ridge_meets_its_normal_equation(X, seed, penalty):
    y = X.isel(feature=0, drop=True).copy(data=np.random.default_rng(seed).normal(size=X.sizes["obs"]))
    theta = ridge_path(X, y, penalties=[penalty, 2 * penalty])
    for alpha, row in zip(theta["penalty"].values, theta.values, strict=True):
        close(X.values.T @ (X.values @ row - y.values) + alpha * row, 0)
    assert float(norm(theta[1])) <= float(norm(theta[0])) + ROUNDING


@LAW
@given(matrices(), st.integers(0, 2**31), st.floats(0.05, 2))
def test_lasso_meets_its_optimality_conditions(X, seed, penalty):
    y = X.isel(feature=0, drop=True).copy(data=np.random.default_rng(seed).normal(size=X.sizes["obs"]))
    theta = lasso_path(X, y, penalties=[penalty, 2 * penalty])
    for alpha, row in zip(theta["penalty"].values, theta.values, strict=True):
        pull = X.values.T @ (y.values - X.values @ row) / X.sizes["obs"]
        # A duality gap of 1e-10 ‖y‖² / n bounds the error of the pull by about its square root.
        assert (np.abs(pull) <= alpha + 1e-3).all()
        moved = np.abs(row) > 1e-3
        close(pull[moved], alpha * np.sign(row[moved]), 1e-3)


@LAW
@given(matrices(), st.sampled_from([1, 2, np.inf]))
def test_norms_obey_the_triangle_inequality(A, order):
    a, b = A.isel(obs=0, drop=True), A.isel(obs=-1, drop=True)
    assert float(norm(a + b, order=order)) <= float(norm(a, order=order) + norm(b, order=order)) + ROUNDING
    assert float(norm(3 * a, order=order)) == pytest.approx(3 * float(norm(a, order=order)))
    assert float(norm(a, order=np.inf)) <= float(norm(a)) <= float(norm(a, order=1))


@LAW
@given(matrices())
def test_similarity_is_the_cosine_of_the_angle(A):
    a, b = A.isel(obs=0, drop=True), A.isel(obs=-1, drop=True)
    assume(norm(a) > 0)
    assume(norm(b) > 0)
    cosine = float(cosine_similarity(a, b, dim="feature"))
    law_of_cosines = norm(a) ** 2 + norm(b) ** 2 - norm(a - b) ** 2
    assert 2 * float(dot(a, b, dim="feature")) == pytest.approx(float(law_of_cosines), abs=ROUNDING)
    assert cosine == pytest.approx(float(law_of_cosines / (2 * norm(a) * norm(b))), abs=ROUNDING)
    assert float(cosine_similarity(2 * a, b, dim="feature")) == pytest.approx(cosine, abs=ROUNDING)


@pytest.mark.slow
@LAW
@given(matrices(), st.booleans())
def test_all_components_rebuild_the_table(X, standardise):
    varies = X.std("obs") > 0
    assume(varies.all() if standardise else varies.any())
    found = pca(X, standardise=standardise)
    scores = found.transform(X)
    close(found.inverse(scores).transpose(*X.dims), X)
    close(np.cov(scores.values.T, ddof=1), np.diag(found.explained_variance.values).squeeze())
    close(found.components.values @ found.components.values.T, np.eye(min(X.shape)))


@pytest.mark.slow
@LAW
@given(matrices())
def test_component_variances_are_the_eigenvalues_of_the_covariance(X):
    assume((X.std("obs") > 0).any())
    found, covariance = pca(X), np.atleast_2d(np.cov(X.values.T))
    largest = eigen(labelled(covariance)).values[: min(X.shape)]
    close(found.explained_variance, largest)
    assert float(found.explained_variance_ratio.sum()) <= 1 + ROUNDING
    loadings = found.components.values
    assert (loadings[np.arange(len(loadings)), np.abs(loadings).argmax(axis=1)] > 0).all()


@LAW
@given(st.integers(0, 2**31), st.integers(2, 4))
def test_a_column_made_of_others_is_found_by_name(seed, n):
    rng = np.random.default_rng(seed)
    free = rng.normal(size=(20, n + 1))
    made = free[:, 0] * 3e6 - free[:, 1]
    X = labelled(np.column_stack([free, made]))
    checked = independence(X)
    assert checked.collinear == (("c0", "c1", f"c{n + 1}"),)
    assert (checked.rank, checked.condition_number) == (n + 1, np.inf)
    assert independence(labelled(free)).independent
    assert collinear_columns(X * xr.DataArray(10.0 ** rng.integers(-8, 8, n + 2), dims="feature")) == (
        ("c0", "c1", f"c{n + 1}"),
    )
