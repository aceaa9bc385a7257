"""Shared parts of the joint distributions: protocol, events, checks and numerical methods."""

from bayesgeo.probability.base import normal, psd
from bayesgeo.probability.base.checks import (
    checked_mass,
    checked_outcomes,
    known_variables,
    leave_some,
    trusted,
)
from bayesgeo.probability.base.events import (
    Event,
    Function,
    Values,
    as_event,
    evaluate,
    is_set,
    selected,
    where,
)
from bayesgeo.probability.base.gridded import Gridded
from bayesgeo.probability.base.joint import Joint, bayes
from bayesgeo.probability.base.linear import LinearGaussian
from bayesgeo.probability.base.quadrature import checked_nodes, clipped, cut, integral, truncated, weights
from bayesgeo.probability.base.ratio import Proposal, log_ratio
from bayesgeo.probability.base.weighted import VarianceSplit, Weighted, plain

__all__ = [
    "Event",
    "Function",
    "Gridded",
    "Joint",
    "LinearGaussian",
    "Proposal",
    "Values",
    "VarianceSplit",
    "Weighted",
    "as_event",
    "bayes",
    "checked_mass",
    "checked_nodes",
    "checked_outcomes",
    "clipped",
    "cut",
    "evaluate",
    "integral",
    "is_set",
    "known_variables",
    "leave_some",
    "log_ratio",
    "normal",
    "plain",
    "psd",
    "selected",
    "truncated",
    "trusted",
    "weights",
    "where",
]
