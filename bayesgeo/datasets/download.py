"""Files of public data sets: a local mirror first, then a download, both checked by SHA-256."""

import os
from dataclasses import dataclass
from pathlib import Path

import pooch

from bayesgeo._check import did_you_mean, invalid

RAW = "https://raw.githubusercontent.com"


@dataclass(frozen=True)
class Origin:
    """Where a file lives and what it must hash to.

    Parameters
    ----------
    url : str
        Address pinned to one commit.
    sha256 : str
        Hash of the file.
    """

    url: str
    sha256: str


_SEG = f"{RAW}/seg/2016-ml-contest/160430c84659785c7cfc74fd380ffa05c387b8cb"
REGISTRY = {
    "istanbul_quarry/eqdata2.csv": Origin(
        f"{RAW}/serdarkuyuk/EQMixtureGaussion/f84230e7fde1d1c048805dcabc05a944306f1b63/data/eqdata2.csv",
        "5f647eacd1fdcca1b815706ee46d7a70e9368609ca660f060f988e305fd51ea8",
    ),
    "pnsn_catalogue/pnsn_comcat_2018-2022.csv": Origin(
        f"{RAW}/niyiyu/PNW-ML/a477360c3d38676bf5e5e1fab9a86a2d52b15f7a/notebooks/pnsn_comcat_2018-2022.csv",
        "33d08940213cc35ca3282eaa79235bdb39a28cf4452aa0b61c4cf922411e2cf2",
    ),
    "seg2016_facies/facies_vectors.csv": Origin(
        f"{_SEG}/facies_vectors.csv",
        "83fd9d15bbab3aed0c1dca20e7c7d2befedd110b04ee21f8c790ac03d70aa70b",
    ),
    "seg2016_facies/validation_data_nofacies.csv": Origin(
        f"{_SEG}/validation_data_nofacies.csv",
        "c03ad96bfa3c8b23ffff261ed8affa73b14cb5513e938d1f1168c30a983f5360",
    ),
}


def fetch(dataset: str, file: str) -> Path:
    """Return the path of a file of a data set, downloading it if no mirror has it.

    Parameters
    ----------
    dataset : str
        Name of the data set.
    file : str
        Name of the file.

    Returns
    -------
    pathlib.Path
        ``$BAYESGEO_DATA/<dataset>/<file>`` if that is there, else a copy in the user's cache.

    Raises
    ------
    InvalidInput
        If the file is not in the registry, has another hash than the one published, or cannot be
        downloaded.

    Examples
    --------
    >>> fetch("istanbul_quarry", "eqdata.csv")
    Traceback (most recent call last):
    ...
    bayesgeo._check.InvalidInput: Invalid file 'istanbul_quarry/eqdata.csv'. ...
    """
    key = f"{dataset}/{file}"
    if key not in REGISTRY:
        raise invalid("file", key, "The registry has none of that name.", did_you_mean(key, REGISTRY))
    mirror = os.environ.get("BAYESGEO_DATA")
    local = Path(mirror) / dataset / file if mirror else None
    if local is not None and local.is_file():
        return _verified(local, REGISTRY[key])
    return _downloaded(key, REGISTRY[key])


def _verified(path: Path, origin: Origin) -> Path:
    found = pooch.file_hash(str(path))
    if found != origin.sha256:
        problem = f"Its SHA-256 is {found}, not the published {origin.sha256}."
        raise invalid("file", str(path), problem, f"Replace it by a fresh copy of {origin.url}.")
    return path


def _downloaded(key: str, origin: Origin) -> Path:
    cache = pooch.os_cache("bayesgeo") / Path(key).parent
    try:
        return Path(pooch.retrieve(origin.url, f"sha256:{origin.sha256}", Path(key).name, cache))
    except (OSError, ValueError) as error:
        problem = f"It could not be downloaded from {origin.url} ({type(error).__name__})."
        remedy = f"Go online, or set BAYESGEO_DATA to a folder that holds {key}."
        raise invalid("data set file", key, problem, remedy) from error


__all__ = ["REGISTRY", "Origin", "fetch"]
