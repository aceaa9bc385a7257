"""Modes of a log density and the Gaussians that its curvature draws around them, in JAX."""

from functools import cache, partial
from typing import Any

import numpy as np
import optax
from scipy import stats

from bayesgeo.inference.chains import Target, each_chain, jax, jnp
from bayesgeo.inference.density import LogDensity

STEPS = 2000
NEAR, FAR = 5e-3, 5e-2  # rates from a trained network, which must not lose its mode, and from anywhere


def modes(target: Target, theta: Any, free: np.ndarray, *, rate: float, cores: int | None) -> np.ndarray:
    """Climb from ``theta (chain, size)`` along the free values, on all rows, to a mode each."""
    rates = jnp.zeros(theta.shape[-1], theta.dtype).at[free].set(rate)
    return np.asarray(each_chain(_climb(target.density), theta, target.data, target.everything, rates, cores=cores))


def sample(target: Target, theta: np.ndarray, free: np.ndarray, draws: int, seed: int) -> tuple[Any, Any]:
    """Draw ``(chain, draw, size)`` around the modes, and the log density of the draws in the approximation."""
    hessian = _hessian(target.density)
    drawn, log_q = [], []
    for chain, mode in enumerate(theta):
        curved = np.asarray(hessian(mode[free], mode, free, target.data, target.everything), np.float64)
        precision, axes = np.linalg.eigh(-(curved + curved.T) / 2)
        sd = np.where(precision > 0, np.abs(precision), 1.0) ** -0.5
        z = np.random.default_rng([seed, chain]).normal(size=(draws, len(free)))
        moved = np.tile(mode, (draws, 1))
        moved[:, free] += ((z * sd) @ axes.T).astype(mode.dtype)
        drawn.append(moved)
        log_q.append(stats.norm.logpdf(z).sum(axis=1) - np.log(sd).sum())
    return np.stack(drawn), np.stack(log_q)


@cache
def _climb(density: LogDensity) -> Any:
    return jax.jit(partial(_ascend, density))


def _ascend(density: LogDensity, theta: Any, data: Any, weight: Any, rates: Any) -> Any:
    optimiser = optax.adam(optax.cosine_decay_schedule(1.0, STEPS, 1e-3))

    def step(carry: Any, _: Any) -> Any:
        theta, state = carry
        gradient = jax.grad(lambda t: -density.total(t, data, weight))(theta)
        updates, state = optimiser.update(gradient, state)
        return (theta + rates * updates, state), None

    (theta, _), _ = jax.lax.scan(step, (theta, optimiser.init(theta)), None, length=STEPS)
    return theta


@cache
def _hessian(density: LogDensity) -> Any:
    def total(part: Any, theta: Any, free: Any, data: Any, weight: Any) -> Any:
        return (
            density.prior(theta.at[free].set(part), data)
            + (weight * density.rows(theta.at[free].set(part), data)).sum()
        )

    return jax.jit(jax.hessian(total))
