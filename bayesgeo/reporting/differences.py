"""What paired differences of models allow to say, and what they rest on, in sentences."""

import math
from collections.abc import Mapping
from typing import Any

from bayesgeo.evaluation.compare import NO_DIFFERENCE
from bayesgeo.reporting.names import listed, percent
from bayesgeo.reporting.numbers import decimals_for, fixed, interval, number, width


def compared(item: Mapping[str, Any]) -> str:
    r"""Say what one paired comparison allows to say.

    Examples
    --------
    >>> pair = {"a": "ridge", "b": "mean", "difference": 0.4, "low": 0.36, "high": 0.44, "prob": 0.95}
    >>> print(compared(pair | {"conclusion": "better"}).replace("\xa0", " "))
    ridge is better than mean by 0.400 nats per row (95 % interval 0.360 to 0.440): what happened got 1.49 times the
    probability.
    """
    decimals = decimals_for(width(item["low"], item["high"]))
    ends = interval(item["low"], item["high"], decimals=decimals)
    amount = f"{fixed(item['difference'], decimals)} nats per row ({percent(item['prob'])} interval {ends})"
    again = _seeds_alone(item) + _over_folds(item, decimals) + _prepared(item)
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
    """Give the second opinion, which also knows that other training rows make other models."""
    if item.get("t_low") is None:
        return ""
    text = f" Over the {item['folds']} folds: {interval(item['t_low'], item['t_high'], decimals=decimals)}"
    return f"{text}." if item["t_conclusion"] == item["conclusion"] else f"{text}, {item['t_conclusion']}."


def seeds_sentence(facts: Mapping[str, Any]) -> str:
    """Say whether it was measured how far the seed of a fit moves the scores, and what was done with it."""
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


def same_sentence(facts: Mapping[str, Any]) -> str:
    """Say what the hashes prove to be the same for all models, and name those that saw other features."""
    models = facts["models"]
    text = "By these hashes every model was scored on the same rows in the same folds"
    others = [m["name"] for m in models if m["preprocessing_sha256"] != models[0]["preprocessing_sha256"]]
    if others:
        return f"{text}. Other features or another preprocessing than {models[0]['name']} saw: {listed(others)}."
    return f"{text} and saw the same features, prepared alike."
