"""Worked cases of linear algebra against numpy, scikit-learn and hand calculation; wrong inputs."""

import numpy as np
import pytest
import xarray as xr
from sklearn import datasets, decomposition, linear_model

from bayesgeo._check import InvalidInput
from bayesgeo.linalg import (
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

CLOSED = 1e-10


def labelled(values, rows="obs", columns="feature"):
    values = np.asarray(values, dtype=float)
    names = [f"c{i}" for i in range(values.shape[1])]
    return xr.DataArray(values, dims=(rows, columns), coords={columns: names})


diabetes = datasets.load_diabetes()
X = labelled(diabetes.data)
y = xr.DataArray(diabetes.target - diabetes.target.mean(), dims="obs")
square = labelled([[4.0, 1.0], [2.0, 3.0]])
v = xr.DataArray([3.0, -4.0, 12.0], {"feature": list("abc")})
hilbert = labelled(1 / (np.arange(5)[:, None] + np.arange(5) + 1))

CASES = {
    "L2 norm": (norm(v), 13.0),
    "L1 norm": (norm(v, order=1), 19.0),
    "largest entry": (norm(v, order=np.inf), 12.0),
    "spectral norm": (norm(square, order=2), np.linalg.norm(square.values, 2)),
    "Frobenius norm": (norm(square), np.sqrt(30)),
    "dot product": (dot(v, v, dim="feature"), 169.0),
    "opposite directions": (cosine_similarity(v, -2 * v, dim="feature"), -1.0),
    "determinant by eigenvalues": (eigen(hilbert).values.prod(), 1 / 266716800000),
    "inverse of two by two": (inverse(square), [[0.3, -0.1], [-0.2, 0.4]]),
    "pseudoinverse of a row": (pseudoinverse(labelled([[3.0, 4.0]])), [[0.12], [0.16]]),
    "rank of the Hilbert matrix": (rank(hilbert), 5),
    "rank with a tolerance": (rank(hilbert, tolerance=1e-2), np.linalg.matrix_rank(hilbert.values, tol=1e-2)),
    "condition of orthogonal columns": (independence(labelled([[3, 0], [0, 5e6]])).condition_number, 1.0),
    "singular values": (svd(square).values, np.linalg.svd(square.values, compute_uv=False)),
    "least squares": (
        normal_equation(X, y),
        linear_model.LinearRegression(fit_intercept=False).fit(X.values, y.values).coef_,
    ),
    "ridge": (
        ridge_path(X, y, penalties=[0.5])[0],
        linear_model.Ridge(0.5, fit_intercept=False, solver="cholesky").fit(X.values, y.values).coef_,
    ),
    "soft threshold of an orthogonal column": (
        lasso_path(labelled([[1.0, 0.0], [0.0, 1.0]]), xr.DataArray([3.0, 0.2], dims="obs"), penalties=[0.5])[0],
        [2.0, 0.0],
    ),
    "explained variance": (
        pca(X, 3).explained_variance_ratio,
        decomposition.PCA(3).fit(X.values).explained_variance_ratio_,
    ),
    "standardised columns share their variance": (
        pca(X, standardise=True).explained_variance.sum(),
        10.0,
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_linear_algebra_agrees_to_rounding(case):
    found, expected = CASES[case]
    np.testing.assert_allclose(np.asarray(found), expected, rtol=CLOSED, atol=CLOSED)


def test_a_lasso_path_drops_features_as_the_penalty_grows():
    path = lasso_path(X, y, penalties=[0.01, 0.5, 3.0])
    kept = (path != 0).sum("feature").values
    assert (np.diff(kept) < 0).all()
    expected = linear_model.Lasso(0.5, fit_intercept=False, tol=1e-10).fit(X.values, y.values).coef_
    np.testing.assert_allclose(path.sel(penalty=0.5), expected, atol=1e-3)


def test_an_image_keeps_its_detail_with_all_components_and_loses_it_with_few():
    image = xr.DataArray(datasets.load_sample_image("china.jpg").mean(axis=2)[:100, :80], dims=("row", "column"))
    errors = []
    for k in (5, 20, 80):
        found = pca(image, k)
        back = found.inverse(found.transform(image)).transpose("row", "column")
        errors.append(float(np.sqrt(((back - image) ** 2).mean())))
        left = float(found.explained_variance_ratio.sum())
        assert errors[-1] ** 2 == pytest.approx((1 - left) * float(image.var("row").mean()), abs=1e-6)
    assert errors[0] > errors[1] > errors[2]
    assert errors[2] < 1e-9


def test_labels_travel_through_a_transform():
    found = pca(X, 2)
    assert found.transform(X).dims == ("obs", "component")
    assert found.components["feature"].values.tolist() == X["feature"].values.tolist()
    assert found.components["component"].values.tolist() == [1, 2]


def test_columns_that_sum_to_one_depend_on_the_intercept():
    X = labelled([[1, 0, 0, 2.5], [0, 1, 0, 1.0], [0, 0, 1, 7.0], [1, 0, 0, -1.0], [0, 1, 0, 3.0]])
    assert independence(X).independent
    found = independence(X, intercept=True)
    assert found.collinear == (("intercept", "c0", "c1", "c2"),)
    assert (found.rank, found.columns) == (4, 5)


def test_a_column_of_zeros_is_a_group_of_its_own():
    assert independence(labelled([[1.0, 0.0], [2.0, 0.0]])).collinear == (("c1",),)


def test_separate_dependences_are_separate_groups():
    free = np.random.default_rng(0).normal(size=(30, 3))
    X = labelled(np.column_stack([free, free[:, 0] * 2, free[:, 1] + free[:, 2]]))
    assert independence(X).collinear == (("c0", "c3"), ("c1", "c2", "c4"))


def test_fewer_rows_than_columns_are_never_independent():
    found = independence(labelled(np.random.default_rng(0).normal(size=(3, 5))))
    assert (found.rank, found.independent) == (3, False)


def test_a_tolerance_finds_columns_that_nearly_agree():
    free = np.random.default_rng(0).normal(size=(50, 3))
    X = labelled(np.column_stack([free[:, :2], free[:, 0] + 1e-6 * free[:, 2]]))
    assert independence(X).independent
    assert independence(X, tolerance=1e-4).collinear == (("c0", "c2"),)


hole = labelled([[1.0, 2.0], [np.nan, 4.0]])
WRONG = {
    "no labels": (lambda: rank(np.eye(2)), "matrix 'ndarray'. It has no labels"),
    "vector as matrix": (lambda: svd(v), "matrix {'feature': 3}. It is not a matrix"),
    "missing value": (
        lambda: pca(hole),
        r"X nan\. 1 values are missing or infinite, the first at {'obs': 1, 'feature': 'c0'}",
    ),
    "missing value in a norm": (lambda: norm(hole), "array nan. A value is missing"),
    "unknown dimension": (lambda: norm(v, "row"), r"dimensions \('row',\)\. A norm takes one or two"),
    "other labels": (
        lambda: dot(v, v[::-1], dim="feature"),
        "b {'feature': 3}. Its labels along 'feature' differ",
    ),
    "no direction": (
        lambda: cosine_similarity(v, 0 * v, dim="feature"),
        r"vector 0\.0\. A vector of length zero",
    ),
    "not square": (lambda: inverse(X), "matrix {'obs': 442, 'feature': 10}. It is not square"),
    "singular": (
        lambda: inverse(labelled([[1, 2], [2, 4]])),
        "matrix 'of rank 1'. It is singular: full rank is 2. Use pseudoinverse",
    ),
    "not symmetric": (lambda: eigen(square), r"matrix 1\.0\. It is not symmetric"),
    "negative tolerance": (lambda: rank(square, tolerance=-1), "tolerance -1. It must not be negative"),
    "tolerance above one": (
        lambda: independence(square, tolerance=2),
        "tolerance 2. It must be a share of the largest singular value, below one",
    ),
    "rows that differ": (lambda: normal_equation(X, y[:5]), r"y {'obs': 5}\. Its labels along 'obs' differ"),
    "negative penalty": (
        lambda: ridge_path(X, y, penalties=[-1.0]),
        r"penalties \[-1\.0\]\. They must be finite",
    ),
    "lasso without a penalty": (
        lambda: lasso_path(X, y, penalties=[0.0]),
        r"penalties 0\.0\. Coordinate descent",
    ),
    "too many components": (lambda: pca(square, 3), "n_components 3. It must be from 1 to 2 for {"),
    "constant column": (
        lambda: pca(labelled([[1.0, 2.0], [1.0, 3.0]]), standardise=True),
        "column 'c0'. It is constant and cannot be standardised",
    ),
    "constant table": (
        lambda: pca(labelled(np.ones((3, 2)))),
        "X {'obs': 3, 'feature': 2}. No column varies",
    ),
    "columns that differ": (lambda: pca(X).transform(square), "X {'obs': 2, 'feature': 2}. Its labels along"),
    "scores that differ": (
        lambda: pca(X).inverse(pca(X, 2).transform(X)),
        "scores .* Its labels along 'component'",
    ),
    "truncation to nothing": (lambda: svd(square).truncate(0), "k 0. It must be from 1 to 2, the number of components"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_matrix_is_named_with_its_value(case):
    call, message = WRONG[case]
    with pytest.raises(InvalidInput, match="Invalid " + message):
        call()
