"""Names of scores and quantities, percentages and lists, as prose."""

from collections.abc import Sequence


def metric_name(name: str) -> str:
    """Return the name of a metric as prose.

    Examples
    --------
    >>> metric_name("brier_score"), metric_name("crps")
    ('Brier score', 'CRPS')
    """
    special = {"brier_score": "Brier score", "crps": "CRPS", "rmse": "RMSE", "f1": "F1", "roc_auc": "ROC area"}
    special["average_precision"] = "precision-recall area"
    return special.get(name, name.replace("coverage_90", "90 % coverage").replace("_", " "))


def quantity_name(variable: str) -> str:
    """Return the name of a quantity of the posterior as prose.

    Examples
    --------
    >>> quantity_name("noise_sd"), quantity_name("scale_0")
    ('noise sd', 'prior sd of the weights, layer 1')
    """
    if variable.startswith("scale_"):
        return f"prior sd of the weights, layer {int(variable.removeprefix('scale_')) + 1}"
    return {"nu": "degrees of freedom of the noise"}.get(variable, variable.replace("_", " "))


def percent(prob: float) -> str:
    r"""Write a probability as a percentage.

    Examples
    --------
    >>> percent(0.95)
    '95\xa0%'
    """
    return f"{100 * prob:.3g}\u00a0%"


def listed(names: Sequence[str]) -> str:
    """Write names as a list in prose.

    Examples
    --------
    >>> listed(["ridge", "mlp", "mean"])
    'ridge, mlp and mean'
    """
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
