"""Earthquakes and explosions in the bulletin of the Pacific Northwest Seismic Network, 2018-2022."""

import numpy as np
import pandas as pd

from bayesgeo.datasets.assembly import assemble
from bayesgeo.datasets.base import Column, Dataset, Origin
from bayesgeo.datasets.download import RAW, RemoteFile, fetch

TITLE = "13,926 earthquakes and explosions of the Pacific Northwest, 2018-2022 (Ni et al. 2023)"
FILE = "pnsn_comcat_2018-2022.csv"
REMOTE = RemoteFile(
    f"{RAW}/niyiyu/PNW-ML/a477360c3d38676bf5e5e1fab9a86a2d52b15f7a/notebooks/pnsn_comcat_2018-2022.csv",
    "33d08940213cc35ca3282eaa79235bdb39a28cf4452aa0b61c4cf922411e2cf2",
)
LABELS = ("earthquake", "explosion")
ATTRS = {
    "source": REMOTE.url,
    "sha256": REMOTE.sha256,
    "licence": "MIT repository; catalogue in the public domain (USGS, PNSN)",
    "citation": "doi:10.26443/seismica.v2i1.368",
}
COLUMNS = (
    Column("hour_cos"),
    Column("hour_sin"),
    Column("weekend"),
    Column("magnitude", "magnitude"),
    Column("magnitude_squared", "magnitude^2"),
    Column("log_picks", "ln count"),
    Column("magnitude_type", levels=("ml", "md", "mh")),
)
LEAKS = {
    "depth": "analysts fix explosions at the surface: the depth repeats the label",
    "latitude": "known quarries are memorised by place, which does not carry over to a new one",
    "longitude": "known quarries are memorised by place, which does not carry over to a new one",
    "contributor": "one network only; elsewhere the network identifies the region and so the label",
}
BLOCK = 0.5

UNITS = {"timestamp": "s", "number_of_pick": "count"}


def load() -> Dataset:
    """Load the catalogue of Ni et al. [1]_ with features that are available for screening.

    Returns
    -------
    Dataset
        11,262 earthquakes and 2,664 explosions (24 events of other kinds left out), in blocks of half a
        degree. Published split: train on 2018 to 2021, test on 2022.

    References
    ----------
    .. [1] Ni et al. 2023, Seismica 2(1), doi:10.26443/seismica.v2i1.368.

    Examples
    --------
    >>> load().labels  # doctest: +SKIP
    ('earthquake', 'explosion')
    """
    catalogue = pd.read_csv(fetch("pnsn_catalogue", FILE, REMOTE), index_col="source_id").rename_axis("obs")
    frame = prepare(catalogue[catalogue["event_type"].isin(LABELS)])
    return assemble(
        "pnsn_catalogue",
        frame,
        columns=COLUMNS,
        target=frame["event_type"],
        labels=LABELS,
        groups=_block(frame),
        coordinates=frame[["time", "longitude", "latitude", "depth"]],
        origin=Origin(leaks=LEAKS, split={"kind": "temporal", "test": 2022}, attrs=ATTRS),
    )


def prepare(table: pd.DataFrame) -> pd.DataFrame:
    """Derive the local time, and terms that make the log odds nearly linear.

    Explosions follow working hours, hence local time with its daylight saving. Their magnitudes form a
    bell while earthquakes decay exponentially, and the log ratio of the two is quadratic.

    Parameters
    ----------
    table : pandas.DataFrame
        With ``timestamp`` (seconds since 1970, UTC), ``magnitude`` and ``number_of_pick``.

    Returns
    -------
    pandas.DataFrame
        The same rows with ``time`` (UTC), ``hour_cos``, ``hour_sin`` (angle from local noon), ``weekend``,
        ``magnitude_squared`` and ``log_picks`` added.

    Examples
    --------
    >>> noon = pd.DataFrame({"timestamp": [1546372800.0], "magnitude": [2.0], "number_of_pick": [1]})
    >>> prepare(noon)[["hour_cos", "weekend"]].iloc[0].tolist()
    [1.0, 0.0]
    """
    utc = pd.to_datetime(table["timestamp"], unit="s", utc=True)
    clock = utc.dt.tz_convert("America/Los_Angeles").dt.tz_localize(None)
    hour = (clock - clock.dt.normalize()) / pd.Timedelta("1h")
    angle = (hour - 12.0) * np.pi / 12.0
    return table.assign(
        time=utc.dt.tz_localize(None),
        hour_cos=np.cos(angle),
        hour_sin=np.sin(angle),
        weekend=(clock.dt.day_of_week >= 5).astype(int),
        magnitude_squared=table["magnitude"] ** 2,
        log_picks=np.log(table["number_of_pick"]),
    )


def _block(frame: pd.DataFrame) -> pd.Series:
    west, south = (np.floor(frame[name] / BLOCK) * BLOCK for name in ("longitude", "latitude"))
    names = [f"{lon:.1f} {lat:.1f}" for lon, lat in zip(west, south, strict=True)]
    return pd.Series(names, index=frame.index, name="block")


__all__ = ["TITLE", "load", "prepare"]
