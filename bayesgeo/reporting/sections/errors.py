"""The errors that deciding by the predictions makes: what is found of each class, and false alarms."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from bayesgeo._check import invalid
from bayesgeo.reporting.sections.base import described
from bayesgeo.reporting.text import listed, percent

Facts = dict[str, Any]
HALF = 0.5  # a decision that finds less of a class misses most of it
NAMED = 3


def errors(evidence: xr.DataTree, cost_ratio: float | None) -> Facts | None:
    """Return the errors of deciding by the class probabilities; None for values.

    Parameters
    ----------
    evidence : xarray.DataTree
        Evidence of one model.
    cost_ratio : float, optional
        Cost of acting as a share of the loss that it avoids where the event happens: of two classes, act where the
        probability of the positive one is at least this.

    Returns
    -------
    dict or None
        ``classes``: for each the ``label``, its ``rows``, their ``share`` of all and how much of it is found
        (``recall``) by the most probable class; ``events``, of two classes: ``threshold``, ``recall`` and
        ``false_alarms``, the share of other rows at which it acts, at 0.5 and at the cost ratio.

    Raises
    ------
    InvalidInput
        If the ratio is not between 0 and 1, or there are not two classes.
    """
    labels = list(described(evidence)["labels"])
    refuse_cost_ratio(cost_ratio, labels)
    if not labels:
        return None
    counts = evidence["metrics"].to_dataset()["confusion"].values
    rows = counts.sum(axis=1)
    recall = np.divide(counts.diagonal(), rows, out=np.full(len(rows), np.nan), where=rows > 0)
    classes = [
        {"label": label, "rows": int(n), "share": float(n / rows.sum()), "recall": float(found)}
        for label, n, found in zip(labels, rows, recall, strict=True)
    ]
    thresholds = [HALF] if cost_ratio is None else [HALF, cost_ratio]
    events = [_event(evidence, threshold) for threshold in thresholds] if len(labels) == 2 else []
    return {"classes": classes, "events": events}


def refuse_cost_ratio(cost_ratio: float | None, labels: Sequence[str]) -> None:
    """Refuse a ratio that is not between 0 and 1, or where there are not two classes; None is none.

    Raises
    ------
    InvalidInput
        See above.

    Examples
    --------
    >>> refuse_cost_ratio(0.1, ["stable", "slide"])
    """
    if cost_ratio is None:
        return
    if not 0 < cost_ratio < 1:
        problem = "It is the cost of acting as a share of the loss that it avoids."
        raise invalid("cost_ratio", cost_ratio, problem, "Give a number between 0 and 1.")
    if len(labels) != 2:
        raise invalid(
            "cost_ratio", cost_ratio, f"There are {len(labels) or 'no'} classes.", "Give it where there are two."
        )


def _event(evidence: xr.DataTree, threshold: float) -> Facts:
    happened = evidence["observed_data"].to_dataset()["y"].values == 1
    acts = evidence["predictions"].to_dataset()["probability"].values[:, 1] >= threshold
    rates = [float(acts[part].mean()) if part.any() else np.nan for part in (happened, ~happened)]
    return {"threshold": threshold, "recall": rates[0], "false_alarms": rates[1]}


def errors_reason(model: Mapping[str, Any]) -> tuple[str, str] | None:
    r"""Name the errors that deciding by a model makes, and how grave that is; None for values.

    Examples
    --------
    >>> classes = [{"label": "stable", "rows": 95, "share": 0.95, "recall": 0.99}]
    >>> classes += [{"label": "slide", "rows": 5, "share": 0.05, "recall": 0.2}]
    >>> event = {"threshold": 0.5, "recall": 0.2, "false_alarms": 0.01}
    >>> model = {"name": "logistic", "errors": {"classes": classes, "events": [event]}}
    >>> level, text = errors_reason(model)
    >>> print(level, text.replace("\xa0", " "))
    care Deciding by the more probable class, logistic misses most of slide. Of slide, 5 % of the rows, it finds 20 %
    and misses 80 %; of the others it takes 1 % for slide. Choose the threshold by what an error costs: --cost-ratio.
    """
    found = model["errors"]
    if not found:
        return None
    missed = [part for part in found["classes"] if part["recall"] is not None and part["recall"] < HALF]
    level = "care" if missed else "ok"
    if not found["events"]:
        return level, _of_many(model["name"], found["classes"], missed)
    event, share = found["classes"][1]["label"], percent(found["classes"][1]["share"])
    text = f"Deciding by the more probable class, {model['name']}"
    text += f" misses most of {listed([part['label'] for part in missed])}." if missed else " finds most of both."
    usual, *chosen = found["events"]
    text += f" Of {event}, {share} of the rows, it {_rates(usual, event)}."
    for at in chosen:
        text += f" At your cost ratio {at['threshold']:g}, acting from that probability on, it {_rates(at, event)}."
    if missed and not chosen:
        text += " Choose the threshold by what an error costs: --cost-ratio."
    return level, text


def _rates(at: Mapping[str, Any], event: str) -> str:
    if at["recall"] is None or at["false_alarms"] is None:
        return "was not tried on both"
    found, missed, alarms = percent(at["recall"]), percent(1 - at["recall"]), percent(at["false_alarms"])
    return f"finds {found} and misses {missed}; of the others it takes {alarms} for {event}"


def _of_many(name: str, classes: list[Facts], missed: list[Facts]) -> str:
    known = sorted((part for part in classes if part["recall"] is not None), key=lambda part: part["recall"])
    named = [f"{part['label']} {percent(part['recall'])} (of {part['rows']} rows)" for part in known]
    text = f"Deciding by the most probable class, {name} "
    if not missed:
        return f"{text}finds most of every class; the least of {named[0]}."
    worst = listed(named[: min(len(missed), NAMED)])
    return f"{text}misses most of {len(missed)} of {len(classes)} classes: it finds of {worst}."


__all__ = ["errors", "errors_reason", "refuse_cost_ratio"]
