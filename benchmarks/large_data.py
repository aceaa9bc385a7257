"""A Bayesian network on a million rows: memory, the time of an epoch, and how cost grows with rows.

    python benchmarks/large_data.py [--rows 1000000]

Three figures, each from this run: the peak memory of fitting `BayesianMLPClassifier((32, 32))` by its default for many
rows, minibatch `ADVI`, to rows x 20 features; the seconds in which one of its chains sees as many rows as there are,
against an epoch of the plain PyTorch network of the same size at the same batch; and the exponent with which the time
of a full-batch gradient, the unit of cost of MCLMC, grows from 1,000 to 100,000 rows.
"""

import argparse
import resource
import time
from itertools import pairwise

import numpy as np

FEATURES, HIDDEN, BATCH = 20, (32, 32), 512
STEPS = 2_000


def rows(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Draw features, and classes by a smooth rule of six of them."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, FEATURES)).astype(np.float32)
    logit = 2 * np.sin(X[:, 0] * X[:, 1]) + X[:, 2] - X[:, 3] ** 2 + X[:, 4] * X[:, 5]
    return X, (rng.random(n) < 1 / (1 + np.exp(-logit))).astype(int)


def torch_epoch(X: np.ndarray, y: np.ndarray) -> float:
    """Time an epoch of plain PyTorch, from the time of some of its steps."""
    import torch

    torch.set_num_threads(1)
    sizes = (FEATURES, *HIDDEN, 2)
    layers: list[torch.nn.Module] = []
    for inputs, outputs in pairwise(sizes):
        layers += [torch.nn.Linear(inputs, outputs), torch.nn.SiLU()]
    network = torch.nn.Sequential(*layers[:-1])
    optimiser = torch.optim.AdamW(network.parameters())
    features, target = torch.as_tensor(X), torch.as_tensor(y)
    begun = time.process_time()
    for _ in range(STEPS):
        picked = torch.randint(len(X), (BATCH,))
        optimiser.zero_grad()
        torch.nn.functional.cross_entropy(network(features[picked]), target[picked]).backward()
        optimiser.step()
    return (time.process_time() - begun) / STEPS * len(X) / BATCH


def problem_of(X: np.ndarray, y: np.ndarray) -> object:
    """Return the network's posterior on these rows, as the estimator states it."""
    from functools import partial

    from bayesgeo.inference.base import Problem
    from bayesgeo.models.architecture import Network
    from bayesgeo.models.networks.graph import linear_coordinates, network_graph

    network = Network(FEATURES, HIDDEN, 1, linear=True)
    coordinates = linear_coordinates(X, y, 2)
    return Problem(
        build=partial(network_graph, network, (2.0, 1.0, 4.0), "classes", n_labels=2),
        data={"X": X, "y": y} | coordinates,
        constants=tuple(coordinates),
        dims={name: tuple(f"{name}_{axis}" for axis in range(len(shape))) for name, shape in network.shapes.items()},
    )


def advi_epoch(X: np.ndarray, y: np.ndarray) -> float:
    """Time an epoch of one chain of minibatch ADVI, compilation excluded."""
    from bayesgeo.inference.kernels import advi, device
    from bayesgeo.inference.kernels import target as on_device

    with device.single_precision():
        target = on_device.target_of(problem_of(X, y))
        climb = advi.Climb(target, "mean-field", BATCH, STEPS)
        network_start = target.density.flat({})[None]
        state = climb.begin(device.jnp.asarray(network_start))
        state, _ = climb.block(state, 0, 0, 1)
        begun = time.process_time()
        climb.block(state, 0, 1, 1)
        return (time.process_time() - begun) / STEPS * len(X) / BATCH


def gradient_seconds(n: int) -> float:
    """Time a full-batch gradient on ``n`` rows: CPU seconds, the least of five."""
    from bayesgeo.inference.kernels import device
    from bayesgeo.inference.kernels import target as on_device

    jax = device.jax
    with device.single_precision():
        X, y = rows(n)
        target = on_device.target_of(problem_of(X, y))
        rng = np.random.default_rng(0)
        theta = device.jnp.asarray(0.2 * rng.normal(size=target.density.size), device.jnp.float32)
        repeats = max(3, 300_000 // n)

        @jax.jit
        def climb(theta: object) -> object:
            def step(theta: object, _: object) -> tuple[object, None]:
                gradient = jax.grad(lambda t: target.density.total(t, target.data, target.everything))(theta)
                return theta + 1e-9 * gradient, None

            return jax.lax.scan(step, theta, None, length=repeats)[0]

        climb(theta).block_until_ready()
        times = []
        for _ in range(5):
            begun = time.process_time()
            climb(theta).block_until_ready()
            times.append(time.process_time() - begun)
    return min(times) / repeats


def main() -> None:
    """Print the three figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    n = parser.parse_args().rows

    from bayesgeo.models.networks.bayesian_mlp import BayesianMLPClassifier

    X, y = rows(n)
    begun, cpu = time.perf_counter(), time.process_time()
    fitted = BayesianMLPClassifier(HIDDEN, random_state=0).fit(X, y)
    wall, cpu = time.perf_counter() - begun, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    X_test, y_test = rows(20_000, seed=1)
    p = fitted.predict_proba(X_test)[np.arange(len(y_test)), y_test]
    print(f"fit {n:,} rows by {fitted.posterior_.attrs['inference']}: {wall:.0f} s wall, {cpu:.0f} s CPU")
    print(f"log loss on 20,000 more rows {-np.log(p).mean():.4f}; peak memory {peak:.2f} GiB (bar: 3)")
    ours, plain = advi_epoch(X, y), torch_epoch(X, y)
    print(f"an epoch of a chain {ours:.2f} s CPU, of plain PyTorch {plain:.2f} s: ratio {ours / plain:.2f} (bar: 3)")
    sizes = (1_000, 10_000, 100_000)
    seconds = [gradient_seconds(size) for size in sizes]
    for size, value in zip(sizes, seconds, strict=True):
        print(f"a full-batch gradient on {size:>7,} rows {1e3 * value:8.3f} ms, {1e9 * value / size:5.1f} ns a row")
    exponent = np.polyfit(np.log(sizes), np.log(seconds), 1)[0]
    print(f"cost exponent from 1,000 to 100,000 rows {exponent:.3f} (bar: 1.05)")


if __name__ == "__main__":
    main()
