"""How often the check of errors alike within groups finds simulated group effects, and how often it errs without any.

Values or two classes on a feature of the group and two of the row, with an intraclass correlation of .2 (of classes, of
the latent logistic variable) and of none. The models know no groups and are scored on five folds of whole groups; the
check sees the held-out residuals as in a report. Beside it stands what the exact F test of the variance component finds
at the same level in the values themselves, features known to it: no invariant test of that level finds more. Also
counted is how often the 90 % interval of the intraclass correlation holds the truth, of values. A few
minutes a task, with a Bayesian model twenty.

Run: python benchmarks/group_likeness.py [--task regression] [--tables 100] [--model NAME] [--seed 0]
"""

import argparse

import numpy as np
import pandas as pd
import xarray as xr
from scipy import stats
from sklearn.linear_model import LogisticRegression

from bayesgeo import catalog
from bayesgeo.datasets.base import Dataset
from bayesgeo.datasets.split import split
from bayesgeo.diagnostics import residual_checks
from bayesgeo.diagnostics.residuals import LEVEL
from bayesgeo.evaluation.fold import run_fold
from bayesgeo.evaluation.residuals import residuals_group
from bayesgeo.inference.exact import Exact
from bayesgeo.inference.laplace import Laplace

SIZES = ((10, 10), (10, 30), (20, 10), (40, 20))  # groups, and rows of each
TRUTH = np.array([0.5, -1.0, 0.5])
ICC = 0.2
DRAWS = 200


def simulated(rng: np.random.Generator, groups: int, rows: int, *, icc: float, classes: bool) -> Dataset:
    """Draw a table of groups whose rows have this intraclass correlation, given the features."""
    group = np.repeat(np.arange(groups), rows)
    X = np.c_[rng.normal(size=groups)[group], rng.normal(size=(len(group), 2))]
    noise = rng.logistic(size=len(group)) if classes else rng.normal(size=len(group))
    variance = np.pi**2 / 3 if classes else 1.0
    y = X @ TRUTH + np.sqrt(icc / (1 - icc) * variance) * rng.normal(size=groups)[group] + noise
    return Dataset(
        name="simulated",
        X=xr.DataArray(
            X, dims=("obs", "feature"), coords={"feature": ["magnitude", "depth", "vs30"], "obs": np.arange(len(group))}
        ),
        y=xr.DataArray((y > 0).astype(int) if classes else y, dims="obs", name="y"),
        labels=("no", "yes") if classes else (),
        groups=xr.Dataset({"event": ("obs", group.astype(str))}),
    )


def residuals(model, dataset: Dataset, seed: int) -> xr.Dataset:
    """Return the group ``residuals`` of the Evidence, by the functions that make it; without a model of plain fits."""
    folds = split(dataset, seed=seed).folds
    if model is None:
        parts, probability = [plain(dataset, *fold) for fold in folds], np.zeros((1, dataset.n_rows, 2))
    else:
        runs = [run_fold(model, dataset, *fold, seed=seed + k, place=(k + 1, 5)) for k, fold in enumerate(folds)]
        parts, probability = (
            [run.predictions for run in runs],
            np.concatenate([run.probability for run in runs], axis=1),
        )
    predictions = xr.concat(parts, "obs")
    predictions["fold"] = ("obs", np.repeat(np.arange(len(parts)), [len(test) for _, test in folds]))
    tested = dataset.rows(np.concatenate([test for _, test in folds]))
    return residuals_group(tested, predictions, probability=probability, seed=seed)


def plain(dataset: Dataset, train: np.ndarray, test: np.ndarray) -> xr.Dataset:
    """Predict test rows by least squares under a flat prior, or by logistic regression of scikit-learn."""
    X, y = np.c_[np.ones(dataset.n_rows), dataset.X.values], dataset.y.values
    if dataset.labels:
        found = LogisticRegression(C=1e4).fit(X[train], y[train]).predict_proba(X[test])
        return xr.Dataset({"probability": (("obs", "label"), found)})
    coefficients, (left,) = np.linalg.lstsq(X[train], y[train])[:2]
    df = len(train) - X.shape[1]
    lever = np.einsum("ij,jk,ik->i", X[test], np.linalg.inv(X[train].T @ X[train]), X[test])
    error = (y[test] - X[test] @ coefficients) / np.sqrt(left / df * (1 + lever))
    columns = {"pit": stats.t.cdf(error, df), "epistemic": lever, "aleatoric": np.ones(len(test))}
    return xr.Dataset({name: ("obs", column) for name, column in columns.items()})


def exact_p(dataset: Dataset) -> float:
    """Return the p of the F test of a variance component given the features."""
    codes, y = dataset.group.values.astype(int), dataset.y.values
    features = np.c_[np.ones(len(y)), dataset.X.values]
    both = np.c_[features, np.eye(codes.max() + 1)[codes]]
    left = [float(np.sum((y - a @ np.linalg.lstsq(a, y)[0]) ** 2)) for a in (features, both)]
    ranks = [np.linalg.matrix_rank(a) for a in (features, both)]
    f = (left[0] - left[1]) / (ranks[1] - ranks[0]) / (left[1] / (len(y) - ranks[1]))
    return float(stats.f.sf(f, ranks[1] - ranks[0], len(y) - ranks[1]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--task", choices=("regression", "classification"), default="regression")
    parser.add_argument("--tables", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--model", help="of the package; by default plain least squares or logistic regression")
    options = parser.parse_args()
    classes = options.task == "classification"
    model = None if options.model is None else catalog.model(options.model, options.task)
    if options.model in ("bayesian_linear", "bayesian_logistic"):
        model.set_params(inference=Laplace(draws=DRAWS) if classes else Exact(draws=DRAWS))
    for size in SIZES:
        for icc in (ICC, 0.0):
            rows = []
            for k in range(options.tables):
                drawn = simulated(np.random.default_rng([options.seed, *size, k]), *size, icc=icc, classes=classes)
                table = residuals(model, drawn, k)
                row = table.sel(by="group")
                flagged = next(iter(residual_checks(table))).status == "tip"
                exact = np.nan if classes else exact_p(drawn) <= LEVEL["group"]
                held = np.nan if classes else row["low"] <= icc <= row["high"]
                p = float(row["p"])
                rows.append(
                    {
                        "flagged": flagged,
                        "p <= .02": p <= 0.02,
                        "p <= .05": p <= 0.05,
                        "F test": exact,
                        "interval": held,
                    }
                )
            found = pd.DataFrame(rows).astype(float).mean().round(3).to_dict()
            print({"groups": size[0], "rows": size[1], "icc": icc} | found, flush=True)


if __name__ == "__main__":
    main()
