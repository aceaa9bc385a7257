"""What can be chosen by name is found by looking, and a name that is taken twice is an error."""

from importlib.metadata import EntryPoint
from types import SimpleNamespace

import pytest

from bayesgeo import _registry, catalog
from bayesgeo._check import InvalidInput
from bayesgeo.metrics.base import Means, Metric
from bayesgeo.models.baselines import RidgeRegressor


def registering(monkeypatch, **groups):
    """Make other packages register these entry points: values by name, for each group."""
    entries = [EntryPoint(name, value, f"bayesgeo.{kind}") for kind, names in groups.items() for name, value in names]
    monkeypatch.setattr(_registry, "entry_points", lambda group: [e for e in entries if e.group == group])
    _registry.plugins.cache_clear()


@pytest.fixture(autouse=True)
def forget():
    yield
    for cached in (_registry.plugins, _registry.listed, _registry.homes):
        cached.cache_clear()


@pytest.fixture
def shelf(tmp_path, monkeypatch):
    """Return a folder that stands for a package of ours."""
    monkeypatch.setattr(_registry, "ROOT", tmp_path)
    folder = tmp_path / "shelf"
    folder.mkdir()
    return folder


def test_two_files_that_define_one_name_are_refused(shelf):
    for name in ("one", "two"):
        (shelf / f"{name}.py").write_text('__all__ = ["Same"]')
    problem = r"Invalid name 'Same'\. Both bayesgeo\.shelf\.one and bayesgeo\.shelf\.two register it in bayesgeo\.shelf"
    with pytest.raises(InvalidInput, match=problem):
        _registry.homes("bayesgeo.shelf")


def test_names_are_read_without_running_the_files(shelf):
    (shelf / "one.py").write_text('__all__ = ["Safe"]\nraise SystemExit')
    assert _registry.homes("bayesgeo.shelf") == {"Safe": "bayesgeo.shelf.one"}


def test_a_plugin_cannot_take_the_short_name_of_our_model(monkeypatch):
    class Other(RidgeRegressor):
        name = "ridge"

    monkeypatch.setattr(_registry, "loaded", lambda entry: Other)
    registering(monkeypatch, models=[("other", "elsewhere:Other")])
    with pytest.raises(InvalidInput, match=r"Invalid name 'ridge'\. Both .*RidgeRegressor and .*Other register it"):
        catalog.models("regression")


def test_a_plugin_cannot_take_the_name_of_our_metric(monkeypatch):
    other = Metric("rmse", "any", Means(lambda predictions, y: y))
    monkeypatch.setattr(_registry, "loaded", lambda entry: other)
    registering(monkeypatch, metrics=[("rmse", "elsewhere:rmse")])
    with pytest.raises(InvalidInput, match=r"Invalid name 'rmse'\. Both .* register it in the metrics"):
        catalog.metrics("regression")


def test_two_packages_cannot_register_one_name(monkeypatch):
    registering(monkeypatch, models=[("mine", "one:Mine"), ("mine", "two:Mine")])
    with pytest.raises(InvalidInput, match=r"Invalid name 'mine'\. Both one:Mine and two:Mine register it"):
        _registry.plugins("models")


def test_an_entry_point_that_cannot_be_imported_is_named(monkeypatch):
    registering(monkeypatch, models=[("mine", "no_such_package:Mine")])
    problem = r"Invalid entry point 'mine'\. Importing 'no_such_package:Mine' failed: ModuleNotFoundError"
    with pytest.raises(InvalidInput, match=problem):
        catalog.models("regression")


def test_an_unknown_name_of_a_package_suggests_the_nearest():
    import bayesgeo.models

    with pytest.raises(AttributeError, match=r"no attribute 'RidgeRegresor'\. Did you mean 'RidgeRegressor'\?"):
        _ = bayesgeo.models.RidgeRegresor


def test_items_of_one_name_are_refused_whatever_they_are():
    items = [SimpleNamespace(n="a"), SimpleNamespace(n="a")]
    with pytest.raises(InvalidInput, match=r"Invalid name 'a'\. Both .* register it in the things"):
        _registry.by_name("thing", items, lambda item: item.n)
