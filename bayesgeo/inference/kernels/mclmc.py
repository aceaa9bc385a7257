"""Steps of microcanonical Langevin chains, in JAX."""

from typing import Any, NamedTuple

from blackjax.mcmc import adjusted_mclmc_dynamic, mclmc

from bayesgeo.inference.kernels.device import jax, jnp
from bayesgeo.inference.kernels.log_density import LogDensity

EVERY, RECORDS = 10, 25  # steps between records, and records in a block
DECAY = 149 / 151  # of the running average that sets the step size: about 150 steps of memory
TRUST = 9.0  # width, in log energy error, of the weights of steps around the target
FIRST_STEP = 1e-3
RECOVERY = 1.001  # growth a step of the largest step size: one early break must not hold for the whole run
LENGTH = 0.3  # first decoherence length, in square roots of the dimension
ACCEPT = 0.9  # wanted acceptance rate of the adjusted chain


class Chain(NamedTuple):
    """Hold the state of a chain and of the tuning of its steps."""

    state: Any
    step_size: Any
    length: Any
    average: Any  # running average of energy error / step size ** 6
    weight: Any
    largest: Any  # step size above which the trajectory diverged, slowly forgotten
    inverse_mass: Any  # (size,): squared scale of each value, 0 where it keeps its start
    power: Any  # of the likelihood


class Record(NamedTuple):
    """Hold the records of a block of steps."""

    position: Any
    lp: Any
    quality: Any  # mean square energy error per dimension since the record before; acceptance, if adjusted
    step_size: Any
    gradient: Any  # of the log density, at the position


def begin(density: LogDensity, chain: Any, data: Any, weight: Any) -> Chain:
    """Start a chain from ``(position, key, step_size, length, inverse_mass, power)``.

    A step size or length of 0 is not tuned yet.
    """
    position, key, step_size, length, inverse_mass, power = chain
    state = mclmc.init(position, lambda theta: density.total(theta, data, power * weight), key)
    zero, far = jnp.float32(0), jnp.float32(jnp.inf)
    step_size = jnp.where(step_size > 0, step_size, FIRST_STEP)
    length = jnp.where(length > 0, length, LENGTH * jnp.sqrt(float(density.size)))
    return Chain(state, step_size, length, zero, zero, far, inverse_mass, power)


def advance(density: LogDensity, chain: Any, data: Any, weight: Any, wanted: Any) -> tuple[Chain, Record]:
    """Take one block of steps; ``wanted`` > 0 is the energy error to tune the step size to, 0 keeps the step size."""
    kernel = mclmc.build_kernel()
    weight = chain[0].power * weight

    def step(chain: Chain, key: Any) -> tuple[Chain, Any]:
        state, info = kernel(
            key,
            chain.state,
            lambda theta: density.total(theta, data, weight),
            chain.inverse_mass,
            chain.length,
            chain.step_size,
        )
        error = jnp.where(info.nonans, info.energy_change**2 / density.size, jnp.inf)
        return _tuned(chain._replace(state=state), error, wanted), error

    def record(chain: Chain, keys: Any) -> tuple[Chain, Record]:
        chain, errors = jax.lax.scan(step, chain, keys)
        state = chain.state
        return chain, Record(state.position, state.logdensity, errors.mean(), chain.step_size, state.logdensity_grad)

    chain, key = chain
    keys = jax.random.split(key, (RECORDS, EVERY))
    return jax.lax.scan(record, chain, keys)


def _tuned(chain: Chain, error: Any, wanted: Any) -> Chain:
    """Tune the step size towards the wanted energy error, which grows with its sixth power (Robnik et al. 2023)."""
    broke = ~jnp.isfinite(error)
    largest = jnp.where(broke & (wanted > 0), 0.8 * chain.step_size, RECOVERY * chain.largest)
    ratio = jnp.where(broke, 0.0, error / jnp.maximum(wanted, 1e-12)) + 1e-8
    trust = jnp.exp(-0.5 * (jnp.log(ratio) / TRUST) ** 2)
    average = DECAY * chain.average + trust * ratio / chain.step_size**6
    weight = DECAY * chain.weight + trust
    tuned = jnp.minimum((average / weight) ** (-1 / 6), largest)
    keep = wanted > 0
    return chain._replace(
        step_size=jnp.where(keep, tuned, chain.step_size),
        average=jnp.where(keep, average, chain.average),
        weight=jnp.where(keep, weight, chain.weight),
        largest=largest,
    )


def score(density: LogDensity, positions: Any, held_out: Any) -> Any:
    """Return the log density of each held-out row at each position, ``(draw, row)``."""
    return jax.lax.map(lambda theta: density.rows(theta, held_out), positions)


def adjusted(density: LogDensity, chain: Any, data: Any, weight: Any, tune: Any) -> tuple[Chain, Record]:
    """Take one block with Metropolis correction, one trajectory for each record; ``tune`` > 0 adapts the step size."""
    weight = chain[0].power * weight
    kernel = adjusted_mclmc_dynamic.build_kernel(
        integration_steps_fn=lambda key, mean: jnp.ceil(jax.random.uniform(key) * 2 * mean).astype(jnp.int32)
    )

    def record(chain: Chain, pair: Any) -> tuple[Chain, Record]:
        key, count = pair
        pick, move = jax.random.split(key)
        inner = chain.state
        state = adjusted_mclmc_dynamic.DynamicHMCState(inner.position, inner.logdensity, inner.logdensity_grad, pick)
        state, info = kernel(
            move,
            state,
            lambda theta: density.total(theta, data, weight),
            chain.step_size,
            inverse_mass_matrix=chain.inverse_mass,
            integration_steps_params=(chain.length / chain.step_size,),
        )
        rate = jnp.nan_to_num(info.acceptance_rate)
        step_size = chain.step_size * jnp.exp(tune * (rate - ACCEPT) / jnp.sqrt(1.0 + count))
        inner = inner._replace(
            position=state.position, logdensity=state.logdensity, logdensity_grad=state.logdensity_grad
        )
        chain = chain._replace(state=inner, step_size=step_size)
        return chain, Record(state.position, state.logdensity, rate, step_size, state.logdensity_grad)

    chain, key = chain
    return jax.lax.scan(record, chain, (jax.random.split(key, RECORDS), jnp.arange(RECORDS)))
