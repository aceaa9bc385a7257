"""Data sets drawn from a known process, with the exact posterior of each row."""

from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from bayesgeo.datasets.assembly import assemble
from bayesgeo.datasets.base import Column, Dataset, Origin
from bayesgeo.datasets.simulation.event_physics import LABELS, SHOT_HOUR, UNITS, draw_table, exact_probability

COLUMNS = (
    Column("magnitude", "ML"),
    Column("magnitude_squared", "ML^2"),
    Column("hour_cos"),
    Column("hour_sin"),
    Column("weekend"),
    Column("log10_ps", "log10"),
    Column("ln_fc_ratio", "ln"),
    Column("log10_fcs", "log10 Hz"),
    Column("ml_minus_mc", "magnitude"),
    Column("n_stations", "count"),
)
LEAKS = {
    "depth": "the analyst fixes blasts at 0 km, so the column is the answer written down",
    "p_blast": "the exact probability itself",
}


def draw_seismic_events(n: int, *, seed: int, **physics: Any) -> Dataset:
    """Draw a data set of earthquakes and quarry blasts whose exact posterior is known.

    Parameters
    ----------
    n : int
        Number of events.
    seed : int
        Same seed, same events.
    **physics
        ``n_sites``, ``site_sd`` and ``prior``, as :func:`draw_table` takes them.

    Returns
    -------
    Dataset
        ``"seismic_events"``, grouped by site, with ``exact`` probabilities.

    Raises
    ------
    InvalidInput
        If a size or the prior cannot be used.

    Examples
    --------
    >>> events = draw_seismic_events(200, seed=0, n_sites=12)
    >>> events.labels, events.X.shape, events.exact.sizes["label"]
    (('earthquake', 'blast'), (200, 10), 2)
    """
    attrs = {"source": "drawn by bayesgeo", "licence": "CC0-1.0", "seed": str(seed)}
    return as_dataset(draw_table(n, seed=seed, **physics), attrs=attrs)


def as_dataset(table: pd.DataFrame, *, attrs: dict[str, str]) -> Dataset:
    """Turn a drawn table into the data set ``seismic_events``.

    Parameters
    ----------
    table : pandas.DataFrame
        As :func:`draw_table` returns it.
    attrs : dict
        Where it comes from.

    Returns
    -------
    Dataset
        Positive class ``"blast"``; ``depth`` stays out of the features.

    Examples
    --------
    >>> as_dataset(draw_table(50, seed=0), attrs={}).coordinates["easting"].sizes["obs"]
    50
    """
    frame = prepare(table.set_index("event_id"))
    places = frame[["easting", "northing", "local_hour", "depth"]]
    places.attrs["units"] = {name: UNITS[name] for name in places}
    blast = frame["p_blast"].to_numpy()
    rows = {"obs": frame.index.to_numpy(), "label": list(LABELS)}
    exact = xr.DataArray(np.column_stack([1.0 - blast, blast]), dims=("obs", "label"), coords=rows)
    return assemble(
        "seismic_events",
        frame,
        columns=COLUMNS,
        target=frame["event"],
        labels=LABELS,
        groups=frame["site"],
        coordinates=places,
        exact=exact,
        origin=Origin(leaks=LEAKS, split={"kind": "group", "folds": 5}, attrs=attrs),
    )


def prepare(table: pd.DataFrame) -> pd.DataFrame:
    """Add the columns that make the log odds nearly linear.

    The log ratio of a bell to an exponential is quadratic in magnitude; the hour is taken as an angle from
    the usual shot time; Brune's corner is linear in magnitude, so that log10 fcS needs no correction.

    Parameters
    ----------
    table : pandas.DataFrame
        With ``magnitude`` and ``local_hour``.

    Returns
    -------
    pandas.DataFrame
        The same rows with ``magnitude_squared``, ``hour_cos`` and ``hour_sin`` added.

    Examples
    --------
    >>> events = pd.DataFrame({"magnitude": [2.0], "local_hour": [13.5]})
    >>> prepare(events)[["magnitude_squared", "hour_cos"]].iloc[0].tolist()
    [4.0, 1.0]
    """
    angle = (table["local_hour"] - SHOT_HOUR) * np.pi / 12.0
    return table.assign(magnitude_squared=table["magnitude"] ** 2, hour_cos=np.cos(angle), hour_sin=np.sin(angle))


__all__ = ["as_dataset", "draw_seismic_events", "exact_probability", "prepare"]
