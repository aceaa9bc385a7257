"""What the samplers and approximations in JAX share: rows on the device, chains side by side, trained starts."""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import joblib
import numpy as np
import xarray as xr

from bayesgeo._progress import announce
from bayesgeo.inference.base import Problem, label_posterior
from bayesgeo.inference.density import BLOCK_ROWS, BY_ROW, IN_BLOCKS, LogDensity, import_jax, log_density

jax = import_jax()
jnp = jax.numpy

BATCHES = 20  # of rows in an epoch, at least
BATCH = (16, 512)
TRAINING_STEPS, CHECKS = 3000, 100
LEARNING_RATE = 5e-3
CHECKED_ROWS = 10_000_000  # rows times draws whose density is computed for the check of an approximation
JITTER = 1.0  # of unconstrained values, where a problem says nothing of starts


@dataclass(frozen=True, eq=False)
class Target:
    """A log density with its data on the device.

    Parameters
    ----------
    density : LogDensity
        The functions.
    data : mapping
        Their arrays; those with a value for each row are padded, so that folds of nearly equal size share one
        compilation.
    training, everything : array
        Weight of each row while some are held out, and after.
    held_out : mapping
        The data of the held-out rows alone, but for a few that would make their number an odd one.
    n_rows : int
        Rows, without the padding.
    """

    density: LogDensity
    data: Mapping[str, Any]
    training: Any
    everything: Any
    held_out: Mapping[str, Any]
    n_rows: int


def single_precision() -> AbstractContextManager[None]:
    """Compute in float32 inside the block: twice as fast; PyTensor asks JAX for float64 everywhere."""
    return jax.enable_x64(False)


def target_of(problem: Problem) -> Target:
    """Put a problem on the device."""
    density = log_density(problem)
    n = len(problem.data["y"])
    padded = -n % _grain(n)
    held = np.arange(n) if problem.held_out is None else np.asarray(problem.held_out)
    everything = np.r_[np.ones(n), np.zeros(padded)]
    training = everything.copy()
    if len(held) < n:
        training[held] = 0.0
    data = {
        name: _device(np.concatenate([values, np.repeat(values[-1:], padded, axis=0)]) if name in BY_ROW else values)
        for name, values in problem.data.items()
    }
    scored = held[: len(held) - len(held) % _grain(len(held))]
    held_out = {name: values[scored] if name in BY_ROW else values for name, values in data.items()}
    return Target(density, data, _device(training), _device(everything), held_out, n)


def _grain(n_rows: int) -> int:
    """Return what numbers of rows are rounded to: sizes that differ by less share one compilation."""
    grain = 2 ** max(0, int(np.log2(n_rows)) - 5)
    return max(grain, BLOCK_ROWS) if n_rows >= IN_BLOCKS else grain


def _device(values: np.ndarray) -> Any:
    # Asking for int64 by name would warn; JAX narrows it by itself.
    return jnp.asarray(values, jnp.float32 if values.dtype.kind == "f" else None)


def each_chain(function: Callable, chains: Any, *shared: Any, cores: int | None = None) -> Any:
    """Apply ``function(density, chain, *shared)``-like partials to every chain of a stacked tree.

    On a CPU each chain runs in a thread of its own, because XLA computes a lone chain faster than its share of a
    batch; elsewhere all chains are one batch. The number of cores never changes a number.
    """
    if jax.default_backend() != "cpu":
        return _batched(function, len(shared))(chains, *shared)
    n_chains = jax.tree.leaves(chains)[0].shape[0]

    def alone(chain: Any) -> Any:
        with single_precision():
            return jax.block_until_ready(function(chain, *shared))

    one = [jax.tree.map(lambda leaf, k=k: leaf[k], chains) for k in range(n_chains)]
    with ThreadPoolExecutor(min(cores or joblib.cpu_count(), n_chains)) as pool:
        done = list(pool.map(alone, one))
    return jax.tree.map(lambda *leaves: jnp.stack(leaves), *done)


@cache
def _batched(function: Callable, n_shared: int) -> Callable:
    return jax.jit(jax.vmap(function, in_axes=(0, *[None] * n_shared)))


def starts(problem: Problem, target: Target, chains: int, seed: int, cores: int | None = None) -> Any:
    """Return where each chain begins, ``(chain, size)``: at a trained network where the problem has one."""
    rngs = [np.random.default_rng([seed, chain]) for chain in range(chains)]
    density = target.density
    if problem.start is None:
        plain = density.flat({})
        return _device(np.stack([plain + rng.uniform(-JITTER, JITTER, density.size) for rng in rngs]))
    first = _device(np.stack([density.flat(problem.start(rng, k)) for k, rng in enumerate(rngs)]))
    if problem.trained:
        return first
    announce("training")
    keys = jax.random.split(jax.random.key(seed), chains)
    batch = int(np.clip(target.n_rows // BATCHES, *BATCH))
    step = trainer(density, batch)
    return each_chain(step, (keys, first), target.data, target.training, target.held_out, cores=cores)


@cache
def trainer(density: LogDensity, batch: int) -> Callable:
    """Return the function that climbs the log posterior in minibatches and keeps the best held-out point."""
    return jax.jit(partial(_train, density, batch))


def _train(density: LogDensity, batch: int, chain: Any, data: Any, *others: Any) -> Any:
    """Maximise with Adam (Kingma & Ba 2015) on a cosine schedule; the checkpoint with the best held-out score wins."""
    import optax

    (key, theta), (weight, held_out) = chain, others
    optimiser = optax.adam(optax.cosine_decay_schedule(LEARNING_RATE, TRAINING_STEPS, 0.01))
    total = weight.sum()

    def loss(theta: Any, picked: Any) -> Any:
        part = {name: values[picked] if name in BY_ROW else values for name, values in data.items()}
        likelihood = (weight[picked] * density.rows(theta, part)).sum() * len(weight) / batch
        return -(density.prior(theta, data) + likelihood) / total

    def step(carry: Any, key: Any) -> Any:
        theta, state = carry
        picked = jax.random.randint(key, (batch,), 0, len(weight))
        updates, state = optimiser.update(jax.grad(loss)(theta, picked), state)
        return (theta + updates, state), None

    def check(carry: Any, key: Any) -> Any:
        running, best, best_theta = carry
        running, _ = jax.lax.scan(step, running, jax.random.split(key, TRAINING_STEPS // CHECKS))
        score = density.rows(running[0], held_out).mean()
        better = score > best
        return (running, jnp.where(better, score, best), jnp.where(better, running[0], best_theta)), None

    begin = ((theta, optimiser.init(theta)), jnp.float32(-jnp.inf), theta)
    (_, _, best_theta), _ = jax.lax.scan(check, begin, jax.random.split(key, CHECKS))
    return best_theta


def labelled(problem: Problem, target: Target, theta: np.ndarray) -> xr.Dataset:
    """Name draws ``theta (chain, draw, size)`` as the problem names its variables."""
    return label_posterior(target.density.draws(theta, target.data), problem)


def log_ratios(target: Target, theta: Any, log_q: Any, cores: int | None) -> xr.Dataset:
    """Return how far draws ``theta (chain, sample, size)`` of an approximation are from the posterior.

    Parameters
    ----------
    target : Target
        The posterior.
    theta, log_q : array
        Draws, and their log density ``(chain, sample)`` in the approximation.

    Returns
    -------
    xarray.Dataset
        ``log_ratio (chain, sample)``: unnormalised log importance weights.
    """
    values = each_chain(_totals(target.density), theta, target.data, target.everything, cores=cores)
    return xr.Dataset({"log_ratio": (("chain", "sample"), np.asarray(values) - np.asarray(log_q))})


@cache
def _totals(density: LogDensity) -> Callable:
    def totals(theta: Any, data: Any, weight: Any) -> Any:
        return jax.lax.map(lambda one: density.total(one, data, weight), theta)

    return jax.jit(totals)


def checked_draws(n_rows: int, draws: int) -> int:
    """Return how many draws of each chain have their density computed: at least 100, fewer for many rows.

    Examples
    --------
    >>> checked_draws(1_000, 250), checked_draws(1_000_000, 250)
    (250, 100)
    """
    return min(draws, max(100, CHECKED_ROWS // n_rows))
