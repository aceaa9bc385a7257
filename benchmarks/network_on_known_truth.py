"""How far the Bayesian network and its rivals are from the exact answer, of generated data where it is known.

Three generators (`known_truth.py`): `events` (two classes), `rocks` (nine classes from logs in wells) and `motions`
(values whose noise differs by row, at sites). Each training set has groups, which `fit` is told; each test row has a
group of its own. Figures are mean Kullback-Leibler divergences of the predictive distribution, the mixture of all
draws, from the exact one, times 1000: 0 is the exact answer. All models have their defaults. The table has the mean
over the seeds, and the network minus each rival, paired by seed, with a 95 % t-interval over seeds.

    python benchmarks/network_on_known_truth.py [--data NAME,..] [--rows 300,..] [--seeds 200,..] [--out FILE]
    python benchmarks/network_on_known_truth.py --check

Every fit is written to --out as it ends; the same command again runs only what is missing or set differently. --check
tests the exact answers on a million rows each.
"""

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
from known_truth import GENERATORS, Drawn, check
from scipy import stats

from bayesgeo.catalog import model
from bayesgeo.inference.mclmc import MCLMC

NETWORK = "bayesian_mlp"
RIVALS = {
    "classification": ("ensemble", "logistic", "bayesian_logistic"),
    "regression": ("ensemble", "ridge", "bayesian_linear"),
}
TASK = {"events": "classification", "rocks": "classification", "motions": "regression"}
ROWS, SEEDS = (300, 1000, 2400, 10_000), tuple(range(200, 205))
TEST_ROWS, TEST_SEED = 4000, 10_000  # test rows of seed s are drawn with s + TEST_SEED
LEVEL = 0.95


def measure(estimator: Any, train: Drawn, test: Drawn) -> dict[str, float]:
    """Fit a model; return its mean divergence from the exact answer, times 1000, and what the fit cost."""
    begun, cpu = time.perf_counter(), time.process_time()
    fitted = estimator.fit(train.X, train.y, groups=train.groups)
    spent = {"cpu_s": time.process_time() - cpu, "wall_s": time.perf_counter() - begun}
    divergence = 1000 * float(test.truth.divergence(fitted, test.X).mean())
    attrs = fitted.posterior_.attrs if hasattr(fitted, "posterior_") else {}
    return (
        {"divergence": divergence}
        | spent
        | {
            name: float(attrs[name])
            for name in ("warmup_steps", "restarted_chains", "likelihood_power")
            if name in attrs
        }
    )


def settings_of(estimator: Any) -> str:
    """Write the settings of a model, with those of the inference that a network takes."""
    return f"{estimator.get_params(deep=False)}" + (f" {MCLMC()}" if estimator.name == NETWORK else "")


def run(options: argparse.Namespace, records: dict[tuple, dict]) -> None:
    """Fit what is missing, and write after every fit."""
    for rows in options.rows:
        for data in options.data:
            for seed in options.seeds:
                train = GENERATORS[data](rows, seed)
                test = GENERATORS[data](TEST_ROWS, seed + TEST_SEED, groups=TEST_ROWS)
                for name in (NETWORK, *RIVALS[TASK[data]]):
                    key, estimator = (data, rows, seed, name), model(name, TASK[data], random_state=seed)
                    settings = settings_of(estimator)
                    if records.get(key, {}).get("settings") == settings:
                        continue
                    found = measure(estimator, train, test)
                    records[key] = dict(zip(("data", "rows", "seed", "model"), key, strict=True)) | {
                        "settings": settings,
                        **found,
                    }
                    write(options.out, records)
                    print(*key, f"{found['divergence']:.2f} x 1e-3 nats, {found['wall_s']:.0f} s", flush=True)


def write(out: Path, records: dict[tuple, dict]) -> None:
    """Replace the file in one step, so that an interruption leaves the last good one."""
    whole = out.with_name(out.name + ".part")
    whole.write_text(json.dumps(list(records.values()), indent=1), encoding="utf-8")
    whole.replace(out)


def read(out: Path) -> dict[tuple, dict]:
    records = json.loads(out.read_text(encoding="utf-8")) if out.exists() else []
    return {tuple(record[name] for name in ("data", "rows", "seed", "model")): record for record in records}


def summarise(records: dict[tuple, dict]) -> None:
    """Print one line for each generator and size: the mean divergences, and the paired differences."""
    for data, rows in dict.fromkeys(key[:2] for key in records):
        names = (NETWORK, *RIVALS[TASK[data]])
        of = {name: {k[2]: r for k, r in records.items() if k[:2] == (data, rows) and k[3] == name} for name in names}
        seeds = sorted(set.intersection(*(set(found) for found in of.values())))
        if not seeds:
            continue
        by_seed = {name: np.array([of[name][seed]["divergence"] for seed in seeds]) for name in names}
        cost = np.median([of[NETWORK][seed]["cpu_s"] for seed in seeds])
        print(f"\n{data}, {rows} rows, seeds {seeds[0]} to {seeds[-1]} ({len(seeds)}); network {cost:.0f} CPU s a fit")
        print(f"  {NETWORK:18}{by_seed[NETWORK].mean():9.2f}")
        for name in names[1:]:
            print(f"  {name:18}{by_seed[name].mean():9.2f}   {difference(by_seed[NETWORK] - by_seed[name])}")


def difference(paired: np.ndarray) -> str:
    """Write the mean of paired differences, its t-interval, and whether that is clear of zero.

    Examples
    --------
    >>> difference(np.array([-3.0, -2.0, -4.0]))
    '-3.00 [-5.48, -0.52]: better'
    """
    if len(paired) < 2:
        return f"{paired[0]:+.2f} (one seed)"
    half = stats.t.isf((1 - LEVEL) / 2, len(paired) - 1) * paired.std(ddof=1) / np.sqrt(len(paired))
    low, high = paired.mean() - half, paired.mean() + half
    said = "better" if high < 0 else "worse" if low > 0 else "not clear of zero"
    return f"{paired.mean():+.2f} [{low:+.2f}, {high:+.2f}]: {said}"


def numbers(text: str) -> list[int]:
    return [int(part) for part in text.split(",")]


def main() -> None:
    """Check the exact answers, or fit what is missing and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=lambda text: text.split(","), default=list(GENERATORS))
    parser.add_argument("--rows", type=numbers, default=list(ROWS))
    parser.add_argument("--seeds", type=numbers, default=list(SEEDS))
    parser.add_argument("--out", type=Path, default=Path(__file__).with_suffix(".json"))
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    if options.check:
        for name in options.data:
            worst, count, itself = check(name)
            print(f"{name}: largest of {count} surprises {worst:.2f}; divergence from itself {itself:.1e}")
        return
    records = read(options.out)
    run(options, records)
    summarise(records)


if __name__ == "__main__":
    main()
