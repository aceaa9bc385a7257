"""Paired differences between models: facts, figure and sentences."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from bayesgeo.evaluation.compare import NO_DIFFERENCE, TOO_FEW
from bayesgeo.metrics.paired import fewest_blocks
from bayesgeo.reporting import figures
from bayesgeo.reporting.figures import Mark, Picture
from bayesgeo.reporting.sections import scores
from bayesgeo.reporting.sections.base import Section
from bayesgeo.reporting.sections.question import question
from bayesgeo.reporting.text import decimals_for, fixed, interval, listed, number, percent, width

Facts = dict[str, Any]
GAPS = {"classification": ("log_loss", "accuracy"), "regression": ("log_score", "rmse")}


def seed_facts(evidence: xr.DataTree) -> Facts | None:
    """Return the variance of the scores over seeds; None where each fold was fitted once."""
    if "seeds" not in evidence.children:
        return None
    group = evidence["seeds"].to_dataset()
    sd = {str(name): float(group["sd"].sel(metric=name)) for name in group["metric"].values}
    return {"fits": evidence.attrs["seeds"], "stochastic": bool(group.attrs["stochastic"]), "sd": sd}


def distance_to_exact(evidence: xr.DataTree) -> float | None:
    """Return mean ``|p - p_exact|`` of the last (with two labels: the positive) class; None without p_exact."""
    observed = evidence["observed_data"].to_dataset()
    if "exact" not in observed:
        return None
    error = evidence["predictions"].to_dataset()["probability"].values - observed["exact"].values
    return float(np.abs(error[:, -1]).mean())


def pictures(facts: Mapping[str, Any]) -> Facts:
    """Return what the template shows: differences from the best model, of seeds, and of a random split."""
    models, task = facts["models"], facts["dataset"]["task"]
    return {
        "question": question(facts),
        "near": [item for item in facts["comparisons"] if item["a"] == models[0]["name"]],
        "differences": _differences_figure(facts),
        "compared": compared,
        "prob": scores.prob(facts),
        "needed": fewest_blocks(scores.prob(facts)),
        "unit": next(iter(models[0]["metrics"].values()))["resampled"],
        "false_differences": _false_differences(facts),
        "resampled": scores.resampled(facts),
        "repeated": [model for model in models if model["seeds"]],
        "columns": scores.columns(facts),
        "seeds": _seeds_sentence(facts),
        "gaps": [name for name in GAPS[task] if "random_rows" in models[0]["metrics"][name]],
        "gap_sentence": scores.optimism_sentence(facts),
        "gap_of": scores.optimism,
    }


section = Section("comparison", 90, pictures=pictures)


def _differences_figure(facts: Mapping[str, Any]) -> Picture | None:
    best = facts["models"][0]["name"]
    kinds = {model["name"]: model["kind"] for model in facts["models"]}
    items = [item for item in facts["comparisons"] if item["a"] == best]
    if not items:
        return None
    marks = [Mark(f"over {i['b']}", i["difference"], i["low"], i["high"], kinds[i["b"]]) for i in items]
    xlabel = "advantage, nats per row"
    return figures.forest(marks, name="differences", xlabel=xlabel, reference=0.0, reference_label="no difference")


def compared(item: Mapping[str, Any]) -> str:
    r"""Write the result of one paired comparison.

    Examples
    --------
    >>> pair = {"a": "ridge", "b": "mean", "difference": 0.4, "low": 0.36, "high": 0.44, "prob": 0.95, "p": 0.002}
    >>> print(compared(pair | {"conclusion": "better", "blocks": 30}).replace("\xa0", " "))
    ridge is better than mean by 0.400 nats per row (95 % interval 0.360 to 0.440, p = 0.002): what happened got 1.49
    times the probability.
    >>> print(compared(pair | {"conclusion": "too few groups to tell", "blocks": 3, "p": 0.25}).replace("\xa0", " "))
    Whether ridge is better than mean cannot be told from 3 groups, too few: ridge is ahead by 0.400 nats per row (95 %
    interval 0.360 to 0.440, p = 0.250).
    """
    decimals = decimals_for(width(item["low"], item["high"]))
    ends = interval(item["low"], item["high"], decimals=decimals)
    amount = f"{fixed(item['difference'], decimals)} nats per row ({percent(item['prob'])} interval {ends}, "
    amount += f"p = {fixed(item['p'], 3)})"
    again = _seeds_alone(item) + _over_folds(item, decimals) + _prepared(item)
    if item["conclusion"] == TOO_FEW:
        few = f"Whether {item['a']} is better than {item['b']} cannot be told from {item['blocks']} groups, too few"
        return f"{few}: {item['a']} is ahead by {amount}.{again}"
    if item["conclusion"] == NO_DIFFERENCE:
        return f"There is {NO_DIFFERENCE} between {item['a']} and {item['b']}: {amount}.{again}"
    factor = math.exp(min(item["difference"], 700.0))
    text = f"{item['a']} is {item['conclusion']} than {item['b']} by {amount}"
    shown = fixed(factor, decimals) if abs(factor - 1) < 0.1 else number(factor)
    return f"{text}: what happened got {shown} times the probability.{again}"


def _prepared(item: Mapping[str, Any]) -> str:
    return "" if item.get("same_preprocessing", True) else " The two saw other features or another preprocessing."


def _seeds_alone(item: Mapping[str, Any]) -> str:
    sd = item.get("seed_sd")
    return "" if not sd else f" The interval holds what other seeds would change, sd {number(sd, digits=2)}."


def _over_folds(item: Mapping[str, Any], decimals: int) -> str:
    """Write the interval over folds where the folds differ, so that it counts."""
    if not item.get("folds_differ"):
        return ""
    ends = interval(item["fold_low"], item["fold_high"], decimals=decimals)
    return f" The {item['folds']} folds differ more than their rows explain, so the interval holds theirs, {ends}."


def _false_differences(facts: Mapping[str, Any]) -> str:
    """Write how many pairs of equal models would be called different."""
    pairs = len(facts["comparisons"])
    if not pairs:
        return ""
    expected = number(pairs * (1 - facts["comparisons"][0]["prob"]), digits=2)
    return f"Of {pairs} pairs, {expected} would be called different on average if no two models differed at all."


def _seeds_sentence(facts: Mapping[str, Any]) -> str:
    """Report whether the variance of scores over seeds was measured, and how it was used."""
    known = [model for model in facts["models"] if model["seeds"]]
    if not known:
        return (
            "Seed variance was not measured: each model was fitted once on each fold, so a difference may be of this "
            "seed. To measure it, compare with --seeds 5."
        )
    fits = min(model["seeds"]["fits"] for model in known)
    bare = [model["name"] for model in facts["models"] if not model["seeds"]]
    text = f"Each fold was fitted under {fits} seeds where the fit depends on one. "
    text += "The variance over seeds of both models widens the intervals of the paired differences above; scores, "
    text += "predictions and everything else are those of the first seed."
    return f"{text} Not measured for {listed(bare)}." if bare else text


__all__ = ["compared", "distance_to_exact", "section", "seed_facts"]
