"""Checks of any posterior: that it is complete, and of the right data and size."""

import json
from contextlib import suppress
from typing import Any

import numpy as np
import xarray as xr

from bayesgeo._check import shown
from bayesgeo.diagnostics.base import Check, Status, counted, graded, listed, not_applicable, stated
from bayesgeo.diagnostics.sampler import reported

CHAINS_GOOD, CHAINS_BAD = 4, 2  # two can disagree; four show which one differs
LARGEST = 1e150  # its square can be added up
# What every state of a sampler has. An error of the energy is infinite where it diverged.
OF_STATE = ("lp", "energy", "acceptance_rate", "step_size", "diverging", "tree_depth", "reached_max_treedepth")
# Tables computed from a large group, which may replace it.
DERIVED = {"log_likelihood": "loo", "cdf": "loo_pit", "log_prior": "sensitivity"}


def finite(draws: xr.Dataset) -> Check:
    """Count draws that are not finite real numbers: complex ones, texts, times and those without a square are none."""
    kinds = {name: values for name, values in draws.data_vars.items() if values.dtype.kind not in "biuf"}
    numbers = {name: values for name, values in draws.data_vars.items() if name not in kinds}
    bad = {name: int((~(np.abs(values) <= LARGEST)).sum()) for name, values in numbers.items()}
    bad |= {name: values.size for name, values in kinds.items()}
    status: Status = "issue" if any(bad.values()) else "passed"
    advice = "Draws that are not numbers, or beyond 1e150: the run broke. Fit again."
    if kinds:
        advice = f"{shown([f'{name} ({values.dtype})' for name, values in kinds.items()])}: not real numbers. {advice}"
    return Check("finite", status, float(sum(bad.values())), "0 draws", advice)


def complete(tree: xr.DataTree) -> Check:
    """Check that the run reports that it was completed, and left as many chains and draws as it was asked for."""
    asked, sizes = _asked(tree), tree["posterior"].sizes
    short = [f"{sizes[dim]} of {number:g} {dim}s" for dim, number in asked.items() if sizes[dim] < number]
    if short:
        advice = f"Fewer than were asked for: {', '.join(short)}. The run was stopped early, or cut since. Fit again."
        return Check("complete", "tip", 1.0, "what was asked for", advice)
    if "interrupted" not in tree.attrs and not stated(tree):
        left = (
            "all chains and draws that were asked for are there." if asked else "nor how many draws it was asked for."
        )
        return not_applicable("complete", f"The run does not state whether it was cut short; {left}")
    interrupted = _number(tree.attrs.get("interrupted"))
    advice = "The run was stopped early, or does not report that it ended. Fit again to the end."
    return Check("complete", "passed" if interrupted == 0 else "tip", interrupted, "not interrupted", advice)


def _asked(tree: xr.DataTree) -> dict[str, float]:
    """Return how many chains and draws of each were asked for, where ours or nutpie's settings state it."""
    found: dict[str, Any] = {"chain": tree.attrs.get("chains"), "draw": tree.attrs.get("draws")}
    settings = tree["sample_stats"].attrs.get("inference_library_settings") if "sample_stats" in tree.children else None
    with suppress(TypeError, ValueError, KeyError):
        by_nutpie = json.loads(settings or "")["settings"]
        found |= {"chain": by_nutpie["num_chains"], "draw": by_nutpie["num_draws"]}
    return {dim: number for dim, value in found.items() if np.isfinite(number := _number(value))}


def _number(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        return float("nan")


def of_data(tree: xr.DataTree, sha256: str | None) -> Check:
    """Check that the posterior was computed from the data of this hash."""
    if sha256 is None:
        return not_applicable("data", "No hash of data was given to compare with.")
    matches = tree.attrs.get("data_sha256") == sha256
    advice = "The posterior was computed from other data, or does not report which. Fit again, or give its data."
    return Check("data", "passed" if matches else "issue", float(not matches), "the same hash", advice)


def statistics(tree: xr.DataTree) -> Check:
    """Check that the sampler's statistics belong to the posterior's draws, and that its state is told in numbers."""
    if "sample_stats" not in tree.children:
        return not_applicable("statistics", "The inference reports nothing draw by draw; see the checks that need it.")
    posterior = tree["posterior"].to_dataset()
    other = [
        f"{name} {dict(values.sizes)}"
        for name, values in tree["sample_stats"].data_vars.items()
        if any(
            dim in values.dims
            and (values.sizes[dim] != posterior.sizes[dim] or _labelled_otherwise(values, posterior, dim))
            for dim in ("chain", "draw")
        )
    ]
    advice = "The statistics belong to other draws than the posterior's, or are no numbers: a file was truncated or "
    return counted("statistics", other + _no_numbers(tree), "faulty statistics", f"{advice}mixed. Fit again.")


def _no_numbers(tree: xr.DataTree) -> list[str]:
    """Name the statistics of the state of a sampler that are not all numbers; others may well be undefined."""
    values = {name: value for name, value in reported(tree).data_vars.items() if name in OF_STATE}
    faulty = {name: v for name, v in values.items() if v.dtype.kind not in "biuf" or not np.isfinite(v).all()}
    return [f"{name}, not all numbers" for name in faulty]


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
