"""Pictures show the cells where they are, however many there are."""

from itertools import pairwise

import numpy as np
import pytest
import xarray as xr
from matplotlib.image import imread

from bayesgeo.maps import figures
from bayesgeo.maps.figures import Sketch, draw
from bayesgeo.maps.grid import as_grid
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
