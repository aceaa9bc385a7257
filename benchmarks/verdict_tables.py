"""The statistics of a fit, and how well they tell what a longer run would change; for ``verdict_study.py``."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import arviz_stats as az
import numpy as np
import xarray as xr
from scipy.stats import rankdata, spearmanr

from bayesgeo._arrays import log_mean_exp, spaced
from bayesgeo.diagnostics import functions, sampler
from bayesgeo.diagnostics.draws import rhat_within

GAIN, APART, SURE = 0.005, 0.3, 2.0
POINTS = 50
LEAST = 1500  # steps of three blocks: the growth of fewer is unknown
SAMPLER = ("energy_error", "lp_drift", "warmup_growth")
Record = dict[str, Any]


def statistics(tree: xr.DataTree, group: str) -> dict[str, float]:
    """Return every candidate, of the functions in ``group``."""
    rows = tree[group].to_dataset().transpose("chain", "draw", "point", ...)
    expected, log_density = (rows[name].values.astype(float) for name in ("expected", "log_density"))
    expected = expected[..., -1] if expected.ndim > 3 else expected
    return of_functions(expected[..., spaced(expected.shape[2], POINTS)]) | of_scores(log_density) | of_lp(tree)


def of_functions(values: np.ndarray) -> dict[str, float]:
    """Return statistics of predictive means ``(chain, draw, point)``."""
    chains, draws = values.shape[:2]
    deviation = values.std((0, 1)).sum()
    within = rhat_within(values)
    by_chain = np.nanquantile(np.where(np.isfinite(within), within, np.nan), 0.9, axis=1)
    third = draws // 3
    first, last = (part.mean((0, 1)) for part in (values[:, :third], values[:, -third:]))
    means = values.mean(axis=1)
    named = xr.DataArray(values, dims=("chain", "draw", "point"))
    alone = xr.DataArray(values[:, None], dims=("of", "chain", "draw", "point"))
    return {
        "R-hat, worst chain": by_chain.max(),
        "R-hat, median chain": np.median(by_chain),
        "R-hat of all chains": np.nanquantile(az.rhat(named, method="rank"), 0.9),
        "- ESS in chains": -np.nanmedian(np.asarray(az.ess(alone, method="bulk")).sum(axis=0)),
        "- ESS of all chains": -np.nanmedian(az.ess(named, method="bulk")),
        "drift of the mean": np.abs(last - first).sum() / deviation,
        "error of the mean": (means.std(axis=0, ddof=1) / np.sqrt(chains)).sum() / deviation,
    }


def of_scores(log_density: np.ndarray) -> dict[str, float]:
    """Return statistics of log densities ``(chain, draw, point)``."""
    chains, half = len(log_density), log_density.shape[1] // 2
    early, late, all_draws, one, other = (
        log_mean_exp(part, (0, 1))
        for part in (
            log_density[:, :half],
            log_density[:, half:],
            log_density,
            log_density[: chains // 2],
            log_density[chains // 2 :],
        )
    )
    alone = log_mean_exp(log_density, 1)
    growth = late - early
    return {
        "growth, halves of draws": growth.mean(),
        "the same, in errors": growth.mean() / (growth.std() / np.sqrt(len(growth))),
        "growth, draws": (all_draws - early).mean(),
        "growth, chains": (all_draws - (one + other) / 2).mean(),
        "gain over one chain": all_draws.mean() - alone.mean(),
        "worst chain's shortfall": (np.median(alone, axis=0) - alone).mean(axis=1).max(),
        "halves apart, nats": np.abs(growth).mean(),
    }


def of_lp(tree: xr.DataTree) -> dict[str, float]:
    """Return statistics of the sampler; a warm-up of two blocks has no known growth, the worst."""
    lp = tree["sample_stats"]["lp"].values.astype(float)
    half = lp.shape[1] // 2
    trend = (lp[:, half:].mean(axis=1) - lp[:, :half].mean(axis=1)) / lp.std(axis=1)
    checks = {check.code: check.value for check in sampler.checks(tree)}
    return {
        "lp R-hat, median chain": checks["lp_drift"],
        "lp R-hat, worst chain": rhat_within(lp[..., None]).max(),
        "lp trend, any sign": abs(np.median(trend)),
        "growth of the warm-up": np.nan_to_num(checks["warmup_growth"], nan=np.inf),
        "energy error": checks["energy_error"],
        "- warm-up": -float(tree.attrs["warmup_steps"]),
    }


def statuses(tree: xr.DataTree, group: str) -> dict[str, str]:
    """Return the status of every check that did not pass, of the functions in ``group``."""
    tree = tree.copy(deep=False)
    tree["functions"] = xr.DataTree(tree[group].to_dataset())
    found = (*functions.checks(tree), *sampler.checks(tree))
    return {check.code: check.status for check in found if check.status in ("tip", "issue")}


def record(tree: xr.DataTree) -> Record:
    """Return the outcome and the statistics of one fit, on held-out and on unseen rows."""
    numbers = {key: float(tree.attrs[key]) for key in ("gain", "gain_error", "apart", "apart_nats")}
    groups = {"held out": "functions", "unseen": "unseen"}
    return {
        "case": tree.attrs["case"],
        "steps": int(tree.attrs["warmup_steps"]),
        **{key: round(value, 5) for key, value in numbers.items()},
        **{name: {k: round(float(v), 4) for k, v in statistics(tree, of).items()} for name, of in groups.items()},
        "flags": {name: statuses(tree, of) for name, of in groups.items()},
    }


def auc(values: np.ndarray, happened: np.ndarray) -> float:
    """Return the probability that a fit where it happened has the larger value."""
    yes, no = happened.sum(), (~happened).sum()
    return float((rankdata(values)[happened].sum() - yes * (yes + 1) / 2) / (yes * no)) if yes and no else np.nan


def column(records: Sequence[Record], key: str, of: str | None = None) -> np.ndarray:
    """Return one number of every record."""
    values = np.array([record[of][key] if of else record[key] for record in records], float)
    return np.nan_to_num(values, nan=np.inf)  # what is unknown is as bad as can be


def better(records: Sequence[Record]) -> np.ndarray:
    """Return where the longer run surely scores better."""
    gain = column(records, "gain")
    return (gain > GAIN) & (gain > SURE * column(records, "gain_error"))


def differs(records: Sequence[Record]) -> np.ndarray:
    """Return where the longer run answers differently."""
    return column(records, "apart") > APART


def same(records: Sequence[Record]) -> np.ndarray:
    """Return where the longer run scores neither better nor worse."""
    return np.abs(column(records, "gain")) <= GAIN


def show_candidates(records: Sequence[Record]) -> None:
    """Print how well each statistic orders the fits."""
    gain, apart = column(records, "gain"), column(records, "apart")
    print(f"{'statistic':26}rank correlation with     area under the curve of better, different")
    print(f"{'':26}gain   distance          held-out rows   unseen rows")
    for name in records[0]["held out"]:
        held, unseen = (column(records, name, of) for of in ("held out", "unseen"))
        orders = [spearmanr(held, outcome)[0] for outcome in (gain, apart)]
        areas = [auc(values, happened(records)) for values in (held, unseen) for happened in (better, differs)]
        numbers = zip((*orders, *areas), (5, 8, 18, 6, 10, 6), strict=True)
        print(f"{name:26}" + "".join(f"{number:{width}.2f}" for number, width in numbers))


def show_rates(name: str, records: Sequence[Record], flag: Callable[[Record], bool]) -> None:
    """Print how many fits are flagged where a longer run changes the answer, and where it does not."""
    flagged = np.array([flag(record) for record in records])
    gains, apart = better(records), differs(records)
    parts = gains, apart, ~gains & ~apart, same(records) & ~apart
    counts = [f"{(flagged & part).sum():3} of {part.sum():3}" for part in parts]
    print(f"{name:34}" + "   ".join(counts))


def former(record: Record, of: str) -> bool:
    """Return whether the rule before this study flags a fit."""
    values = record[of]
    limits = {"R-hat, worst chain": 1.3, "- ESS in chains": -100, "growth, draws": 0.05, "growth, chains": 0.1}
    limits |= {"lp R-hat, median chain": 1.7, "growth of the warm-up": 0.01, "energy error": 10.0}
    return any(not values[name] <= limit for name, limit in limits.items()) or "chain_scores" in record["flags"][of]


def report(folder: Path | None, path: Path, first: Sequence[str]) -> None:
    """Write the records of the fits in a folder, where there is one, and print the tables.

    Limits were set on the cases named ``first``, before the others were fitted.
    """
    if folder:
        trees = (xr.load_datatree(file, engine="h5netcdf") for file in sorted(folder.glob("*.nc")))
        path.write_text("[" + ",\n".join(json.dumps(record(tree)) for tree in trees) + "]\n")
    # A fit with a chain that stands still fails, and stays broken however long it runs.
    records = [r for r in json.loads(path.read_text()) if r["flags"]["unseen"].get("moving") is None]
    print(f"{len(records)} fits of {len({r['case'] for r in records})} cases\n")
    show_candidates(records)
    print(f"\n{'flagged, where the longer run is':34}better       different    neither      the same in score")
    # Shorter warm-ups are failed by their length alone.
    judged = [record for record in records if record["steps"] >= LEAST]
    parts = [[r for r in judged if (r["case"] in first) == known] for known in (True, False)]
    for part, of_part in zip(("set on", "tested on"), parts, strict=True):
        for of in ("held out", "unseen"):
            show_rates(f"{part}, {of}, the rule before", of_part, lambda r, of=of: former(r, of))
            show_rates(f"{part}, {of}", of_part, lambda r, of=of: bool(r["flags"][of]))
            for code in sorted({code for r in of_part for code in r["flags"][of]}):
                show_rates(f"    {code}", of_part, lambda r, of=of, code=code: code in r["flags"][of])
