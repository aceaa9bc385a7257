"""Earthquake or quarry blast? Models side by side on events whose exact posterior is known.

Run: python workflows/01_seismic_events.py [OUT]
"""

import sys

import numpy as np

import bayesgeo as bg

OUT = sys.argv[1] if len(sys.argv) > 1 else "runs/seismic_events"
SEED = 0


def main() -> None:
    # 1. The data: 3,000 events at 60 sites, drawn from a known physical and statistical description.
    events = bg.load("seismic_events")
    print(f"{events.n_rows} events, features: {', '.join(events.features)}")

    # 2. A split by site: test rows are at sites without training rows.
    folds = bg.split(events, seed=SEED)
    for finding in bg.audit(events, folds):
        print(f"audit: {finding.message}")

    # 3. The models: weakly informative normal priors, a sparser alternative, a network, and a deterministic one.
    models = {
        "normal prior": bg.BayesianLogisticRegression(),
        "laplace prior": bg.BayesianLogisticRegression(prior="laplace", prior_scale=1.0),
        "bayesian network": bg.BayesianMLPClassifier((16,), inference=bg.MCLMC(chains=4)),
        "perceptron": bg.MLPClassifier(hidden=(16, 16)),
    }
    evidence = {name: bg.evaluate(model, events, folds, seed=SEED) for name, model in models.items()}

    # 4. The verdicts on the posteriors, and their distance from the exact probability.
    exact = events.exact.sel(obs=evidence["normal prior"]["predictions"]["obs"])
    for name, found in evidence.items():
        error = np.abs(found["predictions"]["probability"].values - exact.values).mean()
        print(f"{name}: {found['diagnostics'].attrs['verdict']}, mean |p - exact| = {error:.4f}")

    # 5. Paired differences between the models.
    print(bg.compare(evidence, seed=SEED)[["a", "b", "difference", "low", "high", "conclusion"]].to_string(index=False))
    print(f"Report: {bg.report(evidence, OUT, seed=SEED)}")


if __name__ == "__main__":
    main()
