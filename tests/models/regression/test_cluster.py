import numpy as np
import pytest
import xarray as xr
from scipy import special, stats

from bayesgeo.models.regression import cluster
from bayesgeo.models.regression.cluster import Slopes, cluster_covariance, cluster_robust
from bayesgeo.models.regression.linear import BayesianLinearRegression
from bayesgeo.models.regression.logistic import BayesianLogisticRegression

from ...fake import FakePosterior

SIZES = np.array([2, 9, 4, 7, 3, 5, 8, 6, 2, 4, 6, 5])
EVENT = np.repeat(np.arange(len(SIZES)), SIZES)


def drawn(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Draw a design of an intercept, a feature of the event and one of the record, and values with event terms."""
    rng = np.random.default_rng(seed)
    design = np.c_[np.ones(len(EVENT)), rng.normal(size=len(SIZES))[EVENT], rng.normal(size=len(EVENT))]
    return design, design @ [1.0, 2.0, 3.0] + rng.normal(size=len(SIZES))[EVENT] + rng.normal(size=len(EVENT))


def fitted(design: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return least squares residuals and the inverse of the information."""
    bread = np.linalg.inv(design.T @ design)
    return y - design @ (bread @ design.T @ y), bread


def posterior_of(mean: np.ndarray, covariance: np.ndarray) -> xr.Dataset:
    """Return draws whose mean and covariance are exactly these."""
    draws = np.random.default_rng(1).normal(size=(2000, len(mean)))
    draws -= draws.mean(axis=0)
    draws = draws @ np.linalg.inv(np.linalg.cholesky(np.cov(draws, rowvar=False))).T
    draws = mean + draws @ np.linalg.cholesky(covariance).T
    dims = ("chain", "draw")
    return xr.Dataset({"constant": (dims, draws[None, :, 0]), "coefficient": ((*dims, "feature"), draws[None, :, 1:])})


@pytest.mark.slow
def test_least_squares_agrees_with_statsmodels() -> None:
    import statsmodels.api as sm

    design, y = drawn()
    residual, bread = fitted(design, y)
    theirs = sm.OLS(y, design).fit(cov_type="cluster", cov_kwds={"groups": EVENT}).cov_params()
    np.testing.assert_allclose(cluster_covariance(design, residual, EVENT, bread), theirs, rtol=1e-8)


@pytest.mark.slow
def test_logistic_regression_agrees_with_statsmodels() -> None:
    import statsmodels.api as sm

    design, y = drawn()
    y = (y > np.median(y)).astype(int)
    fit = sm.Logit(y, design).fit(cov_type="cluster", cov_kwds={"groups": EVENT}, disp=0, tol=1e-14, maxiter=100)
    p = special.expit(design @ fit.params)
    bread = np.linalg.inv((design * (p * (1 - p))[:, None]).T @ design)
    np.testing.assert_allclose(cluster_covariance(design, y - p, EVENT, bread), fit.cov_params(), rtol=1e-8)


def test_few_groups_are_corrected_as_the_matrices_of_all_rows_do() -> None:
    design, y = drawn()
    residual, bread = fitted(design, y)
    variance = 0.7
    slopes = Slopes(residual[:, None] / variance, np.full((len(y), 1, 1), 1 / variance))
    mean = bread @ design.T @ y
    found = cluster_robust(posterior_of(mean, variance * bread), design[:, 1:], {"event": EVENT}, slopes, ["a", "b"])
    assert found is not None
    sd, df = _of_all_rows(design, residual, bread)
    np.testing.assert_allclose(found["sd"], sd[1:], rtol=1e-9)
    np.testing.assert_allclose(found["df"], df[1:], rtol=1e-9)
    reach = stats.t.ppf(0.95, df[1:]) * sd[1:]
    np.testing.assert_allclose(found["high"], mean[1:] + reach, rtol=1e-9)
    np.testing.assert_allclose(found["low"], mean[1:] - reach, rtol=1e-9)
    np.testing.assert_allclose(found["ratio"], sd[1:] / np.sqrt(variance * np.diag(bread)[1:]), rtol=1e-9)


def _of_all_rows(design: np.ndarray, residual: np.ndarray, bread: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Compute the corrected deviations and degrees of freedom by the definition (Imbens and Kolesár 2016, p. 707)."""
    spare = np.eye(len(residual)) - design @ bread @ design.T
    scores, columns = [], []
    for group in np.unique(EVENT):
        own = group == EVENT
        values, vectors = np.linalg.eigh(spare[np.ix_(own, own)])
        weighted = (vectors / np.sqrt(values)) @ vectors.T @ design[own] @ bread
        scores.append(weighted.T @ residual[own])
        columns.append(spare[:, own] @ weighted)
    G = np.array(columns)
    omega = np.einsum("gij,hij->jgh", G, G)
    trace = np.trace(omega, axis1=1, axis2=2)
    return np.sqrt(np.sum(np.square(scores), axis=0)), trace**2 / np.sum(omega**2, axis=(1, 2))


def test_units_of_features_scale_the_deviations() -> None:
    design, y = drawn()
    metres = design * [1.0, 1e-3, 1e6]
    tables = []
    for A in (design, metres):
        residual, bread = fitted(A, y)
        mean = bread @ A.T @ y
        slopes = Slopes(residual[:, None], np.ones((len(y), 1, 1)))
        tables.append(cluster_robust(posterior_of(mean, bread), A[:, 1:], {"event": EVENT}, slopes, ["a", "b"]))
    np.testing.assert_allclose(tables[1]["sd"], tables[0]["sd"] * [1e3, 1e-6], rtol=1e-6)
    np.testing.assert_allclose(tables[1]["df"], tables[0]["df"], rtol=1e-6)


def test_a_coefficient_that_one_group_determines_has_no_deviation() -> None:
    design, y = drawn()
    design = np.c_[design, EVENT == 3]
    residual, bread = fitted(design, y)
    slopes = Slopes(residual[:, None], np.ones((len(y), 1, 1)))
    posterior = posterior_of(bread @ design.T @ y, bread)
    found = cluster_robust(posterior, design[:, 1:], {"event": EVENT}, slopes, ["a", "b", "c"])
    assert found is not None
    assert np.isnan(found["sd"]).values.tolist() == [False, False, True]


def test_one_group_broken_draws_or_too_much_work_give_none(monkeypatch) -> None:
    design, y = drawn()
    residual, bread = fitted(design, y)
    slopes, posterior = Slopes(residual[:, None], np.ones((len(y), 1, 1))), posterior_of(np.zeros(3), bread)
    assert cluster_robust(posterior, design[:, 1:], {"event": np.zeros(len(y))}, slopes, ["a", "b"]) is None
    assert cluster_robust(posterior * np.nan, design[:, 1:], {"event": EVENT}, slopes, ["a", "b"]) is None
    monkeypatch.setattr(cluster, "WORK", 100)
    assert cluster_robust(posterior, design[:, 1:], {"event": EVENT}, slopes, ["a", "b"]) is None


@pytest.mark.slow
def test_a_model_keeps_those_of_the_first_key_and_none_without_groups() -> None:
    design, y = drawn()
    X = design[:, 1:]
    keys = {"event": EVENT, "station": np.arange(len(y)) % 7}
    both, first = (BayesianLinearRegression("flat", random_state=0).fit(X, y, groups=g) for g in (keys, EVENT))
    table = both.posterior_["cluster_robust"].to_dataset()
    assert (table.attrs["key"], table.attrs["groups"]) == ("event", len(SIZES))
    xr.testing.assert_equal(table, first.posterior_["cluster_robust"].to_dataset())
    sd, _ = _of_all_rows(design, *fitted(design, y))
    # A covariance of 4,000 draws has an error of 1 / sqrt(8000); the posterior mean is within 2 % of a deviation.
    np.testing.assert_allclose(table["sd"], sd[1:], rtol=0.06)
    assert "cluster_robust" not in BayesianLinearRegression("flat").fit(X, y).posterior_.children


@pytest.mark.slow
def test_heavy_tails_and_classes_have_them_too() -> None:
    design, y = drawn()
    X, codes = design[:, 1:], np.digitize(y, np.quantile(y, [1 / 3, 2 / 3]))
    fake = {"inference": FakePosterior(), "random_state": 0}
    models = [
        BayesianLinearRegression(noise="student-t", **fake).fit(X, y, groups=EVENT),
        BayesianLogisticRegression(**fake).fit(X, codes > 0, groups=EVENT),
        BayesianLogisticRegression(**fake).fit(X, codes, groups=EVENT),
    ]
    tables = [model.posterior_["cluster_robust"].to_dataset() for model in models]
    assert [dict(table.sizes) for table in tables] == [{"feature": 2}, {"feature": 2}, {"feature": 2, "label": 3}]
    for table, model in zip(tables, models, strict=True):
        posterior = model.posterior_["posterior"]["coefficient"]
        assert (table["sd"] > 0).all()
        sd = posterior.to_series().groupby(list(table["sd"].dims)).std().to_xarray()
        np.testing.assert_allclose(table["sd"] / table["ratio"], sd, rtol=1e-9)
        mean = posterior.mean(("chain", "draw")).transpose(*table["sd"].dims)
        np.testing.assert_allclose((table["low"] + table["high"]) / 2, mean, atol=1e-10)


def test_a_softmax_of_two_classes_is_a_logistic_regression() -> None:
    design, y = drawn()
    label = (y > np.median(y)).astype(int)
    b = np.array([0.1, 0.5, -0.4])
    p = special.expit(design @ b)
    covariance = np.linalg.inv((design * (p * (1 - p))[:, None]).T @ design)
    one = posterior_of(b, covariance)
    two = xr.concat([-one / 2, one / 2], xr.DataArray([0, 1], dims="label"))
    both, labels = np.c_[1 - p, p], np.eye(2)
    slopes = Slopes((label - p)[:, None], (p * (1 - p))[:, None, None])
    softmax = Slopes(labels[label] - both, both[:, :, None] * (labels - both[:, None, :]))
    narrow = cluster_robust(one, design[:, 1:], {"event": EVENT}, slopes, ["a", "b"])
    wide = cluster_robust(two, design[:, 1:], {"event": EVENT}, softmax, ["a", "b"])
    for side in (0, 1):
        np.testing.assert_allclose(2 * wide["sd"].sel(label=side), narrow["sd"], rtol=1e-6)
        np.testing.assert_allclose(wide["df"].sel(label=side), narrow["df"], rtol=1e-5)
