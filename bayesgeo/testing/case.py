"""A posterior on which a diagnostic can be tried, and what the diagnosis should be."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass

import arviz_stats as az
import numpy as np
import xarray as xr

from bayesgeo.diagnostics import Check, Diagnosis, diagnose

Generator = np.random.Generator
Make = Callable[[Generator], xr.DataTree]


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
    >>> from bayesgeo.testing.posteriors import BROKEN, HEALTHY
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


def flagged_by_arviz(tree: xr.DataTree) -> str:
    """Return what ``arviz.diagnose`` alone finds: ``flagged``, ``nothing`` or an error."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return "flagged" if az.diagnose(tree, show_diagnostics=False) else "nothing"
    except Exception as error:
        return f"error ({type(error).__name__})"
