"""The two sides that meet in ``fit``: a Problem says what is believed, an Inference computes it."""

from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np
import xarray as xr

from bayesgeo._check import positive

if TYPE_CHECKING:
    import pymc as pm


KEPT = 8


class Recent(OrderedDict[Hashable, Any]):
    """The few things that were asked for last, so that what takes long to make is made once."""

    def recall(self, key: Hashable, make: Callable[[], Any]) -> Any:
        """Return what ``make`` made for this key.

        Examples
        --------
        >>> recent = Recent()
        >>> recent.recall("a", lambda: 1), recent.recall("a", lambda: 2)
        (1, 1)
        """
        if key not in self:
            self[key] = make()
            while len(self) > KEPT:
                self.popitem(last=False)
        self.move_to_end(key)
        return self[key]


def check_counts(settings: Any, *names: str) -> None:
    """Ask for whole numbers above zero in these settings of an inference.

    Raises
    ------
    InvalidInput
        If one is none.
    """
    for name in names:
        positive(name, getattr(settings, name), integer=True)


class Conjugate(Protocol):
    """A prior whose posterior has a closed form of the same kind."""

    def update(self, X: np.ndarray, y: np.ndarray) -> "Conjugate":
        """Return the belief after seeing rows ``X (obs, feature)`` and targets ``y (obs,)``."""
        ...

    def sample(self, size: tuple[int, int], rng: np.random.Generator) -> Mapping[str, np.ndarray]:
        """Draw ``(chain, draw)`` independent values of the named variables."""
        ...


@dataclass(frozen=True, eq=False)
class Problem:
    """A posterior to compute.

    Parameters
    ----------
    build : callable
        Returns the PyMC model; its observed arrays are ``pm.Data`` named as in ``data``, and what it says of each
        row is the observed variable or the potential ``outcome``.
    data : mapping of str to numpy.ndarray
        The values of those arrays; ``X`` and ``y`` have a value for each row, others have none.
    dims : mapping of str to tuple of str
        Variables to keep, and the names of their dimensions beside ``chain`` and ``draw``.
    coords : mapping of str to sequence
        Labels along those dimensions.
    key : hashable
        Problems of equal key have the same graph, so one compilation serves them all.
    conjugate : Conjugate, optional
        The prior, when the posterior has a closed form.
    target_accept : float
        Acceptance rate that the geometry of this model asks of NUTS.
    start : callable, optional
        Returns starting values of some variables by name, given a numpy Generator and the number of the chain;
        None where the sampler may begin anywhere.
    trained : bool
        Whether ``start`` returns trained networks, which need no training before they are sampled from.
    held_out : numpy.ndarray, optional
        Rows that a sampler may set aside to decide when it has seen enough; it releases them afterwards.
    head : tuple of str
        Variables of the last layer of a network, in which its outputs are linear.
    """

    build: "Callable[[], pm.Model]"
    data: Mapping[str, np.ndarray]
    dims: Mapping[str, tuple[str, ...]]
    key: Hashable
    coords: Mapping[str, Sequence[object]] = field(default_factory=dict)
    conjugate: Conjugate | None = None
    target_accept: float = 0.8
    start: Callable[[np.random.Generator, int], Mapping[str, np.ndarray]] | None = None
    trained: bool = False
    held_out: np.ndarray | None = None
    head: tuple[str, ...] = ()


@runtime_checkable
class Inference(Protocol):
    """A way to compute a posterior.

    ``run`` returns a DataTree with ``posterior``, whose variables have dimensions ``(chain, draw, ...)``,
    and ``sample_stats``. The root attributes say ``inference``, ``seed``, ``compile_seconds``,
    ``sampling_seconds`` and ``interrupted`` (0 or 1). The same seed gives the same draws, whatever the
    number of cores. A model may add groups for checks of its own; see :mod:`bayesgeo.models.criticism`.
    """

    def run(self, problem: Problem, seed: int) -> xr.DataTree:
        """Compute the posterior of ``problem``."""
        ...


def label_posterior(draws: Mapping[str, np.ndarray], problem: Problem) -> xr.Dataset:
    """Name the dimensions of raw draws ``(chain, draw, ...)`` as the problem names them.

    Examples
    --------
    >>> problem = Problem(build=None, data={}, dims={"weight": ("feature",)}, key=(),
    ...                   coords={"feature": ["magnitude", "hour"]})
    >>> label_posterior({"weight": np.zeros((4, 10, 2))}, problem)["weight"].dims
    ('chain', 'draw', 'feature')
    """
    variables = {name: (("chain", "draw", *dims), draws[name]) for name, dims in problem.dims.items()}
    first = next(iter(variables.values()))[1]
    used = {dim for dims in problem.dims.values() for dim in dims}
    coords: dict[str, Any] = {"chain": np.arange(first.shape[0]), "draw": np.arange(first.shape[1])}
    coords |= {name: list(labels) for name, labels in problem.coords.items() if name in used}
    return xr.Dataset(variables, coords=coords)
