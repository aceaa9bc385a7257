"""Rock facies from well logs, in a well without training rows.

Run: python workflows/03_facies_blind_well.py [OUT] [EVERY]
"""

import sys

import numpy as np

import bayesgeo as bg
from bayesgeo.catalog import model
from bayesgeo.datasets.library.seg2016_facies import load_blind
from bayesgeo.evaluation.evaluate import fit_and_score

OUT = sys.argv[1] if len(sys.argv) > 1 else "runs/facies"
EVERY = int(sys.argv[2]) if len(sys.argv) > 2 else 1  # take every n-th sample, for a quick look


def main() -> None:
    # 1. The data: seven logs at half-foot steps in ten wells, nine facies.
    logs = bg.load("seg2016_facies")
    logs = logs.rows(np.arange(0, logs.n_rows, EVERY))

    # 2. One well at a time is left out. A random split puts neighbours of each test sample into training.
    wells, rows = bg.split(logs, "leave-one-group-out"), bg.split(logs, "random")
    models = {
        "bayesian_logistic": bg.BayesianLogisticRegression(),
        "forest": model("forest", logs.task),
        "boosting": model("boosting", logs.task),
    }
    scored = {name: fit_and_score(m, logs, wells, random_rows=rows) for name, m in models.items()}
    evidence = {name: found.evidence for name, found in scored.items()}

    # 3. The optimism gap: the accuracy of a random split on the same rows.
    for name, found in evidence.items():
        accuracy = found["metrics"].to_dataset().sel(metric="accuracy")
        print(
            f"{name:18} left-out wells {float(accuracy['value']):.3f}; on the same rows: random split "
            f"{float(accuracy['random_rows']):.3f} against {float(accuracy['same_rows']):.3f}"
        )
    print(f"Report: {bg.report(evidence, OUT, findings=bg.audit(logs, wells))}")

    # 4. Two wells whose facies were not published: the confidence of the best model.
    best = max(evidence, key=lambda name: float(evidence[name]["metrics"]["log_score_by_row"].mean()))
    blind = logs.encode(load_blind())
    probability = scored[best].model.predict_proba(blind)
    print(f"{best} on {len(blind)} blind samples: mean confidence {probability.max(axis=1).mean():.2f}")


if __name__ == "__main__":
    main()
