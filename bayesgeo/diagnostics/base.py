"""Checks, their verdict, and helpers of the files of checks."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Literal

import numpy as np
import xarray as xr

from bayesgeo._check import one_of, shown

Status = Literal["passed", "tip", "issue", "not applicable", "skipped", "ignored"]
Verdict = Literal["sound", "doubtful", "failed", "not applicable"]
PAGE = "docs/checks.md"  # one section for each code
OF_ANY = ("finite", "complete", "data", "statistics", "groups", "of_rows", "chains", "draws", "of_draws")
OF_PARAMETERS = (
    "constant",
    "stuck",
    "frozen",
    "distinct",
    "resampled",
    "modes",
    "swapped",
    "dependence",
    "drift",
    "rhat",
    "ess_bulk",
    "ess_tail",
    "mcse_mean",
    "mcse_quantile",
    "moments",
)
OF_FUNCTIONS = (
    "moving",
    "distinct",
    "function_error",
    "chains_agree",
    "chain_scores",
    "score_growth_draws",
    "score_growth_chains",
)
OF_SAMPLERS = (
    "divergences",
    "tree_depth",
    "energy",
    "acceptance",
    "step_size",
    "energy_error",
    "lp_drift",
    "warmup_growth",
    "pareto_k",
)
OF_MODELS = (
    "loo_pareto_k",
    "loo_pit",
    "posterior_predictive",
    "prior_predictive",
    "prior_width",
    "prior_sensitivity",
    "prior_dominated",
)
# By the name of the way in which the errors of held-out rows may be alike.
OF_RESIDUALS = {"group": "residuals_by_group", "place": "residuals_by_place", "order": "residuals_in_order"}
CODES = tuple(
    dict.fromkeys(
        chain(
            ("posterior", "dimensions", "inference", "functions", "folds"),
            OF_ANY,
            OF_PARAMETERS,
            OF_FUNCTIONS,
            OF_SAMPLERS,
            OF_MODELS,
            OF_RESIDUALS.values(),
        )
    )
)


@dataclass(frozen=True)
class Check:
    """Hold the result of one check of a posterior.

    Parameters
    ----------
    code : str
        Stable short name.
    status : {"passed", "tip", "issue", "not applicable", "skipped", "ignored"}
        A tip makes the verdict doubtful, an issue makes it failed. A check that cannot be computed is an issue. One
        not run because an earlier check failed is skipped, and counts as failed. One that the user ignores does not
        count.
    value : float
        The worst value found; NaN when it could not be computed or does not apply.
    threshold : str
        Condition for passing, as text.
    advice : str
        How to fix it, or why it does not apply.

    Attributes
    ----------
    link : str
        Where the check is explained, relative to the project; :func:`bayesgeo.diagnostics.explain` returns that text.

    Examples
    --------
    >>> Check("rhat", "passed", 1.0, "<= 1.01", "").link
    'docs/checks.md#rhat'
    """

    code: str
    status: Status
    value: float
    threshold: str
    advice: str
    link: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "link", f"{PAGE}#{self.code}")


@dataclass(frozen=True)
class Diagnosis:
    """Hold the checks of a posterior, and their verdict.

    Parameters
    ----------
    checks : tuple of Check
        In the order of computation.

    Examples
    --------
    >>> Diagnosis((Check("rhat", "tip", 1.02, "<= 1.01", ""), Check("draws", "passed", 1000, ">= 250", ""))).verdict
    'doubtful'
    """

    checks: tuple[Check, ...]

    @property
    def verdict(self) -> Verdict:
        """``failed`` if one is an issue or was skipped, ``doubtful`` if one is a tip, else ``sound`` if one passed.

        It is on a posterior: where only checks of residuals apply there is none, whatever they say.
        """
        of_posterior = {check.status for check in self.checks if check.code not in OF_RESIDUALS.values()}
        if not of_posterior & {"passed", "tip", "issue", "skipped"}:
            return "not applicable"
        found = {check.status for check in self.checks}
        if found & {"issue", "skipped"}:
            return "failed"
        if "tip" in found:
            return "doubtful"
        return "sound"

    def ignoring(self, codes: Iterable[str]) -> "Diagnosis":
        """Return the same checks, those of these codes marked as ignored: they keep their values and do not count.

        Raises
        ------
        InvalidInput
            If a code is unknown.

        Examples
        --------
        >>> found = Diagnosis((Check("rhat", "issue", 1.2, "", ""), Check("draws", "passed", 1000, "", "")))
        >>> found.verdict, found.ignoring(["rhat"]).verdict
        ('failed', 'sound')
        """
        ignored = {one_of("ignore", code, CODES) for code in codes}
        return Diagnosis(tuple(replace(c, status="ignored") if c.code in ignored else c for c in self.checks))


def graded(code: str, value: float, good: float, bad: float, advice: str, *, threshold: str) -> Check:
    """Grade ``value`` between ``good`` and ``bad``, whichever is larger; what is not finite is an issue.

    Examples
    --------
    >>> [graded("rhat", value, 1.01, 1.05, "", threshold="").status for value in (1.0, 1.02, 1.2, np.nan)]
    ['passed', 'tip', 'issue', 'issue']
    """
    if not np.isfinite(value):
        return Check(code, "issue", np.nan, threshold, f"It could not be computed. {advice}")
    sign = 1 if good > bad else -1
    status: Status = "passed" if sign * value >= sign * good else "tip" if sign * value >= sign * bad else "issue"
    return Check(code, status, float(value), threshold, advice)


def not_applicable(code: str, reason: str, *, value: float = np.nan) -> Check:
    """Return a check that does not apply, with the reason and perhaps a value to report."""
    return Check(code, "not applicable", float(value), "", reason)


def skipped(codes: Sequence[str], reason: str) -> Iterable[Check]:
    """Yield checks that were not run, with the reason."""
    for code in codes:
        yield Check(code, "skipped", np.nan, "", reason)


def counted(code: str, found: Sequence[str], what: str, advice: str) -> Check:
    """Return a check that passes if nothing was found, and names what was.

    Examples
    --------
    >>> counted("stuck", ["chain 2"], "stuck chains", "Fit again.").advice
    'Found: chain 2. Fit again.'
    """
    text = f"Found: {shown(found)}. {advice}" if found else advice
    return Check(code, "issue" if found else "passed", float(len(found)), f"0 {what}", text)


def stated(tree: xr.DataTree) -> bool:
    """Return whether a posterior states what computed it, as those of our inferences do.

    What others computed says less of itself: what it does not say is named, and does not count.

    Examples
    --------
    >>> stated(xr.DataTree(xr.Dataset(attrs={"kind": "chains"}))), stated(xr.DataTree())
    (True, False)
    """
    return bool({"kind", "inference", "checks"} & set(tree.attrs))


def listed(tree: xr.DataTree, attribute: str) -> list[str] | None:
    """Return the strings of an attribute holding a JSON list; [] if it is missing, None if it is not such a list.

    Examples
    --------
    >>> tree = xr.DataTree(xr.Dataset(attrs={"checks": '["energy"]', "groups": "energy"}))
    >>> listed(tree, "checks"), listed(tree, "others"), listed(tree, "groups")
    (['energy'], [], None)
    """
    try:
        found = json.loads(tree.attrs.get(attribute, "[]"))
    except (TypeError, ValueError):
        return None
    return found if isinstance(found, list) and all(isinstance(text, str) for text in found) else None
