"""From the cells of a grid to rows that a model predicts."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from bayesgeo.datasets.columns import LARGEST, Column, encode, texts
from bayesgeo.datasets.tables.codes import as_far_as_numbers

Reader = Callable[[pd.DataFrame, np.ndarray], "Cells"]


@dataclass(frozen=True, eq=False)
class Cells:
    """Those cells of a strip that can be predicted, as rows.

    Parameters
    ----------
    X : xarray.DataArray
        ``(obs, feature)``. All rows have one name: a model that draws the effect of a group without a label by the name
        of the row gives all cells of a map the same draws, and not a speckle.
    at : numpy.ndarray
        ``(obs,)`` positions of the cells in the strip.
    groups, coordinates : mapping of str to numpy.ndarray
        ``(obs,)`` labels and numbers by name.
    """

    X: xr.DataArray
    at: np.ndarray
    groups: Mapping[str, np.ndarray] = field(default_factory=dict)
    coordinates: Mapping[str, np.ndarray] = field(default_factory=dict)

    @property
    def labels(self) -> dict[str, Any]:
        """Groups and coordinates, as keywords of a prediction."""
        return {"groups": self.groups, "coordinates": self.coordinates}


def usable(frame: pd.DataFrame, columns: Sequence[Column]) -> np.ndarray:
    """Tell which rows have every feature: numbers are there and finite, categories are known.

    A number that training filled may be missing here too, but not all of them in one row: a cell without any number is
    outside the grid.

    Examples
    --------
    >>> frame = pd.DataFrame({"slope": [1.0, np.nan, 2.0], "rock": ["sand", "sand", "lava"]})
    >>> usable(frame, [Column("slope"), Column("rock", levels=("sand", "shale"))]).tolist()
    [True, False, False]
    """
    kept, held = np.ones(len(frame), bool), np.zeros(len(frame), bool)
    for column in columns:
        known = _known(frame[column.name], column)
        held |= known
        if column.fill is None:
            kept &= known
    return kept & (held if columns else True)


def cells_of(frame: pd.DataFrame, columns: Sequence[Column], features: Sequence[str], counted: np.ndarray) -> Cells:
    """Turn the usable rows of a strip into features, in the order of the model.

    Parameters
    ----------
    frame : pandas.DataFrame
        The cells of a strip.
    columns : sequence of Column
        How columns become features.
    features : sequence of str
        The features of the model.
    counted : numpy.ndarray
        Which cells to predict.

    Examples
    --------
    >>> frame = pd.DataFrame({"slope": [1.0, np.nan, 2.0]})
    >>> cells_of(frame, [Column("slope")], ["slope"], np.array([True, True, True])).at.tolist()
    [0, 2]
    """
    encode(frame.iloc[:0], columns)  # refuses a column that is not there
    at = np.flatnonzero(counted & usable(frame, columns))
    kept = frame.iloc[at]
    gaps = {c.name: kept[c.name].where(_known(kept[c.name], c)) for c in columns if c.fill is not None}
    X = encode(kept.assign(**gaps), columns).sel(feature=list(features))
    return Cells(X.assign_coords(obs=np.zeros(len(at), int)), at)


def _known(values: pd.Series, column: Column) -> np.ndarray:
    if column.levels:
        return texts(values).isin(column.levels).to_numpy()
    return (as_far_as_numbers(values).abs() <= LARGEST).to_numpy()
