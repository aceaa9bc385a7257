"""Mixing of parameters that have a meaning of their own: R-hat and effective sample size."""

from collections.abc import Callable, Iterable
from functools import partial

import arviz_stats as az
import numpy as np
import xarray as xr

from bayesgeo.diagnostics.base import Check, graded

RHAT_GOOD, RHAT_BAD = 1.01, 1.05
ESS_GOOD, ESS_BAD = 100, 50  # per chain
DRAWS_GOOD, DRAWS_BAD = 250, 100  # per chain


def checks(posterior: xr.Dataset) -> Iterable[Check]:
    """Yield the checks of Vehtari et al. (2021, Bayesian Analysis 16:2), worst over all parameters."""
    more = "Draw more, or state the model on a better scale or with a stronger prior."
    rhat = _worst(partial(az.rhat, method="rank"), posterior, np.max)
    yield graded("rhat", rhat, RHAT_GOOD, RHAT_BAD, f"The chains disagree. {more}", threshold=f"<= {RHAT_GOOD}")
    n_chains = posterior.sizes["chain"]
    for kind in ("bulk", "tail"):
        ess = _worst(partial(az.ess, method=kind), posterior, np.min)
        good = ESS_GOOD * n_chains
        advice = f"The draws repeat each other. {more}"
        yield graded(f"ess_{kind}", ess, good, ESS_BAD * n_chains, advice, threshold=f">= {good}")


def _worst(
    statistic: Callable[[xr.Dataset], xr.Dataset], posterior: xr.Dataset, worst: Callable[[np.ndarray], float]
) -> float:
    """Return the worst value over all quantities; NaN if any is NaN, as NaN propagates through max and min."""
    with np.errstate(invalid="ignore", divide="ignore"):
        found = statistic(posterior)
    return float(worst(np.concatenate([np.ravel(values.values) for values in found.data_vars.values()])))
