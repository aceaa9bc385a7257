"""How often intervals of hierarchical regression hold the truth, and whether ranks of the truth are uniform.

    python benchmarks/hierarchical_coverage.py --sets 300 --simulations 1000
    python benchmarks/hierarchical_coverage.py --only "balanced 8 x 30,one key of 2"

Three tables, each with the 99 % band of a binomial or the p-values of tests of uniformity:

- Calibration: parameters are drawn from the priors, rows simulated, and the posterior computed by ``Collapsed`` from
  the problem as it is stated on the standardised scale. Ranks of the true values must be uniform (Talts et al. 2018,
  arXiv:1804.06788).
- Coverage, truth from the priors: the estimator standardises the target, and its priors are on that scale. So data are
  drawn again until their mean is within .02 of zero and their standard deviation within 5 % of one: a choice by the
  data alone leaves every posterior, and so coverage, as they are. 90 % intervals must hold 90 % of the truths.
- Coverage, one truth, of designs with many groups: where they are few the prior counts, and no interval is exact.

Of some two hundred lines in 99 % bands, two outside are chance.
"""

import argparse
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from scipy import stats

from bayesgeo.inference.base import Problem
from bayesgeo.inference.collapsed import Collapsed
from bayesgeo.models.effects.covariance import GroupPrior, factors, sample_factors
from bayesgeo.models.effects.fields import Field
from bayesgeo.models.effects.gaussian import MixedEquations
from bayesgeo.models.effects.levels import JOINED, Members
from bayesgeo.models.effects.marginal import GaussianMarginal, covariance_values
from bayesgeo.models.effects.regression import HierarchicalRegression
from bayesgeo.models.effects.terms import Effect
from bayesgeo.models.preparation import standardisation
from bayesgeo.models.regression.graph import INTERCEPT_SCALE, NOISE_RATE, NOISE_SHAPE
from bayesgeo.models.regression.linear import DEFAULT_SCALE

PRIOR = GroupPrior("half-normal", 1.0)
PROB, BAND = 0.9, 0.99
KEPT, BINS = 49, 10
OFF_CENTER, OFF_SCALE = 0.02, 0.05  # how far data may be from standardised
BATCH = 4_000
LEAST_SIGMA = 0.08  # of which the prior holds all but one part in 10,000
FEATURES = ("x", "g")  # one that differs by row, one that differs by group of the first key

Values = dict[str, np.ndarray]
Layout = Callable[[np.random.Generator], dict[str, np.ndarray]]


@dataclass(frozen=True)
class Design:
    """Which groups rows belong to, and what varies.

    Parameters
    ----------
    layout : callable
        Draws the codes ``(obs,)`` of each column of labels.
    effects : tuple of Effect
        What varies.
    """

    layout: Layout
    effects: tuple[Effect, ...] = (Effect("a"), Effect("b"))


def balanced(a: int, b: int, rows: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Give each pair of groups the same number of rows."""
    first, second = (codes.ravel() for codes in np.indices((a, b)))
    return {"a": np.repeat(first, rows), "b": np.repeat(second, rows)}


def crossed(a: int, b: int, n: int, power: float, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Draw both groups of each row, the k-th with a probability that falls as a power of k; none is empty."""
    return {key: _drawn(size, n, power, rng) for key, size in (("a", a), ("b", b))}


def _drawn(size: int, n: int, power: float, rng: np.random.Generator) -> np.ndarray:
    p = (1.0 + np.arange(size)) ** -power
    return rng.permutation(np.r_[np.arange(size), rng.choice(size, n - size, p=p / p.sum())])


def singletons(a: int, b: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Give half of the groups of ``b`` one row and the others five."""
    codes = rng.permutation(np.repeat(np.arange(b), np.where(np.arange(b) < b // 2, 1, 5)))
    return {"a": _drawn(a, len(codes), 0.0, rng), "b": codes}


def nested(a: int, b: int, rows: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Give each of ``a`` groups ``b`` groups of its own."""
    first, second = (codes.ravel() for codes in np.indices((a, b)))
    return {"a": np.repeat(first, rows), "b": np.repeat(second, rows)}


def one(size: int, n: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Draw the groups of one key."""
    return {"a": _drawn(size, n, 0.0, rng)}


SLOPES = (Effect("a", ("x",)),)
ONE_TRUTH = ("balanced 8 x 30", "unbalanced 8 x 30", "singletons 10 x 60", "crossed 40 x 200")
DESIGNS = {
    "one key of 2": Design(partial(one, 2, 30), (Effect("a"),)),
    "a level a row": Design(partial(one, 60, 60), (Effect("a"),)),
    "balanced 2 x 5": Design(partial(balanced, 2, 5, 4)),
    "balanced 8 x 30": Design(partial(balanced, 8, 30, 1)),
    "unbalanced 8 x 30": Design(partial(crossed, 8, 30, 200, 1.5)),
    "singletons 10 x 60": Design(partial(singletons, 10, 60)),
    "crossed 40 x 200": Design(partial(crossed, 40, 200, 1_000, 0.5)),
    "nested 8 x 5": Design(partial(nested, 8, 5, 4), (Effect("a"), Effect("a:b"))),
    "slopes in 5 groups": Design(partial(one, 5, 60), SLOPES),
    "slopes in 30 groups": Design(partial(one, 30, 240), SLOPES),
}
# Of these only ranks are told: priors of places are not on the scale of the target.
FIELDS = {
    "field over 30 places": Design(partial(one, 30, 120), (Effect("a", smoothness=0.5),)),
    "slopes over 25 places": Design(partial(one, 25, 150), (Effect("a", ("x",), smoothness=1.5),)),
    "field beside 8 groups": Design(partial(crossed, 8, 30, 200, 0.0), (Effect("a"), Effect("b", smoothness=0.5))),
}


@dataclass(frozen=True)
class Table:
    """Simulated rows: features ``(obs, 2)``, standardised, and codes and levels of each effect."""

    design: Design
    labels: dict[str, np.ndarray]
    X: np.ndarray
    members: list[Members] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    fields: list[Field | None] = field(default_factory=list)

    @classmethod
    def drawn(cls, design: Design, rng: np.random.Generator) -> "Table":
        """Draw the groups and features of a design."""
        labels = design.layout(rng)
        n = len(labels["a"])
        of_group = rng.standard_normal(labels["a"].max() + 1)
        X = np.c_[rng.standard_normal(n), of_group[labels["a"]]]
        center, scale = standardisation(X)
        table = cls(design, labels, (X - center) / scale)
        for effect in design.effects:
            keys = np.stack([labels[column] for column in effect.columns])
            levels, codes = np.unique(keys, axis=1, return_inverse=True)
            z = np.stack([np.ones(n) if term == "1" else table.X[:, 0] for term in effect.terms], axis=1)
            table.members.append(Members(codes, z))
            table.sizes.append(levels.shape[1])
            places = rng.uniform(size=(levels.shape[1], 2)) if effect.smoothness else None
            table.fields.append(None if places is None else Field(places, effect.smoothness))
        return table

    def frame(self) -> pd.DataFrame:
        """Return features and labels as a user has them."""
        return pd.DataFrame(self.X, columns=list(FEATURES)).assign(**self.labels)

    def outcomes(self, p: Mapping[str, np.ndarray], rng: np.random.Generator) -> np.ndarray:
        """Draw targets ``(n, obs)`` given parameters ``(n, ...)``."""
        mean = p["intercept"][:, None] + p["weight"] @ self.X.T
        for effect, own in zip(self.design.effects, self.members, strict=True):
            mean = mean + np.einsum("not,ot->no", p[f"{effect.key}_effect"][:, own.codes], own.z)
        return mean + p["sigma"][:, None] * rng.standard_normal(mean.shape)

    def prior(self, n: int, rng: np.random.Generator) -> Values:
        """Draw parameters ``(n, ...)`` from the priors."""
        sigma = np.sqrt(NOISE_RATE / rng.gamma(NOISE_SHAPE, size=n))
        found = {
            "sigma": sigma,
            "intercept": INTERCEPT_SCALE * sigma * rng.standard_normal(n),
            "weight": DEFAULT_SCALE * sigma[:, None] * rng.standard_normal((n, 2)),
        }
        return found | self.effects([sample_factors(effect, PRIOR, n, rng) for effect in self.design.effects], rng)

    def effects(self, drawn: list[np.ndarray], rng: np.random.Generator) -> Values:
        """Draw effects given their covariance factors ``(n, term, term)``."""
        found: Values = {}
        for effect, size, of_key, factor in zip(self.design.effects, self.sizes, self.fields, drawn, strict=True):
            z = rng.standard_normal((len(factor), size, len(effect.terms)))
            if of_key is not None:
                scales = of_key.sample_scales(len(factor), len(effect.terms), rng)
                roots = [of_key.roots(*one) for one in zip(scales.length, scales.share, strict=True)]
                z = np.einsum("ntij,njt->nit", np.stack(roots), z)
                found |= {f"{effect.key}_length_scale": scales.length, f"{effect.key}_field_share": scales.share}
            found |= {f"{effect.key}_effect": z @ factor.transpose(0, 2, 1)} | covariance_values(effect, factor)
        return found

    def at_one_truth(self, rng: np.random.Generator) -> Values:
        """Return one truth; its effects are drawn anew."""
        values = [np.log([[0.7, 0.4][: len(e.terms)]]) for e in self.design.effects]
        values = [np.c_[v, np.full((1, e.correlations), 0.3)] for v, e in zip(values, self.design.effects, strict=True)]
        drawn = [factors(effect, value) for effect, value in zip(self.design.effects, values, strict=True)]
        fixed = {"sigma": np.array([0.5]), "intercept": np.array([2.0]), "weight": np.array([[0.8, -0.4]])}
        return fixed | self.effects(drawn, rng)


def standardised(table: Table, rng: np.random.Generator) -> tuple[Values, np.ndarray]:
    """Draw parameters and targets together, given that the targets are nearly standardised."""
    while True:
        p = table.prior(BATCH, rng)
        p["intercept"] = np.zeros(BATCH)
        y = table.outcomes(p, rng)
        # The intercept that the mean asks for has the density of its prior there, relative to its highest.
        shift = rng.uniform(-OFF_CENTER, OFF_CENTER, BATCH) - y.mean(axis=1)
        log_density = np.log(LEAST_SIGMA / p["sigma"]) - 0.5 * (shift / (INTERCEPT_SCALE * p["sigma"])) ** 2
        kept = np.abs(y.std(axis=1) - 1) < OFF_SCALE
        kept &= np.log(rng.random(BATCH)) < np.minimum(log_density, 0.0)
        for k in np.flatnonzero(kept)[:1]:
            p["intercept"] = shift
            return {name: values[k] for name, values in p.items()}, y[k] + shift[k]


def of_engine(table: Table, y: np.ndarray) -> Problem:
    """State the posterior of targets as they are."""
    penalty = np.r_[INTERCEPT_SCALE**-2.0, np.full(2, DEFAULT_SCALE**-2.0)]
    X = np.c_[np.ones(len(y)), table.X]
    equations = MixedEquations(X, y, table.members, table.sizes, penalty, fields=table.fields)
    marginal = GaussianMarginal(equations, table.design.effects, PRIOR, float(y.std()))
    dims = {"intercept": (), "weight": ("feature",), "sigma": ()}
    for effect in table.design.effects:
        dims |= {
            f"{effect.key}_sd": (f"{effect.key}_term",),
            f"{effect.key}_effect": (effect.key, f"{effect.key}_term"),
        }
        dims |= {f"{effect.key}_correlation": (f"{effect.key}_pair",)} if effect.correlations else {}
        names = ("length_scale", "field_share") if effect.smoothness else ()
        dims |= {f"{effect.key}_{name}": (f"{effect.key}_term",) for name in names}
    return Problem(build=dict, data={"y": y}, dims=dims, marginal=marginal)


def _quantities(table: Table, p: Mapping[str, np.ndarray], at: list[int]) -> Values:
    """Return what is ranked or covered: names and values with the leading dimensions of ``p``."""
    found = {"intercept": p["intercept"], "noise sd": p["sigma"]}
    found |= {f"coefficient of {name}": p["weight"][..., j] for j, name in enumerate(FEATURES)}
    for effect, level in zip(table.design.effects, at, strict=True):
        for k, (name, term) in enumerate(zip(effect.components, effect.terms, strict=True)):
            found[f"sd of {name}"] = p[f"{effect.key}_sd"][..., k]
            found[f"effect {effect.key}, {term}"] = p[f"{effect.key}_effect"][..., level, k]
            if effect.smoothness:
                found[f"range of {name}"] = p[f"{effect.key}_length_scale"][..., k]
                found[f"share of {name}"] = p[f"{effect.key}_field_share"][..., k]
        if effect.correlations:
            found[f"correlation {effect.key}"] = p[f"{effect.key}_correlation"][..., 0]
    return found


def _levels(table: Table, rng: np.random.Generator) -> list[int]:
    return [int(rng.integers(size)) for size in table.sizes]


def ranked(name: str, seed: int) -> dict[str, float]:
    """Return where the truth of each quantity lies among draws, uniform on 0 to 1 if the posterior is right."""
    rng = np.random.default_rng([seed, 1])
    table = Table.drawn((DESIGNS | FIELDS)[name], rng)
    truth = table.prior(1, rng)
    y, at = table.outcomes(truth, rng)[0], _levels(table, rng)
    tree = Collapsed(draws=100).run(of_engine(table, y), seed)
    draws = {str(key): value.values for key, value in tree["posterior"].data_vars.items()}
    true, found = _quantities(table, truth, at), {}
    for key, values in _quantities(table, draws, at).items():
        thinned = values.ravel()[np.linspace(0, values.size - 1, KEPT).round().astype(int)]
        found[key] = float(((thinned < true[key][0]).sum() + rng.uniform()) / (KEPT + 1))
    return found


class Bare(HierarchicalRegression):
    """The model without what it computes for checks of the model."""

    def _predictive_functions(self, problem: Problem) -> None:
        return None


def covered(name: str, from_prior: bool, seed: int) -> dict[str, bool]:
    """Return of each quantity whether its interval holds the truth."""
    rng = np.random.default_rng([seed, 2])
    table = Table.drawn(DESIGNS[name], rng)
    if from_prior:
        truth, y = standardised(table, rng)
    else:
        drawn = table.at_one_truth(rng)
        truth, y = {key: values[0] for key, values in drawn.items()}, table.outcomes(drawn, rng)[0]
    model = Bare(table.design.effects, inference=Collapsed(draws=250), random_state=seed)
    model.fit(table.frame(), y)
    draws = {str(key): value.values for key, value in model.posterior_["posterior"].data_vars.items()}
    at = _levels(table, rng)
    own = draws | {"weight": draws["coefficient"], "sigma": draws["noise_sd"], "intercept": draws["constant"]}
    found = _quantities(table, own, _sorted(model, table, at))
    true = _quantities(table, truth, at)
    outcomes, true_outcomes = _outcomes(model, table, truth, at, rng)
    return {key: _holds(values, float(value)) for key, values, value in _beside(found | outcomes, true | true_outcomes)}


def _beside(found: Values, true: Values) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    for key, values in found.items():
        yield key, values, true[key]


def _sorted(model: HierarchicalRegression, table: Table, at: list[int]) -> list[int]:
    """Return the positions of levels among the labels of the model, which sorts them as text."""
    found = []
    for effect, own, levels, level in zip(model.effects_, table.members, model.levels_, at, strict=True):
        row = int(np.flatnonzero(own.codes == level)[0])
        label = JOINED.join(str(table.labels[column][row]) for column in effect.columns)
        found.append(int(np.flatnonzero(levels == label)[0]))
    return found


def _holds(values: np.ndarray, true: float) -> bool:
    low, high = np.quantile(values, [(1 - PROB) / 2, (1 + PROB) / 2])
    return bool(low <= true <= high)


def _outcomes(
    model: HierarchicalRegression, table: Table, truth: Values, at: list[int], rng: np.random.Generator
) -> tuple[Values, Values]:
    """Return draws and truth of the outcome of a row of known groups, and of one whose groups are all new."""
    x = rng.standard_normal(2)
    of_known = int(np.flatnonzero(table.members[-1].codes == at[-1])[0])
    rows = pd.DataFrame([x, x], columns=list(FEATURES))
    for key, labels in table.labels.items():
        rows[key] = [str(labels[of_known]), "new"]
    mean, noise = truth["intercept"] + truth["weight"] @ x, truth["sigma"] * rng.standard_normal(2)
    known = new = 0.0
    for effect, own in zip(table.design.effects, table.members, strict=True):
        z = np.array([1.0 if term == "1" else x[0] for term in effect.terms])
        known += truth[f"{effect.key}_effect"][own.codes[of_known]] @ z
        new += _new_effect(effect, truth, rng) @ z
    drawn = model.predict_draws(rows, "response").values
    names = ("outcome, known groups", "outcome, new groups")
    return dict(zip(names, np.moveaxis(drawn, -1, 0), strict=True)), dict(
        zip(names, mean + noise + [known, new], strict=True)
    )


def _new_effect(effect: Effect, truth: Values, rng: np.random.Generator) -> np.ndarray:
    sd = truth[f"{effect.key}_sd"]
    r = float(truth[f"{effect.key}_correlation"][0]) if effect.correlations else 0.0
    correlation = np.eye(len(sd)) + r * (1 - np.eye(len(sd)))
    return rng.multivariate_normal(np.zeros(len(sd)), correlation * np.outer(sd, sd))


def gathered(function: Callable[..., dict], seeds: range, jobs: int) -> pd.DataFrame:
    """Run seeds side by side; a row for each."""
    return pd.DataFrame(Parallel(n_jobs=jobs)(delayed(_quiet)(function, seed) for seed in seeds))


def _quiet(function: Callable[..., dict], seed: int) -> dict:
    warnings.simplefilter("ignore")
    return function(seed)


def show_ranks(name: str, table: pd.DataFrame) -> None:
    """Print tests of uniformity."""
    print(f"\nCalibration, {name}, {len(table)} simulations\n{'':28} {'p chi2':>7} {'p KS':>7} {'in 90 %':>8}")
    for key, u in table.items():
        chi2 = stats.chisquare(np.histogram(u, BINS, (0, 1))[0]).pvalue
        ks, share = stats.kstest(u, "uniform").pvalue, np.mean(np.abs(u - 0.5) < PROB / 2)
        said = "uniform" if min(chi2, ks) > 1 - BAND else "NOT UNIFORM"
        print(f"{key:28} {chi2:7.3f} {ks:7.3f} {share:8.3f}   {said}", flush=True)


def show_coverage(name: str, table: pd.DataFrame) -> None:
    """Print coverage beside the band."""
    n = len(table)
    low, high = (edge / n for edge in stats.binom.interval(BAND, n, PROB))
    print(f"\nCoverage, {name}, {n} data sets, 99 % band {low:.3f}-{high:.3f}")
    for key, held in table.items():
        share = held.mean()
        said = "inside" if low <= share <= high else "TOO SHORT" if share < low else "too long"
        print(f"{key:28} {share:7.3f}   {said}", flush=True)


def main() -> None:
    """Print the three tables of each design."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sets", type=int, default=300)
    parser.add_argument("--simulations", type=int, default=1_000)
    parser.add_argument(
        "--only", default=",".join(DESIGNS | FIELDS), help="designs, with commas between (none in a name)"
    )
    parser.add_argument("--jobs", type=int, default=1)
    options = parser.parse_args()
    for name in options.only.split(","):
        if options.simulations:
            show_ranks(name, gathered(partial(ranked, name), range(options.simulations), options.jobs))
        for from_prior in (True, False)[: 1 + (name in ONE_TRUTH)] if options.sets and name in DESIGNS else ():
            title = f"{name}, {'truth from the priors' if from_prior else 'one truth'}"
            show_coverage(title, gathered(partial(covered, name, from_prior), range(options.sets), options.jobs))


if __name__ == "__main__":
    main()
