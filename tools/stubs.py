"""Write the type stubs of the packages whose names are found by looking, or check that they are up to date.

Run ``python tools/stubs.py`` after adding a public name; with ``--check`` it exits with 1 if a stub is stale.
"""

import importlib
import sys
from pathlib import Path

from bayesgeo._registry import listed

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("inference", "maps", "metrics", "models")


def stub(package: str) -> str:
    """Return the text of a package's stub: one import for each public name."""
    full = f"bayesgeo.{package}"
    others = importlib.import_module(full).OTHERS
    homes = {name: module.removeprefix(f"{full}.") for name, module in listed(full)} | others
    lines = sorted(f"from .{module} import {name} as {name}" for name, module in homes.items())
    names = "".join(f'    "{name}",\n' for name in sorted(homes, key=_order))
    return "\n".join(lines) + f"\n\nOTHERS: dict[str, str]\n__all__ = [\n{names}]\n"


def _order(name: str) -> tuple[int, str]:
    """Sort as the linter does: constants, classes, then the rest."""
    return (0 if name.isupper() else 1 if name[0].isupper() else 2), name


def main() -> int:
    """Write or check every stub."""
    stale = []
    for package in PACKAGES:
        path = ROOT / "bayesgeo" / package / "__init__.pyi"
        if not path.exists() or path.read_text(encoding="utf-8") != stub(package):
            stale.append(str(path.relative_to(ROOT)))
            if "--check" not in sys.argv:
                path.write_text(stub(package), encoding="utf-8")
    if "--check" not in sys.argv:
        return 0
    for path in stale:
        print(f"{path} is stale: run python tools/stubs.py")
    return int(bool(stale))


if __name__ == "__main__":
    sys.exit(main())
