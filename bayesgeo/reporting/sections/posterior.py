"""Summaries of the posterior: quantities in the units of the table, effects on a common scale."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from bayesgeo.reporting import figures
from bayesgeo.reporting.figures import Mark, Picture
from bayesgeo.reporting.sections.base import Section, bayesian, described
from bayesgeo.reporting.sections.function_curves import curve_figures
from bayesgeo.reporting.sections.model import stated
from bayesgeo.reporting.sections.network import by_chain_figure, growth_figure, learned_chains, relevances_told
from bayesgeo.reporting.sections.residuals import robust_of, which_to_believe
from bayesgeo.reporting.text import decimals_by_error, decimals_for, fixed, interval

CI_PROB = 0.9
RELEVANCE = "relevance"
NO_PLACE = ("variable", "feature", "unit")
Facts = dict[str, Any]


def pictures(facts: Mapping[str, Any]) -> Facts | None:
    """Return what the template shows: the effects and quantities of each model; None without a posterior."""
    models = bayesian(facts)
    if not models:
        return None
    return {
        "drawn": [_effects_figure(model, k) for k, model in enumerate(models, start=1)],
        "quantity": _quantity,
        "quantity_name": _quantity_name,
        "place": _place,
        "robust_of": robust_of,
        "which_to_believe": which_to_believe,
        "interval": interval,
        "decimals_for": decimals_for,
        "growth": growth_figure,
        "by_chain": by_chain_figure,
        "curve_figures": curve_figures,
        "relevances_told": relevances_told,
        "ci_prob": CI_PROB,
        "most": figures.MOST,
    }


section = Section("posterior", 50, pictures=pictures)


def quantities(evidence: xr.DataTree) -> list[Facts]:
    """Summarise the quantities of a model's specification; relevances of inputs over the chains that learned them."""
    wanted = stated(evidence).get("quantities", ())
    learned = _learned(evidence)
    facts = _summary(evidence, [name for name in wanted if name != RELEVANCE or learned is None])
    return facts if learned is None or not learned.any() else facts + _summary(evidence, [RELEVANCE], learned)


def _learned(evidence: xr.DataTree) -> np.ndarray | None:
    """Tell which chains learned the relevances of a network; None of another model."""
    posterior = evidence["posterior"].to_dataset() if "posterior" in evidence.children else xr.Dataset()
    return learned_chains(posterior) if RELEVANCE in posterior and stated(evidence).get("weights") else None


def effects(evidence: xr.DataTree) -> list[Facts]:
    """Summarise the effects of a model on a common scale; empty where its specification has none."""
    name = stated(evidence).get("effects")
    return _summary(evidence, [name] if name else [])


def _summary(evidence: xr.DataTree, wanted: Sequence[str], chains: Any = slice(None)) -> list[Facts]:
    """Summarise variables of the posterior, one fact for each element; those that it lacks are left out."""
    import arviz_stats as az

    if "posterior" not in evidence.children:
        return []
    posterior = evidence["posterior"].to_dataset().isel(chain=chains)
    names = [name for name in wanted if name in posterior]
    if not names:
        return []
    draws = xr.DataTree.from_dict({"posterior": posterior[names]})
    found = az.summary(draws, var_names=names, ci_prob=CI_PROB, ci_kind="eti", fmt="xarray", round_to="none")
    labels, units = list(described(evidence)["labels"]), stated(evidence)["units"]
    features = _feature_units(posterior)
    prior = evidence["prior"].to_dataset() if "prior" in evidence.children else xr.Dataset()
    ends = {name: _prior_ends(prior, name) for name in names}
    facts = [fact for name in names for fact in _elements(name, found[name], labels, prior=ends[name])]
    return [fact | {"unit": _unit(fact, features, units)} for fact in facts]


def _feature_units(posterior: xr.Dataset) -> dict[str, str]:
    if "unit" not in posterior.coords:
        return {}
    return dict(zip(posterior["feature"].values, posterior["unit"].values, strict=True))


def _unit(fact: Mapping[str, Any], features: Mapping[str, str], units: Mapping[str, str]) -> str:
    """Return the unit of an element: that of its feature, else the one in the model's specification."""
    return str(features.get(fact["feature"], "") if "feature" in fact else units.get(fact["variable"], ""))


def _prior_ends(prior: xr.Dataset, name: str) -> xr.DataArray | None:
    if name not in prior:
        return None
    return prior[name].quantile([(1 - CI_PROB) / 2, (1 + CI_PROB) / 2], ("chain", "draw"))


def _elements(name: str, summary: xr.DataArray, labels: Sequence[str], *, prior: xr.DataArray | None) -> list[Facts]:
    where = [dim for dim in summary.dims if dim != "summary"]
    stacked = summary.stack(quantity=where) if where else summary.expand_dims("quantity")
    facts = []
    for k in range(stacked.sizes["quantity"]):
        one = stacked.isel(quantity=k)
        at = {str(dim): str(one[dim].item()) for dim in where}
        if at.get("label", "").isdecimal():
            at["label"] = labels[int(at["label"])]
        values = {str(key): float(one.sel(summary=key)) for key in one["summary"].values}
        if prior is not None:
            ends = prior.sel({dim: one[dim].item() for dim in where}).values
            values |= dict(zip(("prior_low", "prior_high"), ends.tolist(), strict=True))
        facts.append({"variable": name, **at, "unit": "", **values})
    return facts


def _quantity(summary: Mapping[str, Any]) -> dict[str, str]:
    """Write a summary of the posterior with the digits that its Monte Carlo error allows."""
    decimals = decimals_by_error(summary["mcse_mean"], summary["sd"])
    low, high = (summary[key] for key in _ends(summary))
    return {
        "mean": fixed(summary["mean"], decimals),
        "sd": fixed(summary["sd"], decimals_by_error(summary["mcse_sd"], summary["sd"])),
        "interval": interval(low, high, decimals=decimals),
        "r_hat": fixed(summary["r_hat"], 3),
        "ess_bulk": fixed(summary["ess_bulk"], 0),
        "ess_tail": fixed(summary["ess_tail"], 0),
    }


def _quantity_name(model: Mapping[str, Any], variable: str) -> str:
    """Return the name of a variable in prose, the one in the model's specification where there is one."""
    names = (model["specification"] or {}).get("names", {})
    return names.get(variable, variable.replace("_", " "))


def _ends(summary: Mapping[str, Any]) -> list[str]:
    return [key for end in ("_lb", "_ub") for key in summary if key.startswith("eti") and key.endswith(end)]


def _effects_figure(model: Mapping[str, Any], number: int) -> Picture | None:
    usable = [effect for effect in model["effects"] if effect["mean"] is not None]
    usable = sorted(usable, key=lambda effect: -abs(effect["mean"]))[: figures.MOST]
    if not usable:
        return None
    marks = []
    for effect in usable:
        low, high = (effect[key] for key in _ends(effect))
        marks.append(Mark(_effect_label(effect), effect["mean"], low, high, prior=_prior(effect)))
    xlabel = "effect of one sd of the feature"
    return figures.forest(marks, name=f"effects{number}", xlabel=xlabel, reference=0.0, reference_label="no effect")


def _prior(effect: Mapping[str, Any]) -> tuple[float, float] | None:
    low, high = effect.get("prior_low"), effect.get("prior_high")
    return None if low is None or high is None else (low, high)


def _place(summary: Mapping[str, Any]) -> list[str]:
    """Return the label and other coordinates of an element, beside its feature."""
    return [value for key, value in summary.items() if isinstance(value, str) and key not in NO_PLACE]


def _effect_label(effect: Mapping[str, Any]) -> str:
    return " → ".join([effect[key] for key in ("feature",) if key in effect] + _place(effect))


__all__ = ["CI_PROB", "effects", "quantities", "section"]
