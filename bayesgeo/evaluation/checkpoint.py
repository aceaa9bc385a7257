"""Keep finished fits of folds on disk, so that an interruption loses only the fit in progress."""

import json
from collections.abc import Callable
from dataclasses import asdict, fields
from pathlib import Path

import xarray as xr

from bayesgeo._files import atomic_file
from bayesgeo.diagnostics import Check, Diagnosis
from bayesgeo.evaluation.fold import FoldResult

CHECK = [field.name for field in fields(Check) if field.init]


def kept(folder: str | Path | None, name: str, run: Callable[[], FoldResult]) -> FoldResult:
    """Return the stored result of a fit; without one, run the fit and store its result.

    Parameters
    ----------
    folder : path or None
        None keeps nothing.
    name : str
        Name of the fit, unique within its model.
    run : callable
        Returns the result of the fit.
    """
    if folder is None:
        return run()
    file = Path(folder) / f"{name}.nc"
    if not file.exists():
        save_part(run(), file)
    return load_part(file)


def save_part(part: FoldResult, path: str | Path) -> None:
    """Write the result of a fold to one netCDF file, atomically."""
    checks = part.diagnosis.checks
    groups = {
        "predictions": part.predictions,
        "draws": xr.Dataset(
            {
                "confusion": (("draw", "true", "predicted"), part.confusion),
                "probability": (("kept", "row", "label"), part.probability),
            }
        ),
        "checks": xr.Dataset({name: ("check", [asdict(check)[name] for check in checks]) for name in CHECK}),
    }
    if part.curve is not None:
        groups["curve"] = part.curve
    tree = xr.DataTree.from_dict(groups)
    tree.attrs["seconds"] = json.dumps(part.seconds)
    with atomic_file(path) as temporary:
        tree.to_netcdf(temporary, engine="h5netcdf")


def load_part(path: str | Path) -> FoldResult:
    """Read what :func:`save_part` wrote."""
    tree = xr.load_datatree(path, engine="h5netcdf")
    table, draws = (tree[group].to_dataset() for group in ("checks", "draws"))
    columns = {name: table[name].values.tolist() for name in CHECK}
    checks = tuple(Check(**dict(zip(columns, row, strict=True))) for row in zip(*columns.values(), strict=True))
    return FoldResult(
        predictions=tree["predictions"].to_dataset(),
        confusion=draws["confusion"].values,
        probability=draws["probability"].values,
        diagnosis=Diagnosis(checks),
        curve=tree["curve"].to_dataset() if "curve" in tree.children else None,
        seconds=json.loads(tree.attrs["seconds"]),
    )
