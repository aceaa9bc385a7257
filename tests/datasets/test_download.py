"""Files come from a mirror or from their address, and only with the published hash."""

import hashlib

import pooch
import pytest

from bayesgeo._check import InvalidInput
from bayesgeo.datasets.download import RAW, RemoteFile, fetch

TEXT = b"a\n1\n"
REMOTE = RemoteFile(f"{RAW}/owner/wells/0123abc/a.csv", hashlib.sha256(TEXT).hexdigest())


def in_mirror(folder, content):
    (folder / "wells").mkdir()
    (folder / "wells" / "a.csv").write_bytes(content)


def test_mirror_file_with_another_hash_is_refused(tmp_path, monkeypatch):
    in_mirror(tmp_path, b"b\n")
    monkeypatch.setenv("BAYESGEO_DATA", str(tmp_path))
    message = rf"SHA-256 is [0-9a-f]{{64}}, not the published {REMOTE.sha256}\. Replace it by a fresh copy of https"
    with pytest.raises(InvalidInput, match=message):
        fetch("wells", "a.csv", REMOTE)


def test_mirror_file_with_its_hash_is_read_without_a_download(tmp_path, monkeypatch):
    in_mirror(tmp_path, TEXT)
    monkeypatch.setattr(pooch, "retrieve", None)
    monkeypatch.setenv("BAYESGEO_DATA", str(tmp_path))
    assert fetch("wells", "a.csv", REMOTE) == tmp_path / "wells" / "a.csv"


def test_file_without_a_mirror_is_downloaded_into_the_cache_and_checked(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(pooch, "os_cache", lambda _: tmp_path)
    monkeypatch.setattr(pooch, "retrieve", lambda *what: asked.append(what) or what[3] / what[2])
    monkeypatch.delenv("BAYESGEO_DATA", raising=False)
    assert fetch("wells", "a.csv", REMOTE) == tmp_path / "wells" / "a.csv"
    assert asked == [(REMOTE.url, f"sha256:{REMOTE.sha256}", "a.csv", tmp_path / "wells")]


@pytest.mark.parametrize("mirror", [None, "empty"])
def test_file_that_cannot_be_downloaded_names_the_mirror(tmp_path, monkeypatch, mirror):
    def refuse(*_):
        raise ConnectionError

    monkeypatch.setattr(pooch, "retrieve", refuse)
    monkeypatch.delenv("BAYESGEO_DATA", raising=False)
    if mirror:
        monkeypatch.setenv("BAYESGEO_DATA", str(tmp_path))
    with pytest.raises(
        InvalidInput,
        match=r"could not be downloaded from https://raw.*set BAYESGEO_DATA to a folder that holds wells/a\.csv",
    ):
        fetch("wells", "a.csv", REMOTE)
