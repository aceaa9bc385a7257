"""Whether the verdict tells broken posteriors from healthy ones, beside what ``arviz.diagnose`` says of the same.

Twenty-two ways to break a posterior, each with the check that should say so, and twenty healthy posteriors: of other
shapes, scales, dependence and tails, from closed forms, and of the functions of a network. A broken one counts as
flagged if its verdict is not sound and the expected check says why; a healthy one passes if it is sound. Seconds; no
sampler runs.

    python benchmarks/broken_posteriors.py
"""

import argparse
import warnings
from collections.abc import Callable
from dataclasses import dataclass

import arviz_stats as az
import numpy as np
import xarray as xr
from scipy import signal, special, stats

from bayesgeo import BayesianLinearRegression, Exact, diagnose
from bayesgeo.diagnostics import Check, Diagnosis

DIMS = ("chain", "draw")
CHAINS, DRAWS = 4, 1000
Generator = np.random.Generator


def sampled(draws: np.ndarray, rng: Generator) -> xr.DataTree:
    """Return draws ``(chain, draw, quantity)`` as two parameters of a healthy run of NUTS."""
    size = draws.shape[:2]
    features = [f"x{k}" for k in range(draws.shape[2] - 1)]
    posterior = {"intercept": (DIMS, draws[..., 0]), "weight": ((*DIMS, "feature"), draws[..., 1:])}
    never = np.zeros(size, dtype=bool)
    statistics = {"diverging": never, "reached_max_treedepth": never.copy(), "energy": rng.normal(size=size)}
    coords = {"chain": np.arange(size[0]), "draw": np.arange(size[1])}
    tree = xr.DataTree.from_dict(
        {
            "posterior": xr.Dataset(posterior, coords | {"feature": features}),
            "sample_stats": xr.Dataset({name: (DIMS, values) for name, values in statistics.items()}, coords),
        }
    )
    tree.attrs = {"inference": "NUTS", "interrupted": 0, "data_sha256": "a" * 64}
    return tree


def independent(rng: Generator, *, quantities: int = 4, chains: int = CHAINS, draws: int = DRAWS) -> np.ndarray:
    """Return independent normal draws at different places."""
    return np.arange(quantities) * 3.0 + rng.normal(size=(chains, draws, quantities))


def walked(rng: Generator, memory: float, *, quantities: int = 4) -> np.ndarray:
    """Return first-order autoregressive draws of unit variance."""
    noise = rng.normal(size=(CHAINS, DRAWS + 100, quantities)) * np.sqrt(1 - memory**2)
    return signal.lfilter([1.0], [1.0, -memory], noise, axis=1)[:, 100:]


def regression(rng: Generator, n: int = 80, prior: str = "normal", **settings: float) -> xr.DataTree:
    """Return the exact posterior of a linear regression, with every group for the checks of its model."""
    X = rng.normal(size=(n, 3))
    y = 5.0 + X @ [2.0, -1.0, 0.0] + 0.7 * rng.normal(size=n)
    model = BayesianLinearRegression(prior, inference=Exact(), random_state=int(rng.integers(2**31)), **settings)
    return model.fit(X, y).posterior_


def approximated(rng: Generator, k: float) -> xr.DataTree:
    """Return draws of an approximation whose importance ratios have a Pareto tail of this shape."""
    tree = sampled(independent(rng), rng)
    del tree["sample_stats"]
    tree.attrs["inference"] = "ADVI"
    ratio = -k * np.log(rng.uniform(size=(CHAINS, DRAWS)))
    tree["approximation"] = xr.DataTree(xr.Dataset({"log_ratio": (("chain", "sample"), ratio)}))
    return tree


def network(rng: Generator, labels: int = 0) -> xr.DataTree:
    """Return functions of a network that scatter about a trend, and weights that mean nothing."""
    x = np.linspace(-2, 2, 40)
    bends = np.stack([np.sin((k + 1) * x + k) for k in range(5)])
    outputs = np.sin(2 * x) + 0.1 * rng.normal(size=(CHAINS, 100, 5)) @ bends
    if labels:
        log_p = special.log_softmax(np.stack([k * outputs for k in range(labels)], axis=-1), axis=-1)
        seen = rng.integers(labels, size=len(x))
        expected, density = np.exp(log_p), np.take_along_axis(log_p, seen[None, None, :, None], axis=-1)[..., 0]
    else:
        expected = outputs
        density = stats.norm.logpdf(np.sin(2 * x) + 0.3 * rng.normal(size=len(x)), outputs, 0.3)
    dims = (*DIMS, "point", "label")
    functions = {"expected": (dims[: expected.ndim], expected), "log_density": (dims[:3], density)}
    weights = rng.normal(size=(CHAINS, 100)) + 10.0 * np.arange(CHAINS)[:, None]
    statistics = {
        "lp": (DIMS, rng.normal(size=weights.shape)),
        "energy_error": (DIMS, rng.gamma(0.5, 0.8, weights.shape)),
    }
    tree = xr.DataTree.from_dict(
        {
            "posterior": xr.Dataset({"weight_0": (DIMS, weights)}),
            "functions": xr.Dataset(functions),
            "sample_stats": xr.Dataset(statistics),
            "warmup": xr.Dataset({"log_score": ("step", -1.0 + 0.2 * np.minimum(np.arange(9) / 5, 1))}),
        }
    )
    tree.attrs = {"inference": "MCLMC", "interrupted": 0, "adjusted": 0}
    return tree


def skewed(rng: Generator) -> np.ndarray:
    """Return lognormal draws."""
    return np.exp(independent(rng, quantities=3) / 3)


def ridge(rng: Generator) -> np.ndarray:
    """Return two quantities that depend on each other all but perfectly."""
    first = rng.normal(size=(CHAINS, DRAWS, 1))
    return np.concatenate([first, first + 0.02 * rng.normal(size=first.shape)], axis=2)


def banana(rng: Generator) -> np.ndarray:
    """Return two quantities on a curved ridge."""
    first = rng.normal(size=(CHAINS, DRAWS, 1))
    return np.concatenate([first, first**2 + 0.3 * rng.normal(size=first.shape)], axis=2)


def mixture(rng: Generator) -> np.ndarray:
    """Return two modes that every chain visits in proportion."""
    return rng.normal(size=(CHAINS, DRAWS, 2)) + 6.0 * (rng.uniform(size=(CHAINS, DRAWS, 2)) < 0.3)


@dataclass(frozen=True)
class Case:
    """A posterior, what is done to it, and the check that should say so; ``""`` where it is healthy."""

    name: str
    make: Callable[[Generator], xr.DataTree]
    code: str = ""
    sha256: str | None = None

    def tree(self, seed: int = 0) -> xr.DataTree:
        """Return the posterior."""
        return self.make(np.random.default_rng(seed))

    def judged(self, seed: int = 0) -> Diagnosis:
        """Return its diagnosis."""
        return diagnose(self.tree(seed), data_sha256=self.sha256)

    def right(self, found: Diagnosis) -> bool:
        """Say whether the diagnosis is what it should be: sound, or not and for the right reason."""
        if not self.code:
            return found.verdict == "sound"
        return found.verdict != "sound" and self.code in {check.code for check in unsound(found)}


def unsound(found: Diagnosis) -> list[Check]:
    """Return the checks that did not pass."""
    return [check for check in found.checks if check.status in ("tip", "issue")]


def edited(edit: Callable[[dict[str, np.ndarray], Generator], None]) -> Callable[[Generator], xr.DataTree]:
    """Return a healthy run of NUTS whose arrays are changed in place."""

    def make(rng: Generator) -> xr.DataTree:
        tree = sampled(independent(rng), rng)
        groups = (tree["posterior"], tree["sample_stats"])
        edit({str(name): values.values for group in groups for name, values in group.data_vars.items()}, rng)
        return tree

    return make


def _one(value: float) -> Callable[[dict[str, np.ndarray], Generator], None]:
    def edit(arrays: dict[str, np.ndarray], rng: Generator) -> None:
        arrays["weight"][2, 500, 1] = value

    return edit


def _stuck(arrays: dict[str, np.ndarray], rng: Generator) -> None:
    arrays["weight"][1] = arrays["weight"][1, :1] + 1e-9 * rng.normal(size=arrays["weight"][1].shape)


def _modes(arrays: dict[str, np.ndarray], rng: Generator) -> None:
    arrays["intercept"][2:] += 8.0


def _constant(arrays: dict[str, np.ndarray], rng: Generator) -> None:
    arrays["intercept"][:] = 0.3


def _divergent(arrays: dict[str, np.ndarray], rng: Generator) -> None:
    arrays["diverging"][:] = arrays["weight"][..., 1] > 8.0


def _slow_energy(arrays: dict[str, np.ndarray], rng: Generator) -> None:
    arrays["energy"][3] = np.cumsum(0.1 * rng.normal(size=DRAWS))


def _twice(arrays: dict[str, np.ndarray], rng: Generator) -> None:
    for name in ("intercept", "weight"):
        arrays[name][3] = arrays[name][0]


def _drift(arrays: dict[str, np.ndarray], rng: Generator) -> None:
    arrays["intercept"][0] += np.linspace(-3.0, 3.0, DRAWS)


def _repeating(arrays: dict[str, np.ndarray], rng: Generator) -> None:
    arrays["intercept"][:] = walked(rng, 0.99, quantities=1)[..., 0]


def _renamed(arrays: dict[str, np.ndarray], rng: Generator) -> None:
    arrays["weight"][1] = arrays["weight"][1][:, [1, 0, 2]]


def _deep(arrays: dict[str, np.ndarray], rng: Generator) -> None:
    arrays["reached_max_treedepth"][:, ::3] = True


def killed(rng: Generator) -> xr.DataTree:
    """Return what a killed run leaves: a store of full size, the rest of each chain no numbers."""
    tree = sampled(independent(rng), rng)
    for chain, last in enumerate((290, 310, 280, 300)):
        for values in tree["posterior"].data_vars.values():
            values.values[chain, last:] = np.nan
    tree.attrs["interrupted"] = 1
    return tree


def cut(rng: Generator) -> xr.DataTree:
    """Return statistics of fewer draws than the posterior's."""
    tree = sampled(independent(rng), rng)
    tree["sample_stats"] = xr.DataTree(tree["sample_stats"].to_dataset().isel(draw=slice(600)))
    return tree


def lost(rng: Generator) -> xr.DataTree:
    """Return a posterior whose model says that it wrote a group which is not there."""
    tree = regression(rng)
    del tree["log_likelihood"]
    return tree


def unlike(rng: Generator) -> xr.DataTree:
    """Return a posterior in which one variable has no draws of each chain."""
    tree = sampled(independent(rng), rng)
    flat = ("sample", rng.normal(size=CHAINS * DRAWS))
    tree["posterior"] = xr.DataTree(tree["posterior"].to_dataset().assign(sigma=flat))
    return tree


def mixed(rng: Generator) -> xr.DataTree:
    """Return a ridge one of whose parameters was taken from another chain in two chains."""
    draws = ridge(rng)
    draws[:2, :, 1] = draws[1::-1, :, 1].copy()
    return sampled(draws, rng)


def unreported(rng: Generator) -> xr.DataTree:
    """Return a run of NUTS that says nothing of itself."""
    tree = sampled(independent(rng), rng)
    del tree["sample_stats"]
    return tree


def few(**sizes: int) -> Callable[[Generator], xr.DataTree]:
    """Return a run of few chains or draws."""
    return lambda rng: sampled(independent(rng, **sizes), rng)


def of(draws: Callable[[Generator], np.ndarray]) -> Callable[[Generator], xr.DataTree]:
    """Return a healthy run of NUTS with these draws."""
    return lambda rng: sampled(draws(rng), rng)


BROKEN = (
    Case("one draw is no number", edited(_one(np.nan)), "finite"),
    Case("one draw is infinite", edited(_one(np.inf)), "finite"),
    Case("a single chain", few(chains=1), "chains"),
    Case("three draws a chain", few(draws=3), "draws"),
    Case("a killed run", killed, "finite"),
    Case("a stuck chain", edited(_stuck), "stuck"),
    Case("chains in two modes", edited(_modes), "modes"),
    Case("a constant parameter", edited(_constant), "constant"),
    Case("divergences", edited(_divergent), "divergences"),
    Case("slow energy in one chain", edited(_slow_energy), "energy"),
    Case("statistics cut short", cut, "statistics"),
    Case("a chain twice", edited(_twice), "distinct"),
    Case("a chain that drifts", edited(_drift), "drift"),
    Case("draws that repeat each other", edited(_repeating), "ess_bulk"),
    Case("a group is lost", lost, "groups"),
    Case("a variable of other dimensions", unlike, "dimensions"),
    Case("names exchanged in a chain", edited(_renamed), "swapped"),
    Case("a crude approximation", lambda rng: approximated(rng, 1.1), "pareto_k"),
    Case("the prior decides", lambda rng: regression(rng, 12, prior_scale=0.02), "prior_dominated"),
    Case("other data", of(independent), "data", "b" * 64),
    Case("chains mixed by parameter", mixed, "dependence"),
    Case("no statistics of the sampler", unreported, "divergences"),
)
HEALTHY = (
    Case("independent", of(independent), sha256="a" * 64),
    Case("sixty quantities", of(lambda rng: independent(rng, quantities=60))),
    Case("eight chains", few(chains=8)),
    Case("short chains", few(draws=400)),
    Case("long chains", few(draws=3000)),
    Case("autocorrelated", of(lambda rng: walked(rng, 0.5))),
    Case("antithetic", of(lambda rng: walked(rng, -0.5))),
    Case("skewed", of(skewed)),
    Case("heavy tails", of(lambda rng: rng.standard_t(3, size=(CHAINS, DRAWS, 3)))),
    Case("uniform", of(lambda rng: rng.uniform(size=(CHAINS, DRAWS, 3)))),
    Case("nearly collinear", of(ridge)),
    Case("curved", of(banana)),
    Case("two modes in every chain", of(mixture)),
    Case("tiny and far from zero", of(lambda rng: 1e6 + 1e-3 * independent(rng))),
    Case("closed form", regression),
    Case("closed form, flat prior", lambda rng: regression(rng, prior="flat")),
    Case("closed form, 2,000 rows", lambda rng: regression(rng, 2000)),
    Case("a close approximation", lambda rng: approximated(rng, 0.3)),
    Case("functions of a network, values", network),
    Case("functions of a network, classes", lambda rng: network(rng, 3)),
)


def flagged_by_arviz(tree: xr.DataTree) -> str:
    """Say what ``arviz.diagnose`` alone says: that something is wrong, nothing, or an error."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return "flagged" if az.diagnose(tree, show_diagnostics=False) else "nothing"
    except Exception as error:
        return f"error ({type(error).__name__})"


def main() -> None:
    """Print one line for each posterior, then the counts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=1)
    seeds = range(parser.parse_args().seeds)
    for kind, cases in (("broken", BROKEN), ("healthy", HEALTHY)):
        right = theirs = 0
        for case in cases:
            for seed in seeds:
                found, by_arviz = case.judged(seed), flagged_by_arviz(case.tree(seed))
                right += case.right(found)
                theirs += by_arviz == "flagged"
                codes = ", ".join(f"{check.code} {check.value:.3g}" for check in unsound(found))
                print(f"{kind:8}{case.name:34}{found.verdict:10}arviz: {by_arviz:24}{codes}", flush=True)
        total = len(cases) * len(seeds)
        what = "flagged for the right reason" if kind == "broken" else "sound"
        print(f"{kind}: {right} of {total} {what}; arviz.diagnose flags {theirs} of {total}\n")


if __name__ == "__main__":
    main()
