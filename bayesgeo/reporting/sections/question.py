"""Which question the scores answer: of new groups, or of new rows of known groups."""

from collections.abc import Mapping
from typing import Any

from bayesgeo.reporting.text import listed

WITHIN = "within-group"
# Rows of a group may be on both sides, or not: such a split asks neither question.
NEITHER = {
    "spatial": "blocks of the map that the models had not seen",
    "temporal": "times after those that the models had seen",
}


def question(facts: Mapping[str, Any]) -> str:
    """Write which question the scores answer, and how models predict the groups that it asks for.

    Parameters
    ----------
    facts : mapping
        ``dataset`` and ``models``.

    Examples
    --------
    >>> models = [{"name": "mixed", "kind": "deterministic", "unseen_groups": "population"}]
    >>> models += [{"name": "ridge", "kind": "deterministic", "unseen_groups": "ignored"}]
    >>> dataset = {"split_kind": "within-group", "split_group": None, "group": "event"}
    >>> question({"dataset": dataset, "models": models})
    'The scores are for new rows of a known event: rows of each event are among those that the models learned from.
    They say nothing of a new event. For ridge groups play no part.'
    """
    dataset = facts["dataset"]
    kind, key = dataset["split_kind"], dataset["split_group"] or dataset["group"]
    if key is None:
        return ""
    if kind == WITHIN:
        text = f"The scores are for new rows of a known {key}: rows of each {key} are among those that the models"
        text += f" learned from. They say nothing of a new {key}."
        return f"{text} {_ignored(facts)}".strip()
    if dataset["split_group"]:
        text = f"The scores are for a new {key}: no row of it is among those that the models learned from. They say"
        text += f" nothing of further rows of a known {key}."
        return " ".join(part for part in (text, _population(facts, key), _ignored(facts)) if part)
    what = NEITHER.get(kind, "rows drawn without regard to groups")
    text = f"The scores are for {what}: {an(key)} may be new or known, so they do not tell the two apart."
    return " ".join(part for part in (text, _population(facts, key), _ignored(facts)) if part)


def an(noun: str) -> str:
    """Put the article before a noun, as far as its first letter tells.

    Examples
    --------
    >>> an("event"), an("site")
    ('an event', 'a site')
    """
    return f"{'an' if noun[:1].lower() in 'aeio' else 'a'} {noun}"


def _population(facts: Mapping[str, Any], key: str) -> str:
    names = _named(facts, "population")
    if not names:
        return ""
    verb = "predicts" if len(names) == 1 else "predict"
    return f"{listed(names)} {verb} {an(key)} never seen by integrating its effect over the population of effects."


def _ignored(facts: Mapping[str, Any]) -> str:
    """Say of which models groups are no part; nothing where no model has effects of groups."""
    names = _named(facts, "ignored")
    return f"For {listed(names)} groups play no part." if names and _named(facts, "population") else ""


def _named(facts: Mapping[str, Any], rule: str) -> list[str]:
    return [
        model["name"] for model in facts["models"] if model["unseen_groups"] == rule and model["kind"] != "baseline"
    ]


__all__ = ["question"]
