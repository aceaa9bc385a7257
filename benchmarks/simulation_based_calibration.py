"""Simulation-based calibration: whether posteriors are as wide as they should be, of three models by three inferences.

Parameters are drawn from the model's own prior, rows are simulated with them, and the inference sees the rows alone.
The rank of the true value of a quantity among independent posterior draws is then uniform (Talts et al. 2018,
arXiv:1804.06788), also of a quantity that depends on the data, such as the log likelihood (Modrák et al. 2023, Bayesian
Analysis). The weights of a network are not identifiable: its function at three points is ranked instead.

    python benchmarks/simulation_based_calibration.py --simulations 200
    python benchmarks/simulation_based_calibration.py --only "linear:Exact,network:adjusted MCLMC"

Each pair is written as it finishes, and read where its file is there; the table and the plot show all that are.

- Correlated draws are thinned to the effective sample size of each quantity and at most 99 are kept, so that
  ``(rank + uniform) / (kept + 1)`` is uniform whatever their number. Draws of an approximation are independent.
- Data that no estimator would hand to its model are drawn again: targets with a mean beyond 0.5 or a standard deviation
  outside 0.5-2 (estimators standardise them), labels of one class. A choice by the data alone leaves every posterior,
  and so the uniform ranks, as they are.
- ``simuk`` does this for what ``pm.sample`` fits; it can neither run these inferences nor rank a function of several
  variables, and keeps every draw however correlated. The bands are ArviZ's.
"""

import argparse
import json
import re
import time
import warnings
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import override

import numpy as np
from arviz_stats.base import array_stats
from arviz_stats.ecdf_utils import ecdf_pit
from joblib import Parallel, delayed
from scipy import special, stats

from bayesgeo.inference.advi import ADVI
from bayesgeo.inference.base import Inference, Problem
from bayesgeo.inference.exact import Exact
from bayesgeo.inference.mclmc import MCLMC
from bayesgeo.inference.nuts import NUTS
from bayesgeo.models.architecture import Network
from bayesgeo.models.bayesian import Bayesian
from bayesgeo.models.networks.bayesian_mlp import BayesianMLPRegressor
from bayesgeo.models.networks.graph import LEAST_SD
from bayesgeo.models.regression.graph import forward
from bayesgeo.models.regression.linear import BayesianLinearRegression
from bayesgeo.models.regression.logistic import BayesianLogisticRegression
from bayesgeo.models.rows import TrainingRows

Values = Mapping[str, np.ndarray]
ROWS, HELD_OUT = 60, 9
KEPT = 99
PRIOR_DRAWS = 20_000
POINTS = np.array([[0.0, 0.0], [1.0, -1.0], [2.0, 2.0]])  # where the function of a network is ranked
BAND, BAND_SIMULATIONS = 0.95, 2_000
BINS = 10
INTERVAL = 0.9
JOBS = 2
DIGITS = {"u": 4, "share": 4, "ess": 0}  # of what is written

# One core each: simulations run side by side.
INFERENCES: dict[str, Inference] = {
    "NUTS": NUTS(draws=500, tune=500, chains=2, cores=1),
    "MCLMC": MCLMC(cores=1),
    "ADVI": ADVI(cores=1),
    "Exact": Exact(),
    "adjusted MCLMC": MCLMC(adjusted=True, cores=1),
    "full-rank ADVI": ADVI(rank="full", cores=1),
}
ASKED = ("NUTS", "MCLMC", "ADVI")
INDEPENDENT = ("ADVI", "full-rank ADVI", "Exact")


def features(n: int) -> np.ndarray:
    """Draw standardised rows ``(obs, feature)``; the first two features correlate by about one half."""
    X = np.random.default_rng(0).normal(size=(ROWS, n))
    X[:, 1] = 0.5 * X[:, 0] + 0.75**0.5 * X[:, 1]
    return (X - X.mean(axis=0)) / X.std(axis=0)


class Model(ABC):
    """A model of fixed rows: its problem, its prior, and what is ranked."""

    X: np.ndarray

    @abstractmethod
    def problem(self, y: np.ndarray) -> Problem:
        """State the problem as the estimator does, with ``y`` as it is."""

    @abstractmethod
    def quantities(self, p: Values, y: np.ndarray) -> Values:
        """Return what is ranked, of parameters with any leading dimensions."""

    def simulate(self) -> Iterator[tuple[Values, np.ndarray]]:
        """Draw parameters and targets together from the PyMC model that is fitted."""
        import pymc as pm

        problem = self.problem(np.zeros(ROWS))
        with problem.build() as model:
            pm.set_data(dict(problem.data))
        wanted = [model[name] for name in (*problem.dims, "outcome")]
        for seed in range(1_000):
            *values, targets = pm.draw(wanted, draws=PRIOR_DRAWS, random_seed=seed)
            for k in np.flatnonzero((np.abs(targets.mean(axis=1)) < 0.5) & (np.abs(np.log2(targets.std(axis=1))) < 1)):
                yield {name: value[k] for name, value in zip(problem.dims, values, strict=True)}, targets[k]


def stated(estimator: Bayesian, X: np.ndarray, y: np.ndarray, **fitted: object) -> Problem:
    """Return the problem that an estimator states of rows that are standardised already."""
    known = {"n_features_in_": X.shape[1], "center_": np.zeros(X.shape[1]), "scale_": np.ones(X.shape[1]), **fitted}
    for name, value in known.items():
        setattr(estimator, name, value)
    return estimator._problem(TrainingRows(X, np.arange(len(X)), y=y))


class Linear(Model):
    """Linear regression with a normal prior and unknown noise."""

    X = features(3)

    @override
    def problem(self, y: np.ndarray) -> Problem:
        problem = stated(BayesianLinearRegression(), self.X, y)
        return replace(problem, data={**problem.data, "y": y})

    @override
    def quantities(self, p: Values, y: np.ndarray) -> Values:
        log_density = stats.norm.logpdf(y, forward(self.X, p, np), p["sigma"][..., None])
        return _coefficients(p) | {"noise sd": p["sigma"], "log likelihood": log_density.sum(axis=-1)}


class Logistic(Model):
    """Logistic regression with a normal prior."""

    X = features(2)

    @override
    def problem(self, y: np.ndarray) -> Problem:
        return stated(BayesianLogisticRegression(), self.X, y, classes_=np.array([0, 1]))

    @override
    def simulate(self) -> Iterator[tuple[Values, np.ndarray]]:
        """Draw from the prior as it is documented: the graph states it by its density alone."""
        rng = np.random.default_rng(0)
        while True:
            p = {"intercept": np.array(rng.normal(0, 10.0)), "weight": rng.normal(0, 2.5, self.X.shape[1])}
            y = rng.binomial(1, special.expit(forward(self.X, p, np)))
            if y.min() < y.max():
                yield p, y

    @override
    def quantities(self, p: Values, y: np.ndarray) -> Values:
        predictor = forward(self.X, p, np)
        log_density = special.log_expit(np.where(y == 1, predictor, -predictor))
        return _coefficients(p) | {"log likelihood": log_density.sum(axis=-1)}


class SmallNetwork(Model):
    """A line, a network with four hidden units, learned relevances and constant noise."""

    X = features(2)
    network = Network(2, (4,), 1, "tanh", linear=True)

    @override
    def problem(self, y: np.ndarray) -> Problem:
        estimator = BayesianMLPRegressor((4,), noise="constant", relevance="learned")
        problem = stated(estimator, self.X, y, holdout_rows_=np.arange(HELD_OUT))
        return replace(problem, data={**problem.data, "y": y, "floor": np.array(LEAST_SD)})

    @override
    def simulate(self) -> Iterator[tuple[Values, np.ndarray]]:
        """Draw from the prior as it is documented: the graph states that of the line by its density alone."""
        rng = np.random.default_rng(0)
        while True:
            relevance = np.abs(rng.normal(size=2))
            p = {
                "weight_0": relevance[:, None] * rng.normal(0, 3 / np.sqrt(2), (2, 4)),
                "bias_0": rng.normal(size=4),
                "weight_1": rng.normal(0, 4 / np.sqrt(4), (4, 1)),
                "bias_1": rng.normal(0, 10, 1),
                "linear": rng.normal(size=(2, 1)),
                "relevance": relevance,
                "sigma": LEAST_SD + np.abs(rng.normal()),
            }
            y = self.network.forward(self.X, p, np)[:, 0] + p["sigma"] * rng.normal(size=ROWS)
            if np.abs(y.mean()) < 0.5 and np.abs(np.log2(y.std())) < 1:
                yield p, y

    @override
    def quantities(self, p: Values, y: np.ndarray) -> Values:
        outputs = self.network.forward(np.r_[POINTS, self.X], p, np)[..., 0]
        shown = {f"function at {a:g}, {b:g}": outputs[..., k] for k, (a, b) in enumerate(POINTS)}
        log_density = stats.norm.logpdf(y, outputs[..., len(POINTS) :], p["sigma"][..., None])
        return shown | {"noise sd": p["sigma"], "log likelihood": log_density.sum(axis=-1)}


def _coefficients(p: Values) -> dict[str, np.ndarray]:
    weights = {f"weight {j}": p["weight"][..., j] for j in range(p["weight"].shape[-1])}
    return {"intercept": p["intercept"], **weights}


MODELS: dict[str, Model] = {"linear": Linear(), "logistic": Logistic(), "network": SmallNetwork()}


def effective_size(draws: np.ndarray) -> float:
    """Return the effective size of draws ``(chain, draw)``, of the bulk or the tails, whichever is smaller."""
    size = partial(array_stats.ess, draws, chain_axis=0, draw_axis=1)
    return min(float(size(method="bulk")), float(size(method="tail", prob=(0.05, 0.95))))


def placed(truth: float, draws: np.ndarray, ess: float, rng: np.random.Generator) -> dict[str, float]:
    """Say where the true value lies among draws ``(chain, draw)``: ``u`` among the thinned ones, ``share`` of all."""
    pooled = draws.ravel()
    kept = int(np.clip(np.nan_to_num(ess), 1, KEPT))
    thinned = pooled[np.linspace(0, pooled.size - 1, kept).round().astype(int)]
    u = ((thinned < truth).sum() + rng.uniform()) / (kept + 1)
    return {"u": u, "share": (pooled < truth).mean(), "ess": ess}


def simulations(model: str, inference: str, cases: list[tuple[int, Values, np.ndarray]]) -> list[dict]:
    """Fit every data set and place its true values."""
    warnings.simplefilter("ignore")
    return [_simulation(MODELS[model], inference, *case) for case in cases]


def _simulation(model: Model, inference: str, number: int, truth: Values, y: np.ndarray) -> dict:
    begun = time.perf_counter()
    tree = INFERENCES[inference].run(model.problem(y), number)
    seconds = time.perf_counter() - begun
    p = {name: values.values.astype(float) for name, values in tree["posterior"].to_dataset().data_vars.items()}
    rng = np.random.default_rng([number, 1])
    found = {}
    true = model.quantities(truth, y)
    for name, draws in model.quantities(p, y).items():
        ess = float(draws.size) if inference in INDEPENDENT else effective_size(draws)
        found[name] = placed(true[name], draws, ess, rng)
    return {"seconds": seconds, "quantities": found}


def measure(model: str, inference: str, cases: list[tuple[int, Values, np.ndarray]]) -> dict:
    """Run one pair, its simulations side by side, and gather what is placed where."""
    begun = time.perf_counter()
    parts = Parallel(n_jobs=JOBS)(delayed(simulations)(model, inference, cases[k::JOBS]) for k in range(JOBS))
    runs = [run for part in parts for run in part]
    names = runs[0]["quantities"]

    def gather(name: str, key: str, digits: int) -> list[float]:
        return [round(float(run["quantities"][name][key]), digits) for run in runs]

    return {
        "model": model,
        "inference": inference,
        "settings": str(INFERENCES[inference]),
        "simulations": len(runs),
        "seconds": round(time.perf_counter() - begun, 1),
        "median_fit_seconds": round(float(np.median([run["seconds"] for run in runs])), 3),
        "quantities": {name: {key: gather(name, key, digits) for key, digits in DIGITS.items()} for name in names},
    }


def judge(values: Mapping[str, list[float]]) -> dict[str, float | str]:
    """Compare the ``u`` of one quantity with the uniform distribution."""
    u = np.array(values["u"])
    n = len(u)
    _, ecdf, lower, upper = band(u)
    bias = (u.mean() - 0.5) * np.sqrt(12 * n)
    spread = 12 * np.mean((u - 0.5) ** 2)
    # The variance of 12 (u - 1/2)^2 is 4/5.
    width = (spread - 1) / np.sqrt(0.8 / n)
    return {
        "p_ks": stats.kstest(u, "uniform").pvalue,
        "p_chi2": stats.chisquare(np.histogram(u, BINS, (0, 1))[0]).pvalue,
        "covered": np.mean(np.abs(np.array(values["share"]) - 0.5) < INTERVAL / 2),
        "ess": float(np.median(values["ess"])),
        "bias": bias,
        "width": width,
        "says": "uniform" if np.all((lower <= ecdf) & (ecdf <= upper)) else _direction(bias, width),
    }


def band(u: np.ndarray) -> tuple[np.ndarray, ...]:
    """Return points, the ECDF there and its simultaneous band (Säilynoja et al. 2022, Statistics and Computing)."""
    return ecdf_pit(u, BAND, BAND_SIMULATIONS, rng=np.random.default_rng(0))


def _direction(bias: float, width: float) -> str:
    said = []
    if abs(width) > 2:
        said.append("too narrow" if width > 0 else "too wide")
    if abs(bias) > 2:
        said.append("too low" if bias > 0 else "too high")
    return ", ".join(said) or "not uniform"


def print_table(results: list[dict]) -> None:
    """Print one row for each quantity of each pair; what lies within the band is called uniform."""
    for result in results:
        head = f"{result['model']} : {result['inference']}"
        print(f"\n{head}  ({result['simulations']} simulations, {result['median_fit_seconds']:.2f} s a fit)")
        print(f"  {'':20} {'p KS':>8} {'p chi2':>8} {'z bias':>7} {'z width':>8} {'in 90%':>7} {'ESS':>6}")
        for name, values in result["quantities"].items():
            found = judge(values)
            print(
                f"  {name:20} {found['p_ks']:8.2g} {found['p_chi2']:8.2g} {found['bias']:+7.1f} {found['width']:+8.1f} "
                f"{found['covered']:7.1%} {found['ess']:6.0f}  {found['says']}"
            )


def plot(results: list[dict], path: Path) -> None:
    """Draw the ECDF of ``u`` less the uniform one, a panel for each pair."""
    import matplotlib as mpl

    mpl.use("agg")
    import matplotlib.pyplot as plt

    models, inferences = (list(dict.fromkeys(result[key] for result in results)) for key in ("model", "inference"))
    size = {"figsize": (2.8 * len(inferences), 2.3 * len(models)), "squeeze": False, "layout": "constrained"}
    figure, panels = plt.subplots(len(models), len(inferences), sharex=True, sharey="row", **size)
    for panel in panels.flat:
        panel.set_visible(False)
    for result in results:
        row, column = models.index(result["model"]), inferences.index(result["inference"])
        panel = panels[row, column]
        panel.set_visible(True)
        panel.set_title(f"{result['model']}: {result['inference']}", fontsize=9)
        for name, values in result["quantities"].items():
            x, ecdf, lower, upper = band(np.array(values["u"]))
            panel.plot(x, ecdf - x, label=name, linewidth=1)
        panel.fill_between(x, lower - x, upper - x, color="0.85", zorder=0)
        if column == 0:
            panel.legend(fontsize=5, ncols=2)
    figure.supxlabel("u")
    figure.supylabel("ECDF less uniform; grey: 95 % simultaneous band")
    figure.savefig(path, dpi=70)


def main() -> None:
    """Measure the pairs that are missing; print and plot all."""
    asked = ",".join(f"{model}:{inference}" for model in MODELS for inference in ASKED)
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--simulations", type=int, default=200)
    parser.add_argument("--only", default=asked, help="pairs model:inference, with commas between")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "sbc")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    pairs = options.only.split(",")
    files = {tuple(pair.split(":")): options.out / f"{re.sub('[: ]', '-', pair)}.json" for pair in pairs}
    for name, model in MODELS.items():
        missing = {pair: file for pair, file in files.items() if pair[0] == name and not file.exists()}
        drawn = islice(model.simulate(), options.simulations if missing else 0)
        cases = [(number, *case) for number, case in enumerate(drawn)]
        for pair, file in missing.items():
            found = measure(*pair, cases)
            file.write_text(json.dumps(found), encoding="utf-8")
            print(f"{':'.join(pair)} took {found['seconds']:.0f} s", flush=True)
    found = [json.loads(file.read_text(encoding="utf-8")) for file in options.out.glob("*.json")]
    found.sort(key=lambda one: (list(MODELS).index(one["model"]), list(INFERENCES).index(one["inference"])))
    print_table(found)
    plot(found, options.out / "sbc.png")


if __name__ == "__main__":
    main()
