"""Posteriors on which a diagnostic can be tried.

``BROKEN`` holds ways to break a posterior, each with the check that should find it. ``HEALTHY`` holds posteriors of
many shapes, scales, dependence and tails: from closed forms, of the functions of a network, and as PyMC, nutpie,
NumPyro and ArviZ lay them out. No sampler runs.
"""

import warnings
from collections.abc import Callable
from dataclasses import dataclass

import arviz_stats as az
import numpy as np
import xarray as xr

from bayesgeo.diagnostics import Check, Diagnosis, diagnose
from bayesgeo.testing import broken, layouts, shapes, unmatched
from bayesgeo.testing.draws import (
    CHAINS,
    DRAWS,
    Generator,
    approximated,
    banana,
    independent,
    mixture,
    network,
    regression,
    ridge,
    sampled,
    skewed,
    walked,
)
from bayesgeo.testing.unmatched import Make, observed


@dataclass(frozen=True)
class Case:
    """A posterior on which a diagnostic can be tried.

    Parameters
    ----------
    name : str
        Its peculiarity.
    make : callable
        Returns the posterior, given a numpy Generator.
    code : str
        The check that should fail; empty where the posterior is healthy.
    sha256 : str, optional
        Hash of the data that it should belong to; see :func:`bayesgeo.diagnose`.

    Examples
    --------
    >>> [case.right(case.diagnosis()) for case in (BROKEN[0], HEALTHY[0])]
    [True, True]
    """

    name: str
    make: Callable[[Generator], xr.DataTree]
    code: str = ""
    sha256: str | None = None

    def tree(self, seed: int = 0) -> xr.DataTree:
        """Return the posterior."""
        return self.make(np.random.default_rng(seed))

    def diagnosis(self, seed: int = 0) -> Diagnosis:
        """Return its diagnosis."""
        return diagnose(self.tree(seed), data_sha256=self.sha256)

    def right(self, found: Diagnosis) -> bool:
        """Return whether the diagnosis is correct: sound, or not and for the right reason."""
        if not self.code:
            return found.verdict == "sound"
        return found.verdict != "sound" and self.code in {check.code for check in unsound(found)}


def unsound(found: Diagnosis) -> list[Check]:
    """Return the checks that did not pass."""
    return [check for check in found.checks if check.status in ("tip", "issue")]


def few(**sizes: int) -> Callable[[Generator], xr.DataTree]:
    """Return a run of few chains or draws."""
    return lambda rng: sampled(independent(rng, **sizes), rng)


def of(draws: Callable[[Generator], np.ndarray]) -> Callable[[Generator], xr.DataTree]:
    """Return a healthy run of chains with these draws."""
    return lambda rng: sampled(draws(rng), rng)


def healthy(draws: Callable[[Generator], dict[str, np.ndarray]], layout: layouts.Layout) -> Make:
    """Return draws by name as a library lays them out."""
    return lambda rng: layout(draws(rng), rng)


OURS = (
    Case("one draw is no number", broken.edited(broken.one(np.nan)), "finite"),
    Case("one draw is infinite", broken.edited(broken.one(np.inf)), "finite"),
    Case("a single chain", few(chains=1), "chains"),
    Case("three draws a chain", few(draws=3), "draws"),
    Case("a killed run", unmatched.killed, "finite"),
    Case("a stuck chain", broken.edited(broken.stuck), "stuck"),
    Case("chains in two modes", broken.edited(broken.modes), "modes"),
    Case("a constant parameter", broken.edited(broken.constant), "constant"),
    Case("divergences", broken.edited(broken.divergent), "divergences"),
    Case("slow energy in one chain", broken.edited(broken.slow_energy), "energy"),
    Case("a chain that drifts", broken.edited(broken.drift), "drift"),
    Case("draws that repeat each other", broken.edited(broken.repeating), "ess_bulk"),
    Case("a group is lost", unmatched.lost, "groups"),
    Case("a variable of other dimensions", unmatched.unlike, "dimensions"),
    Case("names exchanged in a chain", broken.edited(broken.renamed), "swapped"),
    Case("a crude approximation", lambda rng: approximated(rng, 1.1), "pareto_k"),
    Case("the prior decides", lambda rng: regression(rng, 12, prior_scale=0.02), "prior_dominated"),
    Case("other data", of(independent), "data", "b" * 64),
    Case("chains mixed by parameter", of(broken.mixed), "dependence"),
    Case("no statistics of the sampler", unmatched.unreported, "divergences"),
)
RUNS = (
    Case("frozen for a fifth", broken.edited(broken.frozen(400, 600)), "frozen"),
    Case("frozen at the end", broken.edited(broken.frozen(800, 1000)), "frozen"),
    Case("frozen for a twentieth", broken.edited(broken.frozen(100, 150)), "frozen"),
    Case("frozen but for tiny steps", broken.edited(broken.frozen(400, 600, jitter=1e-4)), "frozen"),
    Case("one quantity frozen", broken.edited(broken.frozen(0, 200, names=("intercept",))), "frozen"),
    Case("every chain frozen in turn", broken.edited(broken.all_frozen), "frozen"),
    Case("a chain twice", broken.edited(broken.noisy(0.0)), "distinct"),
    Case("a chain twice, tiny noise", broken.edited(broken.noisy(1e-6)), "distinct"),
    Case("a chain twice, noise of a half", broken.edited(broken.noisy(0.5)), "distinct"),
    Case("a chain twice, mirrored", broken.edited(broken.copied(broken.mirrored)), "distinct"),
    Case("a chain twice, shifted in time", broken.edited(broken.copied(lambda c, rng: np.roll(c, 7, axis=0))), "distinct"),
    Case("a chain twice, backwards", broken.edited(broken.copied(lambda c, rng: c[::-1])), "distinct"),
    Case("a chain twice, in another order", broken.edited(broken.shuffled), "distinct"),
    Case("half a chain twice", broken.edited(broken.half_copied), "distinct"),
    Case("fifty values again and again", broken.drawn(broken.particles(50)), "resampled"),
    Case("five hundred values again and again", broken.drawn(broken.particles(500), layouts.plain), "resampled"),
    Case("five values again and again", broken.drawn(broken.particles(5), layouts.numpyro), "resampled"),
    Case("draws drawn again", broken.drawn(broken.bootstrapped), "resampled"),
    Case("one pair among 1,000", broken.drawn(broken.one_pair(1000), layouts.plain), "dependence"),
    Case("one pair among 1,000, two chains", broken.drawn(broken.one_pair(1000, chains=2)), "dependence"),
    Case("one bent pair among 300", broken.drawn(broken.one_pair(300, bent=True)), "dependence"),
)
DRAWN = (
    Case("Cauchy", broken.drawn(lambda rng: rng.standard_cauchy((CHAINS, DRAWS))), "moments"),
    Case("Cauchy, one of 200", broken.drawn(broken.one_of(lambda rng, size: rng.standard_cauchy(size))), "moments"),
    Case("half Cauchy", broken.drawn(lambda rng: np.abs(rng.standard_cauchy((CHAINS, DRAWS))), layouts.plain), "moments"),
    Case("Pareto of exponent .8", broken.drawn(lambda rng: rng.pareto(0.8, (CHAINS, DRAWS))), "moments"),
    Case("a ratio of normals", broken.drawn(lambda rng: np.divide(*rng.normal(size=(2, CHAINS, DRAWS)))), "moments"),
    Case("complex draws", broken.drawn(lambda rng: rng.normal(size=(CHAINS, DRAWS)) + 0.1j), "finite"),
    Case("texts", broken.drawn(lambda rng: rng.choice(["sand", "clay"], (CHAINS, DRAWS)), layouts.plain), "finite"),
    Case("objects", broken.drawn(lambda rng: rng.normal(size=(CHAINS, DRAWS)).astype(object)), "finite"),
    Case("times", broken.drawn(lambda rng: rng.integers(9, size=(CHAINS, DRAWS)).astype("M8[ns]")), "finite"),
    Case("draws of 1e308", broken.drawn(lambda rng: 1e308 * rng.uniform(-1, 1, (CHAINS, DRAWS))), "finite"),
)
REPORTED = (
    Case("lp is no number", broken.laid_out(layouts.pymc, broken.setting("lp", np.nan, draws=slice(5, 6))), "statistics"),
    Case("logp is no number", broken.laid_out(layouts.nutpie, broken.setting("logp", np.nan)), "statistics"),
    Case("lp is minus infinity", broken.laid_out(layouts.numpyro, broken.setting("lp", -np.inf)), "statistics"),
    Case("energy is no number", broken.laid_out(layouts.nutpie, broken.setting("energy", np.nan)), "statistics"),
    Case("nothing accepted", broken.laid_out(layouts.pymc, broken.setting("acceptance_rate", 0.0)), "acceptance"),
    Case("nothing accepted, nutpie", broken.laid_out(layouts.nutpie, broken.setting("mean_tree_accept", 0.0)), "acceptance"),
    Case("no steps", broken.laid_out(layouts.pymc, broken.setting("step_size", 0.0)), "step_size"),
    Case("no steps in any chain", broken.laid_out(layouts.pymc, broken.setting("step_size", 0.0, chain=slice(4))), "step_size"),
    Case("tiny steps", broken.laid_out(layouts.nutpie, broken.setting("step_size", 1e-6)), "step_size"),
    Case("divergences, NumPyro", broken.laid_out(layouts.numpyro, broken.setting("diverging", 1)), "divergences"),
    Case("cut trajectories, nutpie", broken.laid_out(layouts.nutpie, broken.setting("maxdepth_reached", 1)), "tree_depth"),
    Case("statistics cut short", unmatched.fewer(few(), "sample_stats", draw=slice(600)), "statistics"),
)
UNMATCHED = (
    Case("fewer draws than asked for", unmatched.asked_for(num_draws=2000), "complete"),
    Case("fewer chains than asked for", unmatched.asked_for(num_chains=6), "complete"),
    Case("chains of other lengths", unmatched.unequal, "finite"),
    Case("log likelihood permuted", unmatched.reordered(regression, "log_likelihood", unmatched.permuted), "of_draws"),
    Case("log likelihood backwards", unmatched.reordered(observed, "log_likelihood", unmatched.backwards), "of_draws"),
    Case("log likelihood of other chains", unmatched.reordered(observed, "log_likelihood", unmatched.rotated), "of_draws"),
    Case("log likelihood, chains exchanged", unmatched.reordered(regression, "log_likelihood", unmatched.exchanged), "of_draws"),
    Case("log likelihood one draw late", unmatched.reordered(observed, "log_likelihood", unmatched.late), "of_draws"),
    Case("log likelihood is noise", unmatched.reordered(observed, "log_likelihood", unmatched.drawn_anew), "of_draws"),
    Case("log likelihood of another fit", unmatched.transplanted(observed, "log_likelihood"), "of_draws"),
    Case("log likelihood of later draws", unmatched.relabelled(observed, "log_likelihood"), "of_draws"),
    Case("log likelihood of other data", unmatched.transplanted(regression, "log_likelihood"), "of_rows"),
    Case("log likelihood of fewer rows", unmatched.fewer(regression, "log_likelihood", obs=slice(40)), "of_rows"),
    Case("log likelihood of fewer rows, PyMC", unmatched.fewer(observed, "log_likelihood", y_dim_0=slice(40)), "of_rows"),
    Case("functions permuted", unmatched.reordered(network, "functions", unmatched.permuted), "of_draws"),
    Case("functions of other chains", unmatched.reordered(network, "functions", unmatched.rotated), "of_draws"),
    Case("functions of another network", unmatched.transplanted(network, "functions"), "of_draws"),
)
BROKEN = (*OURS, *RUNS, *DRAWN, *REPORTED, *UNMATCHED)
CLOSED = (
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


FOREIGN = tuple(
    Case(f"{shape}, {library}", healthy(draws, layout))
    for shape, draws in shapes.SHAPES.items()
    for library, layout in layouts.LAYOUTS.items()
)
OTHERS = (
    Case("1,000 quantities with a memory", healthy(lambda rng: shapes.many(rng, 0.5), layouts.plain)),
    Case("one count, nothing else", healthy(shapes.counts, layouts.numpyro)),
    Case("rounded", healthy(shapes.rounded, layouts.plain)),
    Case("rounded, single precision", healthy(shapes.rounded, layouts.numpyro)),
    Case("correlation matrix of five", healthy(lambda rng: shapes.correlations(rng, 5), layouts.nutpie)),
    Case("strongly antithetic", healthy(lambda rng: shapes.antithetic(rng, -0.9), layouts.pymc)),
    Case("fifty groups", healthy(lambda rng: shapes.hierarchical(rng, 50), layouts.nutpie)),
    Case("hierarchical with its likelihood", observed),
)
HEALTHY = (*CLOSED, *FOREIGN, *OTHERS)


def flagged_by_arviz(tree: xr.DataTree) -> str:
    """Return what ``arviz.diagnose`` alone finds: ``flagged``, ``nothing`` or an error."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return "flagged" if az.diagnose(tree, show_diagnostics=False) else "nothing"
    except Exception as error:
        return f"error ({type(error).__name__})"
