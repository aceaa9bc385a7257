"""The training curves of every fit of a network, as one table."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import xarray as xr

from bayesgeo.models.training.curves import training_verdict

EVERY_ROW = "every row"  # the fit after those of the folds


def training_group(curves: Sequence[xr.Dataset]) -> xr.Dataset:
    """Gather the curves of trained networks: those of the folds and, last, that of the fit on every row.

    Returns
    -------
    xarray.Dataset
        ``loss (fold, part, epoch)``, missing after a training has stopped; along ``fold``, whose last is "every row":
        ``best_epoch``, whose weights are kept, ``constant``, the loss of a prediction that ignores the features, and
        ``verdict``, that of :func:`bayesgeo.models.training.curves.training_verdict`. Of several members the means,
        where one that has stopped stays at its last loss, and the most frequent verdict; ``members`` is how many.
    """
    epochs = max(curve.sizes["epoch"] for curve in curves)
    members = [size for dim, size in curves[-1]["training"].sizes.items() if dim != "epoch"]
    return xr.Dataset(
        {
            "loss": (("fold", "part", "epoch"), [_losses(curve, epochs) for curve in curves]),
            "best_epoch": ("fold", [_mean(curve, "best_epoch") for curve in curves]),
            "constant": ("fold", [_mean(curve, "constant") for curve in curves]),
            "verdict": ("fold", [training_verdict(curve) for curve in curves]),
        },
        coords={
            "fold": [*map(str, range(len(curves) - 1)), EVERY_ROW],
            "part": ["training", "validation"],
            "epoch": np.arange(epochs),
        },
        attrs={"members": int(np.prod(members))},
    )


def _losses(curve: xr.Dataset, epochs: int) -> np.ndarray:
    """Return the mean losses ``(part, epoch)`` of the members, filled up with NaN."""
    found = []
    for name in ("training", "validation"):
        loss = pd.DataFrame(curve[name].transpose("epoch", ...).values.reshape(curve.sizes["epoch"], -1))
        found.append(np.append(loss.ffill().mean(axis=1), np.full(epochs - len(loss), np.nan)))
    return np.array(found)


def _mean(curve: xr.Dataset, name: str) -> float:
    return float(curve[name].mean()) if name in curve else np.nan
