"""Peak ground accelerations of Italy with event and station terms: speed, exactness, and the published folds.

Needs ``italy_ground_motion`` (downloaded, or in the folder that BAYESGEO_DATA names); ``bambi`` and ``gpboost`` are
compared with where they are installed. Parts:

``speed``      restricted maximum likelihood and the full posterior: seconds, effective draws, verdict
``reference``  a long run of the same model by NUTS in plain PyMC, kept beside this file (about ten minutes)
``exactness``  the posterior beside that run
``bambi``      CPU time for an effective draw of the slowest scale, beside Bambi's default sampler
``gpboost``    seconds and scales beside gpboost's maximum likelihood
``folds``      the five published folds of events, and a candidate chosen on each fold's training events
``fields``     the same folds, with spatial terms of events and stations (three minutes a fold)

Run: python benchmarks/hierarchical_italy.py [speed] [exactness] [folds] [fields] [bambi] [gpboost] [reference]
"""

import json
import os
import sys
import time
from collections.abc import Callable, Mapping
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any, ClassVar

import arviz as az
import numpy as np
import pandas as pd
import xarray as xr
from scipy import special

import bayesgeo as bg
from bayesgeo import catalog
from bayesgeo.inference.base import Problem
from bayesgeo.models.effects.mixed import MixedRegression
from bayesgeo.models.effects.regression import HierarchicalRegression
from bayesgeo.models.effects.terms import Effect
from bayesgeo.models.preparation import standardisation

REFERENCE = Path(__file__).with_name("hierarchical_italy.json")
KEYS = ("event", "station")
SCALES = ("event", "station", "residual")
CANDIDATES = {
    "event + station": ("event", "station"),
    "station with slope": ("event", Effect("station", ("log_r",))),
    "event with slope": (Effect("event", ("log_r",)), "station"),
    "both with slopes": (Effect("event", ("log_r",)), Effect("station", ("log_r",))),
}
INNER_FOLDS = 5
PUBLISHED = {"RMSE": 0.2710, "log density": -539.8}


def timed(fit: Callable[[], Any]) -> tuple[Any, float, float]:
    """Return what a call returns, its wall seconds and its CPU seconds, those of its processes among them."""
    wall, cpu = time.perf_counter(), sum(os.times()[:4])
    found = fit()
    return found, time.perf_counter() - wall, sum(os.times()[:4]) - cpu


def fitted(model: Any, rows: bg.Dataset) -> Any:
    """Fit a model to rows; what knows no groups or places ignores them."""
    return model.fit(rows.X, rows.y.values, groups=rows.group_labels(), **places(model, rows))


def places(model: Any, rows: bg.Dataset) -> dict[str, dict[str, np.ndarray]]:
    """Return the coordinates for models of this package."""
    named = {str(name): values.values for name, values in rows.coordinates.data_vars.items()}
    return {} if isinstance(model, Boosted) else {"coordinates": named}


def effective_draws(scales: Mapping[str, xr.DataArray]) -> dict[str, float]:
    """Return the effective sample size of each scale, the lower of bulk and tails."""
    arrays = {name: draws.transpose("chain", "draw", ...).values.squeeze() for name, draws in scales.items()}
    kinds: tuple[dict[str, Any], ...] = ({"method": "bulk"}, {"method": "tail", "prob": (0.05, 0.95)})
    return {name: min(float(az.ess(a, **kind)) for kind in kinds) for name, a in arrays.items()}


def own_scales(posterior: xr.Dataset) -> dict[str, xr.DataArray]:
    """Return the draws of the scales of our model."""
    return dict(zip(SCALES, (posterior["event_sd"], posterior["station_sd"], posterior["noise_sd"]), strict=True))


def speed(rows: bg.Dataset) -> None:
    """Print seconds of the estimate and of the posterior, after a first fit that warms up."""
    fitted(MixedRegression(KEYS), rows)
    mixed, wall, cpu = timed(lambda: fitted(MixedRegression(KEYS), rows))
    print(f"restricted maximum likelihood: {wall:.3f} s, {cpu:.3f} CPU s")
    print(mixed.variance_components().round(4).to_string())
    for label in ("first", "second"):
        model, wall, cpu = timed(lambda: fitted(HierarchicalRegression(KEYS, random_state=0), rows))
        print(f"full posterior, {label} fit: {wall:.2f} s, {cpu:.2f} CPU s")
    print(model.variance_components().round(4).to_string())
    sizes = effective_draws(own_scales(model.posterior_["posterior"].to_dataset()))
    print(f"effective draws: { {name: round(size) for name, size in sizes.items()} }")
    print(f"verdict: {bg.diagnose(model.posterior_).verdict}")


def reference(rows: bg.Dataset) -> None:
    """Sample the same model by NUTS in plain PyMC, and keep means and deviations in the units of the table."""
    import pymc as pm

    names = rows.features
    center, scale = standardisation(rows.X.values)
    y_center, y_scale = standardisation(rows.y.values)
    codes = {key: np.unique(rows.groups[key].values.astype(str), return_inverse=True) for key in KEYS}
    with pm.Model(coords={"feature": names} | {key: levels for key, (levels, _) in codes.items()}):
        sigma = pm.Deterministic("sigma", pm.math.sqrt(pm.InverseGamma("variance", 0.5, 0.05)))
        mean = pm.Normal("intercept", 0, 10 * sigma)
        mean = mean + ((rows.X.values - center) / scale) @ pm.Normal("weight", 0, 10 * sigma, dims="feature")
        for key, (_, code) in codes.items():
            tau = pm.HalfNormal(f"{key}_sd", 1.0)
            mean = mean + pm.Normal(f"{key}_effect", 0, tau, dims=key)[code]
        pm.Normal("y", mean, sigma, observed=(rows.y.values - y_center) / y_scale)
        # Most groups say more of their effect than the population does: centred.
        tree = pm.sample(10_000, tune=2_000, chains=4, cores=1, random_seed=1, nuts_sampler="nutpie", progressbar=False)
    draws = tree["posterior"].to_dataset()
    coefficient = draws["weight"] * y_scale / xr.DataArray(scale, dims="feature")
    shift = (coefficient * xr.DataArray(center, dims="feature")).sum("feature")
    found = {"residual": draws["sigma"] * y_scale, "constant": y_center + draws["intercept"] * y_scale - shift}
    found |= {name: coefficient.sel(feature=name, drop=True) for name in names}
    for key in KEYS:
        found[key] = draws[f"{key}_sd"] * y_scale
        for level in some_levels(rows, key):
            found[f"{key} {level}"] = draws[f"{key}_effect"].sel({key: level}, drop=True) * y_scale
    REFERENCE.write_text(json.dumps({name: described(one) for name, one in found.items()}, indent=1) + "\n")
    print(f"{REFERENCE.name}: {len(found)} quantities, divergences {int(tree['sample_stats']['diverging'].sum())}")


def some_levels(rows: bg.Dataset, key: str) -> list[str]:
    """Return the groups of most, middling and fewest rows."""
    counts = pd.Series(rows.groups[key].values.astype(str)).value_counts(sort=False)
    counts = counts.sort_values(ascending=False, kind="stable")
    return [str(counts.index[at]) for at in (0, 1, len(counts) // 2, len(counts) - 2, len(counts) - 1)]


def described(draws: xr.DataArray) -> dict[str, float]:
    """Return mean and deviation, their Monte Carlo errors, and the effective sample size."""
    values = draws.transpose("chain", "draw").values
    found = {"mean": values.mean(), "sd": values.std(ddof=1), "ess": az.ess(values, method="bulk")}
    found |= {f"mcse_{kind}": az.mcse(values, method=kind) for kind in ("mean", "sd")}
    return {name: float(f"{float(value):.7g}") for name, value in found.items()}


def exactness(rows: bg.Dataset) -> None:
    """Print how far means are, in Monte Carlo errors of both, and the ratios of the deviations."""
    known = json.loads(REFERENCE.read_text())
    draws = fitted(HierarchicalRegression(KEYS, random_state=0), rows).posterior_["posterior"].to_dataset()
    own = own_scales(draws) | {"constant": draws["constant"]}
    own |= {str(name): draws["coefficient"].sel(feature=name, drop=True) for name in draws["feature"].values}
    for key in KEYS:
        effects = draws[f"{key}_effect"].isel({f"{key}_term": 0}, drop=True)
        own |= {f"{key} {level}": effects.sel({key: level}, drop=True) for level in some_levels(rows, key)}
    lines = {}
    for name, there in known.items():
        here = described(own[name].squeeze())
        error = np.hypot(here["mcse_mean"], there["mcse_mean"])
        line = {"NUTS mean": there["mean"], "ours": here["mean"], "MCSE apart": (here["mean"] - there["mean"]) / error}
        line |= {"NUTS sd": there["sd"], "ratio of sd": here["sd"] / there["sd"], "NUTS ESS": there["ess"]}
        lines[name] = line
    table = pd.DataFrame(lines).T
    print(table.round(4).to_string())
    apart, ratio = table["MCSE apart"].abs().max(), (table["ratio of sd"] - 1).abs().max()
    print(f"means at most {apart:.2f} Monte Carlo errors apart (bar 4), deviations {100 * ratio:.1f} % (bar 10 %)")


class Measured(bg.Collapsed):
    """The sampler, which remembers its own CPU seconds: those of a fit hold the checks of the model too."""

    cpu: ClassVar[float] = 0.0

    def run(self, problem: Problem, seed: int) -> xr.DataTree:
        """Sample, and measure it."""
        tree, _, Measured.cpu = timed(partial(bg.Collapsed(self.draws, self.chains).run, problem, seed))
        return tree


def bambi(rows: bg.Dataset) -> None:
    """Print the CPU time for an effective draw of the slowest scale, beside Bambi's."""
    import bambi as bmb

    table = pd.DataFrame(rows.X.values, columns=rows.features).assign(log_pga=rows.y.values, **rows.group_labels())
    fixed = " + ".join(rows.features)
    formula = f"log_pga ~ {fixed} + (1 | event) + (1 | station)"
    costs = {}
    for name in ("ours", "bambi"):
        if name == "ours":
            model, wall, cpu = timed(
                lambda: fitted(HierarchicalRegression(KEYS, inference=Measured(), random_state=0), rows)
            )
            scales = own_scales(model.posterior_["posterior"].to_dataset())
        else:
            tree, wall, cpu = timed(partial(sampled, bmb.Model(formula, table)))
            draws = tree["posterior"].to_dataset()
            scales = dict(zip(SCALES, (draws["1|event_sigma"], draws["1|station_sigma"], draws["sigma"]), strict=True))
        sizes = effective_draws(scales)
        costs[name] = cpu / min(sizes.values())
        means = ", ".join(f"{key} {float(one.mean()):.4f}" for key, one in scales.items())
        counts = ", ".join(f"{size:.0f}" for size in sizes.values())
        print(f"{name}: {wall:.1f} s, {cpu:.1f} CPU s; {means}")
        print(f"  effective draws {counts}; {1e3 * costs[name]:.2f} CPU ms for one of the slowest")
        if name == "ours":
            costs["posterior"] = costs[name] * Measured.cpu / cpu
    print(f"ratio {costs['bambi'] / costs['posterior']:.0f} for the posterior (bar 25), ", end="")
    print(f"{costs['bambi'] / costs['ours']:.0f} for a fit with the checks of its model, which Bambi has not")


def sampled(model: Any) -> Any:
    """Sample a model of Bambi as it does by default, with four chains."""
    return model.fit(draws=1_000, tune=1_000, chains=4, random_seed=0, progressbar=False)


class Boosted:
    """Linear model with event and station terms by gpboost's maximum likelihood."""

    def fit(self, X: xr.DataArray, y: np.ndarray, groups: Mapping[str, np.ndarray]) -> "Boosted":
        """Fit to rows."""
        import gpboost

        self.model = gpboost.GPModel(group_data=self.labels(groups), likelihood="gaussian")
        self.model.fit(y=y, X=self.design(X))
        return self

    def labels(self, groups: Mapping[str, np.ndarray]) -> np.ndarray:
        """Return the labels ``(obs, key)``."""
        return np.stack([np.asarray(groups[key]).astype(str) for key in KEYS], axis=1)

    def design(self, X: xr.DataArray) -> np.ndarray:
        """Return the features with a column of ones."""
        return np.c_[np.ones(len(X)), X.values]

    @property
    def scales(self) -> np.ndarray:
        """Standard deviations of the noise, the events and the stations."""
        return np.sqrt(np.asarray(self.model.get_cov_pars()).ravel()[:3])

    def predicted(self, rows: bg.Dataset) -> tuple[np.ndarray, np.ndarray]:
        """Return mean and log density of rows, those of new groups with the variance between groups."""
        labels = self.labels(rows.group_labels())
        found = self.model.predict(
            X_pred=self.design(rows.X), group_data_pred=labels, predict_var=True, predict_response=True
        )
        error = rows.y.values - found["mu"]
        return found["mu"], -0.5 * (np.log(2 * np.pi * found["var"]) + error**2 / found["var"])


def gpboost(rows: bg.Dataset) -> None:
    """Print seconds and scales of gpboost's maximum likelihood beside ours."""
    fitted(Boosted(), rows)
    model, wall, _ = timed(lambda: fitted(Boosted(), rows))
    print(f"gpboost: {wall:.3f} s, residual {model.scales[0]:.4f}, event, station {model.scales[1:].round(4)}")
    ours, wall, _ = timed(lambda: fitted(MixedRegression(KEYS, method="ml"), rows))
    print(f"ours (maximum likelihood): {wall:.3f} s, {ours.variance_components()['mean'].round(4).to_dict()}")


def predicted(model: Any, rows: bg.Dataset) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and log predictive density of each row."""
    if isinstance(model, Boosted):
        return model.predicted(rows)
    predictive = model.predictive(rows.X, groups=rows.group_labels(), **places(model, rows))
    density = model.log_density(predictive, rows.y.values).transpose("chain", "draw", "obs").values
    mean = predictive["expected"].mean(("chain", "draw")).values
    return mean, special.logsumexp(density, axis=(0, 1)) - np.log(density.shape[0] * density.shape[1])


def chosen(train: bg.Dataset) -> str:
    """Return the candidate with the best log density where events of the training rows are left out in turn."""
    inner = bg.split(train, "group", folds=INNER_FOLDS, seed=0).folds
    sums = dict.fromkeys(CANDIDATES, 0.0)
    for name, effects in CANDIDATES.items():
        for kept, left_out in inner:
            model = fitted(MixedRegression(effects), train.rows(kept))
            sums[name] += float(predicted(model, train.rows(left_out))[1].sum())
    print("  inner folds: " + ", ".join(f"{name} {total:.1f}" for name, total in sums.items()))
    return max(sums, key=lambda name: sums[name])


def folds(rows: bg.Dataset) -> None:
    """Print the error and the summed log predictive density over the published folds."""
    contenders: dict[str, Callable[[bg.Dataset], Any]] = {
        "hierarchical, event + station": lambda _: HierarchicalRegression(KEYS, random_state=0),
        "hierarchical, chosen": lambda train: HierarchicalRegression(CANDIDATES[chosen(train)], random_state=0),
        "mixed (REML), event + station": lambda _: MixedRegression(KEYS),
        "independent (bayesian_linear)": lambda _: catalog.model("bayesian_linear", "regression", random_state=0),
        "boosting": lambda _: catalog.model("boosting", "regression", random_state=0),
    }
    if find_spec("gpboost"):
        contenders["gpboost, event + station"] = lambda _: Boosted()
    outer, lines = bg.split(rows, "published").folds, {}
    for name, model in contenders.items():
        error, density = np.full(rows.n_rows, np.nan), np.full(rows.n_rows, np.nan)
        begun = time.perf_counter()
        for train, test in outer:
            fit = fitted(model(rows.rows(train)), rows.rows(train))
            mean, density[test] = predicted(fit, rows.rows(test))
            error[test] = mean - rows.y.values[test]
        lines[name] = {"RMSE": np.sqrt(np.mean(error**2)), "log density": density.sum()}
        lines[name]["seconds"] = time.perf_counter() - begun
    lines["published, event + station"] = PUBLISHED
    print(pd.DataFrame(lines).T.to_string(float_format="{:.4f}".format))


def fields(rows: bg.Dataset) -> None:
    """Print error and log density over the published folds with spatial terms, those of the published model.

    The level and the spreading of an event vary with its place, the level of a station with its own; exponential
    correlation (Kuehn 2021). Nothing is chosen by the folds.
    """
    effects = (Effect("event", ("log_r",), smoothness=0.5), Effect("station", smoothness=0.5))
    lines = {}
    for k, (train, test) in enumerate(bg.split(rows, "published").folds):
        model, wall, cpu = timed(partial(fitted, HierarchicalRegression(effects, random_state=0), rows.rows(train)))
        mean, density = predicted(model, rows.rows(test))
        draws = model.posterior_["posterior"].to_dataset()
        line = {"rows": len(test), "squares": np.sum((mean - rows.y.values[test]) ** 2), "log density": density.sum()}
        line |= {
            "fit s": wall,
            "fit CPU s": cpu,
            "accepted": float(model.posterior_["sample_stats"]["acceptance_rate"].mean()),
        }
        diagnosis = bg.diagnose(model.posterior_)
        line |= {"verdict": diagnosis.verdict}
        lines[k] = line
        print(f"fold {k}: {line}\n{diagnosis}", flush=True)
        for name in (
            "event_sd",
            "event_field_share",
            "event_practical_range",
            "station_sd",
            "station_field_share",
            "station_practical_range",
        ):
            print(f"  {name} {draws[name].mean(('chain', 'draw')).values.round(3)}")
    table = pd.DataFrame(lines).T
    error = np.sqrt(table["squares"].sum() / table["rows"].sum())
    print(f"RMSE {error:.4f} (bar .2575), log density {table['log density'].sum():.1f} (bar -240; dense mode -306.8)")


PARTS = {part.__name__: part for part in (speed, exactness, folds, fields, bambi, gpboost, reference)}


def main() -> None:
    rows = bg.load("italy_ground_motion")
    for name in sys.argv[1:] or ("speed", "exactness", "folds"):
        print(f"\n{name}")
        PARTS[name](rows)


if __name__ == "__main__":
    main()
