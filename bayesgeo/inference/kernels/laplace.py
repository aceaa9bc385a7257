"""Modes of a log density and their Gaussian approximations by its curvature, in JAX."""

from typing import Any

import numpy as np
import optax
from scipy import stats

from bayesgeo.inference.kernels.device import each_chain, jax, jnp
from bayesgeo.inference.kernels.log_density import LogDensity
from bayesgeo.inference.kernels.target import Target

STEPS = 2000
NEAR, FAR = 5e-3, 5e-2  # rates from a trained network, which must not lose its mode, and from anywhere


def modes(target: Target, theta: Any, free: np.ndarray, *, rate: float, cores: int | None) -> np.ndarray:
    """Maximise from ``theta (chain, size)`` over the free values, on all rows, to one mode for each chain."""
    rates = jnp.zeros(theta.shape[-1], theta.dtype).at[free].set(rate)
    climb = target.density.compiled(_ascend)
    return np.asarray(each_chain(climb, theta, target.data, target.everything, rates, cores=cores))


def sample(target: Target, theta: np.ndarray, free: np.ndarray, draws: int, seed: int) -> tuple[Any, Any]:
    """Draw ``(chain, draw, size)`` around the modes, and the log density of the draws in the approximation."""
    hessian = target.density.compiled(_hessian)
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


def _ascend(density: LogDensity, theta: Any, data: Any, weight: Any, rates: Any) -> Any:
    optimiser = optax.adam(optax.cosine_decay_schedule(1.0, STEPS, 1e-3))

    def step(carry: Any, _: Any) -> Any:
        theta, state = carry
        gradient = jax.grad(lambda t: -density.total(t, data, weight))(theta)
        updates, state = optimiser.update(gradient, state)
        return (theta + rates * updates, state), None

    (theta, _), _ = jax.lax.scan(step, (theta, optimiser.init(theta)), None, length=STEPS)
    return theta


def _hessian(density: LogDensity, part: Any, theta: Any, free: Any, *rows: Any) -> Any:
    data, weight = rows

    def total(part: Any) -> Any:
        # Not density.total: its sum over blocks of rows has a first derivative only.
        whole = theta.at[free].set(part)
        return density.prior(whole, data) + (weight * density.rows(whole, data)).sum()

    return jax.hessian(total)(part)
