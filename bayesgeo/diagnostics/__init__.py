"""Whether a posterior can be trusted: checks that fail closed, and their verdict."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Literal

import arviz_stats as az
import numpy as np
import xarray as xr

Status = Literal["passed", "tip", "issue", "not applicable"]
Verdict = Literal["sound", "doubtful", "failed", "not applicable"]
RHAT_GOOD, RHAT_BAD = 1.01, 1.05
ESS_GOOD, ESS_BAD = 100, 50  # per chain
BFMI_GOOD, BFMI_BAD = 0.3, 0.2
DRAWS_GOOD, DRAWS_BAD = 250, 100  # per chain
CHAINS_GOOD, CHAINS_BAD = 4, 2
DIVERGENT_BAD = 0.005


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


def diagnose(tree: xr.DataTree) -> Diagnosis:
    """Check a posterior by rank-normalised R-hat, effective sample size, divergences and energy.

    Thresholds follow Vehtari et al. (2021, Bayesian Analysis 16:2) and Betancourt (2016, arXiv 1604.00695).

    Parameters
    ----------
    tree : xarray.DataTree
        With groups ``posterior (chain, draw, ...)`` and, for NUTS, ``sample_stats``.

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
    basics = (_finite(posterior), _complete(tree), _size(posterior, "chain"), _size(posterior, "draw"))
    if any(check.status == "issue" for check in basics):
        return Diagnosis(basics)
    return Diagnosis((*basics, *_mixing(posterior), *_sampler(tree)))


def _finite(posterior: xr.Dataset) -> Check:
    bad = sum(int((~np.isfinite(values)).sum()) for values in posterior.data_vars.values())
    status: Status = "issue" if bad else "passed"
    return Check("finite", status, float(bad), "0 draws", "Draws that are not numbers: the run broke. Fit again.")


def _complete(tree: xr.DataTree) -> Check:
    interrupted = float(tree.attrs.get("interrupted", np.nan))
    advice = "The run was stopped early, or does not say that it ended. Fit again to the end."
    return Check("complete", "passed" if interrupted == 0 else "tip", interrupted, "not interrupted", advice)


def _size(posterior: xr.Dataset, dim: str) -> Check:
    good, bad = (CHAINS_GOOD, CHAINS_BAD) if dim == "chain" else (DRAWS_GOOD, DRAWS_BAD)
    size = posterior.sizes[dim]
    advice = f"Too few to judge the rest by. Ask for at least {good} {dim}s."
    return _graded(f"{dim}s", size, good, bad, advice, threshold=f">= {good}")


def _graded(code: str, value: float, good: float, bad: float, advice: str, *, threshold: str) -> Check:
    """Grade ``value`` between ``good`` and ``bad``, whichever is larger; what is not finite is an issue."""
    if not np.isfinite(value):
        return Check(code, "issue", np.nan, threshold, f"It could not be computed. {advice}")
    sign = 1 if good > bad else -1
    status: Status = "passed" if sign * value >= sign * good else "tip" if sign * value >= sign * bad else "issue"
    return Check(code, status, float(value), threshold, advice)


def _mixing(posterior: xr.Dataset) -> Iterable[Check]:
    more = "Draw more, or state the model on a better scale or with a stronger prior."
    rhat = _worst(partial(az.rhat, method="rank"), posterior, np.max)
    yield _graded("rhat", rhat, RHAT_GOOD, RHAT_BAD, f"The chains disagree. {more}", threshold=f"<= {RHAT_GOOD}")
    n_chains = posterior.sizes["chain"]
    for kind in ("bulk", "tail"):
        ess = _worst(partial(az.ess, method=kind), posterior, np.min)
        good = ESS_GOOD * n_chains
        advice = f"The draws repeat each other. {more}"
        yield _graded(f"ess_{kind}", ess, good, ESS_BAD * n_chains, advice, threshold=f">= {good}")


def _worst(
    statistic: Callable[[xr.Dataset], xr.Dataset], posterior: xr.Dataset, worst: Callable[[np.ndarray], float]
) -> float:
    """Return the worst value over all quantities; NaN if any is NaN, as NaN propagates through max and min."""
    with np.errstate(invalid="ignore", divide="ignore"):
        found = statistic(posterior)
    return float(worst(np.concatenate([np.ravel(values.values) for values in found.data_vars.values()])))


def _sampler(tree: xr.DataTree) -> Iterable[Check]:
    if tree.attrs.get("inference") == "Exact":
        for code in ("divergences", "tree_depth", "energy"):
            reason = "Draws come from the closed form, not from a sampler."
            yield Check(code, "not applicable", np.nan, "", reason)
        return
    statistics = tree["sample_stats"].to_dataset() if "sample_stats" in tree.children else xr.Dataset()
    divergent = _rate(statistics, "diverging")
    advice = "The sampler could not follow the posterior. Raise target_accept, or use a stronger prior."
    yield _graded("divergences", divergent, 0.0, DIVERGENT_BAD, advice, threshold="0 of the draws")
    deep = _rate(statistics, "reached_max_treedepth")
    advice = "Trajectories were cut short: slow, not wrong. State the model on a better scale."
    yield _graded("tree_depth", deep, 0.0, 1.0, advice, threshold="0 of the draws")
    bfmi = float(np.min(az.bfmi(statistics["energy"].values))) if "energy" in statistics else np.nan
    advice = "The energy moves too slowly: heavy tails. Use a stronger prior, or fewer parameters."
    yield _graded("energy", bfmi, BFMI_GOOD, BFMI_BAD, advice, threshold=f"E-BFMI >= {BFMI_GOOD}")


def _rate(statistics: xr.Dataset, name: str) -> float:
    return float(statistics[name].astype(float).mean(skipna=False)) if name in statistics else np.nan
