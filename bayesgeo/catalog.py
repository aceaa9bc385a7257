"""What there is to choose from: the folders are the registries."""

from typing import Any

from bayesgeo._check import did_you_mean, invalid
from bayesgeo._registry import registered
from bayesgeo.metrics.base import Metric
from bayesgeo.models.base import Classifier, Estimator

# The last of each ignores the features: without it no report could say whether they help at all.
DEFAULT_MODELS = {
    "classification": ("bayesian_logistic", "bayesian_mlp", "mlp", "ensemble", "boosting", "majority"),
    "regression": ("bayesian_linear", "bayesian_mlp", "mlp", "ensemble", "boosting", "mean"),
}


def catalog(kind: str) -> dict[str, Any]:
    """Map the public names of a folder to what they stand for.

    Parameters
    ----------
    kind : {"models", "metrics", "inference"}
        The folder.

    Examples
    --------
    >>> sorted(catalog("inference"))
    ['ADVI', 'Exact', 'Laplace', 'MCLMC', 'NUTS']
    """
    return registered(kind)


def models(task: str) -> dict[str, type[Estimator]]:
    """Map the short names of the models for a task to their classes.

    Examples
    --------
    >>> sorted(models("regression"))
    ['bayesian_linear', 'bayesian_mlp', 'boosting', 'calibrated', 'conformal', 'ensemble', 'forest', 'mean', 'mlp',
     'ridge', 'student', 'tuned_mlp']
    """
    wanted = task == "classification"
    known = {item.name: item for item in catalog("models").values() if issubclass(item, Classifier) == wanted}
    return dict(sorted(known.items()))


def model(name: str, task: str, **parameters: Any) -> Estimator:
    """Build the model of that short name.

    Raises
    ------
    InvalidInput
        If no model for the task has that name.

    Examples
    --------
    >>> model("ridge", "regression")
    RidgeRegressor()
    """
    known = models(task)
    if name not in known:
        raise invalid("model", name, f"There is none of that name for {task}.", did_you_mean(name, known))
    return known[name](**parameters)


def metrics(task: str) -> dict[str, Metric]:
    """Map the names of the metrics for a task to the metrics.

    Examples
    --------
    >>> sorted(metrics("regression"))
    ['coverage_50', 'coverage_80', ..., 'mae', 'rmse']
    """
    found = [item for item in catalog("metrics").values() if item.task in (task, "any")]
    return {item.name: item for item in sorted(found, key=lambda item: item.name)}
