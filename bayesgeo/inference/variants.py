"""Choose among variants of a posterior by the rows held out while chains warm up.

Chains of one run are dealt out over the variants of a :class:`bayesgeo.inference.base.Problem`. After the warm-up,
variants whose score of the held-out rows lies more than a standard error below that of the best one are given up
(the rule of one standard error: Breiman et al. 1984, Classification and Regression Trees). Of those left, the ones with
the largest power of the likelihood are kept: a likelihood is weakened only where the rows ask for it.
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
