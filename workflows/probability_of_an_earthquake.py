"""Compute the probability of a strong earthquake in the Pacific Northwest, and the hours of blasts.

Magnitudes follow the law of Gutenberg and Richter, log10 N(>= m) = a - b m, above the magnitude where the
catalogue is complete: an exponential of rate b ln 10. That rate and the number of events a year have
conjugate Gamma posteriors, from which P(M >= m within t years) is drawn.

    python workflows/probability_of_an_earthquake.py [output folder]
"""

import sys
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import xarray as xr

import bayesgeo
from bayesgeo.probability import Discrete, Draws, distribution, independence_test, mutual_information

COMPLETE = 2.0 - 0.005  # half a step of the catalogue below magnitude 2, under which b still climbs
YEARS = 5.0  # 2018 to 2022
HOURS, MAGNITUDES = np.arange(0, 24, 3), np.arange(-1.0, 5.0)


def read() -> xr.Dataset:
    """Take magnitude, local hour and kind of every event from the catalogue."""
    data = bayesgeo.load("pnsn_catalogue")
    x = data.X.to_dataset(dim="feature")
    hour = (12 + np.arctan2(x["hour_sin"], x["hour_cos"]) * 12 / np.pi) % 24
    kind = ("obs", np.asarray(data.labels)[data.y])
    return xr.Dataset({"magnitude": x["magnitude"], "hour": hour, "kind": kind})


def posterior(magnitude: np.ndarray) -> Draws:
    """Draw b and the yearly number of complete events, under Jeffreys priors."""
    excess = magnitude[magnitude >= COMPLETE] - COMPLETE
    slope = distribution("gamma", a=excess.size, scale=1 / (excess.sum() * np.log(10)))
    yearly = distribution("gamma", a=excess.size + 0.5, scale=1 / YEARS)
    return Draws(xr.Dataset({"b": slope.sample(8000, seed=1), "yearly": yearly.sample(8000, seed=2)}))


def rate(draws: Draws, m: np.ndarray) -> xr.DataArray:
    """Return draws of the number of earthquakes a year of each magnitude and more."""
    above = xr.DataArray(m, {"m": m}) - 0.005 - COMPLETE
    return draws.values["yearly"] * 10 ** (-draws.values["b"] * above)


def draw_figure(events: xr.Dataset, draws: Draws, joint: Discrete, out: Path) -> None:
    """Plot the magnitude law, the hazard in time, and the clock of each kind."""
    figure, axes = plt.subplots(1, 3, figsize=(14, 4), layout="constrained")
    quakes, m = events["magnitude"].values[events["kind"] == "earthquake"], np.arange(0, 5.01, 0.1)
    band = rate(draws, m).quantile([0.025, 0.975], ["chain", "draw"])
    axes[0].semilogy(m, [(quakes >= x - 0.005).sum() / YEARS for x in m], "k.", label="catalogue")
    axes[0].fill_between(m, *band.values, alpha=0.4, label="95% interval")
    axes[0].set(xlabel="magnitude m", ylabel="earthquakes a year of at least m", ylim=(0.05, 5000))
    years = xr.DataArray(np.linspace(0, 10, 51), dims="years")
    for magnitude, hazard in (-np.expm1(-rate(draws, np.array([4.0, 4.5, 5.0])) * years)).groupby("m"):
        band = hazard.squeeze("m").quantile([0.025, 0.5, 0.975], ["chain", "draw"]).values
        axes[1].plot(years, band[1], label=f"M ≥ {magnitude}")
        axes[1].fill_between(years, band[0], band[2], alpha=0.25)
    axes[1].set(xlabel="years", ylabel="probability of at least one", ylim=(0, 1))
    for kind in joint.outcomes("kind").values:
        clock = joint.condition(kind=kind).marginal("hour").table
        axes[2].stairs(clock, np.append(HOURS, 24), label=kind)
    axes[2].set(xlabel="local hour", ylabel="p(hour | kind), 3 hours each", xlim=(0, 24))
    for axis in axes:
        axis.legend()
    figure.savefig(out / "probability_of_an_earthquake.png", dpi=120)


def main(out: Path) -> None:
    mpl.use("Agg")
    out.mkdir(parents=True, exist_ok=True)
    events = read()
    draws = posterior(events["magnitude"].values[events["kind"] == "earthquake"])
    hazard = Draws(xr.Dataset({"p": -np.expm1(-rate(draws, np.array([4.0]))).squeeze("m", drop=True)}))
    print(f"b = {draws.expectation('b'):.3f} ± {draws.standard_deviation('b'):.3f}")
    print(f"P(M >= 4 within a year) = {hazard.expectation('p'):.3f} ± {hazard.standard_deviation('p'):.3f}")
    bins = {"hour": HOURS, "magnitude": MAGNITUDES}
    binned = {name: edges[np.digitize(events[name], edges) - 1] for name, edges in bins.items()}
    joint = Discrete.from_rows({"kind": events["kind"], **binned})
    noon = joint.condition(hour=12, magnitude=1.0).probability({"kind": "explosion"})
    print(f"P(explosion) = {joint.probability({'kind': 'explosion'}):.3f}; of M 1 to 2 past noon {noon:.3f}")
    alone, given = (mutual_information(joint, "kind", "hour", given=g) for g in ((), "magnitude"))
    print(f"information of the hour on the kind: {alone:.3f} nat, {given:.3f} given the magnitude")
    test = independence_test(joint.table * events.sizes["obs"], "kind", "hour")
    print(f"G = {test.statistic:.0f} on {test.degrees_of_freedom} degrees of freedom, were they independent")
    draw_figure(events, draws, joint, out)


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "runs/probability_of_an_earthquake"))
