"""Maps: predictions on the cells of a grid, with their uncertainty.

- ``predict_grid``: a fitted model and a grid of features to a map.
- ``read_grid``: a netCDF, Zarr or GeoTIFF file, or a table of cells, as a grid.
- ``make_grid``: cells of one size inside a polygon, or inside the convex hull of places.
- ``write_map``: a map to netCDF, Zarr or GeoTIFF.

Names are imported on first use.
"""

import lazy_loader

# The stub beside lists the names.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
