"""Where the rows of a run come from and how they are split, as data that a manifest keeps."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from bayesgeo._check import did_you_mean, invalid, shown
from bayesgeo.datasets.base import Dataset
from bayesgeo.datasets.registry import load, titles
from bayesgeo.datasets.split import Split, split
from bayesgeo.datasets.tables.codes import codes_of
from bayesgeo.datasets.tables.read import read_table
from bayesgeo.models.effects.formula import Formula, parse
from bayesgeo.models.effects.terms import Effect

ROLES = ("positive", "time", "task")
OF_TABLES = ("target", *ROLES, "codes")
LISTS = ("group", "features", "drop", "effects")


@dataclass(frozen=True)
class Rows:
    """A data set by name, or a table and the roles of its columns.

    Parameters
    ----------
    data : str
        Name of a data set, or path of a table.
    target, positive, time, task : str
        As of :func:`bayesgeo.read_table`; empty for a data set by name, which has its own.
    group : tuple of str
        Keys of the groups, of which the first is kept together by the split. Of a data set by name, those of its own
        keys that come first.
    features, drop : tuple of str
        Columns to learn from, and columns to leave out.
    missing : {"refuse", "drop"}
        What to do with rows where a value is missing.
    codes : str
        Numbers that stand for missing values, separated by commas; ``none``, or empty to look for them.
    effects : tuple of str
        Keys whose groups have effects in the models that have any; they are keys of the groups too.
    formula : str
        In their place: names the target, the features, and what varies with which key.
    """

    data: str
    target: str = ""
    group: tuple[str, ...] = ()
    features: tuple[str, ...] = ()
    drop: tuple[str, ...] = ()
    positive: str = ""
    missing: str = "refuse"
    time: str = ""
    task: str = ""
    codes: str = ""
    effects: tuple[str, ...] = ()
    formula: str = ""

    @cached_property
    def stated(self) -> Formula | None:
        """The formula as values; None without one.

        Raises
        ------
        InvalidInput
            If it cannot be parsed, has no response, or another option says otherwise.
        """
        if not self.formula:
            return None
        for name in ("features", "effects"):
            if getattr(self, name):
                problem = f"--formula names the {name} already."
                raise invalid(f"--{name}", shown(getattr(self, name)), problem, "Leave one of the two out.")
        found = parse(self.formula)
        if not found.response:
            raise invalid("--formula", self.formula, "It names no target.", 'Write "target ~ ...".')
        if self.target not in ("", found.response):
            raise invalid("--target", self.target, f"The target of --formula is {found.response!r}.", "Leave it out.")
        return found

    @property
    def keys(self) -> tuple[str, ...]:
        """Columns of labels that the effects need.

        Examples
        --------
        >>> Rows("shaking.csv", effects=("event", "region:site")).keys
        ('event', 'region', 'site')
        """
        stated = self.stated
        columns = (column for key in self.effects for column in Effect(key).columns)
        return tuple(dict.fromkeys(columns)) if stated is None else stated.keys

    @property
    def model_options(self) -> dict[str, Any]:
        """What is asked of models that have effects, as parameters of those that take it."""
        asked = {"effects": list(self.effects), "formula": self.formula}
        return {name: value for name, value in asked.items() if value}

    def dataset(self) -> Dataset:
        """Load the data set or read the table.

        Raises
        ------
        InvalidInput
            If ``data`` is neither, or an option does not suit it.
        """
        if self.data in titles():
            return self._by_name()
        if not Path(self.data).exists():
            raise invalid("data", self.data, "It is neither a data set nor a file.", did_you_mean(self.data, titles()))
        target = self.stated.response if self.stated else self.target
        if not target:
            raise invalid("--target", "", "A table needs a column to predict.", "Add --target NAME.")
        roles: dict[str, Any] = {name: getattr(self, name) or None for name in ROLES}
        missing: Any = self.missing
        group = (*self.group, *(key for key in self.keys if key not in self.group)) or None
        roles |= {"group": group, "features": self._wanted or None, "drop": self.drop, "missing": missing}
        return read_table(self.data, target=target, codes=codes_of(self.codes), **roles)

    @property
    def _wanted(self) -> tuple[str, ...]:
        return self.stated.features if self.stated else self.features

    def _by_name(self) -> Dataset:
        for name in OF_TABLES:
            if getattr(self, name):
                problem = f"{self.data} has its own; --{name} is for tables."
                raise invalid(f"--{name}", getattr(self, name), problem, "Leave it out.")
        dataset = load(self.data)
        if self.stated and self.stated.response != dataset.y.name:
            problem = f"The target of {self.data} is {str(dataset.y.name)!r}."
            raise invalid("--formula", self.formula, problem, f"Begin it with {dataset.y.name} ~.")
        for option, keys in (("--group", self.group), ("--formula" if self.formula else "--effects", self.keys)):
            for key in keys:
                if key not in dataset.groups:
                    remedy = did_you_mean(key, map(str, dataset.groups))
                    raise invalid(option, key, f"{self.data} has no groups of that name.", remedy)
        kept = list(self._wanted) or [name for name in dataset.features if name not in self.drop]
        dataset = grouped_first(dataset, self.group)
        return dataset if kept == dataset.features else dataset.with_features(kept)


def grouped_first(dataset: Dataset, keys: tuple[str, ...]) -> Dataset:
    """Return a data set with these keys of its groups first; a published split holds for its own first key only.

    Examples
    --------
    >>> list(grouped_first(load("seismic_events"), ("site",)).groups)
    ['site']
    """
    own = [str(key) for key in dataset.groups]
    order = [*keys, *(key for key in own if key not in keys)]
    origin = dataset.origin if order[:1] == own[:1] else replace(dataset.origin, split={})
    return replace(dataset, groups=dataset.groups[order], origin=origin)


@dataclass(frozen=True)
class Source:
    """Rows and how they are split, from which a run's data set and folds can be made again.

    Parameters
    ----------
    rows : Rows
        Data set by name, or table with its roles.
    split : str
        Kind of the split; empty for the usual one.
    folds : int
        Number of folds, where the split has a choice.
    test : str
        Year or date at which the test part of a temporal split begins.
    seed : int
        Seed of the folds.
    """

    rows: Rows
    split: str = ""
    folds: int = 5
    test: str = ""
    seed: int = 0

    def folds_of(self, dataset: Dataset) -> Split:
        """Split the data set."""
        start = int(self.test) if self.test.isdecimal() else self.test or None
        return split(dataset, self.split or None, folds=self.folds, seed=self.seed, test=start)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for a manifest; the path of a table becomes absolute.

        Examples
        --------
        >>> Source(Rows("seismic_events"), folds=3).to_dict()["rows"]["data"]
        'seismic_events'
        """
        named = self.rows.data in titles()
        rows = self.rows if named else replace(self.rows, data=str(Path(self.rows.data).resolve()))
        return asdict(replace(self, rows=rows))


def source_of(manifest: Mapping[str, Any], run: str | Path) -> Source:
    """Return the source that a manifest states.

    Raises
    ------
    InvalidInput
        If the run was made by a script, from a data set in memory, or its source is of another version.
    """
    stated = manifest.get("source")
    if stated is None:
        problem = "It was made by a script, from a data set in memory."
        raise invalid("run", str(run), problem, "Use bayesgeo.models.distill in your script.")
    known = {field.name for field in fields(Source)}, {field.name for field in fields(Rows)}
    same = set(stated) == known[0] and set(stated["rows"]) == known[1]
    if not same or any(isinstance(stated["rows"][name], str) for name in LISTS):
        raise invalid("run", str(run), "Its source is of another version.", "Run the comparison again.")
    lists = {name: tuple(stated["rows"][name]) for name in LISTS}
    return Source(**stated | {"rows": Rows(**stated["rows"] | lists)})
