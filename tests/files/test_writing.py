"""What is written is whole or as it was, obeys the umask, and a disk that is full ends in a sentence."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from bayesgeo import cli
from bayesgeo._files import atomic_file, atomic_folder
from bayesgeo.evaluation.integrity import load_sealed, write_sealed
from bayesgeo.models.baselines import MeanRegressor
from bayesgeo.models.storage import load_model, save_model

FITTED = MeanRegressor().fit([[0.0], [1.0]], [2.0, 4.0])
TREE = xr.DataTree.from_dict({"a": xr.Dataset({"x": ("obs", np.arange(1000.0))})})


@pytest.fixture
def umask():
    """Set the umask for a while."""
    before = os.umask(0o022)
    yield os.umask
    os.umask(before)


@pytest.mark.parametrize("mask", [0o022, 0o027, 0o077, 0o002], ids=oct)
def test_the_umask_is_obeyed(mask, umask, tmp_path):
    umask(mask)
    write_sealed(TREE, tmp_path / "new" / "a.nc")
    folder = save_model(FITTED, tmp_path / "model")
    modes = [path.stat().st_mode & 0o777 for path in (tmp_path / "new" / "a.nc", *folder.iterdir())]
    assert set(modes) == {0o666 & ~mask}
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "new", folder)} == {0o777 & ~mask}


def full(*_, **__):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_full_disk_leaves_the_earlier_file_and_folder(tmp_path, monkeypatch):
    write_sealed(TREE, tmp_path / "a.nc")
    save_model(FITTED, tmp_path / "model")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    for write in ("write_bytes", "write_text"):
        monkeypatch.setattr(Path, write, full)
    for save in (lambda: write_sealed(TREE, tmp_path / "a.nc"), lambda: save_model(FITTED, tmp_path / "model")):
        with pytest.raises(ValueError, match=r"Invalid output .* It cannot be written: No space left on device\. Make"):
            save()
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_a_folder_that_cannot_take_its_name_gives_the_earlier_one_back(tmp_path, monkeypatch):
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "old.txt").write_text("old")
    replace = Path.replace

    def refuse_new(self, target):
        return full() if target == tmp_path / "model" and "old" not in self.name else replace(self, target)

    monkeypatch.setattr(Path, "replace", refuse_new)
    with pytest.raises(ValueError, match="No space left"), atomic_folder(tmp_path / "model") as temporary:
        (temporary / "new.txt").write_text("new")
    assert [path.name for path in tmp_path.iterdir()] == ["model"]
    assert (tmp_path / "model" / "old.txt").read_text() == "old"


PLACES = {
    "a folder": lambda path: path.mkdir(),
    "below a file": lambda path: path.parent.write_text("a file"),
    "a name too long": lambda path: None,
}


@pytest.mark.parametrize("place", PLACES)
def test_a_place_where_no_file_can_be_is_refused(place, tmp_path):
    path = tmp_path / "sub" / ("n" * 300 if place == "a name too long" else "a.nc")
    if place == "a folder":
        path.parent.mkdir()
    PLACES[place](path)
    with pytest.raises(ValueError, match=r"Invalid output .* It cannot be written"), atomic_file(path) as temporary:
        temporary.write_text("x")
    assert not list(tmp_path.rglob(".*"))


LIMITED = """
import resource
import numpy as np
import xarray as xr
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, resource.RLIM_INFINITY))
from bayesgeo._check import InvalidInput
from bayesgeo.evaluation.integrity import write_sealed
from bayesgeo.models.baselines import RidgeRegressor
from bayesgeo.models.storage import save_model
import sys
tree = xr.DataTree.from_dict({"a": xr.Dataset({"x": ("obs", np.arange(100_000.0))})})
X = np.random.default_rng(0).normal(size=(50, 400))
model = RidgeRegressor().fit(X, X[:, 0])
for save in (lambda: write_sealed(tree, sys.argv[1]), lambda: save_model(model, sys.argv[2])):
    try:
        save()
    except InvalidInput as error:
        print(error)
"""


@pytest.mark.long
def test_a_limit_of_file_size_ends_in_a_sentence_and_not_in_a_signal(tmp_path, repository):
    write_sealed(TREE, tmp_path / "a.nc")
    command = [sys.executable, "-c", LIMITED, tmp_path / "a.nc", tmp_path / "model"]
    done = subprocess.run(command, cwd=repository, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count(f"It cannot be written: {os.strerror(errno.EFBIG)}") == 2
    assert load_sealed(tmp_path / "a.nc", "file").identical(TREE)
    assert [path.name for path in tmp_path.iterdir()] == ["a.nc"]


def test_a_stdout_that_is_full_ends_with_2(monkeypatch, capsys):
    monkeypatch.setattr(cli, "app", full)
    with pytest.raises(SystemExit, match="2"):
        cli.main(["datasets"])
    assert "bayesgeo: No space left on device." in capsys.readouterr().err


def test_a_saved_model_replaces_an_earlier_one(tmp_path):
    for target in ([2.0, 4.0], [3.0, 5.0]):
        save_model(MeanRegressor().fit([[0.0], [1.0]], target), tmp_path / "model")
    assert load_model(tmp_path / "model").predict([[7.0]]) == pytest.approx(4.0, abs=1e-12)
    assert [path.name for path in tmp_path.iterdir()] == ["model"]
