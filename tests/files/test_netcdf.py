"""An HDF5 file is looked through before it is read: nothing from elsewhere, nothing without end, nothing too large."""

import os

import h5py
import numpy as np
import pytest
import xarray as xr
from scipy.io import netcdf_file

from bayesgeo._files.netcdf import refuse_external
from bayesgeo.datasets.tables.formats import read_file


def virtual(file):
    layout = h5py.VirtualLayout((3,), "f8")
    layout[:] = h5py.VirtualSource("secret.nc", "x", (3,))
    file.create_virtual_dataset("x", layout)


def circle(file):
    file.create_group("g")["back"] = file["/"]


def nested(file):
    for _ in range(40):
        file = file.create_group("g")


def many(file):
    for k in range(1100):
        file[f"v{k}"] = 0.0


BITES = {
    "external storage": (lambda f: f.create_dataset("x", (5,), "f8", external=[("secret.bin", 0, 40)]), "another file"),
    "an external link": (lambda f: f.update({"x": h5py.ExternalLink("secret.nc", "/x")}), "is a link"),
    "an external link in a group": (lambda f: f.update({"g/x": h5py.ExternalLink("secret.nc", "/x")}), "is a link"),
    "a soft link to nothing": (lambda f: f.update({"x": h5py.SoftLink("/nowhere")}), "is a link"),
    "a soft link to itself": (lambda f: f.update({"x": h5py.SoftLink("/x")}), "is a link"),
    "a virtual dataset": (virtual, "another file"),
    "a group that holds itself": (circle, "holds itself"),
    "groups in groups without end": (nested, "lies too deep"),
    "more objects than a table has": (many, "more than 1,000 variables"),
    "800 GB declared": (lambda f: f.create_dataset("x", (10**11,), "f8", chunks=(1000,)), r"declares 800\.0 GB"),
    "a text of 500 MB declared": (
        lambda f: f.create_dataset("x", (9,), "S500000000", chunks=(1,)),
        r"declares 4\.5 GB",
    ),
}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Work beside two files that must not be read."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "secret.bin").write_bytes(np.arange(5.0).tobytes())
    with h5py.File("secret.nc", "w") as file:
        file["x"] = np.arange(3.0)
    return tmp_path


@pytest.mark.parametrize(("make", "problem"), BITES.values(), ids=BITES)
def test_what_bites_is_refused_as_a_table_too(make, problem, folder):
    with h5py.File("table.nc", "w") as file:
        make(file)
    for read in (refuse_external, read_file):
        with pytest.raises(ValueError, match=rf"Invalid file 'table\.nc'\. .*{problem}"):
            read("table.nc")


def test_what_is_compressed_a_thousandfold_passes(tmp_path):
    with h5py.File(tmp_path / "a.nc", "w") as file:
        file.create_dataset("x", data=np.zeros(10**7), compression="gzip", shuffle=True)
    refuse_external(tmp_path / "a.nc")


def test_more_than_the_memory_of_the_computer_is_refused(tmp_path, monkeypatch):
    xr.Dataset({"x": ("obs", np.arange(100.0))}).to_netcdf(tmp_path / "a.nc", engine="h5netcdf")
    refuse_external(tmp_path / "a.nc")
    monkeypatch.setattr("bayesgeo._files.netcdf._memory", lambda: 799)
    with pytest.raises(ValueError, match=r"It declares 0\.0 GB of values"):
        refuse_external(tmp_path / "a.nc")


@pytest.mark.parametrize("where", ["a folder", "a pipe", "nothing"])
def test_what_is_no_file_is_refused_at_once(where, tmp_path):
    path = tmp_path / "x.nc"
    if where == "a folder":
        path.mkdir()
    elif where == "a pipe":
        os.mkfifo(path)
    with pytest.raises(ValueError, match=r"Invalid table .* It is not a file"):
        refuse_external(path, "table")


def test_a_truncated_file_is_refused(tmp_path):
    xr.Dataset({"x": ("obs", np.arange(100.0))}).to_netcdf(tmp_path / "a.nc", engine="h5netcdf")
    (tmp_path / "b.nc").write_bytes((tmp_path / "a.nc").read_bytes()[:-100])
    with pytest.raises(ValueError, match=r"Invalid file .* It cannot be read as netCDF: it is truncated"):
        refuse_external(tmp_path / "b.nc")


def classic(path, n=50):
    with netcdf_file(path, "w") as file:
        file.createDimension("obs", n)
        file.createVariable("x", "f8", ("obs",))[:] = np.arange(n)
    return path.read_bytes()


def test_classic_netcdf_is_read(tmp_path):
    classic(tmp_path / "a.nc")
    assert read_file(tmp_path / "a.nc").frame["x"].tolist() == list(range(50))


@pytest.mark.parametrize("n", [2**31 - 1, 10**6])
def test_classic_netcdf_that_declares_more_than_it_holds_is_refused(n, tmp_path):
    content = classic(tmp_path / "a.nc").replace((50).to_bytes(4), n.to_bytes(4))
    (tmp_path / "a.nc").write_bytes(content)
    with pytest.raises(ValueError, match=r"It cannot be read as netCDF"):
        read_file(tmp_path / "a.nc")
