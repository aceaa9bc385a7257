"""Shared parts of the inferences in JAX: rows on the device, trained starting values, named draws."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from bayesgeo._progress import announce
from bayesgeo.inference.base import Problem, label_posterior
from bayesgeo.inference.kernels.device import chain_keys, each_chain, jax, jnp
from bayesgeo.inference.kernels.log_density import BLOCK_ROWS, IN_BLOCKS, LogDensity, log_density

BATCHES = 20  # of rows in an epoch, at least
BATCH = (16, 512)
TRAINING_STEPS, CHECKS = 3000, 100
LEARNING_RATE = 5e-3
CHECKED_ROWS = 10_000_000  # rows times draws used to check an approximation, at most
JITTER = 1.0  # of unconstrained values, where a problem has no start


@dataclass(frozen=True, eq=False)
class Target:
    """Hold a log density with its data on the device.

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
        The data of the held-out rows alone, without a few, to round their number.
    n_rows : int
        Rows, without the padding.
    """

    density: LogDensity
    data: Mapping[str, Any]
    training: Any
    everything: Any
    held_out: Mapping[str, Any]
    n_rows: int


def target_of(problem: Problem) -> Target:
    """Copy a problem to the device."""
    density = log_density(problem)
    n = len(problem.data["y"])
    padded = -n % _grain(n)
    held = np.arange(n) if problem.held_out is None else np.asarray(problem.held_out)
    everything = np.r_[np.ones(n), np.zeros(padded)]
    training = everything.copy()
    if len(held) < n:
        training[held] = 0.0
    data = {
        name: _padded(values, padded) if name in density.by_row else np.asarray(values)
        for name, values in problem.data.items()
    }
    scored = held[: len(held) - len(held) % _grain(len(held))]
    held_out = {name: values[scored] if name in density.by_row else values for name, values in data.items()}
    data, held_out = ({name: _device(values) for name, values in part.items()} for part in (data, held_out))
    return Target(density, data, _device(training), _device(everything), held_out, n)


def _padded(values: np.ndarray, more: int) -> np.ndarray:
    """Repeat the last row ``more`` times."""
    return np.concatenate([values, np.repeat(values[-1:], more, axis=0)])


def _grain(n_rows: int) -> int:
    """Return the multiple that numbers of rows are rounded to, so that similar sizes share one compilation."""
    grain = 2 ** max(0, int(np.log2(n_rows)) - 5)
    return max(grain, BLOCK_ROWS) if n_rows >= IN_BLOCKS else grain


def _device(values: np.ndarray) -> Any:
    # An explicit int64 would warn; JAX converts it to int32 by itself.
    return jnp.asarray(values, jnp.float32 if values.dtype.kind == "f" else None)


def initial(problem: Problem, density: LogDensity, chains: int, seed: int) -> Any:
    """Return the starting values ``(chain, size)`` that the problem states, or else values near those of PyMC."""
    rngs = [np.random.default_rng([seed, chain]) for chain in range(chains)]
    if problem.start is None:
        plain = density.flat({})
        return _device(np.stack([plain + rng.uniform(-JITTER, JITTER, density.size) for rng in rngs]))
    return _device(np.stack([density.flat(problem.start(rng, k)) for k, rng in enumerate(rngs)]))


def starts(problem: Problem, target: Target, chains: int, seed: int, cores: int | None = None) -> Any:
    """Return the starting values ``(chain, size)``, those of trained networks if the problem has starts."""
    density = target.density
    first = initial(problem, density, chains, seed)
    if problem.start is None or problem.start.trained:
        return first
    announce("training")
    keys = chain_keys(np.random.default_rng([seed, 3]), chains)
    batch = int(np.clip(target.n_rows // BATCHES, *BATCH))
    return each_chain(
        density.compiled(_train, batch), (keys, first), target.data, target.training, target.held_out, cores=cores
    )


def _train(density: LogDensity, batch: int, chain: Any, data: Any, *others: Any) -> Any:
    """Maximise with Adam (Kingma & Ba 2015) on a cosine schedule; the checkpoint with the best held-out score wins."""
    import optax

    (key, theta), (weight, held_out) = chain, others
    optimiser = optax.adam(optax.cosine_decay_schedule(LEARNING_RATE, TRAINING_STEPS, 0.01))
    total = weight.sum()

    def loss(theta: Any, picked: Any) -> Any:
        return -density.sampled(theta, picked, data, weight) / total

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


def approximation(problem: Problem, target: Target, theta: Any, log_q: Any, cores: int | None) -> dict[str, xr.Dataset]:
    """Return the groups of an approximation.

    Parameters
    ----------
    problem, target
        The approximated posterior.
    theta, log_q : array
        Its draws ``(chain, draw, size)``, and their log density in it ``(chain, draw)``.
    cores : int, optional
        Chains evaluated at once.

    Returns
    -------
    dict
        ``posterior``, the draws by name; ``approximation`` with ``log_ratio (chain, sample)``, the unnormalised log
        importance weights of the first of them.
    """
    checked = checked_draws(target.n_rows, theta.shape[1])
    totals = target.density.compiled(_totals)
    values = each_chain(totals, jnp.asarray(theta[:, :checked]), target.data, target.everything, cores=cores)
    ratio = np.asarray(values) - np.asarray(log_q)[:, :checked]
    return {
        "posterior": labelled(problem, target, np.asarray(theta)),
        "approximation": xr.Dataset({"log_ratio": (("chain", "sample"), ratio)}),
    }


def _totals(density: LogDensity, theta: Any, data: Any, weight: Any) -> Any:
    return jax.lax.map(lambda one: density.total(one, data, weight), theta)


def checked_draws(n_rows: int, draws: int) -> int:
    """Return how many draws of each chain have their density computed: at least 100, fewer for many rows.

    Examples
    --------
    >>> checked_draws(1_000, 250), checked_draws(1_000_000, 250)
    (250, 100)
    """
    return min(draws, max(100, CHECKED_ROWS // n_rows))
