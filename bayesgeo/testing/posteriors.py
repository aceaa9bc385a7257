"""Posteriors on which a diagnostic can be tried.

``BROKEN`` holds ways to break a posterior, each with the check that should find it. ``HEALTHY`` holds posteriors of
many shapes, scales, dependence and tails: from closed forms, of the functions of a network, and as PyMC, nutpie,
NumPyro and ArviZ lay them out. No sampler runs.
"""

from collections.abc import Callable

import numpy as np

from bayesgeo.testing import layouts, shapes
from bayesgeo.testing.broken_cases import BROKEN
from bayesgeo.testing.case import Case
from bayesgeo.testing.draws import (
    CHAINS,
    DRAWS,
    Generator,
    Make,
    approximated,
    banana,
    few,
    independent,
    mixture,
    network,
    of,
    regression,
    ridge,
    skewed,
    walked,
)
from bayesgeo.testing.unmatched import observed


def healthy(draws: Callable[[Generator], dict[str, np.ndarray]], layout: layouts.Layout) -> Make:
    """Return draws by name as a library lays them out."""
    return lambda rng: layout(draws(rng), rng)


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

__all__ = ["BROKEN", "HEALTHY"]
