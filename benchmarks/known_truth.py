"""Generated data whose exact answer is known, for `network_on_known_truth.py`, and checks of that answer.

The exact answer is the distribution of the outcome of a row given its features, at a group that was never seen: what
the best model of unlimited data would say. Groups shift rows at random, apart from the classes, so that at a new group
the variance of the shift is simply added.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pandas as pd
from scipy import special, stats

from bayesgeo.datasets.simulation.events import draw_seismic_events

LEAST = 1e-12  # probability of a class that a model has never seen
NODES = 24  # of Gauss-Hermite quadrature: exact for polynomials of degree 47
LARGEST_Z = 5.0  # of some hundred standard normal figures: a chance of 6e-5
TYPES, LOGS = 9, 7
INFORMATIVE = (1.3, 1.3, 1.3, 1.3, 0.4, 0.4, 0.0)  # spread of the means of the types, by log, in standard units


class Truth(Protocol):
    """The exact answer for some rows."""

    def divergence(self, fitted: Any, X: Any) -> np.ndarray:
        """Return the Kullback-Leibler divergence of a model's predictive from the exact answer, ``(obs,)`` nats."""

    def surprises(self, y: np.ndarray) -> np.ndarray:
        """Return figures of observed outcomes ``y (obs,)`` that are standard normal if this answer is right."""


@dataclass(frozen=True, eq=False)
class Classes:
    """Exact probabilities ``(obs, label)``."""

    p: np.ndarray

    def divergence(self, fitted: Any, X: Any) -> np.ndarray:
        """Sum ``p log (p / q)`` over the classes; ``q`` of a class absent from training is 1e-12."""
        q = np.full_like(self.p, LEAST)
        q[:, fitted.classes_] = fitted.predict_proba(X)
        return self.divergence_from(q)

    def divergence_from(self, q: np.ndarray) -> np.ndarray:
        """Return the divergence ``(obs,)`` of probabilities ``q (obs, label)``."""
        return (special.xlogy(self.p, self.p) - special.xlogy(self.p, np.maximum(q, LEAST))).sum(axis=1)

    def surprises(self, y: np.ndarray) -> np.ndarray:
        """Compare counts with sums of probabilities, by class and tenth of its probability; log loss with entropy."""
        found = []
        for k, p in enumerate(self.p.T):
            tenth = np.minimum((10 * p).astype(int), 9)
            excess, variance = np.bincount(tenth, (y == k) - p, 10), np.bincount(tenth, p * (1 - p), 10)
            # Of few expected rows counts are not normal.
            found.append(excess[variance > 100] / np.sqrt(variance[variance > 100]))
        loss = -np.log(self.p[np.arange(len(y)), y]) + special.xlogy(self.p, self.p).sum(axis=1)
        return np.r_[np.concatenate(found), np.sqrt(len(y)) * loss.mean() / loss.std()]


@dataclass(frozen=True, eq=False)
class Normal:
    """Exact means and standard deviations ``(obs,)`` of a normal outcome."""

    mean: np.ndarray
    sd: np.ndarray

    def divergence(self, fitted: Any, X: Any) -> np.ndarray:
        """Integrate ``log p - log q`` over the normal outcome by Gauss-Hermite quadrature; ``q`` mixes all draws."""
        predictive = fitted.predictive(X)

        def log_density(y: np.ndarray) -> np.ndarray:
            draws = fitted.log_density(predictive, y).values.reshape(-1, len(y))
            return special.logsumexp(draws, axis=0) - np.log(len(draws))

        return self.divergence_from(log_density)

    def divergence_from(self, log_density: Callable[[np.ndarray], np.ndarray], nodes: int = NODES) -> np.ndarray:
        """Return the divergence ``(obs,)`` of a distribution with the log density ``log_density(y)``."""
        at, weight = np.polynomial.hermite_e.hermegauss(nodes)
        shares = weight / weight.sum()
        cross = sum(share * log_density(self.mean + z * self.sd) for z, share in zip(at, shares, strict=True))
        return -0.5 * np.log(2 * np.pi * np.e) - np.log(self.sd) - cross

    def surprises(self, y: np.ndarray) -> np.ndarray:
        """Return the first two moments of standardised outcomes in each tenth of the mean and of the spread."""
        z = (y - self.mean) / self.sd
        found = []
        for order in (self.mean, self.sd):
            for part in np.array_split(z[np.argsort(order, kind="stable")], 10):
                found += [np.sqrt(len(part)) * part.mean(), np.sqrt(len(part) / 2) * (np.mean(part**2) - 1)]
        return np.array([*found, stats.norm.isf(stats.kstest(z, "norm").pvalue)])


@dataclass(frozen=True, eq=False)
class Drawn:
    """Rows ``X (obs, feature)`` with outcomes and groups ``(obs,)``, and the exact answer at a new group."""

    X: Any
    y: np.ndarray
    groups: np.ndarray
    truth: Truth


def draw_events(n: int, seed: int, groups: int = 60) -> Drawn:
    """Draw earthquakes and quarry blasts in districts; the exact answer is `event_physics.exact_probability`."""
    events = draw_seismic_events(n, seed=seed, n_sites=groups)
    return Drawn(events.X, events.y.values, events.group.values, Classes(events.exact.values))


def draw_rocks(n: int, seed: int, groups: int = 30, *, shift_sd: float = 0.25) -> Drawn:
    r"""Draw nine rock types in wells from seven logs and the noise of the row.

    In standard units the logs of type :math:`k` are :math:`u = m_k + L_k e + b_w + s_i e'` with normal :math:`e, e'`: a
    shift :math:`b_w \sim N(0, \tau^2 I)` of the well and noise of standard deviation :math:`s_i`, which is known and a
    feature. Types have shares :math:`\pi_k`; the well says nothing on the type. At a new well

    .. math:: P(k \mid u, s) \propto \pi_k N(u; m_k, L_k L_k^T + (\tau^2 + s^2) I),

    and the logs as they are written are one-to-one functions of :math:`u`, whose Jacobian is that of all types. The
    covariance is diagonal, plus :math:`\tau^2 + s^2`, in the eigenvectors of :math:`L_k L_k^T`.
    """
    share, mean, factor = _rock_types()
    rng = np.random.default_rng(seed)
    kind, well = rng.choice(TYPES, n, p=share), rng.integers(groups, size=n)
    ln_noise = rng.normal(-1.2, 0.6, n)
    u = mean[kind] + np.einsum("nij,nj->ni", factor[kind], rng.standard_normal((n, LOGS)))
    u += rng.normal(0, shift_sd, (groups, LOGS))[well] + np.exp(ln_noise)[:, None] * rng.standard_normal((n, LOGS))
    added = shift_sd**2 + np.exp(2 * ln_noise)
    log_p = np.stack([np.log(share[k]) + _log_normal(u - mean[k], factor[k], added) for k in range(TYPES)], axis=1)
    logs = {
        "resistivity_ohm_m": 10 * np.exp(0.5 * u[:, 0]),
        "neutron_porosity": special.expit(u[:, 1]),
        "spontaneous_potential_mv": 40 * np.sinh(0.5 * u[:, 2]),
        "gamma_ray_api": 75 + 25 * u[:, 3],
        "density_g_cm3": 2.45 + 0.1 * u[:, 4],
        "sonic_us_ft": 80 + 12 * u[:, 5],
        "photoelectric_b_e": 3.2 + 0.6 * u[:, 6],
        "ln_noise": ln_noise,
    }
    return Drawn(pd.DataFrame(logs), kind, well, Classes(special.softmax(log_p, axis=1)))


def _rock_types() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return shares ``(type,)``, means ``(type, log)`` and factors of covariances ``(type, log, log)``."""
    rng = np.random.default_rng(1)
    mean = rng.normal(0, INFORMATIVE, (TYPES, LOGS))
    scale = np.exp(rng.normal(0, 0.35, (TYPES, LOGS)))
    mixing = np.eye(LOGS) + 0.35 / np.sqrt(LOGS) * rng.standard_normal((TYPES, LOGS, LOGS))
    return rng.dirichlet(np.full(TYPES, 4.0)), mean, scale[:, :, None] * mixing


def _log_normal(away: np.ndarray, factor: np.ndarray, added: np.ndarray) -> np.ndarray:
    """Return the log density ``(obs,)``, up to a constant, of ``N(0, factor factor' + added I)``."""
    eigenvalues, vectors = np.linalg.eigh(factor @ factor.T)
    variance = eigenvalues + added[:, None]
    return -0.5 * ((away @ vectors) ** 2 / variance + np.log(variance)).sum(axis=1)


def draw_motions(n: int, seed: int, groups: int = 40, *, site_sd: float = 0.25) -> Drawn:
    r"""Draw the log of peak ground accelerations at sites.

    :math:`y = f(x) + b_s + \sigma(x) e`, with the effect :math:`b_s \sim N(0, \tau^2)` of the site: at a new site
    :math:`y \sim N(f(x), \tau^2 + \sigma(x)^2)`. :math:`f` has what ground-motion models have: magnitude scaling that
    bends above 5.5, geometric spreading that depends on magnitude over a distance that saturates, anelastic
    attenuation, and soil that amplifies, more in strong earthquakes. The noise is larger of small earthquakes and
    within 15 km. Strike, wind and temperature do not matter.
    """
    rng = np.random.default_rng(seed)
    magnitude = 3 + np.minimum(rng.exponential(0.9, n), 4)
    distance, depth = np.exp(rng.uniform(np.log(3), np.log(200), n)), rng.gamma(2, 5, n)
    vs30, normal = np.exp(rng.normal(np.log(450), 0.45, n)), rng.integers(0, 2, n)
    X = {
        "magnitude": magnitude,
        "ln_distance_km": np.log(distance),
        "depth_km": depth,
        "ln_vs30_m_s": np.log(vs30),
        "normal_faulting": normal,
        "strike_deg": rng.uniform(0, 360, n),
        "wind_m_s": 4 + rng.standard_normal(n),
        "temperature_c": 12 + 8 * rng.standard_normal(n),
    }
    strong = magnitude - 4.5
    effective = np.hypot(distance, 4 + 0.8 * np.exp(0.4 * (magnitude - 4)))
    mean = -1 + 0.9 * strong - 0.24 * np.maximum(magnitude - 5.5, 0) ** 2
    mean -= (1.5 - 0.12 * strong) * np.log(effective) + 0.004 * effective
    mean -= 0.5 * np.tanh(2 * np.log(vs30 / 600)) * (1 + 0.3 * strong)
    mean += 0.02 * np.minimum(depth, 20) - 0.25 * normal * (distance < 60)
    sd = 0.25 + 0.35 * special.expit(-2 * strong) + 0.15 * (distance < 15)
    site = rng.integers(groups, size=n)
    y = mean + rng.normal(0, site_sd, groups)[site] + sd * rng.standard_normal(n)
    return Drawn(pd.DataFrame(X), y, site, Normal(mean, np.hypot(site_sd, sd)))


GENERATORS: dict[str, Callable[..., Drawn]] = {"events": draw_events, "rocks": draw_rocks, "motions": draw_motions}


def check(name: str, n: int = 1_000_000) -> tuple[float, int, float]:
    """Check an exact answer on rows of as many groups.

    Returns the largest of its surprises, their number, and the divergence of the exact answer from itself.
    """
    drawn = GENERATORS[name](n, seed=99, groups=n)
    truth = drawn.truth
    z = np.abs(truth.surprises(drawn.y))
    itself = truth.divergence_from(
        truth.p if isinstance(truth, Classes) else lambda y: stats.norm.logpdf(y, truth.mean, truth.sd)
    )
    if z.max() > LARGEST_Z:
        raise RuntimeError(f"The exact answer of {name} is wrong: {z.max():.1f} standard errors off.")
    return float(z.max()), len(z), float(np.abs(itself).max())
