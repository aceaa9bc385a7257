"""Earthquakes and quarry blasts near Istanbul, four measurements an event."""

import numpy as np
import pandas as pd

from bayesgeo.datasets.assembly import assemble
from bayesgeo.datasets.base import Column, Dataset, Origin
from bayesgeo.datasets.download import RAW, RemoteFile, fetch

TITLE = "179 earthquakes and quarry blasts near Istanbul (Kuyuk et al. 2011)"
FILE = "eqdata2.csv"
REMOTE = RemoteFile(
    f"{RAW}/serdarkuyuk/EQMixtureGaussion/f84230e7fde1d1c048805dcabc05a944306f1b63/data/eqdata2.csv",
    "5f647eacd1fdcca1b815706ee46d7a70e9368609ca660f060f988e305fd51ea8",
)
LABELS = ("earthquake", "blast")
ATTRS = {
    "source": REMOTE.url,
    "sha256": REMOTE.sha256,
    "licence": "none stated: not for redistribution",
    "citation": "doi:10.5194/nhess-11-93-2011, doi:10.5194/npg-19-411-2012",
}
COLUMNS = (Column("log_c", "ln"), Column("log_sr", "ln"), Column("log_sp", "ln"), Column("hour", "h GMT"))

UNITS = {"t": "h"}


def load() -> Dataset:
    """Load the events of Kuyuk et al. [1]_, [2]_.

    Returns
    -------
    Dataset
        150 blasts and 29 earthquakes: ln of the complexity c, of the spectral ratio sr and of the peak
        amplitude ratio S/P, and the hour (GMT). No groups are published; the split leaves one event out at a time.

    References
    ----------
    .. [1] Kuyuk et al. 2011, Nat. Hazards Earth Syst. Sci. 11, 93, doi:10.5194/nhess-11-93-2011.
    .. [2] Kuyuk et al. 2012, Nonlin. Processes Geophys. 19, 411, doi:10.5194/npg-19-411-2012.

    Examples
    --------
    >>> load().features  # doctest: +SKIP
    ['log_c', 'log_sr', 'log_sp', 'hour']
    """
    frame = prepare(pd.read_csv(fetch("istanbul_quarry", FILE, REMOTE)))
    return assemble(
        "istanbul_quarry",
        frame,
        columns=COLUMNS,
        target=frame["y"].map(dict(enumerate(LABELS))).rename("event"),
        labels=LABELS,
        origin=Origin(split={"kind": "leave-one-out"}, attrs=ATTRS),
    )


def prepare(table: pd.DataFrame) -> pd.DataFrame:
    """Take logarithms of the three ratios, which are positive and skewed.

    Parameters
    ----------
    table : pandas.DataFrame
        With ``c``, ``sr``, ``sp`` and ``t`` (hour, GMT).

    Returns
    -------
    pandas.DataFrame
        The same rows with ``log_c``, ``log_sr``, ``log_sp`` and ``hour`` added.

    Examples
    --------
    >>> prepare(pd.DataFrame({"c": [1.0], "sr": [1.0], "sp": [1.0], "t": [7]}))["log_c"].item()
    0.0
    """
    logs = {f"log_{name}": np.log(table[name]) for name in ("c", "sr", "sp")}
    return table.assign(**logs, hour=table["t"])


__all__ = ["TITLE", "load", "prepare"]
