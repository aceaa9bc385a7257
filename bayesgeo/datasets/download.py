"""Files of public data sets: a local mirror first, then a download, both checked by SHA-256."""

import os
from dataclasses import dataclass
from pathlib import Path

import pooch

from bayesgeo._check import invalid

RAW = "https://raw.githubusercontent.com"


@dataclass(frozen=True)
class RemoteFile:
    """A file on the internet and its hash.

    Parameters
    ----------
    url : str
        Address pinned to one commit.
    sha256 : str
        Hash of the file.

    Examples
    --------
    >>> RemoteFile(f"{RAW}/owner/wells/0123abc/wells.csv", 64 * "0").url
    'https://raw.githubusercontent.com/owner/wells/0123abc/wells.csv'
    """

    url: str
    sha256: str


def fetch(dataset: str, file: str, remote: RemoteFile) -> Path:
    r"""Return the path of a file of a data set, downloading it if no mirror has it.

    Parameters
    ----------
    dataset : str
        Name of the data set.
    file : str
        Name of the file.
    remote : RemoteFile
        Where to download it from, and its hash.

    Returns
    -------
    pathlib.Path
        ``$BAYESGEO_DATA/<dataset>/<file>`` if that is there, else a copy in the user's cache.

    Raises
    ------
    InvalidInput
        If the file has another hash, or cannot be downloaded.

    Examples
    --------
    >>> import hashlib, tempfile
    >>> from unittest.mock import patch
    >>> remote = RemoteFile(f"{RAW}/owner/wells/0123abc/wells.csv", hashlib.sha256(b"GR\n71\n").hexdigest())
    >>> with tempfile.TemporaryDirectory() as mirror, patch.dict(os.environ, BAYESGEO_DATA=mirror):
    ...     Path(mirror, "wells").mkdir()
    ...     _ = Path(mirror, "wells", "wells.csv").write_bytes(b"GR\n71\n")
    ...     fetch("wells", "wells.csv", remote).name
    'wells.csv'
    """
    mirror = os.environ.get("BAYESGEO_DATA")
    local = Path(mirror) / dataset / file if mirror else None
    if local is not None and local.is_file():
        return _verified(local, remote)
    return _downloaded(dataset, file, remote)


def _verified(path: Path, remote: RemoteFile) -> Path:
    found = pooch.file_hash(str(path))
    if found != remote.sha256:
        problem = f"Its SHA-256 is {found}, not the published {remote.sha256}."
        raise invalid("file", str(path), problem, f"Replace it by a fresh copy of {remote.url}.")
    return path


def _downloaded(dataset: str, file: str, remote: RemoteFile) -> Path:
    cache = pooch.os_cache("bayesgeo") / dataset
    try:
        return Path(pooch.retrieve(remote.url, f"sha256:{remote.sha256}", file, cache))
    except (OSError, ValueError) as error:
        problem = f"It could not be downloaded from {remote.url} ({type(error).__name__})."
        remedy = f"Go online, or set BAYESGEO_DATA to a folder that holds {dataset}/{file}."
        raise invalid("data set file", f"{dataset}/{file}", problem, remedy) from error


__all__ = ["RAW", "RemoteFile", "fetch"]
