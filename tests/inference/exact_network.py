"""The posterior of a network with one hidden unit on one feature, by quadrature.

Given the hidden unit and the noise, the outputs are linear in what is left: a Gaussian posterior in closed form. Over
the two hidden values and the noise the rest is a sum on a grid.
"""

import numpy as np

GRID = 90  # points along each of the two hidden values
WIDE = 4.5  # prior standard deviations that the grid reaches
SIGMA = np.linspace(0.02, 1.6, 80)


def exact_moments(x, y, at):
    """Return mean and sd of the function at standardised ``at``, then of the noise, given standardised ``x`` and ``y``.

    The network is ``w_1 tanh(w_0 x + b_0) + b_1``, its four weights are unit normal and the noise is half normal.
    """
    line = np.linspace(-WIDE, WIDE, GRID)
    hidden = np.stack(np.meshgrid(line, line, indexing="ij"), axis=-1).reshape(-1, 2)
    A, A_at = (np.stack([unit := np.tanh(hidden[:, :1] * v + hidden[:, 1:]), np.ones_like(unit)], -1) for v in (x, at))
    gram, cross, total = np.einsum("gni,gnj->gij", A, A), A.transpose(0, 2, 1) @ y, y @ y
    prior = -0.5 * (hidden**2).sum(axis=1)
    parts = [_given_noise(sigma, gram, cross, A_at, total=total, n=len(y)) for sigma in SIGMA]
    log_weight = np.stack([part[0] + prior - 0.5 * sigma**2 for part, sigma in zip(parts, SIGMA, strict=True)])
    weight = np.exp(log_weight - log_weight.max())
    weight /= weight.sum()
    mean, second = (sum(w @ part[k] for w, part in zip(weight, parts, strict=True)) for k in (1, 2))
    by_noise = weight.sum(axis=1)
    noise = by_noise @ SIGMA, by_noise @ SIGMA**2
    mean, second = np.r_[mean, noise[0]], np.r_[second, noise[1]]
    return mean, np.sqrt(second - mean**2)


def _given_noise(sigma, gram, cross, A_at, *, total, n):
    """Return the log evidence of each hidden unit, and the first two moments of the function, ``(hidden, at)``."""
    precision = gram / sigma**2 + np.eye(2)
    covariance = np.linalg.inv(precision)
    location = (covariance @ (cross / sigma**2)[..., None])[..., 0]
    fit = (location * cross).sum(axis=1) / sigma**2
    evidence = -n * np.log(sigma) - 0.5 * (np.linalg.slogdet(precision)[1] + total / sigma**2 - fit)
    mean = np.einsum("gni,gi->gn", A_at, location)
    variance = np.einsum("gni,gij,gnj->gn", A_at, covariance, A_at)
    return evidence, mean, variance + mean**2
