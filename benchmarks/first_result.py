"""How long a newcomer waits: the default network on 1,000 x 8 rows in a fresh process, and the demo's comparison.

Each in a process of its own, imports and compilation included: once with every cache of compiled code empty (cold),
once more with what that run left (warm). The bars, on two cores with nothing beside, are 12 and 7 seconds of
processor time for the first prediction and 75 and 45 for the comparison.

    python benchmarks/first_result.py
"""

import os
import resource
import subprocess
import sys
import tempfile
import time

ROWS = """
import numpy as np
import bayesgeo as bg
rng = np.random.default_rng(0)
X = rng.normal(size=(1000, 8))
y = np.sin(X[:, 0]) + X[:, 1] * X[:, 2] + 0.3 * rng.normal(size=1000)
"""
RUNS = {
    "first prediction of values": [
        sys.executable,
        "-c",
        ROWS + "bg.BayesianMLPRegressor(random_state=0).fit(X, y).predict(X)",
    ],
    "first prediction of classes": [
        sys.executable,
        "-c",
        ROWS + "bg.BayesianMLPClassifier(random_state=0).fit(X, y > 0).predict_proba(X)",
    ],
    "comparison of the demo": [sys.executable, "-m", "bayesgeo", "compare", "seismic_events", "--out"],
}


def cpu() -> float:
    """Return the processor time in seconds of all ended children."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> None:
    """Print wall and processor time of each."""
    for name, command in RUNS.items():
        with tempfile.TemporaryDirectory() as folder:
            caches = {"XDG_CACHE_HOME": f"{folder}/cache", "PYTENSOR_FLAGS": f"base_compiledir={folder}/pytensor"}
            for state in ("cold", "warm"):
                begun, before = time.perf_counter(), cpu()
                out = [f"{folder}/{state}"] if command[-1] == "--out" else []
                subprocess.run([*command, *out], check=True, capture_output=True, env=os.environ | caches)
                wall, used = time.perf_counter() - begun, cpu() - before
                print(f"{name:28} {state} {wall:6.1f} s, {used:6.1f} s of CPU", flush=True)


if __name__ == "__main__":
    main()
