"""Pictures show the cells where they are, however many there are."""

from itertools import pairwise

import numpy as np
import pytest
import xarray as xr
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.image import imread

from bayesgeo.maps import figures
from bayesgeo.maps.drawing import unit_of_length
from bayesgeo.maps.figures import Sketch, draw
from bayesgeo.maps.grid import Grid, as_grid
from bayesgeo.maps.layers import Layer


def grid(shape):
    return as_grid(xr.Dataset(coords={"lat": np.linspace(46, 47, shape[0]), "lon": np.linspace(7, 9, shape[1])}))


@pytest.mark.parametrize("heights", [[13], [1] * 13, [4, 4, 5], [6, 7]])
def test_a_sketch_has_every_kth_cell_however_the_strips_are_cut(monkeypatch, heights):
    monkeypatch.setattr(figures, "FINEST", 5)
    values, ends = np.random.default_rng(0).normal(size=(13, 9)), np.cumsum([0, *heights])
    sketch = Sketch(grid((13, 9)), [Layer("mean", "mean")])
    rows = [slice(a, b) for a, b in pairwise(ends)]
    passed = list(sketch.watch((part, {"mean": values[part]}) for part in rows))
    assert len(passed) == len(heights)
    np.testing.assert_array_equal(sketch.values["mean"], values[::3, ::3])
    np.testing.assert_array_equal(sketch.y, np.linspace(46, 47, 13)[::3])


def test_pictures_lie_beside_the_map_and_empty_cells_are_paper(tmp_path):
    layers = [Layer("mean", "expected pga", "g"), Layer("predicted", "rock", words=("a", "b")), Layer("low", "low")]
    sketch = Sketch(grid((40, 80)), [*layers, Layer("inside", "inside", words=("no", "yes"))])
    values = {name: np.full((40, 80), np.nan) for name in ("mean", "predicted", "inside")}
    values["mean"][:20], values["predicted"][:20], values["inside"][:20] = 1.0, 1.0, 1.0
    list(sketch.watch([(slice(0, 40), values)]))
    places = {"longitude": np.array([7.5]), "latitude": np.array([46.2])}
    made = draw(sketch, tmp_path / "map.nc", places)
    assert [path.name for path in made] == ["map.mean.png", "map.predicted.png"]
    picture = np.round(imread(made[0])[..., :3] * 255).astype(int)
    paper = tuple(int(figures.PAPER[k : k + 2], 16) for k in (1, 3, 5))
    shares = [(picture[half] == paper).all(axis=-1).mean() for half in (slice(0, 250), slice(250, 600))]
    assert max(shares) > 0.2


def test_cells_outside_the_area_of_applicability_are_hatched(tmp_path):
    drawn = []
    for inside in (1.0, 0.0):
        sketch = Sketch(grid((40, 80)), [Layer("mean", "mean"), Layer("inside", "inside", words=("no", "yes"))])
        values = {"mean": np.ones((40, 80)), "inside": np.full((40, 80), inside)}
        list(sketch.watch([(slice(0, 40), values)]))
        drawn.append(imread(draw(sketch, tmp_path / f"{inside}.nc", {})[0])[..., :3])
    plain, hatched = (np.unique((picture * 255).astype(int).reshape(-1, 3), axis=0) for picture in drawn)
    assert len(hatched) != len(plain)


def drawn(tmp_path, monkeypatch, mask=None, units=("m", "m"), places=None):
    """Return the panel of a map of 20 km by 10 km, and its colour bar; a third of its values is far from the others."""
    figure = []
    monkeypatch.setattr(figures, "FigureCanvasAgg", lambda made: figure.append(made) or FigureCanvasAgg(made))
    sides = zip("yx", (40, 80), units, strict=True)
    coords = {name: (name, 250.0 * np.arange(size), {"units": unit}) for name, size, unit in sides}
    found = as_grid(xr.Dataset(coords=coords))
    sketch = Sketch(Grid(found.data, found.axes, mask), [Layer("mean", "mean"), Layer("inside", "i", words=("n", "y"))])
    inside = np.ones((40, 80))
    inside[:, 60:] = 0.0
    values = np.where(inside == 1, np.linspace(0, 1, 80), 100.0)
    if mask is not None:
        values[~mask] = np.nan
    list(sketch.watch([(slice(0, 40), {"mean": values, "inside": inside})]))
    draw(sketch, tmp_path / "map.nc", places or {})
    return figure[0]


def test_colours_are_for_the_cells_inside_the_area_of_applicability(tmp_path, monkeypatch):
    bar = drawn(tmp_path, monkeypatch).axes[0].child_axes[0]
    assert bar.get_ylim()[1] < 1.1
    assert bar.get_ylabel() == "unit not stated"


@pytest.mark.parametrize(("units", "expected"), [(("m", "m"), ["5 km"]), (("km", "km"), ["5000 km"]), (("", ""), [])])
def test_a_bar_tells_how_far_is_far_where_the_unit_is_known(tmp_path, monkeypatch, units, expected):
    panel = drawn(tmp_path, monkeypatch, units=units).axes[0]
    assert [text.get_text() for text in panel.texts] == expected
    if expected:
        at = panel.lines[-1].get_xdata()
        width = np.ptp(panel.get_xlim()) * (at[1] - at[0])
        assert f"{width:.6g} km" == expected[0]


def test_cells_outside_the_area_of_the_map_lack_no_feature(tmp_path, monkeypatch):
    mask = np.ones((40, 80), bool)
    mask[:9] = False
    figure = drawn(tmp_path, monkeypatch, mask=mask)
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["outside the area of applicability"]


def test_rows_elsewhere_do_not_stretch_the_map(tmp_path, monkeypatch):
    places = {"easting": np.array([5e3, 9e6]), "northing": np.array([5e3, 9e6])}
    panel = drawn(tmp_path, monkeypatch, places=places).axes[0]
    assert panel.get_xlim()[1] < 21.0  # km


def test_no_bar_is_true_of_a_map_of_half_the_globe():
    axes = grid((3, 3)).axes
    assert unit_of_length(axes, np.array([-60.0, 60.0]), 1.0)[1] == ""
    # A degree of longitude at 60 degrees is half of one at the equator.
    north, equator = (unit_of_length(axes, np.array([y, y]), 1.0)[0] for y in (60.0, 0.0))
    assert north / equator == pytest.approx(0.5)
    assert equator == pytest.approx(111.195, abs=1e-3)
