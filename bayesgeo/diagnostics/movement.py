"""Checks that every chain moves, always."""

import numpy as np

from bayesgeo.diagnostics.base import Check, counted, graded
from bayesgeo.diagnostics.draws import BLOCK

STUCK = 1e-3  # of the median chain's standard deviation
# A step stands still below this share of a large one, the third quartile.
STILL = 0.01
# Steps, and share of a chain's: one weight under a horseshoe stood still for 29 of 1,000 where its scale was small.
LEAST, SHARE_GOOD, SHARE_BAD = 20, 0.04, 0.1
RARE = 1e-4  # probability that the longest run of any quantity of a healthy posterior lies beyond its limit
RUNS = 10  # runs that tell how long they usually are: fewer say nothing, and every second step may then stand still


def constant(names: list[str], values: np.ndarray) -> Check:
    """Count quantities that never vary."""
    never = np.ptp(values, axis=(0, 1)) == 0
    advice = "A quantity that never varies was not sampled. Fit again, or leave it out of the posterior."
    return counted("constant", [names[k] for k in np.flatnonzero(never)], "constant quantities", advice)


def stuck(values: np.ndarray) -> Check:
    """Count chains that hardly move while the others do."""
    spread = values.std(axis=1)
    typical = np.median(spread, axis=0)
    still = ((spread < STUCK * typical) | ((spread == 0) & (typical == 0) & (values.std(axis=(0, 1)) > 0))).any(axis=1)
    advice = "A chain hardly moves while the others do. Fit again with another seed; raise target_accept."
    return counted("stuck", [f"chain {k}" for k in np.flatnonzero(still)], "chains that stand still", advice)


def frozen(names: list[str], values: np.ndarray) -> Check:
    r"""Find the longest run of steps that stand still, relative to the longest that chance allows.

    Runs of one quantity whose steps stand still again with probability :math:`p` are geometric: of :math:`N` steps of
    :math:`q` quantities a run longer than :math:`\log(\alpha / Nq) / \log p` happens with probability :math:`\alpha`.
    The other runs of the quantity tell :math:`p`: rejected proposals, counts, and coefficients that are exactly zero
    stand still for long and often, a frozen chain for long and once.
    """
    found = [_runs(values[..., start : start + BLOCK]) for start in range(0, values.shape[2], BLOCK)]
    longest, again = (np.concatenate(parts, axis=-1) for parts in zip(*found, strict=True))
    steps = values.shape[1] - 1
    limit = np.maximum(
        max(LEAST, SHARE_GOOD * steps), np.log(RARE / longest.shape[1] / values[..., 0].size) / np.log(again)
    )
    chain, k = np.unravel_index(int((longest / limit).argmax()), longest.shape)
    advice = f"Longest: chain {chain}, {names[k]}. A chain stood still for a while. Fit again; raise target_accept."
    at_most = float(np.floor(limit[k]))
    bad = max(at_most, SHARE_BAD * steps)
    return graded("frozen", float(longest[chain, k]), at_most, bad, advice, threshold=f"<= {at_most:.0f} steps")


def _runs(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return longest run of still steps ``(chain, quantity)``, and the probability to stay still ``(quantity,)``."""
    steps = np.abs(np.diff(values, axis=1))
    still = steps <= STILL * np.quantile(steps, 0.75, axis=(0, 1))
    at = np.arange(1, steps.shape[1] + 1, dtype=np.int32)[:, None]
    longest = (at - np.maximum.accumulate(np.where(still, 0, at), axis=1)).max(axis=1)
    starts = still.sum(axis=1) - (still[:, 1:] & still[:, :-1]).sum(axis=1)
    others, number = (still.sum(axis=1) - longest).sum(axis=0), (starts - (longest > 0)).sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        again = np.where(number >= RUNS, 1 - number / others, 0.5)
    return longest, np.clip(again, 0.5, 1 - 1e-9)
