"""Specification of a model: its formula, its priors with reasons, its graph, and names for a report."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal


@dataclass(frozen=True)
class Prior:
    """The prior of one parameter.

    Parameters
    ----------
    parameter : str
        Its symbol or name.
    prior : str
        The distribution, in symbols.
    why : str
        The reason for it.

    Examples
    --------
    >>> Prior("β", "Normal(0, 1)", "Unit scale for standardised features.").prior
    'Normal(0, 1)'
    """

    parameter: str
    prior: str
    why: str


@dataclass(frozen=True)
class Graph:
    """Dependence graph of a model.

    Parameters
    ----------
    columns : tuple of tuple of str
        Names from left to right, from what the model assumes to what it predicts.
    edges : tuple of pairs of str
        From a name to one that depends on it.
    observed : tuple of str
        Names of observed quantities.
    """

    columns: tuple[tuple[str, ...], ...]
    edges: tuple[tuple[str, str], ...]
    observed: tuple[str, ...] = ("x", "y")


@dataclass(frozen=True)
class Specification:
    """Formula, priors and names of a model, for a report to show.

    Parameters
    ----------
    likelihood : str
        The distribution of the outcome given the parameters, in symbols; for a model without one, how it predicts.
    scale : str
        On which scale the parameters are: ``"features standardised"``, for example.
    priors : tuple of Prior
        One for each kind of parameter; empty for a model without priors.
    prior_kind : {"broad", "default", "informed", ""}
        Whether the priors are flat, the defaults, or chosen by the caller.
    graph : Graph, optional
        Dependence graph of the model.
    quantities : tuple of str
        Variables of the posterior to tabulate, in the units of the table.
    effects : str
        Variable of the posterior that holds effects on a common scale, to be drawn; empty if there is none.
    weights : tuple of str
        Variables of the posterior that are not identifiable one by one, as the weights of a network.
    names : mapping of str to str
        Names in prose of variables; by default the variable's name with spaces.
    units : mapping of str to str
        Units of variables that do not get theirs from a feature.

    Examples
    --------
    >>> Specification("y ~ Normal(a, 1)", priors=(Prior("a", "Normal(0, 1)", "Unit scale."),)).prior_kind
    ''
    """

    likelihood: str
    scale: str = ""
    priors: tuple[Prior, ...] = ()
    prior_kind: Literal["broad", "default", "informed", ""] = ""
    graph: Graph | None = None
    quantities: tuple[str, ...] = ()
    effects: str = ""
    weights: tuple[str, ...] = ()
    names: Mapping[str, str] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON.

        Examples
        --------
        >>> Specification("y ~ Normal(a, 1)", priors=(Prior("a", "Normal(0, 1)", "Unit scale."),)).to_dict()["priors"]
        [{'parameter': 'a', 'prior': 'Normal(0, 1)', 'why': 'Unit scale.'}]
        """
        found = asdict(self)
        found["priors"] = [asdict(prior) for prior in self.priors]
        return found
