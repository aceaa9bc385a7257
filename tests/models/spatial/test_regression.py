"""Spatial regression: the exact posterior where there are few rows, and what it says of places."""

import numpy as np
import pytest
from scipy import linalg
from sklearn.gaussian_process.kernels import Matern

from bayesgeo import NUTS, SpatialRegression, diagnose


def places(n, seed=0):
    return np.random.default_rng(seed).uniform(0, 10, (n, 2))


def field(points, seed=0, length=2.0, sd=2.0, noise=0.5):
    """Draw a field of smoothness 3/2 with noise."""
    rng = np.random.default_rng(seed)
    among = Matern(length, nu=1.5)(points) + 1e-10 * np.eye(len(points))
    return sd * linalg.cholesky(among, lower=True) @ rng.normal(size=len(points)) + noise * rng.normal(size=len(points))


@pytest.fixture(scope="module")
def fitted():
    points = places(150)
    x = np.random.default_rng(5).normal(size=(150, 1))
    y = 10 + 3 * x[:, 0] + field(points)
    at = {"easting": points[:, 0], "northing": points[:, 1]}
    return SpatialRegression(random_state=0).fit(x, y, coordinates=at), x, y, at


@pytest.mark.slow
def test_truth_lies_in_the_posterior_and_the_posterior_is_sound(fitted):
    model, *_ = fitted
    posterior = model.posterior_["posterior"].to_dataset()
    truth = {"coefficient": 3.0, "noise_sd": 0.5, "field_sd": 2.0, "length_scale": 2.0}
    for name, value in truth.items():
        low, high = posterior[name].quantile([0.005, 0.995]).values
        assert low < value < high, name
    diagnosis = diagnose(model.posterior_)
    assert diagnosis.verdict == "sound", diagnosis


@pytest.mark.slow
def test_scales_are_those_of_a_grid(fitted):
    model, x, y, at = fitted
    points = np.stack(list(at.values()), axis=1)
    posterior = model.posterior_["posterior"].to_dataset()
    z, design = (y - y.mean()) / y.std(), np.c_[np.ones(150), (x - x.mean()) / x.std()]
    distance = np.linalg.norm(points[:, None] - points, axis=2)
    spacing = np.median(np.sort(distance, axis=1)[:, 1])
    logs, ratios = np.meshgrid(np.linspace(-1.0, 3.5, 60), np.linspace(-1.0, 9.0, 60), indexing="ij")
    density = np.empty_like(logs)
    for k in np.ndindex(logs.shape):
        length, share = np.exp(logs[k]), 1 / (1 + np.exp(-ratios[k]))
        scaled = np.sqrt(3) * distance / length
        among = share * (1 + scaled) * np.exp(-scaled) + (1 - share) * np.eye(150)
        # y ~ multivariate t with 1 degree of freedom and scale 0.1 (among + A diag(100) A'): the variance integrated.
        factor = linalg.cholesky(0.1 * (among + 100 * design @ design.T), lower=True)
        square = np.sum(linalg.solve_triangular(factor, z, lower=True) ** 2)
        density[k] = -np.log(np.diag(factor)).sum() - (150 + 1) / 2 * np.log1p(square)
        density[k] += -logs[k] + np.log(0.05) * spacing / length + 0.5 * np.log(share * (1 - share))
    weight = np.exp(density - density.max())
    weight /= weight.sum()
    drawn = np.log(posterior["length_scale"].values.ravel())
    mean = np.sum(weight * logs)
    sd = np.sqrt(np.sum(weight * (logs - mean) ** 2))
    # 800 points of the chains, some repeated: about 500 independent ones; 4 standard errors.
    assert abs(drawn.mean() - mean) < 4 * sd / np.sqrt(500)
    assert abs(drawn.std() / sd - 1) < 4 / np.sqrt(2 * 500) + 0.02


@pytest.mark.slow
def test_nearest_neighbours_predict_as_all_places_do(fitted):
    model, x, y, at = fitted
    new = places(60, seed=9)
    there = {"easting": new[:, 0], "northing": new[:, 1]}
    near = SpatialRegression(neighbours=30, random_state=0).fit(x, y, coordinates=at)
    exact, approximate = (
        one.predictive(np.zeros((60, 1)), coordinates=there).mean(("chain", "draw")) for one in (model, near)
    )
    sd = exact["sigma"].values
    assert np.abs(exact["expected"] - approximate["expected"]).values.max() < 0.15 * sd.mean()
    np.testing.assert_allclose(approximate["sigma"], sd, rtol=0.1)


@pytest.mark.slow
def test_parts_of_the_deviation_add_up_and_grow_far_from_the_rows(fitted):
    model, *_ = fitted
    near_far = {"easting": [5.0, 500.0], "northing": [5.0, 500.0]}
    parts = model.predict_sd(np.zeros((2, 1)), coordinates=near_far)
    squares = (parts[["within", "field", "epistemic"]] ** 2).sum(axis=1)
    np.testing.assert_allclose(np.sqrt(squares), parts["total"], rtol=1e-12)
    posterior = model.posterior_["posterior"].to_dataset()
    assert parts["field"][1] == pytest.approx(np.sqrt((posterior["field_sd"] ** 2).mean().item()), rel=0.1)
    assert parts["field"][0] < 0.7 * parts["field"][1]


def test_without_places_it_is_refused_before_anything_is_computed():
    model = SpatialRegression()
    X, y = np.zeros((5, 1)), np.arange(5.0)
    with pytest.raises(ValueError, match="A spatial model needs the place of each row"):
        model.fit(X, y, coordinates={"depth": y})
    with pytest.raises(ValueError, match=r"n_samples=5\) are at fewer than three places"):
        model.fit(X, y, coordinates={"easting": np.zeros(5), "northing": np.zeros(5)})
    with pytest.raises(ValueError, match="Row 2 has no finite northing"):
        model.fit(X, y, coordinates={"easting": y, "northing": [0.0, 1.0, np.nan, 3.0, 4.0]})
    with pytest.raises(ValueError, match=r"Row 4 has latitude 122, beyond 90 degrees\. Swap"):
        model.fit(X, y, coordinates={"longitude": y, "latitude": [46.0, 47.0, 48.0, 49.0, 122.0]})
    at = {"easting": y, "northing": y**2}
    with pytest.raises(ValueError, match=r"Invalid smoothness 1\.0"):
        SpatialRegression(1.0).fit(X, y, coordinates=at)
    with pytest.raises(ValueError, match=r"Invalid smoothness \(1\.5, 1\.5\)"):
        SpatialRegression((1.5, 1.5)).fit(X, y, coordinates=at)
    with pytest.raises(ValueError, match="Use inference=Collapsed"):
        SpatialRegression(inference=NUTS()).fit(X, y, coordinates=at)


@pytest.mark.slow
def test_without_features_the_field_alone_is_learned_and_the_posterior_is_sound(fitted):
    _, x, y, at = fitted
    nothing = np.empty((150, 0))
    model = SpatialRegression(random_state=0).fit(nothing, y - 3 * x[:, 0], coordinates=at)
    diagnosis = diagnose(model.posterior_)
    assert diagnosis.verdict == "sound", diagnosis
    assert np.corrcoef(model.predict(nothing, coordinates=at), y - 3 * x[:, 0])[0, 1] > 0.9
