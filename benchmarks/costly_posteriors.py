"""Sampling of a few scales whose density is costly, on posteriors that are known: logarithms of gamma variables.

The values are rotated and stretched from independent ones, ``z = A x``, of which ``exp(z)`` is gamma with mean one; the
smaller its shape, the more skewed its logarithm. With the polynomial that proposals follow and without: the share of
effective points of a proposal (one over the mean square of the weights), how many are accepted, the least effective
sample size of some 670 points of four chains, and the largest error of a mean in its Monte Carlo errors.

Run: python benchmarks/costly_posteriors.py [SEEDS]
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from unittest import mock

import arviz as az
import numpy as np
import pandas as pd
from scipy import special

from bayesgeo.inference import proposals
from bayesgeo.inference.base import Problem
from bayesgeo.inference.collapsed import Collapsed
from bayesgeo.inference.folding import unbounded

SEEDS = int(sys.argv[1]) if len(sys.argv) > 1 else 5
CASES = ((5, 3.0), (11, 10.0), (11, 3.0), (11, 1.5))
REPEATS, LATER = 6, 4_000


@dataclass(frozen=True, eq=False)
class Mixed:
    """Mixed logarithms of gamma variables.

    Parameters
    ----------
    mixing : numpy.ndarray
        ``(d, d)``.
    shape : float
        Of the gamma variables.
    """

    mixing: np.ndarray
    shape: float
    repeats: int = REPEATS

    @property
    def start(self) -> np.ndarray:
        """Zeros."""
        return np.zeros(len(self.mixing))

    @property
    def bounds(self) -> np.ndarray:
        """None."""
        return unbounded(len(self.mixing))

    def log_density(self, points: np.ndarray) -> np.ndarray:
        """Return the log density of points ``(n, d)``."""
        z = points @ self.mixing.T
        return np.sum(self.shape * (z - np.exp(z)), axis=1)

    def evaluate(self, points: np.ndarray) -> Iterator[tuple]:
        """Yield all points, their densities, and how to draw what is left: nothing."""
        z = points @ self.mixing.T
        yield slice(0, len(points)), self.log_density(points), lambda k, n, _: {"z": np.repeat(z[k][None], n, axis=0)}


def measured(d: int, shape: float, seed: int) -> dict[str, float]:
    """Return the figures of one posterior."""
    rng = np.random.default_rng(seed)
    rotation, _ = np.linalg.qr(rng.normal(size=(d, d)))
    marginal = Mixed(rotation * rng.uniform(0.5, 2.0, d), shape)
    proposal, _, _ = proposals.adapted_proposal(marginal, 4, np.random.default_rng(seed + 100))
    points = proposal.sample(LATER, np.random.default_rng(7))
    weights = special.softmax(marginal.log_density(points) - proposal.log_density(points))
    problem = Problem(dict, {"y": np.zeros(1)}, {"z": ("value",)}, coords={"value": range(d)}, marginal=marginal)
    tree = Collapsed().run(problem, seed)
    z = tree["posterior"]["z"].values
    sizes = np.array([float(az.ess(z[..., j])) for j in range(d)])
    mean, sd = special.digamma(shape) - np.log(shape), np.sqrt(special.polygamma(1, shape))
    return {
        "effective": 1 / np.sum(weights**2) / LATER,
        "accepted": float(tree["sample_stats"]["acceptance_rate"].mean()),
        "least ESS": sizes.min(),
        "largest error": float(np.max(np.abs(z.mean(axis=(0, 1)) - mean) / (sd / np.sqrt(sizes)))),
    }


def main() -> None:
    """Print medians and worst figures over the seeds, with the polynomial and without."""
    for d, shape in CASES:
        for said, replaced in (("polynomial", {}), ("without", {"fitted_surface": lambda *_: None})):
            with mock.patch.multiple(proposals, **replaced) if replaced else mock.MagicMock():
                table = pd.DataFrame([measured(d, shape, seed) for seed in range(SEEDS)])
            worst = table.min().drop("largest error")
            print(
                f"{d:2} values, shape {shape:4g}, {said:10}: median "
                + ", ".join(f"{k} {v:.2f}" for k, v in table.median().items())
            )
            print(f"{'':33}  worst " + ", ".join(f"{k} {v:.2f}" for k, v in worst.items()), flush=True)


if __name__ == "__main__":
    main()
