"""Peak ground accelerations of earthquakes in Italy, recorded at many stations (Lanzano et al. 2019)."""

import numpy as np
import pandas as pd

from bayesgeo.datasets.assembly import assemble
from bayesgeo.datasets.base import Column, Dataset, Origin
from bayesgeo.datasets.columns import texts
from bayesgeo.datasets.download import RAW, RemoteFile, fetch

TITLE = "4,784 peak ground accelerations of 137 earthquakes at 923 stations in Italy (Lanzano et al. 2019)"
FILE = "italian_data_pga_id_utm_stat.csv"
REMOTE = RemoteFile(
    f"{RAW}/nikuehn/NonErgGMM_Italy/d1160ef991ecd69f24457ff0af4cbeea4849bd18/DATA/italian_data_pga_id_utm_stat.csv",
    "61083be3417d9c001f960e3780d71bd18fd3369fcbe0097abf2517e22aeda599",
)
ATTRS = {
    "source": REMOTE.url,
    "sha256": REMOTE.sha256,
    "licence": "none stated: not for redistribution",
    "citation": "doi:10.1785/0120180210",
    "target_unit": "log10(cm/s2)",
}
COLUMNS = (
    Column("m1", "magnitude"),
    Column("m2", "magnitude"),
    Column("log_r", "log10(km)"),
    Column("m_log_r", "magnitude log10(km)"),
    Column("r", "km"),
    Column("log_vs30", "log10"),
)
# The published fold, 1 to 5, of events 1 to 137.
FOLDS = (
    "23524311541142111433213325353255535151535114224251245543255542132425"
    "512141434414543344211223132355441311233334313125524242552344312145422"
)
HINGE, REFERENCE, DEPTH = 5.5, 5.324, 6.924
STIFF, ROCK = 1500.0, 800.0

# How the columns of the original file are called here.
NAMES = {
    "EQID": "event",
    "STATID": "station",
    "ev_longitude": "event_longitude",
    "ev_latitude": "event_latitude",
    "st_longitude": "station_longitude",
    "st_latitude": "station_latitude",
}
PLACES = {"longitude": "st_longitude", "latitude": "st_latitude"}
UNITS = {"mag": "magnitude", "JB_complete": "km", "vs30": "m/s"}


def load() -> Dataset:
    """Load the records of Lanzano et al. [1]_ with the terms of their ground-motion model, as used by Kuehn [2]_.

    Returns
    -------
    Dataset
        log10 of the peak ground acceleration (RotD50, cm/s2), grouped by event and by station, which are crossed.
        Published split: five folds of events [2]_.

    References
    ----------
    .. [1] Lanzano et al. 2019, Bull. Seism. Soc. Am. 109(2), doi:10.1785/0120180210.
    .. [2] Kuehn 2021, github.com/nikuehn/NonErgGMM_Italy.

    Examples
    --------
    >>> load().features  # doctest: +SKIP
    ['m1', 'm2', 'log_r', 'm_log_r', 'r', 'log_vs30']
    """
    records = pd.read_csv(fetch("italy_ground_motion", FILE, REMOTE))
    frame = prepare(records).rename_axis("obs")
    fold = np.array([int(digit) for digit in FOLDS])[records["EQID"].to_numpy() - 1]
    return assemble(
        "italy_ground_motion",
        frame,
        columns=COLUMNS,
        target=np.log10(records["rotD50_pga"]).rename("log_pga"),
        groups=frame[["event", "station"]],
        coordinates=frame[[*NAMES.values(), *PLACES]].drop(columns=["event", "station"]).assign(fold=fold),
        origin=Origin(split={"kind": "published"}, attrs=ATTRS),
    )


def prepare(table: pd.DataFrame) -> pd.DataFrame:
    """Derive the terms of the ground-motion model, and name the groups and places as the data set does.

    The magnitude has another slope above 5.5, the distance is that of a source at a depth of 6.924 km, and the
    velocity of the ground counts up to 1,500 m/s.

    Parameters
    ----------
    table : pandas.DataFrame
        With ``mag``, ``JB_complete`` (Joyner-Boore distance, km) and ``vs30`` (m/s); ``EQID``, ``STATID`` and the
        places of both where they are known.

    Returns
    -------
    pandas.DataFrame
        The same rows with ``m1``, ``m2``, ``log_r``, ``m_log_r``, ``r`` and ``log_vs30`` added, and ``event``,
        ``station`` and their places as far as the table has them.

    Examples
    --------
    >>> record = pd.DataFrame({"mag": [6.5], "JB_complete": [0.0], "vs30": [800.0], "EQID": [7]})
    >>> prepare(record)[["m1", "m2", "r", "log_vs30"]].values.tolist()
    [[0.0, 1.0, 6.924, 0.0]]
    """
    above = table["mag"] - HINGE
    r = np.hypot(table["JB_complete"], DEPTH)
    named = {name: table[old] for old, name in NAMES.items() if old in table}
    named |= {name: table[old] for name, old in PLACES.items() if old in table}
    return table.assign(
        m1=above.clip(upper=0.0),
        m2=above.clip(lower=0.0),
        log_r=np.log10(r),
        m_log_r=(table["mag"] - REFERENCE) * np.log10(r),
        r=r,
        log_vs30=np.log10(table["vs30"].clip(upper=STIFF) / ROCK),
        **{name: texts(values) if name in ("event", "station") else values for name, values in named.items()},
    )


__all__ = ["TITLE", "load", "prepare"]
