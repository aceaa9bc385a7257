"""Training of the networks: losses by epoch, and verdicts on over- and underfitting."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.ticker import LogLocator, NullFormatter

from bayesgeo._arrays import spaced
from bayesgeo.reporting.figures import COLOURS, FAINT, INK, Picture, canvas, to_svg
from bayesgeo.reporting.text import number, rounded

POINTS = 200
VERDICTS = {"fits": "without over- or underfitting"}
WIDE = 10.0  # ratio of losses from which their axis is logarithmic
Facts = dict[str, Any]


def training(evidence: xr.DataTree) -> Facts | None:
    """Return the curves of a network's fits, at most 200 epochs of each; None for a model without.

    Returns
    -------
    dict
        ``members`` of an ensemble, and ``fits``: those of the folds and, last, that on every row, each with ``fold``,
        ``verdict`` ("fits", "overfitting", "underfitting"), ``best_epoch``, ``constant`` (the loss of a prediction that
        ignores the features), ``epoch``, ``training`` and ``validation`` loss.
    """
    if "training" not in evidence.children:
        return None
    group = evidence["training"].to_dataset()
    fits = [_fit(group.isel(fold=k)) for k in range(group.sizes["fold"])]
    return {"members": int(group.attrs["members"]), "fits": fits}


def _fit(fold: xr.Dataset) -> Facts:
    loss = fold["loss"].dropna("epoch", how="all")
    loss = loss.isel(epoch=spaced(loss.sizes["epoch"], POINTS))
    parts = {name: rounded(loss.sel(part=name).values) for name in ("training", "validation")}
    return {
        "fold": str(fold["fold"].item()),
        "verdict": str(fold["verdict"].item()),
        "best_epoch": float(fold["best_epoch"]),
        "constant": float(fold["constant"]),
        "epoch": loss["epoch"].values.tolist(),
        **parts,
    }


def training_curves(training: Mapping[str, Any], *, name: str) -> Picture:
    """Draw the training and validation loss of each fit; the fit on every row in thick lines."""
    fits = training["fits"]
    colours = {"training": FAINT, "validation": COLOURS["deterministic"]}
    with canvas(3.1, 2.6) as (figure, axes):
        for fit in fits:
            last = fit is fits[-1]
            for part, colour in colours.items():
                y = np.array(fit[part], dtype=float)
                label = part if last else None
                axes.plot(fit["epoch"], y, color=colour, linewidth=2.0 if last else 0.8, label=label)
        constant = fits[-1]["constant"]
        if constant is not None:
            axes.axhline(constant, color=INK, linewidth=0.8, linestyle=(0, (4, 3)), zorder=0, label="constant")
        ends = _ends(fits)
        if ends[0] > 0 and ends[1] > WIDE * ends[0]:
            axes.set_yscale("log")
            axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
            axes.yaxis.set_major_formatter(lambda value, _: number(value, digits=1))
            axes.yaxis.set_minor_formatter(NullFormatter())
        axes.set(xlabel="epoch", ylabel="loss")
        axes.set_xlim(left=0)
        figure.legend(loc="outside lower left", ncols=3, frameon=False, fontsize=8, labelcolor=INK, columnspacing=1.0)
        svg = to_svg(figure, name)
    told = "; ".join(f"{_name(fit)}: {_course(fit)}" for fit in fits)
    return Picture(svg, f"Loss by epoch, trained {len(fits)} times. {told}.")


def _ends(fits: list[Facts]) -> tuple[float, float]:
    known = [value for fit in fits for part in ("training", "validation") for value in fit[part] if value is not None]
    return (min(known), max(known)) if known else (0.0, 0.0)


def _name(fit: Mapping[str, Any]) -> str:
    return f"fold {fit['fold']}" if fit["fold"].isdecimal() else fit["fold"]


def _course(fit: Mapping[str, Any]) -> str:
    ends = [number(fit[part][-1]) for part in ("training", "validation")]
    found = f"best epoch {number(fit['best_epoch'])}, {VERDICTS.get(fit['verdict'], fit['verdict'])}"
    return f"training {ends[0]} and validation {ends[1]} at last, {found}"


def trained(training: Mapping[str, Any]) -> str:
    """Report in how many fits a network over- or underfitted, and which weights were kept.

    Examples
    --------
    >>> fits = [{"verdict": "fits", "best_epoch": 20.0}, {"verdict": "overfitting", "best_epoch": 41.0}]
    >>> trained({"members": 1, "fits": fits})
    'Trained 2 times, for each fold and on every row: 1 without over- or underfitting, 1 overfitting. Kept are the
     weights of the best epoch, 20 to 41.'
    """
    fits = training["fits"]
    counted = Counter(fit["verdict"] for fit in fits).most_common()
    listed = ", ".join(f"{count} {VERDICTS.get(verdict, verdict)}" for verdict, count in counted)
    best = sorted(fit["best_epoch"] for fit in fits)
    mean = f" Lines are means of {training['members']} members." if training["members"] > 1 else ""
    kept = f"Kept are the weights of the best epoch, {number(best[0])} to {number(best[-1])}."
    return f"Trained {len(fits)} times, for each fold and on every row: {listed}. {kept}{mean}"


__all__ = ["trained", "training", "training_curves"]
