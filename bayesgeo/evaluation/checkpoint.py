"""Keep finished fits of folds on disk, so that an interruption loses only the fit in progress."""

import json
from collections.abc import Callable
from dataclasses import asdict, fields
from pathlib import Path

import xarray as xr

from bayesgeo._check import InvalidInput
from bayesgeo.diagnostics import Check, Diagnosis
from bayesgeo.evaluation.fold import FoldResult
from bayesgeo.evaluation.integrity import load_sealed, write_sealed

CHECK = [field.name for field in fields(Check) if field.init]


def kept(folder: str | Path | None, name: str, run: Callable[[], FoldResult]) -> FoldResult:
    """Return the stored result of a fit; without one, or with a damaged one, run the fit and store its result.

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
    try:
        return load_part(file)
    except InvalidInput:
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
    write_sealed(tree, path)


def load_part(path: str | Path) -> FoldResult:
    """Read what :func:`save_part` wrote.

    Raises
    ------
    InvalidInput
        If there is no such file, or it has changed since it was written.
    """
    tree = load_sealed(path, "part")
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
