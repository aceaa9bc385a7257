"""Choose among variants of a posterior by the rows held out while chains warm up.

Chains of one run are dealt out over the variants of a :class:`bayesgeo.inference.base.Problem`. After the warm-up,
variants whose score of the held-out rows lies more than a standard error below that of the best one are given up
(the rule of one standard error: Breiman et al. 1984, Classification and Regression Trees). Of those left, the ones with
the largest power of the likelihood are kept: a likelihood is weakened only where the rows ask for it. Chains of the
others go on in a kept variant, from where they are if it fixes nothing that they have moved: chains that were copied
instead would know no more than those that they are copies of.
"""

from collections.abc import Sequence

import numpy as np

from bayesgeo._arrays import log_mean_exp
from bayesgeo.inference.base import Variant

CLEAR = 1.0  # standard errors of the mean difference over the held-out rows
LEAST_CHAINS = 2  # of a variant
NOT_FINITE = -1e6  # the score taken for one that is not finite


def assigned(variants: Sequence[Variant], chains: int) -> np.ndarray:
    """Deal out chains over the variants in turn, over the first ones alone where there are few chains.

    Examples
    --------
    >>> assigned([Variant(), Variant(power=0.3)], 5).tolist(), assigned([Variant(), Variant(power=0.3)], 3).tolist()
    ([0, 1, 0, 1, 0], [0, 0, 0])
    """
    return np.arange(chains) % max(1, min(len(variants), chains // LEAST_CHAINS))


def survivors(scores: np.ndarray, variant: np.ndarray, dead: np.ndarray, variants: Sequence[Variant]) -> np.ndarray:
    """Return which variants are kept.

    Parameters
    ----------
    scores : numpy.ndarray
        ``(chain, row)`` log density of each held-out row, averaged over the draws of the chain.
    variant : numpy.ndarray
        ``(chain,)`` number of the variant of each chain.
    dead : numpy.ndarray
        ``(chain,)`` chains that do not count; where all chains of a variant are dead, so is the variant.
        A score that is not finite counts as a bad one.
    variants : sequence of Variant
        The variants.

    Examples
    --------
    >>> scores = np.array([[-1.0, -1.1, -0.9, -1.0], [-2.0, -2.1, -2.0, -1.9]])
    >>> survivors(scores, np.array([0, 1]), np.zeros(2, bool), [Variant(), Variant(power=0.3)]).tolist()
    [0]
    >>> survivors(scores[::-1], np.array([0, 1]), np.zeros(2, bool), [Variant(), Variant(power=0.3)]).tolist()
    [1]
    """
    scores, live = np.where(np.isfinite(scores), scores, NOT_FINITE), np.unique(variant[~dead])
    together = np.stack([log_mean_exp(scores[(variant == k) & ~dead], 0) for k in live])
    lost = together[together.mean(axis=1).argmax()] - together
    error = lost.std(axis=1) / np.sqrt(lost.shape[1])
    close = live[lost.mean(axis=1) <= CLEAR * error]
    power = np.array([variants[k].power for k in close])
    return close[power == power.max()]


def heirs(
    variant: np.ndarray, dead: np.ndarray, kept: np.ndarray, variants: Sequence[Variant], seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return whose position each chain goes on from, and in which variant, both ``(chain,)``.

    Parameters
    ----------
    variant, dead, variants
        As of :func:`survivors`, which returned ``kept``.
    kept : numpy.ndarray
        Numbers of the variants that are kept.
    seed : int
        Seed of who follows whom.

    Examples
    --------
    >>> variants, alive = [Variant(), Variant(("a",))], np.zeros(4, bool)
    >>> [found.tolist() for found in heirs(np.array([0, 1, 0, 1]), alive, np.array([0]), variants, 0)]
    [[0, 1, 2, 3], [0, 0, 0, 0]]
    >>> origin, _ = heirs(np.array([0, 1, 0, 1]), alive, np.array([1]), variants, 0)
    >>> sorted(set(origin.tolist()))
    [1, 3]
    """
    origin, after = np.arange(len(variant)), variant.copy()
    staying = ~dead & np.isin(variant, kept)
    # In turn, so that no chain is followed twice before all others are.
    leaders = np.random.default_rng([seed, 1]).permutation(np.flatnonzero(staying))
    for turn, chain in enumerate(np.flatnonzero(~staying)):
        leader = leaders[turn % len(leaders)]
        after[chain] = variant[leader]
        moved_too_much = set(variants[after[chain]].fixed) - set(variants[variant[chain]].fixed)
        if dead[chain] or moved_too_much:
            origin[chain] = leader
    return origin, after
