"""Steps of Gaussian variational inference, in JAX."""

from functools import partial
from typing import Any, NamedTuple

import numpy as np
import optax
from blackjax.vi import fullrank_vi, meanfield_vi

from bayesgeo.inference.kernels.device import chain_keys, each_chain, jax, jnp
from bayesgeo.inference.kernels.log_density import LogDensity
from bayesgeo.inference.kernels.target import Target

RATE = 5e-3
STEP_DRAWS = 2  # draws for each gradient
DRAWING = 2**31  # makes the key of the draws differ from those of the blocks
# Narrow at first: from a wide start the approximation of a network collapses onto the prior.
LOG_SD = -4.0
STEPS = {"mean-field": meanfield_vi.step, "full": fullrank_vi.step}
STATES = {"mean-field": meanfield_vi.MFVIState, "full": fullrank_vi.FRVIState}


class Fit(NamedTuple):
    """Hold the state of one approximation, and its parameters averaged over the later half of a block of steps.

    At a constant rate the steps do not converge; their average does (Dhaka et al. 2020, NeurIPS).
    """

    state: Any
    average: Any


class Climb:
    """Maximise the evidence lower bound of the approximations of one target.

    Parameters
    ----------
    target : Target
        The posterior.
    rank : {"mean-field", "full"}
        The family.
    batch : int
        Rows of a step; 0 is all of them.
    steps : int
        Steps of a block.
    """

    def __init__(self, target: Target, rank: str, batch: int, steps: int):
        self.target, self.rank, self.steps = target, rank, steps
        self._move = target.density.compiled(_block, rank, batch, steps)

    def begin(self, theta: Any) -> Fit:
        """Return narrow Gaussians around ``theta (chain, size)``."""
        return jax.vmap(partial(_begin, self.rank))(theta)

    def block(self, fit: Fit, seed: int, block: int, cores: int | None) -> tuple[Fit, Any]:
        """Take one block of steps; return the fits and the mean bound over the later half, ``(chain,)``."""
        n_chains = fit.state.mu.shape[0]
        keys = chain_keys(np.random.default_rng([seed, block]), n_chains)
        return each_chain(self._move, (keys, fit), self.target.data, self.target.everything, cores=cores)

    def sample(self, fit: Fit, seed: int, draws: int) -> tuple[Any, Any]:
        """Draw ``theta (chain, draw, size)`` and its log density ``(chain, draw)`` in the approximation."""
        keys = chain_keys(np.random.default_rng([seed, DRAWING]), fit.state.mu.shape[0])
        return jax.vmap(partial(_sample, self.rank, draws))(keys, fit.average)


def _optimiser(rank: str, size: int) -> optax.GradientTransformation:
    adam = optax.adam(RATE)
    if rank == "mean-field":
        return adam
    # Each row of the factor adds up as many changes as it has entries below the diagonal.
    pace = jnp.full(size * (size + 1) // 2, 1 / size).at[:size].set(1.0)
    return optax.chain(adam, optax.stateless(lambda updates, _: (updates[0], pace * updates[1])))


def _begin(rank: str, theta: Any) -> Fit:
    size = len(theta)
    # The factor's diagonal comes first, by its logarithm.
    entries = size if rank == "mean-field" else size * (size + 1) // 2
    first = (theta, jnp.zeros(entries, theta.dtype).at[:size].set(LOG_SD))
    return Fit(STATES[rank](*first, _optimiser(rank, size).init(first)), first)


def _block(density: LogDensity, rank: str, batch: int, steps: int, chain: Any, *rows: Any) -> Any:
    optimiser = _optimiser(rank, density.size)

    def step(fit: Fit, numbered: Any) -> tuple[Fit, Any]:
        number, key = numbered
        pick, move = jax.random.split(key)
        log_density = _estimate(density, pick, batch, *rows)
        state, info = STEPS[rank](move, fit.state, log_density, optimiser, STEP_DRAWS)
        share = 1.0 / jnp.maximum(1, number + 1 - steps // 2)
        average = jax.tree.map(lambda mean, now: mean + share * (now - mean), fit.average, tuple(state[:2]))
        return Fit(state, average), -info.elbo

    key, fit = chain
    fit, bounds = jax.lax.scan(step, fit, (jnp.arange(steps), jax.random.split(key, steps)))
    return fit, bounds[steps // 2 :].mean()


def _estimate(density: LogDensity, key: Any, batch: int, data: Any, weight: Any) -> Any:
    """Return the log density, from all rows or, unbiased, from a batch of them."""
    if not batch:
        return lambda theta: density.total(theta, data, weight)
    picked = jax.random.randint(key, (batch,), 0, len(weight))
    return lambda theta: density.sampled(theta, picked, data, weight)


def _sample(rank: str, draws: int, key: Any, parameters: Any) -> tuple[Any, Any]:
    state = STATES[rank](*parameters, None)
    if rank == "mean-field":
        theta = meanfield_vi.sample(key, state, draws)
        log_q = meanfield_vi.generate_meanfield_logdensity(state.mu, state.rho)
    else:
        theta = fullrank_vi.sample(key, state, draws)
        log_q = fullrank_vi.generate_fullrank_logdensity(state.mu, state.chol_params)
    return theta, jax.lax.map(log_q, theta)
