"""Broken posteriors, each with the check that should find it."""

import numpy as np

from bayesgeo.testing import broken, layouts, unmatched
from bayesgeo.testing.case import Case
from bayesgeo.testing.draws import CHAINS, DRAWS, approximated, few, independent, network, of, regression
from bayesgeo.testing.unmatched import observed

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
    Case(
        "a chain twice, shifted in time", broken.edited(broken.copied(lambda c, rng: np.roll(c, 7, axis=0))), "distinct"
    ),
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
    Case(
        "half Cauchy", broken.drawn(lambda rng: np.abs(rng.standard_cauchy((CHAINS, DRAWS))), layouts.plain), "moments"
    ),
    Case("Pareto of exponent .8", broken.drawn(lambda rng: rng.pareto(0.8, (CHAINS, DRAWS))), "moments"),
    Case("a ratio of normals", broken.drawn(lambda rng: np.divide(*rng.normal(size=(2, CHAINS, DRAWS)))), "moments"),
    Case("complex draws", broken.drawn(lambda rng: rng.normal(size=(CHAINS, DRAWS)) + 0.1j), "finite"),
    Case("texts", broken.drawn(lambda rng: rng.choice(["sand", "clay"], (CHAINS, DRAWS)), layouts.plain), "finite"),
    Case("objects", broken.drawn(lambda rng: rng.normal(size=(CHAINS, DRAWS)).astype(object)), "finite"),
    Case("times", broken.drawn(lambda rng: rng.integers(9, size=(CHAINS, DRAWS)).astype("M8[ns]")), "finite"),
    Case("draws of 1e308", broken.drawn(lambda rng: 1e308 * rng.uniform(-1, 1, (CHAINS, DRAWS))), "finite"),
)
REPORTED = (
    Case(
        "lp is no number", broken.laid_out(layouts.pymc, broken.setting("lp", np.nan, draws=slice(5, 6))), "statistics"
    ),
    Case("logp is no number", broken.laid_out(layouts.nutpie, broken.setting("logp", np.nan)), "statistics"),
    Case("lp is minus infinity", broken.laid_out(layouts.numpyro, broken.setting("lp", -np.inf)), "statistics"),
    Case("energy is no number", broken.laid_out(layouts.nutpie, broken.setting("energy", np.nan)), "statistics"),
    Case("nothing accepted", broken.laid_out(layouts.pymc, broken.setting("acceptance_rate", 0.0)), "acceptance"),
    Case(
        "nothing accepted, nutpie",
        broken.laid_out(layouts.nutpie, broken.setting("mean_tree_accept", 0.0)),
        "acceptance",
    ),
    Case("no steps", broken.laid_out(layouts.pymc, broken.setting("step_size", 0.0)), "step_size"),
    Case(
        "no steps in any chain",
        broken.laid_out(layouts.pymc, broken.setting("step_size", 0.0, chain=slice(4))),
        "step_size",
    ),
    Case("tiny steps", broken.laid_out(layouts.nutpie, broken.setting("step_size", 1e-6)), "step_size"),
    Case("divergences, NumPyro", broken.laid_out(layouts.numpyro, broken.setting("diverging", 1)), "divergences"),
    Case(
        "cut trajectories, nutpie", broken.laid_out(layouts.nutpie, broken.setting("maxdepth_reached", 1)), "tree_depth"
    ),
    Case("statistics cut short", unmatched.fewer(few(), "sample_stats", draw=slice(600)), "statistics"),
)
UNMATCHED = (
    Case("fewer draws than asked for", unmatched.asked_for(num_draws=2000), "complete"),
    Case("fewer chains than asked for", unmatched.asked_for(num_chains=6), "complete"),
    Case("chains of other lengths", unmatched.unequal, "finite"),
    Case("log likelihood permuted", unmatched.reordered(regression, "log_likelihood", unmatched.permuted), "of_draws"),
    Case("log likelihood backwards", unmatched.reordered(observed, "log_likelihood", unmatched.backwards), "of_draws"),
    Case(
        "log likelihood of other chains", unmatched.reordered(observed, "log_likelihood", unmatched.rotated), "of_draws"
    ),
    Case(
        "log likelihood, chains exchanged",
        unmatched.reordered(regression, "log_likelihood", unmatched.exchanged),
        "of_draws",
    ),
    Case("log likelihood one draw late", unmatched.reordered(observed, "log_likelihood", unmatched.late), "of_draws"),
    Case("log likelihood is noise", unmatched.reordered(observed, "log_likelihood", unmatched.drawn_anew), "of_draws"),
    Case("log likelihood of another fit", unmatched.transplanted(observed, "log_likelihood"), "of_draws"),
    Case("log likelihood of later draws", unmatched.relabelled(observed, "log_likelihood"), "of_draws"),
    Case("log likelihood of other data", unmatched.transplanted(regression, "log_likelihood"), "of_rows"),
    Case("log likelihood of fewer rows", unmatched.fewer(regression, "log_likelihood", obs=slice(40)), "of_rows"),
    Case(
        "log likelihood of fewer rows, PyMC", unmatched.fewer(observed, "log_likelihood", y_dim_0=slice(40)), "of_rows"
    ),
    Case("functions permuted", unmatched.reordered(network, "functions", unmatched.permuted), "of_draws"),
    Case("functions of other chains", unmatched.reordered(network, "functions", unmatched.rotated), "of_draws"),
    Case("functions of another network", unmatched.transplanted(network, "functions"), "of_draws"),
)
BROKEN = (*OURS, *RUNS, *DRAWN, *REPORTED, *UNMATCHED)
