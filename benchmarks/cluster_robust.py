"""How often 90 % intervals of coefficients hold the truth where records share a term of their event, and where not.

Values or two classes of ``events`` events with ``records`` records each, on two features of the event and two of the
record; half of the sets have event terms of deviation ``tau``. Each set is evaluated as a report would, on folds of
whole events. Counted are the posterior's intervals, the cluster-robust ones and those that the Evidence says to
believe, which should hold the truth in 85 to 95 % of the cases. About three minutes of one core.

Run: python benchmarks/cluster_robust.py [--sets 60] [--events 40] [--records 10] [--task regression]
"""

import argparse
from collections import defaultdict

import numpy as np
import pandas as pd
import xarray as xr
from scipy import special

from bayesgeo import catalog
from bayesgeo.datasets.base import Dataset
from bayesgeo.datasets.split import split
from bayesgeo.evaluation.evaluate import evaluate
from bayesgeo.inference.laplace import Laplace

TRUTH = np.array([0.8, -0.3, -1.2, 0.4])
FEATURES = ("magnitude", "depth", "log_distance", "vs30")
OF_EVENT = 2
PHI = 0.5  # deviation of a record from its event


def simulated(rng: np.random.Generator, *, events: int, records: int, tau: float, classes: bool) -> Dataset:
    """Draw records of events whose terms have deviation ``tau``."""
    event = np.repeat(np.arange(events), records)
    of_event = rng.normal(size=(events, OF_EVENT))[event]
    X = np.c_[of_event, rng.normal(size=(len(event), len(TRUTH) - OF_EVENT))]
    predictor = X @ TRUTH + tau * rng.normal(size=events)[event]
    y = rng.random(len(event)) < special.expit(predictor) if classes else predictor + PHI * rng.normal(size=len(event))
    return Dataset(
        name="simulated",
        X=xr.DataArray(X, dims=("obs", "feature"), coords={"feature": list(FEATURES), "obs": np.arange(len(event))}),
        y=xr.DataArray(y.astype(int if classes else float), dims="obs", name="y"),
        labels=("no", "yes") if classes else (),
        groups=xr.Dataset({"event": ("obs", event.astype(str))}),
    )


def intervals(evidence: xr.DataTree) -> dict[str, np.ndarray]:
    """Return the ends ``(end, feature)`` of each kind of interval."""
    draws = evidence["posterior"]["coefficient"]
    table = evidence["cluster_robust"].to_dataset()
    found = {
        "posterior": draws.quantile([0.05, 0.95], ("chain", "draw")).transpose("quantile", "feature").values,
        "cluster-robust": np.stack([table["low"], table["high"]]),
    }
    return found | {"believed": found[table.attrs["believe"]]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name, default in {"sets": 60, "events": 40, "records": 10, "seed": 0}.items():
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--tau", type=float, help="deviation of event terms; .4, of log odds 1")
    parser.add_argument("--task", choices=("regression", "classification"), default="regression")
    options = parser.parse_args()
    classes = options.task == "classification"
    tau = options.tau or (1.0 if classes else 0.4)
    model = catalog.model("bayesian_logistic" if classes else "bayesian_linear", options.task)
    model.set_params(**({"inference": Laplace()} if classes else {}))
    rows = []
    for terms in (tau, 0.0):
        held, found = defaultdict(list), 0
        for k in range(options.sets):
            rng = np.random.default_rng([options.seed, k])
            drawn = simulated(rng, events=options.events, records=options.records, tau=terms, classes=classes)
            evidence = evaluate(model, drawn, split(drawn, seed=k), seed=k)
            # Coefficients without event terms are closer to zero (Zeger, Liang and Albert 1988, Biometrics 44:4).
            truth = TRUTH / np.sqrt(1 + 0.346 * terms**2) if classes else TRUTH
            found += evidence["cluster_robust"].attrs["believe"] == "cluster-robust"
            for kind, (low, high) in intervals(evidence).items():
                held[kind].append((low <= truth) & (truth <= high))
        for kind, inside in held.items():
            share = np.mean(inside, axis=0)
            parts = {"of events": share[:OF_EVENT].mean(), "of records": share[OF_EVENT:].mean(), "all": share.mean()}
            rows.append({"tau": terms, "interval": kind, **parts, "alike found": found / options.sets})
    print(pd.DataFrame(rows).round(3).to_string(index=False))


if __name__ == "__main__":
    main()
