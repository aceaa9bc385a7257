"""A posterior over the weights of a network: its size, its warm-up, and the agreement of its chains."""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from bayesgeo._arrays import log_mean_exp
from bayesgeo.reporting import figures
from bayesgeo.reporting.figures import Mark, Picture
from bayesgeo.reporting.sections.function_curves import function_curves
from bayesgeo.reporting.sections.model import stated

Facts = dict[str, Any]


def network(evidence: xr.DataTree) -> Facts | None:
    """Return facts of a posterior whose weights are not identifiable one by one; None for any other.

    Returns
    -------
    dict
        ``parameters``, ``chains`` and ``draws``; where they are known ``steps`` of the warm-up, ``restarted``
        chains, the least and largest ``step_size``, the ``power`` of the likelihood; in how many chains ``relevances``
        are learned or one; ``growth`` along the warm-up and ``by_chain``, the log score of each chain on ``points``
        rows, of ``all`` draws together, and how far the chains are ``apart``; and the functions,
        :func:`bayesgeo.reporting.sections.function_curves.function_curves`.
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
        "power": inference.get("likelihood_power"),
        "relevances": _relevances(posterior),
        "growth": _growth(evidence),
        "by_chain": _by_chain(evidence),
        "curves": function_curves(evidence),
    }


def learned_chains(posterior: xr.Dataset) -> np.ndarray:
    """Tell which chains learned the relevances of the inputs instead of keeping them at one, ``(chain,)``."""
    return np.asarray((posterior["relevance"] != 1).any([dim for dim in posterior["relevance"].dims if dim != "chain"]))


def _relevances(posterior: xr.Dataset) -> Facts | None:
    if "relevance" not in posterior:
        return None
    learned = learned_chains(posterior)
    return {"learned": int(learned.sum()), "one": int((~learned).sum())}


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


def relevances_told(relevances: Mapping[str, int]) -> str:
    """Say which chains learned the relevances of the inputs, and what that means.

    Examples
    --------
    >>> print(relevances_told({"learned": 0, "one": 8}))
    All relevances of inputs are one: chains that learned them predicted the rows held out clearly worse.
    """
    learned, one = relevances["learned"], relevances["one"]
    if not learned:
        return "All relevances of inputs are one: chains that learned them predicted the rows held out clearly worse."
    where = f"{learned} of {learned + one} chains" if one else "every chain"
    kept = " The others keep them at one; the rows held out did not tell the two clearly apart." if one else ""
    means = (
        "A relevance scales an input where it enters the network; an input of relevance zero acts linearly, if at all. "
        "The weights behind it can make up for it, so that chains need not agree on its size."
    )
    return f"The relevances of inputs are learned in {where}.{kept} {means}"


def growth_figure(growth: Mapping[str, Any], place: int) -> Picture:
    """Draw a number of each chain along its warm-up."""
    of = "evidence lower bound (nats)" if growth["of"] == "elbo" else "log score, nats per row"
    return figures.curves(growth["step"], growth["chains"], growth["all"], name=f"growth{place}", ylabel=of)


def by_chain_figure(by_chain: Mapping[str, Any], place: int) -> Picture:
    """Draw the log score of each chain, and of all draws together."""
    scores = [(f"chain {k}", score) for k, score in enumerate(by_chain["chains"]) if score is not None]
    together = [] if by_chain["all"] is None else [Mark("all draws together", by_chain["all"], None, None)]
    marks = [*together, *(Mark(label, score, None, None, "chain") for label, score in scores)]
    xlabel = f"log score on {by_chain['points']} rows, nats per row"
    return figures.forest(marks, name=f"chains{place}", xlabel=xlabel)


__all__ = ["by_chain_figure", "growth_figure", "learned_chains", "network", "relevances_told"]
