"""Files: written whole or not at all, read only when they can do no harm."""

from bayesgeo._files.writing import atomic_file, atomic_folder, harmless

__all__ = ["atomic_file", "atomic_folder", "harmless"]
