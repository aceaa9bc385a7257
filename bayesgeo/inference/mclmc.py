"""Microcanonical Langevin Monte Carlo for Bayesian neural networks: an ensemble of chains."""

import json
import time
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import numpy as np
import xarray as xr

from bayesgeo._arrays import log_mean_exp, spaced
from bayesgeo._check import positive
from bayesgeo._progress import announce
from bayesgeo.inference.base import Problem, check_counts
from bayesgeo.inference.variants import NOT_FINITE, assigned, heirs, survivors

FALL = 4  # blocks over which the wanted energy error falls to its final value; the least length of the warm-up
COARSE = 0.5  # the energy error that it falls from
# Nats a row over a third of the warm-up: a held-out score that surely grows less than twice this has stopped growing.
GROWTH = 0.005
DEAD_NATS, DEAD_ERRORS = 0.1, 4.0  # below the median chain, in nats a row and in standard errors
WORST_NATS = 10.0  # largest shortfall of one row that counts
SAMPLED = 0.5  # sampling steps for each of the warm-up
SCORED_EVERY = 5  # of the records of a block, for the held-out score
UNADJUSTED = {"kind": "unadjusted chains", "title": "microcanonical Langevin (MCLMC)"}
ADJUSTED = {
    "kind": "chains",
    "title": "Metropolis-adjusted microcanonical Langevin (MCLMC)",
    "checks": json.dumps(["acceptance", "lp_drift", "warmup_growth"]),
}


@dataclass(frozen=True)
class MCLMC:
    r"""Sample a network's posterior with microcanonical Langevin dynamics (Robnik et al. 2023, JMLR 24:311).

    Each chain starts at a network of its own. During the warm-up some rows are held out, the step size is tuned to the
    wanted variance of the energy error per dimension, and the scale of each value learned from positions and gradients.
    It ends when the held-out log score of all draws together stops growing. A chain whose score is far below the others
    restarts at the position of another chain; one of a variant of the posterior that the held-out rows reject goes on
    in another, see :mod:`bayesgeo.inference.variants`. The chains then run on all rows for half as many steps, of which
    draws are kept; ``origin (chain)`` of the statistics tells which of them a chain descends from.

    These dynamics never reject, so draws have a bias that falls with the step size; ``adjusted=True`` adds the
    Metropolis correction, as a check. For networks: use :class:`Exact` or :class:`NUTS` for other models.

    Parameters
    ----------
    draws, chains : int
        Kept draws of each chain, and chains.
    max_steps : int
        Maximum number of warm-up steps; sampling takes half as many. Raise it if the check ``warmup_growth`` fails.
    energy_error : float
        Wanted variance of the energy error per dimension: smaller is slower and less biased.
    adjusted : bool
        Whether to accept or reject each trajectory.
    cores : int, optional
        Chains that run at once; None takes every core. It never changes the draws.

    Examples
    --------
    >>> MCLMC(chains=4, max_steps=4_000).draws
    100
    """

    draws: int = 100
    chains: int = 8
    max_steps: int = 4_000
    energy_error: float = 0.02
    adjusted: bool = False
    cores: int | None = None

    def run(self, problem: Problem, seed: int) -> xr.DataTree:
        """Compute the posterior of ``problem``; see :class:`Inference`.

        The tree also has ``warmup``: the held-out ``log_score (step)`` of all chains together, and
        ``chain_log_score (chain, step)``.

        Raises
        ------
        InvalidInput
            If a setting is invalid.
        KeyboardInterrupt
            If interrupted before any draw was kept.
        """
        check_counts(self, "draws", "chains", "max_steps")
        positive("energy_error", self.energy_error)
        from bayesgeo.inference.kernels.device import single_precision

        with single_precision():
            return _Run(self, problem, seed).tree()


class _Run:
    """Hold one run: its chains and their scores so far."""

    def __init__(self, settings: MCLMC, problem: Problem, seed: int):
        begun = time.perf_counter()
        from bayesgeo.inference.kernels import device, mclmc, target

        self.jax, self.kernels, self.moves = device, target, mclmc
        self.settings, self.problem, self.seed = settings, problem, seed
        self.target = target.target_of(problem)
        self.compile_seconds = time.perf_counter() - begun
        self.rng = np.random.default_rng([seed, 2])
        self.block_steps = mclmc.EVERY * mclmc.RECORDS
        self.scores: list[np.ndarray] = []
        self.pooled: list[np.ndarray] = []
        self.records: list[Any] = []
        self.variant = assigned(problem.variants, settings.chains)
        self.origin, self.changed, self.restarted = np.arange(settings.chains), False, 0

    def tree(self) -> xr.DataTree:
        """Warm up, sample, and label the draws."""
        begun = time.perf_counter()
        chain, blocks = self.warm_up()
        chain, interrupted = self.sample(chain, blocks)
        tree = xr.DataTree.from_dict(self.groups(chain))
        tree.attrs = {
            "inference": "MCLMC",
            **(ADJUSTED if self.settings.adjusted else UNADJUSTED),
            "sampler": f"blackjax {version('blackjax')}",
            "seed": self.seed,
            "adjusted": int(self.settings.adjusted),
            "warmup_steps": blocks * self.block_steps,
            "restarted_chains": self.restarted,
            "likelihood_power": float(self.powers().max()),
            "compile_seconds": self.compile_seconds,
            "sampling_seconds": time.perf_counter() - begun,
            "interrupted": int(interrupted),
        }
        return tree

    def warm_up(self) -> tuple[Any, int]:
        """Tune on the training rows until the held-out score stops growing; return the chains, ready to sample."""
        at_most = max(1, self.settings.max_steps // self.block_steps)
        target, size = self.target, self.target.density.size
        first = self.kernels.initial(self.problem, target.density, self.settings.chains, self.seed)
        untuned = np.zeros(self.settings.chains)
        chain = self.begin(first, target.training, untuned, untuned, np.ones((self.settings.chains, size)))
        steps, moments, scales = [], [], []
        for block in range(at_most):
            chain, record = self.each(self.moves.advance, chain, target.training, self.wanted(block))
            position = np.asarray(record.position)
            steps.append(np.asarray(record.step_size).mean(axis=1))
            moments.append((position.mean(axis=1), (position**2).mean(axis=1)))
            scales.append(log_scales(position, np.asarray(record.gradient)))
            inverse_mass = np.exp(2 * np.mean(scales[len(scales) // 2 :], axis=0))
            chain = chain._replace(inverse_mass=self.movable(inverse_mass))
            self.keep_score(record.position[:, ::SCORED_EVERY])
            announce("warming up", steps=(block + 1) * self.block_steps, total=at_most * self.block_steps)
            if self.settled():
                break
        late = slice(len(steps) // 2, None)
        spread = np.mean([square for _, square in moments[late]], axis=0)
        spread = spread - np.mean([mean for mean, _ in moments[late]], axis=0) ** 2
        length = np.sqrt(np.maximum(spread / inverse_mass, 0).sum(axis=1))
        position, tuned = self.revived(
            np.asarray(chain.state.position), np.mean(steps[late], axis=0), length, inverse_mass
        )
        return self.begin(position, target.everything, *tuned), len(steps)

    def powers(self) -> np.ndarray:
        """Return the power of the likelihood of each chain."""
        return np.array([self.problem.variants[k].power for k in self.variant])

    def movable(self, inverse_mass: np.ndarray) -> Any:
        """Return the inverse masses with 0 for the values that a chain's variant keeps."""
        moved = np.array(inverse_mass)
        for chain, k in enumerate(self.variant):
            fixed = self.problem.variants[k].fixed
            if fixed:
                moved[chain, self.target.density.positions(fixed)] = 0.0
        return np.float32(moved)

    def sample(self, chain: Any, blocks: int) -> tuple[Any, bool]:
        """Keep the records of half as many blocks as the warm-up took; an interrupt keeps the complete ones."""
        fine = self.settings.energy_error
        move, tuning = (self.moves.adjusted, 1.0) if self.settings.adjusted else (self.moves.advance, fine)
        blocks = max(round(SAMPLED * blocks), -(-self.settings.draws // self.moves.RECORDS))
        try:
            # On all rows, and in another variant for longer, the chains converge again and tune their steps.
            for _ in range(FALL if self.changed else 1):
                chain, _ = self.each(move, chain, self.target.everything, tuning)
            for block in range(blocks):
                chain, record = self.each(move, chain, self.target.everything, 0.0)
                # The gradients serve the warm-up alone.
                self.records.append(self.jax.jax.tree.map(np.asarray, record._replace(gradient=None)))
                announce("sampling", steps=(block + 1) * self.block_steps, total=blocks * self.block_steps)
        except KeyboardInterrupt:
            if not self.records:
                raise
            return chain, True
        return chain, False

    def begin(self, position: Any, weight: Any, step_size: Any, length: Any, inverse_mass: Any) -> Any:
        """Start all chains with new momenta; a step size or length of 0 is not tuned yet."""
        start = (
            np.float32(position),
            self.jax.chain_keys(self.rng, self.settings.chains),
            np.float32(step_size),
            np.float32(length),
            self.movable(inverse_mass),
            np.float32(self.powers()),
        )
        return self.each_chain(self.moves.begin, start, self.target.data, weight)

    def each(self, move: Any, chain: Any, weight: Any, tuning: float) -> tuple[Any, Any]:
        """Take one block of steps of every chain."""
        return self.each_chain(
            move,
            (chain, self.jax.chain_keys(self.rng, self.settings.chains)),
            self.target.data,
            weight,
            np.float32(tuning),
        )

    def each_chain(self, move: Any, chains: Any, *shared: Any) -> Any:
        """Apply a move, compiled for this density, to every chain."""
        return self.jax.each_chain(self.target.density.compiled(move), chains, *shared, cores=self.settings.cores)

    def wanted(self, block: int) -> float:
        """Return the energy error to tune to: large at first, to move far, then the setting."""
        fine = self.settings.energy_error
        return fine * (COARSE / fine) ** max(0.0, 1 - block / (FALL - 1)) if fine < COARSE else fine

    def keep_score(self, positions: Any) -> None:
        """Score the block on the held-out rows, and the later half of all blocks together."""
        scores = self.each_chain(self.moves.score, positions, self.target.held_out)
        self.scores.append(np.asarray(scores))
        late = np.concatenate(self.scores[len(self.scores) // 2 :], axis=1)
        self.pooled.append(log_mean_exp(late, (0, 1)))

    def settled(self) -> bool:
        """Return whether the held-out score has stopped growing, within its standard error."""
        seen = len(self.pooled)
        if seen <= FALL:
            return False
        growth = self.pooled[-1] - self.pooled[2 * seen // 3 - 1]
        return bool(growth.mean() + growth.std() / np.sqrt(len(growth)) < 2 * GROWTH)

    def revived(self, position: np.ndarray, *tuned: np.ndarray) -> tuple[np.ndarray, list[np.ndarray]]:
        """Replace diverged chains by copies of others, and let those of rejected variants go on in a kept one."""
        late = log_mean_exp(np.concatenate(self.scores[len(self.scores) // 2 :], axis=1), 1)
        dead = dead_chains(late)
        kept = survivors(late, self.variant, dead, self.problem.variants)
        # Where all chains of a variant lie far below, it is the variant that failed.
        self.restarted = int((dead & np.isin(self.variant, self.variant[~dead])).sum())
        self.origin, variant = heirs(self.variant, dead, kept, self.problem.variants, self.seed)
        self.changed = bool((variant != self.variant).any())
        self.variant = variant
        return position[self.origin], [values[self.origin] for values in tuned]

    def groups(self, chain: Any) -> dict[str, xr.Dataset]:
        """Return the groups of the tree: the draws evenly spaced over what was recorded."""
        joined = self.jax.jax.tree.map(lambda *parts: np.concatenate(parts, axis=1), *self.records)
        n = joined.lp.shape[1]
        picked = spaced(n, self.settings.draws)
        error = "acceptance_rate" if self.settings.adjusted else "energy_error"
        # Errors between two kept draws belong to the later one.
        windows = np.split(joined.quality, picked[:-1] + 1, axis=1)
        draw = ("chain", "draw")
        statistics = {
            "lp": (draw, joined.lp[:, picked]),
            error: (draw, np.stack([window.mean(axis=1) for window in windows], axis=1)),
            "step_size": ("chain", np.asarray(chain.step_size)),
            "decoherence_length": ("chain", np.asarray(chain.length)),
            "variant": ("chain", self.variant),
            "origin": ("chain", self.origin),
        }
        steps = self.block_steps * np.arange(1, len(self.pooled) + 1)
        by_chain = np.stack([log_mean_exp(block, 1).mean(axis=1) for block in self.scores], axis=1)
        pooled = [rows.mean() for rows in self.pooled]
        warmup = {"log_score": ("step", pooled), "chain_log_score": (("chain", "step"), by_chain)}
        return {
            "posterior": self.kernels.labelled(self.problem, self.target, joined.position[:, picked]),
            "sample_stats": xr.Dataset(statistics),
            "warmup": xr.Dataset(warmup, coords={"step": steps}),
        }


def log_scales(position: np.ndarray, gradient: np.ndarray) -> np.ndarray:
    """Return the log scale of each value, ``(chain, size)``, from a block of positions and gradients.

    The variance of positions is the scale squared, and that of gradients one over it: their ratio uses both (as nutpie
    does). Scales of a chain have a geometric mean of one, because the step size holds the rest; values that never moved
    do not count, and have scale one.

    Examples
    --------
    >>> draws = np.random.default_rng(0).normal(size=(1, 5000, 2)) * [0.1, 10.0]
    >>> log_scales(draws, -draws / [0.01, 100.0]).round(1).tolist()
    [[-2.3, 2.3]]
    """
    tiny = np.finfo(np.float32).tiny
    logs = [np.log(np.maximum(values, tiny)) for values in (position.var(axis=1), (gradient**2).mean(axis=1))]
    scale, moved = 0.25 * (logs[0] - logs[1]), np.ptp(position, axis=1) > 0
    mean = np.sum(scale * moved, axis=1, keepdims=True) / np.maximum(moved.sum(axis=1, keepdims=True), 1)
    return moved * (scale - mean)


def dead_chains(scores: np.ndarray) -> np.ndarray:
    """Return which chains score held-out rows far below the median chain.

    Parameters
    ----------
    scores : numpy.ndarray
        ``(chain, row)`` log density of each row, averaged over the draws of the chain.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> dead_chains(rng.normal([[0.0], [0.0], [0.0], [-3.0]], 0.5, size=(4, 50))).tolist()
    [False, False, False, True]
    """
    scores = np.where(np.isfinite(scores), scores, NOT_FINITE)
    # Without a bound, the standard error over rows of a diverged chain would exceed its mean shortfall.
    loss = np.minimum(np.median(scores, axis=0) - scores, WORST_NATS)
    mean, error = loss.mean(axis=1), loss.std(axis=1) / np.sqrt(scores.shape[1])
    dead = mean > np.maximum(DEAD_NATS, DEAD_ERRORS * error)
    return dead if not dead.all() else np.zeros(len(dead), dtype=bool)


__all__ = ["MCLMC"]
