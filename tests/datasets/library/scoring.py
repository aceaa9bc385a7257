"""Scores of scikit-learn models on the published split of a data set."""

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from bayesgeo.datasets.split import split


def held_out(data, model):
    """Return labels and probabilities of the rows that the published split tests."""
    parts = [
        (test, model.fit(data.X.values[train], data.y.values[train]).predict_proba(data.X.values[test]))
        for train, test in split(data).folds
    ]
    tested = np.concatenate([test for test, _ in parts])
    return data.y.values[tested], np.vstack([p for _, p in parts])


def logistic():
    """Return a logistic regression on standardised features."""
    return make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000))
