"""Classify a training curve: overfitting, underfitting, or neither."""

import numpy as np
import xarray as xr

NEGATIVE_LOG_DENSITY = "negative log density"


def training_verdict(curve: xr.Dataset) -> str:
    """Return "overfitting", "underfitting" or "fits" from training and validation losses.

    Both losses are smoothed by a running mean over a tenth of the epochs. "underfitting": the least validation loss
    is not 2 % below that of a constant prediction, or patience had not run out, it lies in the last tenth of the
    epochs, and the training loss was still falling there: by 1 %, and by twice the standard error, below the tenth
    before. "overfitting": the validation loss ends at least 5 % above its least while the training loss fell by 5 %
    more since. The verdict covers all epochs; the weights that are kept are those of the best one. Negative log
    densities :math:`l`, which may be below zero, are compared as the variances :math:`e^{2l}` to which they amount.

    Parameters
    ----------
    curve : xarray.Dataset
        ``training`` and ``validation (epoch)``, and ``constant`` and ``stopped`` where known, and the attribute
        ``loss``: the ``curve_`` of a fitted network. Of several members, the verdict that most of them get.

    Examples
    --------
    >>> epochs = np.arange(100)
    >>> falling = 0.1 + 0.9 * np.exp(-epochs / 10)
    >>> rising = np.where(epochs < 30, falling, falling[30] + 0.01 * (epochs - 30))
    >>> training_verdict(xr.Dataset({"training": ("epoch", falling), "validation": ("epoch", rising)}))
    'overfitting'
    """
    members = [name for name in curve["training"].dims if name != "epoch"]
    if members:
        verdicts = [training_verdict(curve.isel({members[0]: k})) for k in range(curve.sizes[members[0]])]
        return max(sorted(set(verdicts)), key=verdicts.count)
    if curve.attrs.get("loss") == NEGATIVE_LOG_DENSITY:
        curve = _variances(curve)
    known = curve[["training", "validation"]].dropna("epoch")
    tenth = max(3, -(-known.sizes["epoch"] // 10))
    smooth = known.rolling(epoch=tenth, center=True, min_periods=1).mean()
    training, validation = smooth["training"].values, smooth["validation"].values
    best = int(validation.argmin())
    if "constant" in curve and validation[best] > 0.98 * float(curve["constant"]):
        return "underfitting"
    if validation[-1] > 1.05 * validation[best] and training[-1] < 0.95 * training[best]:
        return "overfitting"
    late = best >= len(training) - tenth and not bool(curve.get("stopped", False))
    return "underfitting" if late and _still_falls(known["training"].values, tenth) else "fits"


def _variances(curve: xr.Dataset) -> xr.Dataset:
    least = curve["validation"].min()
    names = [name for name in ("training", "validation", "constant") if name in curve]
    # Clipped, because one row far out may cost thousands of nats: only ratios near one decide.
    found = {name: np.exp(2 * (curve[name] - least).clip(-50, 50)) for name in names}
    return curve.assign(found).drop_attrs()


def _still_falls(loss: np.ndarray, tenth: int) -> bool:
    before, last = loss[-2 * tenth : -tenth], loss[-tenth:]
    if len(before) < tenth:
        return False
    error = np.sqrt((before.var(ddof=1) + last.var(ddof=1)) / tenth)
    return bool(before.mean() - last.mean() > max(0.01 * before.mean(), 2 * error))
