"""How a posterior was computed, and what there is to see of one over the weights of a network."""

import json
from typing import Any

import numpy as np
import xarray as xr

from bayesgeo._arrays import log_mean_exp

Facts = dict[str, Any]


def approximation(evidence: xr.DataTree) -> str | None:
    """Name the approximation whose draws stand in for the posterior; None where draws are of the posterior."""
    inference = json.loads(evidence.attrs.get("inference", "null")) or {}
    names = {
        "ADVI": f"{inference.get('rank', 'mean-field')} Gaussian (ADVI)",
        "Laplace": f"Gaussian at a peak (Laplace), {inference.get('subset', 'full')}",
    }
    return names.get(inference.get("inference", ""))


def network(evidence: xr.DataTree) -> Facts | None:
    """Return what there is to see of a posterior over the weights of a network; None of any other model.

    Returns
    -------
    dict
        ``parameters``, ``chains`` and ``draws``; where they are known ``steps`` of the warm-up, ``restarted``
        chains and the least and largest ``step_size``; ``growth`` along the warm-up and ``by_chain``, the log score
        of each chain on ``points`` rows, of ``all`` draws together, and how far the chains are ``apart``.
    """
    posterior = evidence["posterior"].to_dataset() if "posterior" in evidence.children else xr.Dataset()
    if "weight_0" not in posterior:
        return None
    sizes = [np.prod(v.shape[2:], dtype=int) for name, v in posterior.items() if _is_weight(str(name))]
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


def _is_weight(name: str) -> bool:
    return name.startswith(("weight_", "bias_"))


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


__all__ = ["approximation", "network"]
