"""Functions of a network: what its prior holds for possible along single inputs, and what is left after the data."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from bayesgeo.reporting.figures import COLOURS, FAINT, Picture, canvas, short, to_svg
from bayesgeo.reporting.sections.base import described
from bayesgeo.reporting.text import clean, number, percent, rounded

SEEN = (0.1, 0.9)  # quantiles of the prior curves that lie in the picture in any case
Facts = dict[str, Any]


def function_curves(evidence: xr.DataTree) -> Facts | None:
    """Return the expected outcome of a network along single inputs; None of a model without.

    Returns
    -------
    dict
        ``of``, the class whose probability is shown, or the target; its ``unit``; the probability ``prob`` of
        intervals; ``inputs`` in all; ``prior_low`` and ``prior_high``, where functions of the prior lie at the median
        of all inputs; and ``along``, for each input shown: ``feature``, ``unit``, ``x``, ``mean``, ``low`` and ``high``
        of the posterior, and curves ``prior``.
    """
    if "function_curves" not in evidence.children:
        return None
    group, dataset = evidence["function_curves"].to_dataset(), described(evidence)
    labels = list(dataset["labels"])
    label = str(group.attrs["label"])
    return {
        "of": labels[int(label)] if label.isdecimal() and labels else label or dataset["target"],
        "unit": "" if labels else dataset["unit"],
        **{name: float(group.attrs[name]) for name in ("prob", "prior_low", "prior_high")},
        "inputs": int(group.attrs["inputs"]),
        "along": [_along(group.isel(feature=k)) for k in range(group.sizes["feature"])],
    }


def _along(curves: xr.Dataset) -> Facts:
    posterior = {name: rounded(curves[name].values) for name in ("x", "mean", "low", "high")}
    prior = [rounded(curve) for curve in curves["prior"].transpose("curve", "point").values]
    return {"feature": str(curves["feature"].item()), "unit": str(curves["unit"].item()), **posterior, "prior": prior}


def curve_figures(curves: Mapping[str, Any], place: int, *, regression: bool) -> list[Picture]:
    """Draw each input: curves of the prior thin, the posterior mean thick with its band."""
    ends = _ends(curves["along"]) if regression else (-0.02, 1.02)
    of = _with_unit(curves["of"], curves["unit"]) if regression else f"P({short(curves['of'])})"
    return [
        _figure(along, of, ends, name=f"curves{place}_{k}", prob=curves["prob"])
        for k, along in enumerate(curves["along"], start=1)
    ]


def _figure(along: Mapping[str, Any], of: str, ends: tuple[float, float], *, name: str, prob: float) -> Picture:
    x, mean, low, high, prior = (np.array(along[key], dtype=float) for key in ("x", "mean", "low", "high", "prior"))
    with canvas(2.9, 2.4) as (figure, axes):
        axes.plot(x, prior.T, color=FAINT, linewidth=0.7, alpha=0.7)
        axes.fill_between(x, low, high, color=COLOURS["Bayesian"], alpha=0.3, linewidth=0)
        axes.plot(x, mean, color=COLOURS["Bayesian"], linewidth=2.0)
        axes.set(xlabel=_with_unit(along["feature"], along["unit"]), ylabel=of, ylim=ends, xlim=(x[0], x[-1]))
        axes.locator_params(nbins=5)
        svg = to_svg(figure, name)
    told = f"{number(mean[0])} at {number(x[0])} to {number(mean[-1])} at {number(x[-1])}"
    widest = number((high - low).max())
    posterior = f"posterior mean {told}, {percent(prob)} band at most {widest} wide"
    before = f"{len(prior)} functions of the prior move by {_moves(prior)} within it"
    return Picture(svg, f"{clean(of)} along {clean(along['feature'])}: {posterior}; {before}.")


def _moves(prior: np.ndarray) -> str:
    low, high = np.quantile(np.ptp(prior, axis=1), SEEN)
    return f"{number(low, digits=2)} to {number(high, digits=2)}"


def _ends(along: list[Facts]) -> tuple[float, float]:
    """Return the ends of the axis: all of the posterior, and what most of the prior says."""
    values = np.array([curve[key] for curve in along for key in ("low", "high")], dtype=float)
    prior = np.quantile([curve["prior"] for curve in along], SEEN)
    low, high = min(values.min(), prior[0]), max(values.max(), prior[1])
    margin = 0.05 * (high - low) or 0.1
    return low - margin, high + margin


def _with_unit(name: str, unit: str) -> str:
    return f"{short(name)} ({short(unit)})" if unit else short(name)


__all__ = ["curve_figures", "function_curves"]
