"""Bayesian networks against bde, deep ensembles and boosting: the same splits, one run, one machine.

Protocols:
- airfoil: `paper/scripts/benchmark.py` of scikit-learn-contrib/bde, whose rows are split 80/20 by
  `train_test_split(random_state=split)` and then standardised, target too, by the mean and standard
  deviation of the TRAINING rows. Scores are on that scale. bde has the settings of that script; published,
  split 0, means over five model seeds: RMSE .1215, Gaussian NLL -.9126 (seed 0 alone: .1188, -.9070).
- concrete, energy, yacht: the fixed 90/10 splits of Gal & Ghahramani (2016), standardised likewise; scores
  are on the original scale of the target. bde has the settings of its README.

Scores: RMSE of the mixture's mean; log score, the mean log density of the mixture (higher is better);
Gaussian NLL, of the Gaussian with the mixture's mean and variance, as bde reports (lower is better).

Each method runs in a process of its own. CPU seconds (user + system), wall seconds and peak memory are the
whole process's, with imports and compilation; `fit` is the CPU seconds of its fit alone. `bde` runs as it
ships; `bde_silent` is bde without the Python callback of its progress bar: the same draws for less CPU. The
deep ensemble adds members until it has spent the CPU seconds that `bayesgeo` spent on the same split; its
activation, epochs and learning rate were the best of four settings on airfoil split 7 and yacht split 17.

Needs the data in the folder that BAYESGEO_DATA names (`uci/airfoil/airfoil.csv`, `uci/yacht/data.txt`, ...),
and a second environment with sklearn-contrib-bde, catboost and ngboost, since bde pins another blackjax.
Figures go to --out after every fit; the same command again runs only what is missing or set differently.

Run: python benchmarks/bnn_vs_bde.py --bde-python PYTHON [--out FILE] [--only METHOD,..] [--data NAME,..]
     [--splits 0,1,..] [--seed 0] [--quick]
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

WORKER = Path(__file__).parent / "peers" / "worker.py"
UCI = ("concrete", "energy", "yacht")
SPLITS = {"airfoil": (0, 1)} | dict.fromkeys(UCI, tuple(range(5)))
OURS = "bayesgeo"
BUDGET_S, QUICK_BUDGET_S = 150.0, 5.0
SAME_BUDGET = 0.25
MIB = 2**20


@dataclass(frozen=True)
class Method:
    """A named entry: which fit of the worker, its arguments, and what differs on a data set or in a smoke run."""

    fit: str
    arguments: dict[str, Any]
    on: dict[str, dict[str, Any]] = field(default_factory=dict)
    quick: dict[str, Any] = field(default_factory=dict)
    in_bde_python: bool = False

    def settings(self, data: str, quick: bool) -> dict[str, Any]:
        """Give the arguments on one data set."""
        return self.arguments | self.on.get(data, {}) | (self.quick if quick else {})


NETWORK = {"hidden": [16, 16], "activation": "tanh", "noise": "heteroscedastic"}
DEEP = {"airfoil": {"hidden": [16] * 4}}  # as bde's
BDE = {
    "n_members": 8,
    "hidden_layers": [16, 16],
    "epochs": 200,
    "validation_split": 0.15,
    "lr": 1e-3,
    "weight_decay": 1e-4,
    "warmup_steps": 5000,
    "n_samples": 2000,
    "n_thinning": 2,
    "patience": 10,
}
BDE_AIRFOIL = {
    "n_members": 10,
    "hidden_layers": [16] * 4,
    "epochs": 1200,
    "warmup_steps": 50_000,
    "n_samples": 1000,
    "n_thinning": 10,
    "patience": 20,
}
BDE_ON, BDE_QUICK = {"airfoil": BDE_AIRFOIL}, {"n_members": 2, "epochs": 20, "warmup_steps": 100, "n_samples": 20}
METHODS = {
    "bayesgeo": Method(
        "bayesgeo_network",
        NETWORK | {"inference": ["MCLMC", {}]},
        {"airfoil": DEEP["airfoil"] | {"inference": ["MCLMC", {"chains": 14, "max_steps": 12_000}]}},
        quick={"inference": ["MCLMC", {"chains": 2, "max_steps": 500}]},
    ),
    "advi": Method("bayesgeo_network", NETWORK | {"inference": ["ADVI", {}]}, DEEP),
    "laplace": Method("bayesgeo_network", NETWORK | {"inference": ["Laplace", {}]}, DEEP),
    "bde": Method("bde", BDE | {"progress_bar": True}, BDE_ON, BDE_QUICK, in_bde_python=True),
    "bde_silent": Method("bde", BDE | {"progress_bar": False}, BDE_ON, BDE_QUICK, in_bde_python=True),
    "ensemble": Method(
        "ensemble",
        {
            "hidden": [16, 16],
            "activation": "silu",
            "members": 10,
            "epochs": 1500,
            "batch": 32,
            "lr": 1e-2,
            "weight_decay": 1e-3,
        },
        DEEP,
        {"members": 2, "epochs": 5},
    ),
    "boosting": Method(
        "catboost",
        {"depth": 6, "iterations": 1000, "learning_rate": 0.05, "virtual_members": 10},
        quick={"iterations": 50},
        in_bde_python=True,
    ),
    "ngboost": Method(
        "ngboost",
        {"n_estimators": 2000, "learning_rate": 0.01, "patience": 50},
        quick={"n_estimators": 20},
        in_bde_python=True,
    ),
}


@dataclass(frozen=True)
class Split:
    """Standardised rows of one split, and the number of target units in one standardised unit."""

    X_train: np.ndarray
    y_train: np.ndarray
    X_test: np.ndarray
    y_test: np.ndarray
    unit: float


def read_split(data: str, number: int) -> Split:
    """Read one split and standardise it by its training rows."""
    folder = Path(os.environ.get("BAYESGEO_DATA", ".")) / "uci" / data
    X, y, train, test = read_airfoil(folder, number) if data == "airfoil" else read_uci(folder, number)
    centre, scale = X[train].mean(axis=0), X[train].std(axis=0)
    X = (X - centre) / np.where(scale > 0, scale, 1.0)
    spread = y[train].std()
    y = (y - y[train].mean()) / spread
    return Split(X[train], y[train], X[test], y[test], 1.0 if data == "airfoil" else float(spread))


def read_airfoil(folder: Path, number: int) -> tuple[np.ndarray, ...]:
    """Split as `train_test_split(test_size=0.2, random_state=number)` does.

    Without scikit-learn: on Linux a child's peak memory is never reported below its parent's, so the
    parent imports NumPy alone.
    """
    table = np.loadtxt(folder / "airfoil.csv", delimiter=",", skiprows=1)
    order = np.random.RandomState(number).permutation(len(table))
    test, train = np.split(order, [int(np.ceil(0.2 * len(table)))])
    return table[:, :-1], table[:, -1], train, test


def read_uci(folder: Path, number: int) -> tuple[np.ndarray, ...]:
    def rows(name: str) -> np.ndarray:
        return np.loadtxt(folder / f"index_{name}.txt").astype(int)

    table = np.loadtxt(folder / "data.txt")
    return table[:, rows("features")], table[:, rows("target")], rows(f"train_{number}"), rows(f"test_{number}")


def row_scores(mean: np.ndarray, sd: np.ndarray, y: np.ndarray, unit: float) -> dict[str, np.ndarray]:
    """Score each test row of an equally weighted Gaussian mixture (draw, obs), in target units."""
    log_density = log_normal(y, mean, sd)
    centre = mean.mean(axis=0)
    spread = np.sqrt((sd**2).mean(axis=0) + mean.var(axis=0))
    return {
        "squared_error": (unit * (y - centre)) ** 2,
        "log_score": np.logaddexp.reduce(log_density, axis=0) - np.log(len(mean)) - np.log(unit),
        "gaussian_nll": np.log(unit) - log_normal(y, centre, spread),
    }


def log_normal(y: np.ndarray, mean: np.ndarray, sd: np.ndarray) -> np.ndarray:
    return -0.5 * np.log(2 * np.pi) - np.log(sd) - 0.5 * ((y - mean) / sd) ** 2


def run_process(command: list[str], log: Path) -> dict[str, float]:
    """Run a command to its end; give its CPU seconds, wall seconds and peak memory in MiB."""
    start = time.perf_counter()
    with log.open("wb") as out, subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT) as process:
        try:
            _, status, used = os.wait4(process.pid, 0)
        except BaseException:
            process.kill()
            raise
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        tail = log.read_text(errors="replace")[-2000:]
        raise RuntimeError(f"The process ended with {process.returncode}:\n{tail}")
    unit = 1 if sys.platform == "darwin" else 1024
    return {
        "cpu_s": used.ru_utime + used.ru_stime,
        "wall_s": time.perf_counter() - start,
        "peak_mib": used.ru_maxrss * unit / MIB,
    }


def measure(python: str, spec: dict[str, Any], split: Split) -> dict[str, Any]:
    """Fit one method in a fresh process and score what it wrote."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        np.savez(folder / "rows.npz", X_train=split.X_train, y_train=split.y_train, X_test=split.X_test)
        (folder / "spec.json").write_text(json.dumps(spec))
        files = [str(folder / file) for file in ("spec.json", "rows.npz", "mixture.npz")]
        cost = run_process([python, str(WORKER), *files], folder / "log")
        with np.load(folder / "mixture.npz") as found:
            mixture = {key: found[key] for key in found.files}
    mean, sd = mixture["mean"].astype(float), mixture["sd"].astype(float)
    if mean.shape != sd.shape or mean.shape[1:] != split.y_test.shape:
        raise RuntimeError(f"Invalid mixture: mean {mean.shape}, sd {sd.shape}, {len(split.y_test)} test rows.")
    rows = row_scores(mean, sd, split.y_test, split.unit)
    return {
        "rmse": float(np.sqrt(rows["squared_error"].mean())),
        "log_score": float(rows["log_score"].mean()),
        "gaussian_nll": float(rows["gaussian_nll"].mean()),
        **cost,
        "fit_cpu_s": float(mixture["fit_cpu_s"]),
        "draws": len(mean),
        "versions": json.loads(str(mixture["versions"])),
        "rows": {key: np.round(value, 6).tolist() for key, value in rows.items()},
    }


def key_of(record: dict[str, Any]) -> tuple[str, int, str]:
    return record["data"], record["split"], record["method"]


def read_records(out: Path) -> dict[tuple, dict[str, Any]]:
    records = json.loads(out.read_text())["records"] if out.exists() else []
    return {key_of(record): record for record in records}


def write_records(out: Path, records: dict[tuple, dict[str, Any]]) -> None:
    """Replace the file in one step, so that an interruption leaves the last good one."""
    machine = {"cores": os.cpu_count(), "platform": platform.platform(), "python": platform.python_version()}
    whole = out.with_name(out.name + ".part")
    whole.write_text(json.dumps({"machine": machine, "records": list(records.values())}))
    whole.replace(out)


def is_current(record: dict[str, Any] | None, spec: dict[str, Any]) -> bool:
    """Whether a record was made with these settings and about this CPU budget."""
    now = spec["cpu_budget_s"]
    if record is None or record["spec"] | {"cpu_budget_s": now} != spec:
        return False
    return now is None or abs(record["spec"]["cpu_budget_s"] / now - 1) < SAME_BUDGET


def asked_of(name: str, data: str, ours: dict[str, Any] | None, options: argparse.Namespace) -> dict[str, Any]:
    """Write what the worker is asked; the ensemble's budget is what ours spent, else `BUDGET_S`."""
    method, budget = METHODS[name], None
    if method.fit == "ensemble":
        budget = QUICK_BUDGET_S if options.quick else ours["cpu_s"] if ours else BUDGET_S
    arguments = method.settings(data, options.quick)
    return {"fit": method.fit, "seed": options.seed, "cpu_budget_s": budget, "arguments": arguments}


def run_all(options: argparse.Namespace, records: dict[tuple, dict[str, Any]]) -> list[str]:
    """Run what is missing, split by split, and write after every fit; give what failed."""
    failed = []
    for data in options.data:
        for number in options.splits or SPLITS[data]:
            for name in options.only:
                key = (data, number, name)
                spec = asked_of(name, data, records.get((data, number, OURS)), options)
                if is_current(records.get(key), spec):
                    continue
                python = options.bde_python if METHODS[name].in_bde_python else sys.executable
                try:
                    found = measure(python, spec, read_split(data, number))
                except RuntimeError as problem:
                    failed.append(f"{data} {number} {name}")
                    print(f"{failed[-1]}: {problem}", flush=True)
                    continue
                records[key] = {"data": data, "split": number, "method": name, "spec": spec} | found
                write_records(options.out, records)
                print(line_of(records[key]), flush=True)
    return failed


HEADER = (
    f"{'data':9}{'split':>5} {'method':12}{'RMSE':>9}{'log score':>11}{'NLL':>9}"
    f"{'CPU s':>9}{'fit':>9}{'wall s':>9}{'MiB':>7}{'draws':>7}"
)


def line_of(r: dict[str, Any]) -> str:
    return (
        f"{r['data']:9}{r['split']:5} {r['method']:12}{r['rmse']:9.4f}{r['log_score']:11.4f}{r['gaussian_nll']:9.4f}"
        f"{r['cpu_s']:9.1f}{r['fit_cpu_s']:9.1f}{r['wall_s']:9.1f}{r['peak_mib']:7.0f}{r['draws']:7}"
    )


def paired(ours: list[dict], other: list[dict]) -> tuple[float, float]:
    """Mean log-score difference, ours - other, over splits, and its standard error.

    The larger of two standard errors: over all test rows pooled, and over the splits where there are several.
    Both take what they count as independent; splits share rows, so read them as lower bounds.
    """
    pairs = zip(ours, other, strict=True)
    rows = [np.subtract(a["rows"]["log_score"], b["rows"]["log_score"]) for a, b in pairs]
    means, pooled = np.array([r.mean() for r in rows]), np.concatenate(rows)
    errors = [np.std(x, ddof=1) / np.sqrt(len(x)) for x in (pooled, means) if len(x) > 1]
    return float(means.mean()), float(max(errors))


def verdict(difference: float, error: float) -> str:
    if abs(difference) <= 2 * error:
        return "no difference beyond 2 se"
    return f"{OURS} better" if difference > 0 else "other better"


def summarise(records: dict[tuple, dict[str, Any]], data: str, against: str) -> None:
    """Print means over the splits each method shares with `against`, and the paired differences."""
    base = {k[1]: r for k, r in records.items() if (k[0], k[2]) == (data, against)}
    for name in METHODS:
        mine = {k[1]: r for k, r in records.items() if (k[0], k[2]) == (data, name)}
        shared = sorted(mine.keys() & base.keys()) if base else sorted(mine)
        if not shared:
            continue
        theirs = [mine[s] for s in shared]
        rmse, log_score, nll, cpu, peak = (
            np.mean([r[key] for r in theirs]) for key in ("rmse", "log_score", "gaussian_nll", "cpu_s", "peak_mib")
        )
        line = f"{data:9}{len(shared):7} {name:12}{rmse:9.4f}{log_score:11.4f}{nll:9.4f}{cpu:9.1f}{peak:7.0f}"
        if name != against and base:
            ours = [base[s] for s in shared]
            difference, error = paired(ours, theirs)
            cpu_ratio = np.mean([r["cpu_s"] for r in ours]) / cpu
            peak_ratio = np.mean([r["peak_mib"] for r in ours]) / peak
            line += f"{difference:+12.4f} +- {error:.4f}{cpu_ratio:9.2f}{peak_ratio:9.2f}  {verdict(difference, error)}"
        print(line)


def report(records: dict[tuple, dict[str, Any]], options: argparse.Namespace) -> None:
    """Print every fit asked for, then the means over splits."""
    chosen = {k: r for k, r in records.items() if k[0] in options.data and k[2] in (*options.only, OURS)}
    if options.splits:
        chosen = {k: r for k, r in chosen.items() if k[1] in options.splits}
    print(f"\n{HEADER}")
    order = list(METHODS)
    for key in sorted(chosen, key=lambda k: (k[0], k[1], order.index(k[2]))):
        print(line_of(chosen[key]))
    print(
        f"\nMeans over splits; differences are {OURS} - other, mean log score a row; ratios are {OURS} / other\n"
        f"{'data':9}{'splits':>7} {'method':12}{'RMSE':>9}{'log score':>11}{'NLL':>9}{'CPU s':>9}{'MiB':>7}"
        f"{'difference':>12} +- {'se':6}{'CPU':>9}{'memory':>9}"
    )
    for data in options.data:
        summarise(chosen, data, OURS)


def listed(allowed: Any) -> Any:
    def parse(text: str) -> list[str]:
        names = text.split(",")
        unknown = [name for name in names if name not in allowed]
        if unknown:
            raise argparse.ArgumentTypeError(f"Invalid {unknown}. Give some of {', '.join(allowed)}.")
        return names

    return parse


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bde-python", help="interpreter with sklearn-contrib-bde, catboost and ngboost")
    parser.add_argument("--out", type=Path, default=Path("bnn_vs_bde.json"))
    parser.add_argument("--only", type=listed(METHODS), default=list(METHODS), metavar="METHOD,..")
    parser.add_argument("--data", type=listed(SPLITS), metavar="NAME,..")
    parser.add_argument("--splits", type=lambda text: [int(n) for n in text.split(",")], metavar="0,1,..")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--quick", action="store_true", help="a smoke run: yacht, split 0, settings too small to score")
    options = parser.parse_args()
    if any(METHODS[name].in_bde_python for name in options.only) and not options.bde_python:
        parser.error("Invalid --bde-python None. Give an interpreter that has bde, or name other methods with --only.")
    options.data = options.data or (["yacht"] if options.quick else list(SPLITS))
    options.splits = options.splits or ([0] if options.quick else None)
    return options


def main() -> None:
    options = read_options()
    records = read_records(options.out)
    print(HEADER)
    failed = run_all(options, records)
    report(records, options)
    if failed:
        sys.exit(f"Failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()
