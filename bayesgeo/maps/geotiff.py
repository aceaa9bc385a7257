"""A map as a cloud-optimised GeoTIFF."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from bayesgeo._check import invalid
from bayesgeo.maps.layers import CRS, Layer
from bayesgeo.maps.locating import crs_of
from bayesgeo.maps.writers import CHUNK, Strips, Writer, gathered

EVEN = 1e-6  # of a step, by which the centres may be off


class GeoTIFF(Writer):
    """A cloud-optimised GeoTIFF with a band for each variable and class, north up; a code that is empty is NaN too."""

    library = "rasterio"

    def check(self, out: Path) -> None:
        """Refuse where rasterio is not installed, or centres are not evenly spaced."""
        super().check(out)
        for name in (self.axes.x, self.axes.y):
            steps = np.diff(self.frame[name].values)
            if not len(steps):
                problem = f"The coordinate {name!r} has one value, which does not tell the size of a cell."
                raise invalid("out", str(out), problem, "Write .nc or .zarr.")
            if np.ptp(steps) > EVEN * np.abs(steps).mean():
                problem = f"The coordinate {name!r} is not evenly spaced, as a GeoTIFF must be."
                raise invalid("out", str(out), problem, "Write .nc or .zarr.")

    def write(self, out: Path, strips: Strips) -> None:
        """Write all strips to a plain file, as they come, then lay that out again in tiles for access in parts."""
        import rasterio
        from rasterio.shutil import copy

        plain = out.with_name(f"{out.name}.plain.tif")
        try:
            with rasterio.open(plain, "w", **self._profile()) as file:
                file.descriptions = [name for layer in self.layers for name in self._bands(layer)]
                file.units = [layer.unit or None for layer in self.layers for _ in self._bands(layer)]
                file.update_tags(**{str(name): str(value) for name, value in self.frame.attrs.items()})
                for rows, values in gathered(strips, self.height):
                    bands = np.concatenate([values[layer.name].reshape(-1, *_sides(values)) for layer in self.layers])
                    file.write(self._north_up(bands).astype("float32"), window=self._window(rows))
            copy(plain, out, driver="COG", compress="deflate", overview_resampling="nearest", blocksize=CHUNK)
        finally:
            plain.unlink(missing_ok=True)

    def _profile(self) -> dict[str, Any]:
        size = {"height": self.frame.sizes[self.axes.y], "width": self.frame.sizes[self.axes.x]}
        laid = {"tiled": False, "blockysize": self.height, "compress": "deflate", "zlevel": 1, "BIGTIFF": "IF_SAFER"}
        count = sum(len(self._bands(layer)) for layer in self.layers)
        place = {"crs": self._crs(), "transform": self._placed()}
        return {"driver": "GTiff", "dtype": "float32", "nodata": np.nan, "count": count, **size, **laid, **place}

    def _bands(self, layer: Layer) -> list[str]:
        return [f"{layer.name} {label}" for label in self.frame["label"].values] if layer.labelled else [layer.name]

    def _north_up(self, bands: np.ndarray) -> np.ndarray:
        return bands[:, :: 1 if self._falls(self.axes.y) else -1, :: -1 if self._falls(self.axes.x) else 1]

    def _falls(self, name: str) -> bool:
        values = self.frame[name].values
        return bool(values[-1] < values[0])

    def _window(self, rows: slice) -> Any:
        from rasterio.windows import Window

        height, width = self.frame.sizes[self.axes.y], self.frame.sizes[self.axes.x]
        first = rows.start if self._falls(self.axes.y) else height - rows.stop
        return Window(0, first, width, rows.stop - rows.start)

    def _placed(self) -> Any:
        from rasterio.transform import from_origin

        x, y = (np.sort(self.frame[name].values) for name in (self.axes.x, self.axes.y))
        east, north = (x[-1] - x[0]) / (len(x) - 1), (y[-1] - y[0]) / (len(y) - 1)
        return from_origin(x[0] - east / 2, y[-1] + north / 2, east, north)

    def _crs(self) -> Any:
        from rasterio.crs import CRS as Reference

        stated = self.frame[CRS].attrs if CRS in self.frame else {}
        text = stated.get("crs_wkt", stated.get("spatial_ref"))
        if text:
            return Reference.from_wkt(str(text))
        if self.axes.geographic:
            return Reference.from_epsg(4326)
        crs = crs_of(stated)
        return None if crs is None else Reference.from_wkt(crs.to_wkt())


def _sides(values: Mapping[str, np.ndarray]) -> tuple[int, ...]:
    return next(iter(values.values())).shape[-2:]
