"""Aleatoric and epistemic uncertainty of a Bayesian network: velocity in a well, and below it.

Seismic velocity (km/s) against depth (km), drawn from a known law whose noise grows with depth. Rows lie between 0.5
and 2.5 km; a deeper well would reach 3.5 km. Aleatoric uncertainty (noise) stays however many rows there
are. Epistemic uncertainty shrinks as rows are added between them, and is large where there are none.

    python workflows/04_bayesian_network.py [output folder]
"""

import sys
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np

import bayesgeo as bg
from bayesgeo.models.networks.ensemble import DeepEnsembleRegressor

SIZES, SEED = (100, 400, 1600), 0
INSIDE, OUTSIDE = np.linspace(0.5, 2.5, 81)[:, None], np.linspace(3.0, 3.5, 21)[:, None]  # km
INFERENCE = bg.MCLMC(chains=4, max_steps=4000)  # half the default chains: quicker


def velocity(depth: np.ndarray) -> np.ndarray:
    """Return the true velocity: compaction, and one slow layer at 1.6 km."""
    return 1.8 + 1.1 * np.sqrt(depth) - 0.5 * np.exp(-(((depth - 1.6) / 0.2) ** 2))


def noise(depth: np.ndarray) -> np.ndarray:
    """Return the true standard deviation of the noise."""
    return 0.03 + 0.04 * depth


def draw(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw rows inside the data."""
    rng = np.random.default_rng(seed)
    depth = rng.uniform(0.5, 2.5, n)
    return depth[:, None], velocity(depth) + noise(depth) * rng.normal(size=n)


def spread(fitted, depth: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return aleatoric and epistemic standard deviation at each depth."""
    predictive = fitted.predictive(depth)
    variance = (predictive["sigma"] ** 2).broadcast_like(predictive["expected"]).mean(("chain", "draw"))
    return np.sqrt(variance.values), predictive["expected"].std(("chain", "draw")).values


def fit_all(n: int) -> dict:
    """Fit the three networks on the first ``n`` rows."""
    X, y = draw(n, SEED)
    models = {
        "bayesian": bg.BayesianMLPRegressor(inference=INFERENCE, random_state=SEED),
        "ensemble": DeepEnsembleRegressor(bg.MLPRegressor((16, 16)), members=4, random_state=SEED),
        "mlp": bg.MLPRegressor((16, 16), random_state=SEED),
    }
    return {name: estimator.fit(X, y) for name, estimator in models.items()}


def print_scores(n: int, fitted: dict) -> None:
    """Print a line for each model: its score on new rows, and its aleatoric and epistemic uncertainty."""
    X, y = draw(2000, SEED + 1)
    for name, estimator in fitted.items():
        density = estimator.log_density(estimator.predictive(X), y)
        score = float(np.log(np.exp(density).mean(("chain", "draw"))).mean())
        (noise_in, unsure_in), (_, unsure_out) = spread(estimator, INSIDE), spread(estimator, OUTSIDE)
        numbers = f"{noise_in.mean():9.3f} {unsure_in.mean():10.3f} {unsure_out.mean():11.3f}"
        print(f"{n:5d}  {name:9} {score:9.3f} {numbers}")


def draw_figure(fitted: dict, out: Path) -> None:
    """Draw the prediction of each model, with 90 % of its draws, inside and below the data."""
    depth = np.linspace(0.2, 3.7, 176)[:, None]
    figure, panels = plt.subplots(1, len(fitted), figsize=(9, 3.6), sharey=True, layout="constrained")
    for axes, (n, estimator) in zip(panels, fitted.items(), strict=True):
        low, middle, high = estimator.predict_draws(depth).quantile([0.05, 0.5, 0.95], ("chain", "draw")).values
        X, y = draw(n, SEED)
        axes.plot(X[:200, 0], y[:200], ".", color="0.6", markersize=3)
        axes.fill_between(depth[:, 0], low, high, alpha=0.35)
        axes.plot(depth[:, 0], middle)
        axes.plot(depth[:, 0], velocity(depth[:, 0]), "k--", linewidth=1)
        axes.set(title=f"{n} rows", xlabel="depth (km)", ylim=(1.0, 5.5))
    panels[0].set_ylabel("velocity (km/s)")
    figure.savefig(out / "velocity.png", dpi=120)


def main() -> None:
    out = Path(sys.argv[1] if len(sys.argv) > 1 else "runs/bayesian_network")
    out.mkdir(parents=True, exist_ok=True)
    mpl.use("Agg")
    print(f"True noise inside the data: {noise(INSIDE).mean():.3f} km/s on average")
    print(" rows  model     log score aleatoric  epistemic  ... outside   (km/s)")
    networks = {}
    for n in SIZES:
        fitted = fit_all(n)
        print_scores(n, fitted)
        networks[n] = fitted["bayesian"]
        print(f"{'':7}verdict on the posterior: {bg.diagnose(networks[n].posterior_).verdict}")
    draw_figure(networks, out)
    print(f"Figure: {out / 'velocity.png'}")


if __name__ == "__main__":
    main()
