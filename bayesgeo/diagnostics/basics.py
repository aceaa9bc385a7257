"""Checks of any posterior: that it is complete, and of the right data and size."""

import numpy as np
import xarray as xr

from bayesgeo.diagnostics.base import Check, Status, counted, graded, listed, not_applicable

CHAINS_GOOD, CHAINS_BAD = 4, 2  # two can disagree; four show which one differs
# Tables computed from a large group, which may replace it.
DERIVED = {"log_likelihood": "loo", "cdf": "loo_pit", "log_prior": "sensitivity"}


def finite(draws: xr.Dataset) -> Check:
    """Count draws that are not finite."""
    bad = sum(int((~np.isfinite(values)).sum()) for values in draws.data_vars.values())
    status: Status = "issue" if bad else "passed"
    return Check("finite", status, float(bad), "0 draws", "Draws that are not numbers: the run broke. Fit again.")


def complete(tree: xr.DataTree) -> Check:
    """Check that the run reports that it was completed."""
    interrupted = float(tree.attrs.get("interrupted", np.nan))
    advice = "The run was stopped early, or does not report that it ended. Fit again to the end."
    return Check("complete", "passed" if interrupted == 0 else "tip", interrupted, "not interrupted", advice)


def of_data(tree: xr.DataTree, sha256: str | None) -> Check:
    """Check that the posterior was computed from the data of this hash."""
    if sha256 is None:
        return not_applicable("data", "No hash of data was given to compare with.")
    matches = tree.attrs.get("data_sha256") == sha256
    advice = "The posterior was computed from other data, or does not report which. Fit again, or give its data."
    return Check("data", "passed" if matches else "issue", float(not matches), "the same hash", advice)


def statistics(tree: xr.DataTree) -> Check:
    """Check that the sampler's statistics belong to the posterior's draws."""
    if "sample_stats" not in tree.children:
        return not_applicable("statistics", "The inference reports nothing draw by draw; see the checks that need it.")
    posterior, reported = (tree[name].to_dataset() for name in ("posterior", "sample_stats"))
    other = [
        f"{name} {dict(values.sizes)}"
        for name, values in reported.data_vars.items()
        if any(
            dim in values.dims
            and (values.sizes[dim] != posterior.sizes[dim] or _labelled_otherwise(values, posterior, dim))
            for dim in ("chain", "draw")
        )
    ]
    advice = "The statistics belong to other draws than the posterior's: a file was truncated or mixed. Fit again."
    return counted("statistics", other, "statistics of other draws", advice)


def _labelled_otherwise(values: xr.DataArray, posterior: xr.Dataset, dim: str) -> bool:
    both = dim in values.coords and dim in posterior.coords
    return both and not np.array_equal(values[dim].values, posterior[dim].values)


def groups(tree: xr.DataTree) -> Check:
    """Check that the groups declared by the model for its own checks are present."""
    names = listed(tree, "criticism_groups")
    if names is None:
        advice = "The attribute criticism_groups is not a JSON list of texts. Fit again."
        return Check("groups", "issue", np.nan, "0 groups missing", advice)
    if not names:
        return not_applicable("groups", "The model declares no groups for checks of its own.")
    missing = [name for name in names if not {name, DERIVED.get(name, name)} & set(tree.children)]
    advice = "A group that the model wrote is missing: the file was truncated or edited. Fit again."
    return counted("groups", missing, "groups missing", advice)


def size(draws: xr.Dataset, dim: str, *, good: int, bad: int) -> Check:
    """Check that there are enough chains, or draws of each, for the other checks."""
    advice = f"Too few for the other checks. Use at least {good} {dim}s."
    return graded(f"{dim}s", draws.sizes[dim], good, bad, advice, threshold=f">= {good}")
