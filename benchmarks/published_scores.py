"""Scores under published protocols: Istanbul leave-one-out, Pacific Northwest 2022, facies by left-out well.

Needs the data sets (downloaded, or in the folder that BAYESGEO_DATA names). About 15 minutes on two cores.

Run: python benchmarks/published_scores.py [istanbul_quarry] [pnsn_catalogue] [seg2016_facies] [seismic_events]
"""

import sys

import numpy as np

import bayesgeo as bg
from bayesgeo.catalog import model

PUBLISHED = {
    "istanbul_quarry": "published: leave-one-out logistic .9665 / .085, quadratic discriminant .966",
    "pnsn_catalogue": "published protocol: train 2018-21, test 2022; logistic .203, random forest .196",
    "seg2016_facies": "published: random rows .716 accuracy against .414 on a blind well (one well, another model)",
    "seismic_events": "the exact posterior's own log loss is the floor",
}
MODELS = {
    "istanbul_quarry": ("bayesian_logistic", "logistic", "boosting"),
    "pnsn_catalogue": ("bayesian_logistic", "logistic", "boosting", "forest", "mlp"),
    "seg2016_facies": ("bayesian_logistic", "logistic", "boosting", "forest", "mlp"),
    "seismic_events": ("bayesian_logistic", "logistic", "boosting", "mlp"),
}


def main() -> None:
    for name in sys.argv[1:] or PUBLISHED:
        dataset = bg.load(name)
        folds, rows = bg.split(dataset), bg.split(dataset, "random")
        print(f"\n{name}: {folds.sentence}\n  {PUBLISHED[name]}")
        if dataset.exact is not None:
            chosen = dataset.exact.values[np.arange(dataset.n_rows), dataset.y.values]
            print(f"  {'exact posterior':18} log loss {-np.log(chosen).mean():.4f}")
        for key in MODELS[name]:
            found = bg.evaluate(model(key, dataset.task), dataset, folds, random_rows=rows)
            table = found["metrics"].to_dataset().sel(metric=["accuracy", "log_loss"])
            accuracy, log_loss = table["value"].values
            print(
                f"  {key:18} accuracy {accuracy:.4f}  log loss {log_loss:.4f}  "
                f"random rows {float(table['random_rows'][0]):.3f} against {float(table['same_rows'][0]):.3f}  "
                f"{found['diagnostics'].attrs['verdict']}, {found.attrs['fit_seconds']:.0f} s"
            )


if __name__ == "__main__":
    main()
