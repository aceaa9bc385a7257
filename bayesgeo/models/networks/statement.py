"""What Bayesian networks state of themselves: formula, priors and names, for specifications."""

from typing import Any

from bayesgeo.models.architecture import Network
from bayesgeo.models.networks.graph import NOISE
from bayesgeo.models.specification import Graph, Prior, Specification

WEIGHTS = "Over the root of the number of inputs, so that functions keep their size whatever the width."
LINEAR = "Holds the linear model as a special case; the network adds what is not linear."
RELEVANT = "Lets inputs that do not matter drop out of the network."
SIGMA = "Wide against any offset of standardised data."
TAILS = "Allows heavy tails and the normal limit (Juárez & Steel 2010)."
NOISY = "Noise that changes less along the inputs than the mean does."
LIKELIHOOD = {
    "classes": "P(yᵢ = k) ∝ exp fₖ(xᵢ)",
    "heteroscedastic": "yᵢ ~ Normal(f(xᵢ), σ(xᵢ)²), σ = log(1 + exp h) + floor",
    "constant": "yᵢ ~ Normal(f(xᵢ), σ²)",
    "student-t": "yᵢ ~ Student-t(ν, f(xᵢ), σ²)",
}


def statement(model: Any, scales: tuple[float, ...], relevance_prior: str) -> Specification:
    """State a Bayesian network.

    Parameters
    ----------
    model : BayesianMLP
        The network, fitted or not.
    scales : tuple of float
        Prior scale of each layer.
    relevance_prior : str
        Prior of the relevances; empty where all are one.
    """
    noise, learned = getattr(model, "noise", "classes"), bool(relevance_prior)
    hidden = " × ".join(str(width) for width in model.hidden)
    of = "g(a ∘ x)" if learned else "g(x)"
    return Specification(
        likelihood=f"{LIKELIHOOD[noise]}{_power(model)}; f(x) = xᵀβ + {of}, g a network of {hidden} units "
        f"({model.activation})",
        scale="features standardised" if noise == "classes" else "features and target standardised",
        priors=_priors(noise, scales, relevance_prior),
        prior_kind="default" if model.prior_scale is None else "informed",
        graph=_graph(noise, learned=learned),
        quantities=(*_scalars(noise), *(("relevance",) if learned else ())),
        weights=tuple(Network(1, model.hidden, 1, linear=True).shapes),
        names={"nu": "degrees of freedom of the noise"},
    )


def _priors(noise: str, scales: tuple[float, ...], relevance_prior: str) -> tuple[Prior, ...]:
    given = ", ".join(f"{scale:.4g}" for scale in scales)
    priors = [
        Prior("β", "Normal(0, 1), intercept Normal(0, 10²)", LINEAR),
        Prior("weights of layer l", f"Normal(0, sₗ² / inputs), s = {given}", WEIGHTS),
        Prior("biases", "Normal(0, 1)", WEIGHTS),
    ]
    if relevance_prior:
        priors.append(Prior("a", relevance_prior, RELEVANT))
    if noise == "heteroscedastic":
        priors.append(Prior("weights of h", "Normal(0, 1 / inputs), bias Normal(0, 1)", NOISY))
    if noise in ("constant", "student-t"):
        priors.append(Prior("σ", "floor + HalfNormal(1)", SIGMA))
    if noise == "student-t":
        priors.append(Prior("ν", "Gamma(2, 0.1)", TAILS))
    return tuple(priors)


def _power(model: Any) -> str:
    """State the power of the likelihood, where held-out groups chose one below one."""
    power = 1.0 if not hasattr(model, "posterior_") else model.posterior_.attrs.get("likelihood_power", 1.0)
    return "" if power == 1.0 else f", raised to the power {power:g} (generalised Bayes: rows of a group are alike)"


def _scalars(noise: str) -> tuple[str, ...]:
    """Return the noise parameters to report, in the units of the table."""
    return tuple("noise_sd" if name == "sigma" else name for name in NOISE[noise])


def _graph(noise: str, *, learned: bool) -> Graph:
    """Return the dependence graph of the network."""
    inputs = ("β", "weights", "biases", *(("a",) if learned else ()), "x")
    scales = {"constant": ("σ",), "student-t": ("σ", "ν"), "heteroscedastic": ("σ(x)",), "classes": ()}[noise]
    edges = [(name, "f(x)") for name in inputs]
    if noise == "heteroscedastic":
        edges += [(name, "σ(x)") for name in ("weights", "biases", "x")]
    edges += [(name, "y") for name in ("f(x)", *scales)]
    return Graph((inputs, ("f(x)", *scales), ("y",)), tuple(edges))
