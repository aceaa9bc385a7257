"""Intervals of hierarchical classification on simulated sites, and seismic events at sites left out.

120 simulated tables of 600 rows at 30 sites of unequal size, one feature constant within sites: how often the 90 %
intervals of the coefficients and of the standard deviation between sites hold the truth. Then the log loss on
seismic_events, five folds by site, beside the logistic model without sites, and the standard deviation between sites as
a shift of log10 P/S, which the generator sets to .10. About five minutes on two cores.

Run: python benchmarks/hierarchical_classes.py [simulated] [seismic_events]
"""

import sys
import time

import numpy as np
import pandas as pd
from scipy import special, stats

import bayesgeo as bg
from bayesgeo.catalog import model

SETS, ROWS, SITES, PROB = 120, 600, 30, 0.9
COEFFICIENTS, SITE_SD = np.array([1.0, -0.5, 0.5]), 0.8
NAMES = ("of the row", "of the row, weaker", "of the site", "sd between sites")
TRUE_SHIFT = 0.10  # of log10 P/S


def table(seed: int) -> tuple[pd.DataFrame, np.ndarray]:
    """Draw rows at sites of unequal size; the last feature is constant within sites."""
    rng = np.random.default_rng(seed)
    size = rng.dirichlet(np.ones(SITES))
    site = np.r_[np.arange(SITES), rng.choice(SITES, ROWS - SITES, p=size)]
    X = rng.standard_normal((ROWS, 3))
    X[:, 2] = rng.standard_normal(SITES)[site]
    predictor = X @ COEFFICIENTS - 0.3 + SITE_SD * rng.standard_normal(SITES)[site]
    frame = pd.DataFrame(X, columns=["a", "b", "c"]).assign(site=site)
    return frame, (rng.random(ROWS) < special.expit(predictor)).astype(int)


def simulated() -> None:
    held, plain, divergences = [], [], []
    for seed in range(SETS):
        X, y = table(seed)
        inference = bg.NUTS(draws=500, chains=2)
        fitted = model("hierarchical", "classification", effects=["site"], inference=inference, random_state=seed)
        fitted.fit(X, y)
        posterior = fitted.posterior_["posterior"].to_dataset()
        held.append([*_holds(posterior["coefficient"], COEFFICIENTS), *_holds(posterior["site_sd"], [SITE_SD])])
        divergences.append(int(fitted.posterior_["sample_stats"]["diverging"].sum()))
        inference = bg.NUTS(draws=500, chains=2)
        alone = model("bayesian_logistic", "classification", inference=inference, random_state=seed)
        alone.fit(X[["a", "b", "c"]], y)
        plain.append(_holds(alone.posterior_["posterior"]["coefficient"], COEFFICIENTS))
    low, high = stats.binom.interval(0.99, SETS, PROB)
    print(f"{SETS} tables, 90 % intervals; the 99 % band of chance is {low / SETS:.3f}-{high / SETS:.3f}")
    for name, share in zip(NAMES, np.mean(held, axis=0), strict=True):
        print(f"  {name:20} {share:.3f}")
    print(f"  without effects of sites: {', '.join(f'{share:.3f}' for share in np.mean(plain, axis=0))}")
    print(f"  divergences: {np.count_nonzero(divergences)} tables, {np.sum(divergences)} in all")


def _holds(draws: object, truth: object) -> list[bool]:
    low, high = draws.quantile([(1 - PROB) / 2, (1 + PROB) / 2], ("chain", "draw")).values
    return ((low <= truth) & (truth <= high)).tolist()


def seismic_events() -> None:
    dataset = bg.load("seismic_events")
    folds = bg.split(dataset, "group")
    print(f"\nseismic_events: {folds.sentence}")
    evidences = {}
    for name in ("bayesian_logistic", "hierarchical"):
        begun = time.perf_counter()
        found = evidences[name] = bg.evaluate(model(name, "classification"), dataset, folds)
        loss = found["metrics"].to_dataset()["value"].sel(metric="log_loss").item()
        verdict = found["diagnostics"].attrs["verdict"]
        print(f"  {name:18} log loss {loss:.4f}  {verdict}, {time.perf_counter() - begun:.0f} s")
    posterior = found["posterior"].to_dataset()
    shift = posterior["site_sd"].isel(site_term=0) / abs(posterior["coefficient"].sel(feature="log10_ps"))
    low, middle, high = shift.quantile([0.05, 0.5, 0.95]).values
    print(f"  sd between sites in log10 P/S: {middle:.3f}, 90 % {low:.3f}-{high:.3f}; truth {TRUE_SHIFT}")
    line = bg.compare(evidences).iloc[0]
    print(f"  {line['a']} over {line['b']}: {line['difference']:.4f} ({line['low']:.4f} to {line['high']:.4f})")


if __name__ == "__main__":
    for part in sys.argv[1:] or ("simulated", "seismic_events"):
        {"simulated": simulated, "seismic_events": seismic_events}[part]()
