"""Depths of the sea off Baja California, sounded from ships (NOAA, as distributed with Verde)."""

import pandas as pd

from bayesgeo.datasets.assembly import assemble
from bayesgeo.datasets.base import Dataset, Origin
from bayesgeo.datasets.download import RAW, RemoteFile, fetch

TITLE = "82,970 depths of the sea off Baja California, sounded along the tracks of ships (NOAA)"
FILE = "baja-bathymetry.csv.xz"
REMOTE = RemoteFile(
    f"{RAW}/fatiando/verde/3436004ce60b1b9275c66d795c83b169edbd9795/data/baja-bathymetry.csv.xz",
    "64bc38514e771caa468b8230d94bf3a2abdac9e8b784273a0ca9ed6cb5165c32",
)
ATTRS = {
    "source": REMOTE.url,
    "sha256": REMOTE.sha256,
    "licence": "public domain (NOAA)",
    "citation": "doi:10.21105/joss.00957",
    "target_unit": "m",
}
PLACE = ["longitude", "latitude"]
UNITS = dict.fromkeys(PLACE, "degrees") | {"bathymetry_m": "m"}


def load() -> Dataset:
    """Load the soundings of NOAA that come with Verde [1]_.

    Returns
    -------
    Dataset
        The height of the sea floor in metres, below zero, with no features: only the place of each sounding. No split
        is published; blocks of the map are held out by default, since neighbours on a track are a kilometre or two
        apart and nearly alike. Longitudes are counted eastward, from 245 to 255 degrees.

    References
    ----------
    .. [1] Uieda 2018, Journal of Open Source Software 3(29), doi:10.21105/joss.00957.

    Examples
    --------
    >>> load().y.name  # doctest: +SKIP
    'bathymetry_m'
    """
    soundings = pd.read_csv(fetch("baja_bathymetry", FILE, REMOTE)).rename_axis("obs")
    places = soundings[PLACE]
    places.attrs["units"] = UNITS
    return assemble(
        "baja_bathymetry",
        soundings,
        columns=(),
        target=soundings["bathymetry_m"],
        coordinates=places,
        origin=Origin(split={"kind": "spatial"}, attrs=ATTRS),
    )


__all__ = ["TITLE", "load"]
