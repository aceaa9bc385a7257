"""Split data sets into folds that keep groups, places or times apart."""

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import sklearn.model_selection as skl

from bayesgeo._check import invalid, one_of, positive, seed_number, shown
from bayesgeo.datasets.base import Dataset
from bayesgeo.datasets.dealing import ALWAYS_TRAINS, by_number, dealt_within

Fold = tuple[np.ndarray, np.ndarray]
KINDS = (
    "group",
    "leave-one-group-out",
    "within-group",
    "spatial",
    "temporal",
    "random",
    "leave-one-out",
    "holdout",
    "published",
)
HOLDOUT = 0.20
BLOCKS_PER_SIDE = 10
STRETCHES = 20  # of the test part of a temporal split
MANY_POSITIONS = 20_000_000


@dataclass(frozen=True, eq=False)
class Split:
    """Folds of rows, and the group that they keep apart.

    Parameters
    ----------
    kind : str
        One of :data:`KINDS`.
    folds : tuple of (ndarray, ndarray)
        Positions of the training rows and of the test rows, sorted.
    group : str, optional
        Name of the group that is never on both sides of a fold; None if no group is kept apart.
    sentence : str
        The split in one sentence, for a report.
    blocks : numpy.ndarray, optional
        ``(obs,)`` for each row of the data set a number of the block of the map, or stretch of time, that counts as one
        where chance is measured; without them, the groups of the data set do, or else its rows.

    Examples
    --------
    >>> halves = np.arange(2), np.arange(2, 4)
    >>> split = Split("random", (halves, halves[::-1]), None, "Rows were split at random into 2 folds.")
    >>> len(split.folds), len(split.sha256)
    (2, 64)
    """

    kind: str
    folds: tuple[Fold, ...]
    group: str | None
    sentence: str
    blocks: np.ndarray | None = None

    @property
    def sha256(self) -> str:
        """Hash of the kind and of every position."""
        digest = hashlib.sha256(self.kind.encode())
        for part in (part for fold in self.folds for part in fold):
            digest.update(f"/{part.size}:".encode())
            digest.update(np.ascontiguousarray(part, dtype="<i8").tobytes())
        return digest.hexdigest()


def split(dataset: Dataset, kind: str | None = None, *, folds: int = 5, seed: int = 0, test: Any = None) -> Split:
    """Split a data set so that its test rows resemble the rows to predict.

    Parameters
    ----------
    dataset : Dataset
        Data set to split.
    kind : str, optional
        ``"group"``: whole groups, classes balanced over the folds; ``"leave-one-group-out"``; ``"within-group"``:
        rows of each group, so that the question is about new rows of known groups; ``"spatial"``: square blocks of
        the map; ``"temporal"``: the last part of the record; ``"random"`` rows; ``"leave-one-out"``; ``"holdout"``: a
        fifth, by group if there are groups; ``"published"``: folds by the coordinate ``fold`` of the data set.
        As published with the data set by default, else by group (one at a time if they are fewer
        than the folds), else at random.
    folds : int
        Number of folds, where the kind has a choice.
    seed : int
        Same seed, same folds.
    test : optional
        For ``"temporal"``: the year, or the date, at which the test part begins; the last fifth of the
        rows by default.

    Returns
    -------
    Split
        Folds of positions; every row is tested at most once.

    Raises
    ------
    InvalidInput
        If the kind needs groups, coordinates or times that the data set lacks, or more of them, or the seed is not a
        whole number from 0 to 2**32 - 1.

    Examples
    --------
    >>> from bayesgeo.datasets import load
    >>> parts = split(load("seismic_events"), folds=4)
    >>> parts.kind, parts.group, len(parts.folds)
    ('group', 'site', 4)
    """
    options = {"folds": folds, "seed": seed_number("seed", seed), "test": test}
    if kind is None:
        declared = dict(dataset.split) or {"kind": _usual(dataset, folds)}
        kind = str(declared.pop("kind"))
        options["test"] = declared.get("test") if test is None else test
    one_of("split", kind, KINDS)
    if dataset.n_rows < 2:
        raise invalid("table", dataset.name, "It has one row; a split needs two.", "Give more rows.")
    return _MAKERS[kind](dataset, **options)


def _usual(dataset: Dataset, folds: int) -> str:
    if dataset.group is None:
        return "random"
    return "group" if np.unique(dataset.group.values).size >= folds else "leave-one-group-out"


def _by_group(dataset: Dataset, folds: int, seed: int, **_: Any) -> Split:
    groups = _groups(dataset, _whole("folds", folds, least=2))
    kinds = {"classification": skl.StratifiedGroupKFold, "regression": skl.GroupKFold}
    splitter = kinds[dataset.task](folds, shuffle=True, random_state=seed)
    name = _group_name(dataset)
    sentence = f"{folds} folds of whole groups: no {name} is on both sides."
    return Split("group", _sorted(_cut(splitter, dataset, groups)), name, sentence)


def _by_left_out_group(dataset: Dataset, **_: Any) -> Split:
    groups = _groups(dataset, 2)
    _refuse_many(dataset, int(groups.max()) + 1)
    name = _group_name(dataset)
    folds = _sorted(skl.LeaveOneGroupOut().split(dataset.X.values, groups=groups))
    sentence = f"Each {name} left out once, {len(folds)} in all: the test is a {name} never seen."
    return Split("leave-one-group-out", folds, name, sentence)


def _within_group(dataset: Dataset, folds: int, seed: int, **_: Any) -> Split:
    numbers = dealt_within(_groups(dataset, 1, "within-group"), _whole("folds", folds, least=2), seed)
    name = _group_name(dataset)
    alone = int((numbers == ALWAYS_TRAINS).sum())
    sentence = f"{folds} folds of rows within groups: the question is about new rows of known groups ({name}), not of"
    sentence += f" a new {name}." + f" Rows alone in their group ({alone}) always train." * (alone > 0)
    return Split("within-group", by_number(numbers), None, sentence)


def _as_published(dataset: Dataset, **_: Any) -> Split:
    if "fold" not in dataset.coordinates:
        problem = "The data set has no published folds: no coordinate fold."
        raise invalid("split", "published", problem, "Choose another split.")
    numbers = dataset.coordinates["fold"].values
    folds = by_number(numbers) if numbers.dtype.kind in "iu" else ()
    if len(folds) < 2:
        problem = "Its coordinate fold is no whole number, or the same for all rows."
        raise invalid("split", "published", problem, "Give the number of the fold that tests each row.")
    name = next((key for key, labels in dataset.group_labels().items() if _keeps_apart(folds, labels)), None)
    sentence = f"The {len(folds)} folds published with the data set"
    return Split("published", folds, name, sentence + (f": no {name} is on both sides." if name else "."))


def _keeps_apart(folds: tuple[Fold, ...], labels: np.ndarray) -> bool:
    return not any(np.isin(labels[test], labels[train]).any() for train, test in folds)


def _by_block(dataset: Dataset, folds: int, seed: int, **_: Any) -> Split:
    import verde

    _whole("folds", folds, least=2)
    places, names = _places(dataset)
    spacing = float(np.ptp(places, axis=0).max()) / BLOCKS_PER_SIDE
    if not spacing > 0:
        raise invalid("coordinates", names, "All rows are at one place.", "Choose another split.")
    blocks = verde.block_split(tuple(places.T), spacing=spacing)[1]
    splitter = verde.BlockKFold(spacing=spacing, n_splits=folds, shuffle=True, random_state=seed)
    try:
        parts = _sorted(splitter.split(places))
    except ValueError as error:
        problem = f"The rows fall into fewer than {folds} blocks of {spacing:.3g}."
        raise invalid("folds", folds, problem, "Give fewer folds, or split by group.") from error
    sentence = f"{folds} folds of map blocks of {spacing:.3g} ({names[0]}, {names[1]}): no block is on both sides."
    return Split("spatial", parts, "block", sentence, blocks)


def _by_time(dataset: Dataset, test: Any, **_: Any) -> Split:
    if "time" not in dataset.coordinates:
        problem = "The data set has no times."
        raise invalid("split", "temporal", problem, "Name the column of times with time, or split otherwise.")
    times = pd.to_datetime(pd.Series(dataset.coordinates["time"].values))
    if times.isna().any():
        where = shown(dataset.X["obs"].values[times.isna()])
        raise invalid("time", "", f"It is missing at row {where}.", "Fill it, or leave those rows out.")
    cut = times.sort_values().iloc[int((1 - HOLDOUT) * len(times))] if test is None else _date(test)
    late = (times >= cut).to_numpy()
    if late.all() or not late.any():
        span = f"{times.min():%Y-%m-%d} to {times.max():%Y-%m-%d}"
        problem = f"One side is empty: the rows run from {span}."
        raise invalid("test", str(test), problem, "Give a date between them.")
    fold = (np.flatnonzero(~late), np.flatnonzero(late))
    sentence = f"Trained before {cut:%Y-%m-%d} ({fold[0].size} rows), tested from then on ({fold[1].size})."
    return Split("temporal", (fold,), None, sentence, _stretches(times, fold[1]))


def _stretches(times: pd.Series, test: np.ndarray) -> np.ndarray:
    """Return the stretch of time of each row, each with about as many test rows; -1 for training rows."""
    found = np.full(len(times), -1)
    # Rows of one time stay together.
    order = times.iloc[test].rank(method="min").to_numpy(int) - 1
    found[test] = order * STRETCHES // len(test)
    return found


def _by_chance(dataset: Dataset, folds: int, seed: int, **_: Any) -> Split:
    _whole("folds", folds, least=2)
    if folds > dataset.n_rows:
        raise invalid("folds", folds, f"There are only {dataset.n_rows} rows.", "Give fewer folds.")
    strata = _can_stratify(dataset, folds)
    splitter = (skl.StratifiedKFold if strata else skl.KFold)(folds, shuffle=True, random_state=seed)
    sentence = f"{folds} folds of rows at random: rows that belong together may be on both sides."
    return Split("random", _sorted(_cut(splitter, dataset)), None, sentence)


def _by_left_out_row(dataset: Dataset, **_: Any) -> Split:
    _refuse_many(dataset, dataset.n_rows)
    folds = _sorted(skl.LeaveOneOut().split(dataset.X.values))
    return Split("leave-one-out", folds, None, f"Each of the {len(folds)} rows left out once.")


def _by_holdout(dataset: Dataset, seed: int, **_: Any) -> Split:
    if dataset.group is None:
        strata = dataset.y.values if _can_stratify(dataset, 2) else None
        whole = np.arange(dataset.n_rows)
        fold = skl.train_test_split(whole, test_size=HOLDOUT, random_state=seed, stratify=strata)
        sentence = "A fifth of the rows, at random, held out once."
        return Split("holdout", _sorted([fold]), None, sentence)
    groups = _groups(dataset, 2)
    splitter = skl.GroupShuffleSplit(1, test_size=HOLDOUT, random_state=seed)
    name = _group_name(dataset)
    sentence = f"A fifth of the groups held out once: no {name} is on both sides."
    return Split("holdout", _sorted(_cut(splitter, dataset, groups)), name, sentence)


_MAKERS: dict[str, Callable[..., Split]] = {
    "group": _by_group,
    "leave-one-group-out": _by_left_out_group,
    "within-group": _within_group,
    "spatial": _by_block,
    "temporal": _by_time,
    "random": _by_chance,
    "leave-one-out": _by_left_out_row,
    "holdout": _by_holdout,
    "published": _as_published,
}


def _cut(splitter: Any, dataset: Dataset, groups: np.ndarray | None = None) -> Iterable[Fold]:
    return splitter.split(dataset.X.values, dataset.y.values, groups)


def _sorted(folds: Iterable[Fold]) -> tuple[Fold, ...]:
    return tuple((np.sort(train), np.sort(test)) for train, test in folds)


def _groups(dataset: Dataset, least: int, kind: str = "group") -> np.ndarray:
    if dataset.group is None:
        remedy = "Name the column of groups (well, site, event) with group, or split at random."
        raise invalid("split", kind, "The data set has no groups.", remedy)
    names, codes = np.unique(dataset.group.values.astype(str), return_inverse=True)
    if names.size < least:
        problem = f"There are {names.size} groups ({shown(names)}) for {least} folds."
        raise invalid("folds", least, problem, "Give fewer folds, or another group column.")
    return codes


def _refuse_many(dataset: Dataset, n_folds: int) -> None:
    if n_folds * dataset.n_rows > MANY_POSITIONS:
        problem = f"{n_folds} folds of {dataset.n_rows} rows need as many fits."
        raise invalid("split", f"{n_folds} folds", problem, "Split by group or at random into fewer folds.")


def _group_name(dataset: Dataset) -> str:
    return "group" if dataset.group is None else str(dataset.group.name)


def _places(dataset: Dataset) -> tuple[np.ndarray, tuple[str, str]]:
    for names in (("easting", "northing"), ("longitude", "latitude"), ("x", "y")):
        if set(names) <= set(dataset.coordinates):
            places = np.column_stack([dataset.coordinates[name].values for name in names])
            lost = dataset.X["obs"].values[~np.isfinite(places).all(axis=1)]
            if lost.size:
                raise invalid("coordinates", names, f"Missing at row {shown(lost)}.", "Fill them.")
            return places, names
    remedy = "Name two columns longitude and latitude, or easting and northing."
    raise invalid("split", "spatial", "The data set has no places on a map.", remedy)


def _can_stratify(dataset: Dataset, folds: int) -> bool:
    return dataset.task == "classification" and int(np.bincount(dataset.y.values).min()) >= folds


def _date(test: Any) -> pd.Timestamp:
    try:
        return pd.Timestamp(year=test, month=1, day=1) if isinstance(test, int) else pd.Timestamp(test)
    except (TypeError, ValueError, OverflowError) as error:
        raise invalid("test", test, "It is not a date.", "Give a year (2022) or a date ('2022-06-01').") from error


def _whole(name: str, value: int, *, least: int) -> int:
    positive(name, value, integer=True)
    if value < least:
        raise invalid(name, value, f"At least {least} are needed.")
    return value


__all__ = ["KINDS", "Split", "split"]
