"""The steps of Gaussian variational inference, in JAX."""

from functools import cache, partial
from typing import Any

import optax
from blackjax.vi import fullrank_vi, meanfield_vi

from bayesgeo.inference.chains import Target, each_chain, jax, jnp, row_names
from bayesgeo.inference.density import LogDensity

RATE = 5e-3
STEP_DRAWS = 2  # draws behind each gradient
DRAWING = 2**31  # sets the key of the draws apart from those of the blocks
# Narrow at first: from a wide start the approximation of a network collapses onto the prior.
LOG_SD = -4.0
STEPS = {"mean-field": meanfield_vi.step, "full": fullrank_vi.step}


class Climb:
    """Approximations of one target, and the steps that raise their evidence lower bound.

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
        self._move = _moves(target.density, rank, batch, steps)

    def begin(self, theta: Any) -> Any:
        """Return narrow Gaussians around ``theta (chain, size)``."""
        return jax.vmap(partial(_begin, self.rank))(theta)

    def block(self, state: Any, seed: int, block: int, cores: int | None) -> tuple[Any, Any]:
        """Take one block of steps; return the states and the mean bound over the later half, ``(chain,)``."""
        n_chains = state.mu.shape[0]
        keys = jax.random.split(jax.random.fold_in(jax.random.key(seed), block), n_chains)
        return each_chain(self._move, (keys, state), self.target.data, self.target.everything, cores=cores)

    def sample(self, state: Any, seed: int, draws: int) -> tuple[Any, Any]:
        """Draw ``theta (chain, draw, size)`` and its log density ``(chain, draw)`` in the approximation."""
        keys = jax.random.split(jax.random.fold_in(jax.random.key(seed), DRAWING), state.mu.shape[0])
        return jax.vmap(partial(_sample, self.rank, draws))(keys, state)


def _optimiser(rank: str, size: int) -> optax.GradientTransformation:
    adam = optax.adam(RATE)
    if rank == "mean-field":
        return adam
    # Each row of the factor adds up as many changes as it has entries below the diagonal.
    pace = jnp.full(size * (size + 1) // 2, 1 / size).at[:size].set(1.0)
    return optax.chain(adam, optax.stateless(lambda updates, _: (updates[0], pace * updates[1])))


def _begin(rank: str, theta: Any) -> Any:
    optimiser = _optimiser(rank, len(theta))
    if rank == "mean-field":
        spread = jnp.full_like(theta, LOG_SD)
        return meanfield_vi.MFVIState(theta, spread, optimiser.init((theta, spread)))
    size = len(theta)
    # The factor's diagonal comes first, by its logarithm.
    spread = jnp.zeros(size * (size + 1) // 2, theta.dtype).at[:size].set(LOG_SD)
    return fullrank_vi.FRVIState(theta, spread, optimiser.init((theta, spread)))


@cache
def _moves(density: LogDensity, rank: str, batch: int, steps: int) -> Any:
    return jax.jit(partial(_block, density, rank, batch, steps))


def _block(density: LogDensity, rank: str, batch: int, steps: int, chain: Any, data: Any, weight: Any) -> Any:
    optimiser = _optimiser(rank, density.size)

    def step(state: Any, key: Any) -> tuple[Any, Any]:
        pick, move = jax.random.split(key)
        log_density = _estimate(density, pick, batch, data, weight)
        state, info = STEPS[rank](move, state, log_density, optimiser, STEP_DRAWS)
        return state, -info.elbo

    key, state = chain
    state, bounds = jax.lax.scan(step, state, jax.random.split(key, steps))
    return state, bounds[steps // 2 :].mean()


def _estimate(density: LogDensity, key: Any, batch: int, data: Any, weight: Any) -> Any:
    """Return the log density, from all rows or, unbiased, from a batch of them."""
    if not batch:
        return lambda theta: density.total(theta, data, weight)
    picked = jax.random.randint(key, (batch,), 0, len(weight))
    rows = row_names(data, weight)
    part = {name: values[picked] if name in rows else values for name, values in data.items()}
    scale = weight[picked] * (len(weight) / batch)
    return lambda theta: density.prior(theta, data) + (scale * density.rows(theta, part)).sum()


def _sample(rank: str, draws: int, key: Any, state: Any) -> tuple[Any, Any]:
    if rank == "mean-field":
        theta = meanfield_vi.sample(key, state, draws)
        log_q = meanfield_vi.generate_meanfield_logdensity(state.mu, state.rho)
    else:
        theta = fullrank_vi.sample(key, state, draws)
        log_q = fullrank_vi.generate_fullrank_logdensity(state.mu, state.chol_params)
    return theta, jax.lax.map(log_q, theta)
