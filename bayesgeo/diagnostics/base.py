"""What a check is, what checks add up to, and the questions asked of more than one kind of posterior."""

from dataclasses import dataclass
from typing import Literal

import arviz_stats as az
import numpy as np
import xarray as xr

Status = Literal["passed", "tip", "issue", "not applicable"]
Verdict = Literal["sound", "doubtful", "failed", "not applicable"]
CHAINS_GOOD, CHAINS_BAD = 4, 2  # two can disagree; four show which of them is wrong


@dataclass(frozen=True)
class Check:
    """One question asked of a posterior.

    Parameters
    ----------
    code : str
        Stable short name.
    status : {"passed", "tip", "issue", "not applicable"}
        A tip makes the verdict doubtful, an issue makes it failed. What cannot be computed is an issue.
    value : float
        The worst value found; NaN when it could not be computed or does not apply.
    threshold : str
        What passes, in words.
    advice : str
        What to do, or why it does not apply.
    """

    code: str
    status: Status
    value: float
    threshold: str
    advice: str


@dataclass(frozen=True)
class Diagnosis:
    """The checks of a posterior and what they add up to."""

    checks: tuple[Check, ...]

    @property
    def verdict(self) -> Verdict:
        """``failed`` if a check is an issue, ``doubtful`` if one is a tip, ``sound`` if all that apply passed."""
        found = {check.status for check in self.checks}
        if "issue" in found:
            return "failed"
        if "tip" in found:
            return "doubtful"
        return "sound" if "passed" in found else "not applicable"


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
    """Return a check that is not judged: a value that is worth knowing, or none, and why."""
    return Check(code, "not applicable", float(value), "", reason)


def finite(draws: xr.Dataset) -> Check:
    """Count what is no number."""
    bad = sum(int((~np.isfinite(values)).sum()) for values in draws.data_vars.values())
    status: Status = "issue" if bad else "passed"
    return Check("finite", status, float(bad), "0 draws", "Draws that are not numbers: the run broke. Fit again.")


def complete(tree: xr.DataTree) -> Check:
    """Ask whether the run says that it came to its end."""
    interrupted = float(tree.attrs.get("interrupted", np.nan))
    advice = "The run was stopped early, or does not say that it ended. Fit again to the end."
    return Check("complete", "passed" if interrupted == 0 else "tip", interrupted, "not interrupted", advice)


def size(draws: xr.Dataset, dim: str, *, good: int, bad: int) -> Check:
    """Ask whether there are enough chains, or draws of each, to judge the rest by."""
    advice = f"Too few to judge the rest by. Ask for at least {good} {dim}s."
    return graded(f"{dim}s", draws.sizes[dim], good, bad, advice, threshold=f">= {good}")


def rhat_within(values: np.ndarray) -> np.ndarray:
    """Return how far the halves of each chain disagree, as if they were two chains.

    Parameters
    ----------
    values : numpy.ndarray
        ``(chain, draw, quantity)``.

    Returns
    -------
    numpy.ndarray
        ``(chain, quantity)`` rank-normalised split R-hat; NaN where a quantity does not vary.

    Examples
    --------
    >>> draws = np.random.default_rng(0).normal(size=(2, 400, 1))
    >>> draws[1] += np.linspace(0, 5, 400)[:, None]
    >>> (rhat_within(draws) > 1.3).ravel().tolist()
    [False, True]
    """
    half = values.shape[1] // 2
    halves = np.stack([values[:, :half], values[:, -half:]], axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        found = az.rhat(xr.DataArray(halves, dims=("of", "chain", "draw", "quantity")), method="rank")
    return np.asarray(found)
