"""Checks of a model on its training rows, and of its prior.

They check whether the model could have generated the data, not whether the sampler worked, so a finding is a tip,
never an issue. They read the tables of :mod:`bayesgeo.diagnostics.model_tables`.
"""

from collections.abc import Callable, Iterable, Sequence

import numpy as np
import xarray as xr
from scipy import stats

from bayesgeo.diagnostics.base import Check, graded, listed, not_applicable
from bayesgeo.diagnostics.draws import quantities
from bayesgeo.diagnostics.model_tables import model_evidence

PARETO_K = 0.7  # Vehtari et al. (2024, JMLR 25:72)
# Of Kolmogorov and Smirnov's test; at 1,000 rows it takes a distance of 0.055 to fall below.
UNIFORM = 0.005
# Deviations of replicated statistics, on the side of the observed one; by chance once in 30,000 for a normal one.
REPLICATED = 4.0
PRIOR_TAIL = 0.01  # share of prior draws, on both sides, that are as extreme as the data
PRIOR_WIDTH = 100.0  # deviation of prior predictions to that of the data
# Kallioinen et al. (2024, Statistics and Computing 34:57) look at what lies above 0.05, where doubling the power of the
# prior moves a normal posterior by 0.36 deviations. Some of many collinear coefficients nearly always do; a result is
# weakened by one that moves by a whole deviation.
SENSITIVE, MOVED = 0.05, 0.14
DOMINATED = 0.9  # interquartile range of the posterior to that of the prior
# Which share of prior draws reaches the data, from the share that lies below; of others the smaller side, twice.
SIDES: dict[str, Callable[[float], float]] = {
    "min": lambda below: below,
    "max": lambda below: 1 - below,
    "sd": lambda below: 1 - below,
}
NEVER = np.inf  # bad enough to be an issue
NAMED = 3


def checks(tree: xr.DataTree) -> Iterable[Check]:
    """Yield the checks of the groups that a model stored; checks of other groups do not apply."""
    tables = model_evidence(tree)
    left = listed(tree, "criticism_groups") or ()
    asked = (
        ("loo_pareto_k", "log_likelihood", "loo", _influence),
        ("loo_pit", "cdf", "loo_pit", _uniform),
        ("posterior_predictive", "posterior_predictive", "posterior_predictive", _replicates),
        ("prior_predictive", "prior_predictive", "prior_predictive", _allowed),
        ("prior_width", "prior_predictive", "prior_predictive", _width),
        ("prior_sensitivity", "log_prior", "sensitivity", _sensitive),
    )
    for code, group, table, ask in asked:
        yield ask(tables[table]) if table in tables else _absent(code, group, left)
    if "prior" in tree.children:
        yield _dominated(tree["posterior"].to_dataset(), tree["prior"].to_dataset())
    else:
        yield _absent("prior_dominated", "prior", left)


def _absent(code: str, group: str, left: Sequence[str]) -> Check:
    if group in left:
        return Check(code, "issue", np.nan, f"group {group}", f"The group {group} is declared and missing. Fit again.")
    return not_applicable(code, f"This model stores no group {group}: {REASONS[group]}")


REASONS = {
    "log_likelihood": "it has no stored likelihood by row.",
    "cdf": "it does not predict values, or has no stored likelihood by row.",
    "posterior_predictive": "it does not simulate rows.",
    "prior_predictive": "its prior is not proper, or is not that of its parameters alone.",
    "log_prior": "its prior is flat, or is not that of its parameters alone.",
    "prior": "its prior is flat, or is not that of its parameters alone.",
}


def _influence(table: xr.Dataset) -> Check:
    k = table["pareto_k"]
    if not (np.isfinite(k) | (k == np.inf)).all() or not np.isfinite(table["elpd"]).all():
        return graded("loo_pareto_k", np.nan, 0.0, NEVER, "The log likelihood is not finite.", threshold="0 rows")
    worst = k.isel(obs=np.argsort(-k.values)[:NAMED])
    rows = ", ".join(f"{row} ({value:.2f})" for row, value in zip(worst["obs"].values, worst.values, strict=True))
    one = table.attrs.get("by") or "row"
    advice = (
        f"Most influential {one}s, with k: {rows}. Above {PARETO_K} one {one} dominates the fit: inspect it, or use "
    )
    advice += "noise with heavier tails; its leave-one-out score is unreliable."
    bad = float((k > PARETO_K).sum())
    return graded("loo_pareto_k", bad, 0.0, NEVER, advice, threshold=f"0 rows with k > {PARETO_K}")


def _uniform(table: xr.Dataset) -> Check:
    values = table["transform"].values
    advice = "Leave-one-out predictions are not calibrated: "
    if not np.isfinite(values).all():
        return graded("loo_pit", np.nan, UNIFORM, -NEVER, advice, threshold=f"p >= {UNIFORM}")
    spread = values.std() * np.sqrt(12)
    shape = "too wide" if spread < 0.9 else "too narrow" if spread > 1.1 else "shifted or skewed"
    advice += f"{shape}. Use another distribution of the noise, or a more flexible model."
    p = float(stats.kstest(values, "uniform").pvalue)
    return graded("loo_pit", p, UNIFORM, -NEVER, advice, threshold=f"p >= {UNIFORM}")


def accepted(table: xr.Dataset) -> tuple[np.ndarray, np.ndarray]:
    """Return the ends ``(statistic,)`` between which the check ``posterior_predictive`` accepts observed statistics.

    Examples
    --------
    >>> ends = {"median": 0.0, "low": -1.6449, "high": 3.2897, "margin": 5.0}
    >>> low, high = accepted(xr.Dataset({name: ("statistic", [value]) for name, value in ends.items()}))
    >>> low.round(2).tolist(), high.round(2).tolist()
    ([-5.0], [8.0])
    """
    median, low, high, margin = (table[name].values for name in ("median", "low", "high", "margin"))
    below, above = (REPLICATED * side / stats.norm.ppf(0.95) for side in (median - low, high - median))
    return median - np.maximum(below, margin), median + np.maximum(above, margin)


def _replicates(table: xr.Dataset) -> Check:
    observed, median, low, high = (table[name].values for name in ("observed", "median", "low", "high"))
    beyond = np.abs(observed - median) > table["margin"].values
    spread = np.where(observed > median, high - median, median - low) / stats.norm.ppf(0.95)
    with np.errstate(divide="ignore", invalid="ignore"):
        distance = np.where(beyond, np.abs(observed - median) / spread, 0.0)
    # A statistic that is constant over replicates, and differs in the data, is infinitely far.
    distance = np.where(np.isinf(distance), 1e6, distance)
    worst = int(np.argmax(distance))
    advice = f"Worst: {table['statistic'].values[worst]} is {observed[worst]:.3g} in the data, {low[worst]:.3g} to "
    advice += f"{high[worst]:.3g} in nine of ten replicates. The model does not reproduce this statistic: change it."
    threshold = f"<= {REPLICATED:g} sd of replicates"
    return graded("posterior_predictive", float(distance.max()), REPLICATED, NEVER, advice, threshold=threshold)


def _allowed(table: xr.Dataset) -> Check:
    """Check the share of prior draws at least as extreme as the data; their width is another check."""
    below, names = table["below"].values, table["statistic"].values.tolist()
    reach = [SIDES.get(name, lambda b: 2 * min(b, 1 - b))(b) for name, b in zip(names, below, strict=True)]
    value = float(np.min(reach))
    worst = names[int(np.argmin(reach))]
    advice = f"Worst: {worst}. Such data are improbable under the prior: check units, or widen it."
    return graded("prior_predictive", value, PRIOR_TAIL, -NEVER, advice, threshold=f">= {PRIOR_TAIL} of prior draws")


def _width(table: xr.Dataset) -> Check:
    if "sd" not in table["statistic"].values:
        return not_applicable("prior_width", "Shares of classes lie between 0 and 1, however wide the prior.")
    row = table.sel(statistic="sd")
    if row["observed"] == 0:
        return not_applicable("prior_width", "The target does not vary.")
    width = float(row["median"] / row["observed"])
    advice = "The prior predicts an implausibly wide range of values. Choose a smaller prior_scale."
    return graded("prior_width", width, PRIOR_WIDTH, NEVER, advice, threshold=f"<= {PRIOR_WIDTH:g} times the data's")


def _sensitive(table: xr.Dataset) -> Check:
    prior = table["prior"].values
    worst = int(np.argmax(np.where(np.isfinite(prior), prior, np.inf)))
    weak = "likelihood" in table and float(table["likelihood"][worst]) < SENSITIVE
    why = "the data hardly inform it" if weak else "prior and data may disagree"
    advice = f"{(prior > SENSITIVE).sum()} quantities depend on the prior (above {SENSITIVE}), most of all "
    advice += f"{table['variable'].values[worst]}: {why}. Justify the prior, or try others."
    return graded("prior_sensitivity", float(prior[worst]), MOVED, NEVER, advice, threshold=f"<= {MOVED}")


def _dominated(posterior: xr.Dataset, prior: xr.Dataset) -> Check:
    """Compare spreads by interquartile ranges, which exist for priors without a variance too."""
    shared = [name for name in prior.data_vars if name in posterior and _of_one_shape(prior[name], posterior[name])]
    if not shared:
        return not_applicable("prior_dominated", "The prior has none of the posterior's variables.")
    names, values = quantities(posterior[shared])
    _, before = quantities(prior[shared])
    spread, wide = (np.subtract(*np.quantile(draws, [0.75, 0.25], axis=(0, 1))) for draws in (values, before))
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where((spread == 0) & (wide == 0), 0.0, spread / wide)
    worst = int(np.argmax(np.where(np.isfinite(ratio), ratio, np.inf)))
    dominated = [names[k] for k in np.flatnonzero(ratio > DOMINATED)]
    advice = f"{len(dominated)} quantities are as uncertain as before the data, most of all {names[worst]}: their "
    advice += "posterior is the prior. Collect data that inform them, or leave them out."
    return graded(
        "prior_dominated",
        float(ratio[worst]),
        DOMINATED,
        NEVER,
        advice,
        threshold=f"<= {DOMINATED} of the prior's spread",
    )


def _of_one_shape(a: xr.DataArray, b: xr.DataArray) -> bool:
    sizes = [{dim: size for dim, size in values.sizes.items() if dim not in ("chain", "draw")} for values in (a, b)]
    return sizes[0] == sizes[1] and {"chain", "draw"} <= set(a.dims)
