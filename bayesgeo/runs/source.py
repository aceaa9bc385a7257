"""Where the rows of a run come from and how they are split, as data that a manifest keeps."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from bayesgeo._check import did_you_mean, invalid
from bayesgeo.datasets.base import Dataset
from bayesgeo.datasets.registry import load, titles
from bayesgeo.datasets.split import Split, split
from bayesgeo.datasets.tables.codes import codes_of
from bayesgeo.datasets.tables.read import read_table
from bayesgeo.runs.grouping import NO_GROUPS, Grouping, grouping_of

ROLES = ("positive", "time", "task")
OF_TABLES = ("target", *ROLES, "codes")
LISTS = ("features", "drop")


@dataclass(frozen=True)
class Rows:
    """A data set by name, or a table and the roles of its columns.

    Parameters
    ----------
    data : str
        Name of a data set, or path of a table.
    target, positive, time, task : str
        As of :func:`bayesgeo.read_table`; empty for a data set by name, which has its own.
    grouping : Grouping
        Keys of the groups, and what varies with them.
    features, drop : tuple of str
        Columns to learn from, and columns to leave out.
    missing : {"refuse", "drop"}
        What to do with rows where a value is missing.
    codes : str
        Numbers that stand for missing values, separated by commas; ``none``, or empty to look for them.
    """

    data: str
    target: str = ""
    grouping: Grouping = NO_GROUPS
    features: tuple[str, ...] = ()
    drop: tuple[str, ...] = ()
    positive: str = ""
    missing: str = "refuse"
    time: str = ""
    task: str = ""
    codes: str = ""

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
        target = self.grouping.target(self.target)
        if not target:
            raise invalid("--target", "", "A table needs a column to predict.", "Add --target NAME.")
        roles: dict[str, Any] = {name: getattr(self, name) or None for name in ROLES}
        missing: Any = self.missing
        roles |= {"group": self.grouping.keys or None, "features": self.grouping.features(self.features) or None}
        return read_table(
            self.data, target=target, drop=self.drop, missing=missing, codes=codes_of(self.codes), **roles
        )

    def _by_name(self) -> Dataset:
        for name in OF_TABLES:
            if getattr(self, name):
                problem = f"{self.data} has its own; --{name} is for tables."
                raise invalid(f"--{name}", getattr(self, name), problem, "Leave it out.")
        dataset = self.grouping.of(load(self.data))
        wanted = self.grouping.features(self.features)
        kept = list(wanted) or [name for name in dataset.features if name not in self.drop]
        return dataset if kept == dataset.features else dataset.with_features(kept)


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
    parts = ((stated, Source), (stated.get("rows", {}), Rows), (stated.get("rows", {}).get("grouping", {}), Grouping))
    if any(set(part) != {field.name for field in fields(kind)} for part, kind in parts):
        raise invalid("run", str(run), "Its source is of another version.", "Run the comparison again.")
    typed: dict[str, Any] = {name: tuple(stated["rows"][name]) for name in LISTS}
    typed["grouping"] = grouping_of(stated["rows"]["grouping"])
    return Source(**stated | {"rows": Rows(**stated["rows"] | typed)})
