"""Small models and grids, made anew for each test."""

import numpy as np
import pandas as pd
import xarray as xr

from bayesgeo.models import BayesianLinearRegression, LogisticClassifier, RidgeRegressor
from tests.fake import FakePosterior

FEATURES = ["elevation", "slope"]


def training(n=60, seed=0):
    """Return features and a value: 3 + elevation - 2 slope + noise of deviation 0.5."""
    rng = np.random.default_rng(seed)
    X = pd.DataFrame(rng.normal(size=(n, 2)), columns=FEATURES)
    return X, 3.0 + X["elevation"] - 2.0 * X["slope"] + 0.5 * rng.normal(size=n)


def ridge():
    return RidgeRegressor().fit(*training())


def bayesian(**options):
    return BayesianLinearRegression(inference=FakePosterior(), random_state=0, **options).fit(*training())


def classifier():
    X, y = training()
    return LogisticClassifier(random_state=0).fit(X, np.digitize(y, [2.0, 4.0]))


def hills(shape=(7, 5), seed=1, empty=((2, 3),)):
    """Return a grid of two features in degrees, with empty cells."""
    rng = np.random.default_rng(seed)
    values = {name: (("lat", "lon"), rng.normal(size=shape)) for name in FEATURES}
    grid = xr.Dataset(values, {"lat": 46.0 + 0.1 * np.arange(shape[0]), "lon": 7.0 + 0.1 * np.arange(shape[1])})
    for y, x in empty:
        grid["slope"][y, x] = np.nan
    return grid


def table_of(grid):
    """Return the cells of a grid as rows, one row of cells after another."""
    return pd.DataFrame({name: grid[name].values.ravel() for name in FEATURES})
