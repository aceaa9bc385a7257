"""Evidences that the tests of reports share."""

import pytest

from .samples import Evidences, as_bayesian, evidences, table


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
    return evidences(table(0), "mean", "ridge", "bayesian_linear")
