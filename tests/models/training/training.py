"""Rows, parts and short trainings for the tests of the training loop."""

import numpy as np

from bayesgeo.models.architecture import Network
from bayesgeo.models.training.loop import squared_error, train
from bayesgeo.models.training.recipe import Recipe

N = 90
QUICK = {"max_epochs": 6, "patience": 6}


def rows(seed=0, n=N, features=3, noise=0.3):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, features))
    return {"X": X, "y": np.sin(X[:, 0]) + X[:, 1] * X[:, 2] + noise * rng.normal(size=n)}


def parted(n_members, sizes=(60,), n=N):
    parts = []
    for k in range(n_members):
        order = np.random.default_rng(k).permutation(n)
        cut = sizes[k % len(sizes)]
        parts.append((order[:cut], order[cut:]))
    return parts


def trained(n_members=1, network=None, parts=None, data=None, *, seeds=None, how=None, **recipe):
    parts = parts or parted(n_members)
    network = network or Network(3, (8,), 1)
    recipe = Recipe(**QUICK | recipe)
    return train(network, data or rows(), parts, squared_error, recipe, seeds or range(n_members), **(how or {}))
