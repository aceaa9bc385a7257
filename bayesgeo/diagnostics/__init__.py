"""Whether a posterior can be trusted: checks that fail closed, and their verdict."""

import numpy as np
import xarray as xr

from bayesgeo.diagnostics import functions, parameters, sampler
from bayesgeo.diagnostics.base import (
    CHAINS_BAD,
    CHAINS_GOOD,
    Check,
    Diagnosis,
    Status,
    Verdict,
    complete,
    finite,
    size,
)


def diagnose(tree: xr.DataTree) -> Diagnosis:
    """Check a posterior by rank-normalised R-hat, effective sample size and what its sampler reports.

    Thresholds follow Vehtari et al. (2021, Bayesian Analysis 16:2) and Betancourt (2016, arXiv 1604.00695). The
    weights of a network are not identifiable: its draws are judged by the functions that they make; see
    :mod:`bayesgeo.diagnostics.functions`.

    Parameters
    ----------
    tree : xarray.DataTree
        With groups ``posterior (chain, draw, ...)``; ``functions`` for a network; and ``sample_stats``, ``warmup`` or
        ``approximation``, whichever its inference leaves.

    Returns
    -------
    Diagnosis
        ``.verdict`` and ``.checks``. A missing group, a constant parameter or a value that is not finite
        fails.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> posterior = xr.Dataset({"b": (("chain", "draw"), rng.normal(size=(4, 1000)))})
    >>> tree = xr.DataTree.from_dict({"posterior": posterior})
    >>> tree.attrs = {"inference": "Exact", "interrupted": 0}
    >>> diagnose(tree).verdict
    'sound'
    """
    if "posterior" not in tree.children or not tree["posterior"].data_vars:
        return Diagnosis((Check("posterior", "issue", np.nan, "present", "There are no draws to check."),))
    posterior = tree["posterior"].to_dataset()
    for name, values in posterior.data_vars.items():
        if not {"chain", "draw"} <= set(values.dims):
            text = f"{name!r} has dimensions {values.dims}, without chain and draw."
            return Diagnosis((Check("dimensions", "issue", np.nan, "chain and draw", text),))
    by_function = "functions" in tree.children
    judge = functions if by_function else parameters
    basics = [
        finite(posterior),
        complete(tree),
        size(posterior, "chain", good=CHAINS_GOOD, bad=CHAINS_BAD),
        size(posterior, "draw", good=judge.DRAWS_GOOD, bad=judge.DRAWS_BAD),
    ]
    if by_function:
        basics += functions.shape(tree)
    if any(check.status == "issue" for check in basics):
        return Diagnosis(tuple(basics))
    mixing = functions.checks(tree) if by_function else parameters.checks(posterior)
    return Diagnosis((*basics, *mixing, *sampler.checks(tree)))


__all__ = ["Check", "Diagnosis", "Status", "Verdict", "diagnose"]
