"""The problem of a model with effects whose posterior has no closed form: graph, arrays and names."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from bayesgeo.inference.advi import ADVI
from bayesgeo.inference.base import Problem
from bayesgeo.inference.laplace import Laplace
from bayesgeo.models.effects.coordinates import Outcome, coordinates, estimate
from bayesgeo.models.effects.covariance import GroupPrior
from bayesgeo.models.effects.graph import hierarchical_graph
from bayesgeo.models.effects.layout import block_of
from bayesgeo.models.effects.levels import Members
from bayesgeo.models.effects.terms import Effect
from bayesgeo.models.regression.graph import WHITENED

TARGET_ACCEPT = 0.9  # the posterior narrows where standard deviations of effects are near zero
UNPENALISED = 1e3  # scale of a prior that the quick estimate takes for a flat one


def graph_problem(
    design: np.ndarray,
    outcome: Outcome,
    prior: tuple[str, float],
    groups: Sequence[tuple[Effect, Members]],
    levels: Sequence[np.ndarray],
    *,
    group_prior: GroupPrior,
    dims: Mapping[str, tuple[str, ...]],
    coords: Mapping[str, Sequence[object]],
    inference: Any = None,
) -> Problem:
    """State the problem of any outcome.

    Each key has room for more levels than the rows have, so that folds share one compilation: the variables of its
    effects end with levels without rows, named by empty labels, which the model leaves out.

    Parameters
    ----------
    design : numpy.ndarray
        ``(obs, feature)`` standardised terms of the fixed part.
    outcome : Outcome
        The targets and their distribution.
    prior : (str, float)
        Of the coefficients.
    groups : sequence of (Effect, Members)
        The effects, and the groups of the rows with what slopes multiply.
    levels : sequence of numpy.ndarray
        The labels of each effect.
    group_prior : GroupPrior
        Of the standard deviations of effects.
    dims, coords
        Of the variables to keep, as of :class:`Problem`.
    inference : Inference, optional
        What will compute it: approximations need another parametrisation than chains.
    """
    kind, scale = prior
    effects, members = [effect for effect, _ in groups], [own for _, own in groups]
    blocks = tuple(block_of(effect, len(names)) for effect, names in zip(effects, levels, strict=True))
    of_weights = UNPENALISED if kind == "flat" else scale
    quick = estimate(design, outcome, blocks, members, weight_scale=of_weights, prior=group_prior)
    n_fixed = 1 + design.shape[1] if kind in WHITENED else 1
    arrays = coordinates(quick, blocks, members, n_fixed, at_maximum=isinstance(inference, Laplace | ADVI))
    by_row = {"X": design, "y": outcome.y, **{name: arrays[name] for name in arrays if name.endswith(("_codes", "_z"))}}
    room = {
        block.effect.key: [*names, *[""] * (block.levels - len(names))]
        for block, names in zip(blocks, levels, strict=True)
    }
    settings = ((outcome.kind, outcome.n_labels), prior, design.shape[1], blocks, group_prior)
    return Problem(
        build=partial(hierarchical_graph, *settings, dense=quick.dense),
        data=by_row | arrays,
        constants=tuple(name for name in arrays if name not in by_row),
        dims=dims,
        coords={**coords, **room},
        target_accept=0.99 if kind == "horseshoe" else TARGET_ACCEPT if blocks else 0.8,
    )
