"""Posteriors on which a diagnostic can be tried.

``BROKEN`` holds 22 ways to break a posterior, each with the check that should find it. ``HEALTHY`` holds 20 posteriors
of other shapes, scales, dependence and tails, from closed forms, and of the functions of a network. No sampler runs.
"""

import warnings
from collections.abc import Callable
from dataclasses import dataclass

import arviz_stats as az
import numpy as np
import xarray as xr

from bayesgeo.diagnostics import Check, Diagnosis, diagnose
from bayesgeo.testing import broken
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


BROKEN = (
    Case("one draw is no number", broken.edited(broken.one(np.nan)), "finite"),
    Case("one draw is infinite", broken.edited(broken.one(np.inf)), "finite"),
    Case("a single chain", few(chains=1), "chains"),
    Case("three draws a chain", few(draws=3), "draws"),
    Case("a killed run", broken.killed, "finite"),
    Case("a stuck chain", broken.edited(broken.stuck), "stuck"),
    Case("chains in two modes", broken.edited(broken.modes), "modes"),
    Case("a constant parameter", broken.edited(broken.constant), "constant"),
    Case("divergences", broken.edited(broken.divergent), "divergences"),
    Case("slow energy in one chain", broken.edited(broken.slow_energy), "energy"),
    Case("statistics cut short", broken.cut, "statistics"),
    Case("a chain twice", broken.edited(broken.twice), "distinct"),
    Case("a chain that drifts", broken.edited(broken.drift), "drift"),
    Case("draws that repeat each other", broken.edited(broken.repeating), "ess_bulk"),
    Case("a group is lost", broken.lost, "groups"),
    Case("a variable of other dimensions", broken.unlike, "dimensions"),
    Case("names exchanged in a chain", broken.edited(broken.renamed), "swapped"),
    Case("a crude approximation", lambda rng: approximated(rng, 1.1), "pareto_k"),
    Case("the prior decides", lambda rng: regression(rng, 12, prior_scale=0.02), "prior_dominated"),
    Case("other data", of(independent), "data", "b" * 64),
    Case("chains mixed by parameter", broken.mixed, "dependence"),
    Case("no statistics of the sampler", broken.unreported, "divergences"),
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
    """Return what ``arviz.diagnose`` alone finds: ``flagged``, ``nothing`` or an error."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return "flagged" if az.diagnose(tree, show_diagnostics=False) else "nothing"
    except Exception as error:
        return f"error ({type(error).__name__})"
