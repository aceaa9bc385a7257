"""Evidences that the tests of reports share."""

import json

import pytest

from .samples import EXACT, LINE, Evidences, as_bayesian, evidences, stating, table


@pytest.fixture(scope="session")
def binary() -> Evidences:
    """Return Evidence of a baseline, a deterministic and a Bayesian model on two classes."""
    scored = evidences(table(), "majority", "logistic")
    return scored | {"bayesian": as_bayesian(scored["logistic"])}


@pytest.fixture(scope="session")
def failed(binary: Evidences) -> Evidences:
    """Return Evidence whose Bayesian model has chains that disagree."""
    return binary | {"bayesian": as_bayesian(binary["logistic"], chains_apart=3.0)}


@pytest.fixture(scope="session")
def multiclass() -> Evidences:
    """Return Evidence on three classes."""
    return evidences(table(3), "majority", "logistic")


@pytest.fixture(scope="session")
def regression() -> Evidences:
    """Return Evidence on values, with a posterior in closed form."""
    scored = evidences(table(0), "mean", "ridge", "bayesian_linear")
    linear = scored["bayesian_linear"]
    linear.attrs["inference"] = json.dumps(json.loads(linear.attrs["inference"]) | json.loads(EXACT))
    return scored | {"bayesian_linear": stating(linear, LINE)}
