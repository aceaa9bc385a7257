"""Facies of the Hugoton and Panoma gas fields from wireline logs, ten wells."""

import pandas as pd

from bayesgeo.datasets.assembly import assemble
from bayesgeo.datasets.base import Column, Dataset, Origin
from bayesgeo.datasets.download import RAW, RemoteFile, fetch

TITLE = "4,149 half-foot samples of nine facies in ten wells (Hall 2016, SEG contest)"
FILE, BLIND = "facies_vectors.csv", "validation_data_nofacies.csv"
FOLDER = f"{RAW}/seg/2016-ml-contest/160430c84659785c7cfc74fd380ffa05c387b8cb"
REMOTE = RemoteFile(f"{FOLDER}/{FILE}", "83fd9d15bbab3aed0c1dca20e7c7d2befedd110b04ee21f8c790ac03d70aa70b")
REMOTE_BLIND = RemoteFile(f"{FOLDER}/{BLIND}", "c03ad96bfa3c8b23ffff261ed8affa73b14cb5513e938d1f1168c30a983f5360")
LABELS = ("SS", "CSiS", "FSiS", "SiSh", "MS", "WS", "D", "PS", "BS")
PE_FILL = 3.6
ATTRS = {
    "source": REMOTE.url,
    "sha256": REMOTE.sha256,
    "licence": "contest use, to be treated as proprietary: not for redistribution",
    "citation": "Hall 2016, The Leading Edge 35(10), 906",
    "notes": "74 rows of the pseudo-well Recruit F9 copy rows of other wells.",
}
COLUMNS = (
    Column("GR", "API"),
    Column("ILD_log10", "log10 ohm m"),
    Column("DeltaPHI", "porosity %"),
    Column("PHIND", "porosity %"),
    Column("PE", "barn/electron", fill=PE_FILL),
    Column("NM_M"),
    Column("RELPOS"),
)


def load() -> Dataset:
    """Load the wells with interpreted facies [1]_.

    Returns
    -------
    Dataset
        Nine facies, 1 to 9 in the file, in the order of ``labels``; grouped by well. Two wells were
        logged without the photoelectric effect, and one in part: there ``PE`` is filled with a typical 3.6
        (between dolomite and quartz) and ``PE missing`` is 1. The formation is left out of the features.

    Notes
    -----
    "Recruit F9" is not a well: its 80 rows are all bafflestone, and 74 of them copy rows of the others. A model tested
    on the well they come from was trained on them; :func:`bayesgeo.datasets.audit.audit` reports it.

    References
    ----------
    .. [1] Hall 2016, The Leading Edge 35(10), 906.

    Examples
    --------
    >>> len(set(load().group.values))  # doctest: +SKIP
    10
    """
    frame = pd.read_csv(fetch("seg2016_facies", FILE, REMOTE)).rename(columns={"Depth": "depth"})
    return assemble(
        "seg2016_facies",
        frame,
        columns=COLUMNS,
        target=frame["Facies"].map(dict(enumerate(LABELS, start=1))).rename("facies"),
        labels=LABELS,
        groups=frame["Well Name"].rename("well"),
        coordinates=frame[["depth", "Formation"]],
        origin=Origin(split={"kind": "leave-one-group-out"}, attrs=ATTRS),
    )


def load_blind() -> pd.DataFrame:
    """Load the logs of the two wells whose facies were never published.

    Returns
    -------
    pandas.DataFrame
        830 rows with the columns that :func:`load` learns from, besides ``Well Name``, ``Depth`` and
        ``Formation``; no facies.

    Examples
    --------
    >>> sorted(set(load_blind()["Well Name"]))  # doctest: +SKIP
    ['CRAWFORD', 'STUART']
    """
    return pd.read_csv(fetch("seg2016_facies", BLIND, REMOTE_BLIND))


__all__ = ["TITLE", "load", "load_blind"]
