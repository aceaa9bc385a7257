"""``python -m bayesgeo`` is the command ``bayesgeo``."""

from bayesgeo.cli import main

if __name__ == "__main__":
    main()
