"""Training rows that a run keeps, to tell how far new rows are from what its scores were measured on."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from bayesgeo._arrays import spaced
from bayesgeo._check import InvalidInput, invalid
from bayesgeo._files import atomic_file
from bayesgeo._files.reading import read_bytes
from bayesgeo.datasets.base import Dataset
from bayesgeo.datasets.split import Split
from bayesgeo.maps.applicability import AreaOfApplicability, area_of_applicability
from bayesgeo.metrics.detection import distance_to_training

FILE = "reference.safetensors"
ROWS, NUMBERS, FOLDS = 2000, 4_000_000, 20
TESTED = 0.99
TIES = 1e-9


@dataclass(frozen=True, eq=False)
class Reference:
    """Training rows evenly spaced through the table, and the distance beyond which a row is far from them.

    Parameters
    ----------
    rows : numpy.ndarray
        ``(row, feature)``, 2,000 at most.
    limit : float
        Distance that 99 % of the test rows had at most from the training rows of their fold, in standard deviations.
        What the scores of the run say, they say of rows as near as that.
    fold : numpy.ndarray, optional
        ``(row,)`` number of the fold that tests each row, -1 for none.

    Examples
    --------
    >>> reference = Reference(np.array([[0.0], [2.0]]), limit=1.5)
    >>> reference.distance(np.array([[3.0], [9.0]])), reference.far(np.array([1.0, 7.0]))
    (array([1., 7.]), array([False,  True]))
    """

    rows: np.ndarray
    limit: float
    fold: np.ndarray | None = None

    @cached_property
    def area(self) -> AreaOfApplicability:
        """The area of applicability of these rows over their folds, every feature that varies weighing the same."""
        varies = np.ptp(self.rows, axis=0) > 0
        return area_of_applicability(self.rows, folds=self._pairs() or None, weights=varies.astype(float))

    def _pairs(self) -> list[tuple[np.ndarray, np.ndarray]]:
        # Where each row is a fold, one is left out at a time, which needs no fold to be told.
        if self.fold is None or len(np.unique(self.fold)) == len(self.fold):
            return []
        parts = [(np.flatnonzero(self.fold != k), np.flatnonzero(self.fold == k)) for k in np.unique(self.fold)]
        return [(train, test) for train, test in parts if train.size and self.fold[test[0]] >= 0]

    def distance(self, X: np.ndarray) -> np.ndarray:
        """Return how far each row of ``(obs, feature)`` is from the nearest training row, in standard deviations."""
        return distance_to_training(self.rows, X)

    def far(self, distance: np.ndarray) -> np.ndarray:
        """Tell which distances are beyond the limit."""
        return distance > self.limit * (1 + TIES)


def reference_of(dataset: Dataset, by: Split) -> Reference:
    """Choose the reference rows of a data set, and measure the limit on its folds.

    Examples
    --------
    >>> from bayesgeo.datasets import load
    >>> from bayesgeo.datasets.split import split
    >>> events = load("seismic_events")
    >>> reference = reference_of(events, split(events))
    >>> reference.rows.shape, bool(0.1 < reference.limit < 10)
    ((2000, 10), True)
    """
    fold = np.full(dataset.n_rows, -1)
    for k, (_, test) in enumerate(by.folds):
        fold[test] = k
    limit = float(np.quantile(np.concatenate([*_tested(dataset, by)]), TESTED))
    return Reference(_thinned(dataset.X.values), limit, fold[_kept(dataset.X.values)])


def _tested(dataset: Dataset, by: Split) -> Iterator[np.ndarray]:
    X = dataset.X.values
    # As many training rows as the run keeps: the nearest of few is farther than the nearest of many.
    for k in spaced(len(by.folds), FOLDS):
        train, test = by.folds[k]
        yield distance_to_training(_thinned(X[train]), _thinned(X[test]))


def _kept(X: np.ndarray) -> np.ndarray:
    return spaced(len(X), min(ROWS, max(50, NUMBERS // X.shape[1])))


def _thinned(X: np.ndarray) -> np.ndarray:
    return X[_kept(X)]


def save_reference(dataset: Dataset, by: Split, run: Path) -> None:
    """Write the reference of a run into its folder."""
    from safetensors.numpy import save

    found = reference_of(dataset, by)
    with atomic_file(run / FILE) as temporary:
        parts = {
            "rows": np.ascontiguousarray(found.rows, float),
            "limit": np.array([found.limit]),
            "fold": np.asarray(found.fold),
        }
        temporary.write_bytes(save(parts))


def load_reference(run: str | Path, features: int) -> Reference:
    """Read the reference of a run of so many features.

    Raises
    ------
    InvalidInput
        If it is not there, or is not of these features.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    path = Path(run) / FILE
    remedy = "Run the comparison again: the same command writes it."
    try:
        parts = load(read_bytes(path, "reference"))
        rows, limit = parts["rows"].astype(float), float(parts["limit"].item())
        fold = parts["fold"].astype(int)
    except (InvalidInput, SafetensorError, KeyError, ValueError) as error:
        raise invalid("run", str(run), f"Its {FILE} is missing or cannot be read.", remedy) from error
    if (
        rows.ndim != 2
        or rows.shape[1] != features
        or fold.shape != (len(rows) or -1,)
        or not np.isfinite([*rows.ravel(), limit]).all()
    ):
        raise invalid("run", str(run), f"Its {FILE} is not of its {features} features.", remedy)
    return Reference(rows, limit, fold)
