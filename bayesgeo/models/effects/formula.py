"""Formulas such as ``"log_pga ~ m1 + m2 + log_r + (1 | event) + (1 + log_r | station)"``, parsed by formulae."""

import re
from dataclasses import dataclass
from typing import Any

from bayesgeo._check import invalid
from bayesgeo.models.effects.terms import Effect

FIELDS = {"": None, "exponential": 0.5, "matern32": 1.5, "matern52": 2.5}
GROUPS = re.compile(rf"({'|'.join(name for name in FIELDS if name)})?\(([^()|]*)(\|\|?)([^()|]*)\)")
TRY = 'Try "y ~ x + (1 | event)".'


@dataclass(frozen=True)
class Formula:
    """A formula as values.

    Parameters
    ----------
    response : str
        Name of the target; empty if the formula has none.
    fixed : tuple of tuple of str
        Terms whose coefficients are those of all rows, each a product of columns. The intercept is always there.
    effects : tuple of Effect
        What varies by group.

    Examples
    --------
    >>> parse("y ~ a * b + (1 + a | well)").fixed
    (('a',), ('b',), ('a', 'b'))
    """

    response: str
    fixed: tuple[tuple[str, ...], ...]
    effects: tuple[Effect, ...]

    @property
    def features(self) -> tuple[str, ...]:
        """Columns of numbers that the formula needs."""
        slopes = [slope for effect in self.effects for slope in effect.slopes]
        return tuple(dict.fromkeys([*(name for term in self.fixed for name in term), *slopes]))

    @property
    def keys(self) -> tuple[str, ...]:
        """Columns of labels that the formula needs."""
        return tuple(dict.fromkeys(column for effect in self.effects for column in effect.columns))


def parse(text: str) -> Formula:
    """Parse a formula in the notation of R's lme4 and of Bambi.

    ``a:b`` is a product and ``a * b`` stands for ``a + b + a:b``; ``(1 + a | key)`` has correlated terms, ``(1 + a ||
    key)`` uncorrelated ones, and ``(1 | region/city)`` stands for ``(1 | region) + (1 | region:city)``.
    ``exponential(1 | station)`` says that near stations are alike, by a Matérn field of smoothness 0.5;
    ``matern32`` and ``matern52`` are smoother ones.

    Raises
    ------
    InvalidInput
        If it cannot be parsed, leaves out the intercept, or calls a function.

    Examples
    --------
    >>> found = parse("log_pga ~ m1 + log_r + (1 | event) + (1 + log_r | station)")
    >>> found.response, found.features, found.keys
    ('log_pga', ('m1', 'log_r'), ('event', 'station'))
    >>> found.effects[1]
    Effect(key='station', slopes=('log_r',), intercept=True, correlated=True, lkj=2.0, smoothness=None)
    >>> parse("y ~ x + exponential(1 | station)").effects[0].smoothness
    0.5
    """
    if not isinstance(text, str):
        raise invalid("formula", text, "It is no text.", TRY)
    effects = [effect for match in GROUPS.finditer(text) for effect in _effects(text, *match.groups())]
    rest = GROUPS.sub("1", text)
    if "|" in rest:
        raise invalid("formula", text, "A group term is not of the form (1 + x | key).", TRY)
    described = _described(text, rest)
    response = "" if described.response is None else described.response.term.name
    common = described.common_terms
    if not any(type(term).__name__ == "Intercept" for term in common):
        raise invalid("formula", text, "It leaves out the intercept.", "Center the columns instead.")
    fixed = tuple(_columns(text, term) for term in common if type(term).__name__ != "Intercept")
    return Formula(response, fixed, _merged(text, effects))


def _described(text: str, formula: str) -> Any:
    from formulae import model_description

    try:
        return model_description(formula)
    except Exception as error:  # the parser raises of many kinds
        raise invalid("formula", text, f"It cannot be parsed: {str(error).rstrip('.')}.", TRY) from error


def _effects(text: str, field: str | None, terms: str, bar: str, key: str) -> list[Effect]:
    described = _described(text, f"({terms} | {key})")
    by_key: dict[str, list[Any]] = {}
    for term in described.group_terms:
        by_key.setdefault(":".join(_columns(text, term.factor)), []).append(term.expr)
    found = []
    for name, parts in by_key.items():
        intercept = any(type(part).__name__ == "Intercept" for part in parts)
        slopes = [_columns(text, part) for part in parts if type(part).__name__ != "Intercept"]
        if any(len(slope) > 1 for slope in slopes):
            raise invalid("formula", text, "A slope that varies is a product.", "Compute that column beforehand.")
        of_slopes, smoothness = tuple(slope[0] for slope in slopes), FIELDS[field or ""]
        found.append(Effect(name, of_slopes, intercept, bar == "|", smoothness=smoothness))
    return found


def _columns(text: str, term: Any) -> tuple[str, ...]:
    for part in term.components:
        if type(part).__name__ != "Variable":
            problem = f"{part.name!r} is no column."
            raise invalid("formula", text, problem, "Compute the column beforehand and name it here.")
    return tuple(part.name for part in term.components)


def _merged(text: str, effects: list[Effect]) -> tuple[Effect, ...]:
    """Join ``(1 | key) + (0 + x | key)``, which are uncorrelated, into one effect."""
    found: dict[str, Effect] = {}
    for effect in effects:
        if effect.key not in found:
            found[effect.key] = effect
            continue
        known = found[effect.key]
        if (
            known.smoothness
            or effect.smoothness
            or len(known.terms) > 1
            or len(effect.terms) > 1
            or set(known.terms) & set(effect.terms)
        ):
            raise invalid("formula", text, f"Key {effect.key!r} has two terms.", "Write them as one, (1 + x | key).")
        intercept = known.intercept or effect.intercept
        found[effect.key] = Effect(effect.key, known.slopes + effect.slopes, intercept, correlated=False)
    return tuple(found.values())


__all__ = ["Formula"]
