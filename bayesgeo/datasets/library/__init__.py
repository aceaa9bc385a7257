"""Data sets that come by name, one file each."""
