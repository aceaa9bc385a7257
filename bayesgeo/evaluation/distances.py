"""How far test rows are from the rows that a model learned from, as a group of the Evidence."""

import numpy as np
import xarray as xr

from bayesgeo.datasets.base import Dataset
from bayesgeo.datasets.split import Split
from bayesgeo.evaluation.residuals import MAPS
from bayesgeo.metrics.distances import map_over, to_nearest


def distances_group(dataset: Dataset, split: Split) -> xr.Dataset | None:
    """Measure distances of test rows to training rows, of rows to other rows, and of a map's points to rows.

    Folds ask what a map asks where the first are as the last (Milà et al. 2022, Methods in Ecology and Evolution
    13:1304; Meyer and Pebesma 2022, Nature Communications 13:2208). The map is a regular grid over the convex hull of
    the rows.

    Parameters
    ----------
    dataset : Dataset
        Every row.
    split : Split
        Its folds.

    Returns
    -------
    xarray.Dataset or None
        ``to_training (obs)``, from each test row to the nearest training row of its fold, in the order of the folds;
        ``to_row (obs)``, to the nearest other row; ``of_map (point)``. Attributes ``unit`` (km of longitude and
        latitude) and ``axes``. None where fewer than two rows have a place.
    """
    known = dataset.place_values()
    pair = next((names for names in MAPS if set(names) <= set(known)), None)
    if pair is None:
        return None
    places = {name: known[name] for name in pair}
    if np.isfinite(list(places.values())).all(axis=0).sum() < 2:
        return None
    to_training = [to_nearest(_of(places, test), _of(places, train)) for train, test in split.folds]
    tested = np.concatenate([test for _, test in split.folds])
    measured = {
        "to_training": ("obs", np.concatenate(to_training)),
        "to_row": ("obs", to_nearest(places, places, others=True)[tested]),
        "of_map": ("point", to_nearest(map_over(places), places)),
    }
    units = {str(dataset.coordinates[name].attrs.get("units", "")) for name in pair}
    unit = "km" if pair == MAPS[0] else units.pop() if len(units) == 1 else ""
    return xr.Dataset(measured, attrs={"unit": unit, "axes": ", ".join(pair)})


def _of(places: dict[str, np.ndarray], rows: np.ndarray) -> dict[str, np.ndarray]:
    return {name: values[rows] for name, values in places.items()}
