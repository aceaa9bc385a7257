"""Joint probability tables over named variables: dimensions are variables, coordinates outcomes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
import xarray as xr

from bayesgeo._check import invalid, positive
from bayesgeo.probability.base import (
    Gridded,
    checked_mass,
    checked_outcomes,
    is_set,
    known_variables,
    selected,
    trusted,
)

SUM_TOLERANCE = 1e-9


@dataclass(frozen=True, eq=False, repr=False)
class Discrete(Gridded):
    """Hold the joint probability table of named variables.

    Parameters
    ----------
    table : xarray.DataArray
        One dimension for each variable, its coordinate the outcomes; cells are probabilities. Copied.

    Raises
    ------
    InvalidInput
        If a cell is negative or not finite, the cells do not sum to one within 1e-9, a dimension has
        no outcomes, or an outcome is repeated.

    Examples
    --------
    >>> joint = Discrete(xr.DataArray([[0.5, 0.2], [0.1, 0.2]],
    ...                               {"event": ["quake", "blast"], "hour": ["night", "day"]}))
    >>> joint
    Discrete(event: 2, hour: 2)
    >>> round(joint.condition(hour="day").probability({"event": "blast"}), 12)
    0.5
    """

    table: xr.DataArray
    _tolerance: ClassVar[float] = SUM_TOLERANCE

    def __post_init__(self) -> None:
        checked_outcomes("table", self.table)
        table = checked_mass("probability", self.table)
        total = float(table.sum())
        if abs(total - 1) > SUM_TOLERANCE:
            raise invalid("table", total, "Its cells do not sum to one.", "Use Discrete.from_counts.")
        object.__setattr__(self, "table", table)

    def __repr__(self) -> str:
        return f"Discrete({', '.join(f'{name}: {n}' for name, n in self.table.sizes.items())})"

    @classmethod
    def from_counts(cls, counts: xr.DataArray, *, pseudocount: float = 0.0) -> Self:
        """Divide counts, or any weights, by their sum.

        Parameters
        ----------
        counts : xarray.DataArray
            As ``table``, without the need to sum to one.
        pseudocount : float
            Added to each cell: the mean of the posterior under a symmetric Dirichlet prior.

        Examples
        --------
        >>> counts = xr.DataArray([3, 0], {"facies": ["sand", "shale"]})
        >>> Discrete.from_counts(counts, pseudocount=0.5).table.values
        array([0.875, 0.125])
        """
        if pseudocount < 0:
            raise invalid("pseudocount", pseudocount, "It must not be negative.")
        checked_outcomes("counts", counts)
        counts = checked_mass("count", counts) + pseudocount
        total = counts.sum()
        if total == 0:
            raise invalid("counts", 0, "They are all zero.", "Give one count, or a pseudocount.")
        return cls(counts / total)

    @classmethod
    def from_rows(cls, rows: Any, *names: str, pseudocount: float = 0.0) -> Self:
        """Count each combination of outcomes among rows.

        Parameters
        ----------
        rows : pandas.DataFrame, xarray.Dataset, Dataset or mapping of str to array
            Columns of equal length. A bayesgeo Dataset gives its features, and its target as ``y``.
        *names : str
            The columns to count.
        pseudocount : float
            As in :meth:`from_counts`.

        Examples
        --------
        >>> rows = {"event": ["quake", "quake", "blast"], "hour": ["day", "night", "day"]}
        >>> float(Discrete.from_rows(rows, "event", "hour").table.sel(event="blast", hour="day"))
        0.3333333333333333
        """
        columns = _columns(rows)
        names = known_variables(names or tuple(columns), tuple(columns))
        levels, codes = zip(*(np.unique(np.asarray(columns[n]), return_inverse=True) for n in names), strict=True)
        counts = np.zeros([len(level) for level in levels])
        np.add.at(counts, codes, 1)
        return cls.from_counts(xr.DataArray(counts, dict(zip(names, levels, strict=True))), pseudocount=pseudocount)

    @property
    def cells(self) -> xr.DataArray:
        """The table itself."""
        return self.table

    @property
    def mass(self) -> xr.DataArray:
        """The table itself."""
        return self.table

    def _with(self, cells: xr.DataArray) -> Self:
        return trusted(type(self), table=cells)

    def _summed(self, array: xr.DataArray, names: tuple[str, ...]) -> xr.DataArray:
        return array.sum(names, skipna=False)

    def _cut(self, cells: xr.DataArray, name: str, choice: Any) -> xr.DataArray:
        marks = selected(cells[name], choice).values
        if not marks.any():
            raise invalid(name, choice, "It is outside the support.", f"Outcomes: {cells[name].values.tolist()[:20]}.")
        at = np.flatnonzero(marks) if is_set(choice) else int(np.argmax(marks))
        return cells.isel({name: at}).reset_coords(drop=True)

    def sample(self, n: int, *, seed: int) -> xr.Dataset:
        """Draw independent outcomes.

        Examples
        --------
        >>> coin = Discrete(xr.DataArray([0.5, 0.5], {"coin": ["head", "tail"]}))
        >>> coin.sample(1000, seed=1).sizes
        Frozen({'chain': 1, 'draw': 1000})
        """
        positive("n", n, integer=True)
        drawn = np.random.default_rng(seed).choice(self.table.size, size=n, p=self.table.values.ravel())
        cells = np.unravel_index(drawn, self.table.shape)
        return xr.Dataset(
            {
                name: (("chain", "draw"), self.table[name].values[cell][None])
                for name, cell in zip(self.names, cells, strict=True)
            }
        )


def _columns(rows: Any) -> Mapping[str, Any]:
    if hasattr(rows, "X") and hasattr(rows, "y"):
        target = np.asarray(rows.labels)[rows.y] if rows.labels else rows.y
        features = {str(name): rows.X.sel(feature=name) for name in rows.X["feature"].values}
        return {"y": target, **features}
    return {str(name): rows[name] for name in rows}
