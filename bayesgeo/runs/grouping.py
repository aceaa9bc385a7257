"""Which columns of a run's rows are groups, and which of them have effects in models."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from bayesgeo._check import did_you_mean, invalid, shown
from bayesgeo.datasets.base import Dataset
from bayesgeo.models.effects.formula import Formula, parse
from bayesgeo.models.effects.terms import Effect


@dataclass(frozen=True)
class Grouping:
    """Keys of the groups, and what varies with them in models with effects.

    Parameters
    ----------
    group : tuple of str
        Keys of the groups; a split keeps together the groups of the first. Of a data set by name, those of its own
        keys that come first.
    effects : tuple of str
        Keys whose groups have effects in the models that have any; they are keys of the groups too.
    formula : str
        In their place: names the target, the features, and what varies with which key.

    Examples
    --------
    >>> Grouping(("event",), effects=("station", "region:site")).keys
    ('event', 'station', 'region', 'site')
    >>> Grouping(formula="pga ~ magnitude + (1 | event)").asked
    {'formula': 'pga ~ magnitude + (1 | event)'}
    """

    group: tuple[str, ...] = ()
    effects: tuple[str, ...] = ()
    formula: str = ""

    @cached_property
    def stated(self) -> Formula | None:
        """The formula as values; None without one.

        Raises
        ------
        InvalidInput
            If it cannot be parsed or names no target, or effects are given too.
        """
        if not self.formula:
            return None
        if self.effects:
            problem = "--formula says already what varies."
            raise invalid("--effects", shown(self.effects), problem, "Leave one of the two out.")
        found = parse(self.formula)
        if not found.response:
            raise invalid("--formula", self.formula, "It names no target.", 'Write "target ~ ...".')
        return found

    @property
    def varying(self) -> tuple[str, ...]:
        """Columns of labels that the effects need."""
        columns = (column for key in self.effects for column in Effect(key).columns)
        return tuple(dict.fromkeys(columns)) if self.stated is None else self.stated.keys

    @property
    def keys(self) -> tuple[str, ...]:
        """Keys of the groups of a table."""
        return (*self.group, *(key for key in self.varying if key not in self.group))

    @property
    def asked(self) -> dict[str, Any]:
        """What is asked of models with effects, as parameters of those that take it."""
        options = {"effects": list(self.effects), "formula": self.formula}
        return {name: value for name, value in options.items() if value}

    def target(self, given: str) -> str:
        """Return the target: the one that is given, or that of the formula, which must not be another."""
        response = given if self.stated is None else self.stated.response
        if given not in ("", response):
            raise invalid("--target", given, f"The target of --formula is {response!r}.", "Leave it out.")
        return response

    def features(self, given: tuple[str, ...]) -> tuple[str, ...]:
        """Return the features: those that are given, or those of the formula."""
        if given and self.stated is not None:
            problem = "--formula names the features already."
            raise invalid("--features", shown(given), problem, "Leave one of the two out.")
        return given if self.stated is None else self.stated.features

    def of(self, dataset: Dataset) -> Dataset:
        """Return a data set that has its groups already with those of ``group`` first.

        A published split holds for the first key of the data set only.

        Raises
        ------
        InvalidInput
            If a key is none of its groups, or the formula is of another target.
        """
        self._refuse_others(dataset)
        own = [str(key) for key in dataset.groups]
        order = [*self.group, *(key for key in own if key not in self.group)]
        origin = dataset.origin if order[:1] == own[:1] else replace(dataset.origin, split={})
        return replace(dataset, groups=dataset.groups[order], origin=origin)

    def _refuse_others(self, dataset: Dataset) -> None:
        target = str(dataset.y.name)
        if self.stated is not None and self.stated.response != target:
            problem = f"The target of {dataset.name} is {target!r}."
            raise invalid("--formula", self.formula, problem, f"Begin it with {target} ~.")
        for option, keys in (("--group", self.group), ("--formula" if self.formula else "--effects", self.varying)):
            for key in keys:
                if key not in dataset.groups:
                    remedy = did_you_mean(key, map(str, dataset.groups))
                    raise invalid(option, key, f"{dataset.name} has no groups of that name.", remedy)


NO_GROUPS = Grouping()


def grouping_of(stated: Mapping[str, Any]) -> Grouping:
    """Return the grouping that a manifest states.

    Examples
    --------
    >>> grouping_of({"group": ["well"], "effects": [], "formula": ""})
    Grouping(group=('well',), effects=(), formula='')
    """
    return Grouping(tuple(stated["group"]), tuple(stated["effects"]), stated["formula"])
