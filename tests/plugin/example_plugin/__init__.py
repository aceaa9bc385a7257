"""One addition of each kind to bayesgeo, found by entry points."""
