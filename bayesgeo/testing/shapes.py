"""Healthy draws ``(chain, draw, ...)`` of realistic shape, by the names of their variables."""

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import signal

CHAINS, DRAWS = 4, 1000
SIZE = (CHAINS, DRAWS)
Generator = np.random.Generator
Variables = dict[str, np.ndarray]


def correlations(rng: Generator, n: int = 3) -> Variables:
    """Return a correlation matrix, its Cholesky factor and deviations, as an LKJ prior and few rows leave them."""
    rows = rng.normal(size=(*SIZE, 12, n)) @ np.tril(0.4 * np.ones((n, n)) + 0.6 * np.eye(n)).T
    chol = np.linalg.cholesky(np.swapaxes(rows, -1, -2) @ rows / 12)
    sd = np.sqrt((chol**2).sum(axis=-1))
    scaled = chol / sd[..., None]
    return {"chol": chol, "chol_corr": scaled @ np.swapaxes(scaled, -1, -2), "chol_stds": sd}


def hierarchical(rng: Generator, groups: int = 12) -> Variables:
    """Return effects of groups whose scale is learned: a funnel, which draws that do not follow its neck explore."""
    scale = np.abs(rng.normal(size=(*SIZE, 1)))
    effect = scale * rng.normal(size=(*SIZE, groups))
    mean = rng.normal(size=(*SIZE, 1))
    noise = rng.gamma(40.0, 1 / 40, SIZE)
    return {"mean": mean[..., 0], "scale": scale[..., 0], "effect": effect, "group": mean + effect, "noise": noise}


def crossed(rng: Generator) -> Variables:
    """Return effects of stations and events with references, all of which share a mean."""
    station, event = 0.3 * rng.normal(size=(*SIZE, 30)), 0.5 * rng.normal(size=(*SIZE, 20))
    level = rng.normal(size=SIZE)
    total = level[..., None, None] + station[..., :6, None] + event[..., None, :6]
    return {"level": level, "station": station, "event": event, "site": total}


def many(rng: Generator, memory: float = 0.0) -> Variables:
    """Return a thousand quantities that depend on ten factors, perhaps with a memory."""
    noise = rng.normal(size=(CHAINS, DRAWS + 100, 1000))
    own = signal.lfilter([np.sqrt(1 - memory**2)], [1.0, -memory], noise, axis=1)[:, 100:]
    return {"weight": own + 0.5 * own[..., :10] @ rng.normal(size=(10, 1000))}


def antithetic(rng: Generator, memory: float = -0.7) -> Variables:
    """Return draws each of which lies opposite the last: more effective ones than there are."""
    noise = rng.normal(size=(CHAINS, DRAWS + 100, 5)) * np.sqrt(1 - memory**2)
    return {"beta": signal.lfilter([1.0], [1.0, -memory], noise, axis=1)[:, 100:]}


def bounded(rng: Generator) -> Variables:
    """Return draws that crowd at bounds."""
    return {
        "share": rng.dirichlet([0.7, 1.0, 4.0], SIZE),
        "arcsine": rng.beta(0.5, 0.5, SIZE),
        "nearly_one": rng.beta(400.0, 0.8, SIZE),
        "positive": np.abs(rng.normal(size=SIZE)),
        "angle": rng.uniform(-np.pi, np.pi, SIZE),
    }


def discrete(rng: Generator) -> Variables:
    """Return counts, classes and switches as whole numbers, and a rate beside them."""
    return {
        "count": rng.poisson(3.0, SIZE),
        "switch": rng.binomial(1, 0.5, SIZE),
        "rare": rng.binomial(1, 0.1, SIZE),
        "source": rng.choice(3, p=[0.2, 0.5, 0.3], size=(*SIZE, 8)),
        "rate": rng.gamma(4.0, 0.5, SIZE),
    }


def counts(rng: Generator) -> Variables:
    """Return one whole number, nothing else."""
    return {"changepoint": rng.integers(40, 60, SIZE)}


def selected(rng: Generator) -> Variables:
    """Return coefficients that are exactly zero while they are left out, for some draws at a time."""
    turned = rng.uniform(size=(*SIZE, 4)) < 0.2
    inside = np.cumsum(turned, axis=1) % 2 == 1
    return {"inside": inside.astype(int), "beta": np.where(inside, rng.normal(2.0, 0.5, turned.shape), 0.0)}


def proposals(rng: Generator) -> Variables:
    """Return chains of Metropolis and Hastings, which keep a draw where a proposal is rejected; of five steps one."""
    draws = np.empty((CHAINS, DRAWS, 2))
    now = rng.normal(size=(CHAINS, 2))
    for step in range(5 * DRAWS):
        proposed = now + 1.7 * rng.normal(size=now.shape)
        better = ((now**2 - proposed**2) / 2).sum(axis=1)
        now = np.where((np.log(rng.uniform(size=CHAINS)) < better)[:, None], proposed, now)
        draws[:, step // 5] = now
    return {"place": draws}


def skewed(rng: Generator) -> Variables:
    """Return draws of skewed and of peaked distributions, all with moments."""
    return {
        "lognormal": np.exp(0.5 * rng.normal(size=SIZE)),
        "gamma": rng.gamma(0.5, 1.0, SIZE),
        "laplace": rng.laplace(size=SIZE),
        "student": rng.standard_t(5, size=SIZE),
    }


def rounded(rng: Generator) -> Variables:
    """Return draws as a text file keeps them, of six digits, far from zero."""
    return {"northing": (5_000_000 + 100 * rng.normal(size=SIZE)).round(0), "depth": rng.normal(10, 2, SIZE).round(3)}


SHAPES: dict[str, Callable[..., Any]] = {
    "correlation matrix": correlations,
    "hierarchical": hierarchical,
    "crossed effects": crossed,
    "1,000 quantities": many,
    "antithetic": antithetic,
    "bounded": bounded,
    "discrete": discrete,
    "skewed": skewed,
    "Metropolis": proposals,
    "left-out coefficients": selected,
}
