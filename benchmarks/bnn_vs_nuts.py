"""The default inference of a Bayesian network against PyMC's default NUTS: log score and CPU time of both.

An 8-16-16-1 regression of 1,000 rows made by a random network of that kind, scored on 2,000 rows more; the noise
is known, so the score that no model can pass is known too. NUTS is ``pm.sample(1000, tune=1000, chains=4)`` on the same
PyMC model. It takes an hour or two: ``--nuts FILE`` keeps what it found, and reads it when the file is there.

    python benchmarks/bnn_vs_nuts.py --nuts nuts.json

Each side runs in a process of its own, imports and compilation included. The bar: within 0.01 nats of the log
score of NUTS, in at most 1/20 of its CPU time.
"""

import argparse
import json
import multiprocessing as mp
import time
from pathlib import Path

import numpy as np
from scipy import special, stats

NOISE = 0.1
ROWS, TEST_ROWS = 1_000, 2_000


def data(seed: int = 0) -> tuple[np.ndarray, ...]:
    """Draw rows from a random 8-16-16-1 network, standardised, plus noise."""
    from bayesgeo.models.architecture import Network

    rng = np.random.default_rng(seed)
    network = Network(8, (16, 16), 1, "tanh")
    p = network.start(rng)
    X = rng.normal(size=(ROWS + TEST_ROWS, 8))
    f = network.forward(X, p, np)[:, 0]
    y = f / f.std() + NOISE * rng.normal(size=len(f))
    return X[:ROWS], y[:ROWS], X[ROWS:], y[ROWS:]


def model(inference: object = None) -> object:
    """Return the network that both sides sample."""
    from bayesgeo.models.networks.bayesian_mlp import BayesianMLPRegressor

    settings = {"noise": "constant", "relevance": "learned"}  # one posterior: NUTS has no held-out rows to choose by
    return BayesianMLPRegressor((16, 16), **settings, inference=inference, random_state=0)


class DefaultNUTS:
    """PyMC's sampler as ``pm.sample`` chooses it, as an inference."""

    def run(self, problem, seed):
        """Sample the problem's PyMC model."""
        import pymc as pm
        import xarray as xr

        from bayesgeo.inference.base import label_posterior

        with problem.build():
            pm.set_data(dict(problem.data))
            trace = pm.sample(1000, tune=1000, chains=4, random_seed=seed, progressbar=False)
        draws = {name: trace["posterior"][name].values for name in problem.dims}
        tree = xr.DataTree.from_dict({"posterior": label_posterior(draws, problem)})
        tree.attrs = {"interrupted": 0, "compile_seconds": 0.0}
        return tree


def measure(side: str, queue: mp.Queue) -> None:
    """Fit one side and report its log score, its error and what it cost."""
    begun = time.perf_counter()
    X, y, X_test, y_test = data()
    fitted = model(DefaultNUTS() if side == "nuts" else None).fit(X, y)
    fit_cpu = time.process_time()
    by_chain = fitted.log_density(fitted.predictive(X_test), y_test).values
    flat = by_chain.reshape(-1, len(y_test))
    queue.put(
        {
            "log_score": float((special.logsumexp(flat, axis=0) - np.log(len(flat))).mean()),
            "chain_log_score": [
                float((special.logsumexp(chain, axis=0) - np.log(len(chain))).mean()) for chain in by_chain
            ],
            "rmse": float(np.sqrt(np.mean((fitted.predict(X_test) - y_test) ** 2))),
            "cpu_seconds": fit_cpu,
            "wall_seconds": time.perf_counter() - begun,
        }
    )


def run(side: str) -> dict:
    """Measure one side in a fresh process."""
    context = mp.get_context("spawn")
    queue = context.Queue()
    process = context.Process(target=measure, args=(side, queue))
    process.start()
    found = queue.get()
    process.join()
    return found


def main() -> None:
    """Print both sides and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--nuts", type=Path, help="file that keeps the result of NUTS")
    kept = parser.parse_args().nuts
    if kept and kept.exists():
        nuts = json.loads(kept.read_text(encoding="utf-8"))
    else:
        nuts = run("nuts")
        if kept:
            kept.write_text(json.dumps(nuts, indent=1), encoding="utf-8")
    ours = run("ours")
    y_test, noise = data()[3], NOISE
    print(f"noise floor    log score {-stats.norm.entropy(scale=noise):.3f} expected, {len(y_test)} rows")
    for name, side in {"NUTS": nuts, "ours": ours}.items():
        scores = " ".join(f"{score:.3f}" for score in side["chain_log_score"])
        print(f"{name:14} log score {side['log_score']:.4f}  rmse {side['rmse']:.4f}  cpu {side['cpu_seconds']:.0f} s")
        print(f"{'':14} by chain {scores}")
    print(f"difference {ours['log_score'] - nuts['log_score']:+.4f} nats (bar: > -0.01)")
    print(f"cpu ratio  1/{nuts['cpu_seconds'] / ours['cpu_seconds']:.1f} (bar: 1/20)")


if __name__ == "__main__":
    main()
