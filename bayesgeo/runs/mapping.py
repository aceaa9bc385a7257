"""Map a model of a run: from a grid, or a resolution, to a file with predictions for each cell."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from bayesgeo._check import invalid, shown
from bayesgeo.maps.axes import DEGREES, PLANE
from bayesgeo.maps.cells import Cells
from bayesgeo.maps.grid import Grid
from bayesgeo.maps.layers import Layer, frame_of
from bayesgeo.maps.locating import on_axes, with_degrees
from bayesgeo.maps.making import make_grid
from bayesgeo.maps.polygon import read_polygon, refuse_elsewhere
from bayesgeo.maps.predict import Mapper, describer, layers_of, refuse_options
from bayesgeo.maps.reading import read_grid
from bayesgeo.maps.writing import save, writer_of
from bayesgeo.runs.cells import CellReader
from bayesgeo.runs.held import held_text, with_held
from bayesgeo.runs.likeness import likeness, likeness_layers
from bayesgeo.runs.opened import OpenedRun, open_run


@dataclass(frozen=True)
class Area:
    """Which cells to map: those of a file, or cells of one size.

    Parameters
    ----------
    grid : path, optional
        File of a grid with the features.
    resolution : float, optional
        Side of a cell, in the unit of the training rows' coordinates, where there is no file.
    polygon : path, optional
        GeoJSON or GeoPackage file of the area of such cells; by default the convex hull of the training rows.
    hold : mapping of str to str or float
        Values of columns that the grid lacks, the same in all cells: numbers in the unit of the training table,
        categories, labels of groups.
    """

    grid: str | Path | None = None
    resolution: float | None = None
    polygon: str | Path | None = None
    hold: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Mapped:
    """Summary of a map: its cells, the model and the verdict on its posterior, notes and pictures.

    ``cells`` are those that count, ``empty`` those of them that lack a feature, ``outside`` those outside the area of
    applicability.
    """

    cells: int
    empty: int
    outside: int
    model: str
    verdict: str
    notes: tuple[str, ...]
    pictures: tuple[Path, ...]


def map_run(
    run: str | Path,
    area: Area,
    *,
    out: str | Path,
    model: str | None = None,
    threshold: float | None = None,
    probability: float = 0.9,
) -> Mapped:
    """Map a model of a run, and draw the map.

    Parameters
    ----------
    run : path
        Folder of a comparison.
    area : Area
        The cells. Units of a grid's variables are converted to those of the training table, longitudes counted as
        there, and cells that lack a feature or hold a code for a missing value stay empty.
    out : path
        ``.nc``, ``.zarr`` or ``.tif``; pictures lie beside it as ``.png``. Beside the variables of
        :func:`bayesgeo.maps.predict_grid` it has ``dissimilarity``, ``inside`` and ``local_point_density`` of
        :func:`bayesgeo.maps.area_of_applicability` over the folds of the run.
    model : str, optional
        Which model; by default the one of the best log score.
    threshold, probability : float
        As of :func:`bayesgeo.maps.predict_grid`; the threshold in the unit of the target.

    Raises
    ------
    InvalidInput
        If the run, the model, a feature or the coordinates are not there, a unit cannot be converted, an option does
        not suit the model, or ``out`` exists already.
    """
    from bayesgeo.maps.figures import Sketch, draw

    out, opened = Path(out), open_run(run, model)
    refuse_options(opened.estimator, threshold, probability)
    grid = with_held(opened, _grid(opened, area), area.hold)
    reader = CellReader(opened, grid, held=tuple(area.hold))
    reader.check()
    mapper = _mapper(reader, threshold=threshold, probability=probability)
    frame = frame_of(grid, opened.labels, model=opened.name)
    frame.attrs["title"] = f"{opened.manifest['target']} by {opened.name}"
    if area.hold:
        frame.attrs["comment"] = f"In all cells: {held_text(opened, area.hold)}"
    writer = writer_of(out, frame, grid.axes, mapper.layers)
    _refuse_pictures(out, mapper.layers)
    sketch, outside = Sketch(grid, mapper.layers), _Outside()
    save(writer, out, outside.watch(sketch.watch(mapper.strips(grid))))
    places = on_axes(grid, opened.places_in(grid.units))
    pictures, notes = draw(sketch, out, places), tuple(reader.notes)
    return Mapped(reader.cells, reader.empty, outside.found, opened.name, opened.verdict, notes, tuple(pictures))


class _Outside:
    """Counts the cells outside the area of applicability while strips pass."""

    def __init__(self) -> None:
        self.found = 0

    def watch(self, strips: Any) -> Any:
        for rows, values in strips:
            self.found += int((values["inside"] == 0).sum())
            yield rows, values


def _grid(opened: OpenedRun, area: Area) -> Grid:
    if (area.grid is None) == (area.resolution is None):
        raise invalid("area", "", "It is a grid or a resolution, one of the two.", "Give --grid or --resolution.")
    if area.grid is None:
        return _made(opened, area)
    if area.polygon is not None:
        raise invalid("polygon", str(area.polygon), "It is for cells made by a resolution.", "Give --resolution.")
    grid = read_grid(area.grid)
    return with_degrees(grid) if {*DEGREES} <= {*opened.manifest["coordinates"]} else grid


def _made(opened: OpenedRun, area: Area) -> Grid:
    places, stated = opened.places, opened.manifest["coordinates"]
    pair = next((pair for pair in (DEGREES, PLANE) if {*pair} <= {*places}), None)
    if pair is None or area.resolution is None:
        problem = "Its training rows have neither longitude and latitude nor easting and northing."
        raise invalid("run", opened.manifest["dataset"]["name"], problem, "Give the cells in a file, with --grid.")
    rings = None if area.polygon is None else read_polygon(area.polygon, pair)
    if rings is not None:
        known = np.column_stack([places[name] for name in pair])
        known = known[np.isfinite(known).all(axis=1)]
        refuse_elsewhere(rings, known, degrees=pair == DEGREES, source=str(area.polygon))
    units = None if pair == DEGREES else (stated.get(pair[0], ""), stated.get(pair[1], ""))
    return make_grid({name: places[name] for name in pair}, area.resolution, polygon=rings, units=units)


def _mapper(reader: CellReader, *, threshold: float | None, probability: float) -> Mapper:
    opened, options = reader.run, dict[str, Any](threshold=threshold, probability=probability)
    of_model = describer(opened.estimator, **options)
    layers = layers_of(opened.estimator, opened.labels, opened.manifest["target"], unit=opened.unit, **options)

    def describe(cells: Cells) -> dict[str, np.ndarray]:
        return of_model(cells) | likeness(opened.reference, cells.X.values)

    return Mapper(reader, reader.needed, [*layers, *likeness_layers()], describe)


def _refuse_pictures(out: Path, layers: Sequence[Layer]) -> None:
    from bayesgeo.maps.figures import picture_path, pictured

    taken = [path.name for layer in pictured(layers) if (path := picture_path(out, layer.name)).exists()]
    if taken:
        problem = f"Pictures of another map lie there: {shown(taken)}."
        raise invalid("out", str(out), problem, "Give a new name, or remove them.")


__all__ = ["Area", "Mapped", "map_run"]
