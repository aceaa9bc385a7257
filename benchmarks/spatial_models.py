"""Spatial regression against the exact Gaussian process, its cost, and how often its intervals hold the truth.

    python benchmarks/spatial_models.py [exact] [cost] [coverage] [classes]

`exact`: 1,500 places of a simulated field; predictions at 500 new ones and scales, by nearest neighbours and by all
correlations (bars: means within .02 and sds within 2 %; scales within 4 Monte Carlo errors). `cost`: seconds of an
order, its neighbours and one likelihood of 1e4, 1e5 and 1e6 places, and the exponent (bar 1.1). `coverage`: 200
simulated fields of 150 places, ranges from short to the width of the map; how often 90 % intervals of range, field and
nugget and of responses at new places hold the truth, and the 99 % band of chance. `classes`: the same of 30 fields of
log odds of which 300 classes were seen: the field's sd, its length scale (from a tenth of the map to .4 of it) and the
probabilities at 200 new places.
"""

import sys
import time

import joblib
import numpy as np
import pandas as pd
from scipy import linalg, special, stats
from sklearn.gaussian_process.kernels import Matern

import bayesgeo as bg
from bayesgeo.models.spatial.processes import Covariance, process_of

SIDE, LEVEL, FIELDS, CLASS_FIELDS = 10.0, 0.9, 200, 30
TRUTH = {"field_sd": 2.0, "noise_sd": 0.7}


def drawn(n: int, length: float, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Draw places ``(n, 2)`` and a field of smoothness 3/2 with noise."""
    places = rng.uniform(0, SIDE, (n, 2))
    among = Matern(length, nu=1.5)(places) + 1e-9 * np.eye(n)
    field = TRUTH["field_sd"] * linalg.cholesky(among, lower=True) @ rng.normal(size=n)
    return places, 5.0 + field + TRUTH["noise_sd"] * rng.normal(size=n)


def fitted(places: np.ndarray, y: np.ndarray, *, neighbours: int | None = None, seed: int = 0) -> bg.SpatialRegression:
    """Fit without features but a constant one, which is no effect."""
    at = {"easting": places[:, 0], "northing": places[:, 1]}
    model = bg.SpatialRegression(neighbours=neighbours, random_state=seed)
    return model.fit(places[:, :1], y, coordinates=at)


def predicted(model: bg.SpatialRegression, places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and standard deviation of the response."""
    found = model.predictive(places[:, :1], coordinates={"easting": places[:, 0], "northing": places[:, 1]})
    draws = ("chain", "draw")
    variance = (found["sigma"] ** 2).mean(draws) + found["expected"].var(draws)
    return found["expected"].mean(draws).values, np.sqrt(variance.values)


def exact() -> None:
    """Compare nearest neighbours with all correlations."""
    places, y = drawn(2000, 2.0, np.random.default_rng(0))
    train, new = slice(0, 1500), slice(1500, None)
    models = {}
    for name, neighbours in (("all", None), ("10", 10), ("20", 20), ("30", 30)):
        begun = time.perf_counter()
        models[name] = fitted(places[train], y[train], neighbours=neighbours)
        print(f"  {name:4} neighbours: {time.perf_counter() - begun:.0f} s", flush=True)
    mean, sd = predicted(models["all"], places[new])
    scales = models["all"].posterior_["posterior"].to_dataset()[["length_scale", "field_sd", "noise_sd"]]
    for name in ("10", "20", "30"):
        own_mean, own_sd = predicted(models[name], places[new])
        own = models[name].posterior_["posterior"].to_dataset()[list(scales)]
        apart, wider = np.abs(own_mean - mean) / sd.mean(), np.abs(own_sd / sd - 1).max()
        print(
            f"  {name} neighbours: means at most {apart.max():.3f} sd apart (median {np.median(apart):.4f}), "
            f"sds at most {wider:.2%}"
        )
        for scale in scales:
            # About 800 independent points each.
            error = np.hypot(scales[scale].std(), own[scale].std()) / np.sqrt(800)
            gap = float((own[scale].mean() - scales[scale].mean()) / error)
            print(
                f"    {scale}: {float(own[scale].mean()):.3f} and {float(scales[scale].mean()):.3f}, {gap:+.1f} errors"
            )


def cost() -> None:
    """Time the parts of one likelihood."""
    covariance, seconds = Covariance(np.array([0.3]), np.array([0.9]), np.array([3])), {}
    for n in (1_000, 10_000, 100_000, 1_000_000):  # the first compiles
        rng = np.random.default_rng(0)
        points = rng.uniform(0, SIDE, (n, 2))
        from bayesgeo.models.spatial.neighbours import coarse_to_fine

        begun = time.perf_counter()
        process = process_of(points[coarse_to_fine(points, rng)], None)
        made = time.perf_counter()
        process.whitened(rng.normal(size=(n, 2)), covariance)
        seconds[n] = np.array([made - begun, time.perf_counter() - made])
        print(
            f"  {n:9,} places: order and neighbours {seconds[n][0]:.2f} s, one likelihood {seconds[n][1]:.3f} s",
            flush=True,
        )
    exponent = np.log10(seconds[1_000_000] / seconds[10_000]) / 2
    print(f"  exponents {exponent[0]:.2f} and {exponent[1]:.2f}")


def held(seed: int) -> dict[str, float]:
    """Return which intervals of one simulated field hold the truth."""
    rng = np.random.default_rng([7, seed])
    length = float(np.exp(rng.uniform(np.log(0.4), np.log(4.0))))
    places, y = drawn(200, length, rng)
    model = fitted(places[:150], y[:150], seed=seed)
    posterior = model.posterior_["posterior"].to_dataset()
    tails = [(1 - LEVEL) / 2, (1 + LEVEL) / 2]
    found = {}
    for name, truth in (TRUTH | {"length_scale": length}).items():
        low, high = posterior[name].quantile(tails, ("chain", "draw")).values
        found[name] = float(np.all((low <= truth) & (truth <= high)))
    mean, sd = predicted(model, places[150:])
    found["response"] = float(np.mean(np.abs(y[150:] - mean) <= stats.norm.ppf(tails[1]) * sd))
    return found


def coverage() -> None:
    """Count how often intervals hold the truth."""
    report(joblib.Parallel(-1)(joblib.delayed(held)(seed) for seed in range(FIELDS)))


def report(each: list[dict[str, float]]) -> None:
    """Print the share of fields, or of places, whose intervals hold the truth."""
    band = stats.binom.ppf([0.005, 0.995], len(each), LEVEL) / len(each)
    print(f"  {len(each)} fields, {LEVEL:.0%} intervals; 99 % band of chance {band[0]:.3f} to {band[1]:.3f}")
    for name in each[0]:
        shares = np.array([one[name] for one in each])
        error = shares.std() / np.sqrt(len(shares))
        print(f"  {name:14} {shares.mean():.3f} (standard error {error:.3f})", flush=True)


def held_of_classes(seed: int) -> dict[str, float]:
    """Return which intervals of one simulated field of log odds hold the truth."""
    rng = np.random.default_rng([8, seed])
    length = float(np.exp(rng.uniform(np.log(1.0), np.log(4.0))))
    places = rng.uniform(0, SIDE, (500, 2))
    among = Matern(length, nu=1.5)(places) + 1e-9 * np.eye(500)
    p = special.expit(TRUTH["field_sd"] * linalg.cholesky(among, lower=True) @ rng.normal(size=500))
    at = pd.DataFrame(places, columns=["easting", "northing"])
    sampler = bg.NUTS(draws=400, tune=400)
    model = bg.SpatialClassifier(inference=sampler, random_state=seed)
    model.fit(places[:300, :0], rng.random(300) < p[:300], coordinates=at[:300])
    posterior = model.posterior_["posterior"].to_dataset()
    drawn = model.predict_draws(places[300:, :0], coordinates=at[300:]).isel(label=1)
    tails = [(1 - LEVEL) / 2, (1 + LEVEL) / 2]
    found = {}
    for name, truth in {"field_sd": TRUTH["field_sd"], "length_scale": length}.items():
        low, high = posterior[name].quantile(tails, ("chain", "draw")).values
        found[name] = float(low <= truth <= high)
    low, high = drawn.quantile(tails, ("chain", "draw")).values
    found["probability"] = float(np.mean((low <= p[300:]) & (p[300:] <= high)))
    return found


def classes() -> None:
    """Count how often intervals of fields of log odds hold the truth."""
    report([held_of_classes(seed) for seed in range(CLASS_FIELDS)])


PARTS = {"exact": exact, "cost": cost, "coverage": coverage, "classes": classes}


def main() -> None:
    """Run the parts that were asked for."""
    for name in sys.argv[1:] or PARTS:
        print(f"{name}:")
        PARTS[name]()


if __name__ == "__main__":
    main()
