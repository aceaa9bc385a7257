"""What there is to choose from by name: ours, and what installed packages register."""

import ast
import re
from typing import Any

from bayesgeo._check import did_you_mean, invalid
from bayesgeo._registry import by_name, registered
from bayesgeo.inference.base import Inference
from bayesgeo.metrics.base import Metric
from bayesgeo.models.base import Classifier, Estimator

# The last of each ignores the features, so that a report can say whether they help.
DEFAULT_MODELS = {
    "classification": ("bayesian_logistic", "bayesian_mlp", "mlp", "ensemble", "boosting", "majority"),
    "regression": ("bayesian_linear", "bayesian_mlp", "mlp", "ensemble", "boosting", "mean"),
}
# Before them where effects of groups are asked for: with its posterior, and its deterministic rival.
EFFECT_MODELS = {"classification": ("hierarchical",), "regression": ("hierarchical", "mixed")}


def models(task: str) -> dict[str, type[Estimator]]:
    """Map the short names of the models for a task to their classes.

    Raises
    ------
    InvalidInput
        If two models for the task have the same short name.

    Examples
    --------
    >>> list(models("regression"))[:4]
    ['bayesian_linear', 'bayesian_mlp', 'boosting', 'calibrated']
    """
    wanted = task == "classification"
    classes = [item for item in registered("models") if isinstance(item, type) and issubclass(item, Estimator)]
    return by_name(
        "model", [item for item in classes if issubclass(item, Classifier) == wanted], lambda item: item.name
    )


def model(name: str, task: str, **parameters: Any) -> Estimator:
    """Build a model by its short name.

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
        raise invalid("model", name, f"Unknown model for {task}.", did_you_mean(name, known))
    return known[name](**parameters)


def labelled_model(text: str, task: str, **parameters: Any) -> tuple[str, Estimator]:
    """Build a model from its short name and settings, ``name:setting=value:...``, with a label made of all of them.

    Parameters
    ----------
    text : str
        Short name, then settings of its constructor; numbers, True, False and None are those, all else is text.
    task : str
        Of the model.
    **parameters
        Settings that those in the text replace.

    Raises
    ------
    InvalidInput
        If the model or a setting is unknown, or a setting has no value.

    Examples
    --------
    >>> labelled_model("spatial:transformation=log:smoothness=0.5", "regression")
    ('spatial_log_0-5', SpatialRegression(smoothness=0.5, transformation='log'))
    """
    name, *settings = text.split(":")
    built = model(name, task, **parameters)
    given = dict(setting.partition("=")[::2] for setting in settings)
    known = built.get_params(deep=False)
    for setting, value in given.items():
        if setting not in known:
            problem = f"The model {name} has no such setting."
            raise invalid("setting", setting, problem, did_you_mean(setting, known))
        if not value:
            raise invalid("setting", setting, "It has no value.", f"Write {name}:{setting}=VALUE.")
    label = "_".join([name, *given.values()])
    return re.sub(r"[^\w-]", "-", label.replace(" ", "_")), built.set_params(**{k: _value(v) for k, v in given.items()})


def _value(text: str) -> Any:
    try:
        return ast.literal_eval(text)
    except (SyntaxError, ValueError):
        return text


def metrics(task: str) -> dict[str, Metric]:
    """Map the names of the metrics for a task to the metrics.

    Raises
    ------
    InvalidInput
        If two metrics for the task have the same name.

    Examples
    --------
    >>> sorted(metrics("regression"))
    ['coverage_50', 'coverage_80', ..., 'mae', 'rmse']
    """
    fitting = [item for item in registered("metrics") if isinstance(item, Metric)]
    return by_name("metric", [item for item in fitting if item.task in (task, "any")], lambda item: item.name)


def inferences() -> dict[str, type[Inference]]:
    """Map the names of the inferences to their classes.

    Examples
    --------
    >>> list(inferences())
    ['ADVI', 'Collapsed', 'Exact', 'Laplace', 'MCLMC', 'NUTS']
    """
    return by_name("inference", registered("inference"), lambda item: item.__name__)
