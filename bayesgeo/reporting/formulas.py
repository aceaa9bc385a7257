"""The mathematics of a model in words and symbols: its likelihood, its priors with their reasons, and its graph."""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

Facts = dict[str, Any]
LINEAR_SCALE, LOGISTIC_SCALE = 10.0, 2.5  # of the coefficients where the caller gave none
REASON = {
    "linear": "Broad in units of the noise: the rows set the size of an effect.",
    "logistic": "Weak: rules out effects on the log odds that are hardly ever seen (Gelman et al. 2008).",
    "horseshoe": "Most coefficients near zero, a few free (Carvalho et al. 2010).",
    "laplace": "Shrinks small effects more than large ones (Park & Casella 2008).",
    "flat": "No preference; proper only because the rows determine every coefficient.",
    "noise": "Worth one row that says: a tenth of the variance is noise.",
    "intercept": "Wide against any offset of standardised data.",
    "tails": "Allows heavy tails and the normal limit (Juárez & Steel 2010).",
    "network": "Unit scale for standardised inputs; a default, not taken from an expert.",
    "learned": "Lets the rows choose the scale of a layer within a factor of two or three.",
}


def specification(evidence: xr.DataTree) -> Facts | None:
    """Write down a model of Evidence; None where it has no prior, or is of a class that is not known here.

    Returns
    -------
    dict
        ``likelihood``; ``scale`` of features and target; ``priors``, each with ``parameter``, ``prior`` and ``why``;
        ``graph``, with ``columns`` of names, ``edges`` and what was ``observed``.
    """
    parameters = json.loads(evidence.attrs["parameters"])
    dataset = json.loads(evidence.attrs["dataset_description"])
    known = {
        "BayesianLinearRegression": _linear,
        "BayesianLogisticRegression": _logistic,
        "BayesianMLPClassifier": _network,
        "BayesianMLPRegressor": _network,
    }
    write = known.get(evidence.attrs["class"])
    return None if write is None or "prior" not in parameters else write(parameters, dataset)


def _linear(parameters: Mapping[str, Any], dataset: Mapping[str, Any]) -> Facts:
    prior, noise = parameters["prior"], parameters.get("noise", "normal")
    flat, heavy = prior == "flat", noise == "student-t"
    spread = _entry("σ", "p(σ) ∝ 1/σ", "flat") if flat else _entry("σ²", "InverseGamma(1/2, 1/20)", "noise")
    intercept = _entry("α", "constant", "flat") if flat else _entry("α", "Normal(0, (10σ)²)", "intercept")
    priors = [intercept, _coefficients(parameters, dataset, LINEAR_SCALE, "linear", unit="σ"), spread]
    priors += [_entry("ν", "Gamma(2, 0.1)", "tails")] if heavy else []
    return {
        "likelihood": f"yᵢ ~ {'Student-t(ν, ' if heavy else 'Normal('}α + xᵢᵀβ, σ²)",
        "scale": "features and target standardised",
        "priors": priors,
        "graph": _graph(["σ²", "ν"] if heavy else ["σ²"], ["α", "β"], "α + xᵀβ", above=["α", "β"]),
    }


def _logistic(parameters: Mapping[str, Any], dataset: Mapping[str, Any]) -> Facts:
    flat, two = parameters["prior"] == "flat", len(dataset["labels"]) == 2
    positive = list(dataset["labels"])[-1]
    intercept = _entry("α", "constant", "flat") if flat else _entry("α", "Normal(0, 10²)", "intercept")
    priors = [intercept, _coefficients(parameters, dataset, LOGISTIC_SCALE, "logistic", unit="")]
    one, several = f"P(yᵢ = {positive}) = 1 / (1 + exp(−α − xᵢᵀβ))", "P(yᵢ = k) ∝ exp(αₖ + xᵢᵀβₖ)"
    return {
        "likelihood": one if two else several,
        "scale": "features standardised",
        "priors": priors,
        "graph": _graph([], ["α", "β"], "α + xᵀβ", above=[]),
    }


def _network(parameters: Mapping[str, Any], dataset: Mapping[str, Any]) -> Facts:
    noise = "classes" if dataset["labels"] else parameters.get("noise", "heteroscedastic")
    likelihood = {
        "classes": "P(yᵢ = k) ∝ exp fₖ(xᵢ)",
        "heteroscedastic": "yᵢ ~ Normal(f₁(xᵢ), σ(xᵢ)²), σ = log(1 + exp f₂) + 0.001",
        "constant": "yᵢ ~ Normal(f(xᵢ), σ²)",
        "student-t": "yᵢ ~ Student-t(ν, f(xᵢ), σ²)",
    }
    scale, learned = parameters["prior_scale"], parameters["prior"] == "hierarchical"
    given = ", ".join(_plain(value) for value in scale) if isinstance(scale, list) else _plain(scale)
    priors = [_entry("weights of layer l", f"Normal(0, sₗ²){'' if learned else f', s = {given}'}", "network")]
    priors += [_entry("biases of layer l", f"Normal(0, s²), s = {given}", "network")]
    priors += [_entry("sₗ²", f"InverseGamma(2, 2s²), s = {given}", "learned")] if learned else []
    priors += [_entry("σ", "HalfNormal(1)", "intercept")] if noise in ("constant", "student-t") else []
    priors += [_entry("ν", "Gamma(2, 0.1)", "tails")] if noise == "student-t" else []
    outcome = likelihood.get(noise, f"yᵢ around f(xᵢ), {noise}")
    hidden = " × ".join(str(width) for width in parameters["hidden"])
    return {
        "likelihood": f"{outcome}; f a network of {hidden} units ({parameters['activation']})",
        "scale": "features standardised" if dataset["labels"] else "features and target standardised",
        "priors": priors,
        "graph": _graph(
            [entry["parameter"] for entry in priors[2:]],
            ["weights", "biases"],
            "f(x)",
            above=["weights"] if learned else [],
        ),
    }


def _coefficients(
    parameters: Mapping[str, Any], dataset: Mapping[str, Any], default: float, family: str, *, unit: str
) -> Facts:
    prior, scale = parameters["prior"], parameters["prior_scale"]
    if scale is None:
        scale = 2.0 ** -round(np.log2(dataset["rows"]) / 2) if prior == "horseshoe" else default
    s = f"{_plain(scale)}{unit}"
    written = {
        "normal": f"Normal(0, ({s})²)",
        "laplace": f"Laplace(0, {s})",
        "horseshoe": f"Normal(0, (λⱼτ{unit})²), λⱼ ~ HalfCauchy(1), τ ~ HalfCauchy({_plain(scale)})",
        "flat": "constant",
    }
    return _entry("βⱼ", written.get(prior, f"{prior}, scale {s}"), family if prior == "normal" else prior)


def _plain(scale: float) -> str:
    return f"{float(scale):.4g}"


def _entry(parameter: str, prior: str, reason: str) -> Facts:
    return {"parameter": parameter, "prior": prior, "why": REASON.get(reason, "Chosen by the caller.")}


def _graph(scales: list[str], parameters: list[str], predictor: str, *, above: list[str]) -> Facts:
    """Return the graph in which scales stand above some parameters, or beside the predictor, and parameters make it."""
    edges = [[name, predictor] for name in (*parameters, "x")] + [[predictor, "y"]]
    prior = [name for name in scales if name in ("σ²", "sₗ²")] if above else []
    edges += [[name, parameter] for name in prior for parameter in above]
    edges += [[name, "y"] for name in scales if name != "sₗ²"]
    columns = [prior, [*parameters, "x"], [predictor, *(name for name in scales if name not in prior)], ["y"]]
    return {"columns": [column for column in columns if column], "edges": edges, "observed": ["x", "y"]}


__all__ = ["specification"]
