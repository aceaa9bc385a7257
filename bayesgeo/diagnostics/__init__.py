"""Diagnostics of a posterior: checks that fail closed, and their verdict."""

from collections.abc import Iterable, Sequence

import numpy as np
import xarray as xr

from bayesgeo.diagnostics import base, basics, belonging, functions, model, parameters, sampler
from bayesgeo.diagnostics.base import CODES, Check, Diagnosis, Status, Verdict
from bayesgeo.diagnostics.model_tables import Loo, loo, model_evidence
from bayesgeo.diagnostics.page import explain
from bayesgeo.diagnostics.residuals import checks as residual_checks

OF_GROUPS = ("of_rows", "of_draws")


def diagnose(tree: xr.DataTree, *, ignore: Iterable[str] = (), data_sha256: str | None = None) -> Diagnosis:
    """Check a posterior: its draws, the statistics of its sampler, and its model on the training rows.

    Thresholds follow Vehtari et al. (2021, Bayesian Analysis 16:2), Betancourt (2016, arXiv 1604.00695) and others
    named in the section that :func:`explain` returns for each check. The weights of a network are not identifiable: its
    draws are checked by the functions that they define; see :mod:`bayesgeo.diagnostics.functions`.

    Parameters
    ----------
    tree : xarray.DataTree
        With groups ``posterior (chain, draw, ...)``; ``functions`` for a network; ``sample_stats``, ``warmup`` or
        ``approximation`` and root attributes as of :class:`bayesgeo.inference.base.Inference`; and, for checks of the
        model, what :mod:`bayesgeo.diagnostics.model_tables` reads.
    ignore : iterable of str
        Codes of checks to leave out of the verdict.
    data_sha256 : str, optional
        Hash of the data that the posterior should be computed from, as of
        :func:`bayesgeo.models.criticism.training_data_sha256`.

    Returns
    -------
    Diagnosis
        ``.verdict`` and ``.checks``. A missing group, a constant parameter or a value that is not finite
        fails.

    Raises
    ------
    InvalidInput
        If a code to ignore is unknown.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> posterior = xr.Dataset({"b": (("chain", "draw"), rng.normal(size=(4, 1000)))})
    >>> tree = xr.DataTree.from_dict({"posterior": posterior})
    >>> tree.attrs = {"kind": "exact", "interrupted": 0}
    >>> diagnose(tree).verdict
    'sound'
    """
    # Raise for an unknown code before computing anything.
    codes = list(ignore)
    Diagnosis(()).ignoring(codes)
    return Diagnosis(tuple(_checks(tree, data_sha256))).ignoring(codes)


def _checks(tree: xr.DataTree, data_sha256: str | None) -> Iterable[Check]:
    by_function = "functions" in tree.children
    kind = functions if by_function else parameters
    codes = base.OF_FUNCTIONS if by_function else base.OF_PARAMETERS
    unusable = _unusable(tree)
    if unusable is not None:
        yield unusable
        yield from base.skipped(
            (*base.OF_ANY, *codes, *base.OF_MODELS), f"There are no draws to check: {unusable.code}."
        )
        return
    posterior = tree["posterior"].to_dataset().drop_vars(_of_nothing(tree))
    first = [
        basics.finite(posterior),
        basics.complete(tree),
        basics.of_data(tree, data_sha256),
        basics.statistics(tree),
        basics.groups(tree),
        belonging.of_rows(tree),
        basics.size(posterior, "chain", good=basics.CHAINS_GOOD, bad=basics.CHAINS_BAD),
        basics.size(posterior, "draw", good=kind.DRAWS_GOOD, bad=kind.DRAWS_BAD),
    ]
    if by_function:
        first += functions.shape(tree)
    yield from first
    failed = [check.code for check in first if check.status == "issue"]
    if _cannot_go_on(failed):
        yield from base.skipped(("of_draws", *codes, *base.OF_MODELS), f"Fix this first: {', '.join(failed)}.")
        return
    followed = belonging.of_draws(tree)
    yield followed
    yield from functions.checks(tree) if by_function else parameters.checks(posterior)
    yield from sampler.checks(tree)
    unmatched = [check.code for check in (*first, followed) if check.code in OF_GROUPS and check.status == "issue"]
    if unmatched:
        yield from base.skipped(base.OF_MODELS, f"Fix this first: {', '.join(unmatched)}.")
    else:
        yield from model.checks(tree)


def _unusable(tree: xr.DataTree) -> Check | None:
    """Return why there are no draws to check; None if there are."""
    if "posterior" not in tree.children or not tree["posterior"].data_vars:
        return Check("posterior", "issue", np.nan, "present", "There are no draws to check.")
    empty = _of_nothing(tree)
    if len(empty) == len(tree["posterior"].data_vars):
        empty = []
    for name, values in tree["posterior"].to_dataset().drop_vars(empty).data_vars.items():
        if not {"chain", "draw"} <= set(values.dims) or not values.size:
            text = f"{name!r} has dimensions {dict(values.sizes)}, without draws of each chain."
            return Check("dimensions", "issue", np.nan, "chain and draw", text)
    return None


def _of_nothing(tree: xr.DataTree) -> list[str]:
    """Return the variables that have draws of no quantity, as the coefficients of a model without features."""
    return [
        str(name)
        for name, values in tree["posterior"].data_vars.items()
        if not values.size and all(values.sizes.get(name, 0) for name in ("chain", "draw"))
    ]


def _cannot_go_on(failed: Sequence[str]) -> bool:
    return bool({"finite", "chains", "draws", "functions"} & set(failed))


__all__ = [
    "CODES",
    "Check",
    "Diagnosis",
    "Loo",
    "Status",
    "Verdict",
    "diagnose",
    "explain",
    "loo",
    "model_evidence",
    "residual_checks",
]
