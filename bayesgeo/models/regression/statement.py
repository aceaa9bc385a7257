"""The specification shared by the linear models: priors of coefficients with their reasons, and the graph."""

from typing import Any, Literal

from bayesgeo.models.specification import Graph, Prior

FLAT = "No preference; proper only because the rows determine every coefficient."
FLAT_INTERCEPT = Prior("α", "constant", FLAT)
INTERCEPT_REASON = "Wide against any offset of standardised data."
REASONS = {
    "horseshoe": "Most coefficients near zero, a few free (Carvalho et al. 2010).",
    "laplace": "Shrinks small effects more than large ones (Park & Casella 2008).",
    "flat": FLAT,
}


def coefficient_prior(model: Any, default: float, unit: str, reason: str) -> Prior:
    """Describe the prior of the coefficients, in units of the noise or dimensionless.

    Parameters
    ----------
    model : estimator
        With ``prior``, ``prior_scale`` and, once fitted, ``prior_scale_``.
    default : float
        The scale where the caller gave none.
    unit : str
        Symbol of the noise, or empty.
    reason : str
        Why a normal prior of the default scale.
    """
    horseshoe = model.prior == "horseshoe"
    scale = getattr(model, "prior_scale_", model.prior_scale)
    plain = ("1/√n" if horseshoe else f"{default:.4g}") if scale is None else f"{float(scale):.4g}"
    s = f"{plain}{unit}"
    written = {
        "normal": f"Normal(0, ({s})²)",
        "laplace": f"Laplace(0, {s})",
        "horseshoe": f"Normal(0, (λⱼτ{unit})²), λⱼ ~ HalfCauchy(1), τ ~ HalfCauchy({plain})",
        "flat": "constant",
    }
    return Prior("βⱼ", written.get(model.prior, f"{model.prior}, scale {s}"), REASONS.get(model.prior, reason))


def kind_of_prior(model: Any) -> Literal["broad", "default", "informed"]:
    """Return whether the prior of a model is flat (broad), its default, or chosen by the caller (informed)."""
    if model.prior == "flat":
        return "broad"
    return "default" if model.prior_scale is None else "informed"


def linear_graph(scales: tuple[str, ...]) -> Graph:
    """Return the graph of a linear predictor: the first scale is that of the noise and of the parameters."""
    parameters, predictor = ("α", "β"), "α + xᵀβ"
    edges = [(name, predictor) for name in (*parameters, "x")] + [(predictor, "y")]
    above = scales[:1]
    edges += [(name, parameter) for name in above for parameter in parameters]
    edges += [(name, "y") for name in scales]
    columns = (above, (*parameters, "x"), (predictor, *scales[1:]), ("y",))
    return Graph(tuple(column for column in columns if column), tuple(edges))
