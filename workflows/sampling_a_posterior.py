"""Sample one posterior in four ways: rejection, importance, NUTS and variational inference.

Ten waiting times between earthquakes (days) may follow a Weibull law, whose shape k says whether events
cluster (k < 1) or come regularly (k > 1). The posterior of log k and log scale is skewed and correlated.

    python workflows/sampling_a_posterior.py [output folder]
"""

import sys
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pymc as pm
import xarray as xr
from scipy import optimize

from bayesgeo.probability import Density, Draws, Independent, importance, normal, rejection

WAITS = np.array([2.1, 0.3, 11.9, 0.8, 4.2, 25.0, 0.1, 6.6, 1.5, 3.3])  # days
PRIOR = Independent(log_shape=normal(0.0, 0.5), log_scale=normal(1.0, 1.5))
NODES = {"log_shape": np.linspace(-2.0, 1.5, 351), "log_scale": np.linspace(-3.0, 5.0, 401)}
DRAWS, SEED = 4000, 11


def log_likelihood(v: dict[str, xr.DataArray]) -> xr.DataArray:
    """Return the log likelihood of the waits, with the labels of the parameters."""
    waits = xr.DataArray(WAITS, dims="wait")
    z = np.exp(v["log_shape"]) * (np.log(waits) - v["log_scale"])
    return (v["log_shape"] + z - np.exp(np.minimum(z, 700.0)) - np.log(waits)).sum("wait")


def log_posterior(v: dict[str, xr.DataArray]) -> xr.DataArray:
    """Return the log of prior times likelihood."""
    return PRIOR.log_density(v) + log_likelihood(v)


def log_peak() -> float:
    """Find the largest log likelihood: the envelope when proposals come from the prior."""

    def loss(x: np.ndarray) -> float:
        return -float(log_likelihood({name: xr.DataArray(y) for name, y in zip(NODES, x, strict=True)}))

    return -optimize.minimize(loss, [0.0, 1.0], method="Nelder-Mead", options={"fatol": 1e-10}).fun


def by_pymc() -> dict[str, Draws]:
    """Sample with NUTS and fit a mean-field Gaussian, from one PyMC model."""
    quiet = {"random_seed": SEED, "progressbar": False}
    with pm.Model():
        shape = pm.math.exp(pm.Normal("log_shape", 0.0, 0.5))
        scale = pm.math.exp(pm.Normal("log_scale", 1.0, 1.5))
        pm.Weibull("wait", shape, scale, observed=WAITS)
        nuts = pm.sample(DRAWS // 4, chains=4, cores=1, nuts_sampler="pymc", **quiet)
        vi = pm.fit(20_000, **quiet).sample(DRAWS, random_seed=SEED)
    return {"NUTS": Draws(nuts), "VI": Draws(vi)}


def draw_figure(grid: Density, draws: dict[str, Draws], out: Path) -> None:
    """Plot each set of draws over the contours of the grid."""
    figure, axes = plt.subplots(1, len(draws), figsize=(13, 4), sharey=True, layout="constrained")
    density = grid.density.transpose("log_scale", "log_shape")
    levels = float(density.max()) * np.array([0.03, 0.2, 0.5, 0.8])
    for axis, (name, found) in zip(axes, draws.items(), strict=True):
        kept = found.sample(1500, seed=SEED)
        axis.plot(kept["log_shape"].values[0], kept["log_scale"].values[0], ".", ms=2, alpha=0.5)
        axis.contour(density["log_shape"], density["log_scale"], density, levels, colors="k", linewidths=0.8)
        axis.set(title=name, xlabel="log shape", xlim=(-1.2, 0.7), ylim=(-0.5, 3.0))
    axes[0].set_ylabel("log scale (log days)")
    figure.savefig(out / "sampling_a_posterior.png", dpi=120)


def main(out: Path) -> None:
    mpl.use("Agg")
    out.mkdir(parents=True, exist_ok=True)
    grid = Density.from_log_density(log_posterior, **NODES)
    kept = rejection(log_posterior, PRIOR, log_envelope=log_peak() + 1e-8, n=DRAWS, seed=SEED)
    weighted = importance(log_posterior, PRIOR, n=DRAWS, seed=SEED)
    print(f"rejection keeps {kept.acceptance_rate:.1%}; log evidence {kept.log_evidence:.2f}")
    print(f"importance has Pareto k {weighted.pareto_k:.2f}; log evidence {weighted.log_evidence:.2f}")
    draws = {
        "rejection": Draws(kept.draws),
        "importance": Draws(weighted.draws, weighted.weights),
        **by_pymc(),
    }
    print("            E[log k]  ± error      sd  P(k < 1)  correlation")
    for name, joint in {"grid": grid, **draws}.items():
        mean, sd = joint.expectation("log_shape"), joint.standard_deviation("log_shape")
        error = joint.quadrature_error("log_shape") if name == "grid" else joint.mcse("log_shape")
        shared = joint.covariance("log_shape", "log_scale") / sd / joint.standard_deviation("log_scale")
        clustered = joint.probability({"log_shape": slice(None, 0.0)})
        print(f"{name:10}{mean:10.4f}{error:9.4f}{sd:8.4f}{clustered:10.4f}{shared:13.3f}")
    draw_figure(grid, draws, out)


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "runs/sampling_a_posterior"))
