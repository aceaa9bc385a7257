"""Teachers whose every moment is known in closed form."""

import numpy as np
from scipy import special

from bayesgeo.models.base import Classifier, Regressor
from bayesgeo.models.students.draws import dirichlet_draws, normal_scores

DRAWS = 400


class KnownClassifier(Classifier):
    """Probabilities softmax(tanh(x) W), in draws from a Dirichlet distribution whose precision falls with distance."""

    name = "known"
    kind = "Bayesian"

    def __init__(self, draws=DRAWS, sharpness=1.0, random_state=None):
        self.draws = draws
        self.sharpness = sharpness
        self.random_state = random_state

    def mean(self, X):
        logits = np.tanh(X) @ np.array([[2.0, -1.0, 0.0], [0.0, 1.5, -1.0]])
        return special.softmax(self.sharpness * logits[:, : len(self.classes_)], axis=1)

    @staticmethod
    def precision(X):
        return 100.0 * np.exp(-np.linalg.norm(X, axis=1))

    def _learn(self, rows):
        self.seen_ = rows.X

    def _expected(self, rows):
        return dirichlet_draws(self.mean(rows.X), self.precision(rows.X), self.draws, 1)[None]


class KnownRegressor(Regressor):
    """Mean sin 2x + z, noise that grows with x, epistemic uncertainty that grows with distance."""

    name = "known"
    kind = "Bayesian"

    def __init__(self, factor=1.0, random_state=None):
        self.factor = factor
        self.random_state = random_state

    @staticmethod
    def mean(X):
        return 100.0 + 10.0 * (np.sin(2 * X[:, 0]) + X[:, 1])

    def aleatoric(self, X):
        return self.factor * (1.0 + 0.5 * np.tanh(X[:, 0]))

    def epistemic(self, X):
        return self.factor * 0.3 * np.exp(0.5 * np.linalg.norm(X, axis=1))

    def _learn(self, rows):
        self.seen_ = rows.X

    def _predictive(self, rows):
        X = rows.X
        expected = self.mean(X) + normal_scores(DRAWS)[:, None] * self.epistemic(X)
        return {"expected": expected[None], "sigma": np.broadcast_to(self.aleatoric(X), expected.shape)[None]}


def class_rows(n=400, seed=0, labels=("clay", "sand", "silt")):
    """Return rows whose classes are drawn from :class:`KnownClassifier`, and the classes."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 2))
    teacher = KnownClassifier()
    teacher.classes_ = np.array(labels)
    codes = (teacher.mean(X).cumsum(axis=1) < rng.random((n, 1))).sum(axis=1)
    return X, np.array(labels)[codes]


def value_rows(n=400, seed=0):
    """Return rows and values drawn with the noise and the epistemic uncertainty of :class:`KnownRegressor`."""
    rng = np.random.default_rng(seed)
    X, teacher = rng.normal(size=(n, 2)), KnownRegressor()
    sd = np.hypot(teacher.aleatoric(X), teacher.epistemic(X))
    return X, teacher.mean(X) + sd * rng.normal(size=n)
