"""A posterior over the weights of a network: its size, its warm-up, and the agreement of its chains."""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from bayesgeo._arrays import log_mean_exp
from bayesgeo.reporting import figures
from bayesgeo.reporting.figures import Mark, Picture
from bayesgeo.reporting.sections.model import stated

Facts = dict[str, Any]


def network(evidence: xr.DataTree) -> Facts | None:
    """Return facts of a posterior whose weights are not identifiable one by one; None for any other.

    Returns
    -------
    dict
        ``parameters``, ``chains`` and ``draws``; where they are known ``steps`` of the warm-up, ``restarted``
        chains and the least and largest ``step_size``; ``growth`` along the warm-up and ``by_chain``, the log score
        of each chain on ``points`` rows, of ``all`` draws together, and how far the chains are ``apart``.
    """
    posterior = evidence["posterior"].to_dataset() if "posterior" in evidence.children else xr.Dataset()
    weights = [posterior[name] for name in stated(evidence).get("weights", ()) if name in posterior]
    if not weights:
        return None
    sizes = [np.prod(weight.shape[2:], dtype=int) for weight in weights]
    inference = json.loads(evidence.attrs.get("inference", "null")) or {}
    step_size = _found(evidence, "sample_stats", "step_size")
    return {
        "parameters": int(np.sum(sizes)),
        "chains": posterior.sizes["chain"],
        "draws": posterior.sizes["draw"],
        "steps": inference.get("warmup_steps"),
        "restarted": inference.get("restarted_chains"),
        "step_size": None if step_size is None else [float(step_size.min()), float(step_size.max())],
        "growth": _growth(evidence),
        "by_chain": _by_chain(evidence),
    }


def _found(evidence: xr.DataTree, group: str, name: str) -> xr.DataArray | None:
    return evidence[group].to_dataset().get(name) if group in evidence.children else None


def _growth(evidence: xr.DataTree) -> Facts | None:
    """Return the held-out log score (or the evidence lower bound) of each chain and of all, step by step."""
    for name, chains in (("log_score", "chain_log_score"), ("elbo", "elbo")):
        by_chain = _found(evidence, "warmup", chains)
        if by_chain is not None:
            together = _found(evidence, "warmup", name)
            pooled = together is not None and together.dims == ("step",)
            return {
                "of": name,
                "step": by_chain["step"].values.tolist(),
                "chains": by_chain.transpose("chain", "step").values.tolist(),
                "all": together.values.tolist() if together is not None and pooled else None,
            }
    return None


def _by_chain(evidence: xr.DataTree) -> Facts | None:
    density = _found(evidence, "functions", "log_density")
    if density is None or not density.size:
        return None
    values = density.transpose("chain", "draw", "point").values.astype(float)
    scores = log_mean_exp(values, 1).mean(axis=1)
    return {
        "points": values.shape[2],
        "chains": scores.tolist(),
        "all": float(log_mean_exp(values, (0, 1)).mean()),
        "apart": float(np.ptp(scores)),
    }


def growth_figure(growth: Mapping[str, Any], number: int) -> Picture:
    """Draw a number of each chain along its warm-up."""
    of = "evidence lower bound (nats)" if growth["of"] == "elbo" else "log score, nats per row"
    return figures.curves(growth["step"], growth["chains"], growth["all"], name=f"growth{number}", ylabel=of)


def by_chain_figure(by_chain: Mapping[str, Any], number: int) -> Picture:
    """Draw the log score of each chain, and of all draws together."""
    scores = [(f"chain {k}", score) for k, score in enumerate(by_chain["chains"]) if score is not None]
    together = [] if by_chain["all"] is None else [Mark("all draws together", by_chain["all"], None, None)]
    marks = [*together, *(Mark(label, score, None, None, "chain") for label, score in scores)]
    xlabel = f"log score on {by_chain['points']} rows, nats per row"
    return figures.forest(marks, name=f"chains{number}", xlabel=xlabel)


__all__ = ["by_chain_figure", "growth_figure", "network"]
