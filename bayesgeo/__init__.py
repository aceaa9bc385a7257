"""Bayesian machine learning for geoscience, with evidence."""

import importlib
from typing import Any

__version__ = "0.1.0"

# Each name is imported when it is first used, so that the package itself opens at once.
_HOMES = {
    "load": "datasets",
    "read_table": "datasets",
    "Dataset": "datasets.base",
    "split": "datasets.split",
    "audit": "datasets.audit",
    "Exact": "inference.exact",
    "NUTS": "inference.nuts",
    "MCLMC": "inference.mclmc",
    "ADVI": "inference.advi",
    "Laplace": "inference.laplace",
    "BayesianLinearRegression": "models.regression.linear",
    "BayesianLogisticRegression": "models.regression.logistic",
    "BayesianMLPClassifier": "models.networks.bayesian_mlp",
    "BayesianMLPRegressor": "models.networks.bayesian_mlp",
    "MLPClassifier": "models.networks.mlp",
    "MLPRegressor": "models.networks.mlp",
    "diagnose": "diagnostics",
    "evaluate": "evaluation.evaluate",
    "compare": "evaluation.compare",
    "report": "reporting",
}

__all__ = [*sorted(_HOMES)]  # noqa: PLE0604


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        message = f"module 'bayesgeo' has no attribute {name!r}"
        raise AttributeError(message)
    value = getattr(importlib.import_module(f"bayesgeo.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
