"""The posterior of a nested network with one hidden unit on one feature, by quadrature.

Given the hidden unit and the noise, the outputs are linear in what is left: a Gaussian posterior in closed form. Over
the hidden weight, the hidden bias and the noise the rest is a sum on a grid.
"""

import numpy as np
from scipy import special

GRID = 90  # points along each of the two hidden values
WIDE, FAR = 4.5, 12.0  # standard deviations that the grid reaches: of a normal value, of a product of two
ABOVE_FLOOR = np.linspace(0.01, 0.8, 80)
OTHERS = np.array([10.0, 1.0])  # prior scales of the intercept and of the slope of the linear part


def exact_moments(x, y, at, *, scales, floor, learned=False):
    """Return mean and sd of the function at standardised ``at``, then of the noise, given standardised ``x`` and ``y``.

    The function is ``alpha + beta x + w_1 tanh(w_0 x + b_0)``: ``alpha ~ N(0, 10^2)``, ``beta`` and ``b_0`` unit
    normal, ``w_k ~ N(0, scales[k]^2)``, and the noise ``floor`` plus a half normal. If the relevance of the feature is
    learned, ``w_0`` is the product of two normal values.
    """
    (w, log_w), (b, log_b) = _hidden_weight(scales[0], learned=learned), _normal(np.linspace(-WIDE, WIDE, GRID))
    hidden = np.stack(np.meshgrid(w, b, indexing="ij"), axis=-1).reshape(-1, 2)
    prior = (log_w[:, None] + log_b).ravel()
    A, A_at = (np.stack([np.tanh(hidden[:, :1] * v + hidden[:, 1:]), *_linear(v, len(hidden))], -1) for v in (x, at))
    gram, cross, total = A.transpose(0, 2, 1) @ A, A.transpose(0, 2, 1) @ y, y @ y
    scale, sigmas = np.r_[scales[1], OTHERS], floor + ABOVE_FLOOR
    parts = [_given_noise(sigma, gram, cross, A_at, scale=scale, total=total, n=len(y)) for sigma in sigmas]
    log_weight = np.stack([part[0] + prior - 0.5 * v**2 for part, v in zip(parts, ABOVE_FLOOR, strict=True)])
    weight = np.exp(log_weight - log_weight.max())
    weight /= weight.sum()
    mean, second = (sum(w @ part[k] for w, part in zip(weight, parts, strict=True)) for k in (1, 2))
    by_noise = weight.sum(axis=1)
    mean, second = np.r_[mean, by_noise @ sigmas], np.r_[second, by_noise @ sigmas**2]
    return mean, np.sqrt(second - mean**2)


def _normal(values):
    return values, -0.5 * values**2


def _hidden_weight(scale, *, learned):
    """Return values of the hidden weight and their log prior masses, up to a constant."""
    if not learned:
        unit, log_p = _normal(np.linspace(-WIDE, WIDE, GRID))
        return scale * unit, log_p
    # The product of two unit normals has the density K0(|c|) / pi, infinite at zero: points as dense as their cube.
    u = (np.arange(2 * GRID) + 0.5) / GRID - 1
    c = FAR * u**3
    return scale * c, np.log(special.k0(np.abs(c))) + 2 * np.log(np.abs(u))


def _linear(v, n):
    """Return the columns of the intercept and the slope, each ``(hidden, row)``."""
    return np.broadcast_to(np.ones_like(v), (n, len(v))), np.broadcast_to(v, (n, len(v)))


def _given_noise(sigma, gram, cross, A_at, *, scale, total, n):
    """Return the log evidence of each hidden unit, and the first two moments of the function, ``(hidden, at)``."""
    precision = gram / sigma**2 + np.diag(scale**-2.0)
    covariance = np.linalg.inv(precision)
    location = (covariance @ (cross / sigma**2)[..., None])[..., 0]
    fit = (location * cross).sum(axis=1) / sigma**2
    evidence = -n * np.log(sigma) - 0.5 * (np.linalg.slogdet(precision)[1] + total / sigma**2 - fit)
    mean = np.einsum("gni,gi->gn", A_at, location)
    variance = np.einsum("gni,gij,gnj->gn", A_at, covariance, A_at)
    return evidence, mean, variance + mean**2
