"""Data sets: labelled arrays with units, groups, coordinates and origin.

Load a data set by name, read your own table, or build a :class:`Dataset` from arrays.

- ``titles``, ``load``, ``prepare``: data sets by name, and the derived columns of new rows for them.
- ``read_table``: a CSV, Parquet or netCDF file as a data set.
- ``Dataset``, ``Origin``, ``Column``: the arrays, their origin, and how a column becomes features.
- ``assemble``, ``encode``: a data set, or only its features, from a pandas table.
- ``Split``, ``Finding``: what :func:`bayesgeo.split` and :func:`bayesgeo.audit` return.
- ``draw_seismic_events``: events drawn from a known process.

Names are imported on first use.
"""

import lazy_loader

# The stub beside lists the names.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
