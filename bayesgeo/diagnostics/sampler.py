"""Checks of the statistics reported by an inference, by its kind."""

from collections.abc import Callable, Generator, Iterable, Sequence

import arviz_stats as az
import numpy as np
import xarray as xr
from arviz_stats.base import array_stats
from scipy import special

from bayesgeo._check import did_you_mean
from bayesgeo.diagnostics import base
from bayesgeo.diagnostics.base import Check, graded, not_applicable
from bayesgeo.diagnostics.draws import quantities, rhat_within
from bayesgeo.inference.base import KINDS
from bayesgeo.inference.nuts import STATISTICS

BFMI_GOOD, BFMI_BAD = 0.3, 0.2
DIVERGENT_BAD = 0.005
# Mean squared energy error per dimension of a step. The tuning wants 0.02 and lets rare steps err more: nine tenths of
# the draws of the worst chain of 21 healthy runs lie below 0.1 to 1.7, those of two exploded runs at 100 and 260. Their
# mean is no measure: a single draw at 633 lifted that of a healthy chain to 6.
ENERGY_QUANTILE = 0.9
ENERGY_GOOD, ENERGY_BAD = 10.0, 50.0
# Within-chain R-hat of the log posterior, median chain: one number, so noisier than that of functions. In 17 healthy
# runs with learned scales, which wander most, the median lies at 1.17 to 1.45 and the worst chain at 1.3 to 2.0, as
# high as a trend of six times the noise along the chain; one of ten times lies at 2.5.
DRIFT_GOOD, DRIFT_BAD = 1.7, 2.5
# The default tunes to 0.9 and a healthy run had 0.83; below 0.65, the best rate of Hamiltonian ones, they are
# too coarse, and at 0.2 a chain hardly moves.
ACCEPT_GOOD, ACCEPT_BAD = 0.65, 0.2
# Of any sampler that reports it. Random walks are near their best from 0.1 on (Roberts & Rosenthal 2001, Statistical
# Science 16:4), Hamiltonian ones tune to 0.6 and more.
LEAST_GOOD, LEAST_BAD = 0.1, 0.01
# Step sizes of the chains of one posterior differ by a few per cent to a factor of three.
STEP_GOOD, STEP_BAD = 0.1, 0.001
# Nats a row over the last third of the warm-up. One that ends by itself grows less than a fifth of this. One cut off
# after three or four blocks grows by its steps becoming finer alone, by 0.016 to 0.063 in six fits that a run of four
# times as many steps does not better; see diagnostics/functions.py.
WARMUP_GOOD = 0.05
PARETO_GOOD = 0.7  # Vehtari et al. (2024, JMLR 25:72): beyond, no number of draws corrects the approximation
NEARLY_ALIKE = 3.0  # times their mean: below, the greatest importance ratio decides nothing
NEVER = np.inf  # bad enough to be an issue
# Another library's name -> ArviZ's name.
ALIASES = STATISTICS | {"reached_max_tree_depth": "reached_max_treedepth"}
UNSTATED = "Neither the kind of the inference nor this statistic is stated."
# The checks of each kind of inference that states none.
DEFAULTS: dict[str, tuple[str, ...]] = {
    "exact": (),
    "chains": ("divergences", "tree_depth", "energy"),
    "unadjusted chains": ("energy_error", "lp_drift", "warmup_growth"),
    "approximation": ("pareto_k",),
}


def checks(tree: xr.DataTree) -> Iterable[Check]:
    """Yield the checks of the inference that computed a posterior: those it states, else those of its kind.

    Where neither is stated, those of Markov chains whose statistics are there. The step size and the acceptance of
    whatever reports them are always asked.
    """
    if not base.stated(tree):
        codes: Sequence[str] = DEFAULTS["chains"]
        yield from (CHECKS[code](tree) if _reports(tree, code) else not_applicable(code, UNSTATED) for code in codes)
    else:
        codes = yield from _of_kind(tree)
    for code in ("acceptance", "step_size"):
        if code not in codes and _reports(tree, code):
            yield ALWAYS[code](tree)


def _of_kind(tree: xr.DataTree) -> Generator[Check, None, Sequence[str]]:
    """Yield the checks that an inference states, else those of its kind, and return their codes."""
    kind = str(tree.attrs.get("kind", "chains"))
    if kind not in KINDS:
        yield _undescribed(f"Unknown kind {kind!r}. {did_you_mean(kind, KINDS)}")
        return ()
    stated = base.listed(tree, "checks") if "checks" in tree.attrs else DEFAULTS[kind]
    problem = _problem(kind, stated)
    if problem:
        yield _undescribed(problem)
    codes = [code for code in stated or () if code in CHECKS]
    yield from (CHECKS[code](tree) for code in codes)
    if kind == "exact" and not stated:
        for code in DEFAULTS["chains"]:
            yield not_applicable(code, "Draws come from the closed form, not from a sampler.")
    return codes


def reported(tree: xr.DataTree) -> xr.Dataset:
    """Return the statistics of a sampler under ArviZ's names; those of nutpie and NumPyro differ."""
    found = _group(tree, "sample_stats")
    return found.rename({old: new for old, new in ALIASES.items() if old in found and new not in found})


def _reports(tree: xr.DataTree, code: str) -> bool:
    name, found = NEEDED[code], reported(tree)
    return name in found and set(found[name].dims) == {"chain", "draw"}


def _undescribed(problem: str) -> Check:
    return Check("inference", "issue", np.nan, "kind and checks are known", problem)


def _problem(kind: str, stated: Sequence[str] | None) -> str:
    """Return what is wrong with the checks that an inference states; an empty text if nothing is."""
    if stated is None:
        return "The attribute checks is not a JSON list of texts."
    unknown = [code for code in stated if code not in CHECKS]
    if unknown:
        return f"Unknown check {unknown[0]!r}. {did_you_mean(unknown[0], CHECKS)}"
    if not stated and kind in ("unadjusted chains", "approximation"):
        return f"No check measures how far the draws are from the posterior, which those of kind {kind!r} need."
    return ""


def _divergences(tree: xr.DataTree) -> Check:
    statistics = reported(tree)
    divergent = _rate(statistics, "diverging")
    advice = f"The sampler diverged{_where(tree, statistics)}. "
    advice += "Raise target_accept, or use a stronger prior."
    return graded("divergences", divergent, 0.0, DIVERGENT_BAD, advice, threshold="0 of the draws")


def _tree_depth(tree: xr.DataTree) -> Check:
    deep = _rate(reported(tree), "reached_max_treedepth")
    advice = "Trajectories were truncated: slow, not wrong. Rescale the model."
    return graded("tree_depth", deep, 0.0, 1.0, advice, threshold="0 of the draws")


def _energy(tree: xr.DataTree) -> Check:
    bfmi = np.asarray(az.bfmi(_draws(reported(tree), "energy")))
    advice = f"By chain: {', '.join(f'{value:.2f}' for value in bfmi)}. "
    advice += "The energy moves too slowly: heavy tails. Use a stronger prior, or fewer parameters."
    return graded("energy", float(bfmi.min()), BFMI_GOOD, BFMI_BAD, advice, threshold=f"E-BFMI >= {BFMI_GOOD}")


def _where(tree: xr.DataTree, statistics: xr.Dataset) -> str:
    """Name the quantity whose values at divergent draws differ most from the rest, in standard deviations."""
    names, values = quantities(tree["posterior"].to_dataset())
    divergent = _draws(statistics, "diverging") > 0
    if divergent.shape != values.shape[:2] or not divergent.any() or divergent.all():
        return ""
    spread = values.std(axis=(0, 1))
    away = np.abs(values[divergent].mean(axis=0) - values[~divergent].mean(axis=0))
    away = np.where(spread > 0, away / np.where(spread > 0, spread, 1.0), 0.0)
    worst = int(away.argmax())
    return f" in {int(divergent.sum())} draws, where {names[worst]} lies {away[worst]:.1f} sd from the rest"


def _acceptance(tree: xr.DataTree) -> Check:
    accepted = float(np.min(_draws(reported(tree), "acceptance_rate").mean(axis=1)))
    advice = "Most trajectories were rejected. Warm up longer, or leave adjusted=False."
    return graded("acceptance", accepted, ACCEPT_GOOD, ACCEPT_BAD, advice, threshold=f">= {ACCEPT_GOOD}")


def _least_acceptance(tree: xr.DataTree) -> Check:
    accepted = float(np.min(_draws(reported(tree), "acceptance_rate").mean(axis=1)))
    advice = "Nearly all proposals of a chain were rejected. Fit again; raise target_accept, or warm up longer."
    return graded("acceptance", accepted, LEAST_GOOD, LEAST_BAD, advice, threshold=f">= {LEAST_GOOD}")


def _step_size(tree: xr.DataTree) -> Check:
    """Compare the smallest step size of each chain with that of the median chain; none is zero."""
    steps = _draws(reported(tree), "step_size").min(axis=1)
    smallest = (
        float(steps.min() / np.median(steps)) if (steps > 0).all() else 0.0 if np.isfinite(steps).all() else np.nan
    )
    advice = "A chain makes no steps, or tiny ones: its warm-up went astray. Fit again with another seed."
    wanted = f">= {STEP_GOOD} of the median chain's"
    return graded("step_size", smallest, STEP_GOOD, STEP_BAD, advice, threshold=wanted)


def _energy_error(tree: xr.DataTree) -> Check:
    errors = _draws(reported(tree), "energy_error")
    # A step that leads to no number is not taken, and its error infinite: a rare one matters as little as a large one.
    known = not np.isnan(errors).any()
    error = np.quantile(errors, ENERGY_QUANTILE, axis=1, method="lower").max() if known else np.nan
    advice = "Steps were too long for the density. Use a smaller energy_error, or warm up longer."
    return graded("energy_error", error, ENERGY_GOOD, ENERGY_BAD, advice, threshold=f"<= {ENERGY_GOOD}")


def _lp_drift(tree: xr.DataTree) -> Check:
    drift = float(np.median(rhat_within(_draws(reported(tree), "lp")[..., None])))
    advice = "The log posterior still drifts inside the chains. Raise max_steps, or start from trained networks."
    return graded("lp_drift", drift, DRIFT_GOOD, DRIFT_BAD, advice, threshold=f"<= {DRIFT_GOOD}")


def _warmup_growth(tree: xr.DataTree) -> Check:
    growth = _late_growth(_group(tree, "warmup"))
    advice = "The score of held-out rows still grew when the warm-up was cut off. Raise max_steps."
    return graded("warmup_growth", growth, WARMUP_GOOD, NEVER, advice, threshold=f"<= {WARMUP_GOOD} nats a row")


def _closeness(tree: xr.DataTree) -> Check:
    ratios = _group(tree, "approximation")
    usable = "log_ratio" in ratios and set(ratios["log_ratio"].dims) == {"chain", "sample"}
    by_chain = ratios["log_ratio"].transpose("chain", "sample").values if usable else ()
    k = np.max([_pareto_k(chain) for chain in by_chain], initial=-np.inf) if usable else np.nan
    advice = "These draws come from an approximation that differs from the posterior: report so with every result, or"
    return graded("pareto_k", k, PARETO_GOOD, NEVER, f"{advice} sample with MCLMC.", threshold=f"<= {PARETO_GOOD}")


def _group(tree: xr.DataTree, name: str) -> xr.Dataset:
    return tree[name].to_dataset() if name in tree.children else xr.Dataset()


def _rate(statistics: xr.Dataset, name: str) -> float:
    return float(statistics[name].astype(float).mean(skipna=False)) if name in statistics else np.nan


def _draws(statistics: xr.Dataset, name: str) -> np.ndarray:
    """Return a statistic ``(chain, draw)``; NaN throughout if there is none of that shape."""
    if name not in statistics or set(statistics[name].dims) != {"chain", "draw"}:
        return np.full((1, 8), np.nan)
    return statistics[name].transpose("chain", "draw").values.astype(float)


def _late_growth(warmup: xr.Dataset) -> float:
    score = warmup["log_score"].values if "log_score" in warmup else np.array([])
    if score.ndim != 1:
        return np.nan
    # The growth of fewer than three blocks is unknown.
    return float(score[-1] - score[2 * len(score) // 3 - 1]) if len(score) > 2 else np.nan


def _pareto_k(log_ratio: np.ndarray) -> float:
    """Return the Pareto shape of the importance ratios ``(sample,)`` of one chain; NaN if it has none."""
    if not np.isfinite(log_ratio).all():
        return np.nan
    try:
        # ArviZ takes log likelihoods, whose negatives are the ratios.
        k = float(array_stats.psislw(-log_ratio.astype(float))[1])
    except ValueError:  # too few draws, or all the same
        return np.nan
    # The shape does not ask how large the tail is: of ratios nearly alike it says nothing.
    nearly_alike = log_ratio.max() <= special.logsumexp(log_ratio) - np.log(len(log_ratio)) + np.log(NEARLY_ALIKE)
    return min(k, PARETO_GOOD) if nearly_alike else k


CHECKS: dict[str, Callable[[xr.DataTree], Check]] = {
    "divergences": _divergences,
    "tree_depth": _tree_depth,
    "energy": _energy,
    "acceptance": _acceptance,
    "step_size": _step_size,
    "energy_error": _energy_error,
    "lp_drift": _lp_drift,
    "warmup_growth": _warmup_growth,
    "pareto_k": _closeness,
}
ALWAYS = {"acceptance": _least_acceptance, "step_size": _step_size}
NEEDED = {
    "divergences": "diverging",
    "tree_depth": "reached_max_treedepth",
    "energy": "energy",
    "acceptance": "acceptance_rate",
    "step_size": "step_size",
}
